//! Which operators compute on quantized tensors as they are stored. The others run as float operators
//! with rounding.

use super::{Binary, BinaryKind, Int16Table, Op, Operands, ReduceKind, Unary};
use crate::tensor::{DType, Grid, TensorDef};

/// Whether a node whose shapes were inferred has an integer form, from int8 or uint8 to the same type,
/// each with one scale.
///
/// Convolutions and FULLY_CONNECTED need constant weights of the same type; whatever has an activation,
/// one that is a limit. What joins or moves values needs one scale for all of them. Beside these:
/// functions of int16 that TFLite has a table of, and products of quantized values, which it rounds
/// after each factor.
pub fn is_integer(op: &Op, operands: &Operands, result: &TensorDef) -> bool {
    let operand = |i: usize| operands.get(i).copied().flatten();
    // Some read an axis or a size first.
    let first = match op {
        Op::Layout(_) => operands.iter().flatten().find(|t| t.quantization.is_some()).copied(),
        Op::TransposeConv(_) => operand(2),
        _ => operand(0),
    };
    let (Some(x), y) = (first, result) else { return false };
    let same_type = x.dtype == y.dtype && grid(x).is_some() && grid(y).is_some();
    let same_scale = same_type && x.quantization == y.quantization;
    let is_limit = || limited(op.activation(), result).is_some();
    match op {
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) => {
            let rows = operand(1).and_then(|filter| filter.shape.dims().get(1));
            let many = rows.is_some_and(|&rows| rows > MAX_DEPTHWISE_ROWS);
            if matches!(op, Op::DepthwiseConv2d(_)) && many {
                return false;
            }
            has_integer_weights(x, operand(1), operand(2), y) && is_limit()
        }
        Op::TransposeConv(_) => has_integer_weights(x, operand(1), operand(3), y) && is_limit(),
        Op::Unary(function) => same_type || Int16Table::between(*function, x, y).is_some(),
        Op::Quantize(_) => grid(x).is_some() && grid(y).is_some(),
        Op::Binary(Binary { kind, .. }) => {
            match [operand(1).and_then(grid), grid(x), limited(op.activation(), y)] {
                [Some(b), Some(a), Some(y)] => {
                    let one_type = same_type && operand(1).is_some_and(|b| b.dtype == x.dtype);
                    one_type && scales_fit(*kind, [a, b], y)
                }
                _ => false,
            }
        }
        Op::ResizeBilinear(op) => {
            let sides = |t: &TensorDef| t.shape.nhwc().map(|[_, h, w, _]| [h, w]).ok();
            same_scale && sides(x).zip(sides(y)).is_some_and(|(x, y)| op.is_exact(x, y))
        }
        Op::ResizeNearest(_) => same_scale,
        Op::Pool2d(pool) => {
            let few = |area: usize| area <= MAX_SUMMED;
            same_scale && is_limit() && pool.kernel[0].checked_mul(pool.kernel[1]).is_some_and(few)
        }
        Op::Reduce(op) => match op.kind {
            ReduceKind::Prod => y.quantization.is_some() && y.dtype.stored_range().is_some(),
            ReduceKind::Mean | ReduceKind::Sum => {
                let factor = grid(x).zip(grid(y)).map(|(x, y)| x.scale / y.scale);
                same_type && factor.is_some_and(f32::is_finite) && x.shape.elements() <= MAX_SUMMED
            }
            _ => false,
        },
        Op::Layout(_) => {
            let mut quantized = operands.iter().flatten().filter(|t| t.quantization.is_some());
            same_type && quantized.all(|t| t.quantization == y.quantization)
        }
        Op::ArgReduce(_) => grid(x).is_some(),
        _ => false,
    }
}

/// Depthwise windows of more rows compute in floats.
pub const MAX_DEPTHWISE_ROWS: usize = 16;

/// Sums of more bytes do not fit 32 bits.
const MAX_SUMMED: usize = 1 << 22;

/// Whether ADD, SUB or MUL is within the limits of XNNPACK's arithmetic.
#[inline(never)]
pub fn scales_fit(kind: BinaryKind, [a, b]: [Grid; 2], result: Grid) -> bool {
    const LARGEST: f32 = 256.0;
    let sum = |x: Grid| (1.0 / 1024.0..LARGEST).contains(&(x.scale / result.scale));
    match kind {
        BinaryKind::Add | BinaryKind::Sub => sum(a) && sum(b),
        BinaryKind::Mul => (1.0 / 65536.0..LARGEST).contains(&(a.scale * b.scale / result.scale)),
        _ => false,
    }
}

fn has_integer_weights(
    x: &TensorDef,
    filter: Option<&TensorDef>,
    bias: Option<&TensorDef>,
    result: &TensorDef,
) -> bool {
    let Some(filter) = filter else { return false };
    let (Some(in_grid), Some(out_grid), Some(q)) = (grid(x), grid(result), &filter.quantization)
    else {
        return false;
    };
    filter.is_const()
        && [x.dtype, result.dtype] == [filter.dtype; 2]
        && q.zero_point.windows(2).all(|z| z[0] == z[1])
        && q.scale.iter().all(|s| (in_grid.scale * s / out_grid.scale).is_finite())
        && bias.is_none_or(|bias| counts_products(bias, in_grid.scale, &q.scale))
}

/// Whether a bias has the scale of the products that it is added to.
fn counts_products(bias: &TensorDef, input: f32, filter: &[f32]) -> bool {
    let Some(q) = &bias.quantization else { return false };
    let scale = |scales: &[f32], i: usize| scales[if scales.len() == 1 { 0 } else { i }];
    let same = |i: usize| {
        let (bias, product) = (scale(&q.scale, i), input * scale(filter, i));
        (bias - product).abs() <= 1e-5 * product
    };
    let channels = q.scale.len().max(filter.len());
    let fits = |scales: &[f32]| scales.len() == 1 || scales.len() == channels;
    bias.is_const()
        && bias.dtype == DType::I32
        && q.zero_point.iter().all(|&z| z == 0)
        && fits(&q.scale)
        && fits(filter)
        && (0..channels).all(same)
}

/// What an int8 or uint8 tensor with one scale can hold.
fn grid(x: &TensorDef) -> Option<Grid> {
    let is_byte = matches!(x.dtype, DType::I8 | DType::U8);
    Grid::of(x.dtype, x.quantization.as_ref()).filter(|_| is_byte)
}

/// What a result can hold after an activation; `None` where that is no limit.
pub fn limited(activation: Option<Unary>, result: &TensorDef) -> Option<Grid> {
    let mut grid = grid(result)?;
    let step = |real: f32| (real / grid.scale).round() as i32 + grid.zero_point;
    let (low, high) = match activation {
        None => (grid.low, grid.high),
        Some(Unary::Relu) => (step(0.0), grid.high),
        Some(Unary::Relu6) => (step(0.0), step(6.0)),
        Some(Unary::ReluN1To1) => (step(-1.0), step(1.0)),
        Some(_) => return None,
    };
    (grid.low, grid.high) = (low.max(grid.low), high.min(grid.high));
    Some(grid)
}
