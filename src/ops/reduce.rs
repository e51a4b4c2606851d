//! Reductions over axes.

use super::{Operands, expect, real_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, TensorDef};

/// How the elements of a reduced set become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReduceKind {
    /// Their mean.
    Mean,
}

impl ReduceKind {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            ReduceKind::Mean => "MEAN",
        }
    }
}

/// MEAN and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reduce {
    /// How elements are joined.
    pub kind: ReduceKind,
    /// Whether reduced axes stay, with extent 1.
    pub keep_dims: bool,
}

impl Reduce {
    /// Drops the axes that the second operand names, or sets them to 1.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x, axes] = expect(operands)?;
        let dtype = real_type(x)?;
        let reduced = reduced_axes(axes, x.shape.rank())?;
        let dims: Vec<usize> = x
            .shape
            .dims()
            .iter()
            .zip(&reduced)
            .filter(|&(_, &gone)| !gone || self.keep_dims)
            .map(|(&d, &gone)| if gone { 1 } else { d })
            .collect();
        Ok(vec![(Shape::new(dims)?, dtype)])
    }
}

/// Longer lists of axes are not looked at: axes may repeat, but no tensor has that many.
const MAX_AXES: usize = 64;

/// For each axis of a tensor of that rank, whether the operand `axes` names it (negative ones
/// count from the end).
pub fn reduced_axes(axes: &TensorDef, rank: usize) -> Result<Vec<bool>> {
    if axes.shape.elements() > MAX_AXES {
        return Err(Error::malformed(format!("a list of {} axes", axes.shape.elements())));
    }
    let list = axes
        .const_integers()
        .ok_or_else(|| Error::unsupported("the axes are not a constant of int32"))?;
    let mut reduced = vec![false; rank];
    for axis in list {
        let at = if axis < 0 { axis + rank as i64 } else { axis };
        *usize::try_from(at)
            .ok()
            .and_then(|a| reduced.get_mut(a))
            .ok_or_else(|| Error::malformed(format!("axis {axis} of a tensor of rank {rank}")))? =
            true;
    }
    Ok(reduced)
}
