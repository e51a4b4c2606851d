//! Kernels of resizes.

use super::{Chosen, Site, nhwc};
use crate::kernels::{ResizeBilinear, ResizeNearest, ResizeSpec};
use crate::ops;
use crate::tensor::TensorDef;

pub(super) fn bilinear(op: &ops::ResizeBilinear, site: &Site) -> Option<Chosen> {
    let (input, [_, oh, ow, _]) = (nhwc(site.float(0)?), nhwc(site.output()));
    site.reading(1, ResizeBilinear::new(ResizeSpec { input, output: [oh, ow], attributes: *op }))
}

/// Of a tensor `x` of float32, int8 or uint8.
pub(super) fn nearest(op: &ops::ResizeNearest, x: &TensorDef, site: &Site) -> Option<Chosen> {
    let (input, [_, oh, ow, _]) = (nhwc(x), nhwc(site.output()));
    site.reading(1, ResizeNearest::new(*op, input, [oh, ow]))
}
