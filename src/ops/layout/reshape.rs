//! The same elements under other extents.

use super::{Operands, axis_of, expect, list, list_of, moved_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, MAX_RANK, Shape, TensorDef};

/// RESHAPE and its kin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reshape {
    /// RESHAPE; inputs: tensor, int32 extents. Without the second one these extents count. One of
    /// them may be -1: what is left for it.
    Reshape(Vec<i32>),
    /// SQUEEZE: drops these axes of extent 1, or all if none is named; input: tensor.
    Squeeze(Vec<i32>),
    /// EXPAND_DIMS: adds an axis of extent 1; inputs: tensor, int32 axis of the result.
    ExpandDims,
}

impl Reshape {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Reshape::Reshape(_) => "RESHAPE",
            Reshape::Squeeze(_) => "SQUEEZE",
            Reshape::ExpandDims => "EXPAND_DIMS",
        }
    }

    pub(super) fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (x, dims) = match self {
            Reshape::Reshape(own) => {
                let (x, extents) = match *operands {
                    [Some(x), Some(extents)] => (x, list(extents, "extents", MAX_RANK)?),
                    // An old way to say that the result is a scalar.
                    [Some(x), None] | [Some(x)] if own[..] == [0] => (x, Vec::new()),
                    [Some(x), None] | [Some(x)] => (x, own.iter().map(|&d| d.into()).collect()),
                    _ => return Err(Error::malformed("needs a tensor and at most a shape")),
                };
                (x, filled_in(x, &extents)?)
            }
            Reshape::Squeeze(axes) => {
                let [x] = expect(operands)?;
                (x, squeezed(x.shape.dims(), axes)?)
            }
            Reshape::ExpandDims => {
                let [x, axis] = expect(operands)?;
                let mut dims = x.shape.dims().to_vec();
                dims.insert(axis_of(list_of(axis, "axes", 1)?[0], dims.len() + 1)?, 1);
                (x, dims)
            }
        };
        Ok(vec![(Shape::new(dims)?, moved_type(x)?)])
    }
}

/// Extents with as many elements as `x` has, one of which may be -1.
fn filled_in(x: &TensorDef, extents: &[i64]) -> Result<Vec<usize>> {
    let elements = x.shape.elements();
    let wrong = || Error::malformed(format!("{} cannot become {extents:?}", x.shape));
    let known = extents.iter().filter(|&&d| d != -1).try_fold(1usize, |product, &d| {
        usize::try_from(d).ok().and_then(|d| product.checked_mul(d)).filter(|&p| p <= elements)
    });
    let known = known.ok_or_else(wrong)?;
    let dims: Vec<usize> = extents
        .iter()
        .map(|&d| if d == -1 { elements / known.max(1) } else { d as usize })
        .collect();
    // More than one -1 does not add up, unless there is nothing left for them.
    if dims.iter().try_fold(1usize, |p, &d| p.checked_mul(d)) != Some(elements) {
        return Err(wrong());
    }
    Ok(dims)
}

fn squeezed(dims: &[usize], axes: &[i32]) -> Result<Vec<usize>> {
    let mut dropped: Vec<bool> = dims.iter().map(|&d| d == 1 && axes.is_empty()).collect();
    for &axis in axes {
        let a = axis_of(axis.into(), dims.len())?;
        if dims[a] != 1 {
            return Err(Error::malformed(format!("axis {axis} has extent {}, not 1", dims[a])));
        }
        dropped[a] = true;
    }
    Ok(dims.iter().zip(dropped).filter(|(_, dropped)| !dropped).map(|(&d, _)| d).collect())
}
