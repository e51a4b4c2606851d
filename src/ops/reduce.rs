//! Reductions over axes.

use super::layout::axis_of;
use super::types::{number_type, require_type};
use super::{Operands, expect};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, TensorDef};

/// How the elements of a reduced set become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReduceKind {
    /// Whether all are true.
    All,
    /// Whether one is true.
    Any,
    Max,
    Mean,
    Min,
    Prod,
    Sum,
}

impl ReduceKind {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            ReduceKind::All => "REDUCE_ALL",
            ReduceKind::Any => "REDUCE_ANY",
            ReduceKind::Max => "REDUCE_MAX",
            ReduceKind::Mean => "MEAN",
            ReduceKind::Min => "REDUCE_MIN",
            ReduceKind::Prod => "REDUCE_PROD",
            ReduceKind::Sum => "SUM",
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
        let dtype = match self.kind {
            ReduceKind::All | ReduceKind::Any => {
                require_type(x, DType::Bool)?;
                DType::Bool
            }
            _ => number_type(x)?,
        };
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

/// ARG_MAX and ARG_MIN: the position of the first largest, or smallest, element along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgReduce {
    /// Whether the smallest is looked for.
    pub min: bool,
    /// The type of positions.
    pub dtype: DType,
}

impl ArgReduce {
    /// TFLite's name.
    pub fn name(&self) -> &'static str {
        if self.min { "ARG_MIN" } else { "ARG_MAX" }
    }

    /// Drops the axis that the second operand names.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x, axis] = expect(operands)?;
        if x.dtype != DType::Bool {
            number_type(x)?;
        }
        if !matches!(self.dtype, DType::I32 | DType::I64) {
            return Err(Error::malformed(format!("positions of type {}", self.dtype)));
        }
        let mut dims = x.shape.dims().to_vec();
        dims.remove(one_axis(axis, dims.len())?);
        Ok(vec![(Shape::new(dims)?, self.dtype)])
    }
}

/// The only axis that the operand `axis` names, of a tensor of that rank.
pub fn one_axis(axis: &TensorDef, rank: usize) -> Result<usize> {
    if axis.shape.elements() != 1 {
        return Err(Error::malformed(format!("{} axes, needs one", axis.shape.elements())));
    }
    let list = axis
        .const_integers()
        .ok_or_else(|| Error::unsupported("the axis is not a constant integer"))?;
    axis_of(list[0], rank)
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
        reduced[axis_of(axis, rank)?] = true;
    }
    Ok(reduced)
}
