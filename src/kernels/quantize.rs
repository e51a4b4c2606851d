//! Between float32 and the stored values of quantized tensors.

use super::activation::map;
use super::{Args, Kernel};
use crate::simd::{Native, Vector};
use crate::tensor::{Grid, View, ViewMut};
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

/// Each value becomes the nearest of the grid.
#[inline(never)]
fn round<V: Vector>(grid: Grid, values: &mut [f32]) {
    let Grid { scale, zero_point, low, high, halves_from } = grid;
    // In steps from `halves_from`.
    let steps_per_one = V::splat(1.0 / scale);
    let zero = V::splat((zero_point - halves_from) as f32);
    let (lowest, highest) =
        (V::splat((low - halves_from) as f32), V::splat((high - halves_from) as f32));
    map::<V>(values, |x| {
        let steps = x.mul_add(steps_per_one, zero).clamp(lowest, highest);
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
        let Grid { scale, zero_point, .. } = self.grid;
        let real = |stored: i32| (stored - zero_point) as f32 * scale;
        match input {
            View::I8(v) => output.iter_mut().zip(&v[span]).for_each(|(y, &q)| *y = real(q.into())),
            View::U8(v) => output.iter_mut().zip(&v[span]).for_each(|(y, &q)| *y = real(q.into())),
            View::I16(v) => output.iter_mut().zip(&v[span]).for_each(|(y, &q)| *y = real(q.into())),
            other => panic!("cannot dequantize {}", other.dtype()),
        }
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
        let Grid { scale, zero_point, low, high, .. } = self.grid;
        let (steps_per_one, zero) = (1.0 / scale, zero_point as f32);
        let stored = |x: f32| {
            let steps = (x * steps_per_one).clamp(low as f32 - zero, high as f32 - zero);
            // As in `nearest_integer`; `as` cuts the fraction off.
            (steps + 0.5001f32.copysign(steps)) as i32 + zero_point
        };
        match &mut args.outputs[0] {
            ViewMut::I8(v) => v.iter_mut().zip(input).for_each(|(q, &x)| *q = stored(x) as i8),
            ViewMut::U8(v) => v.iter_mut().zip(input).for_each(|(q, &x)| *q = stored(x) as u8),
            ViewMut::I16(v) => v.iter_mut().zip(input).for_each(|(q, &x)| *q = stored(x) as i16),
            other => panic!("cannot quantize to {}", other.as_view().dtype()),
        }
    }
}
