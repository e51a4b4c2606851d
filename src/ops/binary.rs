//! Functions of two values.

use super::types::{real_type, require_type, same_number_type};
use super::{Operands, Unary, expect, real};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// A function of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BinaryKind {
    Add,
    Div,
    FloorDiv,
    FloorMod,
    Maximum,
    Minimum,
    Mul,
    Pow,
    /// The first value where that is 0 or more, otherwise the product.
    Prelu,
    SquaredDifference,
    Sub,
}

impl BinaryKind {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            BinaryKind::Add => "ADD",
            BinaryKind::Div => "DIV",
            BinaryKind::FloorDiv => "FLOOR_DIV",
            BinaryKind::FloorMod => "FLOOR_MOD",
            BinaryKind::Maximum => "MAXIMUM",
            BinaryKind::Minimum => "MINIMUM",
            BinaryKind::Mul => "MUL",
            BinaryKind::Pow => "POW",
            BinaryKind::Prelu => "PRELU",
            BinaryKind::SquaredDifference => "SQUARED_DIFFERENCE",
            BinaryKind::Sub => "SUB",
        }
    }

    /// The function itself.
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            BinaryKind::Add => a + b,
            BinaryKind::Div => a / b,
            BinaryKind::FloorDiv => (a / b).floor(),
            // The sign is the divisor's.
            BinaryKind::FloorMod => match a % b {
                rest if rest != 0.0 && (rest < 0.0) != (b < 0.0) => rest + b,
                rest => rest,
            },
            BinaryKind::Maximum => a.max(b),
            BinaryKind::Minimum => a.min(b),
            BinaryKind::Mul => a * b,
            BinaryKind::Pow => real::pow(a, b),
            BinaryKind::Prelu if a >= 0.0 => a,
            BinaryKind::Prelu => a * b,
            BinaryKind::SquaredDifference => (a - b) * (a - b),
            BinaryKind::Sub => a - b,
        }
    }

    /// The function of integers. Sums and products lose bits that do not fit; DIV drops the
    /// fraction; what is divided by 0 is 0, as running cannot fail.
    pub fn apply_to_integers(self, a: i64, b: i64) -> i64 {
        let quotient = a.checked_div(b).unwrap_or(0);
        let rest = a.checked_rem(b).unwrap_or(0);
        let below = rest != 0 && (rest < 0) != (b < 0);
        match self {
            BinaryKind::Add => a.wrapping_add(b),
            BinaryKind::Div => quotient,
            BinaryKind::FloorDiv => quotient - i64::from(below),
            BinaryKind::FloorMod => rest + if below { b } else { 0 },
            BinaryKind::Maximum => a.max(b),
            BinaryKind::Minimum => a.min(b),
            BinaryKind::Mul => a.wrapping_mul(b),
            // As TFLite has it: through floats.
            BinaryKind::Pow => real::pow(a as f64, b as f64) as i64,
            BinaryKind::Prelu if a >= 0 => a,
            BinaryKind::Prelu => a.wrapping_mul(b),
            BinaryKind::SquaredDifference => {
                let difference = a.wrapping_sub(b);
                difference.wrapping_mul(difference)
            }
            BinaryKind::Sub => a.wrapping_sub(b),
        }
    }
}

/// ADD, MUL and their kin, with NumPy's broadcasting.
#[derive(Debug, Clone, Copy, PartialEq)]
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
        let shape = broadcast(&a.shape, &b.shape)?;
        let dtype = match self.kind {
            // The slopes may be int8 where the values are int16.
            BinaryKind::Prelu => real_type(b).and(real_type(a))?,
            // Not defined on quantized tensors: a step too many can make anything of a result.
            BinaryKind::FloorDiv | BinaryKind::FloorMod | BinaryKind::Pow
                if a.dtype.stored_range().is_some() =>
            {
                require_type(a, DType::F32)?;
                DType::F32
            }
            _ => same_number_type(a, b)?,
        };
        if self.kind == BinaryKind::Prelu && shape != a.shape {
            let what = format!("slopes {} do not fit values {}", b.shape, a.shape);
            return Err(Error::malformed(what));
        }
        if let Some(activation) = self.activation {
            activation.require(dtype)?;
        }
        Ok(vec![(shape, dtype)])
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
