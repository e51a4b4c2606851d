//! Element by element.

use super::{Input, Output, activate};
use crate::ops::{Binary, Unary};

/// `y[i] = f(x[i])`.
pub fn unary(op: Unary, x: Input, y: &mut Output) {
    for i in 0..y.len() {
        y.set(i, op.apply(x.get(i)));
    }
}

/// `y[i] = f(a[i], b[i])`, where an extent of 1 stretches.
pub fn binary(op: &Binary, a: Input, b: Input, y: &mut Output) {
    for i in 0..y.len() {
        let x = a.get(stretched(i, y.shape.dims(), a.shape.dims()));
        let z = b.get(stretched(i, y.shape.dims(), b.shape.dims()));
        y.set(i, activate(op.activation, op.kind.apply(x, z)));
    }
}

/// The element of an operand that stretches to element `i` of the result, by the extents of both.
pub(super) fn stretched(i: usize, result: &[usize], operand: &[usize]) -> usize {
    let (mut rest, mut stride, mut at) = (i, 1, 0);
    let mut operand = operand.iter().rev();
    for &extent in result.iter().rev() {
        let position = rest % extent;
        rest /= extent;
        let Some(&own) = operand.next() else { break };
        at += if own == 1 { 0 } else { position } * stride;
        stride *= own;
    }
    at
}
