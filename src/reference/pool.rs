//! Pools.

use super::{Input, Output, activate, element, place};
use crate::ops::{Pool2d, PoolKind};

/// The taps `[ky, kx]` of the window at output pixel `at` that lie inside the image, row-major,
/// and the input pixel under each.
fn taps<'a>(
    op: &'a Pool2d,
    x: &Input,
    [oy, ox]: [usize; 2],
) -> impl Iterator<Item = ([usize; 2], [usize; 2])> + Clone + 'a {
    let [_, h, w, _] = x.nhwc();
    let pad = op.window.pad_before([h, w], op.kernel);
    // A window may be far larger than the image: taps outside are not looked at one by one.
    let inside = |a: usize, at: usize, extent: usize| {
        let origin = at * op.window.stride[a];
        pad[a].saturating_sub(origin)..op.kernel[a].min((extent + pad[a]).saturating_sub(origin))
    };
    let (rows, columns) = (inside(0, oy, h), inside(1, ox, w));
    let pixel = move |a: usize, at: usize, k: usize| at * op.window.stride[a] + k - pad[a];
    rows.flat_map(move |ky| columns.clone().map(move |kx| [ky, kx]))
        .map(move |[ky, kx]| ([ky, kx], [pixel(0, oy, ky), pixel(1, ox, kx)]))
}

/// Each output is made of the pixels of its window that lie inside the image.
pub fn pool2d(op: &Pool2d, x: Input, y: &mut Output) {
    for i in 0..y.len() {
        let [image, oy, ox, channel] = place(y.nhwc(), i);
        let pixels = taps(op, &x, [oy, ox])
            .map(|(_, [iy, ix])| x.get(element(x.nhwc(), [image, iy, ix, channel])));
        let mean = |sum: f64| sum / pixels.clone().count() as f64;
        let value = match op.kind {
            PoolKind::Average => mean(pixels.clone().sum()),
            PoolKind::Max => pixels.fold(f64::NEG_INFINITY, f64::max),
            PoolKind::L2 => mean(pixels.clone().map(|x| x * x).sum()).sqrt(),
        };
        let value = activate(op.activation, value);
        match op.kind {
            PoolKind::Average => y.set(i, value),
            PoolKind::Max | PoolKind::L2 => y.set(i, value),
        }
    }
}

/// The largest pixel of each window, and which tap it is under: the first of equal ones.
pub fn max_pool_with_argmax(op: &Pool2d, x: Input, pooled: &mut Output, chosen: &mut Output) {
    for i in 0..pooled.len() {
        let [image, oy, ox, channel] = place(pooled.nhwc(), i);
        let (mut largest, mut at) = (f64::NEG_INFINITY, 0);
        for ([ky, kx], [iy, ix]) in taps(op, &x, [oy, ox]) {
            let value = x.get(element(x.nhwc(), [image, iy, ix, channel]));
            if value > largest {
                (largest, at) = (value, ky * op.kernel[1] + kx);
            }
        }
        pooled.set(i, activate(op.activation, largest));
        chosen.set(i, at as f64 + 0.1);
    }
}

/// Each input pixel goes where its tap says, and all other outputs are 0. What would lie outside
/// is left out.
pub fn max_unpool(op: &Pool2d, x: Input, chosen: Input, y: &mut Output) {
    let [_, h, w, _] = x.nhwc();
    let [_, oh, ow, _] = y.nhwc();
    let pad = op.unpooled_pad([h, w]);
    for i in 0..y.len() {
        y.set(i, 0.0);
    }
    for i in 0..x.len() {
        let [image, iy, ix, channel] = place(x.nhwc(), i);
        let tap = chosen.get(i);
        if !(0.0..(op.kernel[0] * op.kernel[1]) as f64).contains(&tap) {
            continue;
        }
        let tap = tap as usize;
        let oy = (iy * op.window.stride[0] + tap / op.kernel[1]).checked_sub(pad[0]);
        let ox = (ix * op.window.stride[1] + tap % op.kernel[1]).checked_sub(pad[1]);
        if let (Some(oy), Some(ox)) = (oy.filter(|&y| y < oh), ox.filter(|&x| x < ow)) {
            y.set(element(y.nhwc(), [image, oy, ox, channel]), x.get(i));
        }
    }
}
