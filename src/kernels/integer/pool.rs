//! Averages and maxima of 8-bit integers over windows. Input and result have one scale: stored values are
//! joined as they are.

use super::{Bytes, output_bytes};
use crate::kernels::window::Axis;
use crate::kernels::{Args, Kernel, PoolSpec};
use crate::simd::{Integers, NativeIntegers, WORDS};
use crate::tensor::Grid;
use std::ops::Range;

/// AVERAGE_POOL_2D or MAX_POOL_2D; a unit is one row of the output. Operand 0 is `[n, h, w, c]`, the
/// output `[n, oh, ow, c]`.
pub struct IntegerPool {
    max: bool,
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    channels: usize,
    low: i32,
    high: i32,
}

impl IntegerPool {
    /// `grid` is what the result can hold, after its activation; that of the spec is not looked at.
    ///
    /// # Panics
    /// When a stride or an extent of the window is 0.
    pub fn new(spec: PoolSpec, max: bool, grid: Grid) -> IntegerPool {
        let [batch, _, _, channels] = spec.input;
        IntegerPool { max, batch, axes: spec.axes(), channels, low: grid.low, high: grid.high }
    }

    /// Eight channels from `channel` on of the pixels `ys` and `xs` of the image at element `image`: sums, or
    /// the largest.
    #[inline(always)]
    fn eight(
        &self,
        input: Bytes,
        image: usize,
        [ys, xs]: [&Range<usize>; 2],
        channel: usize,
    ) -> [NativeIntegers; 2] {
        type V = NativeIntegers;
        let nothing = V::splat(0);
        let (mut sums, mut largest) = ([nothing; 2], V::splat_words(i16::MIN));
        for y in ys.clone() {
            for x in xs.clone() {
                let at = image + (y * self.axes[1].input + x) * self.channels + channel;
                let words = input.words(at);
                if self.max {
                    largest = largest.max_words(words);
                } else {
                    let [a, b] = words.to_lanes();
                    sums = [sums[0].add(a), sums[1].add(b)];
                }
            }
        }
        if self.max { largest.to_lanes() } else { sums }
    }

    /// The same of one channel.
    fn one(&self, input: Bytes, image: usize, [ys, xs]: [&Range<usize>; 2], channel: usize) -> i32 {
        let row = |y: usize| image + y * self.axes[1].input * self.channels + channel;
        let values = ys.clone().flat_map(|y| xs.clone().map(move |x| (y, x)));
        let values = values.map(|(y, x)| input.at(row(y) + x * self.channels));
        if self.max { values.max().unwrap_or(self.low) } else { values.sum() }
    }

    /// What is stored of the join of `count` pixels. TFLite rounds halves away from the stored 0.
    fn stored(&self, joined: i32, count: i32) -> u8 {
        let stored = match (self.max, joined > 0) {
            (true, _) => joined,
            (false, true) => (joined + count / 2) / count,
            (false, false) => (joined - count / 2) / count,
        };
        stored.clamp(self.low, self.high) as u8
    }
}

impl Kernel for IntegerPool {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        let what = if self.max { "max" } else { "average" };
        format!("{what} pool {}x{} s{}, integer", rows.kernel, columns.kernel, columns.stride)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.channels;
        units.start * row..units.end * row
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let ([rows, columns], c) = (self.axes, self.channels);
        let image = rows.input * columns.input * c;
        let input = Bytes::of(args.inputs[0], self.batch * image);
        let row = columns.output * c;
        let output = output_bytes(args.outputs, units.len() * row);
        for (unit, out) in units.zip(output.chunks_exact_mut(row)) {
            let (image, y) = (unit / rows.output * image, unit % rows.output);
            let ys = rows.inside(y);
            for (x, pixel) in out.chunks_exact_mut(c).enumerate() {
                let xs = columns.inside(x);
                let count = (ys.len() * xs.len()).max(1) as i32;
                let whole = c / WORDS * WORDS;
                for channel in (0..whole).step_by(WORDS) {
                    let joined = self.eight(input, image, [&ys, &xs], channel);
                    let out = &mut pixel[channel..channel + WORDS];
                    if self.max {
                        let [low, high] = [self.low, self.high].map(NativeIntegers::splat);
                        let [first, second] = joined.map(|lanes| lanes.limit(low, high));
                        // SAFETY: there are eight bytes.
                        unsafe { first.store_bytes(second, out.as_mut_ptr()) };
                    } else {
                        let joined = joined.map(NativeIntegers::to_array);
                        out.iter_mut()
                            .zip(joined.as_flattened())
                            .for_each(|(y, &joined)| *y = self.stored(joined, count));
                    }
                }
                for (i, out) in pixel[whole..].iter_mut().enumerate() {
                    let joined = self.one(input, image, [&ys, &xs], whole + i);
                    *out = self.stored(joined, count);
                }
            }
        }
    }
}
