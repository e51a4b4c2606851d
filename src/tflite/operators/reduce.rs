//! Options of reductions.

use super::{Decode, Options};
use crate::error::Result;
use crate::ops::{Op, Reduce, ReduceKind};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "MEAN" => |o| reduce(ReduceKind::Mean, o),
        _ => return None,
    })
}

fn reduce(kind: ReduceKind, o: &Options) -> Result<Op> {
    let table = o.of(options::reducer::TYPE)?;
    Ok(Op::Reduce(Reduce { kind, keep_dims: table.get(options::reducer::KEEP_DIMS)? }))
}
