//! Conversions between types.

use super::{Operands, expect};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// CAST to type `to`: stored values, also where they stand for real numbers.
pub fn infer_cast(to: DType, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [x] = expect(operands)?;
    if to == DType::F16 {
        return Err(Error::unsupported("casting to float16 is not supported"));
    }
    Ok(vec![(x.shape.clone(), to)])
}
