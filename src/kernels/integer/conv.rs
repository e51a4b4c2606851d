//! Convolution of 8-bit integers, of any shape, on NHWC images.
//!
//! The rows of the image that an output row needs are widened into scratch, with the padding beside
//! them, so that each window lies in scratch as a whole.

use super::panels::{Panels, Run};
use super::{Bytes, Requantize, as_words, output_bytes, scratch_floats};
use crate::kernels::window::{Axis, ConvSpec, check};
use crate::kernels::{Args, Kernel};
use crate::simd::NativeIntegers;
use std::ops::Range;

/// CONV_2D; a unit is one row of the output. Operand 0 is `[n, h, w, ci]`, the output
/// `[n, oh, ow, co]`.
pub struct IntegerConv {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    /// Input channels of all groups.
    ci: usize,
    /// Output channels of all groups.
    co: usize,
    input_zero: i32,
    /// One per group: `co / groups` columns.
    groups: Vec<Panels>,
    /// Of a window of the first group, in order of kernel rows: `row_runs` for each.
    runs: Vec<Run>,
    row_runs: usize,
    /// Pixels of a widened row.
    pixels: usize,
}

impl IntegerConv {
    /// Packs the weights, as stored. The activation is in the limits of `requantize`.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, or the filter's depth does not divide
    /// the input's.
    pub fn new(spec: ConvSpec<'_, i16, i32>, requantize: Requantize<'_>) -> IntegerConv {
        let [batch, _, _, ci] = spec.input;
        let [co, kh, kw, depth] = spec.filter_shape;
        check(&spec, co);
        assert!(depth > 0 && ci % depth == 0 && co % (ci / depth) == 0, "groups");
        let [dy_axis, columns] = spec.axes();
        // Taps of one kernel row are one run where they are neighbours in memory.
        let whole_rows = depth == ci && (columns.dilation == 1 || kw == 1);
        let row_runs = if whole_rows { 1 } else { kw };
        let len = kw / row_runs * depth;
        let n = co / (ci / depth);
        let k = kh * kw * depth;
        let zero = requantize.filter_zero as i16;
        let weight = |column: usize, i: usize| spec.filter[column * k + i] - zero;
        let groups = (0..ci / depth)
            .map(|g| {
                Panels::pack([g * n, n], [kh * row_runs, len], &weight, spec.bias, &requantize)
            })
            .collect();
        let pixels = columns.output.saturating_sub(1) * columns.stride + columns.span();
        let runs = (0..kh * row_runs)
            .map(|i| {
                let (ky, kx) = (i / row_runs, i % row_runs);
                let at = (ky * pixels + kx * columns.dilation) * ci;
                Run { at, pair: i * len.div_ceil(2), pairs: len.div_ceil(2) }
            })
            .collect();
        let input_zero = requantize.input_zero;
        let axes = [dy_axis, columns];
        IntegerConv { batch, axes, ci, co, input_zero, groups, runs, row_runs, pixels }
    }

    /// Words of a widened row.
    fn row_words(&self) -> usize {
        self.pixels * self.ci
    }

    /// One output row, `[ow, co]`, of the image at element `image`.
    fn row(&self, y: usize, input: Bytes, image: usize, output: &mut [u8], words: &mut [i16]) {
        let [rows, columns] = self.axes;
        let ky = rows.taps(y);
        let width = self.row_words();
        for k in ky.clone() {
            let iy = (rows.origin(y) + (k * rows.dilation) as isize) as usize;
            let from = image + iy * columns.input * self.ci;
            self.widen(input, from, &mut words[k * width..][..width]);
        }
        let runs = &self.runs[ky.start * self.row_runs..ky.end * self.row_runs];
        assert!(words.len() > rows.kernel * width && output.len() == columns.output * self.co);
        let lda = columns.stride * self.ci;
        for (group, panels) in self.groups.iter().enumerate() {
            // SAFETY: scratch has all kernel rows of `pixels` pixels, which the windows of all
            // outputs lie in (see `new`), and a word more for the last pair of an odd run; group g
            // starts g * depth channels later, and its run ends in the same pixel. The output has
            // `co` bytes for each pixel, n of them from group * n on.
            unsafe {
                let words = words.as_ptr().add(group * (self.ci / self.groups.len()));
                let out = output.as_mut_ptr().add(group * panels.n);
                panels.multiply::<NativeIntegers, _>(
                    columns.output,
                    words,
                    lda,
                    runs,
                    out,
                    self.co,
                );
            }
        }
    }

    /// A row of the image from element `from` on, with the padding beside it.
    fn widen(&self, input: Bytes, from: usize, words: &mut [i16]) {
        let [_, columns] = self.axes;
        let before = columns.pad.min(self.pixels);
        let inside = columns.input.min(self.pixels - before);
        let (left, rest) = words.split_at_mut(before * self.ci);
        let (middle, right) = rest.split_at_mut(inside * self.ci);
        left.fill(0);
        input.widen(from, self.input_zero, middle);
        right.fill(0);
    }
}

impl Kernel for IntegerConv {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        format!("conv {}x{} s{}, integer", rows.kernel, columns.kernel, columns.stride)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.co;
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        scratch_floats(self.axes[0].kernel * self.row_words())
    }

    fn weight_bytes(&self) -> usize {
        self.groups.iter().map(Panels::bytes).sum()
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let image = rows.input * columns.input * self.ci;
        let input = Bytes::of(args.inputs[0], self.batch * image);
        let row = columns.output * self.co;
        let output = output_bytes(args.outputs, units.len() * row);
        let words = as_words(args.scratch);
        for (unit, out) in units.zip(output.chunks_exact_mut(row)) {
            let (n, y) = (unit / rows.output, unit % rows.output);
            self.row(y, input, n * image, out, words);
        }
    }
}
