//! Averages and maxima over windows, and averages over whole images.

use super::activation::Activation;
use super::window::Axis;
use super::{Args, Kernel};
use crate::ops::Unary;
use crate::simd::{LANES, Native, Vector};
use std::array::from_fn;
use std::ops::Range;

/// A pool of fixed shape. Pairs are `[height, width]`, in pixels.
#[derive(Debug, Clone, Copy)]
pub struct PoolSpec {
    /// `[n, h, w, c]`.
    pub input: [usize; 4],
    /// Pixels of the output.
    pub output: [usize; 2],
    /// Pixels of a window.
    pub kernel: [usize; 2],
    /// Step between neighbouring windows.
    pub stride: [usize; 2],
    /// Padding before the first pixel, `[top, left]`.
    pub pad: [usize; 2],
    /// Applied to the result.
    pub activation: Option<Unary>,
}

/// AVERAGE_POOL_2D: the mean of the pixels of a window that lie inside the image.
pub type AveragePool = WindowPool<false>;

/// MAX_POOL_2D: the largest of them.
pub type MaxPool = WindowPool<true>;

/// The pixels of a window that lie inside the image, joined: by their maximum or mean. A unit is
/// one row of the output. Operand 0 is `[n, h, w, c]`, the output `[n, oh, ow, c]`.
pub struct WindowPool<const MAX: bool> {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    channels: usize,
    activation: Activation,
}

impl<const MAX: bool> WindowPool<MAX> {
    /// # Panics
    /// When a stride or an extent of the window is 0.
    pub fn new(spec: PoolSpec) -> Self {
        let [batch, _, _, channels] = spec.input;
        let axes = [0, 1].map(|a| {
            assert!(spec.stride[a] > 0 && spec.kernel[a] > 0, "window");
            Axis {
                input: spec.input[1 + a],
                output: spec.output[a],
                kernel: spec.kernel[a],
                stride: spec.stride[a],
                dilation: 1,
                pad: spec.pad[a],
            }
        });
        WindowPool { batch, axes, channels, activation: spec.activation.into() }
    }

    /// One output row, `[ow, c]`, of an image `[h, w, c]`.
    fn row<V: Vector>(&self, y: usize, image: &[f32], output: &mut [f32]) {
        let [rows, columns] = self.axes;
        let c = self.channels;
        assert_eq!(image.len(), rows.input * columns.input * c);
        let inside = |axis: Axis, i: usize| {
            let (origin, taps) = (axis.origin(i), axis.taps(i));
            (origin + taps.start as isize) as usize..(origin + taps.end as isize) as usize
        };
        let ys = inside(rows, y);
        for (x, pixel) in output.chunks_exact_mut(c).enumerate() {
            let xs = inside(columns, x);
            let scale = V::splat(1.0 / (ys.len() * xs.len()) as f32);
            for (block, out) in pixel.chunks_mut(LANES).enumerate() {
                let mut joined = V::splat(if MAX { f32::NEG_INFINITY } else { 0.0 });
                for y in ys.clone() {
                    for x in xs.clone() {
                        let at = (y * columns.input + x) * c + block * LANES;
                        // SAFETY: y and x are inside the image, whose length is asserted above,
                        // and `out` starts at the same channel of a pixel as `at`.
                        let value = unsafe { load_some::<V>(image.as_ptr().add(at), out.len()) };
                        joined = if MAX { joined.at_least(value) } else { joined.add(value) };
                    }
                }
                let result = if MAX { joined } else { joined.mul(scale) };
                let result = self.activation.apply(result);
                out.copy_from_slice(&result.to_array()[..out.len()]);
            }
        }
        self.activation.finish::<V>(output);
    }
}

/// The first `n` lanes; the branch is foreseen, as n is 4 but at the end of the channels.
///
/// # Safety
/// `from..from + n` must be readable.
#[inline(always)]
unsafe fn load_some<V: Vector>(from: *const f32, n: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe { if n >= LANES { V::load(from) } else { V::load_first(from, n) } }
}

impl<const MAX: bool> std::fmt::Debug for WindowPool<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl<const MAX: bool> Kernel for WindowPool<MAX> {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        let what = if MAX { "max" } else { "average" };
        format!("{what} pool {}x{} s{}", rows.kernel, columns.kernel, columns.stride)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.channels;
        units.start * row..units.end * row
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let image = rows.input * columns.input * self.channels;
        let input = args.input(0, self.batch * image);
        let output = args.output(self.span(0, units.clone()));
        for (unit, out) in units.zip(output.chunks_exact_mut(columns.output * self.channels)) {
            let (n, y) = (unit / rows.output, unit % rows.output);
            self.row::<Native>(y, &input[n * image..][..image], out);
        }
    }
}

/// Vectors of a block of channels: 64 bytes, one line of the cache.
const BLOCK: usize = 4;

/// The mean over height and width, `[n, h, w, c]` → `[n, 1, 1, c]`. A unit is 16 channels of one
/// image.
pub struct GlobalAverage {
    batch: usize,
    pixels: usize,
    channels: usize,
    activation: Activation,
}

impl GlobalAverage {
    /// Of images `[n, h, w, c]`.
    pub fn new([batch, h, w, channels]: [usize; 4], activation: Option<Unary>) -> GlobalAverage {
        GlobalAverage { batch, pixels: h * w, channels, activation: activation.into() }
    }

    /// Units of one image.
    fn blocks(&self) -> usize {
        self.channels.div_ceil(BLOCK * LANES)
    }

    /// The first output element of a unit.
    fn start(&self, unit: usize) -> usize {
        let (n, block) = (unit / self.blocks().max(1), unit % self.blocks().max(1));
        n * self.channels + block * BLOCK * LANES
    }

    fn compute<V: Vector>(&self, unit: usize, input: &[f32], output: &mut [f32]) {
        let c = self.channels;
        assert_eq!(input.len(), self.batch * self.pixels * c);
        let start = self.start(unit);
        let (n, first) = (start / c, start % c);
        assert!(n < self.batch && first + output.len() <= c);
        // SAFETY: the asserts above: this is channel `first` of the image's first pixel, and as
        // many channels as `output` has follow in each of its pixels.
        let sums = unsafe {
            let pixel = input.as_ptr().add(n * self.pixels * c + first);
            match output.len() == BLOCK * LANES {
                true => self.sum_block::<V>(pixel),
                false => self.sum_some::<V>(pixel, output.len()),
            }
        };
        let scale = V::splat(1.0 / self.pixels as f32);
        let [means] = self.activation.apply_tile([sums.map(|sum| sum.mul(scale))]);
        for (out, mean) in output.chunks_mut(LANES).zip(means) {
            out.copy_from_slice(&mean.to_array()[..out.len()]);
        }
        self.activation.finish::<V>(output);
    }
}

impl GlobalAverage {
    /// Sums of a whole block of channels. Two sums for each, one for every other pixel: the time
    /// of one addition after the other is what this takes.
    ///
    /// # Safety
    /// `4 * BLOCK` floats must be readable at `pixel` and at each `channels` floats after it, for
    /// all pixels of an image.
    unsafe fn sum_block<V: Vector>(&self, mut pixel: *const f32) -> [V; BLOCK] {
        let c = self.channels;
        let mut sums = [[V::splat(0.0); BLOCK]; 2];
        // SAFETY: the caller's promise.
        unsafe {
            let add = |sums: [V; BLOCK], pixel: *const f32| {
                from_fn(|i| sums[i].add(V::load(pixel.add(i * LANES))))
            };
            for _ in 0..self.pixels / 2 {
                sums = [add(sums[0], pixel), add(sums[1], pixel.add(c))];
                pixel = pixel.wrapping_add(2 * c);
            }
            if self.pixels % 2 == 1 {
                sums[0] = add(sums[0], pixel);
            }
        }
        from_fn(|i| sums[0][i].add(sums[1][i]))
    }

    /// Sums of `count` channels, less than a block; the rest is zero.
    ///
    /// # Safety
    /// As [`GlobalAverage::sum_block`], for `count` floats.
    unsafe fn sum_some<V: Vector>(&self, mut pixel: *const f32, count: usize) -> [V; BLOCK] {
        let mut sums = [V::splat(0.0); BLOCK];
        for _ in 0..self.pixels {
            for (i, sum) in sums.iter_mut().enumerate().take(count.div_ceil(LANES)) {
                // SAFETY: the caller's promise: the first of these lanes is below `count`.
                let value = unsafe { load_some::<V>(pixel.add(i * LANES), count - i * LANES) };
                *sum = sum.add(value);
            }
            pixel = pixel.wrapping_add(self.channels);
        }
        sums
    }
}

impl Kernel for GlobalAverage {
    fn name(&self) -> String {
        "global average".to_string()
    }

    fn units(&self) -> usize {
        self.batch * self.blocks()
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        self.start(units.start)..self.start(units.end)
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let input = args.input(0, self.batch * self.pixels * self.channels);
        let span = self.span(0, units.clone());
        let output = args.output(span.clone());
        for unit in units {
            let part = self.span(0, unit..unit + 1);
            let out = &mut output[part.start - span.start..part.end - span.start];
            self.compute::<Native>(unit, input, out);
        }
    }
}
