//! Kernels of resizes.

use super::{Chosen, Site, nhwc};
use crate::kernels::{ResizeBilinear, ResizeNearest, ResizeSpec};
use crate::ops;

pub(super) fn bilinear(op: &ops::ResizeBilinear, site: &Site) -> Option<Chosen> {
    let (input, [_, oh, ow, _]) = (nhwc(site.float(0)?), nhwc(site.output()));
    site.reading(1, ResizeBilinear::new(ResizeSpec { input, output: [oh, ow], attributes: *op }))
}

pub(super) fn nearest(op: &ops::ResizeNearest, site: &Site) -> Option<Chosen> {
    let (input, [_, oh, ow, _]) = (nhwc(site.float(0)?), nhwc(site.output()));
    site.reading(1, ResizeNearest::new(*op, input, [oh, ow]))
}
