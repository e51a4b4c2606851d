//! Resizing.

use super::{Input, Output};
use crate::ops::ResizeBilinear;

/// Each output is the mean of the four pixels around its source position, by distance.
pub fn bilinear(op: &ResizeBilinear, x: Input, y: &mut Output) {
    let [_, h, w, c] = x.nhwc();
    let [_, oh, ow, _] = y.nhwc();
    let x = x.f32();
    for (i, y) in y.f32().iter_mut().enumerate() {
        let (channel, ox, oy, image) = (i % c, i / c % ow, i / (c * ow) % oh, i / (c * ow * oh));
        let (y0, y1, fy) = op.neighbours(oy, h, oh);
        let (x0, x1, fx) = op.neighbours(ox, w, ow);
        let at = |iy: usize, ix: usize| x[((image * h + iy) * w + ix) * c + channel];
        let upper = at(y0, x0) * (1.0 - fx) + at(y0, x1) * fx;
        let lower = at(y1, x0) * (1.0 - fx) + at(y1, x1) * fx;
        *y = upper * (1.0 - fy) + lower * fy;
    }
}
