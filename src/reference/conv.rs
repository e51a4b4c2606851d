//! Convolutions, summed in the order of the filter's taps.

use super::{Input, Output, activate, tap};
use crate::ops::{Conv2d, DepthwiseConv2d, TransposeConv, Window};

/// The input pixel under tap `(ky, kx)` of the window at output pixel `(oy, ox)`, if it exists.
fn pixel_under(
    window: &Window,
    pad: [usize; 2],
    extents: [usize; 2],
    at: [usize; 2],
    taps: [usize; 2],
) -> Option<[usize; 2]> {
    let along =
        |a: usize| tap(at[a], window.stride[a], taps[a], window.dilation[a], pad[a], extents[a]);
    Some([along(0)?, along(1)?])
}

/// `y[n, oy, ox, co] = bias[co] + sum over ky, kx, c of x[n, iy, ix, group + c] * f[co, ky, kx, c]`.
pub fn conv2d(op: &Conv2d, x: Input, filter: Input, bias: Option<Input>, y: &mut Output) {
    let [_, h, w, ci] = x.nhwc();
    let [co, kh, kw, depth] = filter.nhwc();
    let [n, oh, ow, _] = y.nhwc();
    let pad = op.window.pad_before([h, w], [kh, kw]);
    let channels_per_group = co / (ci / depth);
    let (x, filter, bias) = (x.f32(), filter.f32(), bias.map(|b| b.f32()));
    let mut out = y.f32().iter_mut(); // [n, oh, ow, co]
    for (image, oy, ox) in positions(n, oh, ow) {
        for c in 0..co {
            let first = c / channels_per_group * depth;
            let mut sum = 0.0;
            for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                if let Some([iy, ix]) = pixel_under(&op.window, pad, [h, w], [oy, ox], [ky, kx]) {
                    let pixels = &x[((image * h + iy) * w + ix) * ci + first..][..depth];
                    let weights = &filter[((c * kh + ky) * kw + kx) * depth..][..depth];
                    sum += pixels.iter().zip(weights).map(|(x, f)| x * f).sum::<f32>();
                }
            }
            let sum = sum + bias.map_or(0.0, |b| b[c]);
            *out.next().expect("as many as the shape says") = activate(op.activation, sum);
        }
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
    let [_, h, w, ci] = x.nhwc();
    let [_, kh, kw, co] = filter.nhwc();
    let [n, oh, ow, _] = y.nhwc();
    let pad = op.window.pad_before([h, w], [kh, kw]);
    let multiplier = co / ci;
    let (x, filter, bias) = (x.f32(), filter.f32(), bias.map(|b| b.f32()));
    let mut out = y.f32().iter_mut(); // [n, oh, ow, co]
    for (image, oy, ox) in positions(n, oh, ow) {
        for c in 0..co {
            let mut sum = 0.0;
            for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
                if let Some([iy, ix]) = pixel_under(&op.window, pad, [h, w], [oy, ox], [ky, kx]) {
                    sum += x[((image * h + iy) * w + ix) * ci + c / multiplier]
                        * filter[(ky * kw + kx) * co + c];
                }
            }
            let sum = sum + bias.map_or(0.0, |b| b[c]);
            *out.next().expect("as many as the shape says") = activate(op.activation, sum);
        }
    }
}

/// Input pixel `(iy, ix)` times the filter is added around output pixel `(iy, ix) * stride - pad`.
pub fn transpose_conv(
    op: &TransposeConv,
    x: Input,
    filter: Input,
    bias: Option<Input>,
    y: &mut Output,
) {
    let [n, h, w, ci] = x.nhwc();
    let [co, kh, kw, _] = filter.nhwc();
    let [_, oh, ow, _] = y.nhwc();
    let pad = op.pad_before([oh, ow], [kh, kw]);
    let (x, filter, bias) = (x.f32(), filter.f32(), bias.map(|b| b.f32()));
    let out = y.f32(); // [n, oh, ow, co]
    out.fill(0.0);
    for (image, iy, ix) in positions(n, h, w) {
        let pixel = &x[((image * h + iy) * w + ix) * ci..][..ci];
        for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
            let Some(oy) = tap(iy, op.stride[0], ky, 1, pad[0], oh) else { continue };
            let Some(ox) = tap(ix, op.stride[1], kx, 1, pad[1], ow) else { continue };
            for c in 0..co {
                let weights = &filter[((c * kh + ky) * kw + kx) * ci..][..ci];
                let sum: f32 = pixel.iter().zip(weights).map(|(x, f)| x * f).sum();
                out[((image * oh + oy) * ow + ox) * co + c] += sum;
            }
        }
    }
    for pixel in out.chunks_exact_mut(co) {
        for (c, y) in pixel.iter_mut().enumerate() {
            *y = activate(op.activation, *y + bias.map_or(0.0, |b| b[c]));
        }
    }
}

/// All `(image, row, column)`, row-major.
fn positions(n: usize, h: usize, w: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..n * h * w).map(move |i| (i / (h * w), i / w % h, i % w))
}
