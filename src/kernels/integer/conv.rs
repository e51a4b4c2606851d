//! Convolution of 8-bit integers, of any shape, on NHWC images.
//!
//! The rows of the image that an output row needs are taken into scratch, with the padding beside
//! them, so that each window lies in scratch as a whole.

use super::element::Intake;
use super::panels::{Panels, Run};
use super::{Bytes, Element, Requantize, as_elements, output_bytes, scratch_floats};
use crate::kernels::window::{Axis, ConvSpec, check};
use crate::kernels::{Args, Kernel};
use crate::simd::NativeIntegers;
use std::ops::Range;

/// CONV_2D; a unit is one row of the output. Operand 0 is `[n, h, w, ci]`, the output
/// `[n, oh, ow, co]`.
pub struct IntegerConv<E: Element = i16> {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    /// Input channels of all groups.
    ci: usize,
    /// Output channels of all groups.
    co: usize,
    intake: Intake<E>,
    /// One per group: `co / groups` columns.
    groups: Vec<Panels<E>>,
    /// Of a window of the first group, in order of kernel rows: `row_runs` for each.
    runs: Vec<Run>,
    row_runs: usize,
    /// Pixels of a row in scratch.
    pixels: usize,
}

impl<E: Element> IntegerConv<E> {
    /// Packs the weights, as stored. The activation is in the limits of `requantize`.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, or the filter's depth does not divide
    /// the input's.
    pub fn new(spec: ConvSpec<'_, i16, i32>, requantize: Requantize<'_>) -> IntegerConv<E> {
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
                Run { at, lane: i * len.div_ceil(E::GROUP), lanes: len.div_ceil(E::GROUP) }
            })
            .collect();
        let intake = E::intake(&requantize);
        let axes = [dy_axis, columns];
        IntegerConv { batch, axes, ci, co, intake, groups, runs, row_runs, pixels }
    }

    /// Elements of a row in scratch.
    fn row_elements(&self) -> usize {
        self.pixels * self.ci
    }

    /// One output row, `[ow, co]`, of the image at element `image`.
    fn row(&self, y: usize, input: Bytes, image: usize, output: &mut [u8], taken: &mut [E]) {
        let [rows, columns] = self.axes;
        let inside = rows.taps(y);
        // Where padding is 0 there is nothing to sum up.
        let ky = if self.intake.excess == 0 { inside.clone() } else { 0..rows.kernel };
        let width = self.row_elements();
        for k in ky.clone() {
            let row = &mut taken[k * width..][..width];
            if inside.contains(&k) {
                let iy = (rows.origin(y) + (k * rows.dilation) as isize) as usize;
                self.take(input, image + iy * columns.input * self.ci, row);
            } else {
                row.fill(self.intake.pad);
            }
        }
        let runs = &self.runs[ky.start * self.row_runs..ky.end * self.row_runs];
        assert!(
            taken.len() >= rows.kernel * width + E::GROUP - 1
                && output.len() == columns.output * self.co
        );
        let lda = columns.stride * self.ci;
        for (group, panels) in self.groups.iter().enumerate() {
            // SAFETY: scratch has all kernel rows of `pixels` pixels, which the windows of all
            // outputs lie in (see `new`), and what fills the last lane of a run up; group g
            // starts g * depth channels later, and its run ends in the same pixel. The output has
            // `co` bytes for each pixel, n of them from group * n on.
            unsafe {
                let taken = taken.as_ptr().add(group * (self.ci / self.groups.len()));
                let out = output.as_mut_ptr().add(group * panels.n);
                panels.multiply::<NativeIntegers, _>(
                    columns.output,
                    taken,
                    lda,
                    runs,
                    out,
                    self.co,
                );
            }
        }
    }

    /// A row of the image from element `from` on, with the padding beside it.
    fn take(&self, input: Bytes, from: usize, row: &mut [E]) {
        let [_, columns] = self.axes;
        let before = columns.pad.min(self.pixels);
        let inside = columns.input.min(self.pixels - before);
        let (left, rest) = row.split_at_mut(before * self.ci);
        let (middle, right) = rest.split_at_mut(inside * self.ci);
        left.fill(self.intake.pad);
        E::take(&self.intake, input, from, middle);
        right.fill(self.intake.pad);
    }
}

impl<E: Element> Kernel for IntegerConv<E> {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        format!("conv {}x{} s{}, {}", rows.kernel, columns.kernel, columns.stride, E::NAME)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.co;
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        scratch_floats::<E>(self.axes[0].kernel * self.row_elements())
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
        let taken = as_elements(args.scratch);
        for (unit, out) in units.zip(output.chunks_exact_mut(row)) {
            let (n, y) = (unit / rows.output, unit % rows.output);
            self.row(y, input, n * image, out, taken);
        }
    }
}
