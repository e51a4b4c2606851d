//! Pools.

use super::{Input, Output, activate, tap};
use crate::ops::{Pool2d, PoolKind};

/// Each output is made of the pixels of its window that lie inside the image.
pub fn pool2d(op: &Pool2d, x: Input, y: &mut Output) {
    let [_, h, w, c] = x.nhwc();
    let [_, oh, ow, _] = y.nhwc();
    let pad = op.window.pad_before([h, w], op.kernel);
    let x = x.f32();
    for (i, y) in y.f32().iter_mut().enumerate() {
        let (channel, ox, oy, image) = (i % c, i / c % ow, i / (c * ow) % oh, i / (c * ow * oh));
        let (mut sum, mut count) = (0.0, 0);
        for ky in 0..op.kernel[0] {
            for kx in 0..op.kernel[1] {
                let iy = tap(oy, op.window.stride[0], ky, 1, pad[0], h);
                let ix = tap(ox, op.window.stride[1], kx, 1, pad[1], w);
                if let (Some(iy), Some(ix)) = (iy, ix) {
                    sum += x[((image * h + iy) * w + ix) * c + channel];
                    count += 1;
                }
            }
        }
        let value = match op.kind {
            PoolKind::Average => sum / count as f32,
        };
        *y = activate(op.activation, value);
    }
}
