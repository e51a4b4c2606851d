//! Kernels of operators that compute on quantized tensors as they are stored.

use super::{Chosen, Site, conv, nhwc};
use crate::kernels::{
    ConvSpec, IntegerConv, IntegerDepthwise, IntegerGemm, IntegerGemmSpec, Requantize, Table,
};
use crate::ops::{Op, limited};
use crate::tensor::{Grid, TensorDef, View};

/// The kernel of a node of which [`crate::ops::is_integer`] holds.
pub(super) fn kernel(site: &Site) -> Option<Chosen> {
    let weights = || Weights::at(site, 0, 1, 2);
    match &site.node.op {
        Op::Unary(function) => {
            let x = site.operand(0)?;
            let [from, to] =
                [x, site.output()].map(|t| t.quantization.as_ref().map(|q| q.scale[0]));
            site.reading(1, Table::new(*function, from?, to?, x.shape.elements()))
        }
        Op::Conv2d(op) => {
            let weights = weights()?;
            let [n, oh, ow, co] = nhwc(site.output());
            let input = nhwc(site.operand(0)?);
            let shape = nhwc(site.operand(1)?);
            let is_product = shape[1..] == [1, 1, input[3]];
            if is_product && op.window.stride == [1, 1] && [oh, ow] == [input[1], input[2]] {
                return site.reading(1, weights.gemm([n * oh * ow, input[3], co]));
            }
            let window = conv::window(op.window, input, [oh, ow], shape);
            let spec = ConvSpec {
                filter: &weights.filter,
                bias: weights.bias,
                activation: None,
                ..window
            };
            site.reading(1, IntegerConv::new(spec, weights.requantize()))
        }
        Op::DepthwiseConv2d(op) => {
            let weights = weights()?;
            let (input, [_, oh, ow, co]) = (nhwc(site.operand(0)?), nhwc(site.output()));
            let shape = nhwc(site.operand(1)?);
            let window = conv::window(op.window, input, [oh, ow], shape);
            let spec = ConvSpec { filter: &weights.filter, bias: weights.bias, ..window };
            if IntegerDepthwise::fits(&spec, &weights.requantize()) {
                return site.reading(1, IntegerDepthwise::new(spec, weights.requantize()));
            }
            // As a convolution of a group for each channel of the input.
            let taps = weights.filter.len() / co;
            let weight = |i: usize| weights.filter[i % taps * co + i / taps];
            let filter: Vec<i16> = (0..weights.filter.len()).map(weight).collect();
            let filter_shape = [co, shape[1], shape[2], 1];
            let spec = ConvSpec { filter: &filter, filter_shape, ..spec };
            site.reading(1, IntegerConv::new(spec, weights.requantize()))
        }
        Op::FullyConnected(_) => {
            let &[n, k] = site.operand(1)?.shape.dims() else { return None };
            let m = site.operand(0)?.shape.elements().checked_div(k)?;
            site.reading(1, weights()?.gemm([m, k, n]))
        }
        _ => None,
    }
}

/// Filter, bias and scales of a convolution or matrix product.
struct Weights<'a> {
    /// As stored.
    filter: Vec<i16>,
    bias: Option<&'a [i32]>,
    input_zero: i32,
    filter_zero: i32,
    /// Of a sum in steps of the result; one, or one per output channel.
    scales: Vec<f32>,
    output: Grid,
}

impl<'a> Weights<'a> {
    /// These operands, the bias optional.
    fn at(site: &Site<'a>, input: usize, filter: usize, bias: usize) -> Option<Weights<'a>> {
        let bias = match site.operand(bias) {
            Some(bias) => match bias.data.as_ref()?.view() {
                View::I32(v) => Some(v),
                _ => return None,
            },
            None => None,
        };
        let grid = |x: &TensorDef| Grid::of(x.dtype, x.quantization.as_ref());
        let input = grid(site.operand(input)?)?;
        let filter = site.operand(filter)?;
        let q = filter.quantization.as_ref()?;
        let output = limited(site.node.op.activation(), site.output())?;
        // In this order, as XNNPACK computes it.
        let scales = q.scale.iter().map(|s| input.scale * s / output.scale).collect();
        let filter = match filter.data.as_ref()?.view() {
            View::I8(v) => v.iter().map(|&w| w.into()).collect(),
            View::U8(v) => v.iter().map(|&w| w.into()).collect(),
            _ => return None,
        };
        let filter_zero = *q.zero_point.first()? as i32;
        Some(Weights { filter, bias, input_zero: input.zero_point, filter_zero, scales, output })
    }

    fn requantize(&self) -> Requantize<'_> {
        Requantize {
            input_zero: self.input_zero,
            filter_zero: self.filter_zero,
            scales: &self.scales,
            output: self.output,
        }
    }

    fn gemm(&self, [m, k, n]: [usize; 3]) -> IntegerGemm {
        IntegerGemm::new(IntegerGemmSpec {
            m,
            k,
            n,
            weights: &self.filter,
            bias: self.bias,
            requantize: self.requantize(),
        })
    }
}
