//! Every operator as naive loops over real numbers: the executable specification, the oracle of
//! the kernels' tests, and a backend one can select.
//!
//! One loop serves every type: [`Input::get`] gives the real number that a stored element stands
//! for, [`Output::set`] stores the nearest one. Sums are in float64. Allocates nothing, and cannot
//! fail: [`Op::infer`] refuses what does not run here.

#![forbid(unsafe_code)]

mod binary;
mod cast;
mod compare;
mod conv;
mod layout;
mod matmul;
mod operand;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod shapes;
mod softmax;
mod unary;

pub use operand::{Input, Output};

use crate::ops::{Op, Operands, Unary};
use crate::tensor::{Data, TensorDef};

/// Runs one operator. Operands and results are as [`Op::infer`] took and gave them.
pub fn run(op: &Op, inputs: &[Option<Input>], outputs: &mut [Output]) {
    let input = |i: usize| inputs[i].expect("infer() checked that the operand is there");
    let optional = |i: usize| inputs.get(i).copied().flatten();
    outputs.iter_mut().for_each(|output| output.rounding(op.halves()));
    if let Op::Layout(op) = op {
        return layout::run(op, inputs, outputs);
    }
    let output = &mut outputs[0];
    match op {
        Op::Conv2d(op) => conv::conv2d(op, input(0), input(1), optional(2), output),
        Op::DepthwiseConv2d(op) => {
            conv::depthwise_conv2d(op, input(0), input(1), optional(2), output)
        }
        Op::Convolution2dTransposeBias(op) => {
            conv::transpose_conv(op, input(0), input(1), optional(2), output)
        }
        Op::TransposeConv(op) => conv::transpose_conv(op, input(2), input(1), optional(3), output),
        Op::FullyConnected(op) => {
            matmul::fully_connected(op, input(0), input(1), optional(2), output)
        }
        Op::BatchMatMul(op) => matmul::batch_matmul(op, input(0), input(1), output),
        Op::ResizeNearest(op) => resize::nearest(op, input(0), output),
        Op::MaxPoolWithArgmax(op) => {
            let [pooled, taps] = outputs else { unreachable!("infer() makes two results") };
            pool::max_pool_with_argmax(op, input(0), pooled, taps);
        }
        Op::MaxUnpool(op) => pool::max_unpool(op, input(0), input(1), output),
        Op::ResizeBilinear(op) => resize::bilinear(op, input(0), output),
        Op::Pool2d(op) => pool::pool2d(op, input(0), output),
        Op::Reduce(op) => reduce::reduce(op, input(0), input(1), output),
        Op::Layout(_) => unreachable!("ran above"),
        Op::Binary(op) => binary::binary(op, input(0), input(1), output),
        Op::Unary(op) => unary::unary(*op, input(0), output),
        Op::Softmax(op) => softmax::softmax(op, input(0), output),
        Op::ArgReduce(op) => reduce::arg_reduce(op, input(0), input(1), output),
        Op::Compare(op) => compare::compare(*op, input(0), input(1), output),
        Op::Logical(op) => compare::logical(*op, input(0), optional(1), output),
        Op::Select(op) => compare::select(op, input(0), input(1), input(2), output),
        Op::Cast(_) => cast::cast(input(0), output),
        Op::Dequantize | Op::Quantize(_) => quantize::convert(input(0), output),
        Op::Shape(_) => shapes::shape(input(0), output),
        Op::Rank => shapes::rank(input(0), output),
        Op::BroadcastArgs => shapes::broadcast_args(input(0), input(1), output),
        Op::Range => shapes::range(input(0), input(2), output),
        Op::FakeQuant(grid) => quantize::fake_quant(grid, input(0), output),
    }
}

/// What one operator makes of constants, each in the type of its tensor. Operands without elements
/// (of SHAPE, which looks at the extents only) have none. Allocates the results.
pub fn evaluate(op: &Op, operands: &Operands, results: &[&TensorDef]) -> Vec<Data> {
    let nothing = Data::U8(Vec::new());
    let inputs: Vec<Option<Input>> = operands
        .iter()
        .map(|tensor| {
            let tensor = (*tensor)?;
            let data = tensor.data.as_deref().unwrap_or(&nothing);
            Some(Input::new(&tensor.shape, tensor.quantization.as_ref(), data.view()))
        })
        .collect();
    let zeros = |t: &&TensorDef| Data::zeros(t.dtype, t.shape.elements());
    let mut made: Vec<Data> = results.iter().map(zeros).collect();
    let mut outputs: Vec<Output> = results
        .iter()
        .zip(&mut made)
        .map(|(t, data)| Output::new(&t.shape, t.quantization.as_ref(), data.view_mut()))
        .collect();
    run(op, &inputs, &mut outputs);
    made
}

/// The activation after an operator.
fn activate(activation: Option<Unary>, x: f64) -> f64 {
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

/// `[image, row, column, channel]` of element `i` of an image tensor `[n, h, w, c]`.
fn place([_, h, w, c]: [usize; 4], i: usize) -> [usize; 4] {
    [i / (c * w * h), i / (c * w) % h, i / c % w, i % c]
}

/// The element of an image tensor `[n, h, w, c]` at `[image, row, column, channel]`.
fn element([_, h, w, c]: [usize; 4], [image, y, x, channel]: [usize; 4]) -> usize {
    ((image * h + y) * w + x) * c + channel
}
