//! How stored integers stand for real numbers.

use crate::tensor::{DType, Shape};

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
        let inner = match quantization {
            Some(q) if q.scale.len() > 1 => shape.dims()[q.axis + 1..].iter().product(),
            _ => 1,
        };
        Scales { quantization, inner }
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
    /// The stored value that halves are rounded away from: `zero_point`, or 0 where TFLite averages
    /// stored values.
    pub halves_from: i32,
}

impl Grid {
    /// Of a tensor of that type with one scale, halves rounded away from 0; `None` where there is
    /// none.
    pub fn of(dtype: DType, quantization: Option<&Quantization>) -> Option<Grid> {
        let (low, high) = dtype.stored_range()?;
        match quantization {
            Some(Quantization { scale, zero_point, .. }) if scale.len() == 1 => {
                let zero_point = zero_point[0].clamp(low as i64, high as i64) as i32;
                Some(Grid { scale: scale[0], zero_point, low, high, halves_from: zero_point })
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
        Grid { scale, zero_point, low, high, halves_from: zero_point }
    }

    /// The nearest value.
    pub fn nearest(&self, real: f64) -> f64 {
        let (zero_point, from) = (self.zero_point as f64, self.halves_from as f64);
        let stored = (real / self.scale as f64 + zero_point - from).round() + from;
        (stored.clamp(self.low as f64, self.high as f64) - zero_point) * self.scale as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_holds_what_the_type_can_store() {
        let quantization = Quantization::per_tensor(0.5, -128);
        let grid = Grid::of(DType::I8, Some(&quantization)).unwrap();
        for (real, nearest) in [(0.0, 0.0), (0.24, 0.0), (0.25, 0.5), (-1.0, 0.0), (1e9, 127.5)] {
            assert_eq!(grid.nearest(real), nearest, "{real}");
        }
        // Halfway between stored -128 and -127.
        assert_eq!(Grid { halves_from: 0, ..grid }.nearest(0.25), 0.0);
        assert_eq!(Grid::of(DType::F32, Some(&quantization)), None);
        assert_eq!(Grid::of(DType::I8, None), None);
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
