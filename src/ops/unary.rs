//! Functions of one value.

use super::types::number_type;
use super::{Operands, expect, real};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, FRAC_2_SQRT_PI};

/// A function of one value. Also what may follow another operator as its activation.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Unary {
    Abs,
    Ceil,
    Cos,
    Elu,
    Exp,
    Floor,
    /// `approximate`: by the hyperbolic tangent instead of the error function.
    Gelu {
        approximate: bool,
    },
    HardSwish,
    /// Values below 0 are multiplied by `alpha`.
    LeakyRelu {
        alpha: f32,
    },
    Log,
    Logistic,
    Neg,
    Relu,
    Relu0To1,
    Relu6,
    ReluN1To1,
    Round,
    Rsqrt,
    Sin,
    Sqrt,
    Square,
    Tanh,
}

impl Unary {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Abs => "ABS",
            Unary::Ceil => "CEIL",
            Unary::Cos => "COS",
            Unary::Elu => "ELU",
            Unary::Exp => "EXP",
            Unary::Floor => "FLOOR",
            Unary::Gelu { .. } => "GELU",
            Unary::HardSwish => "HARD_SWISH",
            Unary::LeakyRelu { .. } => "LEAKY_RELU",
            Unary::Log => "LOG",
            Unary::Logistic => "LOGISTIC",
            Unary::Neg => "NEG",
            Unary::Relu => "RELU",
            Unary::Relu0To1 => "RELU_0_TO_1",
            Unary::Relu6 => "RELU6",
            Unary::ReluN1To1 => "RELU_N1_TO_1",
            Unary::Round => "ROUND",
            Unary::Rsqrt => "RSQRT",
            Unary::Sin => "SIN",
            Unary::Sqrt => "SQRT",
            Unary::Square => "SQUARE",
            Unary::Tanh => "TANH",
        }
    }

    /// The function itself.
    #[inline(never)]
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Unary::Abs => x.abs(),
            Unary::Ceil => x.ceil(),
            Unary::Cos => real::cos(x),
            Unary::Elu => x.max(0.0) + x.min(0.0).exp_m1(),
            Unary::Exp => x.exp(),
            Unary::Floor => x.floor(),
            Unary::Gelu { approximate: false } => x * 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2)),
            Unary::Gelu { approximate: true } => {
                x * 0.5 * (1.0 + (FRAC_2_PI.sqrt() * (x + 0.044715 * x * x * x)).tanh())
            }
            Unary::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Unary::LeakyRelu { alpha } if x < 0.0 => x * alpha as f64,
            Unary::LeakyRelu { .. } => x,
            Unary::Log => x.ln(),
            Unary::Logistic => 1.0 / (1.0 + (-x).exp()),
            Unary::Neg => -x,
            // Not `max`, which makes 0 of NaN.
            Unary::Relu if x < 0.0 => 0.0,
            Unary::Relu => x,
            Unary::Relu0To1 => x.clamp(0.0, 1.0),
            Unary::Relu6 => x.clamp(0.0, 6.0),
            Unary::ReluN1To1 => x.clamp(-1.0, 1.0),
            Unary::Round => x.round_ties_even(),
            Unary::Rsqrt => 1.0 / x.sqrt(),
            Unary::Sin => real::sin(x),
            Unary::Sqrt => x.sqrt(),
            Unary::Square => x * x,
            Unary::Tanh => x.tanh(),
        }
    }

    /// The function of an integer, for those that stay within the integers.
    pub fn apply_to_integer(self, x: i64) -> Option<i64> {
        Some(match self {
            Unary::Abs => x.wrapping_abs(),
            Unary::Neg => x.wrapping_neg(),
            Unary::Relu => x.max(0),
            Unary::Relu0To1 => x.clamp(0, 1),
            Unary::Relu6 => x.clamp(0, 6),
            Unary::ReluN1To1 => x.clamp(-1, 1),
            Unary::Square => x.wrapping_mul(x),
            _ => return None,
        })
    }

    /// Whether no result is below 0.
    pub fn is_never_negative(self) -> bool {
        matches!(
            self,
            Unary::Abs
                | Unary::Exp
                | Unary::Logistic
                | Unary::Relu
                | Unary::Relu0To1
                | Unary::Relu6
                | Unary::Square
        )
    }

    /// The same shape and type.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x] = expect(operands)?;
        let dtype = number_type(x)?;
        self.require(dtype)?;
        Ok(vec![(x.shape.clone(), dtype)])
    }

    /// Refuses integers for functions that leave them.
    pub(super) fn require(self, dtype: DType) -> Result<()> {
        if matches!(dtype, DType::I32 | DType::I64) && self.apply_to_integer(0).is_none() {
            return Err(Error::unsupported(format!("{} of {dtype}", self.name())));
        }
        Ok(())
    }
}

/// The error function. `2 / sqrt(pi) * e^-x² * sum of 2^n * x^(2n + 1) / (1 * 3 * ... * (2n + 1))`:
/// no term cancels another (Abramowitz and Stegun, 7.1.6).
fn erf(x: f64) -> f64 {
    // 1 - erf(6) is 2e-17.
    if x.abs() >= 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > f64::EPSILON * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of a table (Abramowitz and Stegun, 7.1).
    #[test]
    fn error_function() {
        for (x, y) in [
            (0.0, 0.0),
            (0.5, 0.520_499_877_8),
            (1.0, 0.842_700_792_9),
            (2.0, 0.995_322_265_0),
            (5.9, 1.0),
            (7.0, 1.0),
        ] {
            assert!((erf(x) - y).abs() < 1e-10, "{x}: {}", erf(x));
            assert_eq!(erf(-x), -erf(x));
        }
        assert!(erf(f64::NAN).is_nan());
    }

    #[test]
    fn integers_go_to_integers() {
        assert_eq!(Unary::Abs.apply_to_integer(i64::MIN + 1), Some(i64::MAX));
        assert_eq!(Unary::Relu6.apply_to_integer(9), Some(6));
        assert_eq!(Unary::Sqrt.apply_to_integer(4), None);
    }
}
