//! Channels of several tensors side by side. No file has this operator: a pass makes it of concatenations,
//! splits and shuffles of channels.

use super::{Operands, moved_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, TensorDef};
use std::ops::Range;

/// Neighbouring channels, the last axis, of an operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels {
    /// Which operand.
    pub operand: usize,
    /// Which of its channels.
    pub range: Range<usize>,
}

/// The tensors' own extents but for the last, which is as long as all ranges together.
pub(super) fn infer(parts: &[Channels], operands: &Operands) -> Result<Vec<(Shape, DType)>> {
    let wrong = || Error::malformed("joins channels of tensors that do not fit");
    let tensors: Vec<&TensorDef> = operands.iter().copied().flatten().collect();
    let Some((first, pixels)) = tensors.first().zip(tensors.first().and_then(|t| pixels(t))) else {
        return Err(wrong());
    };
    let dtype = moved_type(first)?;
    for tensor in &tensors {
        if self::pixels(tensor) != Some(pixels) || moved_type(tensor)? != dtype {
            return Err(wrong());
        }
    }
    let inside = |part: &Channels| {
        let depth = tensors.get(part.operand).and_then(|t| t.shape.dims().last());
        depth.is_some_and(|&depth| part.range.start < part.range.end && part.range.end <= depth)
    };
    if tensors.len() != operands.len() || !parts.iter().all(inside) {
        return Err(wrong());
    }
    let channels = parts.iter().map(|part| part.range.len()).sum();
    Ok(vec![(Shape::new([pixels, &[channels]].concat())?, dtype)])
}

/// All extents but the last.
fn pixels(tensor: &TensorDef) -> Option<&[usize]> {
    tensor.shape.dims().split_last().map(|(_, pixels)| pixels)
}
