//! Operators that work element by element.

use super::{Operands, expect, real_type, same_real_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// A function of one value. Also what may follow another operator as its activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unary {
    Relu,
    Relu6,
    ReluN1To1,
    HardSwish,
    Logistic,
    Tanh,
}

impl Unary {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Relu => "RELU",
            Unary::Relu6 => "RELU6",
            Unary::ReluN1To1 => "RELU_N1_TO_1",
            Unary::HardSwish => "HARD_SWISH",
            Unary::Logistic => "LOGISTIC",
            Unary::Tanh => "TANH",
        }
    }

    /// The function itself.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Unary::Relu => x.max(0.0),
            Unary::Relu6 => x.clamp(0.0, 6.0),
            Unary::ReluN1To1 => x.clamp(-1.0, 1.0),
            Unary::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Unary::Logistic => 1.0 / (1.0 + (-x).exp()),
            Unary::Tanh => x.tanh(),
        }
    }

    /// The same shape and type.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x] = expect(operands)?;
        Ok(vec![(x.shape.clone(), real_type(x)?)])
    }
}

/// A function of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BinaryKind {
    Add,
    Mul,
}

impl BinaryKind {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            BinaryKind::Add => "ADD",
            BinaryKind::Mul => "MUL",
        }
    }

    /// The function itself.
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            BinaryKind::Add => a + b,
            BinaryKind::Mul => a * b,
        }
    }
}

/// ADD, MUL and their kin, with NumPy's broadcasting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binary {
    /// The function.
    pub kind: BinaryKind,
    /// Applied to the result.
    pub activation: Option<Unary>,
}

impl Binary {
    /// The shape that both operands broadcast to.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [a, b] = expect(operands)?;
        let dtype = same_real_type(a, b)?;
        Ok(vec![(broadcast(&a.shape, &b.shape)?, dtype)])
    }
}

/// NumPy's rule: shapes are aligned at their last axis, and an extent of 1 stretches.
pub fn broadcast(a: &Shape, b: &Shape) -> Result<Shape> {
    let rank = a.rank().max(b.rank());
    // Extent of a shape at an axis of the result, counted from the last.
    let extent = |s: &Shape, back: usize| s.dims().iter().rev().nth(back).copied().unwrap_or(1);
    let mut dims = vec![0; rank];
    for back in 0..rank {
        dims[rank - 1 - back] = match (extent(a, back), extent(b, back)) {
            (x, y) if x == y => x,
            (1, y) => y,
            (x, 1) => x,
            _ => return Err(Error::malformed(format!("{a} and {b} do not broadcast"))),
        };
    }
    Shape::new(dims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let s = |d: &[usize]| Shape::new(d).unwrap();
        assert_eq!(broadcast(&s(&[1, 4, 4, 8]), &s(&[8])).unwrap(), s(&[1, 4, 4, 8]));
        assert_eq!(broadcast(&s(&[1, 1, 1, 8]), &s(&[1, 4, 4, 1])).unwrap(), s(&[1, 4, 4, 8]));
        assert_eq!(broadcast(&s(&[]), &s(&[2, 3])).unwrap(), s(&[2, 3]));
        assert!(broadcast(&s(&[2]), &s(&[3])).is_err());
    }
}
