//! Transposed convolution of 8-bit integers.
//!
//! Output pixels whose distance is the stride meet the same taps: they are one convolution of the image,
//! as far apart in the output as the stride says. There are as many of these as the stride has pixels.
//! The rows of the image that an output row needs are widened into scratch, with padding beside them.

use super::panels::{Panels, Results, Run};
use super::{Bytes, Requantize, as_elements, as_lanes, output_bytes, scratch_floats};
use crate::kernels::window::{Axis, ConvSpec, check};
use crate::kernels::{Args, Kernel};
use crate::ops::rounding_factors;
use crate::simd::{LANES, Limits, NativeIntegers};
use std::ops::Range;

/// Output pixel `i * stride + tap - pad` gets input pixel `i`; a unit is one row of the output.
/// Operand 0 is `[n, h, w, ci]`, the output `[n, oh, ow, co]`.
pub struct IntegerTransposeConv {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    ci: usize,
    co: usize,
    input_zero: i32,
    /// `[stride of rows, stride of columns]`: of the outputs that meet taps from the phase on.
    phases: Vec<Phase>,
    /// Pixels of padding on either side of a widened row.
    margin: usize,
    /// Where sums are rounded twice: how.
    twice: Option<Twice>,
}

/// Sums become steps as TFLite's own kernels compute them: see [`crate::ops::rounded_product`].
struct Twice {
    /// `[co]`: what a sum is multiplied by, and what the rounded product is.
    factors: Vec<[f64; 2]>,
    limits: Limits,
}

impl Twice {
    /// Rounds sums `[pixels][lanes]`, of which the first co are stored: `[pixels][co]`.
    fn round(&self, sums: &[i32], output: &mut [u8]) {
        let co = self.factors.len();
        let Limits { low, high, zero_point } = self.limits;
        for (sums, output) in sums.chunks_exact(lanes(co)).zip(output.chunks_exact_mut(co)) {
            for ((&sum, byte), [mantissa, unit]) in sums.iter().zip(output).zip(&self.factors) {
                let steps = ((f64::from(sum) * mantissa).round() * unit).round();
                *byte = (steps.clamp(low.into(), high.into()) as i32 + zero_point) as u8;
            }
        }
    }
}

/// Channels, filled up to whole vectors.
fn lanes(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// Taps `phase + i * stride` of both axes.
struct Phase {
    panels: Panels<i16>,
    /// Of each kernel row, from the last to the first: its pixels are neighbours in the image.
    runs: Vec<Run>,
}

impl IntegerTransposeConv {
    /// Packs the weights, as stored. The activation is in the limits of `requantize`. With
    /// `multipliers`, one for each output channel, sums are rounded twice, and its scales do not
    /// matter.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, or the dilation is not 1.
    pub fn new(
        spec: ConvSpec<'_, i16, i32>,
        requantize: Requantize<'_>,
        multipliers: Option<&[f64]>,
    ) -> IntegerTransposeConv {
        let [batch, _, _, ci] = spec.input;
        let [co, kh, kw, depth] = spec.filter_shape;
        check(&spec, co);
        assert!(depth == ci && co > 0 && spec.dilation == [1, 1], "channels or dilation");
        let axes @ [rows, columns] = spec.axes();
        let margin = (kw - 1) / columns.stride;
        let width = (columns.input + 2 * margin) * ci;
        let zero = requantize.filter_zero as i16;
        let phase = |i: usize| {
            let (py, px) = (i / columns.stride, i % columns.stride);
            let [high, wide] = [taps(rows, py), taps(columns, px)];
            let weight = |column: usize, k: usize| {
                // The first pixel of the image meets the last tap.
                let (row, pixel, c) = (k / (wide * ci), k / ci % wide, k % ci);
                let ky = py + (high - 1 - row) * rows.stride;
                let kx = px + (wide - 1 - pixel) * columns.stride;
                spec.filter[((column * kh + ky) * kw + kx) * ci + c] - zero
            };
            let len = wide * ci;
            let panels = Panels::pack([0, co], [high, len], &weight, spec.bias, &requantize);
            let run = |i: usize| {
                let lanes = len.div_ceil(2);
                Run { at: i * width, lane: i * lanes, lanes }
            };
            Phase { panels, runs: (0..high).map(run).collect() }
        };
        let phases = (0..rows.stride * columns.stride).map(phase).collect();
        let input_zero = requantize.input_zero;
        let twice = multipliers.map(|multipliers| {
            assert_eq!(multipliers.len(), co, "multipliers");
            let factors = multipliers.iter().map(|&m| rounding_factors(m)).collect();
            Twice { factors, limits: requantize.limits() }
        });
        IntegerTransposeConv { batch, axes, ci, co, input_zero, phases, margin, twice }
    }

    /// Words of a widened row.
    fn row_words(&self) -> usize {
        (self.axes[1].input + 2 * self.margin) * self.ci
    }

    /// Words of the rows that an output row needs.
    fn words(&self) -> usize {
        taps(self.axes[0], 0).saturating_mul(self.row_words())
    }

    /// One output row, `[ow, columns]`, of the image at element `image`: bytes in co columns, or sums
    /// in `lanes(co)`.
    fn row<T: Results>(
        &self,
        y: usize,
        input: Bytes,
        image: usize,
        (output, width_out): (&mut [T], usize),
        words: &mut [i16],
    ) {
        let [rows, columns] = self.axes;
        let width = self.row_words();
        let py = (y + rows.pad) % rows.stride;
        let high = taps(rows, py);
        // The image's row under the first tap; run i is `high - 1 - i` rows above.
        let last = (y + rows.pad) / rows.stride;
        let inside = |i: usize| (last + i + 1).checked_sub(high).filter(|&iy| iy < rows.input);
        let first = (0..high).find(|&i| inside(i).is_some()).unwrap_or(high);
        let end = (first..high).find(|&i| inside(i).is_none()).unwrap_or(high);
        for i in first..end {
            let from = image + inside(i).unwrap_or(0) * columns.input * self.ci;
            let (left, rest) = words[i * width..][..width].split_at_mut(self.margin * self.ci);
            let (middle, right) = rest.split_at_mut(columns.input * self.ci);
            left.fill(0);
            input.widen(from, self.input_zero, middle);
            right.fill(0);
        }
        assert!(words.len() > high * width && output.len() == columns.output * width_out);
        for x in 0..columns.stride.min(columns.output) {
            // Pixels x, x + stride, ..; the first of them meets the image up to pixel `right`.
            let px = (x + columns.pad) % columns.stride;
            let (wide, right) = (taps(columns, px), (x + columns.pad) / columns.stride);
            let count = (columns.output - x).div_ceil(columns.stride);
            let phase = &self.phases[py * columns.stride + px];
            // A window may begin up to `wide - 1` pixels before the image, which the margin has; it
            // ends beyond the other margin where the output is larger than what the image reaches.
            let start = right + 1 + self.margin - wide;
            let reach = (columns.input + 2 * self.margin + 1).saturating_sub(start + wide);
            let some = count.min(reach);
            let (lda, ldo) = (self.ci, columns.stride * width_out);
            // SAFETY: the windows of `some` pixels lie in rows first..end of scratch, which has a word
            // more for the last pair where a run is odd; those of other pixels meet nothing, and take
            // no runs. The output has `count` pixels, `ldo` apart, from x on; of sums, whole vectors.
            unsafe {
                let out = output.as_mut_ptr().add(x * width_out);
                let words = words.as_ptr();
                let runs = &phase.runs[first..end];
                let at = words.wrapping_add(start * self.ci);
                phase.panels.multiply::<NativeIntegers, _>(some, at, lda, runs, out, ldo);
                let out = out.wrapping_add(some * ldo);
                let left = count - some;
                phase.panels.multiply::<NativeIntegers, _>(left, words, lda, &[], out, ldo);
            }
        }
    }
}

/// How many taps of an axis there are from `phase` on, a stride apart.
fn taps(axis: Axis, phase: usize) -> usize {
    axis.kernel.saturating_sub(phase).div_ceil(axis.stride)
}

impl Kernel for IntegerTransposeConv {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        let (kh, kw, stride) = (rows.kernel, columns.kernel, columns.stride);
        format!("transpose conv {kh}x{kw} s{stride}, integer")
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.co;
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        let sums = self.twice.as_ref().map_or(0, |_| self.axes[1].output * lanes(self.co));
        scratch_floats::<i16>(self.words()).saturating_add(sums)
    }

    fn weight_bytes(&self) -> usize {
        self.phases.iter().map(|phase| phase.panels.bytes()).sum()
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let image = rows.input * columns.input * self.ci;
        let input = Bytes::of(args.inputs[0], self.batch * image);
        let row = columns.output * self.co;
        let output = output_bytes(args.outputs, units.len() * row);
        let (words, sums) = args.scratch.split_at_mut(scratch_floats::<i16>(self.words()));
        let (words, sums) = (as_elements(words), as_lanes(sums));
        for (unit, out) in units.zip(output.chunks_exact_mut(row)) {
            let (n, y) = (unit / rows.output, unit % rows.output);
            match &self.twice {
                None => self.row(y, input, n * image, (out, self.co), words),
                Some(twice) => {
                    self.row(y, input, n * image, (&mut *sums, lanes(self.co)), words);
                    twice.round(sums, out);
                }
            }
        }
    }
}
