//! Resizing.

use super::{Input, Output, element, place};
use crate::ops::{ResizeBilinear, ResizeNearest};

/// Each output is the mean of the four pixels around its source position, by distance.
pub fn bilinear(op: &ResizeBilinear, x: Input, y: &mut Output) {
    let [_, h, w, _] = x.nhwc();
    let [_, oh, ow, _] = y.nhwc();
    for i in 0..y.len() {
        let [image, oy, ox, channel] = place(y.nhwc(), i);
        let (y0, y1, fy) = op.neighbours(oy, h, oh);
        let (x0, x1, fx) = op.neighbours(ox, w, ow);
        let (fy, fx) = (fy as f64, fx as f64);
        let at = |iy: usize, ix: usize| x.get(element(x.nhwc(), [image, iy, ix, channel]));
        let upper = at(y0, x0) * (1.0 - fx) + at(y0, x1) * fx;
        let lower = at(y1, x0) * (1.0 - fx) + at(y1, x1) * fx;
        y.set(i, upper * (1.0 - fy) + lower * fy);
    }
}

/// Each output is one pixel of the input.
pub fn nearest(op: &ResizeNearest, x: Input, y: &mut Output) {
    let [_, h, w, _] = x.nhwc();
    let [_, oh, ow, _] = y.nhwc();
    for i in 0..y.len() {
        let [image, oy, ox, channel] = place(y.nhwc(), i);
        let (iy, ix) = (op.source(oy, h, oh), op.source(ox, w, ow));
        y.copy(i, &x, element(x.nhwc(), [image, iy, ix, channel]));
    }
}
