//! Softmax.

use super::{Input, Output};
use crate::ops::Softmax;

/// `e^(b x) / sum of e^(b x)` along the last axis, or its logarithm; the largest value is taken off
/// first, which changes nothing but keeps the sum finite.
pub fn softmax(op: &Softmax, x: Input, y: &mut Output) {
    let row = x.shape.dims().last().copied().unwrap_or(1);
    for start in (0..y.len()).step_by(row) {
        let scaled = |i: usize| op.beta as f64 * x.get(start + i);
        let most = (0..row).map(scaled).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..row).map(|i| (scaled(i) - most).exp()).sum();
        for i in 0..row {
            let above = scaled(i) - most;
            y.set(start + i, if op.log { above - sum.ln() } else { above.exp() / sum });
        }
    }
}
