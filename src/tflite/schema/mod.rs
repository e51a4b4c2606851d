//! The parts of TFLite's schema that we use: slots, defaults and names, as `schema.fbs` of
//! TensorFlow's `tensorflow/compiler/mlir/lite/schema` has them.

pub mod options;

/// The four bytes at offset 4 of every model.
pub const IDENTIFIER: &[u8; 4] = b"TFL3";

/// The only version of the schema in use.
pub const VERSION: u32 = 3;

/// Names of the values of `TensorType`, by number.
#[rustfmt::skip]
pub const TENSOR_TYPES: [&str; 23] = [
    "FLOAT32", "FLOAT16", "INT32", "UINT8", "INT64", "STRING", "BOOL", "INT16", "COMPLEX64",
    "INT8", "FLOAT64", "COMPLEX128", "UINT64", "RESOURCE", "VARIANT", "UINT32", "UINT16", "INT4",
    "BFLOAT16", "INT2", "UINT4", "FLOAT8_E4M3FN", "FLOAT8_E5M2",
];

/// The builtin operator that stands for all custom ones.
pub const CUSTOM: i32 = 32;

/// Names of the values of `BuiltinOperator`, by number.
#[rustfmt::skip]
pub const BUILTIN_OPERATORS: [&str; 210] = [
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE",
    "DEQUANTIZE", "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION", "L2_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION",
    "LSTM", "MAX_POOL_2D", "MUL", "RELU", "RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR",
    "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH", "CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL",
    "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD", "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER",
    "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP",
    "TOPK_V2", "SPLIT", "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU",
    "MAXIMUM", "ARG_MAX", "MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL",
    "LESS_EQUAL", "SELECT", "SLICE", "SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE",
    "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW", "ARG_MIN",
    "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND",
    "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE",
    "FILL", "FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE",
    "MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND", "COS",
    "WHERE", "RANK", "ELU", "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE", "MATRIX_SET_DIAG",
    "ROUND", "HARD_SWISH", "IF", "WHILE", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5",
    "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM", "BATCH_MATMUL",
    "PLACEHOLDER_FOR_GREATER_OP_CODES", "CUMSUM", "CALL_ONCE", "BROADCAST_TO", "RFFT2D", "CONV_3D",
    "IMAG", "REAL", "COMPLEX_ABS", "HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT",
    "HASHTABLE_SIZE", "REDUCE_ALL", "CONV_3D_TRANSPOSE", "VAR_HANDLE", "READ_VARIABLE",
    "ASSIGN_VARIABLE", "BROADCAST_ARGS", "RANDOM_STANDARD_NORMAL", "BUCKETIZE", "RANDOM_UNIFORM",
    "MULTINOMIAL", "GELU", "DYNAMIC_UPDATE_SLICE", "RELU_0_TO_1", "UNSORTED_SEGMENT_PROD",
    "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_SUM", "ATAN2", "UNSORTED_SEGMENT_MIN", "SIGN",
    "BITCAST", "BITWISE_XOR", "RIGHT_SHIFT", "STABLEHLO_LOGISTIC", "STABLEHLO_ADD",
    "STABLEHLO_DIVIDE", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_RESHAPE",
    "STABLEHLO_CLAMP", "STABLEHLO_CONCATENATE", "STABLEHLO_BROADCAST_IN_DIM",
    "STABLEHLO_CONVOLUTION", "STABLEHLO_SLICE", "STABLEHLO_CUSTOM_CALL", "STABLEHLO_REDUCE",
    "STABLEHLO_ABS", "STABLEHLO_AND", "STABLEHLO_COSINE", "STABLEHLO_EXPONENTIAL",
    "STABLEHLO_FLOOR", "STABLEHLO_LOG", "STABLEHLO_MINIMUM", "STABLEHLO_NEGATE", "STABLEHLO_OR",
    "STABLEHLO_POWER", "STABLEHLO_REMAINDER", "STABLEHLO_RSQRT", "STABLEHLO_SELECT",
    "STABLEHLO_SUBTRACT", "STABLEHLO_TANH", "STABLEHLO_SCATTER", "STABLEHLO_COMPARE",
    "STABLEHLO_CONVERT", "STABLEHLO_DYNAMIC_SLICE", "STABLEHLO_DYNAMIC_UPDATE_SLICE",
    "STABLEHLO_PAD", "STABLEHLO_IOTA", "STABLEHLO_DOT_GENERAL", "STABLEHLO_REDUCE_WINDOW",
    "STABLEHLO_SORT", "STABLEHLO_WHILE", "STABLEHLO_GATHER", "STABLEHLO_TRANSPOSE", "DILATE",
    "STABLEHLO_RNG_BIT_GENERATOR", "REDUCE_WINDOW", "STABLEHLO_COMPOSITE", "STABLEHLO_SHIFT_LEFT",
    "STABLEHLO_CBRT", "STABLEHLO_CASE",
];

/// `Model`.
pub mod model {
    use crate::tflite::flatbuffer::{Field, Ref};

    pub const VERSION: Field<u32> = Field(0, 0);
    pub const OPERATOR_CODES: Ref = Ref(1);
    pub const SUBGRAPHS: Ref = Ref(2);
    pub const DESCRIPTION: Ref = Ref(3);
    pub const BUFFERS: Ref = Ref(4);
}

/// `OperatorCode`.
pub mod operator_code {
    use crate::tflite::flatbuffer::{Field, Ref};

    /// One byte, from the time before there were more than 127 operators. The larger of this and
    /// [`BUILTIN_CODE`] counts.
    pub const DEPRECATED_BUILTIN_CODE: Field<i8> = Field(0, 0);
    pub const CUSTOM_CODE: Ref = Ref(1);
    pub const VERSION: Field<i32> = Field(2, 1);
    pub const BUILTIN_CODE: Field<i32> = Field(3, 0);
}

/// `SubGraph`.
pub mod subgraph {
    use crate::tflite::flatbuffer::Ref;

    pub const TENSORS: Ref = Ref(0);
    pub const INPUTS: Ref = Ref(1);
    pub const OUTPUTS: Ref = Ref(2);
    pub const OPERATORS: Ref = Ref(3);
    pub const NAME: Ref = Ref(4);
}

/// `Tensor`.
pub mod tensor {
    use crate::tflite::flatbuffer::{Field, Ref};

    pub const SHAPE: Ref = Ref(0);
    pub const TYPE: Field<i8> = Field(1, 0);
    pub const BUFFER: Field<u32> = Field(2, 0);
    pub const NAME: Ref = Ref(3);
    pub const QUANTIZATION: Ref = Ref(4);
    pub const IS_VARIABLE: Field<bool> = Field(5, false);
    pub const SPARSITY: Ref = Ref(6);
    /// Id of a buffer in another file; 0 for none.
    pub const EXTERNAL_BUFFER: Field<u32> = Field(10, 0);
}

/// `QuantizationParameters`.
pub mod quantization {
    use crate::tflite::flatbuffer::{Field, Ref};

    pub const SCALE: Ref = Ref(2);
    pub const ZERO_POINT: Ref = Ref(3);
    pub const DETAILS_TYPE: Field<u8> = Field(4, 0);
    pub const QUANTIZED_DIMENSION: Field<i32> = Field(6, 0);

    /// Names of the values of [`DETAILS_TYPE`], by number: 0 is the plain kind.
    pub const DETAILS: [&str; 4] =
        ["NONE", "CustomQuantization", "BlockwiseQuantization", "MultiAxisQuantization"];
}

/// `Buffer`.
pub mod buffer {
    use crate::tflite::flatbuffer::{Field, Ref};

    pub const DATA: Ref = Ref(0);
    /// Where the data lies when it is not in [`DATA`], in bytes from the start of the file, behind
    /// the FlatBuffer. 0 and 1 mean that it is.
    pub const OFFSET: Field<u64> = Field(1, 0);
    pub const SIZE: Field<u64> = Field(2, 0);
}

/// `Operator`.
pub mod operator {
    use crate::tflite::flatbuffer::{Field, Ref};

    pub const OPCODE_INDEX: Field<u32> = Field(0, 0);
    pub const INPUTS: Ref = Ref(1);
    pub const OUTPUTS: Ref = Ref(2);
    pub const BUILTIN_OPTIONS_TYPE: Field<u8> = Field(3, 0);
    pub const BUILTIN_OPTIONS: Ref = Ref(4);
    pub const CUSTOM_OPTIONS: Ref = Ref(5);
    /// Where the custom options lie when they are behind the FlatBuffer.
    pub const LARGE_CUSTOM_OPTIONS_OFFSET: Field<u64> = Field(9, 0);
}
