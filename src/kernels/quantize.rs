//! Between float32 and the stored values of quantized tensors.

use super::activation::map;
use super::{Args, Kernel};
use crate::simd::{Native, Vector};
use crate::tensor::{Grid, ViewMut};
use std::ops::Range;

/// Elements of a unit.
const UNIT: usize = 4096;

/// Any kernel with float32 outputs, each rounded to what a quantized tensor could hold while it is
/// in the cache.
pub struct Rounded {
    inner: Box<dyn Kernel>,
    grid: Grid,
}

impl Rounded {
    /// Rounds what `inner` makes.
    pub fn new(inner: Box<dyn Kernel>, grid: Grid) -> Rounded {
        Rounded { inner, grid }
    }
}

impl Kernel for Rounded {
    fn name(&self) -> String {
        format!("{}, rounded", self.inner.name())
    }

    fn units(&self) -> usize {
        self.inner.units()
    }

    fn span(&self, output: usize, units: Range<usize>) -> Range<usize> {
        self.inner.span(output, units)
    }

    fn scratch(&self) -> usize {
        self.inner.scratch()
    }

    fn weight_bytes(&self) -> usize {
        self.inner.weight_bytes()
    }

    fn in_place(&self) -> &[usize] {
        self.inner.in_place()
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let Args { inputs, outputs, scratch } = args;
        self.inner.run(units, Args { inputs, outputs: &mut *outputs, scratch });
        for output in outputs {
            let ViewMut::F32(values) = output else { panic!("only float32 is rounded") };
            round::<Native>(self.grid, values);
        }
    }
}

/// Each value becomes the nearest of the grid, NaN the lowest.
#[inline(never)]
fn round<V: Vector>(grid: Grid, values: &mut [f32]) {
    let Grid { scale, zero_point, low, high, halves_from } = grid;
    // In steps from `halves_from`.
    let steps_per_one = V::splat(1.0 / scale);
    let zero = V::splat((zero_point - halves_from) as f32);
    let (lowest, highest) =
        (V::splat((low - halves_from) as f32), V::splat((high - halves_from) as f32));
    map::<V>(values, |x| {
        let steps = x.mul_add(steps_per_one, zero);
        // Not `at_least`, which lets NaN through.
        let steps = lowest.if_less(steps, steps, lowest).at_most(highest);
        nearest_integer(steps).sub(zero).mul(V::splat(scale))
    });
}

/// For |x| up to 2^17, halves away from zero. Sums of a few multiples of a step often end exactly
/// between two, up to the rounding of floats, so what lies less than 1e-4 below a half counts as one.
#[inline(always)]
fn nearest_integer<V: Vector>(x: V) -> V {
    // Adding 2^23 leaves no bits for fractions: rounds, and halves to even.
    const WHOLE: f32 = 8_388_608.0;
    let size = x.abs();
    let even = size.add(V::splat(WHOLE)).sub(V::splat(WHOLE));
    let up = even.add(V::splat(1.0));
    let rounded = size.sub(even).if_less(V::splat(0.4999), even, up);
    x.if_less(V::splat(0.0), V::splat(0.0).sub(rounded), rounded)
}

/// Stored values of type int8, uint8 or int16 to float32; a unit is 4096 elements.
pub struct Dequantize {
    elements: usize,
    grid: Grid,
}

impl Dequantize {
    /// Of so many elements.
    pub fn new(elements: usize, grid: Grid) -> Dequantize {
        Dequantize { elements, grid }
    }
}

/// Elements that some units cover.
fn span(elements: usize, units: Range<usize>) -> Range<usize> {
    (units.start * UNIT).min(elements)..(units.end * UNIT).min(elements)
}

impl Kernel for Dequantize {
    fn name(&self) -> String {
        "dequantize".to_string()
    }

    fn units(&self) -> usize {
        self.elements.div_ceil(UNIT)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        span(self.elements, units)
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let input = args.inputs[0].expect("an operand of its own");
        assert_eq!(input.len(), self.elements, "elements of operand 0");
        let span = span(self.elements, units);
        let output = args.output(span.clone());
        self.grid.load(input.slice(span), output);
    }
}

/// Float32 to stored values of type int8, uint8 or int16; a unit is 4096 elements.
pub struct Quantize {
    elements: usize,
    grid: Grid,
}

impl Quantize {
    /// Of so many elements.
    pub fn new(elements: usize, grid: Grid) -> Quantize {
        Quantize { elements, grid }
    }
}

impl Kernel for Quantize {
    fn name(&self) -> String {
        "quantize".to_string()
    }

    fn units(&self) -> usize {
        self.elements.div_ceil(UNIT)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        span(self.elements, units)
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let span = span(self.elements, units);
        let input = &args.input(0, self.elements)[span];
        self.grid.store(input, args.outputs[0].reborrow());
    }
}
