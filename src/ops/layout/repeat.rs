//! Copies of a tensor side by side.

use super::{Operands, expect, list, list_of, moved_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, MAX_RANK, Shape, TensorDef};

/// TILE and its kin. In all of them, position `p` along an axis of the result shows position `p` modulo the
/// operand's extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// TILE; inputs: tensor, integers: how often along each axis.
    Tile,
    /// BROADCAST_TO; inputs: tensor, integers: the result's extents.
    BroadcastTo,
    /// FILL; inputs: integers: the result's extents; the element to repeat.
    Fill,
}

impl Repeat {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Repeat::Tile => "TILE",
            Repeat::BroadcastTo => "BROADCAST_TO",
            Repeat::Fill => "FILL",
        }
    }

    pub(super) fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let pair: [&TensorDef; 2] = expect(operands)?;
        let x = pair[self.source()];
        let own = x.shape.dims();
        let dims: Vec<usize> = match self {
            Repeat::Tile => {
                let times = extents(&list_of(pair[1], "multiples", own.len())?)?;
                own.iter().zip(times).map(|(&d, times)| d.saturating_mul(times)).collect()
            }
            Repeat::BroadcastTo => {
                let dims = extents(&list(pair[1], "extents", MAX_RANK)?)?;
                let fits = |(&d, &e): (&usize, &usize)| d == e || d == 1;
                if dims.len() < own.len() || !own.iter().rev().zip(dims.iter().rev()).all(fits) {
                    let shape = &x.shape;
                    return Err(Error::malformed(format!("{shape} does not stretch to {dims:?}")));
                }
                dims
            }
            Repeat::Fill if x.shape.elements() != 1 => {
                return Err(Error::malformed(format!("fills with a value of shape {}", x.shape)));
            }
            Repeat::Fill => extents(&list(pair[0], "extents", MAX_RANK)?)?,
        };
        Ok(vec![(Shape::new(dims)?, moved_type(x)?)])
    }

    /// The operand that is repeated.
    pub fn source(&self) -> usize {
        usize::from(*self == Repeat::Fill)
    }
}

fn extents(list: &[i64]) -> Result<Vec<usize>> {
    let extent = |&n| usize::try_from(n).map_err(|_| Error::malformed(format!("an extent of {n}")));
    list.iter().map(extent).collect()
}
