//! Depthwise convolution on NHWC images: each channel has its own window.
//!
//! In general a tile is four neighbouring pixels by eight channels, whose sums stay in registers
//! while a plain loop runs over the taps. For 3x3 at strides 1 and 2 the weights of four channels
//! stay in registers instead, and the window slides along x: three loads for nine multiply-adds
//! where the tile needs eleven.
//!
//! The loops are [`Windows`]; where rows lie in memory, and what becomes of sums, they are told:
//! the integer kernel runs the same ones.

use super::activation::Activation;
use super::window::{Axis, ConvSpec, check};
use super::{Args, Kernel};
use crate::simd::{LANES, Native, Vector};
use std::array::from_fn;
use std::ops::Range;

/// Pixels of a tile.
pub(super) const PIXELS: usize = 4;

/// Floats of an output row that are made for one block of channels before the next: of it and the
/// three input rows it needs, all channels then fit into a first-level cache of 32 KiB.
const CACHED: usize = 1536;

/// DEPTHWISE_CONV_2D; a unit is one row of the output. Operand 0 is `[n, h, w, ci]`, the output
/// `[n, oh, ow, ci * multiplier]`.
pub struct Depthwise {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    /// Input channels.
    ci: usize,
    /// Output channels.
    co: usize,
    windows: Windows,
    activation: Activation,
}

impl Depthwise {
    /// Packs the weights.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, or the filter's channels are no multiple
    /// of the input's.
    pub fn new(spec: ConvSpec<'_>) -> Depthwise {
        let [batch, _, _, ci] = spec.input;
        let [one, kh, kw, co] = spec.filter_shape;
        check(&spec, co);
        assert!(one == 1 && ci > 0 && co > 0 && co % ci == 0, "channels");
        let bias = spec.bias.map_or_else(|| vec![0.0; co], <[f32]>::to_vec);
        let windows =
            Windows { kernel: [kh, kw], channels: co, weights: spec.filter.to_vec(), bias };
        Depthwise { batch, axes: spec.axes(), ci, co, windows, activation: spec.activation.into() }
    }

    /// One output row, `[ow, co]`, of an image `[h, w, ci]`.
    fn row<V: Vector>(&self, y: usize, image: &[f32], output: &mut [f32]) {
        let [rows, columns] = self.axes;
        assert_eq!(image.len(), rows.input * columns.input * self.ci);
        assert_eq!(output.len(), columns.output * self.co);
        if self.co != self.ci || self.ci < LANES {
            self.scalar_row(y, image, output);
            return self.activation.pass::<V>(output);
        }
        let inside = columns.interior();
        let (ky, all) = (rows.taps(y), 0..columns.kernel);
        let mut x = 0;
        while x < columns.output {
            // SAFETY: the lengths are asserted above and in `new`. A tile's pixels are interior
            // along x, and a tile has at most `ci` channels; single pixels may be anywhere.
            unsafe {
                if x == inside.start && slides(self.axes) && ky.len() == 3 && !inside.is_empty() {
                    match columns.stride {
                        1 => self.slide::<V, 1>(y, inside.clone(), image, output),
                        _ => self.slide::<V, 2>(y, inside.clone(), image, output),
                    }
                    x = inside.end;
                } else if inside.contains(&x) && inside.len() >= PIXELS {
                    // The last tile may compute some pixels again.
                    let first = x.min(inside.end - PIXELS);
                    match self.ci {
                        8.. => self.tile::<V, PIXELS, 2>([y, first], [&ky, &all], image, output),
                        _ => self.tile::<V, PIXELS, 1>([y, first], [&ky, &all], image, output),
                    }
                    x = first + PIXELS;
                } else {
                    let kx = columns.taps(x);
                    match self.ci {
                        16.. => self.tile::<V, 1, 4>([y, x], [&ky, &kx], image, output),
                        _ => self.tile::<V, 1, 1>([y, x], [&ky, &kx], image, output),
                    }
                    x += 1;
                }
            }
        }
        self.activation.finish::<V>(output);
    }

    /// Pixels `xs` for 3x3 taps, S pixels from window to window.
    ///
    /// # Safety
    /// `image` is `[h, w, ci]`, `output` is `[ow, ci]`, and `ci >= 4`. The windows of `xs` lie
    /// inside the image, with no dilation along x.
    unsafe fn slide<V: Vector, const S: usize>(
        &self,
        y: usize,
        xs: Range<usize>,
        image: &[f32],
        output: &mut [f32],
    ) {
        let ([rows, columns], c) = (self.axes, self.ci);
        let first =
            (rows.origin(y) as usize * columns.input + columns.origin(xs.start) as usize) * c;
        let below = rows.dilation * columns.input * c;
        // SAFETY: by the caller's promise the windows of `xs` lie inside the image, whose rows are
        // `w * c` floats, and the output has their pixels.
        unsafe {
            let input: [_; 3] = from_fn(|k| image.as_ptr().add(first + k * below));
            let out = output.as_mut_ptr().add(xs.start * c);
            let windows = &self.windows;
            let count = xs.len();
            match self.activation {
                Activation::HardSwish => {
                    windows.slide::<V, f32, S>(count, input, out, |sum, _, to| {
                        sum.hard_swish().store(to)
                    });
                }
                Activation::Relu => {
                    windows
                        .slide::<V, f32, S>(count, input, out, |sum, _, to| sum.relu().store(to));
                }
                Activation::Clamp { lo, hi } => {
                    let (lo, hi) = (V::splat(lo), V::splat(hi));
                    windows.slide::<V, f32, S>(count, input, out, |sum, _, to| {
                        sum.clamp(lo, hi).store(to)
                    });
                }
                _ => windows.slide::<V, f32, S>(count, input, out, |sum, _, to| sum.store(to)),
            }
        }
    }

    /// P neighbouring pixels, all channels, 4 * B at a time. `ky` and `kx` are the taps of the
    /// first that lie inside the image.
    ///
    /// # Safety
    /// `image` is `[h, w, ci]`, `output` is `[ow, ci]`, and `ci >= 4 * B`. Unless P is 1, pixels
    /// `x..x + P` must be interior along x.
    #[inline(never)]
    unsafe fn tile<V: Vector, const P: usize, const B: usize>(
        &self,
        [y, x]: [usize; 2],
        taps: [&Range<usize>; 2],
        image: &[f32],
        output: &mut [f32],
    ) {
        let ([rows, columns], c) = (self.axes, self.ci);
        let top = rows.origin(y);
        let left = columns.origin(x) + (taps[1].start * columns.dilation) as isize;
        let row = |ky: usize| {
            let row = top + (ky * rows.dilation) as isize;
            image.as_ptr().wrapping_offset((row * columns.input as isize + left) * c as isize)
        };
        let steps = [columns.dilation * c, columns.stride * c];
        // SAFETY: the taps are inside the image; those of pixels x + 1.. are the same by the
        // caller's promise. The output has pixels up to x + P.
        unsafe {
            let out = output.as_mut_ptr().add(x * c);
            self.windows.tile::<V, P, B>(taps, row, steps, |sums, channel| {
                for (p, sums) in self.activation.apply_tile(sums).into_iter().enumerate() {
                    for (b, sum) in sums.into_iter().enumerate() {
                        sum.store(out.add(p * c + channel + b * LANES));
                    }
                }
            });
        }
    }

    /// Any number of channels and any multiplier, without the activation.
    fn scalar_row(&self, y: usize, image: &[f32], output: &mut [f32]) {
        let [rows, columns] = self.axes;
        let multiplier = self.co / self.ci;
        for (x, pixel) in output.chunks_exact_mut(self.co).enumerate() {
            pixel.copy_from_slice(&self.windows.bias);
            for ky in rows.taps(y) {
                let iy = (rows.origin(y) + (ky * rows.dilation) as isize) as usize;
                for kx in columns.taps(x) {
                    let ix = (columns.origin(x) + (kx * columns.dilation) as isize) as usize;
                    let values = &image[(iy * columns.input + ix) * self.ci..][..self.ci];
                    let tap = (ky * columns.kernel + kx) * self.co;
                    let weights = &self.windows.weights[tap..][..self.co];
                    for (c, (sum, w)) in pixel.iter_mut().zip(weights).enumerate() {
                        *sum += values[c / multiplier] * w;
                    }
                }
            }
        }
    }
}

/// Whether the window is one that [`Windows::slide`] slides.
pub(super) fn slides([rows, columns]: [Axis; 2]) -> bool {
    rows.kernel == 3 && columns.kernel == 3 && columns.dilation == 1 && columns.stride <= 2
}

/// The weights of each channel's window, and the loops over them.
pub(super) struct Windows {
    /// Taps, `[kh, kw]`.
    pub kernel: [usize; 2],
    pub channels: usize,
    /// `[kh, kw, channels]`.
    pub weights: Vec<f32>,
    /// `[channels]`.
    pub bias: Vec<f32>,
}

impl Windows {
    /// Bytes of what is packed.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..])
    }

    /// `count` neighbouring pixels for 3x3 taps, S pixels from window to window. `rows` are the top
    /// left tap of the first, and those below it. `put` gets four sums, their first channel, and
    /// where in `output`, of that many elements a pixel, they belong.
    ///
    /// # Safety
    /// There are four channels at least; of each row `(count - 1) * S + 3` pixels must be readable,
    /// and `put` able to write `count` pixels from `output` on.
    #[inline(always)]
    pub unsafe fn slide<V: Vector, T, const S: usize>(
        &self,
        count: usize,
        rows: [*const f32; 3],
        output: *mut T,
        put: impl Fn(V, usize, *mut T),
    ) {
        let c = self.channels;
        let pixels = (CACHED / (c * S)).max(2 * PIXELS);
        for x in (0..count).step_by(pixels) {
            let count = pixels.min(count - x);
            for channel in (0..c).step_by(LANES) {
                // The last channels may be computed again.
                let channel = channel.min(c - LANES);
                // SAFETY: pixels x..x + count are the caller's; channel + 4 <= c.
                unsafe {
                    let rows = rows.map(|row| row.add(x * S * c + channel));
                    let output = output.add(x * c + channel);
                    self.slide_along::<V, T, S>(channel, count, rows, output, |v, to| {
                        put(v, channel, to)
                    });
                }
            }
        }
    }

    /// Four channels of `count` pixels, from the taps of the first.
    ///
    /// # Safety
    /// As [`Windows::slide`], of these channels.
    #[inline(always)]
    unsafe fn slide_along<V: Vector, T, const S: usize>(
        &self,
        channel: usize,
        count: usize,
        rows: [*const f32; 3],
        mut output: *mut T,
        put: impl Fn(V, *mut T),
    ) {
        let c = self.channels;
        // SAFETY: weights are [3, 3, c] and the bias [c], channel + 4 <= c; the rest is the
        // caller's promise: of n pixels, columns 0..(n - 1) * S + 3 are loaded, and n >= 1.
        unsafe {
            let tap = |i: usize| V::load(self.weights.as_ptr().add(i * c + channel));
            let w: [V; 9] = from_fn(tap);
            let bias = V::load(self.bias.as_ptr().add(channel));
            let mut at = rows;
            let column = |at: [*const f32; 3]| at.map(|p| V::load(p));
            let next_to = |at: [*const f32; 3]| at.map(|p| p.wrapping_add(c));
            // Adds one column of the image under one column of taps.
            let under = |[a, b, d]: [V; 3], kx: usize, sum: V| {
                d.mul_add(w[6 + kx], b.mul_add(w[3 + kx], a.mul_add(w[kx], sum)))
            };
            // The sum of the pixel that comes next, up to the columns seen so far; at stride 1
            // also of the one after it.
            let mut next = under(column(at), 0, bias);
            let mut after = bias;
            at = next_to(at);
            if S == 1 {
                let seen = column(at);
                (next, after) = (under(seen, 1, next), under(seen, 0, bias));
                at = next_to(at);
            }
            for _ in 0..count {
                if S == 2 {
                    next = under(column(at), 1, next);
                    at = next_to(at);
                }
                let seen = column(at);
                let done = under(seen, 2, next);
                if S == 1 {
                    (next, after) = (under(seen, 1, after), under(seen, 0, bias));
                } else {
                    next = under(seen, 0, bias);
                }
                at = next_to(at);
                put(done, output);
                output = output.wrapping_add(c);
            }
        }
    }

    /// P neighbouring pixels, all channels, 4 * B at a time, for the taps `[ky, kx]`. `row` is where
    /// the first pixel has the first of `kx` for a `ky`; `steps` are floats from tap to tap, and from
    /// pixel to pixel. `put` gets the sums and their first channel.
    ///
    /// # Safety
    /// There are at least `4 * B` channels, and all taps of all pixels must be readable.
    #[inline(always)]
    pub unsafe fn tile<V: Vector, const P: usize, const B: usize>(
        &self,
        [ky, kx]: [&Range<usize>; 2],
        row: impl Fn(usize) -> *const f32,
        steps: [usize; 2],
        put: impl Fn([[V; B]; P], usize),
    ) {
        let c = self.channels;
        for channel in (0..c).step_by(B * LANES) {
            // The last channels may be computed again.
            let channel = channel.min(c - B * LANES);
            // SAFETY: the caller's promise. channel + 4 * B <= c, the length of a tap's weights,
            // and of the bias.
            unsafe {
                let bias = self.bias.as_ptr().add(channel);
                let mut sums: [[V; B]; P] = [from_fn(|b| V::load(bias.add(b * LANES))); P];
                for ky in ky.clone() {
                    let first_tap = (ky * self.kernel[1] + kx.start) * c + channel;
                    let mut weights = self.weights.as_ptr().add(first_tap);
                    let mut input = row(ky).wrapping_add(channel);
                    for _ in kx.clone() {
                        let w: [V; B] = from_fn(|b| V::load(weights.add(b * LANES)));
                        for (p, sums) in sums.iter_mut().enumerate() {
                            let pixel = input.wrapping_add(p * steps[1]);
                            for (b, sum) in sums.iter_mut().enumerate() {
                                *sum = V::load(pixel.add(b * LANES)).mul_add(w[b], *sum);
                            }
                        }
                        input = input.wrapping_add(steps[0]);
                        weights = weights.wrapping_add(c);
                    }
                }
                put(sums, channel);
            }
        }
    }
}

impl Kernel for Depthwise {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        format!("depthwise {}x{} s{}", rows.kernel, columns.kernel, columns.stride)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.co;
        units.start * row..units.end * row
    }

    fn weight_bytes(&self) -> usize {
        self.windows.bytes()
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let image = rows.input * columns.input * self.ci;
        let input = args.input(0, self.batch * image);
        let output = args.output(self.span(0, units.clone()));
        for (unit, out) in units.zip(output.chunks_exact_mut(columns.output * self.co)) {
            let (n, y) = (unit / rows.output, unit % rows.output);
            self.row::<Native>(y, &input[n * image..][..image], out);
        }
    }
}
