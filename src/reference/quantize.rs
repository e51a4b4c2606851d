//! Between real numbers and the values that quantized tensors can hold.

use super::{Input, Output};
use crate::tensor::Grid;

/// The same real numbers in another type, or with another scale.
pub fn convert(x: Input, y: &mut Output) {
    for i in 0..y.len() {
        y.set(i, x.get(i));
    }
}

/// The nearest values that a quantized tensor could hold.
pub fn fake_quant(grid: &Grid, x: Input, y: &mut Output) {
    for i in 0..y.len() {
        y.set(i, grid.nearest(x.get(i)));
    }
}
