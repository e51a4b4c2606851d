//! Kernels that work element by element.

use super::{Chosen, Site};
use crate::kernels::{Binary, BinarySpec, Cast, Unary};
use crate::ops;
use crate::tensor::DType;

pub(super) fn binary(op: &ops::Binary, site: &Site) -> Option<Chosen> {
    let operands = [&site.float(0)?.shape, &site.float(1)?.shape];
    let spec = BinarySpec { op: *op, operands, output: &site.output().shape };
    site.reading(2, Binary::new(spec))
}

pub(super) fn unary(op: ops::Unary, site: &Site) -> Option<Chosen> {
    site.reading(1, Unary::new(op, site.float(0)?.shape.elements()))
}

pub(super) fn cast(site: &Site) -> Option<Chosen> {
    let x = site.operand(0).filter(|x| x.dtype != DType::F16)?;
    site.reading(1, Cast::new(x.shape.elements()))
}
