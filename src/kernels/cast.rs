//! CAST.

use super::{Args, Kernel};
use crate::tensor::{View, ViewMut};
use std::ops::Range;

/// Elements of a unit.
const UNIT: usize = 4096;

/// Integers on their way from one type to another.
const PIECE: usize = 256;

/// Stored values in another type: floats lose their fraction and saturate in integers, NaN as the largest
/// one; integers keep their lowest bits in narrower ones; what is not 0 is true. A unit is 4096 elements.
/// Operand 0, of any type but float16, and the output have the same shape.
pub struct Cast {
    elements: usize,
}

impl Cast {
    /// Of so many elements.
    pub fn new(elements: usize) -> Cast {
        Cast { elements }
    }
}

impl Kernel for Cast {
    fn name(&self) -> String {
        "cast".to_string()
    }

    fn units(&self) -> usize {
        self.elements.div_ceil(UNIT)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        (units.start * UNIT).min(self.elements)..(units.end * UNIT).min(self.elements)
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let span = self.span(0, units);
        let input = args.inputs[0].expect("an operand of its own");
        assert_eq!(input.len(), self.elements, "elements of operand 0");
        let input = input.slice(span);
        let output = &mut args.outputs[0];
        if let View::F32(floats) = input {
            return from_floats(floats, output);
        }
        // By way of the widest type, so that there is one loop for each type instead of each pair.
        let mut piece = [0i64; PIECE];
        for start in (0..input.len()).step_by(PIECE) {
            let at = start..input.len().min(start + PIECE);
            let piece = &mut piece[..at.len()];
            widen(input.slice(at.clone()), piece);
            narrow(piece, output, at);
        }
    }
}

fn from_floats(from: &[f32], to: &mut ViewMut) {
    match to {
        ViewMut::F32(to) => to.copy_from_slice(from),
        ViewMut::I8(to) => each(from, to, |x| if x.is_nan() { i8::MAX } else { x as i8 }),
        ViewMut::U8(to) => each(from, to, |x| if x.is_nan() { u8::MAX } else { x as u8 }),
        ViewMut::I16(to) => each(from, to, |x| if x.is_nan() { i16::MAX } else { x as i16 }),
        ViewMut::I32(to) => each(from, to, |x| if x.is_nan() { i32::MAX } else { x as i32 }),
        ViewMut::I64(to) => each(from, to, |x| if x.is_nan() { i64::MAX } else { x as i64 }),
        ViewMut::Bool(to) => each(from, to, |x| u8::from(x != 0.0)),
        ViewMut::F16(_) => panic!("no half floats"),
    }
}

fn widen(from: View, to: &mut [i64]) {
    match from {
        View::I8(from) => each(from, to, i64::from),
        View::U8(from) | View::Bool(from) => each(from, to, i64::from),
        View::I16(from) => each(from, to, i64::from),
        View::I32(from) => each(from, to, i64::from),
        View::I64(from) => to.copy_from_slice(from),
        View::F32(_) | View::F16(_) => panic!("no integers"),
    }
}

fn narrow(from: &[i64], to: &mut ViewMut, at: Range<usize>) {
    match to {
        ViewMut::F32(to) => each(from, &mut to[at], |x| x as f32),
        ViewMut::I8(to) => each(from, &mut to[at], |x| x as i8),
        ViewMut::U8(to) => each(from, &mut to[at], |x| x as u8),
        ViewMut::I16(to) => each(from, &mut to[at], |x| x as i16),
        ViewMut::I32(to) => each(from, &mut to[at], |x| x as i32),
        ViewMut::I64(to) => to[at].copy_from_slice(from),
        ViewMut::Bool(to) => each(from, &mut to[at], |x| u8::from(x != 0)),
        ViewMut::F16(_) => panic!("no half floats"),
    }
}

#[inline(always)]
fn each<A: Copy, B>(from: &[A], to: &mut [B], f: impl Fn(A) -> B) {
    assert_eq!(from.len(), to.len());
    from.iter().zip(to).for_each(|(&x, y)| *y = f(x));
}
