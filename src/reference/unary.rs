//! Functions of one value.

use super::{Input, Output};
use crate::ops::Unary;

/// `y[i] = f(x[i])`.
pub fn unary(op: Unary, x: Input, y: &mut Output) {
    for i in 0..y.len() {
        match op.apply_to_integer(x.integer(i)) {
            Some(value) if y.is_plain_integer() => y.set_integer(i, value),
            _ => y.set(i, op.apply(x.get(i))),
        }
    }
}
