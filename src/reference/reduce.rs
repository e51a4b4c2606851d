//! Reductions.

use super::{Input, Output};
use crate::ops::{Reduce, ReduceKind};
use crate::tensor::MAX_RANK;

/// Joins all elements whose positions differ only in the reduced axes.
pub fn reduce(op: &Reduce, x: Input, axes: Input, y: &mut Output) {
    let dims = x.shape.dims();
    let mut reduced = [false; MAX_RANK];
    for i in 0..axes.len() {
        let axis = axes.integer(i);
        let axis = if axis < 0 { axis + dims.len() as i64 } else { axis };
        reduced[axis as usize] = true;
    }
    let count = x.len() / y.len();
    for i in 0..y.len() {
        let start = walk(dims, |axis| !reduced[axis], i);
        let each = (0..count).map(|k| x.get(start + walk(dims, |axis| reduced[axis], k)));
        let value = match op.kind {
            ReduceKind::Mean => each.sum::<f64>() / count as f64,
        };
        y.set(i, value);
    }
}

/// The element that is `i`-th, row-major, of those that lie at 0 along all axes but the `chosen`.
fn walk(dims: &[usize], chosen: impl Fn(usize) -> bool, i: usize) -> usize {
    let (mut rest, mut stride, mut at) = (i, 1, 0);
    for axis in (0..dims.len()).rev() {
        if chosen(axis) {
            at += rest % dims[axis] * stride;
            rest /= dims[axis];
        }
        stride *= dims[axis];
    }
    at
}
