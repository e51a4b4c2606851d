//! Functions of two values, with broadcasting.

use super::activation::Activation;
use super::broadcast::{Broadcast, PATTERN};
use super::{Args, Kernel};
use crate::ops::{self, BinaryKind};
use crate::simd::{LANES, Native, Vector};
use crate::tensor::Shape;
use std::ops::Range;

/// A function of two values, of fixed shapes.
#[derive(Debug, Clone, Copy)]
pub struct BinarySpec<'a> {
    /// The function, and what is applied to its result.
    pub op: ops::Binary,
    /// Shapes of the operands.
    pub operands: [&'a Shape; 2],
    /// The shape both broadcast to.
    pub output: &'a Shape,
}

/// ADD, MUL and their kin with NumPy's broadcasting; a unit is about 1024 elements, whole rows
/// where rows are repeated. Operands 0 and 1 are the two, the output has the shape they broadcast to.
pub struct Binary {
    kind: BinaryKind,
    activation: Activation,
    /// Whether the activation does anything.
    activates: bool,
    broadcast: Broadcast,
}

impl Binary {
    /// Finds out how the operands repeat.
    ///
    /// # Panics
    /// When the operands do not broadcast to the output.
    pub fn new(spec: BinarySpec<'_>) -> Binary {
        Binary {
            kind: spec.op.kind,
            activation: spec.op.activation.into(),
            activates: spec.op.activation.is_some(),
            broadcast: Broadcast::new(spec.operands, spec.output),
        }
    }

    /// Elements `span` of the output. An operand that is `None` lies in the output.
    fn compute<V: Vector>(
        &self,
        span: Range<usize>,
        operands: [Option<&[f32]>; 2],
        output: &mut [f32],
    ) {
        self.broadcast.check(&span, operands.map(|slice| slice.map(<[f32]>::len)), output.len());
        match self.kind {
            BinaryKind::Add => self.apply::<V>(span, operands, output, V::add),
            BinaryKind::Sub => self.apply::<V>(span, operands, output, V::sub),
            BinaryKind::Mul => self.apply::<V>(span, operands, output, V::mul),
            BinaryKind::Div => self.apply::<V>(span, operands, output, V::div),
            BinaryKind::Maximum => self.apply::<V>(span, operands, output, V::at_least),
            BinaryKind::Minimum => self.apply::<V>(span, operands, output, V::at_most),
            BinaryKind::Prelu => self.apply::<V>(span, operands, output, V::leaky_relu),
            BinaryKind::SquaredDifference => self.apply::<V>(span, operands, output, |a, b| {
                let difference = a.sub(b);
                difference.mul(difference)
            }),
            // Rare ones: each is not worth loops of its own.
            kind @ (BinaryKind::FloorDiv | BinaryKind::FloorMod | BinaryKind::Pow) => {
                let lane = |a: f32, b: f32| kind.apply(a as f64, b as f64) as f32;
                self.apply::<V>(span, operands, output, |a, b| {
                    let (a, b) = (a.to_array(), b.to_array());
                    V::from_array(std::array::from_fn(|i| lane(a[i], b[i])))
                });
            }
        }
    }

    /// A loop for each way a row can go, so that there is no branch in it.
    #[inline(always)]
    fn apply<V: Vector>(
        &self,
        span: Range<usize>,
        operands: [Option<&[f32]>; 2],
        output: &mut [f32],
        f: impl Fn(V, V) -> V + Copy,
    ) {
        if let Some(repeated) = self.broadcast.short_repeated_row() {
            return self.patterns::<V>(repeated, span, operands, output, f);
        }
        match self.broadcast.moves() {
            [false, _] => self.rows::<V, false, true>(span, operands, output, f),
            [_, false] => self.rows::<V, true, false>(span, operands, output, f),
            _ => self.rows::<V, true, true>(span, operands, output, f),
        }
    }

    /// Copies of the short row, one after the other, make long rows: 16 channels are only four
    /// vectors, less work than starting a row.
    #[inline(never)]
    fn patterns<V: Vector>(
        &self,
        repeated: usize,
        span: Range<usize>,
        operands: [Option<&[f32]>; 2],
        output: &mut [f32],
        f: impl Fn(V, V) -> V,
    ) {
        let row = operands[repeated].expect("in_place() admits the longer operand only");
        assert_eq!(span.start % row.len(), 0, "units are whole rows");
        let mut pattern = [0.0; PATTERN];
        let length = PATTERN / row.len() * row.len();
        for copy in pattern[..length].chunks_exact_mut(row.len()) {
            copy.copy_from_slice(row);
        }
        for (at, out) in span.step_by(length).zip(output.chunks_mut(length)) {
            let (to, count) = (out.as_mut_ptr(), out.len());
            let long = match operands[1 - repeated] {
                Some(slice) => slice[at..][..count].as_ptr(),
                None => to.cast_const(),
            };
            let mut from = [pattern[..count].as_ptr(); 2];
            from[1 - repeated] = long;
            // SAFETY: `to` has `count` elements, and so have the pattern and the long operand.
            unsafe { walk::<V, true, true>(from, to, count, &f) };
            if self.activates {
                self.activation.pass::<V>(out);
            }
        }
    }

    /// Where A or B is false, that operand is one value for a whole row.
    #[inline(never)]
    fn rows<V: Vector, const A: bool, const B: bool>(
        &self,
        span: Range<usize>,
        operands: [Option<&[f32]>; 2],
        output: &mut [f32],
        f: impl Fn(V, V) -> V,
    ) {
        let moves = [A, B];
        self.broadcast.rows(span, &mut |at, count, offsets| {
            let out = &mut output[at..][..count];
            let to = out.as_mut_ptr();
            let from = [0, 1].map(|i| match operands[i] {
                // Checked slicing: all that `walk` reads of it.
                Some(slice) if moves[i] => slice[offsets[i]..][..count].as_ptr(),
                Some(slice) => &raw const slice[offsets[i]],
                None => to.cast_const(),
            });
            // SAFETY: `to` has `count` elements, and so has each operand that moves; one that
            // does not has one, and is not in place: `in_place` admits only operands with as
            // many elements as the output, which move.
            unsafe { walk::<V, A, B>(from, to, count, &f) };
            if self.activates {
                self.activation.pass::<V>(out);
            }
        });
    }
}

/// `to[i] = f(a[i], b[i])` for `count` elements; an operand that does not move stays at 0.
///
/// # Safety
/// `to` must be writable for `count` floats; each of the operands readable for `count`, or for one
/// where it does not move. An operand is either apart from `to` or equal to it.
#[inline(always)]
unsafe fn walk<V: Vector, const A: bool, const B: bool>(
    [a, b]: [*const f32; 2],
    to: *mut f32,
    count: usize,
    f: &impl Fn(V, V) -> V,
) {
    let whole = count / LANES * LANES;
    let left = count - whole;
    // SAFETY: the caller's promise: i + 4 <= whole <= count, and whole + left = count. Both
    // operands of a vector are read before it is written.
    unsafe {
        let repeated = [a, b].map(|p| V::load_splat(p));
        for i in (0..whole).step_by(LANES) {
            let a = if A { V::load(a.add(i)) } else { repeated[0] };
            let b = if B { V::load(b.add(i)) } else { repeated[1] };
            f(a, b).store(to.add(i));
        }
        if left > 0 {
            let a = if A { V::load_first(a.add(whole), left) } else { repeated[0] };
            let b = if B { V::load_first(b.add(whole), left) } else { repeated[1] };
            f(a, b).store_first(to.add(whole), left);
        }
    }
}

impl Kernel for Binary {
    fn name(&self) -> String {
        self.kind.name().to_ascii_lowercase()
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

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let span = self.span(0, units);
        let operands =
            [0, 1].map(|i| args.inputs[i].map(|_| args.input(i, self.broadcast.lengths[i])));
        let output = args.output(span.clone());
        self.compute::<Native>(span, operands, output);
    }
}
