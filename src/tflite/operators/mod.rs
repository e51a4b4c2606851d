//! Operators of the file → [`Op`]. A family of operators has one file, with one line for each
//! operator where there is nothing to read.

mod binary;
mod cast;
mod compare;
mod conv;
mod layout;
mod matmul;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod shapes;
mod softmax;
mod unary;

use super::flatbuffer::{Field, Table};
use crate::error::{Error, Result};
use crate::ops::{Op, Padding, Unary};
use crate::tensor::DType;

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
#[derive(Debug, Clone)]
pub struct Options<'f> {
    /// Which table of the union the builtin options are; 0 for none.
    pub kind: u8,
    /// Builtin options.
    pub table: Option<Table<'f>>,
    /// Custom options, in a layout of the operator's own; empty for none.
    pub custom: &'f [u8],
    /// The types of the tensors it makes, for operators whose options do not say.
    pub made: Vec<DType>,
    /// Whether each operand is a constant of the file, not one that is computed from constants.
    pub constant: Vec<bool>,
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

    /// Custom options that are a C struct of 32-bit integers as it lies in memory.
    fn custom_words(&self) -> Result<Vec<i32>> {
        let (words, []) = self.custom.as_chunks::<4>() else {
            return Err(Error::malformed(format!("has {} bytes of options", self.custom.len())));
        };
        Ok(words.iter().map(|&word| i32::from_le_bytes(word)).collect())
    }
}

/// Makes the operator of its options.
pub type Decode = fn(&Options) -> Result<Op>;

/// The families: each knows its operators by the schema's names.
const BUILTIN: &[fn(&str) -> Option<Decode>] = &[
    binary::builtin,
    cast::builtin,
    compare::builtin,
    conv::builtin,
    layout::builtin,
    matmul::builtin,
    pool::builtin,
    quantize::builtin,
    reduce::builtin,
    resize::builtin,
    shapes::builtin,
    softmax::builtin,
    unary::builtin,
];

/// Families with custom operators, known by the names they were registered under.
const CUSTOM: &[fn(&str) -> Option<Decode>] = &[conv::custom, pool::custom];

/// How an operator is read; `None` for those that are not supported.
pub fn decoder(code: &Code) -> Option<Decode> {
    match code {
        Code::Builtin(name) => BUILTIN.iter().find_map(|family| family(name)),
        Code::Custom(name) => CUSTOM.iter().find_map(|family| family(name)),
        Code::Unknown(_) => None,
    }
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

/// The C enum `TfLitePadding`, in custom options.
fn custom_padding(value: i32) -> Result<Padding> {
    match value {
        1 => Ok(Padding::Same),
        2 => Ok(Padding::Valid),
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
