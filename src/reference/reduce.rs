//! Reductions.

use super::{Input, Output};
use crate::ops::{ArgReduce, Reduce, ReduceKind, real};
use crate::quantization::sixteen_bits;
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
        let each = (0..count).map(|k| start + walk(dims, |axis| reduced[axis], k));
        if y.is_plain_integer() || matches!(op.kind, ReduceKind::Any | ReduceKind::All) {
            y.set_integer(i, join_integers(op.kind, each.map(|at| x.integer(at)), count));
        } else if op.kind == ReduceKind::Prod && y.is_quantized() {
            y.set_steps(
                i,
                quantized_product(each.map(|at| x.steps(at)), count, x.scale(0).0, y.scale(i).0),
            );
        } else {
            y.set(i, join(op.kind, each.map(|at| x.get(at)), count));
        }
    }
}

/// The product of `count` numbers of steps of `scale`, in steps of `scale_of_result`: TFLite scales and
/// rounds after each factor, by the same factor each time, so that no product grows large.
fn quantized_product(
    steps: impl Iterator<Item = i64>,
    count: usize,
    scale: f64,
    scale_of_result: f64,
) -> i64 {
    let factor = sixteen_bits(scale / real::pow(scale_of_result, 1.0 / count as f64));
    // Exact: integers of 16 and at most 48 bits; what is larger TFLite does not bound either.
    let scaled = |product: i64| (product as f64 * factor + 0.5).floor() as i32 as i64;
    let product = steps.reduce(|product, next| scaled(product.wrapping_mul(next)));
    product.map_or(1, scaled)
}

/// One real number of `count` ones, at least one.
fn join(kind: ReduceKind, each: impl Iterator<Item = f64>, count: usize) -> f64 {
    match kind {
        ReduceKind::Max | ReduceKind::Any => each.fold(f64::NEG_INFINITY, f64::max),
        ReduceKind::Min | ReduceKind::All => each.fold(f64::INFINITY, f64::min),
        ReduceKind::Mean => each.sum::<f64>() / count as f64,
        ReduceKind::Prod => each.product(),
        ReduceKind::Sum => each.sum(),
    }
}

/// One integer, or one boolean; sums and products lose bits that do not fit, means their fraction.
fn join_integers(kind: ReduceKind, each: impl Iterator<Item = i64>, count: usize) -> i64 {
    match kind {
        ReduceKind::Max | ReduceKind::Any => each.fold(i64::MIN, i64::max),
        ReduceKind::Min | ReduceKind::All => each.fold(i64::MAX, i64::min),
        ReduceKind::Mean => each.fold(0, i64::wrapping_add) / count as i64,
        ReduceKind::Prod => each.fold(1, i64::wrapping_mul),
        ReduceKind::Sum => each.fold(0, i64::wrapping_add),
    }
}

/// The position of the first element along the axis that no other one passes.
pub fn arg_reduce(op: &ArgReduce, x: Input, axis: Input, y: &mut Output) {
    let dims = x.shape.dims();
    let axis = axis.integer(0);
    let axis = if axis < 0 { axis + dims.len() as i64 } else { axis } as usize;
    let (extent, inner) = (dims[axis], dims[axis + 1..].iter().product::<usize>());
    for i in 0..y.len() {
        let start = i / inner * extent * inner + i % inner;
        let passes = |k: usize, best: usize| {
            let (a, b) = (x.get(start + k * inner), x.get(start + best * inner));
            if op.min { a < b } else { a > b }
        };
        let best = (1..extent).fold(0, |best, k| if passes(k, best) { k } else { best });
        y.set_integer(i, best as i64);
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
