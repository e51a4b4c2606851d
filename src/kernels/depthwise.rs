//! Depthwise convolution on NHWC images: each channel has its own window.
//!
//! For 3 or 5 taps per row at strides 1 and 2, a tile is four neighbouring pixels by four
//! channels: the weights of one kernel row and the four sums stay in registers, and each input is
//! loaded once per kernel row, though up to five taps use it. The tile moves over all channels
//! before it moves on along x, so memory is read in its own order.

use super::activation::Activation;
use super::window::{Axis, ConvSpec, check};
use super::{Args, Kernel};
use crate::simd::{LANES, Native, Vector};
use std::ops::Range;

/// Pixels of a tile.
const PIXELS: usize = 4;

/// DEPTHWISE_CONV_2D; a unit is one row of the output. Operand 0 is `[n, h, w, ci]`, the output
/// `[n, oh, ow, ci * multiplier]`.
#[derive(Debug)]
pub struct Depthwise {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    /// Input channels.
    ci: usize,
    /// Output channels.
    co: usize,
    /// Whether lanes are channels. If not, a plain loop runs over the filter as it came.
    vectors: bool,
    /// `[block][kh][kw][4]`; the last block holds the last four channels, and may share some with
    /// the block before. Without vectors `[kh][kw][co]`.
    weights: Vec<f32>,
    /// `[block][4]`. Without vectors `[co]`.
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
        let [one, kh, kw, co] = spec.filter_shape;
        check(&spec, co);
        assert!(one == 1 && ci > 0 && co > 0 && co % ci == 0, "channels");
        let bias = spec.bias.map_or_else(|| vec![0.0; co], <[f32]>::to_vec);
        let vectors = co == ci && ci >= LANES;
        let (weights, bias) = if vectors {
            let lanes = |block: usize| (0..LANES).map(move |lane| first_channel(block, ci) + lane);
            let blocks = 0..ci.div_ceil(LANES);
            let weights = blocks.clone().flat_map(|block| {
                (0..kh * kw)
                    .flat_map(move |tap| lanes(block).map(move |c| spec.filter[tap * ci + c]))
            });
            let bias = blocks.clone().flat_map(|block| lanes(block).map(|c| bias[c]));
            (weights.collect(), bias.collect())
        } else {
            (spec.filter.to_vec(), bias)
        };
        let activation = spec.activation.into();
        Depthwise { batch, axes: spec.axes(), ci, co, vectors, weights, bias, activation }
    }

    /// One output row, `[ow, co]`, of an image `[h, w, ci]`.
    fn row<V: Vector>(&self, y: usize, image: &[f32], output: &mut [f32]) {
        let [rows, columns] = self.axes;
        assert_eq!(image.len(), rows.input * columns.input * self.ci);
        assert_eq!(output.len(), columns.output * self.co);
        if self.vectors {
            match (columns.kernel, columns.stride, columns.dilation) {
                (3, 1, 1) => self.row_of_tiles::<V, 3, 1>(y, image, output),
                (3, 2, 1) => self.row_of_tiles::<V, 3, 2>(y, image, output),
                (5, 1, 1) => self.row_of_tiles::<V, 5, 1>(y, image, output),
                (5, 2, 1) => self.row_of_tiles::<V, 5, 2>(y, image, output),
                _ => self.pixels::<V>(y, 0..columns.output, image, output),
            }
            self.activation.finish::<V>(output);
        } else {
            self.scalar_row(y, image, output);
            self.activation.pass::<V>(output);
        }
    }

    /// For KW taps per row, S pixels from window to window, and neighbouring taps.
    #[inline(never)]
    fn row_of_tiles<V: Vector, const KW: usize, const S: usize>(
        &self,
        y: usize,
        image: &[f32],
        output: &mut [f32],
    ) {
        let columns = self.axes[1];
        let inside = columns.interior();
        self.pixels::<V>(y, 0..inside.start, image, output);
        let mut x = inside.start;
        while x < inside.end {
            if inside.len() >= PIXELS {
                // The last tile may cover some pixels again.
                let first = x.min(inside.end - PIXELS);
                // SAFETY: first..first + PIXELS are interior.
                unsafe { self.tile::<V, KW, S, PIXELS>([y, first], image, output) };
                x = first + PIXELS;
            } else {
                // SAFETY: x is interior.
                unsafe { self.tile::<V, KW, S, 1>([y, x], image, output) };
                x += 1;
            }
        }
        self.pixels::<V>(y, inside.end..columns.output, image, output);
    }

    /// P neighbouring pixels, all channels.
    ///
    /// # Safety
    /// Pixels `x..x + P` of the output must be interior along x, for KW taps at stride S and
    /// dilation 1; `image` and `output` must have the lengths that `row` asserts.
    #[inline(always)]
    unsafe fn tile<V: Vector, const KW: usize, const S: usize, const P: usize>(
        &self,
        [y, x]: [usize; 2],
        image: &[f32],
        output: &mut [f32],
    ) {
        let [rows, columns] = self.axes;
        let taps = rows.taps(y);
        if taps.is_empty() {
            return self.pixels::<V>(y, x..x + P, image, output);
        }
        let top = (rows.origin(y) + (taps.start * rows.dilation) as isize) as usize;
        let left = columns.origin(x) as usize;
        let corner = (top * columns.input + left) * self.ci;
        let row_step = rows.dilation * columns.input * self.ci;
        for block in 0..self.ci.div_ceil(LANES) {
            let channel = first_channel(block, self.ci);
            // SAFETY: `taps` are the kernel rows inside the image, and the columns are inside by
            // the caller's promise; channel + 4 <= ci. `new` packed kh * kw * 4 weights and 4
            // biases for each block. The output has P pixels of ci from x on.
            unsafe {
                let mut sums = [V::load(self.bias.as_ptr().add(block * LANES)); P];
                let first_tap = (block * rows.kernel + taps.start) * KW;
                let mut weights = self.weights.as_ptr().add(first_tap * LANES);
                let mut input = image.as_ptr().add(corner + channel);
                for _ in taps.clone() {
                    let w: [V; KW] = std::array::from_fn(|kx| V::load(weights.add(kx * LANES)));
                    for column in 0..(P - 1) * S + KW {
                        let value = V::load(input.wrapping_add(column * self.ci));
                        for (kx, &w) in w.iter().enumerate() {
                            if column >= kx && (column - kx) % S == 0 && (column - kx) / S < P {
                                let sum = &mut sums[(column - kx) / S];
                                *sum = value.mul_add(w, *sum);
                            }
                        }
                    }
                    weights = weights.add(KW * LANES);
                    input = input.wrapping_add(row_step);
                }
                let out = output.as_mut_ptr().add(x * self.ci + channel);
                for (p, sum) in self.activation.apply(sums).into_iter().enumerate() {
                    sum.store(out.add(p * self.ci));
                }
            }
        }
    }

    /// Pixels one by one, for any window and at the borders.
    #[inline(never)]
    fn pixels<V: Vector>(&self, y: usize, xs: Range<usize>, image: &[f32], output: &mut [f32]) {
        let [rows, columns] = self.axes;
        let ky = rows.taps(y);
        for x in xs {
            let kx = columns.taps(x);
            for block in 0..self.ci.div_ceil(LANES) {
                let channel = first_channel(block, self.ci);
                let mut sum = V::from_array(std::array::from_fn(|i| self.bias[block * LANES + i]));
                for ky in ky.clone() {
                    let iy = rows.origin(y) + (ky * rows.dilation) as isize;
                    let tap = (block * rows.kernel + ky) * columns.kernel;
                    for kx in kx.clone() {
                        let ix = columns.origin(x) + (kx * columns.dilation) as isize;
                        let pixel = iy as usize * columns.input + ix as usize;
                        // SAFETY: `taps` gave positions inside the image, whose length `row`
                        // asserted; channel + 4 <= ci. `new` packed a vector for each tap.
                        sum = unsafe {
                            let value = V::load(image.as_ptr().add(pixel * self.ci + channel));
                            let w = V::load(self.weights.as_ptr().add((tap + kx) * LANES));
                            value.mul_add(w, sum)
                        };
                    }
                }
                let [sum] = self.activation.apply([sum]);
                output[x * self.ci + channel..][..LANES].copy_from_slice(&sum.to_array());
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

/// The first channel of a block of four: the last block is moved back to end with the channels.
fn first_channel(block: usize, channels: usize) -> usize {
    (block * LANES).min(channels - LANES)
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
