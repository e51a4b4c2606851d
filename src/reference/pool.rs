//! Pools.

use super::{Input, Output, activate, element, place, tap};
use crate::ops::{Pool2d, PoolKind};

/// Each output is made of the pixels of its window that lie inside the image.
pub fn pool2d(op: &Pool2d, x: Input, y: &mut Output) {
    let [_, h, w, _] = x.nhwc();
    let pad = op.window.pad_before([h, w], op.kernel);
    for i in 0..y.len() {
        let [image, oy, ox, channel] = place(y.nhwc(), i);
        let (mut sum, mut count) = (0.0, 0);
        for ky in 0..op.kernel[0] {
            for kx in 0..op.kernel[1] {
                let iy = tap(oy, op.window.stride[0], ky, 1, pad[0], h);
                let ix = tap(ox, op.window.stride[1], kx, 1, pad[1], w);
                if let (Some(iy), Some(ix)) = (iy, ix) {
                    sum += x.get(element(x.nhwc(), [image, iy, ix, channel]));
                    count += 1;
                }
            }
        }
        let value = match op.kind {
            PoolKind::Average => sum / count as f64,
        };
        y.set_average(i, activate(op.activation, value));
    }
}
