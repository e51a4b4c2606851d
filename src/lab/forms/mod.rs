//! The numeric forms of a network: a float32 [`Graph`] → the same one as TensorFlow's converter writes it after
//! training.

mod dynamic_range;
mod float16;
mod int8;
mod rewrite;

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::tensor::{Quantization, TensorDef};

/// How a network stores its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Form {
    /// As it was trained.
    #[default]
    Float32,
    /// Weights as half floats, behind DEQUANTIZE.
    Float16,
    /// Large weights as int8, each output channel with its own scale; activations in float32.
    DynamicRange,
    /// Weights and activations as int8, inputs and outputs too.
    Int8,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 4] = [Form::Float32, Form::Float16, Form::DynamicRange, Form::Int8];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Form::Float32 => "float32",
            Form::Float16 => "float16",
            Form::DynamicRange => "dynamic-range",
            Form::Int8 => "int8",
        }
    }

    /// The form of that name.
    pub fn of(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// A float32 network in that form. For int8 it is run once, on random inputs in [-1, 1) of seed `seed`, to see which
/// values each tensor takes.
///
/// Errors: `UnsupportedModel` with the operator that has no int8 form in TFLite, or none here; what running a
/// network may fail of.
pub fn convert(graph: &Graph, form: Form, seed: u32) -> Result<Graph> {
    match form {
        Form::Float32 => Ok(graph.clone()),
        Form::Float16 => float16::convert(graph),
        Form::DynamicRange => dynamic_range::convert(graph),
        Form::Int8 => int8::convert(graph, seed),
    }
}

/// Values from -127 to 127 for real numbers around 0: each slice along `axis` with its own scale, or all with one.
/// TensorFlow's converter leaves -128 out, so that every weight has its opposite.
fn symmetric(tensor: &TensorDef, axis: Option<usize>) -> Result<(Vec<i8>, Quantization)> {
    const HIGHEST: f32 = 127.0;
    let data = floats(tensor)?;
    let dims = tensor.shape.dims();
    let (slices, inner) = match axis {
        Some(axis) => (dims[axis], dims[axis + 1..].iter().product::<usize>()),
        None => (1, 1),
    };
    let slice = |i: usize| i / inner.max(1) % slices.max(1);
    let mut scale = vec![0f32; slices];
    for (i, value) in data.iter().enumerate() {
        scale[slice(i)] = scale[slice(i)].max(value.abs());
    }
    for scale in &mut scale {
        *scale = if *scale > 0.0 { *scale / HIGHEST } else { 1.0 };
    }
    let stored = data.iter().enumerate().map(|(i, value)| {
        let steps = (value / scale[slice(i)]).round();
        steps.clamp(-HIGHEST, HIGHEST) as i8
    });
    let stored = stored.collect();
    let zero_point = vec![0; scale.len()];
    Ok((stored, Quantization { scale, zero_point, axis: axis.unwrap_or(0) }))
}

/// The elements of a float32 constant.
fn floats(tensor: &TensorDef) -> Result<&[f32]> {
    let data = tensor.data.as_deref().and_then(|data| data.view().f32());
    data.ok_or_else(|| Error::unsupported(format!("'{}' is no float32 constant", tensor.name)))
}

#[cfg(test)]
mod tests;
