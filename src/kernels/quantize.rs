//! Between float32 and the stored values of quantized tensors.

use super::activation::map;
use super::integer::{limits, output_bytes};
use super::{Args, Kernel};
use crate::simd::{LANES, Native, Vector};
use crate::tensor::{Grid, Halves, ViewMut};
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
    match grid.halves {
        Halves::FromZeroPoint => round_with::<V>(grid, grid.zero_point, values, from_zero),
        Halves::FromStoredZero => round_with::<V>(grid, 0, values, from_zero),
        Halves::Up => round_with::<V>(grid, 0, values, |x| up(x, NEARLY_HALF)),
        Halves::Even => round_with::<V>(grid, grid.zero_point, values, even),
        Halves::UpFromLowest => round_from_lowest::<V>(grid, values),
    }
}

/// As TFLite's FAKE_QUANT, operation by operation.
#[inline(always)]
fn round_from_lowest<V: Vector>(grid: Grid, values: &mut [f32]) {
    let [lowest, highest] = grid.range().map(V::splat);
    let (scale, steps_per_one) = (V::splat(grid.scale), V::splat(1.0 / grid.scale));
    map::<V>(values, |x| {
        // Not `at_least`, which lets NaN through.
        let limited = lowest.if_less(x, x, lowest).at_most(highest);
        up(limited.sub(lowest).mul(steps_per_one), 0.5).mul(scale).add(lowest)
    });
}

/// `nearest` rounds numbers of steps from the stored value `origin`.
#[inline(always)]
fn round_with<V: Vector>(grid: Grid, origin: i32, values: &mut [f32], nearest: impl Fn(V) -> V) {
    let steps_per_one = V::splat(1.0 / grid.scale);
    let zero = V::splat((grid.zero_point - origin) as f32);
    let lowest = V::splat((grid.low - origin) as f32);
    let highest = V::splat((grid.high - origin) as f32);
    map::<V>(values, |x| {
        let steps = x.mul_add(steps_per_one, zero);
        // Not `at_least`, which lets NaN through.
        let steps = lowest.if_less(steps, steps, lowest).at_most(highest);
        nearest(steps).sub(zero).mul(V::splat(grid.scale))
    });
}

/// Sums of a few multiples of a step often end exactly between two, up to the rounding of floats:
/// what lies less than 2e-5 below a half counts as one.
const NEARLY_HALF: f32 = 0.49998;

/// The nearest integer for |x| up to 2^17, halves to even.
#[inline(always)]
fn even<V: Vector>(x: V) -> V {
    // Adding 1.5 * 2^23 leaves no bits for fractions.
    const WHOLE: f32 = 12_582_912.0;
    x.add(V::splat(WHOLE)).sub(V::splat(WHOLE))
}

/// The nearest integer for |x| up to 2^17; fractions from `half` on go upwards.
#[inline(always)]
fn up<V: Vector>(x: V, half: f32) -> V {
    let even = even(x);
    x.sub(even).if_less(V::splat(half), even, even.add(V::splat(1.0)))
}

/// The nearest integer for |x| up to 2^17, halves and nearly halves away from zero.
#[inline(always)]
fn from_zero<V: Vector>(x: V) -> V {
    let rounded = up(x.abs(), NEARLY_HALF);
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
        let input = &args.input(0, self.elements)[span.clone()];
        match &mut *args.outputs {
            [ViewMut::I16(_)] => self.grid.store(input, args.outputs[0].reborrow()),
            _ => store_bytes::<Native>(self.grid, input, output_bytes(args.outputs, span.len())),
        }
    }
}

/// As XNNPACK stores int8 and uint8: halves to even; NaN becomes the lowest value.
fn store_bytes<V: Vector>(grid: Grid, reals: &[f32], stored: &mut [u8]) {
    let (steps_per_one, limits) = (V::splat(1.0 / grid.scale), limits(grid));
    let mut bytes = [0; LANES];
    for (reals, stored) in reals.chunks(LANES).zip(stored.chunks_mut(LANES)) {
        // SAFETY: a whole chunk has four floats, any other one as many as its length says; there
        // is room for four bytes.
        unsafe {
            match stored.len() {
                LANES => {
                    V::load(reals.as_ptr()).store_steps(steps_per_one, limits, stored.as_mut_ptr())
                }
                n => {
                    let some = V::load_first(reals.as_ptr(), n);
                    some.store_steps(steps_per_one, limits, bytes.as_mut_ptr());
                    stored.copy_from_slice(&bytes[..n]);
                }
            }
        }
    }
}
