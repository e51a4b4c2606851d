//! [`Op`] → options of the file. A family of operators has one function; the matches are exhaustive, so that a
//! new operator is missed here.

use super::{cannot_say, type_number, word};
use crate::error::Result;
use crate::ops::layout::{Blocks, Cut, Gather, Join, Pad, Repeat, Reshape, StridedSlice};
use crate::ops::{
    Binary, BinaryKind, Layout, Op, Operands, Padding, Pool2d, PoolKind, Softmax, TransposeConv,
    Unary, Window,
};
use crate::tensor::{DType, Grid, TensorDef};
use crate::tflite::builder::Table;
use crate::tflite::flatbuffer::Field;
use crate::tflite::schema::options;

/// The attributes of one operator as the file has them.
#[derive(Default)]
pub struct Written {
    /// The table of builtin options, and which one of the union it is.
    pub options: Option<(u8, Table)>,
    /// Custom options; empty for none.
    pub custom: Vec<u8>,
}

impl Written {
    fn none() -> Result<Written> {
        Ok(Written::default())
    }

    fn table(kind: u8, table: Table) -> Result<Written> {
        Ok(Written { options: Some((kind, table)), ..Written::default() })
    }

    /// A C struct of 32-bit integers as it lies in memory.
    fn words(words: &[i32]) -> Result<Written> {
        let custom = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Ok(Written { custom, ..Written::default() })
    }
}

/// The attributes of `op`. `constant` says of each operand whether it is a constant of the file.
pub fn write(
    op: &Op,
    operands: &Operands,
    results: &[&TensorDef],
    constant: &[bool],
) -> Result<Written> {
    let made = results.first().map(|t| t.dtype);
    match op {
        Op::Conv2d(op) => {
            use options::conv_2d::*;
            let table = window(&op.window, PADDING, [STRIDE_H, STRIDE_W])?;
            let table = activated(
                dilated(table, &op.window, [DILATION_H, DILATION_W])?,
                ACTIVATION,
                op.activation,
            );
            Written::table(TYPE, table?)
        }
        Op::DepthwiseConv2d(op) => {
            use options::depthwise_conv_2d::*;
            let table = window(&op.window, PADDING, [STRIDE_H, STRIDE_W])?;
            let table = dilated(table, &op.window, [DILATION_H, DILATION_W])?;
            let table = table.set(DEPTH_MULTIPLIER, word(depth_multiplier(operands))?);
            Written::table(TYPE, activated(table, ACTIVATION, op.activation)?)
        }
        Op::Convolution2dTransposeBias(op) => convolution_2d_transpose_bias(op),
        Op::TransposeConv(op) => {
            use options::transpose_conv::*;
            // The reader takes this from where the size comes from.
            if op.rounds_twice == (constant.first() == Some(&true)) {
                return Err(cannot_say(
                    "sums that are rounded as TFLite does not with such a size",
                ));
            }
            let table = Table::new().set(PADDING, padding(op.padding)?);
            let table = pair(table, [STRIDE_H, STRIDE_W], op.stride)?;
            Written::table(TYPE, activated(table, ACTIVATION, op.activation)?)
        }
        Op::FullyConnected(op) => {
            use options::fully_connected::*;
            let table = Table::new().set(KEEP_NUM_DIMS, op.keep_num_dims);
            Written::table(TYPE, activated(table, ACTIVATION, op.activation)?)
        }
        Op::BatchMatMul(op) => {
            use options::batch_matmul::*;
            let [x, y] = op.transposed;
            Written::table(TYPE, Table::new().set(ADJ_X, x).set(ADJ_Y, y))
        }
        Op::ResizeBilinear(op) => {
            use options::resize_bilinear::*;
            if op.fixed_point != matches!(made, Some(DType::I8 | DType::I16)) {
                return Err(cannot_say(
                    "positions that are rounded as TFLite does not of this type",
                ));
            }
            let table = Table::new().set(ALIGN_CORNERS, op.align_corners);
            Written::table(TYPE, table.set(HALF_PIXEL_CENTERS, op.half_pixel_centers))
        }
        Op::ResizeNearest(op) => {
            use options::resize_nearest_neighbor::*;
            let table = Table::new().set(ALIGN_CORNERS, op.align_corners);
            Written::table(TYPE, table.set(HALF_PIXEL_CENTERS, op.half_pixel_centers))
        }
        Op::MaxPoolWithArgmax(pool) | Op::MaxUnpool(pool) => custom_pool(pool),
        Op::Pool2d(pool) => {
            use options::pool_2d::*;
            undilated(&pool.window)?;
            let table = window(&pool.window, PADDING, [STRIDE_H, STRIDE_W])?;
            let table = pair(table, [FILTER_H, FILTER_W], pool.kernel)?;
            Written::table(TYPE, activated(table, ACTIVATION, pool.activation)?)
        }
        Op::Reduce(op) => {
            use options::reducer::*;
            Written::table(TYPE, Table::new().set(KEEP_DIMS, op.keep_dims))
        }
        Op::Binary(op) => binary(op, made),
        Op::Unary(function) => unary(*function),
        Op::Layout(op) => layout(op, operands),
        Op::Softmax(Softmax { beta, log: false }) => {
            use options::softmax::*;
            Written::table(TYPE, Table::new().set(BETA, *beta))
        }
        Op::Softmax(Softmax { beta, log: true }) if *beta == 1.0 => Written::none(),
        Op::Softmax(_) => Err(cannot_say("a factor before the logarithm")),
        Op::ArgReduce(op) if op.min => {
            use options::arg_min::*;
            Written::table(TYPE, Table::new().set(OUTPUT_TYPE, type_number(op.dtype)))
        }
        Op::ArgReduce(op) => {
            use options::arg_max::*;
            Written::table(TYPE, Table::new().set(OUTPUT_TYPE, type_number(op.dtype)))
        }
        Op::Shape(dtype) => {
            use options::shape::*;
            Written::table(TYPE, Table::new().set(OUT_TYPE, type_number(*dtype)))
        }
        Op::Cast(to) | Op::Quantize(to) if Some(*to) != made => {
            Err(cannot_say("a result that is of another type than it is converted to"))
        }
        Op::FakeQuant(grid) => fake_quant(grid),
        Op::Compare(_)
        | Op::Logical(_)
        | Op::Select(_)
        | Op::Cast(_)
        | Op::Dequantize
        | Op::Quantize(_)
        | Op::Rank
        | Op::BroadcastArgs
        | Op::Range => Written::none(),
    }
}

/// The schema's enum `Padding`.
fn padding(padding: Padding) -> Result<i8> {
    match padding {
        Padding::Same => Ok(0),
        Padding::Valid => Ok(1),
        Padding::Explicit { .. } => Err(cannot_say("explicit padding")),
    }
}

/// The C enum `TfLitePadding`, in custom options.
fn custom_padding(value: Padding) -> Result<i32> {
    Ok(i32::from(padding(value)?) + 1)
}

/// Two sizes, `[height, width]`.
fn pair(table: Table, [height, width]: [Field<i32>; 2], sizes: [usize; 2]) -> Result<Table> {
    Ok(table.set(height, word(sizes[0])?).set(width, word(sizes[1])?))
}

/// Padding and stride of a window.
fn window(window: &Window, field: Field<i8>, stride: [Field<i32>; 2]) -> Result<Table> {
    pair(Table::new().set(field, padding(window.padding)?), stride, window.stride)
}

fn dilated(table: Table, window: &Window, fields: [Field<i32>; 2]) -> Result<Table> {
    pair(table, fields, window.dilation)
}

fn undilated(window: &Window) -> Result<()> {
    if window.dilation == [1, 1] { Ok(()) } else { Err(cannot_say("a dilated window of a pool")) }
}

/// The schema's enum `ActivationFunctionType`.
fn function(activation: Option<Unary>) -> Result<i8> {
    match activation {
        None => Ok(0),
        Some(Unary::Relu) => Ok(1),
        Some(Unary::ReluN1To1) => Ok(2),
        Some(Unary::Relu6) => Ok(3),
        Some(Unary::Tanh) => Ok(4),
        Some(other) => Err(cannot_say(&format!("a fused {}", other.name()))),
    }
}

fn activated(table: Table, field: Field<i8>, activation: Option<Unary>) -> Result<Table> {
    Ok(table.set(field, function(activation)?))
}

/// Output channels for each input channel.
fn depth_multiplier(operands: &Operands) -> usize {
    let channels = |i: usize| {
        let extents = operands.get(i).copied().flatten().map(|t| t.shape.dims());
        extents.and_then(|d| d.last().copied()).unwrap_or(0)
    };
    channels(1).checked_div(channels(0)).unwrap_or(0)
}

/// The C struct `TfLiteTransposeConvParams`: padding, stride_width, stride_height.
fn convolution_2d_transpose_bias(op: &TransposeConv) -> Result<Written> {
    if op.activation.is_some() || op.rounds_twice {
        return Err(cannot_say("a fused activation, or sums that are rounded twice,"));
    }
    let [height, width] = op.stride;
    Written::words(&[custom_padding(op.padding)?, word(width)?, word(height)?])
}

/// The C struct `TfLitePoolParams`: padding, stride_width, stride_height, filter_width, filter_height,
/// activation, and four integers of padding, which TFLite computes.
fn custom_pool(pool: &Pool2d) -> Result<Written> {
    undilated(&pool.window)?;
    if pool.kind != PoolKind::Max {
        return Err(cannot_say("a pool of another kind"));
    }
    let ([stride_h, stride_w], [kernel_h, kernel_w]) = (pool.window.stride, pool.kernel);
    let padding = custom_padding(pool.window.padding)?;
    let [stride_w, stride_h, kernel_w, kernel_h] =
        [word(stride_w)?, word(stride_h)?, word(kernel_w)?, word(kernel_h)?];
    let function = function(pool.activation)?.into();
    Written::words(&[padding, stride_w, stride_h, kernel_w, kernel_h, function, 0, 0, 0, 0])
}

fn binary(op: &Binary, made: Option<DType>) -> Result<Written> {
    // Otherwise the sums of int16 would need scales that are powers of two.
    let any_scale = made == Some(DType::I16);
    let (kind, field, table) = match op.kind {
        BinaryKind::Add => {
            use options::add::*;
            (TYPE, ACTIVATION, Table::new().set(POT_SCALE_INT16, !any_scale))
        }
        BinaryKind::Sub => {
            use options::sub::*;
            (TYPE, ACTIVATION, Table::new().set(POT_SCALE_INT16, !any_scale))
        }
        BinaryKind::Mul => (options::mul::TYPE, options::mul::ACTIVATION, Table::new()),
        BinaryKind::Div => (options::div::TYPE, options::div::ACTIVATION, Table::new()),
        BinaryKind::FloorDiv
        | BinaryKind::FloorMod
        | BinaryKind::Maximum
        | BinaryKind::Minimum
        | BinaryKind::Pow
        | BinaryKind::Prelu
        | BinaryKind::SquaredDifference => {
            return match op.activation {
                None => Written::none(),
                Some(_) => Err(cannot_say("a fused activation")),
            };
        }
    };
    Written::table(kind, activated(table, field, op.activation)?)
}

fn unary(function: Unary) -> Result<Written> {
    match function {
        Unary::Gelu { approximate } => {
            use options::gelu::*;
            Written::table(TYPE, Table::new().set(APPROXIMATE, approximate))
        }
        Unary::LeakyRelu { alpha } => {
            use options::leaky_relu::*;
            Written::table(TYPE, Table::new().set(ALPHA, alpha))
        }
        Unary::Abs
        | Unary::Ceil
        | Unary::Cos
        | Unary::Elu
        | Unary::Exp
        | Unary::Floor
        | Unary::HardSwish
        | Unary::Log
        | Unary::Logistic
        | Unary::Neg
        | Unary::Relu
        | Unary::Relu0To1
        | Unary::Relu6
        | Unary::ReluN1To1
        | Unary::Round
        | Unary::Rsqrt
        | Unary::Sin
        | Unary::Sqrt
        | Unary::Square
        | Unary::Tanh => Written::none(),
    }
}

fn layout(op: &Layout, operands: &Operands) -> Result<Written> {
    match op {
        Layout::Reshape(Reshape::Reshape(extents)) => {
            use options::reshape::*;
            let table = Table::new();
            // An empty list would mean a scalar.
            let table = if extents.is_empty() { table } else { table.vector(NEW_SHAPE, extents) };
            Written::table(TYPE, table)
        }
        Layout::Reshape(Reshape::Squeeze(axes)) => {
            use options::squeeze::*;
            Written::table(TYPE, Table::new().vector(SQUEEZE_DIMS, axes))
        }
        Layout::Cut(cut) => self::cut(cut),
        Layout::Join(Join::Concatenation(axis)) => {
            use options::concatenation::*;
            Written::table(TYPE, Table::new().set(AXIS, *axis))
        }
        Layout::Join(Join::Pack(axis)) => {
            use options::pack::*;
            let table = Table::new().set(VALUES_COUNT, word(operands.len())?);
            Written::table(TYPE, table.set(AXIS, *axis))
        }
        Layout::Channels(_) => Err(cannot_say("channels of several tensors, picked by a pass,")),
        Layout::Pad(Pad::Mirror { symmetric }) => {
            use options::mirror_pad::*;
            Written::table(TYPE, Table::new().set(MODE, i8::from(*symmetric)))
        }
        Layout::Blocks(Blocks::SpaceToDepth(block)) => {
            use options::space_to_depth::*;
            Written::table(TYPE, Table::new().set(BLOCK_SIZE, word(*block)?))
        }
        Layout::Blocks(Blocks::DepthToSpace(block)) => {
            use options::depth_to_space::*;
            Written::table(TYPE, Table::new().set(BLOCK_SIZE, word(*block)?))
        }
        Layout::Gather(Gather::Along { axis, batch_dims }) => {
            use options::gather::*;
            Written::table(TYPE, Table::new().set(AXIS, *axis).set(BATCH_DIMS, *batch_dims))
        }
        Layout::Reshape(Reshape::ExpandDims)
        | Layout::Transpose
        | Layout::Pad(Pad::Zeros | Pad::Value)
        | Layout::Blocks(Blocks::SpaceToBatch | Blocks::BatchToSpace)
        | Layout::Repeat(Repeat::Tile | Repeat::BroadcastTo | Repeat::Fill)
        | Layout::Gather(Gather::Nd)
        | Layout::ZerosLike => Written::none(),
    }
}

fn cut(cut: &Cut) -> Result<Written> {
    match *cut {
        Cut::Slice | Cut::Reverse => Written::none(),
        Cut::StridedSlice(op) => strided_slice(&op),
        Cut::Split(count) => {
            use options::split::*;
            Written::table(TYPE, Table::new().set(NUM_SPLITS, word(count)?))
        }
        Cut::SplitV(count) => {
            use options::split_v::*;
            Written::table(TYPE, Table::new().set(NUM_SPLITS, word(count)?))
        }
        Cut::Unpack { axis, count } => {
            use options::unpack::*;
            Written::table(TYPE, Table::new().set(NUM, word(count)?).set(AXIS, axis))
        }
    }
}

fn strided_slice(op: &StridedSlice) -> Result<Written> {
    use options::strided_slice::*;
    let mask = |mask: u32| mask as i32; // the same 32 bits
    let table = Table::new()
        .set(BEGIN_MASK, mask(op.begin_mask))
        .set(END_MASK, mask(op.end_mask))
        .set(ELLIPSIS_MASK, mask(op.ellipsis_mask))
        .set(NEW_AXIS_MASK, mask(op.new_axis_mask))
        .set(SHRINK_AXIS_MASK, mask(op.shrink_axis_mask))
        .set(OFFSET, op.offset);
    Written::table(TYPE, table)
}

/// The range of a grid of 2 to 16 bits. The file's own range is not kept, so one is looked for that
/// [`Grid::nudged`] makes the same grid of.
fn fake_quant(grid: &Grid) -> Result<Written> {
    use options::fake_quant::*;
    let bits = (grid.high + 1).max(1).ilog2();
    let (min, max) =
        range(grid, bits).ok_or_else(|| cannot_say("a grid that no range is nudged to"))?;
    let table = Table::new().set(MIN, min).set(MAX, max).set(NUM_BITS, bits as i32);
    Written::table(TYPE, table.set(NARROW_RANGE, grid.low == 1))
}

/// The scale is a width over a number of steps, both in float32: a width next to their product gives it. Both ends
/// are multiples of the width's last bit, so that their difference is the width, exactly.
fn range(grid: &Grid, bits: u32) -> Option<(f32, f32)> {
    if !(2..=16).contains(&bits) || !(0..=1).contains(&grid.low) || !grid.scale.is_normal() {
        return None;
    }
    let steps = (grid.high - grid.low) as f32;
    let width = steps * grid.scale;
    [width, width.next_down(), width.next_up()].into_iter().find_map(|width| {
        let last_bit = width.next_up() - width;
        let below = (grid.zero_point - grid.low) as f32 * grid.scale;
        let min = -((below / last_bit).round() * last_bit).min(width);
        let found = Grid::nudged(min, width + min, bits, grid.low == 1);
        (found == *grid).then_some((min, width + min))
    })
}
