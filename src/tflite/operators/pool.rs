//! Options of pools.

use super::{Decode, Options, activation, custom_padding, padding, pair, size};
use crate::error::{Error, Result};
use crate::ops::{Op, Pool2d, PoolKind, Window};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "AVERAGE_POOL_2D" => |o| pool_2d(PoolKind::Average, o),
        "L2_POOL_2D" => |o| pool_2d(PoolKind::L2, o),
        "MAX_POOL_2D" => |o| pool_2d(PoolKind::Max, o),
        _ => return None,
    })
}

pub fn custom(name: &str) -> Option<Decode> {
    Some(match name {
        "MaxPoolingWithArgmax2D" => |o| Ok(Op::MaxPoolWithArgmax(custom_pool(o)?)),
        "MaxUnpooling2D" => |o| Ok(Op::MaxUnpool(custom_pool(o)?)),
        _ => return None,
    })
}

/// The options are the C struct `TfLitePoolParams` as it lies in memory: padding, stride_width,
/// stride_height, filter_width, filter_height, activation, and what is computed of them.
fn custom_pool(o: &Options) -> Result<Pool2d> {
    let &[padding, stride_w, stride_h, filter_w, filter_h, function, ..] = &o.custom_words()?[..]
    else {
        let bytes = o.custom.len();
        return Err(Error::malformed(format!("needs 24 bytes of options, has {bytes}")));
    };
    Ok(Pool2d {
        kind: PoolKind::Max,
        kernel: [size(filter_h)?, size(filter_w)?],
        window: Window {
            stride: [size(stride_h)?, size(stride_w)?],
            dilation: [1, 1],
            padding: custom_padding(padding)?,
        },
        activation: activation(i8::try_from(function).unwrap_or(i8::MAX))?,
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
