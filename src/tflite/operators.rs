//! Operators of the file → [`Op`]: one line each where there is nothing to read.

use super::flatbuffer::{Field, Table};
use super::schema::options;
use crate::error::{Error, Result};
use crate::ops::{
    Binary, BinaryKind, Conv2d, DepthwiseConv2d, Op, Padding, Pool2d, PoolKind, Reduce, ReduceKind,
    ResizeBilinear, TransposeConv, Unary, Window,
};

/// Which operator it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// One of TFLite's own, by the schema's name.
    Builtin(&'static str),
    /// Anybody's, by the name it was registered under.
    Custom(String),
    /// A builtin one of a later schema.
    Unknown(String),
}

impl Code {
    /// The name for errors and tables.
    pub fn name(&self) -> &str {
        match self {
            Code::Builtin(name) => name,
            Code::Custom(name) | Code::Unknown(name) => name,
        }
    }
}

/// The attributes of one operator as the file has them.
#[derive(Debug, Clone, Copy)]
pub struct Options<'f> {
    /// Which table of the union the builtin options are; 0 for none.
    pub kind: u8,
    /// Builtin options.
    pub table: Option<Table<'f>>,
    /// Custom options, in a layout of the operator's own; empty for none.
    pub custom: &'f [u8],
}

impl<'f> Options<'f> {
    /// The table of builtin options, which must be of the kind that the operator has.
    fn of(&self, kind: u8) -> Result<Table<'f>> {
        match self.table {
            Some(table) if self.kind == kind => Ok(table),
            Some(_) => Err(Error::malformed(format!(
                "its options are of kind {}, this operator's are of kind {kind}",
                self.kind
            ))),
            None => Err(Error::malformed("its options are missing")),
        }
    }
}

/// Makes the operator of its options.
pub type Decode = fn(&Options) -> Result<Op>;

/// How an operator is read; `None` for those that are not supported.
pub fn decoder(code: &Code) -> Option<Decode> {
    let decode: Decode = match code {
        Code::Builtin(name) => match *name {
            "ADD" => {
                |o| binary(BinaryKind::Add, o.of(options::add::TYPE)?, options::add::ACTIVATION)
            }
            "AVERAGE_POOL_2D" => |o| pool_2d(PoolKind::Average, o),
            "CONV_2D" => conv_2d,
            "DEPTHWISE_CONV_2D" => depthwise_conv_2d,
            "DEQUANTIZE" => |_| Ok(Op::Dequantize),
            "HARD_SWISH" => |_| Ok(Op::Unary(Unary::HardSwish)),
            "LOGISTIC" => |_| Ok(Op::Unary(Unary::Logistic)),
            "MEAN" => |o| reduce(ReduceKind::Mean, o),
            "MUL" => {
                |o| binary(BinaryKind::Mul, o.of(options::mul::TYPE)?, options::mul::ACTIVATION)
            }
            "RELU" => |_| Ok(Op::Unary(Unary::Relu)),
            "RELU6" => |_| Ok(Op::Unary(Unary::Relu6)),
            "RELU_N1_TO_1" => |_| Ok(Op::Unary(Unary::ReluN1To1)),
            "RESIZE_BILINEAR" => resize_bilinear,
            "TANH" => |_| Ok(Op::Unary(Unary::Tanh)),
            _ => return None,
        },
        Code::Custom(name) => match name.as_str() {
            "Convolution2DTransposeBias" => convolution_2d_transpose_bias,
            _ => return None,
        },
        Code::Unknown(_) => return None,
    };
    Some(decode)
}

fn conv_2d(o: &Options) -> Result<Op> {
    use options::conv_2d::*;
    let table = o.of(TYPE)?;
    Ok(Op::Conv2d(Conv2d {
        window: Window {
            stride: pair(&table, STRIDE_H, STRIDE_W)?,
            dilation: pair(&table, DILATION_H, DILATION_W)?,
            padding: padding(table.get(PADDING)?)?,
        },
        activation: activation(table.get(ACTIVATION)?)?,
    }))
}

fn depthwise_conv_2d(o: &Options) -> Result<Op> {
    use options::depthwise_conv_2d::*;
    let table = o.of(TYPE)?;
    Ok(Op::DepthwiseConv2d(DepthwiseConv2d {
        window: Window {
            stride: pair(&table, STRIDE_H, STRIDE_W)?,
            dilation: pair(&table, DILATION_H, DILATION_W)?,
            padding: padding(table.get(PADDING)?)?,
        },
        activation: activation(table.get(ACTIVATION)?)?,
    }))
}

/// The options are the C struct `TfLiteTransposeConvParams` as it lies in memory: padding (1 is
/// SAME, 2 is VALID), stride_width, stride_height; 32 bits each.
fn convolution_2d_transpose_bias(o: &Options) -> Result<Op> {
    let (words, []) = o.custom.as_chunks::<4>() else {
        return Err(Error::malformed(format!("has {} bytes of options", o.custom.len())));
    };
    let [padding, stride_w, stride_h] = *words else {
        return Err(Error::malformed(format!("needs 12 bytes of options, has {}", o.custom.len())));
    };
    Ok(Op::Convolution2dTransposeBias(TransposeConv {
        stride: [size(i32::from_le_bytes(stride_h))?, size(i32::from_le_bytes(stride_w))?],
        padding: match i32::from_le_bytes(padding) {
            1 => Padding::Same,
            2 => Padding::Valid,
            other => return Err(Error::malformed(format!("padding {other} does not exist"))),
        },
        activation: None,
    }))
}

fn resize_bilinear(o: &Options) -> Result<Op> {
    use options::resize_bilinear::*;
    let table = o.of(TYPE)?;
    Ok(Op::ResizeBilinear(ResizeBilinear {
        align_corners: table.get(ALIGN_CORNERS)?,
        half_pixel_centers: table.get(HALF_PIXEL_CENTERS)?,
    }))
}

fn pool_2d(kind: PoolKind, o: &Options) -> Result<Op> {
    use options::pool_2d::*;
    let table = o.of(TYPE)?;
    Ok(Op::Pool2d(Pool2d {
        kind,
        kernel: pair(&table, FILTER_H, FILTER_W)?,
        window: Window {
            stride: pair(&table, STRIDE_H, STRIDE_W)?,
            dilation: [1, 1],
            padding: padding(table.get(PADDING)?)?,
        },
        activation: activation(table.get(ACTIVATION)?)?,
    }))
}

fn reduce(kind: ReduceKind, o: &Options) -> Result<Op> {
    let table = o.of(options::reducer::TYPE)?;
    Ok(Op::Reduce(Reduce { kind, keep_dims: table.get(options::reducer::KEEP_DIMS)? }))
}

fn binary(kind: BinaryKind, table: Table, field: Field<i8>) -> Result<Op> {
    Ok(Op::Binary(Binary { kind, activation: activation(table.get(field)?)? }))
}

/// Two sizes, `[height, width]`.
fn pair(table: &Table, height: Field<i32>, width: Field<i32>) -> Result<[usize; 2]> {
    Ok([size(table.get(height)?)?, size(table.get(width)?)?])
}

/// A stride, a dilation, or the side of a window. What is too large or zero is found when shapes
/// are inferred.
fn size(value: i32) -> Result<usize> {
    usize::try_from(value).map_err(|_| Error::malformed(format!("size {value} is negative")))
}

/// The schema's enum `Padding`.
fn padding(value: i8) -> Result<Padding> {
    match value {
        0 => Ok(Padding::Same),
        1 => Ok(Padding::Valid),
        _ => Err(Error::malformed(format!("padding {value} does not exist"))),
    }
}

/// The schema's enum `ActivationFunctionType`.
fn activation(value: i8) -> Result<Option<Unary>> {
    match value {
        0 => Ok(None),
        1 => Ok(Some(Unary::Relu)),
        2 => Ok(Some(Unary::ReluN1To1)),
        3 => Ok(Some(Unary::Relu6)),
        4 => Ok(Some(Unary::Tanh)),
        5 => Err(Error::unsupported("the fused activation SIGN_BIT is not supported")),
        _ => Err(Error::malformed(format!("fused activation {value} does not exist"))),
    }
}
