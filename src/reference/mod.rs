//! Every operator as naive loops: the executable specification, the oracle of the kernels' tests,
//! and a backend one can select. Slices in, slices out; allocates nothing.

#![forbid(unsafe_code)]

mod conv;
mod elementwise;
mod pool;
mod reduce;
mod resize;

use crate::ops::{Op, Unary};
use crate::tensor::{Shape, View, ViewMut, f16_to_f32};

/// An operand: its shape and elements.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Extents.
    pub shape: &'a Shape,
    /// Row-major elements.
    pub data: View<'a>,
}

/// A result to fill.
#[derive(Debug)]
pub struct Output<'a> {
    /// Extents.
    pub shape: &'a Shape,
    /// Row-major elements, all of which are written.
    pub data: ViewMut<'a>,
}

impl<'a> Input<'a> {
    /// Float elements: [`Op::infer`] admits no others where this is called.
    fn f32(&self) -> &'a [f32] {
        self.data.f32().expect("infer() checked the operand's type")
    }

    fn nhwc(&self) -> [usize; 4] {
        self.shape.nhwc().expect("infer() checked the operand's rank")
    }
}

impl Output<'_> {
    fn f32(&mut self) -> &mut [f32] {
        match &mut self.data {
            ViewMut::F32(v) => v,
            _ => unreachable!("infer() made the result float32"),
        }
    }

    fn nhwc(&self) -> [usize; 4] {
        self.shape.nhwc().expect("infer() made the result's shape")
    }
}

/// Runs one operator. Operands and results are as [`Op::infer`] took and gave them.
pub fn run(op: &Op, inputs: &[Option<Input>], outputs: &mut [Output]) {
    let input = |i: usize| inputs[i].expect("infer() checked that the operand is there");
    let optional = |i: usize| inputs.get(i).copied().flatten();
    let output = &mut outputs[0];
    match op {
        Op::Conv2d(op) => conv::conv2d(op, input(0), input(1), optional(2), output),
        Op::DepthwiseConv2d(op) => {
            conv::depthwise_conv2d(op, input(0), input(1), optional(2), output)
        }
        Op::Convolution2dTransposeBias(op) => {
            conv::transpose_conv(op, input(0), input(1), optional(2), output)
        }
        Op::ResizeBilinear(op) => resize::bilinear(op, input(0), output),
        Op::Pool2d(op) => pool::pool2d(op, input(0), output),
        Op::Reduce(op) => reduce::reduce(op, input(0), input(1), output),
        Op::Binary(op) => elementwise::binary(op, input(0), input(1), output),
        Op::Unary(op) => elementwise::unary(*op, input(0), output),
        Op::Dequantize => match input(0).data {
            View::F16(bits) => {
                for (y, &x) in output.f32().iter_mut().zip(bits) {
                    *y = f16_to_f32(x);
                }
            }
            _ => unreachable!("infer() admits half floats only"),
        },
    }
}

/// The activation after an operator.
fn activate(activation: Option<Unary>, x: f32) -> f32 {
    activation.map_or(x, |unary| unary.apply(x))
}

/// The position of pixel `i * stride + tap * dilation - pad`, if it lies inside `extent`.
fn tap(
    i: usize,
    stride: usize,
    tap: usize,
    dilation: usize,
    pad: usize,
    extent: usize,
) -> Option<usize> {
    (i * stride + tap * dilation).checked_sub(pad).filter(|&p| p < extent)
}
