//! Options of matrix products.

use super::{Decode, Options, activation};
use crate::error::{Error, Result};
use crate::ops::{BatchMatMul, FullyConnected, Op};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "BATCH_MATMUL" => batch_matmul,
        "FULLY_CONNECTED" => fully_connected,
        _ => return None,
    })
}

fn fully_connected(o: &Options) -> Result<Op> {
    use options::fully_connected::*;
    let table = o.of(TYPE)?;
    if table.get(WEIGHTS_FORMAT)? != 0 {
        return Err(Error::unsupported("its weights are shuffled for one machine"));
    }
    Ok(Op::FullyConnected(FullyConnected {
        keep_num_dims: table.get(KEEP_NUM_DIMS)?,
        activation: activation(table.get(ACTIVATION)?)?,
    }))
}

fn batch_matmul(o: &Options) -> Result<Op> {
    use options::batch_matmul::*;
    let table = o.of(TYPE)?;
    Ok(Op::BatchMatMul(BatchMatMul { transposed: [table.get(ADJ_X)?, table.get(ADJ_Y)?] }))
}
