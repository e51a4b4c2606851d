//! What operators mean: attributes, shape inference, multiply-add counts. No loops over elements:
//! those are in [`crate::reference`] (naive) and [`crate::kernels`] (fast).
//!
//! [`Op`] is closed, so the compiler lists what a new operator needs: attributes and `infer` in
//! the file of its family here, its line in `tflite/operators` and the way back in `tflite/write`, its
//! loops in `reference`, and, where it matters, a kernel in `plan/lower`.

pub mod binary;
pub mod cast;
pub mod compare;
pub mod conv;
mod int16_lines;
mod int16_sigmoid;
mod int16_table;
mod integer;
mod integer_table;
pub mod layout;
pub mod matmul;
pub mod pool;
pub mod quantize;
pub mod real;
pub mod reduce;
pub mod resize;
pub mod shapes;
pub mod softmax;
pub(crate) mod types;
pub mod unary;
pub mod window;

pub use binary::{Binary, BinaryKind};
pub use compare::{Comparison, Logical, Select};
pub use conv::{Conv2d, DepthwiseConv2d, TransposeConv, rounded_product, rounding_factors};
pub use int16_table::Int16Table;
pub use integer::{MAX_DEPTHWISE_ROWS, is_integer, limited, scales_fit};
pub use integer_table::{ByteTable, function_table, requantization_table};
pub use layout::Layout;
pub use matmul::{BatchMatMul, FullyConnected};
pub use pool::{Pool2d, PoolKind};
pub use reduce::{ArgReduce, Reduce, ReduceKind};
pub use resize::{ResizeBilinear, ResizeNearest};
pub use softmax::Softmax;
pub(crate) use types::{real_type, weighted_type};
pub use unary::Unary;
pub use window::{Padding, Window};

use crate::error::{Error, Result};
use crate::tensor::{DType, Grid, Halves, Shape, TensorDef};

/// An operator with its attributes. Families share a variant; [`Op::name`] gives TFLite's name.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// CONV_2D; inputs: image, filter `[co, kh, kw, ci / groups]`, bias `[co]` or none.
    Conv2d(Conv2d),
    /// DEPTHWISE_CONV_2D; inputs: image, filter `[1, kh, kw, ci * multiplier]`, bias or none.
    DepthwiseConv2d(DepthwiseConv2d),
    /// MediaPipe's custom Convolution2DTransposeBias; inputs: image, filter `[co, kh, kw, ci]`,
    /// bias `[co]`.
    Convolution2dTransposeBias(TransposeConv),
    /// TRANSPOSE_CONV; inputs: int32 `[n, h, w, co]`, filter `[co, kh, kw, ci]`, image, bias `[co]`
    /// or none.
    TransposeConv(TransposeConv),
    /// FULLY_CONNECTED; inputs: tensor, weights `[units, depth]`, bias `[units]` or none.
    FullyConnected(FullyConnected),
    /// BATCH_MATMUL; inputs: two tensors of matrices.
    BatchMatMul(BatchMatMul),
    /// RESIZE_BILINEAR; inputs: image, int32 `[height, width]`.
    ResizeBilinear(ResizeBilinear),
    /// RESIZE_NEAREST_NEIGHBOR; inputs: image, int32 `[height, width]`.
    ResizeNearest(ResizeNearest),
    /// MediaPipe's custom MaxPoolingWithArgmax2D; input: image. Makes the pool, and for each window
    /// the tap that was taken, `ky * kw + kx + 0.1`, as float32.
    MaxPoolWithArgmax(Pool2d),
    /// MediaPipe's custom MaxUnpooling2D; inputs: image and taps, as the above makes them.
    MaxUnpool(Pool2d),
    /// AVERAGE_POOL_2D and its kin; input: image.
    Pool2d(Pool2d),
    /// MEAN and its kin; inputs: tensor, int32 axes.
    Reduce(Reduce),
    /// ADD, MUL and their kin, with broadcasting; inputs: two tensors.
    Binary(Binary),
    /// RELU, LOGISTIC and their kin; input: one tensor.
    Unary(Unary),
    /// CONCATENATION, PAD, TRANSPOSE and all others that only move elements.
    Layout(Layout),
    /// SOFTMAX and LOG_SOFTMAX; input: one tensor.
    Softmax(Softmax),
    /// ARG_MAX and ARG_MIN; inputs: tensor, axis.
    ArgReduce(ArgReduce),
    /// EQUAL, LESS and their kin, with broadcasting; inputs: two tensors.
    Compare(Comparison),
    /// LOGICAL_AND and its kin; inputs: one boolean tensor or two.
    Logical(Logical),
    /// SELECT and SELECT_V2; inputs: a boolean tensor, and two to choose from.
    Select(Select),
    /// CAST to a type; input: one tensor.
    Cast(DType),
    /// DEQUANTIZE; input: half floats or quantized integers.
    Dequantize,
    /// QUANTIZE to a type; input: float32, or quantized otherwise. The result's tensor says how.
    Quantize(DType),
    /// SHAPE, as integers of a type; input: one tensor.
    Shape(DType),
    /// RANK; input: one tensor.
    Rank,
    /// BROADCAST_ARGS; inputs: two lists of extents.
    BroadcastArgs,
    /// RANGE; inputs: start, limit, step.
    Range,
    /// FAKE_QUANT: the nearest of the grid's values; input: float32.
    FakeQuant(Grid),
}

/// The operands of a node as inference sees them: `None` where an optional one is left out.
pub type Operands<'a> = [Option<&'a TensorDef>];

impl Op {
    /// TFLite's name of the operator, or the custom operator's own.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Conv2d(_) => "CONV_2D",
            Op::DepthwiseConv2d(_) => "DEPTHWISE_CONV_2D",
            Op::Convolution2dTransposeBias(_) => "Convolution2DTransposeBias",
            Op::TransposeConv(_) => "TRANSPOSE_CONV",
            Op::FullyConnected(_) => "FULLY_CONNECTED",
            Op::BatchMatMul(_) => "BATCH_MATMUL",
            Op::ResizeBilinear(_) => "RESIZE_BILINEAR",
            Op::ResizeNearest(_) => "RESIZE_NEAREST_NEIGHBOR",
            Op::MaxPoolWithArgmax(_) => "MaxPoolingWithArgmax2D",
            Op::MaxUnpool(_) => "MaxUnpooling2D",
            Op::Pool2d(p) => p.kind.name(),
            Op::Reduce(r) => r.kind.name(),
            Op::Binary(b) => b.kind.name(),
            Op::Unary(u) => u.name(),
            Op::Layout(l) => l.name(),
            Op::Softmax(op) => op.name(),
            Op::ArgReduce(op) => op.name(),
            Op::Compare(op) => op.name(),
            Op::Logical(op) => op.name(),
            Op::Select(op) => op.name(),
            Op::Cast(_) => "CAST",
            Op::Dequantize => "DEQUANTIZE",
            Op::Quantize(_) => "QUANTIZE",
            Op::Shape(_) => "SHAPE",
            Op::Rank => "RANK",
            Op::BroadcastArgs => "BROADCAST_ARGS",
            Op::Range => "RANGE",
            Op::FakeQuant(_) => "FAKE_QUANT",
        }
    }

    /// Shapes and types of the outputs. Refuses everything that no backend can run, so that
    /// running cannot fail.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        match self {
            Op::Conv2d(op) => op.infer(operands),
            Op::DepthwiseConv2d(op) => op.infer(operands),
            Op::Convolution2dTransposeBias(op) => op.infer(operands),
            Op::TransposeConv(op) => op.infer_sized(operands),
            Op::FullyConnected(op) => op.infer(operands),
            Op::BatchMatMul(op) => op.infer(operands),
            Op::ResizeBilinear(op) => op.infer(operands),
            Op::ResizeNearest(op) => op.infer(operands),
            Op::MaxPoolWithArgmax(op) => op.infer_with_argmax(operands),
            Op::MaxUnpool(op) => op.infer_unpooled(operands),
            Op::Pool2d(op) => op.infer(operands),
            Op::Reduce(op) => op.infer(operands),
            Op::Binary(op) => op.infer(operands),
            Op::Unary(op) => op.infer(operands),
            Op::Layout(op) => op.infer(operands),
            Op::Softmax(op) => op.infer(operands),
            Op::ArgReduce(op) => op.infer(operands),
            Op::Compare(op) => op.infer(operands),
            Op::Logical(op) => op.infer(operands),
            Op::Select(op) => op.infer(operands),
            Op::Cast(to) => cast::infer_cast(*to, operands),
            Op::Dequantize => quantize::infer_dequantize(operands),
            Op::Quantize(to) => quantize::infer_quantize(*to, operands),
            Op::Shape(dtype) => shapes::infer_shape(*dtype, operands),
            Op::Rank => shapes::infer_rank(operands),
            Op::BroadcastArgs => shapes::infer_broadcast_args(operands),
            Op::Range => shapes::infer_range(operands),
            Op::FakeQuant(_) => quantize::infer_fake_quant(operands),
        }
    }

    /// Whether the work of one run is about that of reading the operands and writing the results.
    pub fn is_cheap(&self) -> bool {
        !matches!(
            self,
            Op::Conv2d(_)
                | Op::DepthwiseConv2d(_)
                | Op::Convolution2dTransposeBias(_)
                | Op::TransposeConv(_)
                | Op::FullyConnected(_)
                | Op::BatchMatMul(_)
                | Op::Pool2d(_)
                | Op::MaxPoolWithArgmax(_)
        )
    }

    /// Multiply-adds of one run, 0 for operators that only move or map values.
    pub fn macs(&self, operands: &Operands, output: &Shape) -> u64 {
        let out = output.elements() as u64;
        let extents = |i: usize| {
            operands.get(i).copied().flatten().map_or(&[][..], |t: &TensorDef| t.shape.dims())
        };
        match self {
            // Filter [co, kh, kw, ci/groups]: each output sums over all but the first extent.
            Op::Conv2d(_) => out * extents(1).iter().skip(1).product::<usize>() as u64,
            // Filter [1, kh, kw, c].
            Op::DepthwiseConv2d(_) => out * extents(1).iter().take(3).product::<usize>() as u64,
            // Each input pixel meets the whole filter [co, kh, kw, ci] once.
            Op::Convolution2dTransposeBias(_) => {
                let pixels: usize = extents(0).iter().take(3).product();
                pixels as u64 * extents(1).iter().product::<usize>() as u64
            }
            // The same, input [n, h, w, ci] behind the filter.
            Op::TransposeConv(_) => {
                let pixels: usize = extents(2).iter().take(3).product();
                pixels as u64 * extents(1).iter().product::<usize>() as u64
            }
            // Weights [units, depth].
            Op::FullyConnected(_) => out * extents(1).last().copied().unwrap_or(0) as u64,
            Op::BatchMatMul(op) => {
                let depth = extents(0).iter().rev().nth(usize::from(op.transposed[0]));
                out * depth.copied().unwrap_or(0) as u64
            }
            _ => 0,
        }
    }

    /// The operand that is a bias: a quantized one is int32 or int64.
    pub fn bias_operand(&self) -> Option<usize> {
        match self {
            Op::Conv2d(_)
            | Op::DepthwiseConv2d(_)
            | Op::Convolution2dTransposeBias(_)
            | Op::FullyConnected(_) => Some(2),
            Op::TransposeConv(_) => Some(3),
            _ => None,
        }
    }

    /// Whether the results' elements are elements of the operands: what is on a grid stays on it.
    pub fn moves_values(&self) -> bool {
        match self {
            Op::Layout(_) | Op::ResizeNearest(_) | Op::Select(_) => true,
            Op::Pool2d(pool) => pool.kind == PoolKind::Max && pool.activation.is_none(),
            Op::Reduce(op) => matches!(op.kind, ReduceKind::Max | ReduceKind::Min),
            Op::Binary(op) => {
                let moves = matches!(op.kind, BinaryKind::Maximum | BinaryKind::Minimum);
                moves && op.activation.is_none()
            }
            _ => false,
        }
    }

    /// Where TFLite's kernels put quantized results that lie between two stored values.
    pub fn halves(&self) -> Halves {
        match self {
            Op::Pool2d(pool) if pool.kind == PoolKind::Average => Halves::FromStoredZero,
            Op::ResizeBilinear(_) => Halves::Up,
            Op::TransposeConv(op) if op.rounds_twice => Halves::default(),
            // The sum, an integer, times a float32.
            Op::Conv2d(_)
            | Op::DepthwiseConv2d(_)
            | Op::TransposeConv(_)
            | Op::FullyConnected(_)
            | Op::BatchMatMul(_) => Halves::Even,
            _ => Halves::default(),
        }
    }

    /// Whether the results depend on the operands' extents only, not on their elements.
    pub fn reads_only_shapes(&self) -> bool {
        matches!(self, Op::Shape(_) | Op::Rank | Op::Layout(Layout::ZerosLike))
    }

    /// Whether the operator works on stored integers, also where they stand for real numbers.
    pub fn on_stored_values(&self) -> bool {
        match self {
            Op::Cast(_) | Op::Compare(_) => true,
            Op::TransposeConv(op) => op.rounds_twice,
            _ => false,
        }
    }

    /// The activation that is applied to the result before it is stored.
    pub fn activation(&self) -> Option<Unary> {
        match self {
            Op::Conv2d(op) => op.activation,
            Op::DepthwiseConv2d(op) => op.activation,
            Op::Convolution2dTransposeBias(op) | Op::TransposeConv(op) => op.activation,
            Op::FullyConnected(op) => op.activation,
            Op::Binary(op) => op.activation,
            Op::Pool2d(op) => op.activation,
            _ => None,
        }
    }

    /// Where that activation is kept, for operators that have room for one.
    pub fn activation_mut(&mut self) -> Option<&mut Option<Unary>> {
        match self {
            Op::Conv2d(op) => Some(&mut op.activation),
            Op::DepthwiseConv2d(op) => Some(&mut op.activation),
            Op::Convolution2dTransposeBias(op) | Op::TransposeConv(op) => Some(&mut op.activation),
            Op::FullyConnected(op) => Some(&mut op.activation),
            Op::Binary(op) => Some(&mut op.activation),
            Op::Pool2d(op) => Some(&mut op.activation),
            _ => None,
        }
    }
}

/// Exactly `N` operands, all present.
pub(crate) fn expect<'a, const N: usize>(operands: &Operands<'a>) -> Result<[&'a TensorDef; N]> {
    let present: Vec<&TensorDef> = operands.iter().copied().flatten().collect();
    if operands.len() != N || present.len() != N {
        let got = present.len();
        return Err(Error::malformed(format!("needs {N} inputs, got {got}")));
    }
    Ok(<[&TensorDef; N]>::try_from(present).expect("length was compared above"))
}

/// Two operands and an optional third: image, filter, bias.
pub(crate) fn expect_filter<'a>(
    operands: &Operands<'a>,
) -> Result<(&'a TensorDef, &'a TensorDef, Option<&'a TensorDef>)> {
    match *operands {
        [Some(x), Some(filter)] => Ok((x, filter, None)),
        [Some(x), Some(filter), bias] => Ok((x, filter, bias)),
        _ => Err(Error::malformed("needs an input, a filter and at most a bias")),
    }
}
