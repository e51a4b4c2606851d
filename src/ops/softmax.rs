//! Softmax over the last axis.

use super::{Operands, expect, real_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// SOFTMAX: `e^(beta * x)` as parts of its sum over the last axis; LOG_SOFTMAX: their logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Softmax {
    /// What is multiplied before; 1 in LOG_SOFTMAX.
    pub beta: f32,
    /// Whether the results are logarithms.
    pub log: bool,
}

impl Softmax {
    /// TFLite's name.
    pub fn name(&self) -> &'static str {
        if self.log { "LOG_SOFTMAX" } else { "SOFTMAX" }
    }

    /// The same shape and type.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x] = expect(operands)?;
        if x.shape.rank() == 0 {
            return Err(Error::malformed("needs an axis, got a scalar"));
        }
        Ok(vec![(x.shape.clone(), real_type(x)?)])
    }
}
