//! RESIZE_BILINEAR of 8-bit integers, as XNNPACK computes it: positions between pixels are multiples of
//! 1/2048, and what is between four pixels is rounded once.

use super::{Bytes, output_bytes};
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

    /// Elements of an output row.
    fn row_elements(&self) -> usize {
        self.columns.len() * self.input[3]
    }

    /// A row of the input, from element `start` on, in the columns of the output: `[ow, c]`, each times
    /// 2^11.
    fn blend_columns(&self, input: Bytes, start: usize, blended: &mut [i32]) {
        type V = NativeIntegers;
        let c = self.input[3];
        let whole = c / WORDS * WORDS;
        for (at, pixel) in self.columns.iter().zip(blended.chunks_exact_mut(c)) {
            let [a, b] = [at.before, at.after].map(|offset| start + offset);
            let factors = at.factors();
            let pair = V::splat(factors[0] | factors[1] << 16);
            for i in (0..whole).step_by(WORDS) {
                let [first, second] = input.words(a + i).zip_words(input.words(b + i));
                // SAFETY: i + 8 <= whole <= c, the length of a pixel.
                unsafe {
                    first.dot(pair).store(pixel.as_mut_ptr().add(i));
                    second.dot(pair).store(pixel.as_mut_ptr().add(i + LANES));
                }
            }
            for (i, out) in pixel.iter_mut().enumerate().skip(whole) {
                *out = input.at(a + i) * factors[0] + input.at(b + i) * factors[1];
            }
        }
    }
}

impl Between {
    /// By how many 1/2048 what is before and what is after counts.
    fn factors(&self) -> [i32; 2] {
        [(1 << BITS) - self.fraction, self.fraction]
    }
}

/// `output = (a * factors[0] + b * factors[1]) / 2^22`, halves rounded up.
fn blend_rows([a, b]: [&[i32]; 2], factors: [i32; 2], output: &mut [u8]) {
    type V = NativeIntegers;
    let count = output.len();
    assert!(a.len() == count && b.len() == count);
    let [first, second] = factors.map(V::splat);
    let half = 1 << (2 * BITS - 1);
    let lanes = |i: usize| {
        // SAFETY: i + 4 <= count, the length of both.
        let [a, b] = [a, b].map(|row| unsafe { V::load(row.as_ptr().add(i)) });
        a.mul(first).add(b.mul(second)).add(V::splat(half)).shift_right(2 * BITS)
    };
    let whole = count / WORDS * WORDS;
    for i in (0..whole).step_by(WORDS) {
        // SAFETY: i + 8 <= whole <= count.
        unsafe { lanes(i).store_bytes(lanes(i + LANES), output.as_mut_ptr().add(i)) };
    }
    for i in whole..count {
        output[i] = ((a[i] * factors[0] + b[i] * factors[1] + half) >> (2 * BITS)) as u8;
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
        let row = self.row_elements();
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        2 * self.row_elements()
    }

    fn weight_bytes(&self) -> usize {
        size_of::<Between>() * (self.rows.len() + self.columns.len())
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let [n, h, w, c] = self.input;
        let image = h * w * c;
        let input = Bytes::of(args.inputs[0], n * image);
        let row = self.row_elements();
        let output = output_bytes(args.outputs, units.len() * row);
        // Rows of the input that were blended last, by their first elements: rows of the output that lie
        // between them follow each other.
        let mut made = [usize::MAX; 2];
        let (mut before, mut after) = super::as_lanes(args.scratch)[..2 * row].split_at_mut(row);
        for (unit, out) in units.zip(output.chunks_exact_mut(row)) {
            let (n, y) = (unit / self.rows.len(), unit % self.rows.len());
            let at = self.rows[y];
            let wanted = [at.before, at.after].map(|row| n * image + row * w * c);
            if wanted[0] == made[1] {
                std::mem::swap(&mut before, &mut after);
                made.swap(0, 1);
            }
            for (k, blended) in [&mut *before, &mut *after].into_iter().enumerate() {
                if made[k] != wanted[k] {
                    self.blend_columns(input, wanted[k], blended);
                    made[k] = wanted[k];
                }
            }
            blend_rows([before, after], at.factors(), out);
        }
    }
}
