//! A border around a tensor.

use super::{Operands, expect, list_of, moved_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, MAX_RANK, Shape, TensorDef};

/// PAD and its kin; inputs: tensor, integers `[rank, 2]`: elements before and after, for each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pad {
    /// PAD: with zeros.
    Zeros,
    /// PADV2: with the only element of a third input.
    Value,
    /// MIRROR_PAD with the tensor's own elements, from its border inwards: the border itself is
    /// repeated (mode SYMMETRIC) or not (REFLECT).
    #[allow(missing_docs)]
    Mirror { symmetric: bool },
}

impl Pad {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Pad::Zeros => "PAD",
            Pad::Value => "PADV2",
            Pad::Mirror { .. } => "MIRROR_PAD",
        }
    }

    pub(super) fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (x, around) = match self {
            Pad::Value => {
                let [x, around, value] = expect(operands)?;
                check_value(x, value)?;
                (x, around)
            }
            Pad::Zeros | Pad::Mirror { .. } => expect(operands).map(|[x, around]| (x, around))?,
        };
        let mut dims = x.shape.dims().to_vec();
        let around = paddings(&list_of(around, "paddings", 2 * dims.len())?)?;
        for (d, pads) in dims.iter_mut().zip(around) {
            let most = match self {
                Pad::Zeros | Pad::Value => usize::MAX,
                Pad::Mirror { symmetric } => *d - usize::from(!symmetric),
            };
            if let Some(pad) = pads.iter().find(|&&pad| pad > most) {
                return Err(Error::malformed(format!("{pad} elements of {d} cannot be mirrored")));
            }
            // Below 2^63 each, so that only the sum can be too much.
            *d = d.saturating_add(pads[0]).saturating_add(pads[1]);
        }
        Ok(vec![(Shape::new(dims)?, moved_type(x)?)])
    }
}

/// PADV2's value is of the tensor's type.
fn check_value(x: &TensorDef, value: &TensorDef) -> Result<()> {
    if value.shape.elements() != 1 {
        return Err(Error::malformed(format!("pads with a value of shape {}", value.shape)));
    }
    let same = moved_type(value)? == moved_type(x)?;
    if !same || value.quantization.is_some() != x.quantization.is_some() {
        return Err(Error::unsupported(format!("'{}' is not of the tensor's type", value.name)));
    }
    Ok(())
}

/// Elements before and after, for each axis.
pub fn paddings(list: &[i64]) -> Result<[[usize; 2]; MAX_RANK]> {
    let mut paddings = [[0; 2]; MAX_RANK];
    for (i, &n) in list.iter().enumerate() {
        paddings[i / 2][i % 2] =
            usize::try_from(n).map_err(|_| Error::malformed(format!("a padding of {n}")))?;
    }
    Ok(paddings)
}
