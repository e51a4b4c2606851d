//! Kernels of matrix products: with constant weights, which are packed.

use super::{Chosen, Site};
use crate::kernels::{Gemm, GemmSpec};
use crate::ops::matmul::Product;
use crate::ops::{BatchMatMul, FullyConnected};

pub(super) fn fully_connected(op: &FullyConnected, site: &Site) -> Option<Chosen> {
    let x = site.float(0)?;
    let weights = site.constant(1)?;
    let bias = match site.operand(2) {
        Some(_) => Some(site.constant(2)?),
        None => None,
    };
    let &[n, k] = site.operand(1)?.shape.dims() else { return None };
    let m = x.shape.elements() / k;
    let gemm = Gemm::new(GemmSpec { m, k, n, weights, bias, activation: op.activation });
    site.reading(1, gemm)
}

/// One matrix of weights for all matrices of the input.
pub(super) fn batch_matmul(op: &BatchMatMul, site: &Site) -> Option<Chosen> {
    let (a, b) = (site.float(0)?, site.operand(1)?);
    let Product { k, n, .. } = op.product(&a.shape, &b.shape).ok()?;
    let weights = site.constant(1)?;
    if op.transposed[0] || weights.len() != k * n || a.shape.rank() < b.shape.rank() {
        return None;
    }
    let turned: Vec<f32>;
    let weights = match op.transposed[1] {
        true => weights, // [n, k]
        false => {
            turned = (0..n * k).map(|i| weights[i % k * n + i / k]).collect();
            &turned
        }
    };
    let m = a.shape.elements() / k;
    site.reading(1, Gemm::new(GemmSpec { m, k, n, weights, bias: None, activation: None }))
}
