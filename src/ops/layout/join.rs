//! Several tensors side by side.

use super::{Operands, axis_of, moved_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, TensorDef};

/// CONCATENATION and PACK; inputs: the tensors. Negative axes count from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// CONCATENATION along an axis.
    Concatenation(i32),
    /// PACK along a new axis of the result.
    Pack(i32),
}

impl Join {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Join::Concatenation(_) => "CONCATENATION",
            Join::Pack(_) => "PACK",
        }
    }

    pub(super) fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let tensors: Option<Vec<&TensorDef>> = operands.iter().copied().collect();
        let Some([first, rest @ ..]) = tensors.as_deref() else {
            return Err(Error::malformed("needs at least one input, and all of them"));
        };
        let dtype = moved_type(first)?;
        let mut dims = first.shape.dims().to_vec();
        let axis = self.axis(dims.len())?;
        for tensor in rest {
            let own = tensor.shape.dims();
            let joins = matches!(self, Join::Concatenation(_));
            let fits = |(a, (&x, &y)): (usize, (&usize, &usize))| x == y || joins && a == axis;
            if own.len() != dims.len() || !own.iter().zip(&dims).enumerate().all(fits) {
                let shapes = format!("{} and {}", first.shape, tensor.shape);
                return Err(Error::malformed(format!("{shapes} do not fit along axis {axis}")));
            }
            if moved_type(tensor)? != dtype
                || tensor.quantization.is_some() != first.quantization.is_some()
            {
                let what = format!("'{}' is not of the type of '{}'", tensor.name, first.name);
                return Err(Error::unsupported(what));
            }
            if joins {
                // Both are at most 2^28, or the sum is refused as a shape here.
                dims[axis] += own[axis];
                Shape::new(&dims[..])?;
            }
        }
        if let Join::Pack(_) = self {
            dims.insert(axis, operands.len());
        }
        Ok(vec![(Shape::new(dims)?, dtype)])
    }

    /// The axis of the result along which operands of that rank lie.
    pub fn axis(&self, rank: usize) -> Result<usize> {
        match *self {
            Join::Concatenation(axis) => axis_of(axis.into(), rank),
            Join::Pack(axis) => axis_of(axis.into(), rank + 1),
        }
    }
}
