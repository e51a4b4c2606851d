//! Functions of two values.

use super::{Input, Output, activate};
use crate::ops::Binary;

/// `y[i] = f(a[i], b[i])`, where an extent of 1 stretches.
pub fn binary(op: &Binary, a: Input, b: Input, y: &mut Output) {
    for i in 0..y.len() {
        let (from_a, from_b) = (
            stretched(i, y.shape.dims(), a.shape.dims()),
            stretched(i, y.shape.dims(), b.shape.dims()),
        );
        if y.is_plain_integer() {
            let value = op.kind.apply_to_integers(a.integer(from_a), b.integer(from_b));
            let activated = op.activation.and_then(|unary| unary.apply_to_integer(value));
            y.set_integer(i, activated.unwrap_or(value));
        } else {
            y.set(i, activate(op.activation, op.kind.apply(a.get(from_a), b.get(from_b))));
        }
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
