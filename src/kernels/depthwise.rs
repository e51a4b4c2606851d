//! Depthwise convolution on NHWC images: each channel has its own window.
//!
//! In general a tile is four neighbouring pixels by eight channels, whose sums stay in registers
//! while a plain loop runs over the taps. For 3x3 at strides 1 and 2 the weights of four channels
//! stay in registers instead, and the window slides along x: three loads for nine multiply-adds
//! where the tile needs eleven.

use super::activation::Activation;
use super::window::{Axis, ConvSpec, check};
use super::{Args, Kernel};
use crate::simd::{LANES, Native, Vector};
use std::ops::Range;

/// Pixels of a tile.
const PIXELS: usize = 4;

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
    /// `[kh, kw, co]`.
    weights: Vec<f32>,
    /// `[co]`.
    bias: Vec<f32>,
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
        let [one, _, _, co] = spec.filter_shape;
        check(&spec, co);
        assert!(one == 1 && ci > 0 && co > 0 && co % ci == 0, "channels");
        let bias = spec.bias.map_or_else(|| vec![0.0; co], <[f32]>::to_vec);
        let (weights, activation) = (spec.filter.to_vec(), spec.activation.into());
        Depthwise { batch, axes: spec.axes(), ci, co, weights, bias, activation }
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
        let slides =
            rows.kernel == 3 && columns.kernel == 3 && columns.dilation == 1 && columns.stride <= 2;
        let mut x = 0;
        while x < columns.output {
            // SAFETY: the lengths are asserted above and in `new`. A tile's pixels are interior
            // along x, and a tile has at most `ci` channels; single pixels may be anywhere.
            unsafe {
                if x == inside.start && slides && ky.len() == 3 && !inside.is_empty() {
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
        let pixels = (CACHED / (c * S)).max(2 * PIXELS);
        for x in xs.clone().step_by(pixels) {
            let count = pixels.min(xs.end - x);
            let first = (rows.origin(y) as usize * columns.input + columns.origin(x) as usize) * c;
            for channel in (0..c).step_by(LANES) {
                // The last channels may be computed again.
                let channel = channel.min(c - LANES);
                // SAFETY: by the caller's promise the windows of x..x + count lie inside the
                // image; channel + 4 <= c.
                unsafe {
                    let input = image.as_ptr().add(first + channel);
                    let out = output.as_mut_ptr().add(x * c + channel);
                    match self.activation {
                        Activation::HardSwish => {
                            self.slide_along::<V, S>(channel, count, input, out, V::hard_swish);
                        }
                        Activation::Relu => {
                            self.slide_along::<V, S>(channel, count, input, out, V::relu);
                        }
                        Activation::Clamp { lo, hi } => {
                            let (lo, hi) = (V::splat(lo), V::splat(hi));
                            let clamp = |x: V| x.clamp(lo, hi);
                            self.slide_along::<V, S>(channel, count, input, out, clamp);
                        }
                        _ => self.slide_along::<V, S>(channel, count, input, out, |x| x),
                    }
                }
            }
        }
    }

    /// Four channels of `count` pixels, from the top left tap of the first.
    ///
    /// # Safety
    /// The windows that start at `input` and each S pixels after it must be readable, and the
    /// pixels from `output` on writable.
    #[inline(always)]
    unsafe fn slide_along<V: Vector, const S: usize>(
        &self,
        channel: usize,
        count: usize,
        input: *const f32,
        mut output: *mut f32,
        activation: impl Fn(V) -> V,
    ) {
        let c = self.ci;
        let row = self.axes[0].dilation * self.axes[1].input * c;
        // SAFETY: weights are [3, 3, c] and the bias [c], channel + 4 <= c; the rest is the
        // caller's promise: of n pixels, columns 0..(n - 1) * S + 3 are loaded, and n >= 1.
        unsafe {
            let tap = |i: usize| V::load(self.weights.as_ptr().add(i * c + channel));
            let w: [V; 9] = std::array::from_fn(tap);
            let bias = V::load(self.bias.as_ptr().add(channel));
            let mut at = input;
            let column = |at: *const f32| [at, at.add(row), at.add(2 * row)].map(|p| V::load(p));
            // Adds one column of the image under one column of taps.
            let under = |[a, b, d]: [V; 3], kx: usize, sum: V| {
                d.mul_add(w[6 + kx], b.mul_add(w[3 + kx], a.mul_add(w[kx], sum)))
            };
            // The sum of the pixel that comes next, up to the columns seen so far; at stride 1
            // also of the one after it.
            let mut next = under(column(at), 0, bias);
            let mut after = bias;
            at = at.add(c);
            if S == 1 {
                let seen = column(at);
                (next, after) = (under(seen, 1, next), under(seen, 0, bias));
                at = at.add(c);
            }
            for _ in 0..count {
                if S == 2 {
                    next = under(column(at), 1, next);
                    at = at.add(c);
                }
                let seen = column(at);
                let done = under(seen, 2, next);
                if S == 1 {
                    (next, after) = (under(seen, 1, after), under(seen, 0, bias));
                } else {
                    next = under(seen, 0, bias);
                }
                at = at.wrapping_add(c);
                activation(done).store(output);
                output = output.wrapping_add(c);
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
        [ky, kx]: [&Range<usize>; 2],
        image: &[f32],
        output: &mut [f32],
    ) {
        let ([rows, columns], c) = (self.axes, self.ci);
        // Floats from tap to tap, and from pixel to pixel.
        let steps =
            [rows.dilation * columns.input, columns.dilation, columns.stride].map(|n| n * c);
        let top = rows.origin(y) + (ky.start * rows.dilation) as isize;
        let left = columns.origin(x) + (kx.start * columns.dilation) as isize;
        let first = (top * columns.input as isize + left) * c as isize;
        let first_weight = (ky.start * columns.kernel + kx.start) * c;
        for channel in (0..c).step_by(B * LANES) {
            // The last channels may be computed again.
            let channel = channel.min(c - B * LANES);
            // SAFETY: the taps are inside the image; those of pixels x + 1.. are the same by
            // the caller's promise. channel + 4 * B <= c, the length of a pixel in the image,
            // of a tap's weights, of the bias, and of a pixel in the output, which has x + P.
            unsafe {
                let bias = self.bias.as_ptr().add(channel);
                let mut sums: [[V; B]; P] =
                    [std::array::from_fn(|b| V::load(bias.add(b * LANES))); P];
                let mut row = image.as_ptr().wrapping_offset(first).wrapping_add(channel);
                let mut weights_row = self.weights.as_ptr().add(first_weight + channel);
                for _ in ky.clone() {
                    let (mut input, mut weights) = (row, weights_row);
                    for _ in kx.clone() {
                        let w: [V; B] = std::array::from_fn(|b| V::load(weights.add(b * LANES)));
                        for (p, sums) in sums.iter_mut().enumerate() {
                            let pixel = input.wrapping_add(p * steps[2]);
                            for (b, sum) in sums.iter_mut().enumerate() {
                                *sum = V::load(pixel.add(b * LANES)).mul_add(w[b], *sum);
                            }
                        }
                        input = input.wrapping_add(steps[1]);
                        weights = weights.wrapping_add(c);
                    }
                    row = row.wrapping_add(steps[0]);
                    weights_row = weights_row.wrapping_add(columns.kernel * c);
                }
                let out = output.as_mut_ptr().add(x * c + channel);
                for (p, sums) in self.activation.apply_tile(sums).into_iter().enumerate() {
                    for (b, sum) in sums.into_iter().enumerate() {
                        sum.store(out.add(p * c + b * LANES));
                    }
                }
            }
        }
    }

    /// Any number of channels and any multiplier, without the activation.
    fn scalar_row(&self, y: usize, image: &[f32], output: &mut [f32]) {
        let [rows, columns] = self.axes;
        let multiplier = self.co / self.ci;
        for (x, pixel) in output.chunks_exact_mut(self.co).enumerate() {
            pixel.copy_from_slice(&self.bias);
            for ky in rows.taps(y) {
                let iy = (rows.origin(y) + (ky * rows.dilation) as isize) as usize;
                for kx in columns.taps(x) {
                    let ix = (columns.origin(x) + (kx * columns.dilation) as isize) as usize;
                    let values = &image[(iy * columns.input + ix) * self.ci..][..self.ci];
                    let tap = (ky * columns.kernel + kx) * self.co;
                    let weights = &self.weights[tap..][..self.co];
                    for (c, (sum, w)) in pixel.iter_mut().zip(weights).enumerate() {
                        *sum += values[c / multiplier] * w;
                    }
                }
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
        size_of::<f32>() * (self.weights.len() + self.bias.len())
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
