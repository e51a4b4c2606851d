//! Matrix products.

use super::binary::stretched;
use super::{Input, Output, activate};
use crate::ops::matmul::Product;
use crate::ops::{BatchMatMul, FullyConnected};
use crate::tensor::MAX_RANK;

/// `y[row, unit] = bias[unit] + sum over k of x[row, k] * weights[unit, k]`.
pub fn fully_connected(
    op: &FullyConnected,
    x: Input,
    weights: Input,
    bias: Option<Input>,
    y: &mut Output,
) {
    let &[units, depth] = weights.shape.dims() else { unreachable!("infer() checked the rank") };
    for i in 0..y.len() {
        let (row, unit) = (i / units, i % units);
        let products = (0..depth).map(|k| x.get(row * depth + k) * weights.get(unit * depth + k));
        let sum = products.sum::<f64>() + bias.map_or(0.0, |b| b.get(unit));
        y.set(i, activate(op.activation, sum));
    }
}

/// `y[..., m, n] = sum over k of a[..., m, k] * b[..., k, n]`.
pub fn batch_matmul(op: &BatchMatMul, a: Input, b: Input, y: &mut Output) {
    let product = op.product(a.shape, b.shape);
    let Product { m, k, n } = product.expect("infer() checked the extents");
    let [a_transposed, b_transposed] = op.transposed;
    for i in 0..y.len() {
        let (batch, row, column) = (i / (m * n), i / n % m, i % n);
        let (a_start, b_start) = (matrix(batch, y, &a) * m * k, matrix(batch, y, &b) * k * n);
        let a_at = |j: usize| if a_transposed { j * m + row } else { row * k + j };
        let b_at = |j: usize| if b_transposed { column * k + j } else { j * n + column };
        let sum = (0..k).map(|j| a.get(a_start + a_at(j)) * b.get(b_start + b_at(j))).sum();
        y.set(i, sum);
    }
}

/// Which matrix of an operand matrix `i` of the result is made of.
fn matrix(i: usize, result: &Output, operand: &Input) -> usize {
    let extents = |dims: &[usize]| {
        let mut batch = [1; MAX_RANK];
        let count = dims.len() - 2;
        batch[MAX_RANK - count..].copy_from_slice(&dims[..count]);
        batch
    };
    stretched(i, &extents(result.shape.dims()), &extents(operand.shape.dims()))
}
