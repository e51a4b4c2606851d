//! Sums and products of two 8-bit integers, with broadcasting, as XNNPACK computes them.

use super::{Bytes, limits, output_bytes};
use crate::kernels::broadcast::{Broadcast, PATTERN};
use crate::kernels::{Args, Kernel};
use crate::ops::{BinaryKind, scales_fit};
use crate::simd::{Integers, LANES, Limits, NativeIntegers, WORDS};
use crate::tensor::{Grid, Shape};
use std::ops::Range;

/// A sum or product of fixed shapes.
#[derive(Debug, Clone, Copy)]
pub struct IntegerBinarySpec<'a> {
    /// ADD, SUB or MUL.
    pub kind: BinaryKind,
    /// Shapes of the operands.
    pub operands: [&'a Shape; 2],
    /// How their elements are stored.
    pub grids: [Grid; 2],
    /// The shape both broadcast to.
    pub output: &'a Shape,
    /// What the result can hold, after its activation.
    pub grid: Grid,
}

/// ADD, SUB or MUL with NumPy's broadcasting; a unit is about 1024 elements, whole rows where rows are
/// repeated. Operands 0 and 1 are the two, the output has the shape they broadcast to.
pub struct IntegerBinary {
    kind: BinaryKind,
    broadcast: Broadcast,
    rule: Rule,
    zeros: [i32; 2],
    /// Of the result, stored.
    low: i32,
    high: i32,
    zero_point: i32,
}

/// What becomes of two numbers of steps from their zero points.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// `(a * factors[0] + b * factors[1]) / 2^shift`, halves rounded up.
    Sum { factors: [i32; 2], shift: u32 },
    /// `a * b * scale`, halves to even.
    Product { scale: f32, limits: Limits },
}

impl Rule {
    /// Factors are of 21 bits, the larger one uses them all.
    fn sum([a, b]: [f32; 2]) -> Rule {
        let exponent = (a.abs().max(b.abs()).to_bits() >> 23) as i32 - 127;
        let shift = 20 - exponent;
        let factors = [a, b].map(|scale| (scale * 2f32.powi(shift)).round_ties_even() as i32);
        Rule::Sum { factors, shift: shift as u32 }
    }
}

impl IntegerBinary {
    /// # Panics
    /// When the operands do not broadcast to the output, or the scales do not fit.
    pub fn new(spec: IntegerBinarySpec<'_>) -> IntegerBinary {
        let IntegerBinarySpec { kind, grids, grid, .. } = spec;
        assert!(scales_fit(kind, grids, grid), "scales");
        let [a, b] = grids.map(|x| x.scale / grid.scale);
        let rule = match kind {
            BinaryKind::Add => Rule::sum([a, b]),
            BinaryKind::Sub => Rule::sum([a, -b]),
            _ => {
                let scale = grids[0].scale * grids[1].scale / grid.scale;
                Rule::Product { scale, limits: limits(grid) }
            }
        };
        IntegerBinary {
            kind,
            broadcast: Broadcast::new(spec.operands, spec.output),
            rule,
            zeros: grids.map(|x| x.zero_point),
            low: grid.low,
            high: grid.high,
            zero_point: grid.zero_point,
        }
    }

    /// Elements `span` of the output. An operand that is `None` lies in the output.
    fn compute(
        &self,
        span: Range<usize>,
        operands: [Option<&[u8]>; 2],
        signed: bool,
        output: &mut [u8],
    ) {
        type V = NativeIntegers;
        self.broadcast.check(&span, operands.map(|slice| slice.map(<[u8]>::len)), output.len());
        // Signed bytes become unsigned ones that are 128 more.
        let (flip, moved) = if signed { (0x80, 128) } else { (0, 0) };
        let flip = V::splat_words(flip);
        let zeros = self.zeros.map(|zero| V::splat_words((zero + moved) as i16));
        let words = |a: V, b: V| [a.xor(flip).sub_words(zeros[0]), b.xor(flip).sub_words(zeros[1])];
        match self.rule {
            Rule::Sum { factors, shift } => {
                // Words hold 11 bits of a factor, and the rest.
                const LOW: u32 = 11;
                let pair = |[a, b]: [i32; 2]| V::splat((a & 0xffff) | b << 16);
                let low = pair(factors.map(|f| f & ((1 << LOW) - 1)));
                let high = pair(factors.map(|f| f >> LOW));
                let half = V::splat(1 << (shift - 1));
                let zero = V::splat(self.zero_point);
                let [lowest, highest] = [self.low, self.high].map(V::splat);
                let f = |a: V, b: V| {
                    let [a, b] = words(a, b);
                    a.zip_words(b).map(|ab| {
                        let sum = ab.dot(high).shift_left(LOW).add(ab.dot(low)).add(half);
                        sum.shift_right(shift).add(zero).limit(lowest, highest)
                    })
                };
                self.apply(span, operands, output, &|from, steps, to, count| {
                    // SAFETY: `apply` gives as many elements as it says.
                    unsafe { walk(from, steps, to, count, &f) }
                });
            }
            Rule::Product { scale, limits } => {
                let scales = [scale; LANES];
                let f = |a: V, b: V| {
                    let [a, b] = words(a, b);
                    // SAFETY: there are four scales.
                    a.products(b).map(|ab| unsafe { ab.requantize(scales.as_ptr(), limits) })
                };
                self.apply(span, operands, output, &|from, steps, to, count| {
                    // SAFETY: `apply` gives as many elements as it says.
                    unsafe { walk(from, steps, to, count, &f) }
                });
            }
        }
    }

    /// Calls `walk` for each stretch of elements: operands, their steps, output and count.
    fn apply(
        &self,
        span: Range<usize>,
        operands: [Option<&[u8]>; 2],
        output: &mut [u8],
        walk: &dyn Fn([*const u8; 2], [usize; 2], *mut u8, usize),
    ) {
        // Copies of a short row, one after the other, make long rows.
        let mut pattern = [0; PATTERN];
        if let Some(repeated) = self.broadcast.short_repeated_row() {
            let row = operands[repeated].expect("in_place admits the longer operand only");
            assert_eq!(span.start % row.len(), 0, "units are whole rows");
            let length = PATTERN / row.len() * row.len();
            for copy in pattern[..length].chunks_exact_mut(row.len()) {
                copy.copy_from_slice(row);
            }
            for (at, out) in span.step_by(length).zip(output.chunks_mut(length)) {
                let (to, count) = (out.as_mut_ptr(), out.len());
                let mut from = [pattern[..count].as_ptr(); 2];
                from[1 - repeated] = match operands[1 - repeated] {
                    Some(slice) => slice[at..][..count].as_ptr(),
                    None => to.cast_const(),
                };
                // `to` has `count` elements, and so have the pattern and the long operand.
                walk(from, [1; 2], to, count);
            }
            return;
        }
        let moves = self.broadcast.moves();
        self.broadcast.rows(span, &mut |at, count, offsets| {
            let out = &mut output[at..][..count];
            let to = out.as_mut_ptr();
            let mut alone = [[0; WORDS]; 2];
            let from = [0, 1].map(|i| match operands[i] {
                Some(slice) if moves[i] => slice[offsets[i]..][..count].as_ptr(),
                Some(slice) => {
                    alone[i] = [slice[offsets[i]]; WORDS];
                    alone[i].as_ptr()
                }
                None => to.cast_const(),
            });
            // `to` has `count` elements, and so has each operand that moves; of the others there is a
            // vector. Those in place have as many elements as the output, and move.
            walk(from, moves.map(usize::from), to, count);
        });
    }
}

/// `to[i] = f(a[i], b[i])` for `count` elements; an operand of step 0 stays at its first eight.
///
/// # Safety
/// `to` must be writable for `count` bytes; each of the operands readable for `count`, or for eight
/// where it does not move. An operand is either apart from `to` or equal to it.
#[inline(never)]
unsafe fn walk<V: Integers>(
    from: [*const u8; 2],
    steps: [usize; 2],
    to: *mut u8,
    count: usize,
    f: &impl Fn(V, V) -> [V; 2],
) {
    let whole = count / WORDS * WORDS;
    let left = count - whole;
    // SAFETY: the caller's promise: i + 8 <= whole <= count, and whole + left = count. Both operands
    // of a vector are read before it is written.
    unsafe {
        for i in (0..whole).step_by(WORDS) {
            let [a, b] = [0, 1].map(|k| V::load_unsigned(from[k].add(i * steps[k])));
            let [first, second] = f(a, b);
            first.store_bytes(second, to.add(i));
        }
        if left > 0 {
            let mut rest = [[0; WORDS]; 3];
            for k in 0..2 {
                let count = if steps[k] == 0 { WORDS } else { left };
                rest[k][..count].copy_from_slice(std::slice::from_raw_parts(
                    from[k].add(whole * steps[k]),
                    count,
                ));
            }
            let [first, second] =
                f(V::load_unsigned(rest[0].as_ptr()), V::load_unsigned(rest[1].as_ptr()));
            first.store_bytes(second, rest[2].as_mut_ptr());
            std::ptr::copy_nonoverlapping(rest[2].as_ptr(), to.add(whole), left);
        }
    }
}

impl Kernel for IntegerBinary {
    fn name(&self) -> String {
        format!("{}, integer", self.kind.name().to_ascii_lowercase())
    }

    fn units(&self) -> usize {
        self.broadcast.units()
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        self.broadcast.span(units)
    }

    fn in_place(&self) -> &[usize] {
        &self.broadcast.in_place
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let span = self.broadcast.span(units);
        let signed = matches!(args.outputs, [crate::tensor::ViewMut::I8(_)]);
        let operands = [0, 1].map(|i| {
            let view = args.inputs[i]?;
            Some(Bytes::of(Some(view), self.broadcast.lengths[i]).stored())
        });
        let output = output_bytes(args.outputs, span.len());
        self.compute(span, operands, signed, output);
    }
}
