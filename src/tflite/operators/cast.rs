//! Options of conversions between types.

use super::{Decode, Options};
use crate::error::{Error, Result};
use crate::ops::Op;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "CAST" => cast,
        _ => return None,
    })
}

/// TFLite looks at the types of the tensors, not at the options, which some files leave out.
fn cast(o: &Options) -> Result<Op> {
    let to = o.made.first().ok_or_else(|| Error::malformed("makes no tensor"))?;
    Ok(Op::Cast(*to))
}
