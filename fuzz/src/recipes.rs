//! What each operator is made of: its operands, its options, its results. Numbers of fields and
//! tables are `schema.fbs`'s; what is not supported yet is left out when a network is drawn.

/// What an operand is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand {
    /// Any value.
    Any,
    /// A value of rank 4.
    Image,
    /// A value that broadcasts with the first one.
    Partner,
    /// A value of the first one's shape.
    Twin,
    /// As many values that broadcast, or are equal but for an axis.
    More,
    /// A truth value for each element of the result.
    Condition,
    /// `[co, kh, kw, ci / groups]`.
    Filter,
    /// `[1, kh, kw, ci * multiplier]`.
    DepthwiseFilter,
    /// `[co, kh, kw, ci]` for the image that is operand so many.
    TransposedFilter(usize),
    /// `[units, depth]`.
    Weights,
    /// Of the filter's output channels, or left out.
    Bias,
    /// A matrix that fits behind the first operand.
    Matrix,
    /// One float for each channel, or all.
    Slopes,
    /// Real numbers, one or none.
    Scalar,
    /// Integers: a list for each meaning.
    List(List),
}

/// What a list of int32 means for the first operand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum List {
    /// `[height, width]`.
    Size,
    /// The size of what a transposed convolution makes.
    ImageSize,
    /// Some axes.
    Axes,
    /// One axis, in a scalar.
    Axis,
    /// Extents of as many elements.
    Shape,
    /// Extents that it broadcasts to.
    Broadcast,
    /// An order of the axes.
    Order,
    /// `[rank, 2]` counts before and after.
    Paddings,
    /// Where a slice begins, or ends.
    Positions,
    /// Extents of a slice.
    Extents,
    /// Steps, not 0.
    Steps,
    /// One small count for each axis.
    Counts,
    /// Sides of blocks, for the two inner axes of an image.
    Blocks,
    /// `[2, 2]` crops or paddings of an image.
    Borders,
    /// Indices along an axis.
    Indices,
    /// Extents of pieces along an axis.
    Pieces,
    /// A small number in a scalar.
    Number,
}

/// What a field of options holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// `Padding`.
    Padding,
    /// `ActivationFunctionType`.
    Activation,
    /// int32 from 1 to so much.
    Upto(i32),
    /// Yes or no.
    Flag,
    /// A float between 0 and so much.
    Real(f32),
    /// An axis of the first operand, as int32.
    Axis,
    /// `TensorType`.
    Type,
    /// A byte from 0 to so much.
    Byte(i8),
    /// Bits for axes, as int32.
    Mask,
    /// Some axes.
    Axes,
    /// How many results there are.
    Results,
}

/// The type of the results.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Made {
    /// The first value's, with its scale or another.
    Same,
    /// float32.
    Float,
    /// bool.
    Bool,
    /// int32 or int64.
    Integer,
    /// int8, uint8 or int16 with a scale.
    Quantized,
    /// Any type.
    Any,
}

/// An operator.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// TFLite's name.
    pub name: &'static str,
    /// Number of the table of options.
    pub kind: u8,
    /// Its fields by slot.
    pub options: &'static [(u16, Value)],
    /// Words of custom options: the largest of each, 0 for what is not used.
    pub custom: &'static [i32],
    /// Operands in order.
    pub operands: &'static [Operand],
    /// Type of the results.
    pub made: Made,
    /// How many results there are; 0 for as many as are drawn.
    pub results: usize,
}

const fn op(
    name: &'static str,
    kind: u8,
    options: &'static [(u16, Value)],
    operands: &'static [Operand],
    made: Made,
) -> Recipe {
    Recipe { name, kind, options, custom: &[], operands, made, results: 1 }
}

const fn custom(
    name: &'static str,
    custom: &'static [i32],
    operands: &'static [Operand],
    results: usize,
) -> Recipe {
    Recipe { name, kind: 0, options: &[], custom, operands, made: Made::Float, results }
}

const fn several(recipe: Recipe) -> Recipe {
    Recipe { results: 0, ..recipe }
}

use List::*;
use Made::*;
use Operand::{
    Bias, Condition, DepthwiseFilter, Filter, Image, Matrix, More, Partner, Scalar, Slopes,
    TransposedFilter, Twin, Weights,
};
use Value::*;

const WINDOW: &[(u16, Value)] =
    &[(0, Padding), (1, Upto(3)), (2, Upto(3)), (3, Activation), (4, Upto(2)), (5, Upto(2))];
const DEPTHWISE: &[(u16, Value)] =
    &[(0, Padding), (1, Upto(3)), (2, Upto(3)), (4, Activation), (5, Upto(2)), (6, Upto(2))];
const POOL: &[(u16, Value)] =
    &[(0, Padding), (1, Upto(3)), (2, Upto(3)), (3, Upto(4)), (4, Upto(4)), (5, Activation)];
const FUSED: &[(u16, Value)] = &[(0, Activation)];
const NONE: &[(u16, Value)] = &[];
const ONE: &[Operand] = &[Operand::Any];
const TWO: &[Operand] = &[Operand::Any, Partner];
const REDUCED: &[Operand] = &[Operand::Any, Operand::List(List::Axes)];
const KEEP: &[(u16, Value)] = &[(0, Flag)];

/// All operators that networks for segmentation use, and some more.
#[rustfmt::skip]
pub const RECIPES: &[Recipe] = &[
    op("CONV_2D", 1, WINDOW, &[Image, Filter, Bias], Same),
    op("DEPTHWISE_CONV_2D", 2, DEPTHWISE, &[Image, DepthwiseFilter, Bias], Same),
    op("TRANSPOSE_CONV", 49, &[(0, Padding), (1, Upto(3)), (2, Upto(3)), (3, Activation)],
        &[Operand::List(ImageSize), TransposedFilter(2), Image, Bias], Same),
    custom("Convolution2DTransposeBias", &[2, 3, 3], &[Image, TransposedFilter(0), Bias], 1),
    op("FULLY_CONNECTED", 8, &[(0, Activation), (2, Flag)], &[Operand::Any, Weights, Bias], Same),
    op("BATCH_MATMUL", 101, &[(0, Flag), (1, Flag)], &[Operand::Any, Matrix], Same),
    op("AVERAGE_POOL_2D", 5, POOL, &[Image], Same),
    op("MAX_POOL_2D", 5, POOL, &[Image], Same),
    op("L2_POOL_2D", 5, POOL, &[Image], Same),
    custom("MaxPoolingWithArgmax2D", &[2, 3, 3, 4, 4, 0], &[Image], 2),
    custom("MaxUnpooling2D", &[2, 3, 3, 4, 4, 0], &[Image, Twin], 1),
    op("MEAN", 27, KEEP, REDUCED, Same),
    op("SUM", 27, KEEP, REDUCED, Same),
    op("REDUCE_MAX", 27, KEEP, REDUCED, Same),
    op("REDUCE_MIN", 27, KEEP, REDUCED, Same),
    op("REDUCE_PROD", 27, KEEP, REDUCED, Same),
    op("REDUCE_ANY", 27, KEEP, REDUCED, Same),
    op("REDUCE_ALL", 27, KEEP, REDUCED, Same),
    op("ARG_MAX", 40, &[(0, Type)], &[Operand::Any, Operand::List(List::Axis)], Integer),
    op("ARG_MIN", 57, &[(0, Type)], &[Operand::Any, Operand::List(List::Axis)], Integer),
    op("RESIZE_BILINEAR", 15, &[(2, Flag), (3, Flag)], &[Image, Operand::List(Size)], Same),
    op("RESIZE_NEAREST_NEIGHBOR", 74, &[(0, Flag), (1, Flag)], &[Image, Operand::List(Size)], Same),
    op("SPACE_TO_DEPTH", 19, &[(0, Upto(3))], &[Image], Same),
    op("DEPTH_TO_SPACE", 94, &[(0, Upto(3))], &[Image], Same),
    op("ADD", 11, FUSED, TWO, Same),
    op("SUB", 28, FUSED, TWO, Same),
    op("MUL", 21, FUSED, TWO, Same),
    op("DIV", 29, FUSED, TWO, Same),
    op("MAXIMUM", 39, NONE, TWO, Same),
    op("MINIMUM", 39, NONE, TWO, Same),
    op("POW", 56, NONE, TWO, Same),
    op("SQUARED_DIFFERENCE", 76, NONE, TWO, Same),
    op("FLOOR_DIV", 65, NONE, TWO, Same),
    op("FLOOR_MOD", 72, NONE, TWO, Same),
    op("ABS", 78, NONE, ONE, Same),
    op("NEG", 42, NONE, ONE, Same),
    op("EXP", 33, NONE, ONE, Same),
    op("LOG", 0, NONE, ONE, Same),
    op("SIN", 0, NONE, ONE, Same),
    op("COS", 84, NONE, ONE, Same),
    op("SQRT", 0, NONE, ONE, Same),
    op("RSQRT", 0, NONE, ONE, Same),
    op("SQUARE", 66, NONE, ONE, Same),
    op("FLOOR", 0, NONE, ONE, Same),
    op("CEIL", 0, NONE, ONE, Same),
    op("ROUND", 0, NONE, ONE, Same),
    op("SIGN", 0, NONE, ONE, Same),
    op("ZEROS_LIKE", 67, NONE, ONE, Same),
    op("RELU", 0, NONE, ONE, Same),
    op("RELU6", 0, NONE, ONE, Same),
    op("RELU_N1_TO_1", 0, NONE, ONE, Same),
    op("PRELU", 0, NONE, &[Operand::Any, Slopes], Same),
    op("LEAKY_RELU", 75, &[(0, Real(2.0))], ONE, Same),
    op("ELU", 0, NONE, ONE, Same),
    op("HARD_SWISH", 91, NONE, ONE, Same),
    op("LOGISTIC", 0, NONE, ONE, Same),
    op("TANH", 0, NONE, ONE, Same),
    op("GELU", 116, &[(0, Flag)], ONE, Same),
    op("SOFTMAX", 9, &[(0, Real(3.0))], ONE, Same),
    op("LOG_SOFTMAX", 36, NONE, ONE, Same),
    op("L2_NORMALIZATION", 12, FUSED, ONE, Same),
    op("EQUAL", 53, NONE, TWO, Bool),
    op("NOT_EQUAL", 54, NONE, TWO, Bool),
    op("LESS", 41, NONE, TWO, Bool),
    op("LESS_EQUAL", 46, NONE, TWO, Bool),
    op("GREATER", 44, NONE, TWO, Bool),
    op("GREATER_EQUAL", 45, NONE, TWO, Bool),
    op("LOGICAL_AND", 62, NONE, TWO, Bool),
    op("LOGICAL_OR", 60, NONE, TWO, Bool),
    op("LOGICAL_NOT", 63, NONE, ONE, Bool),
    op("SELECT", 47, NONE, &[Condition, Operand::Any, Twin], Same),
    op("SELECT_V2", 98, NONE, &[Condition, Operand::Any, Partner], Same),
    op("CAST", 37, &[(0, Type), (1, Type)], ONE, Made::Any),
    op("RESHAPE", 17, NONE, &[Operand::Any, Operand::List(Shape)], Same),
    op("SQUEEZE", 30, &[(0, Value::Axes)], ONE, Same),
    op("EXPAND_DIMS", 52, NONE, &[Operand::Any, Operand::List(List::Axis)], Same),
    op("TRANSPOSE", 26, NONE, &[Operand::Any, Operand::List(Order)], Same),
    op("CONCATENATION", 10, &[(0, Value::Axis), (1, Activation)], &[Operand::Any, More], Same),
    several(op("SPLIT", 35, &[(0, Results)], &[Operand::List(List::Axis), Operand::Any], Same)),
    several(op("SPLIT_V", 79, &[(0, Results)],
        &[Operand::Any, Operand::List(Pieces), Operand::List(List::Axis)], Same)),
    op("SLICE", 48, NONE, &[Operand::Any, Operand::List(Positions), Operand::List(Extents)], Same),
    op("STRIDED_SLICE", 32, &[(0, Mask), (1, Mask), (2, Mask), (3, Mask), (4, Mask), (5, Flag)],
        &[Operand::Any, Operand::List(Positions), Operand::List(Positions), Operand::List(Steps)],
        Same),
    op("PAD", 22, NONE, &[Operand::Any, Operand::List(Paddings)], Same),
    op("PADV2", 43, NONE, &[Operand::Any, Operand::List(Paddings), Scalar], Same),
    op("MIRROR_PAD", 77, &[(0, Byte(1))], &[Operand::Any, Operand::List(Paddings)], Same),
    op("PACK", 59, &[(0, Upto(3)), (1, Value::Axis)], &[Operand::Any, Twin, More], Same),
    several(op("UNPACK", 64, &[(0, Results), (1, Value::Axis)], ONE, Same)),
    op("GATHER", 23, &[(0, Value::Axis), (1, Byte(1))], &[Operand::Any, Operand::List(Indices)], Same),
    op("GATHER_ND", 83, NONE, &[Operand::Any, Operand::List(Indices)], Same),
    op("TILE", 51, NONE, &[Operand::Any, Operand::List(Counts)], Same),
    op("BROADCAST_TO", 104, NONE, &[Operand::Any, Operand::List(Broadcast)], Same),
    op("BROADCAST_ARGS", 0, NONE, &[Operand::List(Broadcast), Operand::List(Broadcast)], Integer),
    op("SPACE_TO_BATCH_ND", 25, NONE, &[Image, Operand::List(Blocks), Operand::List(Borders)], Same),
    op("BATCH_TO_SPACE_ND", 24, NONE, &[Image, Operand::List(Blocks), Operand::List(Borders)], Same),
    op("SHAPE", 55, &[(0, Type)], ONE, Integer),
    op("RANK", 86, NONE, ONE, Integer),
    op("FILL", 68, NONE, &[Operand::List(Shape), Scalar], Same),
    op("RANGE", 73, NONE,
        &[Operand::List(Number), Operand::List(Number), Operand::List(Number)], Integer),
    op("REVERSE_V2", 81, NONE, REDUCED, Same),
    op("CUMSUM", 102, &[(0, Flag), (1, Flag)], &[Operand::Any, Operand::List(List::Axis)], Same),
    op("ADD_N", 82, NONE, &[Operand::Any, Twin, More], Same),
    op("QUANTIZE", 89, NONE, ONE, Quantized),
    op("DEQUANTIZE", 38, NONE, ONE, Made::Float),
    op("FAKE_QUANT", 58, &[(0, Value::Real(-4.0)), (1, Value::Real(4.0)), (2, Upto(8)), (3, Flag)],
        ONE, Made::Float),
];
