//! Kernels of softmax and of reductions.

use super::{Chosen, Site};
use crate::kernels::{self, Along};
use crate::ops::reduce::{one_axis, reduced_axes};
use crate::ops::{ArgReduce, Reduce, Softmax};
use crate::tensor::TensorDef;

/// Longer rows of SOFTMAX run on the reference: the kernel copies four of them.
const MAX_ROW: usize = 1 << 16;

pub(super) fn softmax(op: &Softmax, site: &Site) -> Option<Chosen> {
    let shape = &site.float(0)?.shape;
    let row = shape.dims().last().copied().filter(|&row| row <= MAX_ROW)?;
    site.reading(1, kernels::Softmax::new(*op, shape.elements() / row, row))
}

/// Reductions along neighbouring axes.
pub(super) fn reduce(op: &Reduce, site: &Site) -> Option<Chosen> {
    let dims = site.float(0)?.shape.dims();
    let reduced = reduced_axes(site.operand(1)?, dims.len()).ok()?;
    let along = Along::chosen(dims, &reduced)?;
    let fits = kernels::Reduce::fits(op.kind);
    fits.then(|| site.reading(1, kernels::Reduce::new(op.kind, along, None)))?
}

/// Of a tensor `x` whose elements have the order of the numbers they stand for.
pub(super) fn arg_reduce(op: &ArgReduce, x: &TensorDef, site: &Site) -> Option<Chosen> {
    let dims = x.shape.dims();
    let axis = one_axis(site.operand(1)?, dims.len()).ok()?;
    let chosen: Vec<bool> = (0..dims.len()).map(|a| a == axis).collect();
    let along = Along::chosen(dims, &chosen)?;
    let fits = along.extent <= kernels::ArgReduce::MAX_EXTENT;
    fits.then(|| site.reading(1, kernels::ArgReduce::new(op, along)))?
}
