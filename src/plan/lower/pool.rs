//! Kernels of pools and of reductions over images.

use super::{Chosen, Site, nhwc};
use crate::kernels::{AveragePool, GlobalAverage, MaxPool, PoolSpec};
use crate::ops::reduce::reduced_axes;
use crate::ops::{Pool2d, PoolKind, Reduce, ReduceKind};

pub(super) fn pool2d(op: &Pool2d, site: &Site) -> Option<Chosen> {
    let (input, output) = (nhwc(site.float(0)?), nhwc(site.output()));
    let [_, h, w, _] = input;
    let pad = op.window.pad_before([h, w], op.kernel);
    let is_whole = op.kernel == [h, w] && pad == [0, 0] && output[1..3] == [1, 1];
    let spec = PoolSpec {
        input,
        output: [output[1], output[2]],
        kernel: op.kernel,
        stride: op.window.stride,
        pad,
        activation: op.activation,
    };
    match op.kind {
        PoolKind::Average if is_whole => site.reading(1, GlobalAverage::new(input, op.activation)),
        PoolKind::Average => site.reading(1, AveragePool::new(spec)),
        PoolKind::Max => site.reading(1, MaxPool::new(spec)),
        PoolKind::L2 => None,
    }
}

/// The mean of whole images `[n, h, w, c]`; other reductions have no kernel.
pub(super) fn reduce(op: &Reduce, site: &Site) -> Option<Chosen> {
    let x = site.float(0)?;
    let reduced = reduced_axes(site.operand(1)?, x.shape.rank()).ok()?;
    match op.kind {
        ReduceKind::Mean if reduced == [false, true, true, false] => {
            site.reading(1, GlobalAverage::new(nhwc(x), None))
        }
        _ => None,
    }
}
