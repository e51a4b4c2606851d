//! SUM and MEAN of 8-bit integers along neighbouring axes, as XNNPACK computes them.

use super::{Bytes, output_bytes};
use crate::kernels::{Along, Args, Kernel};
use crate::simd::{Integers, LANES, NativeIntegers, WORDS};
use crate::tensor::Grid;
use std::ops::Range;

/// Neighbouring sets of a unit.
const UNIT: usize = 2 * WORDS;

/// SUM or MEAN: `[outer, extent, inner]` → `[outer, inner]`. A unit is 16 sets.
pub struct IntegerReduce {
    along: Along,
    mean: bool,
    /// What one of a sum is worth in steps of the result.
    scale: f32,
    /// The stored result of a sum of stored values that is 0.
    zero: f32,
    low: f32,
    high: f32,
}

impl IntegerReduce {
    /// Sets of more elements have sums beyond 32 bits.
    pub const MAX_EXTENT: usize = 1 << 22;

    /// # Panics
    /// When a set is empty or larger than [`IntegerReduce::MAX_EXTENT`].
    pub fn new(mean: bool, along: Along, x: Grid, y: Grid) -> IntegerReduce {
        assert!((1..=IntegerReduce::MAX_EXTENT).contains(&along.extent));
        // In float32 and in this order, as XNNPACK computes it.
        let scale = x.scale / y.scale * if mean { 1.0 / along.extent as f32 } else { 1.0 };
        let zero = y.zero_point as f32 - along.extent as f32 * x.zero_point as f32 * scale;
        IntegerReduce { along, mean, scale, zero, low: y.low as f32, high: y.high as f32 }
    }

    fn stored(&self, sum: i32) -> u8 {
        let stored = (sum as f32 * self.scale + self.zero).round_ties_even();
        stored.max(self.low).min(self.high) as i32 as u8
    }

    /// Sets that lie side by side, eight from element `first` on.
    fn eight(&self, input: Bytes, first: usize) -> [i32; WORDS] {
        let nothing = NativeIntegers::splat(0);
        let mut sums = [nothing; 2];
        for k in 0..self.along.extent {
            let [a, b] = input.words(first + k * self.along.inner).to_lanes();
            sums = [sums[0].add(a), sums[1].add(b)];
        }
        let [a, b] = sums.map(NativeIntegers::to_array);
        std::array::from_fn(|i| if i < LANES { a[i] } else { b[i - LANES] })
    }
}

impl Kernel for IntegerReduce {
    fn name(&self) -> String {
        let kind = if self.mean { "mean" } else { "sum" };
        format!("{kind} of {}, integer", self.along.extent)
    }

    fn units(&self) -> usize {
        self.along.sets().div_ceil(UNIT)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let sets = self.along.sets();
        (units.start * UNIT).min(sets)..(units.end * UNIT).min(sets)
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let Along { extent, inner, .. } = self.along;
        let input = Bytes::of(args.inputs[0], self.along.elements());
        let span = self.span(0, units);
        let output = output_bytes(args.outputs, span.len());
        let mut set = span.start;
        while set < span.end {
            let within = set % inner;
            let first = set / inner * extent * inner + within;
            let out = &mut output[set - span.start..];
            if out.len() >= WORDS && within + WORDS <= inner {
                let sums = self.eight(input, first);
                out.iter_mut().zip(sums).for_each(|(y, sum)| *y = self.stored(sum));
                set += WORDS;
            } else {
                out[0] = self.stored((0..extent).map(|k| input.at(first + k * inner)).sum());
                set += 1;
            }
        }
    }
}
