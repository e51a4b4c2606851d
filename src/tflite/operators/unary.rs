//! Options of functions of one value.

use super::Decode;
use crate::error::Error;
use crate::ops::{Op, Unary};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "ABS" => |_| Ok(Op::Unary(Unary::Abs)),
        "CEIL" => |_| Ok(Op::Unary(Unary::Ceil)),
        "COS" => |_| Ok(Op::Unary(Unary::Cos)),
        "ELU" => |_| Ok(Op::Unary(Unary::Elu)),
        "EXP" => |_| Ok(Op::Unary(Unary::Exp)),
        "FLOOR" => |_| Ok(Op::Unary(Unary::Floor)),
        "GELU" => |o| {
            let approximate = o.of(options::gelu::TYPE)?.get(options::gelu::APPROXIMATE)?;
            Ok(Op::Unary(Unary::Gelu { approximate }))
        },
        "HARD_SWISH" => |_| Ok(Op::Unary(Unary::HardSwish)),
        "LEAKY_RELU" => |o| {
            let alpha = o.of(options::leaky_relu::TYPE)?.get(options::leaky_relu::ALPHA)?;
            if !alpha.is_finite() {
                return Err(Error::malformed(format!("a slope of {alpha}")));
            }
            Ok(Op::Unary(Unary::LeakyRelu { alpha }))
        },
        "LOG" => |_| Ok(Op::Unary(Unary::Log)),
        "LOGISTIC" => |_| Ok(Op::Unary(Unary::Logistic)),
        "NEG" => |_| Ok(Op::Unary(Unary::Neg)),
        "RELU" => |_| Ok(Op::Unary(Unary::Relu)),
        "RELU6" => |_| Ok(Op::Unary(Unary::Relu6)),
        "RELU_0_TO_1" => |_| Ok(Op::Unary(Unary::Relu0To1)),
        "RELU_N1_TO_1" => |_| Ok(Op::Unary(Unary::ReluN1To1)),
        "ROUND" => |_| Ok(Op::Unary(Unary::Round)),
        "RSQRT" => |_| Ok(Op::Unary(Unary::Rsqrt)),
        "SIN" => |_| Ok(Op::Unary(Unary::Sin)),
        "SQRT" => |_| Ok(Op::Unary(Unary::Sqrt)),
        "SQUARE" => |_| Ok(Op::Unary(Unary::Square)),
        "TANH" => |_| Ok(Op::Unary(Unary::Tanh)),
        _ => return None,
    })
}
