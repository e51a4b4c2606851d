//! Options of functions of two values.

use super::{Decode, activation};
use crate::error::Result;
use crate::ops::{Binary, BinaryKind, Op};
use crate::tflite::flatbuffer::{Field, Table};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    use BinaryKind::*;
    Some(match name {
        "ADD" => |o| binary(Add, o.of(options::add::TYPE)?, options::add::ACTIVATION),
        "DIV" => |o| binary(Div, o.of(options::div::TYPE)?, options::div::ACTIVATION),
        "FLOOR_DIV" => |_| plain(FloorDiv),
        "FLOOR_MOD" => |_| plain(FloorMod),
        "MAXIMUM" => |_| plain(Maximum),
        "MINIMUM" => |_| plain(Minimum),
        "MUL" => |o| binary(Mul, o.of(options::mul::TYPE)?, options::mul::ACTIVATION),
        "POW" => |_| plain(Pow),
        "PRELU" => |_| plain(Prelu),
        "SQUARED_DIFFERENCE" => |_| plain(SquaredDifference),
        "SUB" => |o| binary(Sub, o.of(options::sub::TYPE)?, options::sub::ACTIVATION),
        _ => return None,
    })
}

fn binary(kind: BinaryKind, table: Table, field: Field<i8>) -> Result<Op> {
    Ok(Op::Binary(Binary { kind, activation: activation(table.get(field)?)? }))
}

fn plain(kind: BinaryKind) -> Result<Op> {
    Ok(Op::Binary(Binary { kind, activation: None }))
}
