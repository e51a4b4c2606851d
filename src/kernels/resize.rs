//! Resizing of NHWC images. Bilinear: first a row between two rows of the input, whole vectors at
//! a time, then pixels between its pixels.

use super::integer::{Bytes, output_bytes};
use super::{Args, Kernel};
use crate::ops;
use crate::simd::{LANES, Native, Vector};
use crate::tensor::View;
use std::array::from_fn;
use std::ops::Range;

/// Floats that are blended without a branch in between.
const BLOCK: usize = 4 * LANES;

/// A resize of fixed shape.
#[derive(Debug, Clone, Copy)]
pub struct ResizeSpec {
    /// `[n, h, w, c]`.
    pub input: [usize; 4],
    /// Pixels of the output, `[height, width]`.
    pub output: [usize; 2],
    /// Which input position an output pixel asks for.
    pub attributes: ops::ResizeBilinear,
}

/// RESIZE_BILINEAR; a unit is one row of the output. Operand 0 is `[n, h, w, c]`, the output
/// `[n, oh, ow, c]`.
pub struct ResizeBilinear {
    input: [usize; 4],
    /// One per output row; offsets are rows of the input.
    rows: Vec<Between>,
    /// One per output column; offsets are floats in a row of the input.
    columns: Vec<Between>,
    /// Pixels of fewer channels than a vector has lanes: `columns` for each float of an output row,
    /// by vectors. Empty for wider ones.
    lanes: Vec<LanesBetween>,
}

/// Four positions between others, one per lane.
#[derive(Debug, Clone, Copy)]
struct LanesBetween {
    before: [u32; LANES],
    after: [u32; LANES],
    fraction: [f32; LANES],
}

/// A position between two others.
#[derive(Debug, Clone, Copy)]
struct Between {
    before: usize,
    after: usize,
    /// How far it is from `before`, 0 to 1.
    fraction: f32,
}

impl ResizeBilinear {
    /// Computes the positions.
    pub fn new(spec: ResizeSpec) -> ResizeBilinear {
        let [_, h, w, c] = spec.input;
        let [oh, ow] = spec.output;
        let between = |i: usize, input: usize, output: usize, step: usize| {
            let (before, after, fraction) = spec.attributes.neighbours(i, input, output);
            // At the borders both are the same pixel, and the fraction may lie outside 0 to 1.
            let fraction = if before == after { 0.0 } else { fraction };
            Between { before: before * step, after: after * step, fraction }
        };
        let columns: Vec<Between> = (0..ow).map(|x| between(x, w, ow, c)).collect();
        // The last vector may reach beyond the row; its lanes there repeat the last float.
        let float = |i: usize| {
            let i = i.min(ow * c - 1);
            let Between { before, after, fraction } = columns[i / c];
            [(before + i % c) as u32, (after + i % c) as u32, fraction.to_bits()]
        };
        let vectors = if c < LANES { (ow * c).div_ceil(LANES) } else { 0 };
        let lanes = (0..vectors)
            .map(|i| {
                let lanes: [[u32; 3]; LANES] = from_fn(|lane| float(i * LANES + lane));
                LanesBetween {
                    before: lanes.map(|[before, _, _]| before),
                    after: lanes.map(|[_, after, _]| after),
                    fraction: lanes.map(|[_, _, bits]| f32::from_bits(bits)),
                }
            })
            .collect();
        let rows = (0..oh).map(|y| between(y, h, oh, 1)).collect();
        ResizeBilinear { input: spec.input, rows, columns, lanes }
    }

    /// One output row, `[ow, c]`, of an image `[h, w, c]`.
    fn row<V: Vector>(&self, y: usize, image: &[f32], output: &mut [f32], scratch: &mut [f32]) {
        let [_, _, w, c] = self.input;
        let row = |y: usize| &image[y * w * c..][..w * c];
        let Between { before, after, fraction } = self.rows[y];
        let row = if fraction == 0.0 {
            row(before)
        } else {
            let blended = &mut scratch[..w * c];
            blend::<V>(row(before), row(after), fraction, blended);
            blended
        };
        if c < LANES {
            return self.narrow_row::<V>(row, output);
        }
        for (at, pixel) in self.columns.iter().zip(output.chunks_exact_mut(c)) {
            let (before, after) = (&row[at.before..][..c], &row[at.after..][..c]);
            blend::<V>(before, after, at.fraction, pixel);
        }
    }
}

impl ResizeBilinear {
    /// Pixels between those of a row `[w, c]`, `[ow, c]`, four floats at a time.
    #[inline(never)]
    fn narrow_row<V: Vector>(&self, row: &[f32], output: &mut [f32]) {
        assert!(
            row.len() == self.input[2] * self.input[3] && self.lanes.len() * LANES >= output.len()
        );
        for (at, out) in self.lanes.iter().zip(output.chunks_mut(LANES)) {
            let gather = |at: [u32; LANES]| {
                // SAFETY: `new` made the offsets of pixels inside a row of this length.
                V::from_array(at.map(|i| unsafe { *row.get_unchecked(i as usize) }))
            };
            let before = gather(at.before);
            let blended = gather(at.after).sub(before).mul_add(V::from_array(at.fraction), before);
            match <&mut [f32; LANES]>::try_from(&mut *out) {
                Ok(out) => *out = blended.to_array(),
                Err(_) => out.copy_from_slice(&blended.to_array()[..out.len()]),
            }
        }
    }
}

/// `output[i] = before[i] + (after[i] - before[i]) * fraction`.
#[inline(always)]
fn blend<V: Vector>(before: &[f32], after: &[f32], fraction: f32, output: &mut [f32]) {
    let n = output.len();
    assert!(before.len() == n && after.len() == n);
    if n < LANES {
        for i in 0..n {
            output[i] = before[i] + (after[i] - before[i]) * fraction;
        }
        return;
    }
    let f = V::splat(fraction);
    let (before, after, output) = (before.as_ptr(), after.as_ptr(), output.as_mut_ptr());
    // SAFETY: at + 4 <= n, the length of all three slices, wherever this is called.
    let vector = |at: usize| unsafe {
        let (before, after) = (V::load(before.add(at)), V::load(after.add(at)));
        after.sub(before).mul_add(f, before).store(output.add(at));
    };
    let mut at = 0;
    while at + BLOCK <= n {
        (0..BLOCK).step_by(LANES).for_each(|i| vector(at + i));
        at += BLOCK;
    }
    while at < n {
        // The last vector is moved back to end with the slices.
        vector(at.min(n - LANES));
        at += LANES;
    }
}

impl Kernel for ResizeBilinear {
    fn name(&self) -> String {
        "resize bilinear".to_string()
    }

    fn units(&self) -> usize {
        self.input[0] * self.rows.len()
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.columns.len() * self.input[3];
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        self.input[2] * self.input[3]
    }

    fn weight_bytes(&self) -> usize {
        size_of::<Between>() * (self.rows.len() + self.columns.len())
            + size_of::<LanesBetween>() * self.lanes.len()
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let [n, h, w, c] = self.input;
        let image = h * w * c;
        let input = args.input(0, n * image);
        let scratch = std::mem::take(&mut args.scratch);
        let output = args.output(self.span(0, units.clone()));
        for (unit, out) in units.zip(output.chunks_exact_mut(self.columns.len() * c)) {
            let (n, y) = (unit / self.rows.len(), unit % self.rows.len());
            self.row::<Native>(y, &input[n * image..][..image], out, scratch);
        }
    }
}

/// RESIZE_NEAREST_NEIGHBOR of float32, int8 or uint8; a unit is one row of the output. Operand 0 is
/// `[n, h, w, c]`, the output `[n, oh, ow, c]`.
pub struct ResizeNearest {
    input: [usize; 4],
    /// For each output row, the row of the input.
    rows: Vec<usize>,
    /// For each output column, elements before its pixel in a row of the input.
    columns: Vec<usize>,
}

impl ResizeNearest {
    /// Of images `input`, `[n, h, w, c]`, to `[height, width]` pixels.
    pub fn new(
        attributes: ops::ResizeNearest,
        input: [usize; 4],
        [oh, ow]: [usize; 2],
    ) -> ResizeNearest {
        let [_, h, w, c] = input;
        ResizeNearest {
            input,
            rows: (0..oh).map(|y| attributes.source(y, h, oh)).collect(),
            columns: (0..ow).map(|x| attributes.source(x, w, ow) * c).collect(),
        }
    }

    fn rows<T: Copy>(&self, units: Range<usize>, input: &[T], output: &mut [T]) {
        let [_, h, w, c] = self.input;
        for (unit, out) in units.zip(output.chunks_exact_mut(self.columns.len() * c)) {
            let (n, y) = (unit / self.rows.len(), unit % self.rows.len());
            let row = &input[(n * h + self.rows[y]) * w * c..][..w * c];
            for (&from, pixel) in self.columns.iter().zip(out.chunks_exact_mut(c)) {
                pixel.copy_from_slice(&row[from..from + c]);
            }
        }
    }
}

impl Kernel for ResizeNearest {
    fn name(&self) -> String {
        "resize nearest".to_string()
    }

    fn units(&self) -> usize {
        self.input[0] * self.rows.len()
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.columns.len() * self.input[3];
        units.start * row..units.end * row
    }

    fn weight_bytes(&self) -> usize {
        size_of::<usize>() * (self.rows.len() + self.columns.len())
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let [n, h, w, c] = self.input;
        let (elements, span) = (n * h * w * c, self.span(0, units.clone()));
        match args.inputs[0] {
            Some(View::I8(_) | View::U8(_)) => {
                let input = Bytes::of(args.inputs[0], elements).stored();
                self.rows(units, input, output_bytes(args.outputs, span.len()));
            }
            _ => self.rows(units, args.input(0, elements), args.output(span)),
        }
    }
}
