//! Element by element.

use super::{Input, Output, activate};
use crate::ops::{Binary, Unary};
use crate::tensor::Shape;

/// `y[i] = f(x[i])`.
pub fn unary(op: Unary, x: Input, y: &mut Output) {
    for (y, &x) in y.f32().iter_mut().zip(x.f32()) {
        *y = op.apply(x);
    }
}

/// `y[i] = f(a[i], b[i])`, where an extent of 1 stretches.
pub fn binary(op: &Binary, a: Input, b: Input, y: &mut Output) {
    let shape = y.shape;
    let (a_shape, b_shape, a, b) = (a.shape, b.shape, a.f32(), b.f32());
    for (i, y) in y.f32().iter_mut().enumerate() {
        let (a, b) = (a[stretched(i, shape, a_shape)], b[stretched(i, shape, b_shape)]);
        *y = activate(op.activation, op.kind.apply(a, b));
    }
}

/// The element of an operand that stretches to element `i` of the result.
fn stretched(i: usize, result: &Shape, operand: &Shape) -> usize {
    let (mut rest, mut stride, mut at) = (i, 1, 0);
    let mut operand = operand.dims().iter().rev();
    for &extent in result.dims().iter().rev() {
        let position = rest % extent;
        rest /= extent;
        let Some(&own) = operand.next() else { break };
        at += if own == 1 { 0 } else { position } * stride;
        stride *= own;
    }
    at
}
