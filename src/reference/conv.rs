//! Convolutions: for each output, a sum over the filter's taps and the channels.

use super::{Input, Output, activate, element, place, tap};
use crate::ops::{Conv2d, DepthwiseConv2d, TransposeConv, Window, rounded_product};
use crate::quantization::int16_excess;
use crate::tensor::{View, ViewMut};

/// All taps `[ky, kx]` of a window, and the input pixel `[y, x]` under each at output pixel `at`,
/// where there is one.
fn taps<'a>(
    window: &'a Window,
    [kh, kw]: [usize; 2],
    [h, w]: [usize; 2],
    at: [usize; 2],
) -> impl Iterator<Item = ([usize; 2], [usize; 2])> + 'a {
    let pad = window.pad_before([h, w], [kh, kw]);
    let along = move |a: usize, k: usize, extent: usize| {
        tap(at[a], window.stride[a], k, window.dilation[a], pad[a], extent)
    };
    (0..kh * kw).filter_map(move |i| {
        let [ky, kx] = [i / kw, i % kw];
        Some(([ky, kx], [along(0, ky, h)?, along(1, kx, w)?]))
    })
}

/// How much larger than its sum a result is: see [`int16_excess`]. `weight` is any element of the filter
/// that the sum reads.
fn excess(x: &Input, filter: &Input, weight: usize, y: &Output) -> f64 {
    match (x.data, &y.data) {
        (View::I16(_), ViewMut::I16(_)) => {
            int16_excess(x.scale(0).0 * filter.scale(weight).0, y.scale(0).0)
        }
        _ => 1.0,
    }
}

/// `y[n, oy, ox, co] = bias[co] + sum over ky, kx, c of x[n, iy, ix, group + c] * f[co, ky, kx, c]`.
pub fn conv2d(op: &Conv2d, x: Input, filter: Input, bias: Option<Input>, y: &mut Output) {
    let (extents, taps_of) = (x.nhwc(), filter.nhwc());
    let [_, h, w, ci] = extents;
    let [co, kh, kw, depth] = taps_of;
    let channels_per_group = co / (ci / depth);
    for i in 0..y.len() {
        let [image, oy, ox, c] = place(y.nhwc(), i);
        let first = c / channels_per_group * depth;
        let mut sum = bias.map_or(0.0, |b| b.get(c));
        for ([ky, kx], [iy, ix]) in taps(&op.window, [kh, kw], [h, w], [oy, ox]) {
            let pixel = element(extents, [image, iy, ix, first]);
            let weights = element(taps_of, [c, ky, kx, 0]);
            sum += (0..depth).map(|k| x.get(pixel + k) * filter.get(weights + k)).sum::<f64>();
        }
        sum *= excess(&x, &filter, element(taps_of, [c, 0, 0, 0]), y);
        y.set(i, activate(op.activation, sum));
    }
}

/// `y[n, oy, ox, c] = bias[c] + sum over ky, kx of x[n, iy, ix, c / multiplier] * f[0, ky, kx, c]`.
pub fn depthwise_conv2d(
    op: &DepthwiseConv2d,
    x: Input,
    filter: Input,
    bias: Option<Input>,
    y: &mut Output,
) {
    let (extents, taps_of) = (x.nhwc(), filter.nhwc());
    let [_, h, w, ci] = extents;
    let [_, kh, kw, co] = taps_of;
    let multiplier = co / ci;
    for i in 0..y.len() {
        let [image, oy, ox, c] = place(y.nhwc(), i);
        let mut sum = bias.map_or(0.0, |b| b.get(c));
        for ([ky, kx], [iy, ix]) in taps(&op.window, [kh, kw], [h, w], [oy, ox]) {
            let pixel = x.get(element(extents, [image, iy, ix, c / multiplier]));
            sum += pixel * filter.get(element(taps_of, [0, ky, kx, c]));
        }
        sum *= excess(&x, &filter, element(taps_of, [0, 0, 0, c]), y);
        y.set(i, activate(op.activation, sum));
    }
}

/// Output pixel `i * stride + tap - pad` gets input pixel `i` times the filter at `tap`.
pub fn transpose_conv(
    op: &TransposeConv,
    x: Input,
    filter: Input,
    bias: Option<Input>,
    y: &mut Output,
) {
    let (extents, taps_of) = (x.nhwc(), filter.nhwc());
    let [_, h, w, ci] = extents;
    let [_, kh, kw, _] = taps_of;
    let [_, oh, ow, _] = y.nhwc();
    let pad = op.pad_before([oh, ow], [kh, kw]);
    // The input row or column that reaches output position `at` by tap `k`, if one does.
    let from = |a: usize, at: usize, k: usize, extent: usize| {
        let distance = (at + pad[a]).checked_sub(k)?;
        let i = distance / op.stride[a];
        (distance % op.stride[a] == 0 && i < extent).then_some(i)
    };
    for i in 0..y.len() {
        let [image, oy, ox, c] = place(y.nhwc(), i);
        let mut sum = bias.map_or(0.0, |b| b.get(c));
        for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
            let (Some(iy), Some(ix)) = (from(0, oy, ky, h), from(1, ox, kx, w)) else { continue };
            let pixel = element(extents, [image, iy, ix, 0]);
            let weights = element(taps_of, [c, ky, kx, 0]);
            sum += (0..ci).map(|k| x.get(pixel + k) * filter.get(weights + k)).sum::<f64>();
        }
        if op.rounds_twice && matches!(y.data, ViewMut::I8(_) | ViewMut::U8(_)) {
            let weights = element(taps_of, [c, 0, 0, 0]);
            let (unit, step) = (x.scale(0).0 * filter.scale(weights).0, y.scale(i).0);
            sum = rounded_product(sum / unit, unit / step) * step;
        }
        sum *= excess(&x, &filter, element(taps_of, [c, 0, 0, 0]), y);
        y.set(i, activate(op.activation, sum));
    }
}
