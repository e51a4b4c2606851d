//! Options of reductions.

use super::{Decode, Options};
use crate::error::Result;
use crate::ops::{ArgReduce, Op, Reduce, ReduceKind};
use crate::tflite::read_type;
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "ARG_MAX" => |o| {
            let dtype = o.of(options::arg_max::TYPE)?.get(options::arg_max::OUTPUT_TYPE)?;
            Ok(Op::ArgReduce(ArgReduce { min: false, dtype: read_type(dtype)? }))
        },
        "ARG_MIN" => |o| {
            let dtype = o.of(options::arg_min::TYPE)?.get(options::arg_min::OUTPUT_TYPE)?;
            Ok(Op::ArgReduce(ArgReduce { min: true, dtype: read_type(dtype)? }))
        },
        "MEAN" => |o| reduce(ReduceKind::Mean, o),
        "REDUCE_ALL" => |o| reduce(ReduceKind::All, o),
        "REDUCE_ANY" => |o| reduce(ReduceKind::Any, o),
        "REDUCE_MAX" => |o| reduce(ReduceKind::Max, o),
        "REDUCE_MIN" => |o| reduce(ReduceKind::Min, o),
        "REDUCE_PROD" => |o| reduce(ReduceKind::Prod, o),
        "SUM" => |o| reduce(ReduceKind::Sum, o),
        _ => return None,
    })
}

fn reduce(kind: ReduceKind, o: &Options) -> Result<Op> {
    let table = o.of(options::reducer::TYPE)?;
    Ok(Op::Reduce(Reduce { kind, keep_dims: table.get(options::reducer::KEEP_DIMS)? }))
}
