//! Axes in another order.

use super::{Operands, axis_of, expect, list_of, moved_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, MAX_RANK, Shape};

/// TRANSPOSE: axis `i` of the result is axis `axes[i]` of the operand.
pub fn infer(operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let [x, axes] = expect(operands)?;
    let dims = x.shape.dims();
    let order = permutation(&list_of(axes, "axes", dims.len())?)?;
    let dims: Vec<usize> = order[..dims.len()].iter().map(|&a| dims[a]).collect();
    Ok(vec![(Shape::new(dims)?, moved_type(x)?)])
}

/// The axes of a tensor, each once; the first `axes.len()` count.
pub fn permutation(axes: &[i64]) -> Result<[usize; MAX_RANK]> {
    let mut order = [0; MAX_RANK];
    for (i, &axis) in axes.iter().enumerate() {
        order[i] = axis_of(axis, axes.len())?;
        if order[..i].contains(&order[i]) {
            return Err(Error::malformed(format!("axes {axes:?} name one of them twice")));
        }
    }
    Ok(order)
}
