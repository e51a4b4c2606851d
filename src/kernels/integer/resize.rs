//! RESIZE_BILINEAR of 8-bit integers, as XNNPACK computes it: positions between pixels are multiples of
//! 1/2048, and what is between four pixels is rounded once.

use super::{Bytes, output_bytes, scratch_floats};
use crate::kernels::{Args, Kernel, ResizeSpec};
use crate::simd::{Integers, LANES, NativeIntegers, WORDS};
use std::ops::Range;

/// Bits of a position between two pixels.
const BITS: u32 = 11;

/// RESIZE_BILINEAR; a unit is one row of the output. Operand 0 is `[n, h, w, c]`, the output
/// `[n, oh, ow, c]`, both of the same scale.
pub struct IntegerResize {
    input: [usize; 4],
    /// One per output row; offsets are rows of the input.
    rows: Vec<Between>,
    /// One per output column; offsets are elements in a row of the input.
    columns: Vec<Between>,
}

/// A position between two others.
#[derive(Debug, Clone, Copy)]
struct Between {
    before: usize,
    after: usize,
    /// How far it is from `before`, 0 to 2048.
    fraction: i32,
}

impl IntegerResize {
    /// Computes the positions.
    pub fn new(spec: ResizeSpec) -> IntegerResize {
        let [_, h, w, c] = spec.input;
        let [oh, ow] = spec.output;
        let between = |i: usize, input: usize, output: usize, step: usize| {
            let (before, after, fraction) = spec.attributes.between(i, input, output);
            let fraction = (fraction * (1 << BITS) as f32).round_ties_even() as i32;
            Between { before: before * step, after: after * step, fraction }
        };
        IntegerResize {
            input: spec.input,
            rows: (0..oh).map(|y| between(y, h, oh, 1)).collect(),
            columns: (0..ow).map(|x| between(x, w, ow, c)).collect(),
        }
    }

    /// One output row, `[ow, c]`, of the image that starts at element `image`.
    fn row(&self, y: usize, input: Bytes, image: usize, output: &mut [u8], scratch: &mut [i32]) {
        type V = NativeIntegers;
        let [_, _, w, c] = self.input;
        let blended = &mut scratch[..w * c]; // [w, c], each times 2^11
        let Between { before, after, fraction } = self.rows[y];
        let of = |row: usize| image + row * w * c;
        blend_rows(input, [of(before), of(after)], fraction, blended);
        let half = V::splat(1 << (2 * BITS - 1));
        for (at, pixel) in self.columns.iter().zip(output.chunks_exact_mut(c)) {
            let (before, after) = (&blended[at.before..][..c], &blended[at.after..][..c]);
            let factors = [(1 << BITS) - at.fraction, at.fraction];
            let [first, second] = factors.map(V::splat);
            let vector = |i: usize| {
                // SAFETY: i + 4 <= c, the length of both.
                let [before, after] =
                    [before, after].map(|p| unsafe { V::load(p.as_ptr().add(i)) });
                before.mul(first).add(after.mul(second)).add(half).shift_right(2 * BITS)
            };
            let whole = c / WORDS * WORDS;
            for i in (0..whole).step_by(WORDS) {
                // SAFETY: i + 8 <= whole <= c, the length of a pixel.
                unsafe { vector(i).store_bytes(vector(i + LANES), pixel.as_mut_ptr().add(i)) };
            }
            for i in whole..c {
                let sum = before[i] * factors[0] + after[i] * factors[1];
                pixel[i] = ((sum + (1 << (2 * BITS - 1))) >> (2 * BITS)) as u8;
            }
        }
    }
}

/// `output = a * (2^11 - fraction) + b * fraction` of the rows that start at elements a and b.
fn blend_rows(input: Bytes, [a, b]: [usize; 2], fraction: i32, output: &mut [i32]) {
    type V = NativeIntegers;
    let factors = [(1 << BITS) - fraction, fraction];
    let pair = V::splat(factors[0] | factors[1] << 16);
    let whole = output.len() / WORDS * WORDS;
    for i in (0..whole).step_by(WORDS) {
        let [first, second] = input.words(a + i).zip_words(input.words(b + i));
        // SAFETY: i + 8 <= whole, which the output has.
        unsafe {
            first.dot(pair).store(output.as_mut_ptr().add(i));
            second.dot(pair).store(output.as_mut_ptr().add(i + LANES));
        }
    }
    for (i, out) in output.iter_mut().enumerate().skip(whole) {
        *out = input.at(a + i) * factors[0] + input.at(b + i) * factors[1];
    }
}

impl Kernel for IntegerResize {
    fn name(&self) -> String {
        "resize bilinear, integer".to_string()
    }

    fn units(&self) -> usize {
        self.input[0] * self.rows.len()
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.columns.len() * self.input[3];
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        scratch_floats(2 * self.input[2] * self.input[3])
    }

    fn weight_bytes(&self) -> usize {
        size_of::<Between>() * (self.rows.len() + self.columns.len())
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let [n, h, w, c] = self.input;
        let image = h * w * c;
        let input = Bytes::of(args.inputs[0], n * image);
        let row = self.columns.len() * c;
        let output = output_bytes(args.outputs, units.len() * row);
        let scratch = super::as_lanes(args.scratch);
        for (unit, out) in units.zip(output.chunks_exact_mut(row)) {
            let (n, y) = (unit / self.rows.len(), unit % self.rows.len());
            self.row(y, input, n * image, out, scratch);
        }
    }
}
