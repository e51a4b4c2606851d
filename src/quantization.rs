//! How stored integers stand for real numbers.

use crate::tensor::{DType, Shape, View, ViewMut};

/// `real = scale * (stored - zero_point)`, for the whole tensor or for each slice along `axis`.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantization {
    /// One value, or one per slice along `axis`.
    pub scale: Vec<f32>,
    /// As many as `scale`.
    pub zero_point: Vec<i64>,
    /// The axis of per-channel parameters; without meaning when there is one scale.
    pub axis: usize,
}

impl Quantization {
    /// One scale and zero point for a whole tensor.
    pub fn per_tensor(scale: f32, zero_point: i64) -> Quantization {
        Quantization { scale: vec![scale], zero_point: vec![zero_point], axis: 0 }
    }
}

/// Elements of a tensor of that shape between one scale and the next; 1 where there is one scale or none.
pub(crate) fn slice_len(shape: &Shape, quantization: Option<&Quantization>) -> usize {
    match quantization {
        Some(q) if q.scale.len() > 1 => shape.dims()[q.axis + 1..].iter().product(),
        _ => 1,
    }
}

/// The parameters of each element of a tensor, found without allocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scales<'a> {
    quantization: Option<&'a Quantization>,
    /// Elements of a slice along the axis of per-channel parameters.
    inner: usize,
}

impl<'a> Scales<'a> {
    /// Of a tensor of that shape, whose quantization was checked.
    pub fn new(shape: &Shape, quantization: Option<&'a Quantization>) -> Scales<'a> {
        Scales { quantization, inner: slice_len(shape, quantization) }
    }

    /// `(scale, zero point)` of element `i`; `(1, 0)` where nothing is quantized.
    pub fn at(&self, i: usize) -> (f64, f64) {
        match self.quantization {
            None => (1.0, 0.0),
            Some(q) => {
                let slice = if q.scale.len() == 1 { 0 } else { i / self.inner % q.scale.len() };
                (q.scale[slice] as f64, q.zero_point[slice] as f64)
            }
        }
    }

    /// Whether anything is quantized.
    pub fn is_given(&self) -> bool {
        self.quantization.is_some()
    }

    /// Whether equal stored values stand for equal real ones.
    pub fn same_as(&self, other: &Scales) -> bool {
        self.quantization == other.quantization
    }
}

/// The real numbers that a tensor quantized as a whole can hold: `scale * (stored - zero_point)`
/// for all integers `stored` from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Step from one to the next, above 0.
    pub scale: f32,
    /// The stored value of 0, from `low` to `high`.
    pub zero_point: i32,
    /// The lowest stored value.
    pub low: i32,
    /// The highest stored value.
    pub high: i32,
    /// Where halves go.
    pub halves: Halves,
}

/// Where a number goes that lies exactly between two stored values: in TFLite's kernels this differs
/// from operator to operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Halves {
    /// Away from the zero point.
    #[default]
    FromZeroPoint,
    /// Away from the stored value 0.
    FromStoredZero,
    /// To the higher of the two.
    Up,
    /// To the one that is an even number of steps from the zero point.
    Even,
    /// To the higher of the two, as FAKE_QUANT does it: steps are counted from the lowest value, in
    /// float32, so that what is nearly a half goes where TFLite's rounding of floats sends it.
    UpFromLowest,
}

impl Halves {
    /// The nearest whole number of steps from the zero point.
    pub fn round(self, steps: f64, zero_point: f64) -> f64 {
        match self {
            Halves::FromZeroPoint => steps.round(),
            Halves::FromStoredZero => (steps + zero_point).round() - zero_point,
            Halves::Up | Halves::UpFromLowest => (steps + 0.5).floor(),
            Halves::Even => steps.round_ties_even(),
        }
    }
}

impl Grid {
    /// Of a tensor of that type with one scale, halves rounded away from its zero point; `None`
    /// where there is none.
    pub fn of(dtype: DType, quantization: Option<&Quantization>) -> Option<Grid> {
        let (low, high) = dtype.stored_range()?;
        match quantization {
            Some(Quantization { scale, zero_point, .. }) if scale.len() == 1 => {
                let zero_point = zero_point[0].clamp(low as i64, high as i64) as i32;
                Some(Grid { scale: scale[0], zero_point, low, high, halves: Halves::default() })
            }
            _ => None,
        }
    }

    /// The grid of FAKE_QUANT: `2^bits` values from `min` to `max`, moved so that 0 is one of
    /// them (TFLite's `NudgeQuantizationRange`). With `narrow_range` the lowest value is left out.
    pub fn nudged(min: f32, max: f32, bits: u32, narrow_range: bool) -> Grid {
        let (low, high) = (i32::from(narrow_range), (1 << bits) - 1);
        let scale = (max - min) / (high - low) as f32;
        let zero_point = low as f32 - min / scale;
        let zero_point = zero_point.clamp(low as f32, high as f32).round() as i32;
        Grid { scale, zero_point, low, high, halves: Halves::UpFromLowest }
    }

    /// The lowest and the highest number, in float32.
    pub fn range(&self) -> [f32; 2] {
        [self.low, self.high].map(|stored| (stored - self.zero_point) as f32 * self.scale)
    }

    /// The numbers that stored values stand for.
    ///
    /// # Panics
    /// When the lengths differ, or the type is one that is never quantized.
    pub fn load(&self, stored: View<'_>, reals: &mut [f32]) {
        fn each<T: Copy + Into<i32>>(stored: &[T], reals: &mut [f32], grid: &Grid) {
            assert_eq!(stored.len(), reals.len());
            for (real, &q) in reals.iter_mut().zip(stored) {
                *real = (q.into() - grid.zero_point) as f32 * grid.scale;
            }
        }
        match stored {
            View::I8(v) => each(v, reals, self),
            View::U8(v) => each(v, reals, self),
            View::I16(v) => each(v, reals, self),
            other => panic!("{} is never quantized", other.dtype()),
        }
    }

    /// Stores the nearest value of each number. What lies less than 2e-5 of a step below a half
    /// counts as one: sums of a few multiples of a step often end there, up to the rounding of
    /// floats.
    ///
    /// # Panics
    /// As [`Grid::load`].
    pub fn store(&self, reals: &[f32], stored: ViewMut<'_>) {
        fn each<T>(reals: &[f32], stored: &mut [T], grid: &Grid, narrow: impl Fn(i32) -> T) {
            assert_eq!(stored.len(), reals.len());
            let (steps_per_one, zero) = (1.0 / grid.scale, grid.zero_point as f32);
            let (low, high) = (grid.low as f32 - zero, grid.high as f32 - zero);
            for (q, &real) in stored.iter_mut().zip(reals) {
                let steps = real * steps_per_one;
                // NaN becomes the lowest value.
                let steps = if steps > low { steps.min(high) } else { low };
                // `as` cuts the fraction off.
                *q = narrow((steps + 0.50002f32.copysign(steps)) as i32 + grid.zero_point);
            }
        }
        match stored {
            ViewMut::I8(v) => each(reals, v, self, |q| q as i8),
            ViewMut::U8(v) => each(reals, v, self, |q| q as u8),
            ViewMut::I16(v) => each(reals, v, self, |q| q as i16),
            other => panic!("{} is never quantized", other.as_view().dtype()),
        }
    }

    /// The nearest value; the lowest for NaN.
    pub fn nearest(&self, real: f64) -> f64 {
        if self.halves == Halves::UpFromLowest {
            let [lowest, highest] = self.range();
            let steps = ((real as f32).max(lowest).min(highest) - lowest) * (1.0 / self.scale);
            return f64::from((steps + 0.5).floor() * self.scale + lowest);
        }
        let zero_point = self.zero_point as f64;
        let stored = self.halves.round(real / self.scale as f64, zero_point) + zero_point;
        (stored.max(self.low as f64).min(self.high as f64) - zero_point) * self.scale as f64
    }
}

/// How much larger a convolution's int16 results are than the sums they stand for: TFLite multiplies
/// the sums, in steps of `scale_of_sum`, by [`sixteen_bits`] of the factor that makes steps of
/// `scale_of_result` of them; that is up to half a step of int16.
pub(crate) fn int16_excess(scale_of_sum: f64, scale_of_result: f64) -> f64 {
    let factor = scale_of_sum / scale_of_result;
    if factor.is_normal() { sixteen_bits(factor) / factor } else { 1.0 }
}

/// A factor above 0 as TFLite has it where it multiplies integers of 64 bits: with 16 significant bits
/// (`MultiplyByQuantizedMultiplier` of an int64).
pub(crate) fn sixteen_bits(factor: f64) -> f64 {
    // factor = fraction * 2^exponent, with a fraction from 1/2 up to 1: first 31 bits of it, then 15.
    let exponent = factor.log2().floor() as i32 + 1;
    let fraction = (factor / 2f64.powi(exponent) * 2f64.powi(31)).round() / 2f64.powi(16);
    let largest = f64::from(i16::MAX);
    let rounded = if fraction < largest || fraction == largest + 1.0 {
        (fraction + 0.5).floor()
    } else {
        largest
    };
    rounded / 2f64.powi(15) * 2f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_have_sixteen_bits() {
        let excess = |factor| int16_excess(factor, 1.0);
        assert_eq!([excess(0.25), excess(1.0), excess(0.0), excess(3.0)], [1.0; 4]);
        // 2^14 + 0.75 becomes 2^14 + 1; the largest fraction is 32767 / 32768.
        assert_eq!(excess(16384.75), 16385.0 / 16384.75);
        assert_eq!(excess(32767.75), 32767.0 / 32767.75);
    }

    #[test]
    fn a_grid_holds_what_the_type_can_store() {
        let quantization = Quantization::per_tensor(0.5, -128);
        let grid = Grid::of(DType::I8, Some(&quantization)).unwrap();
        for (real, nearest) in [(0.0, 0.0), (0.24, 0.0), (0.25, 0.5), (-1.0, 0.0), (1e9, 127.5)] {
            assert_eq!(grid.nearest(real), nearest, "{real}");
        }
        // Halfway between stored -128 and -127.
        let from_zero = Grid { halves: Halves::FromStoredZero, ..grid };
        assert_eq!(from_zero.nearest(0.25), 0.0);
        assert_eq!(Grid::of(DType::F32, Some(&quantization)), None);
        assert_eq!(Grid::of(DType::I8, None), None);
    }

    #[test]
    fn halves_go_where_they_are_sent() {
        let from = |halves: Halves| [-1.5, -0.5, 0.5, 1.5].map(|x| halves.round(x, -1.0));
        assert_eq!(from(Halves::FromZeroPoint), [-2.0, -1.0, 1.0, 2.0]);
        assert_eq!(from(Halves::FromStoredZero), [-2.0, -1.0, 0.0, 2.0]);
        assert_eq!(from(Halves::Up), [-1.0, 0.0, 1.0, 2.0]);
        assert_eq!(from(Halves::Even), [-2.0, 0.0, 0.0, 2.0]);
    }

    #[test]
    fn what_is_stored_is_loaded_as_the_nearest_value() {
        let quantization = Quantization::per_tensor(0.5, 3);
        let reals = [0.0, 0.2, 0.25, -0.25, 1e9, -1e9, f32::NAN];
        let mut loaded = [9.0; 7];
        let mut bytes = [9u8; 7];
        let grid = Grid::of(DType::U8, Some(&quantization)).unwrap();
        grid.store(&reals, ViewMut::U8(&mut bytes));
        assert_eq!(bytes, [3, 3, 4, 2, 255, 0, 0]);
        grid.load(View::U8(&bytes), &mut loaded);
        assert_eq!(loaded, [0.0, 0.0, 0.5, -0.5, 126.0, -1.5, -1.5]);
        let mut words = [9i16; 7];
        let grid = Grid::of(DType::I16, Some(&Quantization::per_tensor(0.5, 0))).unwrap();
        grid.store(&reals, ViewMut::I16(&mut words));
        assert_eq!(words, [0, 0, 1, -1, 32767, -32768, -32768]);
    }

    #[test]
    fn a_nudged_range_contains_zero() {
        let grid = Grid::nudged(-1.05, 1.0, 8, false);
        assert_eq!((grid.low, grid.high, grid.zero_point), (0, 255, 131));
        let grid = Grid::nudged(2.0, 4.0, 4, true);
        assert_eq!((grid.low, grid.high, grid.zero_point), (1, 15, 1));
    }

    #[test]
    fn scales_follow_their_axis() {
        let q = Quantization { scale: vec![1.0, 2.0, 3.0], zero_point: vec![0, 1, 2], axis: 1 };
        let shape = Shape::new([2, 3, 2]).unwrap();
        let scales = Scales::new(&shape, Some(&q));
        let at: Vec<f64> = (0..12).map(|i| scales.at(i).0).collect();
        assert_eq!(at, [1., 1., 2., 2., 3., 3., 1., 1., 2., 2., 3., 3.]);
    }
}
