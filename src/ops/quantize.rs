//! Between real numbers and quantized ones.

use super::types::{real_type, require_scales, require_type};
use super::{Operands, expect};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// DEQUANTIZE: half floats, or anything quantized, to float32.
pub fn infer_dequantize(operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [x] = expect(operands)?;
    match x.dtype {
        DType::F16 => {}
        DType::I8 | DType::U8 | DType::I16 | DType::I32 | DType::I64 => require_scales(x)?,
        other => {
            return Err(Error::unsupported(format!(
                "tensor '{}' is {other}, which is not quantized",
                x.name
            )));
        }
    }
    Ok(vec![(x.shape.clone(), DType::F32)])
}

/// QUANTIZE to type `to`, from float32 or from another quantized type or scale.
pub fn infer_quantize(to: DType, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [x] = expect(operands)?;
    real_type(x)?;
    if to.stored_range().is_none() {
        return Err(Error::unsupported(format!("cannot quantize to {to}")));
    }
    Ok(vec![(x.shape.clone(), to)])
}

/// FAKE_QUANT: the same shape and type.
pub fn infer_fake_quant(operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [x] = expect(operands)?;
    require_type(x, DType::F32)?;
    Ok(vec![(x.shape.clone(), DType::F32)])
}
