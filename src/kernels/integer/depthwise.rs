//! Depthwise convolution of 8-bit integers.
//!
//! Each element of a row lies in scratch beside those that the next taps of the window meet, so that one
//! instruction does all the taps of a lane: two of words, four of bytes. The rows of the image that an output row needs are kept
//! like that, with the padding around them, as long as the next one needs them too.

use super::element::Intake;
use super::{Bytes, Element, Requantize, as_elements, output_bytes, scratch_floats};
use crate::kernels::window::{Axis, ConvSpec, check};
use crate::kernels::{Args, Kernel};
use crate::ops::MAX_DEPTHWISE_ROWS;
use crate::simd::{Integers, LANES, Limits, NativeIntegers, WORDS};
use std::array::from_fn;
use std::ops::Range;

/// Pixels of a tile.
const PIXELS: usize = 4;

/// DEPTHWISE_CONV_2D; a unit is one row of the output. Operand 0 is `[n, h, w, ci]`, the output
/// `[n, oh, ow, ci * multiplier]`.
pub struct IntegerDepthwise<E: Element = i16> {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    /// Input channels.
    ci: usize,
    /// Output channels.
    co: usize,
    intake: Intake<E>,
    /// `[kh, groups, channels, GROUP]`, where channels fill whole vectors: groups of taps of a row, 0
    /// where there is none left.
    weights: Vec<E>,
    /// `[channels]`; less what inputs are too large by.
    bias: Vec<i32>,
    /// `[channels]`.
    scales: Vec<f32>,
    limits: Limits,
    /// Pixels of a row with its padding.
    pixels: usize,
    /// Rows that are kept.
    kept: usize,
}

impl<E: Element> IntegerDepthwise<E> {
    /// Packs the weights, as stored. The activation is in the limits of `requantize`.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, the filter's channels are no multiple of the
    /// input's, or it has more than [`MAX_DEPTHWISE_ROWS`].
    pub fn new(spec: ConvSpec<'_, i16, i32>, requantize: Requantize<'_>) -> IntegerDepthwise<E> {
        let [batch, _, _, ci] = spec.input;
        let [one, kh, kw, co] = spec.filter_shape;
        check(&spec, co);
        assert!(kh <= MAX_DEPTHWISE_ROWS, "rows");
        assert!(one == 1 && ci > 0 && co > 0 && co % ci == 0, "channels");
        let channels = co.next_multiple_of(LANES);
        let groups = kw.div_ceil(E::GROUP);
        let mut weights = vec![E::default(); kh * groups * channels * E::GROUP];
        let mut sums = vec![0i32; channels];
        for (i, weight) in spec.filter.iter().enumerate() {
            let (ky, kx, c) = (i / co / kw, i / co % kw, i % co);
            let group = (ky * groups + kx / E::GROUP) * channels + c;
            let weight = weight - requantize.filter_zero as i16;
            weights[group * E::GROUP + kx % E::GROUP] = E::weight(weight);
            sums[c] += i32::from(weight);
        }
        let intake = E::intake(&requantize);
        let bias = |c: usize| {
            let bias = spec.bias.and_then(|bias| bias.get(c).copied()).unwrap_or(0);
            bias.wrapping_sub(intake.excess.wrapping_mul(sums[c]))
        };
        let scale = |c: usize| if c < co { requantize.scale(c) } else { 0.0 };
        let axes @ [rows, columns] = spec.axes();
        IntegerDepthwise {
            batch,
            axes,
            ci,
            co,
            intake,
            weights,
            bias: (0..channels).map(bias).collect(),
            scales: (0..channels).map(scale).collect(),
            limits: requantize.limits(),
            pixels: columns.output.saturating_sub(1) * columns.stride + columns.span(),
            kept: rows.span().min(rows.input),
        }
    }

    /// Groups of taps of a row.
    fn groups(&self) -> usize {
        self.axes[1].kernel.div_ceil(E::GROUP)
    }

    /// Elements from a tap to the next one.
    fn tap(&self) -> usize {
        self.axes[1].dilation * self.co
    }

    /// Elements of a row that is taken in: with the taps that fill the last group up.
    fn row_elements(&self) -> usize {
        self.pixels * self.co + (E::GROUP - 1) * self.tap()
    }

    /// Elements of a row of groups: with those that a vector may read after the last channel.
    fn row_groups(&self) -> usize {
        E::GROUP * (self.row_elements() + LANES)
    }

    /// A row of the image from element `from` on, with the padding beside it, and each channel as
    /// often as it has windows.
    fn take(&self, input: Bytes, from: usize, row: &mut [E]) {
        let [_, columns] = self.axes;
        let before = columns.pad.min(self.pixels);
        let inside = columns.input.min(self.pixels - before);
        let (left, rest) = row.split_at_mut(before * self.co);
        let (middle, right) = rest.split_at_mut(inside * self.co);
        left.fill(self.intake.pad);
        right.fill(self.intake.pad);
        match self.co / self.ci {
            1 => E::take(&self.intake, input, from, middle),
            multiplier => {
                for (i, copies) in middle.chunks_exact_mut(multiplier).enumerate() {
                    E::take(&self.intake, input, from + i, &mut copies[..1]);
                    let first = copies[0];
                    copies.fill(first);
                }
            }
        }
    }

    /// P pixels, 4 * B channels from `channel` on, of which `left` are stored. `rows` are where
    /// the window's rows of the first pixel start.
    ///
    /// # Safety
    /// There are as many rows as the window has. From each the groups of all taps of all P pixels must
    /// be readable; of the channels, B vectors must be there. The `left` bytes of each pixel at `output` must be writable.
    #[inline(always)]
    unsafe fn tile<V: Integers, const P: usize, const B: usize>(
        &self,
        rows: &[*const E],
        channel: usize,
        left: usize,
        output: *mut u8,
    ) {
        let channels = self.bias.len();
        let pixel = E::GROUP * self.axes[1].stride * self.co;
        let (group, vector) = (E::GROUP * E::GROUP * self.tap(), E::GROUP * LANES);
        // SAFETY: the caller's promise; weights are [kh, groups, channels, GROUP], bias and scales
        // [channels].
        unsafe {
            let mut weights = self.weights.as_ptr().add(E::GROUP * channel);
            let bias = self.bias.as_ptr().add(channel);
            let mut sums: [[V; B]; P] = [from_fn(|b| V::load(bias.add(b * LANES))); P];
            for row in rows {
                let mut input = row.wrapping_add(E::GROUP * channel);
                for _ in 0..self.groups() {
                    let w: [V; B] = from_fn(|b| V::load_words(weights.add(b * vector).cast()));
                    for (p, sums) in sums.iter_mut().enumerate() {
                        let input = input.wrapping_add(p * pixel);
                        for (b, sum) in sums.iter_mut().enumerate() {
                            let x = V::load_words(input.add(b * vector).cast());
                            *sum = E::sum(*sum, x, w[b]);
                        }
                    }
                    input = input.wrapping_add(group);
                    weights = weights.wrapping_add(E::GROUP * channels);
                }
            }
            let scales = self.scales.as_ptr().add(channel);
            for (p, sums) in sums.into_iter().enumerate() {
                let steps: [V; B] =
                    from_fn(|b| sums[b].requantize(scales.add(b * LANES), self.limits));
                let output = output.add(p * self.co);
                if B == 2 {
                    steps[0].store_bytes(steps[B - 1], output);
                } else {
                    steps[0].store_first_bytes(output, left.min(LANES));
                }
            }
        }
    }

    /// P pixels, all channels.
    ///
    /// # Safety
    /// As [`IntegerDepthwise::tile`].
    #[inline(never)]
    unsafe fn channels<V: Integers, const P: usize>(&self, rows: &[*const E], output: *mut u8) {
        let mut channel = 0;
        while channel < self.co {
            let left = self.co - channel;
            // SAFETY: the caller's promise; there are `left` channels, which fill whole vectors.
            unsafe {
                let output = output.add(channel);
                if P > 1 && left >= WORDS {
                    self.tile::<V, P, 2>(rows, channel, left, output);
                    channel += WORDS;
                } else {
                    self.tile::<V, P, 1>(rows, channel, left, output);
                    channel += LANES;
                }
            }
        }
    }
}

impl<E: Element> Kernel for IntegerDepthwise<E> {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        format!("depthwise {}x{} s{}, {}", rows.kernel, columns.kernel, columns.stride, E::NAME)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.co;
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        // The kept rows, one of padding for those above and below the image, and one to take in.
        let groups = (self.kept + 1).saturating_mul(self.row_groups());
        scratch_floats::<E>(groups.saturating_add(self.row_elements()))
    }

    fn weight_bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..]) + size_of_val(&self.scales[..])
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let width = self.row_groups();
        let image = rows.input * columns.input * self.ci;
        let input = Bytes::of(args.inputs[0], self.batch * image);
        let row = columns.output * self.co;
        let output = output_bytes(args.outputs, units.len() * row);
        let (taken, groups) = as_elements(args.scratch).split_at_mut(self.row_elements());
        let (padding, kept) = groups.split_at_mut(width);
        padding.fill(self.intake.pad);
        // The image that rows are kept of, and the first that was not taken in yet.
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
                self.take(input, from, taken);
                E::group_up(taken, self.tap(), &mut kept[iy % self.kept * width..][..width]);
            }
            made = Some((n, end));
            let mut starts = [padding.as_ptr(); MAX_DEPTHWISE_ROWS];
            let starts = &mut starts[..rows.kernel];
            for (ky, start) in starts.iter_mut().enumerate() {
                let iy = top + (ky * rows.dilation) as isize;
                if let Some(iy) = usize::try_from(iy).ok().filter(|&iy| iy < rows.input) {
                    *start = kept[iy % self.kept * width..][..width].as_ptr();
                }
            }
            let count = if columns.output < PIXELS { 1 } else { PIXELS };
            let mut before = 0;
            for x in (0..columns.output).step_by(count) {
                // The last tile may compute some pixels again.
                let x = x.min(columns.output - count);
                let elements = E::GROUP * (x - before) * columns.stride * self.co;
                starts.iter_mut().for_each(|start| *start = start.wrapping_add(elements));
                before = x;
                // SAFETY: rows have `pixels` pixels, which the windows of all outputs lie in (see
                // `new`), what fills the last group up, and a vector. `out` has the pixels from x on.
                unsafe {
                    let out = out.as_mut_ptr().add(x * self.co);
                    match count {
                        1 => self.channels::<NativeIntegers, 1>(starts, out),
                        _ => self.channels::<NativeIntegers, PIXELS>(starts, out),
                    }
                }
            }
        }
    }
}
