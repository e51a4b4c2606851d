//! Options of pools.

use super::{Decode, Options, activation, padding, pair};
use crate::error::Result;
use crate::ops::{Op, Pool2d, PoolKind, Window};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "AVERAGE_POOL_2D" => |o| pool_2d(PoolKind::Average, o),
        _ => return None,
    })
}

fn pool_2d(kind: PoolKind, o: &Options) -> Result<Op> {
    use options::pool_2d::*;
    let table = o.of(TYPE)?;
    Ok(Op::Pool2d(Pool2d {
        kind,
        kernel: pair(&table, FILTER_H, FILTER_W)?,
        window: Window {
            stride: pair(&table, STRIDE_H, STRIDE_W)?,
            dilation: [1, 1],
            padding: padding(table.get(PADDING)?)?,
        },
        activation: activation(table.get(ACTIVATION)?)?,
    }))
}
