//! Options of operators between real numbers and quantized ones.

use super::{Decode, Options};
use crate::error::{Error, Result};
use crate::ops::Op;
use crate::tensor::Grid;
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "DEQUANTIZE" => |_| Ok(Op::Dequantize),
        "FAKE_QUANT" => fake_quant,
        "QUANTIZE" => quantize,
        _ => return None,
    })
}

fn quantize(o: &Options) -> Result<Op> {
    let to = o.made.first().ok_or_else(|| Error::malformed("makes no tensor"))?;
    Ok(Op::Quantize(*to))
}

fn fake_quant(o: &Options) -> Result<Op> {
    use options::fake_quant::*;
    let table = o.of(TYPE)?;
    let (min, max, bits) = (table.get(MIN)?, table.get(MAX)?, table.get(NUM_BITS)?);
    let sound = min.is_finite() && max.is_finite() && min < max && (max - min).is_finite();
    let wrong = || Error::malformed(format!("{bits} bits for values from {min} to {max}"));
    if !sound || !(2..=16).contains(&bits) {
        return Err(wrong());
    }
    let grid = Grid::nudged(min, max, bits as u32, table.get(NARROW_RANGE)?);
    if grid.scale >= f32::MIN_POSITIVE { Ok(Op::FakeQuant(grid)) } else { Err(wrong()) }
}
