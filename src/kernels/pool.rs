//! Averages and maxima over windows.

use super::activation::Activation;
use super::window::Axis;
use super::{Args, Kernel};
use crate::ops::Unary;
use crate::simd::{LANES, Native, Vector};
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

impl PoolSpec {
    /// The window along height and width.
    ///
    /// # Panics
    /// When a stride or an extent of the window is 0.
    pub(super) fn axes(&self) -> [Axis; 2] {
        [0, 1].map(|a| {
            assert!(self.stride[a] > 0 && self.kernel[a] > 0, "window");
            Axis {
                input: self.input[1 + a],
                output: self.output[a],
                kernel: self.kernel[a],
                stride: self.stride[a],
                dilation: 1,
                pad: self.pad[a],
            }
        })
    }
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
        WindowPool { batch, axes: spec.axes(), channels, activation: spec.activation.into() }
    }

    /// One output row, `[ow, c]`, of an image `[h, w, c]`.
    fn row<V: Vector>(&self, y: usize, image: &[f32], output: &mut [f32]) {
        let [rows, columns] = self.axes;
        let c = self.channels;
        assert_eq!(image.len(), rows.input * columns.input * c);
        let ys = rows.inside(y);
        for (x, pixel) in output.chunks_exact_mut(c).enumerate() {
            let xs = columns.inside(x);
            // SAFETY: ys and xs are inside the image, whose length is asserted above, and a block
            // of channels inside a pixel.
            unsafe {
                let first = image.as_ptr().wrapping_add((ys.start * columns.input + xs.start) * c);
                let taps = [ys.len(), xs.len()];
                let mut channel = 0;
                while channel < c {
                    let (first, out) = (first.wrapping_add(channel), &mut pixel[channel..]);
                    channel += match c - channel {
                        16.. => self.window::<V, 4>(first, taps, out),
                        4.. => self.window::<V, 1>(first, taps, out),
                        left => self.narrow::<V>(first, taps, &mut out[..left]),
                    };
                }
            }
        }
        self.activation.finish::<V>(output);
    }

    /// 4 * B channels of one window of `taps`, `[height, width]`; returns how many.
    ///
    /// # Safety
    /// The pixels of the window, the first at `first`, must be readable, 4 * B floats of each.
    #[inline(always)]
    unsafe fn window<V: Vector, const B: usize>(
        &self,
        first: *const f32,
        [height, width]: [usize; 2],
        out: &mut [f32],
    ) -> usize {
        let mut joined = [V::splat(if MAX { f32::NEG_INFINITY } else { 0.0 }); B];
        let mut row = first;
        for _ in 0..height {
            let mut at = row;
            for _ in 0..width {
                for (b, joined) in joined.iter_mut().enumerate() {
                    // SAFETY: the caller's promise.
                    let value = unsafe { V::load(at.add(b * LANES)) };
                    *joined = if MAX { joined.at_least(value) } else { joined.add(value) };
                }
                at = at.wrapping_add(self.channels);
            }
            row = row.wrapping_add(self.axes[1].input * self.channels);
        }
        let scale = V::splat(1.0 / (height * width) as f32);
        for (joined, out) in joined.into_iter().zip(out.chunks_exact_mut(LANES)) {
            let result = if MAX { joined } else { joined.mul(scale) };
            out.copy_from_slice(&self.activation.apply(result).to_array());
        }
        B * LANES
    }

    /// The same of fewer than four channels, as many as `out` has.
    ///
    /// # Safety
    /// As [`WindowPool::window`].
    unsafe fn narrow<V: Vector>(
        &self,
        first: *const f32,
        [height, width]: [usize; 2],
        out: &mut [f32],
    ) -> usize {
        let mut joined = V::splat(if MAX { f32::NEG_INFINITY } else { 0.0 });
        for y in 0..height {
            for x in 0..width {
                let at = first.wrapping_add((y * self.axes[1].input + x) * self.channels);
                // SAFETY: the caller's promise.
                let value = unsafe { V::load_first(at, out.len()) };
                joined = if MAX { joined.at_least(value) } else { joined.add(value) };
            }
        }
        let result = if MAX { joined } else { joined.mul(V::splat(1.0 / (height * width) as f32)) };
        out.copy_from_slice(&self.activation.apply(result).to_array()[..out.len()]);
        out.len()
    }
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
