//! Planes of bytes → some rows of another size, in the manner of PIL's
//! `Image.resize(..., BILINEAR)`: a triangle filter, as wide as two source pixels or, when
//! shrinking, as two target pixels, so that no source pixel is left out. What is drawn does not
//! depend on browser or machine.
//!
//! Rows are joined first: that loop runs over contiguous bytes. Columns are then joined for eight
//! rows of the target at a time. All of it in integers, to within 1/100 of a byte's step.

use super::frame::Plane;
use crate::simd::{
    ColumnPair, Native, ROWS, SHIFT, WORDS, column_pairs, weigh_columns, weigh_rows,
};

/// Weights are parts of this, and those of one target pixel sum to it.
const ONE: f64 = 16384.0;

/// What [`Axis::join_columns`] makes of a byte of 1.
pub const UNIT: f32 = (ONE * ONE) as f32 / (1 << SHIFT) as f32;

/// Bytes of a row that are joined at a time: few enough for the processor's first cache.
const PART: usize = 512;

/// Room for that part of the rows that are made together.
pub type Part = [[i16; PART]; ROWS];

/// Which source pixels make each target pixel along one axis, and with what weights.
#[derive(Debug)]
pub struct Axis {
    target: usize,
    /// Pixels, and how many of them the target covers. 0 before the first frame.
    source: (usize, f64),
    /// Of each target pixel: its first source pixel, and where its weights end.
    spans: Vec<(usize, usize)>,
    /// Weights of neighbouring source pixels, in pairs.
    weights: Vec<[i16; 2]>,
    /// Whether pairs begin at even pixels.
    even: bool,
}

impl Axis {
    /// Of rows, to so many of them.
    pub fn rows(target: usize) -> Axis {
        Axis { target, source: (0, 0.0), spans: Vec::new(), weights: Vec::new(), even: false }
    }

    /// Of columns, which lie in memory as pairs.
    pub fn columns(target: usize) -> Axis {
        Axis { even: true, ..Axis::rows(target) }
    }

    /// Pixels of the target.
    pub fn target(&self) -> usize {
        self.target
    }

    /// First source pixel of target pixel `i`, and the weights from there on.
    #[inline(always)]
    fn taps(&self, i: usize) -> (usize, &[[i16; 2]]) {
        let start = if i == 0 { 0 } else { self.spans[i - 1].1 };
        let (first, end) = self.spans[i];
        (first, &self.weights[start..end])
    }

    /// Computes the weights for a source of that many pixels, unless they are those in place: as
    /// PIL's `precompute_coeffs`. `extent` is how many pixels the target covers: a plane with half
    /// as many columns as the frame may end with half a pixel.
    pub fn prepare(&mut self, source: usize, extent: f64) {
        if self.source == (source, extent) {
            return;
        }
        self.source = (source, extent);
        self.spans.clear();
        self.weights.clear();
        let scale = extent / self.target as f64;
        // Half the width of the triangle, in source pixels.
        let support = scale.max(1.0);
        for i in 0..self.target {
            let center = (i as f64 + 0.5) * scale;
            // Pixels whose centres lie inside the triangle.
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(source);
            let weight = |x: usize| (1.0 - ((x as f64 + 0.5 - center) / support).abs()).max(0.0);
            let total: f64 = (first..end).map(weight).sum();
            // What rounding takes from one weight goes to the next.
            let mut sum = 0.0;
            let mut part = |x: usize| {
                let before = (sum / total * ONE).round();
                sum += if (first..end).contains(&x) { weight(x) } else { 0.0 };
                ((sum / total * ONE).round() - before) as i16
            };
            let start = if self.even { first / 2 * 2 } else { first };
            self.weights.extend((start..end).step_by(2).map(|x| [part(x), part(x + 1)]));
            self.spans.push((start, self.weights.len()));
        }
    }

    /// Joins rows of `plane` to the rows `first..first + ROWS` of the target, beyond the last of
    /// which that one is repeated. `joined` is what [`joined_pairs`] says: all of the first
    /// channel, then all of the next.
    pub fn join_rows(
        &self,
        plane: &Plane<'_>,
        first: usize,
        part: &mut Part,
        joined: &mut [ColumnPair],
    ) {
        let stride = plane.width * plane.channels;
        let channel = joined.len() / plane.channels;
        for start in (0..stride).step_by(PART) {
            let length = PART.min(stride - start);
            for (r, sums) in part.iter_mut().enumerate() {
                let (row, weights) = self.taps((first + r).min(self.target - 1));
                let bytes = &plane.bytes[row * stride + start..];
                weigh_rows(bytes, stride, weights, &mut sums[..length]);
            }
            for at in (0..length).step_by(WORDS) {
                let rows = part.each_ref().map(|row| words(row, at));
                let pairs = match plane.channels {
                    1 => column_pairs::<1>(rows),
                    2 => column_pairs::<2>(rows),
                    _ => column_pairs::<4>(rows),
                };
                // Those of the same channel.
                let (each, pair) = (4 / plane.channels, (start + at) / (2 * plane.channels));
                for (c, pairs) in pairs.chunks_exact(each).enumerate() {
                    joined[c * channel + pair..][..each].copy_from_slice(pairs);
                }
            }
        }
    }

    /// Column `x` of the target, of one channel's joined rows; see [`UNIT`].
    #[inline(always)]
    pub fn join_columns(&self, x: usize, joined: &[ColumnPair]) -> [Native; 2] {
        let (first, weights) = self.taps(x);
        weigh_columns(&joined[first / 2..], weights)
    }
}

#[inline(always)]
fn words(row: &[i16; PART], at: usize) -> &[i16; WORDS] {
    // Parts are whole words.
    row[at..].first_chunk().unwrap_or(&[0; WORDS])
}

/// Pairs of columns of a plane's joined rows: each channel ends with whole words.
pub fn joined_pairs(plane: &Plane<'_>) -> usize {
    (plane.width * plane.channels).div_ceil(WORDS) * WORDS / 2
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn weights_are_an_average(
            source in 1usize..300, target in 1usize..300, half in any::<bool>(), even in any::<bool>(),
        ) {
            let extent = source as f64 - if half { 0.5 } else { 0.0 };
            let mut axis = if even { Axis::columns(target) } else { Axis::rows(target) };
            axis.prepare(source, extent);
            let mut covered = vec![0; source + 2];
            for i in 0..target {
                let (first, pairs) = axis.taps(i);
                let weights = pairs.as_flattened();
                prop_assert_eq!(weights.iter().map(|&w| i32::from(w)).sum::<i32>(), ONE as i32);
                prop_assert!(weights.iter().all(|&w| w >= 0));
                prop_assert!(!even || first % 2 == 0);
                for (k, &w) in weights.iter().enumerate() {
                    covered[first + k] += i32::from(w);
                }
            }
            // When shrinking, each source pixel counts; when enlarging, those at the ends may not.
            if target <= source {
                prop_assert!(covered[..source].iter().all(|&w| w > 0));
            }
            prop_assert_eq!(&covered[source..], [0, 0]);
        }
    }
}
