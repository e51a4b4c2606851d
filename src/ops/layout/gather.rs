//! Slices that indices choose.

use super::{Operands, axis_of, expect, moved_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, TensorDef, View};

/// GATHER and GATHER_ND; inputs: tensor, integers. Constant indices are checked; others, which
/// nobody can check before they are there, are taken as the nearest position that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gather {
    /// GATHER: indices along an axis. The first `batch_dims` axes, which both inputs have, stay in
    /// step. Negative ones count from the end, of the tensor's axes and of the indices'.
    #[allow(missing_docs)]
    Along { axis: i32, batch_dims: i32 },
    /// GATHER_ND: indices `[..., n]` along the first `n` axes.
    Nd,
}

impl Gather {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Gather::Along { .. } => "GATHER",
            Gather::Nd => "GATHER_ND",
        }
    }

    pub(super) fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x, indices] = expect(operands)?;
        let dtype = moved_type(x)?;
        if !matches!(indices.dtype, DType::I16 | DType::I32 | DType::I64) {
            return Err(Error::unsupported(format!("indices of type {}", indices.dtype)));
        }
        let (own, chosen) = (x.shape.dims(), indices.shape.dims());
        let dims = match self {
            Gather::Along { .. } => {
                let (axis, batch) = self.axes(own.len(), chosen.len())?;
                if own[..batch] != chosen[..batch] {
                    let shapes = format!("{} and {}", x.shape, indices.shape);
                    return Err(Error::malformed(format!("{shapes} differ in {batch} axes")));
                }
                check(indices, &own[axis..=axis])?;
                [&own[..axis], &chosen[batch..], &own[axis + 1..]].concat()
            }
            Gather::Nd => {
                let Some((&n, outer)) =
                    chosen.split_last().filter(|(n, _)| (1..=own.len()).contains(*n))
                else {
                    let shapes = format!("{} of {}", indices.shape, x.shape);
                    return Err(Error::malformed(format!("indices of shape {shapes}")));
                };
                check(indices, &own[..n])?;
                [outer, &own[n..]].concat()
            }
        };
        Ok(vec![(Shape::new(dims)?, dtype)])
    }

    /// The axis of GATHER and the number of batch axes, for a tensor and indices of these ranks.
    pub fn axes(&self, rank: usize, indices: usize) -> Result<(usize, usize)> {
        let Gather::Along { axis, batch_dims } = *self else { return Ok((0, 0)) };
        let axis = axis_of(axis.into(), rank)?;
        let batch = batch_dims as i64 + if batch_dims < 0 { indices as i64 } else { 0 };
        match usize::try_from(batch) {
            Ok(batch) if batch <= axis && batch <= indices => Ok((axis, batch)),
            _ => Err(Error::malformed(format!("{batch_dims} batch axes before axis {axis}"))),
        }
    }
}

/// Refuses constant indices that are not below `extents`, which they go around in turn.
fn check(indices: &TensorDef, extents: &[usize]) -> Result<()> {
    let Some(data) = &indices.data else { return Ok(()) };
    let wrong = |(i, index): (usize, i64)| {
        let extent = extents[i % extents.len()];
        (!(0..extent as i64).contains(&index)).then_some((index, extent))
    };
    let wrong = match data.view() {
        View::I16(v) => v.iter().map(|&i| i.into()).enumerate().find_map(wrong),
        View::I32(v) => v.iter().map(|&i| i.into()).enumerate().find_map(wrong),
        View::I64(v) => v.iter().copied().enumerate().find_map(wrong),
        _ => None,
    };
    match wrong {
        Some((i, extent)) => Err(Error::malformed(format!("index {i} of {extent} slices"))),
        None => Ok(()),
    }
}
