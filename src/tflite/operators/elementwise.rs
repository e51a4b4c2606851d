//! Options of operators that work element by element.

use super::{Decode, activation};
use crate::error::Result;
use crate::ops::{Binary, BinaryKind, Op, Unary};
use crate::tflite::flatbuffer::{Field, Table};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "ADD" => |o| binary(BinaryKind::Add, o.of(options::add::TYPE)?, options::add::ACTIVATION),
        "HARD_SWISH" => |_| Ok(Op::Unary(Unary::HardSwish)),
        "LOGISTIC" => |_| Ok(Op::Unary(Unary::Logistic)),
        "MUL" => |o| binary(BinaryKind::Mul, o.of(options::mul::TYPE)?, options::mul::ACTIVATION),
        "RELU" => |_| Ok(Op::Unary(Unary::Relu)),
        "RELU6" => |_| Ok(Op::Unary(Unary::Relu6)),
        "RELU_N1_TO_1" => |_| Ok(Op::Unary(Unary::ReluN1To1)),
        "TANH" => |_| Ok(Op::Unary(Unary::Tanh)),
        _ => return None,
    })
}

fn binary(kind: BinaryKind, table: Table, field: Field<i8>) -> Result<Op> {
    Ok(Op::Binary(Binary { kind, activation: activation(table.get(field)?)? }))
}
