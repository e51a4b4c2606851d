//! Operators on shapes.

use super::{Operands, expect};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// SHAPE: a vector of the operand's extents, int32 or int64.
pub fn infer_shape(dtype: DType, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [x] = expect(operands)?;
    if !matches!(dtype, DType::I32 | DType::I64) {
        return Err(Error::malformed(format!("extents of type {dtype}")));
    }
    Ok(vec![(Shape::new([x.shape.rank()])?, dtype)])
}
