//! Comparisons, logic, and the choice between two tensors.

use super::binary::broadcast;
use super::types::{moved_type, require_type, same_number_type};
use super::{Operands, expect};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// A comparison of two tensors of the same type, with broadcasting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Comparison {
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    NotEqual,
}

impl Comparison {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            Comparison::Equal => "EQUAL",
            Comparison::Greater => "GREATER",
            Comparison::GreaterEqual => "GREATER_EQUAL",
            Comparison::Less => "LESS",
            Comparison::LessEqual => "LESS_EQUAL",
            Comparison::NotEqual => "NOT_EQUAL",
        }
    }

    /// Whether it holds for two values.
    pub fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Comparison::Equal => a == b,
            Comparison::Greater => a > b,
            Comparison::GreaterEqual => a >= b,
            Comparison::Less => a < b,
            Comparison::LessEqual => a <= b,
            Comparison::NotEqual => a != b,
        }
    }

    /// Booleans of the shape that both operands broadcast to.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [a, b] = expect(operands)?;
        if [a, b].iter().any(|t| t.dtype != DType::Bool) {
            same_number_type(a, b)?;
        }
        Ok(vec![(broadcast(&a.shape, &b.shape)?, DType::Bool)])
    }
}

/// LOGICAL_AND, LOGICAL_OR (with broadcasting) and LOGICAL_NOT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Logical {
    And,
    Not,
    Or,
}

impl Logical {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            Logical::And => "LOGICAL_AND",
            Logical::Not => "LOGICAL_NOT",
            Logical::Or => "LOGICAL_OR",
        }
    }

    /// Booleans of the shape that the operands broadcast to.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let shape = match self {
            Logical::Not => expect::<1>(operands)?[0].shape.clone(),
            Logical::And | Logical::Or => {
                let [a, b] = expect(operands)?;
                broadcast(&a.shape, &b.shape)?
            }
        };
        operands.iter().flatten().try_for_each(|t| require_type(t, DType::Bool))?;
        Ok(vec![(shape, DType::Bool)])
    }
}

/// SELECT and SELECT_V2: elements of the second operand where the first is true, otherwise of the
/// third.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Select {
    /// Of SELECT, where a condition of rank 1 chooses whole slices along the first axis; all
    /// operands broadcast otherwise.
    pub by_slices: bool,
}

impl Select {
    /// TFLite's name.
    pub fn name(&self) -> &'static str {
        if self.by_slices { "SELECT" } else { "SELECT_V2" }
    }

    /// The shape that all operands broadcast to, and the type of the two to choose from.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [condition, x, y] = expect(operands)?;
        require_type(condition, DType::Bool)?;
        let dtype = moved_type(x)?;
        // Both are made float32 when they are quantized, or none.
        if moved_type(y)? != dtype || x.quantization.is_some() != y.quantization.is_some() {
            let (x, y) = (&x.name, &y.name);
            return Err(Error::unsupported(format!("'{x}' and '{y}' are of different types")));
        }
        if dtype == DType::F16 {
            return Err(Error::unsupported("choosing half floats is not supported"));
        }
        let both = broadcast(&x.shape, &y.shape)?;
        if !self.by_slices {
            return Ok(vec![(broadcast(&condition.shape, &both)?, dtype)]);
        }
        let chooses = match condition.shape.dims() {
            [] => true,
            [slices] => both.dims().first() == Some(slices),
            _ => condition.shape == both,
        };
        if x.shape != y.shape || !chooses {
            let what =
                format!("{} does not choose from {} and {}", condition.shape, x.shape, y.shape);
            return Err(Error::malformed(what));
        }
        Ok(vec![(both, dtype)])
    }
}
