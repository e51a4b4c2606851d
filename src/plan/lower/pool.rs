//! Kernels of pools.

use super::{Chosen, Site, nhwc};
use crate::kernels::{Along, AveragePool, MaxPool, PoolSpec, Reduce};
use crate::ops::{Pool2d, PoolKind, ReduceKind};

pub(super) fn pool2d(op: &Pool2d, site: &Site) -> Option<Chosen> {
    let (input, output) = (nhwc(site.float(0)?), nhwc(site.output()));
    let [_, h, w, _] = input;
    let spec = spec(op, input, output);
    let is_whole = op.kernel == [h, w] && spec.pad == [0, 0] && output[1..3] == [1, 1];
    match op.kind {
        PoolKind::Average if is_whole => {
            let along = Along { outer: input[0], extent: h * w, inner: input[3] };
            site.reading(1, Reduce::new(ReduceKind::Mean, along, op.activation))
        }
        PoolKind::Average => site.reading(1, AveragePool::new(spec)),
        PoolKind::Max => site.reading(1, MaxPool::new(spec)),
        PoolKind::L2 => None,
    }
}

/// A pool of an image `input`.
pub(super) fn spec(op: &Pool2d, input: [usize; 4], output: [usize; 4]) -> PoolSpec {
    PoolSpec {
        input,
        output: [output[1], output[2]],
        kernel: op.kernel,
        stride: op.window.stride,
        pad: op.window.pad_before([input[1], input[2]], op.kernel),
        activation: op.activation,
    }
}
