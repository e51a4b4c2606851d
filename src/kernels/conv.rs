//! Convolution of any shape on NHWC images.
//!
//! Four neighbouring pixels are four rows of the microkernel. Where their windows lie inside the
//! image, it reads the image itself, one run per kernel row: nothing is copied. Only windows that
//! cross the left or right border are gathered into scratch, with zeros outside.

use super::panels::{Panels, ROWS, Run};
use super::window::{Axis, ConvSpec, check};
use super::{Args, Kernel};
use crate::simd::{Native, Vector};
use std::ops::Range;

/// CONV_2D; a unit is one row of the output. Operand 0 is `[n, h, w, ci]`, the output
/// `[n, oh, ow, co]`.
pub struct Conv {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    /// Input channels of all groups.
    ci: usize,
    /// Output channels of all groups.
    co: usize,
    /// One per group: k is `kh * kw * ci / groups`, n is `co / groups`.
    groups: Vec<Panels>,
    /// Of a window inside the image, in order of kernel rows: `row_runs` for each.
    inside: Vec<Run>,
    row_runs: usize,
}

impl Conv {
    /// Packs the weights.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, or the filter's depth does not divide
    /// the input's.
    pub fn new(spec: ConvSpec<'_>) -> Conv {
        let [batch, _, width, ci] = spec.input;
        let [co, kh, kw, depth] = spec.filter_shape;
        check(&spec, co);
        assert!(depth > 0 && ci % depth == 0 && co % (ci / depth) == 0, "groups");
        let (k, n) = (kh * kw * depth, co / (ci / depth));
        let groups = (0..ci / depth)
            .map(|group| {
                let columns = group * n..(group + 1) * n;
                let filter = &spec.filter[columns.start * k..columns.end * k];
                let weight = |column, i| filter[column * k + i];
                let bias = spec.bias.map(|b| &b[columns]);
                Panels::pack([k, n], weight, bias, spec.activation.into())
            })
            .collect();
        // Taps of one kernel row are one run where they are neighbours in memory.
        let [dy, dx] = spec.dilation;
        let whole_rows = depth == ci && (dx == 1 || kw == 1);
        let row_runs = if whole_rows { 1 } else { kw };
        let len = kw / row_runs * depth;
        let inside = (0..kh * row_runs)
            .map(|i| {
                let (ky, kx) = (i / row_runs, i % row_runs);
                Run { at: ((ky * dy * width + kx * dx) * ci) as isize, k: i * len, len }
            })
            .collect();
        Conv { batch, axes: spec.axes(), ci, co, groups, inside, row_runs }
    }

    /// Input channels of one group.
    fn depth(&self) -> usize {
        self.ci / self.groups.len()
    }

    /// One output row, `[ow, co]`, of an image `[h, w, ci]`.
    fn row<V: Vector>(&self, y: usize, image: &[f32], output: &mut [f32], scratch: &mut [f32]) {
        let [rows, columns] = self.axes;
        assert_eq!(image.len(), rows.input * columns.input * self.ci);
        assert_eq!(output.len(), columns.output * self.co);
        let inside = columns.interior();
        let ky = rows.taps(y);
        let runs = &self.inside[ky.start * self.row_runs..ky.end * self.row_runs];
        for (group, panels) in self.groups.iter().enumerate() {
            let first = group * panels.n;
            let gathered = [Run { at: 0, k: 0, len: panels.k }];
            let mut x = 0;
            while x < columns.output {
                // Blocks do not straddle the limits of the interior.
                let limit = [inside.start, inside.end, columns.output];
                let end = limit.into_iter().find(|&limit| x < limit).unwrap_or(columns.output);
                let is_inside = inside.contains(&x);
                // Inside, all at once; windows to gather, as many as scratch has room for.
                let count = if is_inside { end - x } else { ROWS.min(end - x) };
                let out =
                    &mut output[x * self.co + first..(x + count - 1) * self.co + first + panels.n];
                if is_inside {
                    let origin = rows.origin(y) * columns.input as isize + columns.origin(x);
                    // In floats; what lies before the image is never read, as `runs` starts at
                    // the first row inside.
                    let origin = origin * self.ci as isize + (group * self.depth()) as isize;
                    // SAFETY: x..x + count are interior, so all their taps are inside the row;
                    // `runs` holds only kernel rows inside the image; run lengths are from `new`.
                    // `out` reaches to the last channel of the last of `count` pixels.
                    unsafe {
                        let input = image.as_ptr().wrapping_offset(origin);
                        let lda = columns.stride * self.ci;
                        let out = out.as_mut_ptr();
                        panels.multiply::<V>(count, input, lda, runs, out, self.co);
                    }
                } else {
                    for (i, window) in scratch.chunks_exact_mut(panels.k).enumerate().take(count) {
                        self.gather([y, x + i], group, image, window);
                    }
                    assert!(scratch.len() >= count * panels.k);
                    // SAFETY: scratch holds `count` rows of k, and `out` as above.
                    unsafe {
                        let (input, out) = (scratch.as_ptr(), out.as_mut_ptr());
                        panels.multiply::<V>(count, input, panels.k, &gathered, out, self.co);
                    }
                }
                x += count;
            }
        }
        if let Some(panels) = self.groups.first() {
            panels.activation.finish::<V>(output);
        }
    }

    /// Copies the window of one output pixel and group, `[kh, kw, depth]`, zeros outside.
    fn gather(&self, [y, x]: [usize; 2], group: usize, image: &[f32], window: &mut [f32]) {
        let [rows, columns] = self.axes;
        let depth = self.depth();
        let (inside_y, inside_x) = (rows.taps(y), columns.taps(x));
        for (tap, to) in window.chunks_exact_mut(depth).enumerate() {
            let (ky, kx) = (tap / columns.kernel, tap % columns.kernel);
            if inside_y.contains(&ky) && inside_x.contains(&kx) {
                let iy = rows.origin(y) + (ky * rows.dilation) as isize;
                let ix = columns.origin(x) + (kx * columns.dilation) as isize;
                let pixel = iy as usize * columns.input + ix as usize;
                to.copy_from_slice(&image[pixel * self.ci + group * depth..][..depth]);
            } else {
                to.fill(0.0);
            }
        }
    }
}

impl Kernel for Conv {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        let tile = self.groups.first().map_or("", |p| p.tile_name());
        format!("conv {}x{} s{} {tile}", rows.kernel, columns.kernel, columns.stride)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.co;
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        ROWS * self.groups.first().map_or(0, |p| p.k)
    }

    fn weight_bytes(&self) -> usize {
        self.groups.iter().map(Panels::bytes).sum()
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let image = rows.input * columns.input * self.ci;
        let input = args.input(0, self.batch * image);
        let scratch = std::mem::take(&mut args.scratch);
        let output = args.output(self.span(0, units.clone()));
        for (unit, out) in units.zip(output.chunks_exact_mut(columns.output * self.co)) {
            let (n, y) = (unit / rows.output, unit % rows.output);
            self.row::<Native>(y, &input[n * image..][..image], out, scratch);
        }
    }
}
