//! Kernels of convolutions. Filter and bias are packed when they are constant.

use super::{Chosen, Site, nhwc};
use crate::kernels::{
    Conv, ConvSpec, Depthwise, DisjointTransposeConv, Gemm, GemmSpec, TransposeConv,
};
use crate::ops::{self, Conv2d, DepthwiseConv2d, Window};

pub(super) fn conv2d(op: &Conv2d, site: &Site) -> Option<Chosen> {
    let input = nhwc(site.float(0)?);
    let [n, oh, ow, co] = nhwc(site.output());
    let ci = input[3];
    let weights = Weights::of(site)?;
    let [_, kh, kw, depth] = weights.shape;
    if [kh, kw] == [1, 1] && op.window.stride == [1, 1] && depth == ci {
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
    site.reading(1, Conv::new(spec(op.window, op.activation, site, weights)))
}

pub(super) fn depthwise_conv2d(op: &DepthwiseConv2d, site: &Site) -> Option<Chosen> {
    site.float(0)?;
    let weights = Weights::of(site)?;
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
    let ([_, h, w, _], [_, oh, ow, _]) = (input, nhwc(site.output()));
    let [_, kh, kw, _] = weights.shape;
    ConvSpec {
        input,
        output: [oh, ow],
        filter: weights.filter,
        filter_shape: weights.shape,
        bias: weights.bias,
        stride: window.stride,
        dilation: window.dilation,
        pad: window.pad_before([h, w], [kh, kw]),
        activation,
    }
}

pub(super) fn transpose_conv(op: &ops::TransposeConv, site: &Site) -> Option<Chosen> {
    let input = nhwc(site.float(0)?);
    let weights = Weights::of(site)?;
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
        true => site.reading(1, DisjointTransposeConv::new(spec)),
        false => site.reading(1, TransposeConv::new(spec)),
    }
}

/// Operands 1 and 2 of a convolution as kernels take them.
#[derive(Clone, Copy)]
struct Weights<'a> {
    filter: &'a [f32],
    shape: [usize; 4],
    bias: Option<&'a [f32]>,
}

impl<'a> Weights<'a> {
    /// `None` unless they are constant.
    fn of(site: &Site<'a>) -> Option<Weights<'a>> {
        let bias = match site.operand(2) {
            Some(_) => Some(site.constant(2)?),
            None => None,
        };
        let shape = site.operand(1)?.shape.nhwc().ok()?;
        Some(Weights { filter: site.constant(1)?, shape, bias })
    }
}
