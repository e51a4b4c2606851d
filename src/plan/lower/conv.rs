//! Kernels of convolutions. Filter and bias are packed when they are constant.

use super::{Chosen, Site, nhwc};
use crate::kernels::{
    Conv, ConvSpec, Depthwise, DisjointTransposeConv, Gemm, GemmSpec, TransposeConv, Winograd,
};
use crate::ops::{self, Conv2d, DepthwiseConv2d, Window};

pub(super) fn conv2d(op: &Conv2d, site: &Site) -> Option<Chosen> {
    let [_, h, w, ci] = nhwc(site.float(0)?);
    let [n, oh, ow, co] = nhwc(site.output());
    let weights = Weights::at(site, 1, 2)?;
    let [_, kh, kw, depth] = weights.shape;
    // Without a border each pixel of the result is made of its own.
    if [kh, kw] == [1, 1] && op.window.stride == [1, 1] && [oh, ow] == [h, w] && depth == ci {
        let gemm = Gemm::new(GemmSpec {
            m: n * oh * ow,
            k: ci,
            n: co,
            weights: weights.filter,
            bias: weights.bias,
            activation: op.activation,
        });
        return site.reading(1, gemm);
    }
    let spec = spec(op.window, op.activation, site, weights);
    // Where results are rounded to a grid, the least error moves those near a half to the next
    // step: none larger than the sliding window's then.
    match Winograd::pays(&spec) && site.node.grid.is_none() {
        true => site.reading(1, Winograd::new(spec)),
        false => site.reading(1, Conv::new(spec)),
    }
}

pub(super) fn depthwise_conv2d(op: &DepthwiseConv2d, site: &Site) -> Option<Chosen> {
    site.float(0)?;
    let weights = Weights::at(site, 1, 2)?;
    site.reading(1, Depthwise::new(spec(op.window, op.activation, site, weights)))
}

/// What convolutions that slide a window over their input have in common.
fn spec<'a>(
    window: Window,
    activation: Option<ops::Unary>,
    site: &Site,
    weights: Weights<'a>,
) -> ConvSpec<'a> {
    let input = site.operand(0).map(nhwc).expect("the caller looked at it");
    let [_, oh, ow, _] = nhwc(site.output());
    let spec = self::window(window, input, [oh, ow], weights.shape);
    ConvSpec { filter: weights.filter, bias: weights.bias, activation, ..spec }
}

/// A window that slides over an image `[n, h, w, ci]`; filter, bias and activation are left empty.
pub(super) fn window<W, B>(
    window: Window,
    input: [usize; 4],
    output: [usize; 2],
    filter_shape: [usize; 4],
) -> ConvSpec<'static, W, B> {
    let ([_, h, w, _], [_, kh, kw, _]) = (input, filter_shape);
    ConvSpec {
        input,
        output,
        filter: &[],
        filter_shape,
        bias: None,
        stride: window.stride,
        dilation: window.dilation,
        pad: window.pad_before([h, w], [kh, kw]),
        activation: None,
    }
}

/// Operands: image, filter, bias.
pub(super) fn transpose_conv(op: &ops::TransposeConv, site: &Site) -> Option<Chosen> {
    transposed(op, site, 0, Weights::at(site, 1, 2)?)
}

/// Operands: output size, filter, image, bias.
pub(super) fn sized_transpose_conv(op: &ops::TransposeConv, site: &Site) -> Option<Chosen> {
    transposed(op, site, 2, Weights::at(site, 1, 3)?)
}

fn transposed(
    op: &ops::TransposeConv,
    site: &Site,
    image: usize,
    weights: Weights,
) -> Option<Chosen> {
    let input = nhwc(site.float(image)?);
    let [_, kh, kw, _] = weights.shape;
    let [_, oh, ow, _] = nhwc(site.output());
    let spec = ConvSpec {
        input,
        output: [oh, ow],
        filter: weights.filter,
        filter_shape: weights.shape,
        bias: weights.bias,
        stride: op.stride,
        dilation: [1, 1],
        pad: op.pad_before([oh, ow], [kh, kw]),
        activation: op.activation,
    };
    match DisjointTransposeConv::fits(&spec) {
        true => site.reading_only(image, DisjointTransposeConv::new(spec)),
        false => site.reading_only(image, TransposeConv::new(spec)),
    }
}

/// Filter and bias of a convolution as kernels take them.
#[derive(Clone, Copy)]
struct Weights<'a> {
    filter: &'a [f32],
    shape: [usize; 4],
    bias: Option<&'a [f32]>,
}

impl<'a> Weights<'a> {
    /// These operands, the bias optional; `None` unless they are constant.
    fn at(site: &Site<'a>, filter: usize, bias: usize) -> Option<Weights<'a>> {
        let bias = match site.operand(bias) {
            Some(_) => Some(site.constant(bias)?),
            None => None,
        };
        let shape = site.operand(filter)?.shape.nhwc().ok()?;
        Some(Weights { filter: site.constant(filter)?, shape, bias })
    }
}
