//! Depthwise convolution of 8-bit integers, through the loops of the float kernel.
//!
//! The sum of all products of 9 by 8 bits of a window is exact in float32, which counts up to 2^24.
//! The rows of the image that an output row needs lie in scratch, widened to floats, with the padding
//! around them; those that the next one needs too are kept.

use super::{Bytes, Requantize, output_bytes};
use crate::kernels::depthwise::{PIXELS, Windows, slides};
use crate::kernels::window::{Axis, ConvSpec, check};
use crate::kernels::{Args, Kernel};
use crate::simd::{LANES, Limits, Native, Vector};
use std::array::from_fn;
use std::ops::Range;

/// No sum may be larger: float32 counts no further.
const MAX_SUM: i64 = 1 << f32::MANTISSA_DIGITS;

/// DEPTHWISE_CONV_2D; a unit is one row of the output. Operand 0 is `[n, h, w, ci]`, the output
/// `[n, oh, ow, ci * multiplier]`.
pub struct IntegerDepthwise {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    /// Input channels.
    ci: usize,
    /// Output channels.
    co: usize,
    input_zero: i32,
    windows: Windows,
    /// `[co]`.
    scales: Vec<f32>,
    limits: Limits,
    /// Pixels of a widened row.
    pixels: usize,
    /// Widened rows that are kept.
    kept: usize,
}

impl IntegerDepthwise {
    /// Whether no sum passes what float32 counts to, and there are as many channels as a vector has.
    pub fn fits(spec: &ConvSpec<'_, i16, i32>, requantize: &Requantize<'_>) -> bool {
        let co = spec.filter_shape[3];
        let farthest = |channel: usize| {
            let weights = spec.filter.iter().skip(channel).step_by(co);
            let weights =
                weights.map(|&w| (i64::from(w) - i64::from(requantize.filter_zero)).abs());
            let bias = spec.bias.map_or(0, |bias| i64::from(bias[channel]).abs());
            // No difference from a zero point is larger than 255.
            weights.sum::<i64>() * 255 + bias
        };
        co >= LANES && (0..co).all(|channel| farthest(channel) <= MAX_SUM)
    }

    /// Packs the weights, as stored. The activation is in the limits of `requantize`.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, the filter's channels are no multiple of the
    /// input's, or the spec does not fit.
    pub fn new(spec: ConvSpec<'_, i16, i32>, requantize: Requantize<'_>) -> IntegerDepthwise {
        let [batch, _, _, ci] = spec.input;
        let [one, kh, kw, co] = spec.filter_shape;
        check(&spec, co);
        assert!(one == 1 && ci > 0 && co % ci == 0, "channels");
        assert!(IntegerDepthwise::fits(&spec, &requantize), "sums");
        let weight = |&w: &i16| f32::from(w) - requantize.filter_zero as f32;
        let weights = spec.filter.iter().map(weight).collect();
        let bias = (0..co).map(|c| spec.bias.map_or(0.0, |bias| bias[c] as f32)).collect();
        let axes @ [rows, columns] = spec.axes();
        IntegerDepthwise {
            batch,
            axes,
            ci,
            co,
            input_zero: requantize.input_zero,
            windows: Windows { kernel: [kh, kw], channels: co, weights, bias },
            scales: (0..co).map(|c| requantize.scale(c)).collect(),
            limits: requantize.limits(),
            pixels: columns.output.saturating_sub(1) * columns.stride + columns.span(),
            kept: rows.span().min(rows.input),
        }
    }

    /// Floats of a widened row.
    fn row_floats(&self) -> usize {
        self.pixels * self.co
    }

    /// A row of the image from element `from` on, with the padding beside it, and each channel as
    /// often as it has windows.
    fn widen(&self, input: Bytes, from: usize, floats: &mut [f32]) {
        let [_, columns] = self.axes;
        let before = columns.pad.min(self.pixels);
        let inside = columns.input.min(self.pixels - before);
        let (left, rest) = floats.split_at_mut(before * self.co);
        let (middle, right) = rest.split_at_mut(inside * self.co);
        left.fill(0.0);
        right.fill(0.0);
        match self.co / self.ci {
            1 => input.widen_to_floats(from, self.input_zero, middle),
            multiplier => {
                for (i, copies) in middle.chunks_exact_mut(multiplier).enumerate() {
                    copies.fill((input.at(from + i) - self.input_zero) as f32);
                }
            }
        }
    }

    /// One output row, `[ow, co]`. `row` is where the window's row `ky` starts.
    ///
    /// # Safety
    /// Each of the rows must have [`IntegerDepthwise::row_floats`].
    #[inline(always)]
    unsafe fn row<V: Vector>(&self, row: impl Fn(usize) -> *const f32, output: &mut [u8]) {
        let ([_, columns], c) = (self.axes, self.co);
        let scales = |channel: usize| {
            assert!(channel + LANES <= self.scales.len());
            // SAFETY: asserted.
            unsafe { V::load(self.scales.as_ptr().add(channel)) }
        };
        assert_eq!(output.len(), columns.output * c);
        let out = output.as_mut_ptr();
        if slides(self.axes) {
            let rows = from_fn(&row);
            let put = |sum: V, channel: usize, to: *mut u8| {
                // SAFETY: `slide` asks for four channels of a pixel of the output.
                unsafe { sum.store_steps(scales(channel), self.limits, to) }
            };
            // SAFETY: rows have `pixels` pixels, which the windows of all outputs lie in (see
            // `new`); there are four channels or more (see `fits`).
            return unsafe {
                match columns.stride {
                    1 => self.windows.slide::<V, u8, 1>(columns.output, rows, out, put),
                    _ => self.windows.slide::<V, u8, 2>(columns.output, rows, out, put),
                }
            };
        }
        for x in (0..columns.output).step_by(if columns.output < PIXELS { 1 } else { PIXELS }) {
            // The last tile may compute some pixels again.
            let first = x.min(columns.output.saturating_sub(PIXELS));
            // SAFETY: pixels from `first` on are there, or from x on one, and B * 4 channels.
            unsafe {
                match (columns.output, c) {
                    (..PIXELS, _) => self.tile::<V, 1, 1>(x, &row, &scales, out),
                    (_, 8..) => self.tile::<V, PIXELS, 2>(first, &row, &scales, out),
                    _ => self.tile::<V, PIXELS, 1>(first, &row, &scales, out),
                }
            }
        }
    }

    /// P pixels, from the first on.
    ///
    /// # Safety
    /// As [`IntegerDepthwise::row`]; the output at `out` has these pixels, and at least `4 * B`
    /// channels.
    #[inline(always)]
    unsafe fn tile<V: Vector, const P: usize, const B: usize>(
        &self,
        first: usize,
        row: impl Fn(usize) -> *const f32,
        scales: impl Fn(usize) -> V,
        out: *mut u8,
    ) {
        let ([rows, columns], c) = (self.axes, self.co);
        let taps = [&(0..rows.kernel), &(0..columns.kernel)];
        let at = |ky: usize| row(ky).wrapping_add(first * columns.stride * c);
        let steps = [columns.dilation * c, columns.stride * c];
        // SAFETY: the caller's promise; the windows of all pixels lie in the rows (see `new`).
        unsafe {
            self.windows.tile::<V, P, B>(taps, at, steps, |sums, channel| {
                for b in 0..B {
                    let scales = scales(channel + b * LANES);
                    for (p, sums) in sums.iter().enumerate() {
                        let to = out.add((first + p) * c + channel + b * LANES);
                        sums[b].store_steps(scales, self.limits, to);
                    }
                }
            });
        }
    }
}

impl Kernel for IntegerDepthwise {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        format!("depthwise {}x{} s{}, integer", rows.kernel, columns.kernel, columns.stride)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.co;
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        // And a row of zeros, for those above and below the image.
        (self.kept + 1).saturating_mul(self.row_floats())
    }

    fn weight_bytes(&self) -> usize {
        self.windows.bytes() + size_of_val(&self.scales[..])
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let width = self.row_floats();
        let image = rows.input * columns.input * self.ci;
        let input = Bytes::of(args.inputs[0], self.batch * image);
        let row = columns.output * self.co;
        let output = output_bytes(args.outputs, units.len() * row);
        let (zeros, kept) = args.scratch[..self.scratch()].split_at_mut(width);
        zeros.fill(0.0);
        // The image that rows are kept of, and the first that was not widened yet.
        let mut made = None;
        for (unit, out) in units.zip(output.chunks_exact_mut(row)) {
            let (n, y) = (unit / rows.output, unit % rows.output);
            let top = rows.origin(y);
            let inside = |row: isize| row.clamp(0, rows.input as isize) as usize;
            let (first, end) = (inside(top), inside(top + rows.span() as isize));
            let from =
                made.filter(|&(image, _)| image == n).map_or(first, |(_, next)| first.max(next));
            for iy in from..end {
                let from = n * image + iy * columns.input * self.ci;
                self.widen(input, from, &mut kept[iy % self.kept * width..][..width]);
            }
            made = Some((n, end));
            let row = |ky: usize| {
                let iy = top + (ky * rows.dilation) as isize;
                match usize::try_from(iy) {
                    Ok(iy) if iy < rows.input => kept[iy % self.kept * width..][..width].as_ptr(),
                    _ => zeros.as_ptr(),
                }
            };
            // SAFETY: all of these rows have `width` floats.
            unsafe { self.row::<Native>(row, out) };
        }
    }
}
