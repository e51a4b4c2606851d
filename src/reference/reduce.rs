//! Reductions.

use super::{Input, Output};
use crate::ops::{Reduce, ReduceKind};
use crate::tensor::View;

/// Joins all elements whose positions differ only in the reduced axes.
pub fn reduce(op: &Reduce, x: Input, axes: Input, y: &mut Output) {
    let dims = x.shape.dims();
    let names = |listed: i64, axis: usize| {
        axis as i64 == if listed < 0 { listed + dims.len() as i64 } else { listed }
    };
    let reduced = |axis: usize| match axes.data {
        View::I32(list) => list.iter().any(|&a| names(a as i64, axis)),
        View::I64(list) => list.iter().any(|&a| names(a, axis)),
        _ => unreachable!("infer() admits integer axes only"),
    };
    let out = y.f32();
    out.fill(0.0);
    let count = x.data.len() / out.len();
    for (i, value) in x.f32().iter().enumerate() {
        // Position of element i without the reduced axes, row-major.
        let (mut rest, mut stride, mut at) = (i, 1, 0);
        for axis in (0..dims.len()).rev() {
            let position = rest % dims[axis];
            rest /= dims[axis];
            if !reduced(axis) {
                at += position * stride;
                stride *= dims[axis];
            }
        }
        match op.kind {
            ReduceKind::Mean => out[at] += value,
        }
    }
    match op.kind {
        ReduceKind::Mean => out.iter_mut().for_each(|y| *y /= count as f32),
    }
}
