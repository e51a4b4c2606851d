//! Which operators compute on quantized tensors as they are stored. The others run as float operators
//! with rounding.

use super::{Op, Operands, ReduceKind, Unary};
use crate::tensor::{DType, Grid, TensorDef};

/// Whether a node whose shapes were inferred has an integer form.
///
/// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: one scale for input and result, both int8 or uint8, constant weights of
/// the same type, and an activation that is a limit. Functions of one value: those that TFLite has a
/// table of. Products of quantized values, which TFLite rounds after each factor.
pub fn is_integer(op: &Op, operands: &Operands, result: &TensorDef) -> bool {
    let is_quantized = result.quantization.is_some();
    match op {
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) => {
            has_integer_weights(operands, result) && limited(op.activation(), result).is_some()
        }
        Op::Unary(function) => {
            is_quantized && result.dtype == DType::I16 && function.is_tabulated()
        }
        Op::Reduce(op) => {
            is_quantized && result.dtype.stored_range().is_some() && op.kind == ReduceKind::Prod
        }
        _ => false,
    }
}

/// Operands: input, filter, bias.
fn has_integer_weights(operands: &Operands, result: &TensorDef) -> bool {
    let operand = |i: usize| operands.get(i).copied().flatten();
    let (Some(x), Some(filter)) = (operand(0), operand(1)) else { return false };
    let (Some(in_grid), Some(out_grid), Some(q)) = (grid(x), grid(result), &filter.quantization)
    else {
        return false;
    };
    filter.is_const()
        && [x.dtype, result.dtype] == [filter.dtype; 2]
        && q.zero_point.windows(2).all(|z| z[0] == z[1])
        && q.scale.iter().all(|s| (in_grid.scale * s / out_grid.scale).is_finite())
        && operand(2).is_none_or(|bias| counts_products(bias, in_grid.scale, &q.scale))
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
