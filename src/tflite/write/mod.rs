//! [`Graph`] → bytes of a `.tflite` file: the inverse of [`read`](super::read).
//!
//! What the reader keeps is written: tensors under their ids with names, shapes, scales and constants,
//! operators with their attributes, inputs and outputs. What it does not keep is gone: metadata, signatures,
//! further subgraphs, open extents, and the options that only TFLite's hybrid kernels look at
//! (`asymmetric_quantize_inputs`), which get the schema's defaults.

mod operators;
mod versions;

use super::builder::{Table, finish};
use super::schema::{self, BUILTIN_OPERATORS};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::tensor::{DType, Data, Quantization, TensorDef};
use std::collections::HashMap;
use std::sync::Arc;

/// Constants of this many bytes or more are refused: offsets in a FlatBuffer have 31 bits, and there is more in it.
const MAX_CONSTANT_BYTES: usize = 1 << 30;

/// A model with the graph as its only subgraph, which [`read`](super::read) makes the same graph of, and
/// TFLite's interpreter runs.
///
/// Errors: `BadInput` for what a file cannot say, with the operator that has it: explicit padding, results
/// that are rounded to a grid, and whatever else only passes make; `Limit` for constants of 1 GiB and more;
/// `MalformedModel` for a graph that is not valid.
pub fn write(graph: &Graph) -> Result<Vec<u8>> {
    graph.validate()?;
    let mut model = Model { graph, made: made(graph), buffers: vec![Table::new()], bytes: 0 };
    let tensors = model.tensors()?;
    let mut codes = Codes::default();
    let operators = graph.nodes.iter().map(|node| {
        let at = |e: Error| e.at(node.source().index, &node.source().name);
        model.operator(node, &mut codes).map_err(at)
    });
    let operators = operators.collect::<Result<Vec<Table>>>()?;
    let outer =
        |ids: &[TensorId]| ids.iter().map(|&id| index(Some(id))).collect::<Result<Vec<_>>>();
    let subgraph = Table::new()
        .tables(schema::subgraph::TENSORS, tensors)
        .vector(schema::subgraph::INPUTS, &outer(&graph.inputs)?)
        .vector(schema::subgraph::OUTPUTS, &outer(&graph.outputs)?)
        .tables(schema::subgraph::OPERATORS, operators)
        .text(schema::subgraph::NAME, &graph.name);
    let root = Table::new()
        .set(schema::model::VERSION, schema::VERSION)
        .tables(schema::model::OPERATOR_CODES, codes.tables())
        .tables(schema::model::SUBGRAPHS, [subgraph])
        .text(schema::model::DESCRIPTION, "Octomask")
        .tables(schema::model::BUFFERS, model.buffers);
    Ok(finish(&root, schema::IDENTIFIER))
}

/// For each tensor, whether a node makes it: then what is known of its elements is not the file's.
fn made(graph: &Graph) -> Vec<bool> {
    let mut made = vec![false; graph.tensors.len()];
    for id in graph.nodes.iter().flat_map(|node| &node.outputs) {
        made[id.0] = true;
    }
    made
}

/// The parts of a model while it is put together.
struct Model<'g> {
    graph: &'g Graph,
    made: Vec<bool>,
    /// The first one is empty, for all tensors without constants.
    buffers: Vec<Table>,
    /// Of all constants so far.
    bytes: usize,
}

impl Model<'_> {
    fn tensors(&mut self) -> Result<Vec<Table>> {
        let mut shared: HashMap<*const Data, u32> = HashMap::new();
        let mut tables = Vec::with_capacity(self.graph.tensors.len());
        for (i, tensor) in self.graph.tensors.iter().enumerate() {
            let data = tensor.data.as_ref().filter(|_| !self.made[i]);
            let buffer = match data {
                None => 0,
                Some(data) => match shared.get(&Arc::as_ptr(data)) {
                    Some(&buffer) => buffer,
                    None => {
                        let buffer = self.add_constant(tensor, data)?;
                        shared.insert(Arc::as_ptr(data), buffer);
                        buffer
                    }
                },
            };
            tables.push(self.tensor(tensor, buffer)?);
        }
        Ok(tables)
    }

    /// A buffer of its own for a constant.
    fn add_constant(&mut self, tensor: &TensorDef, data: &Data) -> Result<u32> {
        if data.is_empty() {
            // A buffer without bytes says that a tensor is no constant.
            return Err(Error::bad_input(format!("the constant '{}' is empty", tensor.name)));
        }
        self.bytes = self.bytes.saturating_add(data.len().saturating_mul(data.dtype().size()));
        if self.bytes >= MAX_CONSTANT_BYTES {
            return Err(Error::limit(
                "the constants take 1 GiB or more, which is too much for a file",
            ));
        }
        self.buffers.push(Table::new().bytes(schema::buffer::DATA, &data.to_le_bytes()));
        Ok(self.buffers.len() as u32 - 1)
    }

    fn tensor(&self, tensor: &TensorDef, buffer: u32) -> Result<Table> {
        use schema::tensor::*;
        let named = |e: Error| e.about(&format!("tensor '{}'", tensor.name));
        let extents: Result<Vec<i32>> = tensor.shape.dims().iter().map(|&d| word(d)).collect();
        let table = Table::new()
            .vector(SHAPE, &extents.map_err(named)?)
            .set(TYPE, type_number(tensor.dtype))
            .set(BUFFER, buffer)
            .text(NAME, &tensor.name);
        Ok(match &tensor.quantization {
            Some(scales) => table.table(QUANTIZATION, quantization(scales).map_err(named)?),
            None => table,
        })
    }

    fn operator(&self, node: &Node, codes: &mut Codes) -> Result<Table> {
        use schema::operator::*;
        if node.grid.is_some() {
            return Err(cannot_say("results that are rounded to a grid"));
        }
        let operands = self.graph.operands(node);
        let results: Vec<&TensorDef> =
            node.outputs.iter().map(|&id| self.graph.tensor(id)).collect();
        let constant = node
            .inputs
            .iter()
            .map(|id| id.is_some_and(|id| self.graph.tensor(id).is_const() && !self.made[id.0]));
        let constant: Vec<bool> = constant.collect();
        let written = operators::write(&node.op, &operands, &results, &constant)?;
        let version = versions::version(&node.op, &operands, &results);
        let inputs: Result<Vec<i32>> = node.inputs.iter().map(|&id| index(id)).collect();
        let outputs: Result<Vec<i32>> = node.outputs.iter().map(|&id| index(Some(id))).collect();
        let table = Table::new()
            .set(OPCODE_INDEX, codes.index(node.op.name(), version))
            .vector(INPUTS, &inputs?)
            .vector(OUTPUTS, &outputs?);
        let table = match written.options {
            Some((kind, options)) => {
                table.set(BUILTIN_OPTIONS_TYPE, kind).table(BUILTIN_OPTIONS, options)
            }
            None => table,
        };
        Ok(match written.custom.as_slice() {
            [] => table,
            custom => table.bytes(CUSTOM_OPTIONS, custom),
        })
    }
}

/// The operators that the model uses, in order of appearance, each once: TFLite's converter gives all uses the
/// highest version that one of them needs.
#[derive(Default)]
struct Codes {
    used: Vec<(&'static str, i32)>,
}

impl Codes {
    fn index(&mut self, name: &'static str, version: i32) -> u32 {
        let found = self.used.iter().position(|(used, _)| *used == name);
        let at = found.unwrap_or_else(|| {
            self.used.push((name, version));
            self.used.len() - 1
        });
        let needed = &mut self.used[at].1;
        *needed = version.max(*needed);
        at as u32
    }

    fn tables(&self) -> Vec<Table> {
        use schema::operator_code::*;
        /// What the one byte of old files says of operators that it has no room for.
        const IN_THE_OTHER_FIELD: i32 = i8::MAX as i32;
        let table = |&(name, version): &(&str, i32)| {
            let builtin = BUILTIN_OPERATORS.iter().position(|&builtin| builtin == name);
            let number = builtin.map_or(schema::CUSTOM, |number| number as i32);
            let table = Table::new()
                .set(DEPRECATED_BUILTIN_CODE, number.min(IN_THE_OTHER_FIELD) as i8)
                .set(VERSION, version)
                .set(BUILTIN_CODE, number);
            if builtin.is_some() { table } else { table.text(CUSTOM_CODE, name) }
        };
        self.used.iter().map(table).collect()
    }
}

fn quantization(scales: &Quantization) -> Result<Table> {
    use schema::quantization::*;
    Ok(Table::new()
        .vector(SCALE, &scales.scale)
        .vector(ZERO_POINT, &scales.zero_point)
        .set(QUANTIZED_DIMENSION, word(scales.axis)?))
}

/// The schema's number of a type: its place in [`schema::TENSOR_TYPES`].
fn type_number(dtype: DType) -> i8 {
    match dtype {
        DType::F32 => 0,
        DType::F16 => 1,
        DType::I32 => 2,
        DType::U8 => 3,
        DType::I64 => 4,
        DType::Bool => 6,
        DType::I16 => 7,
        DType::I8 => 9,
    }
}

/// How operators refer to a tensor; -1 stands for an operand that is left out.
fn index(id: Option<TensorId>) -> Result<i32> {
    id.map_or(Ok(-1), |id| word(id.0))
}

/// An attribute or extent as the schema stores it.
fn word(value: usize) -> Result<i32> {
    i32::try_from(value).map_err(|_| Error::bad_input(format!("{value} does not fit 32 bits")))
}

/// What only passes make.
fn cannot_say(what: &str) -> Error {
    Error::bad_input(format!("has {what}, which a .tflite file cannot say"))
}

#[cfg(test)]
mod tests;
