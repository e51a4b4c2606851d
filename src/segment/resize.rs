//! Planes of bytes → some rows of another size, in the manner of PIL's
//! `Image.resize(..., BILINEAR)`: a triangle filter, as wide as two source pixels or, when
//! shrinking, as two target pixels, so that no source pixel is left out. What is drawn does not
//! depend on browser or machine.
//!
//! Rows are joined first: that loop runs over contiguous bytes. Columns are then joined for eight
//! rows of the target at a time. All of it in integers: weights have 14 bits, and joined rows keep
//! seven bits below a byte's step.

use super::frame::Plane;
use crate::simd::{
    ColumnPair, LANES, Native, ROWS, SHIFT, WORDS, column_pairs, weigh_columns, weigh_rows,
};
use std::array::from_fn;

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
    /// First source pixel of each target pixel.
    first: Vec<usize>,
    /// Pairs of source pixels that make a target pixel, some with weights 0.
    count: usize,
    /// `[target][count]`.
    weights: Vec<[i16; 2]>,
    /// Whether pairs begin at even pixels.
    even: bool,
}

impl Axis {
    /// Of rows, to so many of them.
    pub fn rows(target: usize) -> Axis {
        let (first, weights) = (Vec::new(), Vec::new());
        Axis { target, source: (0, 0.0), first, count: 1, weights, even: false }
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
    fn taps(&self, i: usize) -> (usize, &[[i16; 2]]) {
        (self.first[i], &self.weights[i * self.count..][..self.count])
    }

    /// Computes the weights for a source of that many pixels, unless they are those in place: as
    /// PIL's `precompute_coeffs`. `extent` is how many pixels the target covers: a plane with half
    /// as many columns as the frame may end with half a pixel.
    pub fn prepare(&mut self, source: usize, extent: f64) {
        if self.source == (source, extent) {
            return;
        }
        self.source = (source, extent);
        self.first.clear();
        self.weights.clear();
        let scale = extent / self.target as f64;
        // Half the width of the triangle, in source pixels.
        let support = scale.max(1.0);
        // As many as lie inside, and one more where pairs begin at even pixels.
        let most = (2.0 * support).ceil() as usize + usize::from(self.even);
        self.count = most.min(source).div_ceil(2);
        let last = source.next_multiple_of(2) - 2 * self.count;
        for i in 0..self.target {
            let center = (i as f64 + 0.5) * scale;
            let weight = |x: usize| {
                let inside = 1.0 - ((x as f64 + 0.5 - center) / support).abs();
                if x < source { inside.max(0.0) } else { 0.0 }
            };
            // The first pixel whose centre lies inside the triangle, and further left at the end.
            let inside = (center - support + 0.5).max(0.0) as usize;
            let first = if self.even { inside / 2 * 2 } else { inside }.min(last);
            let total: f64 = (first..first + 2 * self.count).map(weight).sum();
            // What rounding takes from one weight goes to the next.
            let mut sum = 0.0;
            let mut part = |x: usize| {
                let before = (sum / total * ONE).round();
                sum += weight(x);
                ((sum / total * ONE).round() - before) as i16
            };
            let pairs = (0..self.count).map(|k| first + 2 * k);
            self.weights.extend(pairs.map(|x| [part(x), part(x + 1)]));
            self.first.push(first);
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
            let channels = joined.chunks_exact_mut(channel);
            match plane.channels {
                1 => pair_up::<1>(part, length, start, channels),
                2 => pair_up::<2>(part, length, start, channels),
                _ => pair_up::<4>(part, length, start, channels),
            }
        }
    }

    /// Joins columns of one channel's joined rows to those of the target; see [`UNIT`].
    pub fn join_columns(&self, joined: &[ColumnPair], columns: &mut [[Native; 2]]) {
        match self.count {
            1 => self.join_pairs::<1>(joined, columns),
            2 => self.join_pairs::<2>(joined, columns),
            3 => self.join_pairs::<3>(joined, columns),
            _ => {
                for (i, column) in columns.iter_mut().enumerate() {
                    let (first, weights) = self.taps(i);
                    *column = weigh_columns(&joined[first / 2..][..weights.len()], weights);
                }
            }
        }
    }

    /// The same for a number of pairs that is known when compiling.
    fn join_pairs<const COUNT: usize>(&self, joined: &[ColumnPair], columns: &mut [[Native; 2]]) {
        let weights = self.weights.as_chunks::<COUNT>().0;
        for ((column, &first), weights) in columns.iter_mut().zip(&self.first).zip(weights) {
            if let Some(pairs) = joined[first / 2..].first_chunk::<COUNT>() {
                *column = weigh_columns(pairs, weights);
            }
        }
    }
}

/// Sorts `length` words of joined rows, the first of them the row's word `start`, by channels and
/// pairs of columns.
fn pair_up<'a, const CHANNELS: usize>(
    part: &Part,
    length: usize,
    start: usize,
    channels: impl Iterator<Item = &'a mut [ColumnPair]>,
) {
    let each = LANES / CHANNELS;
    let mut channels =
        channels.map(|channel| channel[start / (2 * CHANNELS)..].chunks_exact_mut(each));
    let mut channels: [_; CHANNELS] = from_fn(|_| channels.next());
    for at in (0..length).step_by(WORDS) {
        // Parts are whole words.
        let rows = part.each_ref().map(|row| row[at..].first_chunk().unwrap_or(&[0; WORDS]));
        let pairs = column_pairs::<CHANNELS>(rows);
        for (pairs, channel) in pairs.chunks_exact(each).zip(&mut channels) {
            if let Some(place) = channel.as_mut().and_then(Iterator::next) {
                for (place, pair) in place.iter_mut().zip(pairs) {
                    *place = *pair;
                }
            }
        }
    }
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
