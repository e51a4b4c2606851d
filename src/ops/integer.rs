//! Which operators compute on 8-bit quantized tensors as they are stored. The others run as float
//! operators with rounding.

use super::{Op, Operands, Unary};
use crate::tensor::{DType, Grid, TensorDef};

/// Whether a node whose shapes were inferred has an integer form: one scale for its input and its
/// result, both int8 or uint8, constant weights of the same type, and an activation that is a limit.
pub fn is_integer(op: &Op, operands: &Operands, result: &TensorDef) -> bool {
    match op {
        Op::Conv2d(_) | Op::FullyConnected(_) => has_integer_weights(operands, 1, 2, 0, result),
        _ => false,
    }
    .then(|| limited(op.activation(), result))
    .flatten()
    .is_some()
}

fn has_integer_weights(
    operands: &Operands,
    filter: usize,
    bias: usize,
    input: usize,
    result: &TensorDef,
) -> bool {
    let operand = |i: usize| operands.get(i).copied().flatten();
    let (Some(x), Some(filter)) = (operand(input), operand(filter)) else { return false };
    let bias_fits = operand(bias).is_none_or(|b| b.is_const() && b.dtype == DType::I32);
    let zeros = filter.quantization.as_ref().map(|q| &q.zero_point[..]);
    grid(x).is_some()
        && grid(result).is_some()
        && filter.is_const()
        && [x.dtype, result.dtype] == [filter.dtype; 2]
        && zeros.is_some_and(|z| z.windows(2).all(|z| z[0] == z[1]))
        && bias_fits
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
