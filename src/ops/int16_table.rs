//! Functions of int16 that TFLite reads from tables.

use super::Unary;
use super::int16_lines::Lines;
use super::int16_sigmoid::Sigmoid;
use crate::tensor::{DType, TensorDef};

/// A function of one value as TFLite has it for int16.
#[derive(Debug, Clone)]
pub enum Int16Table {
    /// EXP, LOG, RSQRT.
    Lines(Box<Lines>),
    /// LOGISTIC, TANH.
    Sigmoid(Box<Sigmoid>),
}

impl Int16Table {
    /// From steps of `x` to steps of `y`, with zero points of 0. None where TFLite has no table.
    pub fn new(function: Unary, x: f32, y: f32) -> Option<Int16Table> {
        match function {
            Unary::Exp | Unary::Log | Unary::Rsqrt => {
                Some(Self::Lines(Box::new(Lines::new(function, x, y))))
            }
            Unary::Logistic | Unary::Tanh => {
                let sigmoid = Sigmoid::new(function == Unary::Tanh, x, y)?;
                Some(Self::Sigmoid(Box::new(sigmoid)))
            }
            _ => None,
        }
    }

    /// Of a function from one tensor to another.
    pub fn between(function: Unary, x: &TensorDef, y: &TensorDef) -> Option<Int16Table> {
        let scale = |tensor: &TensorDef| {
            let quantization = tensor.quantization.as_ref()?;
            let no_zero_point = quantization.zero_point.iter().all(|&zero| zero == 0);
            let [scale] = quantization.scale[..] else { return None };
            (tensor.dtype == DType::I16 && no_zero_point).then_some(scale)
        };
        Int16Table::new(function, scale(x)?, scale(y)?)
    }

    /// Bytes that the table takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Lines(_) => size_of::<Lines>(),
            Self::Sigmoid(_) => size_of::<Sigmoid>(),
        }
    }

    /// The stored result for a stored value.
    pub fn at(&self, stored: i16) -> i16 {
        match self {
            Self::Lines(lines) => lines.at(stored),
            Self::Sigmoid(sigmoid) => sigmoid.at(stored),
        }
    }
}
