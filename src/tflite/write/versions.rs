//! Which version of an operator a use of it needs: an interpreter that is older than that refuses the file. The
//! rules are those of TFLite's `GetBuiltinOperatorVersion`, for the types that a [`Graph`](crate::graph::Graph)
//! can have.

use crate::ops::layout::{Cut, Gather, StridedSlice};
use crate::ops::{BinaryKind, Layout, Op, Operands};
use crate::tensor::{DType, TensorDef};
use DType::{Bool, F16, F32, I8, I16, I32, I64, U8};

/// The version of the schema's operator that this use of `op` needs, at least 1.
pub fn version(op: &Op, operands: &Operands, results: &[&TensorDef]) -> i32 {
    let tensor = |i: usize| operands.get(i).copied().flatten();
    let dtype = |i: usize| tensor(i).map(|t| t.dtype);
    let scales = |t: Option<&TensorDef>| {
        t.and_then(|t| t.quantization.as_ref()).map_or(0, |q| q.scale.len())
    };
    let rank = tensor(0).map_or(0, |t| t.shape.rank());
    // The version of the first type that is the one of operand 0.
    let of = |versions: &[(DType, i32)]| listed(dtype(0), versions);
    let made = results.first().map(|t| t.dtype);
    let hybrid = dtype(0) == Some(F32) && dtype(1) == Some(I8);
    let per_channel = scales(tensor(1)) > 1;
    let broadcasts = tensor(0).map(|t| &t.shape) != tensor(1).map(|t| &t.shape);
    let wide = broadcasts && operands.iter().flatten().any(|t| t.shape.rank() > 4);
    match op.name() {
        "CONV_2D" => match (dtype(0), dtype(1)) {
            _ if depth(tensor(0)) != depth(tensor(1)) => 6,
            (Some(I8), Some(I8)) => 3,
            _ if hybrid => {
                if per_channel {
                    5
                } else {
                    2
                }
            }
            _ => 1,
        },
        "DEPTHWISE_CONV_2D" => match op {
            _ if hybrid => {
                if per_channel {
                    6
                } else {
                    4
                }
            }
            _ if dtype(0) == Some(I8) => 3,
            Op::DepthwiseConv2d(op) if op.window.dilation != [1, 1] => 2,
            _ => 1,
        },
        "FULLY_CONNECTED" => match op {
            _ if hybrid && per_channel => 12,
            _ if operands.len() == 2 => 6,
            Op::FullyConnected(op) if op.keep_num_dims => 5,
            _ if dtype(0) == Some(I8) => 4,
            _ if hybrid => 3,
            _ => 1,
        },
        "TRANSPOSE_CONV" => match () {
            _ if op.activation().is_some() => 4,
            _ if tensor(3).is_some() => 3,
            _ if dtype(1) == Some(I8) => 2,
            _ => 1,
        },
        "BATCH_MATMUL" | "CONCATENATION" | "LESS" | "GREATER_EQUAL" | "LOGISTIC" | "TANH"
        | "SOFTMAX" | "MEAN" | "MIRROR_PAD" | "REDUCE_MAX" | "REDUCE_MIN" | "RELU6" | "RSQRT"
        | "MAX_POOL_2D" | "AVERAGE_POOL_2D" => of(&[(I16, 3), (I8, 2)]),
        "SPACE_TO_DEPTH" | "DEPTH_TO_SPACE" | "SPLIT_V" | "SUM" | "LOG_SOFTMAX" | "GREATER"
        | "LESS_EQUAL" | "SQUARED_DIFFERENCE" => of(&[(I8, 2)]),
        "EXP" | "LOG" | "REDUCE_PROD" | "SQRT" | "FLOOR_MOD" => of(&[(I8, 2), (I16, 2)]),
        "FLOOR_DIV" => of(&[(I16, 3), (I8, 3), (F32, 2)]),
        "ABS" => match scales(tensor(0)) {
            0 => of(&[(I32, 5), (I16, 4), (I8, 2), (U8, 2)]),
            _ => of(&[(I32, 5), (I16, 3), (I8, 2), (U8, 2)]),
        },
        "RELU" => of(&[(I16, 3), (I8, 2), (U8, 2)]),
        "GELU" => of(&[(I8, 2), (U8, 2)]),
        "LEAKY_RELU" => of(&[(I16, 2)]),
        "ADD" => match scales(tensor(0)) {
            0 => of(&[(I16, 5), (I64, 4), (I8, 2)]),
            _ => of(&[(I16, 3), (I64, 4), (I8, 2)]),
        },
        "SUB" => match dtype(0) {
            Some(I16 | I64) => of(&[(I16, 5), (I64, 4)]),
            _ if wide => 3,
            _ => of(&[(I8, 2)]),
        },
        "MUL" => match dtype(0) {
            Some(I16) => {
                if scales(tensor(0)) == 0 {
                    7
                } else {
                    4
                }
            }
            Some(I64) => 5,
            _ if enlarges(op, operands, results) => 3,
            _ => of(&[(I8, 2)]),
        },
        "DIV" if wide => 2,
        "MAXIMUM" | "MINIMUM" => match dtype(0) {
            Some(I16) => 4,
            _ if wide => 3,
            _ => of(&[(I8, 2)]),
        },
        "EQUAL" => of(&[(I16, 5), (I8, 2)]),
        "NOT_EQUAL" => of(&[(I16, 4), (I8, 2)]),
        "SELECT" if operands.iter().flatten().any(|t| t.shape.rank() == 5) => 3,
        "ARG_MAX" | "ARG_MIN" => of(&[(Bool, 3), (I8, 2)]),
        "RESIZE_BILINEAR" => match op {
            _ if dtype(0) == Some(I16) => 4,
            Op::ResizeBilinear(op) if op.half_pixel_centers => 3,
            _ => of(&[(I8, 2)]),
        },
        "RESIZE_NEAREST_NEIGHBOR" => match op {
            _ if dtype(0) == Some(I16) => 4,
            Op::ResizeNearest(op) if op.half_pixel_centers || op.align_corners => 3,
            _ => of(&[(I8, 2)]),
        },
        "GATHER" => match op {
            _ if dtype(1) == Some(I16) => 6,
            Op::Layout(Layout::Gather(Gather::Along { batch_dims, .. })) if *batch_dims != 0 => 5,
            _ => of(&[(I16, 4), (Bool, 3), (I8, 2)]),
        },
        "GATHER_ND" => match dtype(1) {
            Some(I16) if dtype(0) != Some(Bool) => 4,
            _ => of(&[(Bool, 5), (I16, 3)]),
        },
        "TRANSPOSE" => match rank {
            7.. => 8,
            6 => 6,
            5 => of(&[(I16, 5)]).max(4),
            _ => of(&[(I16, 5), (Bool, 3), (I8, 2)]),
        },
        "SPLIT" => listed(dtype(1), &[(I16, 4), (I32, 3), (I8, 2)]),
        "SLICE" => {
            if rank > 4 {
                5
            } else {
                of(&[(I16, 4), (I8, 2)])
            }
        }
        "UNPACK" => of(&[(I8, 2), (U8, 2), (Bool, 3), (I16, 4)]),
        "PACK" => of(&[(I8, 2), (I16, 3)]),
        "TILE" => of(&[(I8, 3)]),
        "REVERSE_V2" => of(&[(I8, 3), (Bool, 2)]),
        "STRIDED_SLICE" => match op {
            Op::Layout(Layout::Cut(Cut::StridedSlice(StridedSlice { offset: true, .. }))) => 8,
            Op::Layout(Layout::Cut(Cut::StridedSlice(op)))
                if op.ellipsis_mask | op.new_axis_mask != 0 =>
            {
                6
            }
            _ if rank > 4 => 4,
            _ => of(&[(Bool, 3), (I8, 2)]),
        },
        "SPACE_TO_BATCH_ND" | "BATCH_TO_SPACE_ND" => match rank {
            4 => of(&[(I16, 4), (I8, 2)]),
            _ => of(&[(I16, 4)]).max(3),
        },
        "PAD" | "PADV2" => match rank {
            5.. => of(&[(Bool, 5)]).max(4),
            _ => of(&[(Bool, 5), (I16, 3), (I8, 2)]),
        },
        "FILL" => listed(dtype(1), &[(I8, 3), (I16, 3), (Bool, 2)]),
        // Version 1 had another number.
        "BROADCAST_TO" => of(&[(I8, 3), (I16, 3)]).max(2),
        "RANGE" => of(&[(I64, 2)]),
        "CAST" if [dtype(0), made].contains(&Some(I8)) => 3,
        "DEQUANTIZE" => match dtype(0) {
            Some(I8) if scales(tensor(0)) > 1 => 5,
            _ => of(&[(I16, 3), (F16, 3), (I8, 2)]),
        },
        "QUANTIZE" if made == Some(I16) => 2,
        "FAKE_QUANT" => match op {
            Op::FakeQuant(grid) if grid.low > 0 => 2,
            _ => 1,
        },
        _ => 1,
    }
}

/// The version that a type is listed with; 1 for the others.
fn listed(dtype: Option<DType>, versions: &[(DType, i32)]) -> i32 {
    versions.iter().find(|(listed, _)| Some(*listed) == dtype).map_or(1, |(_, version)| *version)
}

/// Channels of an image, or of what a filter reads: the last extent.
fn depth(tensor: Option<&TensorDef>) -> Option<usize> {
    tensor.and_then(|t| t.shape.dims().last().copied())
}

/// Whether a product's steps are not larger than those of the result.
fn enlarges(op: &Op, operands: &Operands, results: &[&TensorDef]) -> bool {
    let scale = |t: &TensorDef| t.quantization.as_ref().and_then(|q| q.scale.first().copied());
    let mut operands = operands.iter().flatten();
    let (a, b) = (operands.next().and_then(|t| scale(t)), operands.next().and_then(|t| scale(t)));
    let (Op::Binary(op), Some(a), Some(b), Some(y)) =
        (op, a, b, results.first().and_then(|t| scale(t)))
    else {
        return false;
    };
    op.kind == BinaryKind::Mul && a * b / y >= 1.0
}
