//! Options of operators on shapes.

use super::{Decode, Options};
use crate::error::Result;
use crate::ops::Op;
use crate::tflite::read_type;
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "BROADCAST_ARGS" => |_| Ok(Op::BroadcastArgs),
        "RANGE" => |_| Ok(Op::Range),
        "RANK" => |_| Ok(Op::Rank),
        "SHAPE" => shape,
        _ => return None,
    })
}

fn shape(o: &Options) -> Result<Op> {
    use options::shape::*;
    Ok(Op::Shape(read_type(o.of(TYPE)?.get(OUT_TYPE)?)?))
}
