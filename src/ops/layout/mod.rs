//! Operators that move elements and compute nothing: each element of a result is an element of an
//! operand, or zero.

mod blocks;
mod channels;
mod cut;
mod gather;
mod join;
mod pad;
mod repeat;
mod reshape;
mod transpose;

pub use blocks::{Blocks, Tiling};
pub use channels::Channels;
pub use cut::{Along, Cut, Cuts, Element, StridedSlice};
pub use gather::Gather;
pub use join::Join;
pub use pad::{Pad, paddings};
pub use repeat::Repeat;
pub use reshape::Reshape;
pub use transpose::permutation;

use super::types::moved_type;
use super::{Operands, expect};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, TensorDef};

/// Lists of axes, positions or sizes have at most this many elements: two for each axis, or one for
/// each part of a tensor.
pub const MAX_LIST: usize = 32;

/// A family of such operators, with its attributes.
#[derive(Debug, Clone, PartialEq)]
pub enum Layout {
    /// The same elements under other extents.
    Reshape(Reshape),
    /// TRANSPOSE; inputs: tensor, int32 axes of it in the result's order.
    Transpose,
    /// Parts of a tensor.
    Cut(Cut),
    /// Several tensors side by side.
    Join(Join),
    /// Channels of several tensors side by side; inputs: the tensors.
    Channels(Vec<Channels>),
    /// A border around a tensor.
    Pad(Pad),
    /// Blocks of pixels as images or as channels, and back.
    Blocks(Blocks),
    /// Copies of a tensor side by side.
    Repeat(Repeat),
    /// Slices that indices choose.
    Gather(Gather),
    /// ZEROS_LIKE; input: tensor.
    ZerosLike,
}

impl Layout {
    /// TFLite's name.
    pub fn name(&self) -> &'static str {
        match self {
            Layout::Reshape(op) => op.name(),
            Layout::Transpose => "TRANSPOSE",
            Layout::Cut(op) => op.name(),
            Layout::Join(op) => op.name(),
            Layout::Channels(_) => "CONCATENATION",
            Layout::Pad(op) => op.name(),
            Layout::Blocks(op) => op.name(),
            Layout::Repeat(op) => op.name(),
            Layout::Gather(op) => op.name(),
            Layout::ZerosLike => "ZEROS_LIKE",
        }
    }

    /// Shapes and types of the results. None of them is empty, or of half floats.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let results = match self {
            Layout::Reshape(op) => op.infer(operands),
            Layout::Transpose => transpose::infer(operands),
            Layout::Cut(op) => op.infer(operands),
            Layout::Join(op) => op.infer(operands),
            Layout::Channels(parts) => channels::infer(parts, operands),
            Layout::Pad(op) => op.infer(operands),
            Layout::Blocks(op) => op.infer(operands),
            Layout::Repeat(op) => op.infer(operands),
            Layout::Gather(op) => op.infer(operands),
            Layout::ZerosLike => {
                let [x] = expect(operands)?;
                Ok(vec![(x.shape.clone(), moved_type(x)?)])
            }
        }?;
        for (shape, dtype) in &results {
            if shape.elements() == 0 {
                return Err(Error::unsupported(format!("makes {shape}, which is empty")));
            }
            if *dtype == DType::F16 {
                return Err(Error::unsupported("moving half floats is not supported"));
            }
        }
        Ok(results)
    }
    /// The operand whose elements are moved, the first of several.
    pub fn source(&self) -> usize {
        match self {
            Layout::Cut(op) => op.source(),
            Layout::Repeat(op) => op.source(),
            _ => 0,
        }
    }

    /// The operand whose elements the only result has in the same order, all of them, if it is known
    /// to be so. Its extents may be others.
    pub fn keeps(&self, operands: &Operands, result: &Shape) -> Option<usize> {
        let source = self.source();
        let x = operands.get(source).copied().flatten()?;
        let dims = x.shape.dims();
        let in_order = match self {
            Layout::Reshape(_) => true,
            // Axes of extent 1 may be anywhere.
            Layout::Transpose => {
                let axes = operands.get(1).copied().flatten()?.const_integers()?;
                let order = permutation(&axes).ok()?;
                order[..dims.len()].iter().filter(|&&a| dims[a] > 1).is_sorted()
            }
            Layout::Cut(op) => {
                let (_, lists) = op.operands(operands).ok()?;
                let lists: Vec<&[i64]> = lists.iter().map(Vec::as_slice).collect();
                let cuts = op.cuts(0, dims, &lists).ok()?;
                op.count() == 1 && cuts[..dims.len()].iter().all(|cut| cut.step == 1)
            }
            Layout::Join(_) => operands.len() == 1,
            Layout::Pad(_) | Layout::Repeat(_) => true,
            // Blocks of one pixel are the only ones that keep a shape.
            Layout::Blocks(_) => *result == x.shape,
            Layout::Channels(_) | Layout::Gather(_) | Layout::ZerosLike => false,
        };
        (in_order && x.shape.elements() == result.elements()).then_some(source)
    }
}

/// An axis of a tensor of that rank; negative ones count from the end.
pub(crate) fn axis_of(axis: i64, rank: usize) -> Result<usize> {
    let from_start = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    match usize::try_from(from_start) {
        Ok(a) if a < rank => Ok(a),
        _ => Err(Error::malformed(format!("axis {axis} of a tensor of rank {rank}"))),
    }
}

/// The elements of an operand that says which axes, sizes or positions are meant: at most `most`
/// integers, which must be constant.
fn list(operand: &TensorDef, what: &str, most: usize) -> Result<Vec<i64>> {
    let count = operand.shape.elements();
    if count > most {
        return Err(Error::malformed(format!("{count} {what}, at most {most} are possible here")));
    }
    let not_constant = || Error::unsupported(format!("the {what} are not constant integers"));
    operand.const_integers().ok_or_else(not_constant)
}

/// The same, exactly `count` of them.
fn list_of(operand: &TensorDef, what: &str, count: usize) -> Result<Vec<i64>> {
    match operand.shape.elements() {
        n if n == count => list(operand, what, count),
        n => Err(Error::malformed(format!("{n} {what}, {count} are needed here"))),
    }
}
