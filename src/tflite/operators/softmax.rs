//! Options of softmax.

use super::{Decode, Options};
use crate::error::{Error, Result};
use crate::ops::{Op, Softmax};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "LOG_SOFTMAX" => |_| Ok(Op::Softmax(Softmax { beta: 1.0, log: true })),
        "SOFTMAX" => softmax,
        _ => return None,
    })
}

fn softmax(o: &Options) -> Result<Op> {
    let beta = o.of(options::softmax::TYPE)?.get(options::softmax::BETA)?;
    if !beta.is_finite() {
        return Err(Error::malformed(format!("a beta of {beta}")));
    }
    Ok(Op::Softmax(Softmax { beta, log: false }))
}
