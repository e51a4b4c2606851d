//! Bytes of a `.tflite` file → [`Graph`], and back.
//!
//! A model file is hostile until proved otherwise: whatever the bytes are, [`read`] gives a graph
//! that is whole, or one error that says what is wrong and at which operator. It copies no more
//! than a small multiple of the file's length.
//!
//! The reader is our own, after the `flatbuffers` crate 25.12 was tried on six tables of the
//! schema (model, codes, graph, tensor, buffer, operator), with its verifier under a safe layer:
//!
//! | | `flatbuffers` | this reader |
//! |---|---|---|
//! | `unsafe` of ours | two functions and one block for each table | none |
//! | lines for the six tables | 20, over 3200 of the crate | one for each field, over 280 |
//! | .wasm after `wasm-opt -O3`, raw / brotli | 42.5 / 13.5 kB | 27.5 / 8.8 kB |
//! | verify and walk `selfie_segmentation`, Node 20 | 0.065 ms | 0.054 ms |
//!
//! With the crate, a field that the verifier is not told of is read unchecked; here there is no
//! other way to read a field than the checked one. [`builder`] makes bytes over the same field
//! definitions, and [`write()`](fn@write) a whole model.

#![forbid(unsafe_code)]

pub mod builder;
pub mod flatbuffer;
pub mod operators;
#[allow(missing_docs)]
pub mod schema;
mod write;

pub use write::write;

use crate::error::{Error, OpRef, Result};
use crate::graph::{Graph, MAX_NODES, Node, TensorId};
use crate::tensor::{DType, Data, MAX_RANK, Quantization, Shape, TensorDef};
use flatbuffer::{File, Ref, Scalars, Table, Tables};
use operators::{Code, Decode, Options, decoder};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many different unsupported operators an error lists.
const MAX_LISTED: usize = 24;

/// More tensors than this are refused: about as many as the most operators need.
const MAX_TENSORS: usize = 5 * MAX_NODES;

/// Reads the first subgraph of a model and infers all shapes from its inputs on.
///
/// Errors: `MalformedModel` for bytes that break the format, `UnsupportedModel` for operators
/// (all of them in one error), types and storage that are not supported, `Limit` for tensors that
/// are too large.
pub fn read(bytes: &[u8]) -> Result<Graph> {
    let file = File::new(bytes);
    if file.identifier() != Some(schema::IDENTIFIER) {
        return Err(Error::malformed("this is not a .tflite file: it has no TFL3 at its offset 4"));
    }
    let model = file.root()?;
    let version = model.get(schema::model::VERSION)?;
    if version != schema::VERSION {
        return Err(Error::unsupported(format!(
            "the file is of schema version {version}, only version 3 is supported"
        )));
    }
    let subgraphs = model.tables(schema::model::SUBGRAPHS)?;
    let subgraph =
        subgraphs.get(0)?.ok_or_else(|| Error::malformed("the file contains no graph"))?;
    let tensors = subgraph.tables(schema::subgraph::TENSORS)?;
    at_most(MAX_TENSORS, tensors.len(), "tensors")?;
    let codes = read_codes(&model)?;
    at_most(MAX_NODES, subgraph.tables(schema::subgraph::OPERATORS)?.len(), "operators")?;
    let operators = read_operators(&subgraph, &codes, tensors.len())?;

    let mut graph = Graph {
        name: subgraph.text(schema::subgraph::NAME)?,
        inputs: read_ids(&subgraph, schema::subgraph::INPUTS, tensors.len())?,
        outputs: read_ids(&subgraph, schema::subgraph::OUTPUTS, tensors.len())?,
        ..Graph::default()
    };
    at_most(MAX_NODES, graph.inputs.len(), "inputs")?;
    at_most(MAX_NODES, graph.outputs.len(), "outputs")?;
    let buffers = model.tables(schema::model::BUFFERS)?;
    let users = find_users(&graph, &operators, tensors.len());
    let constants = Constants { file: &file, buffers, read: HashMap::new() };
    graph.tensors = read_tensors(&tensors, &users, constants)?;
    for (index, operator) in operators.into_iter().enumerate() {
        let node = operator.into_node(index, &graph.tensors)?;
        if let Some(id) = node.outputs.iter().find(|id| graph.tensors[id.0].is_const()) {
            let what = format!("overwrites the constant '{}'", graph.tensors[id.0].name);
            return Err(Error::malformed(what).at(index, &node.source().name));
        }
        graph.nodes.push(node);
    }
    graph.validate()?;
    graph.infer_shapes()?;
    Ok(graph)
}

/// A few bytes can name the same table again, and each costs us some hundred.
fn at_most(limit: usize, count: usize, what: &str) -> Result<()> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::limit(format!("the model has {count} {what}, at most {limit} are allowed")))
}

/// An operator of the file before its options are looked at.
struct Operator<'f> {
    name: &'f str,
    decode: Decode,
    table: Table<'f>,
    inputs: Vec<Option<TensorId>>,
    outputs: Vec<TensorId>,
}

impl Operator<'_> {
    fn into_node(self, index: usize, tensors: &[TensorDef]) -> Result<Node> {
        let op = self.options(tensors).and_then(|o| (self.decode)(&o));
        Ok(Node {
            op: op.map_err(|e| e.at(index, self.name))?,
            inputs: self.inputs,
            outputs: self.outputs,
            grid: None,
            covers: vec![OpRef { index, name: self.name.to_string() }],
        })
    }

    fn options(&self, tensors: &[TensorDef]) -> Result<Options<'_>> {
        use schema::operator::*;
        if self.table.get(LARGE_CUSTOM_OPTIONS_OFFSET)? > 1 {
            return Err(Error::unsupported("its options lie outside the FlatBuffer"));
        }
        Ok(Options {
            kind: self.table.get(BUILTIN_OPTIONS_TYPE)?,
            table: self.table.table(BUILTIN_OPTIONS)?,
            custom: self.table.bytes(CUSTOM_OPTIONS)?.unwrap_or_default(),
            made: self.outputs.iter().map(|id| tensors[id.0].dtype).collect(),
            constant: self
                .inputs
                .iter()
                .map(|id| id.is_some_and(|id| tensors[id.0].is_const()))
                .collect(),
        })
    }
}

/// The operators that the model uses, which its operator list refers to by index.
fn read_codes(model: &Table) -> Result<Vec<Code>> {
    use schema::operator_code::*;
    let read_code = |table: Table| {
        let number = table.get(BUILTIN_CODE)?.max(table.get(DEPRECATED_BUILTIN_CODE)? as i32);
        if number == schema::CUSTOM {
            return Ok(Code::Custom(table.text(CUSTOM_CODE)?));
        }
        let name = usize::try_from(number).ok().and_then(|n| schema::BUILTIN_OPERATORS.get(n));
        Ok(name.map_or(Code::Unknown(format!("builtin {number}")), |name| Code::Builtin(name)))
    };
    model.tables(schema::model::OPERATOR_CODES)?.iter().map(|table| read_code(table?)).collect()
}

/// All operators in running order, or one error that lists all that are not supported.
fn read_operators<'f>(
    subgraph: &Table<'f>,
    codes: &'f [Code],
    tensors: usize,
) -> Result<Vec<Operator<'f>>> {
    use schema::operator::*;
    let decoders: Vec<Option<Decode>> = codes.iter().map(decoder).collect();
    let mut operators = Vec::new();
    // Names, and index of the first operator that has each.
    let mut unsupported: Vec<(&str, usize)> = Vec::new();
    let mut listed = HashSet::new();
    for (index, table) in subgraph.tables(schema::subgraph::OPERATORS)?.iter().enumerate() {
        let table = table?;
        let code = table.get(OPCODE_INDEX)? as usize;
        let Some(name) = codes.get(code).map(Code::name) else {
            return Err(Error::malformed(format!(
                "operator {index} is of kind {code}, the file lists {} kinds",
                codes.len()
            )));
        };
        let Some(decode) = decoders[code] else {
            if listed.insert(name) {
                unsupported.push((name, index));
            }
            continue;
        };
        let ids = |field| read_optional_ids(&table, field, tensors);
        let (inputs, outputs) = ids(INPUTS)
            .and_then(|inputs| Ok((inputs, read_ids(&table, OUTPUTS, tensors)?)))
            .map_err(|e| e.at(index, name))?;
        operators.push(Operator { name, decode, table, inputs, outputs });
    }
    match unsupported.as_slice() {
        [] => Ok(operators),
        &[(first, index), ref rest @ ..] => {
            let mut message = "this operator is not supported".to_string();
            for (i, (name, index)) in rest.iter().take(MAX_LISTED).enumerate() {
                let link = if i == 0 { "; nor are " } else { ", " };
                message += &format!("{link}{name} (operator {index})");
            }
            if rest.len() > MAX_LISTED {
                message += &format!(" and {} more", rest.len() - MAX_LISTED);
            }
            Err(Error::unsupported(message).at(index, first))
        }
    }
}

/// Indices of tensors, each of which exists; -1 stands for an operand that is left out.
fn read_optional_ids(table: &Table, field: Ref, tensors: usize) -> Result<Vec<Option<TensorId>>> {
    let Some(indices) = table.vector::<i32>(field)? else { return Ok(Vec::new()) };
    let read_id = |index: i32| match usize::try_from(index) {
        Ok(id) if id < tensors => Ok(Some(TensorId(id))),
        Err(_) if index == -1 => Ok(None),
        _ => Err(Error::malformed(format!(
            "refers to tensor {index}, but there are {tensors} tensors"
        ))),
    };
    indices.iter().map(read_id).collect()
}

fn read_ids(table: &Table, field: Ref, tensors: usize) -> Result<Vec<TensorId>> {
    let ids: Option<Vec<TensorId>> =
        read_optional_ids(table, field, tensors)?.into_iter().collect();
    ids.ok_or_else(|| Error::malformed("leaves out an input or output that is not optional"))
}

/// Who is to be named when a tensor cannot be read.
#[derive(Clone, Copy)]
enum User<'f> {
    /// Nobody: the tensor may be anything.
    None,
    /// Only the graph itself, as its input or output.
    Graph,
    /// An operator: its index and name.
    Operator(usize, &'f str),
}

/// The first user of each tensor.
fn find_users<'f>(graph: &Graph, operators: &[Operator<'f>], tensors: usize) -> Vec<User<'f>> {
    let mut users = vec![User::None; tensors];
    for &id in graph.inputs.iter().chain(&graph.outputs) {
        users[id.0] = User::Graph;
    }
    for (index, operator) in operators.iter().enumerate().rev() {
        for &id in operator.inputs.iter().flatten().chain(&operator.outputs) {
            users[id.0] = User::Operator(index, operator.name);
        }
    }
    users
}

/// All tensors. One that nobody uses only keeps its place, so that ids stay the file's.
fn read_tensors(
    tensors: &Tables,
    users: &[User],
    mut constants: Constants,
) -> Result<Vec<TensorDef>> {
    let mut defs = Vec::new();
    for (index, (table, user)) in tensors.iter().zip(users).enumerate() {
        let table = table?;
        let mut def = TensorDef {
            name: table.text(schema::tensor::NAME)?,
            shape: Shape::new([0])?,
            dtype: DType::U8,
            quantization: None,
            data: None,
        };
        let read = match user {
            User::None => Ok(()),
            User::Graph | User::Operator(..) => read_tensor(&table, &mut def, &mut constants),
        };
        read.map_err(|e| {
            let e = e.about(&format!("tensor {index} '{}'", def.name));
            match *user {
                User::Operator(index, name) => e.at(index, name),
                User::Graph | User::None => e,
            }
        })?;
        defs.push(def);
    }
    Ok(defs)
}

/// Fills in all but the name.
fn read_tensor(table: &Table, def: &mut TensorDef, constants: &mut Constants) -> Result<()> {
    use schema::tensor::*;
    def.dtype = read_type(table.get(TYPE)?)?;
    def.shape = read_shape(table.vector(SHAPE)?)?;
    def.quantization = match table.table(QUANTIZATION)? {
        Some(quantization) => read_quantization(&quantization, &def.shape)?,
        None => None,
    };
    if table.get(IS_VARIABLE)? {
        return Err(Error::unsupported("is a variable, which keeps its value from run to run"));
    }
    if table.table(SPARSITY)?.is_some() {
        return Err(Error::unsupported("is stored sparse"));
    }
    if table.get(EXTERNAL_BUFFER)? != 0 {
        return Err(Error::unsupported("lies in another file"));
    }
    def.data = constants.get(table.get(BUFFER)?, def.dtype)?;
    match &def.data {
        Some(data) if data.len() != def.shape.elements() => Err(Error::malformed(format!(
            "is {} of {}, but its buffer holds {} elements",
            def.shape,
            def.dtype,
            data.len()
        ))),
        _ => Ok(()),
    }
}

fn read_type(number: i8) -> Result<DType> {
    let name = usize::try_from(number).ok().and_then(|n| schema::TENSOR_TYPES.get(n));
    match name.copied() {
        Some("FLOAT32") => Ok(DType::F32),
        Some("FLOAT16") => Ok(DType::F16),
        Some("INT8") => Ok(DType::I8),
        Some("UINT8") => Ok(DType::U8),
        Some("INT16") => Ok(DType::I16),
        Some("INT32") => Ok(DType::I32),
        Some("INT64") => Ok(DType::I64),
        Some("BOOL") => Ok(DType::Bool),
        Some(name) => Err(Error::unsupported(format!("is of type {name}, which is not supported"))),
        None => Err(Error::unsupported(format!("is of type {number}, which is unknown here"))),
    }
}

/// A shape left out is a scalar's. An extent of -1 is open and starts as 1, as TFLite does it.
fn read_shape(extents: Option<Scalars<i32>>) -> Result<Shape> {
    let Some(extents) = extents else { return Shape::new([]) };
    if extents.len() > MAX_RANK {
        return Err(Error::unsupported(format!(
            "has {} extents, at most {MAX_RANK} are supported",
            extents.len()
        )));
    }
    let extent = |d: i32| match d {
        -1 => Ok(1),
        d => usize::try_from(d).map_err(|_| Error::malformed(format!("has an extent of {d}"))),
    };
    Shape::new(extents.iter().map(extent).collect::<Result<Vec<usize>>>()?)
}

/// `None` when there are no scales: the table may hold only the range that calibration saw.
fn read_quantization(table: &Table, shape: &Shape) -> Result<Option<Quantization>> {
    use schema::quantization::*;
    let scale: Vec<f32> = table.vector(SCALE)?.map_or(Vec::new(), |v| v.iter().collect());
    let kind = table.get(DETAILS_TYPE)?;
    if kind != 0 {
        let name = DETAILS.get(kind as usize).unwrap_or(&"a kind unknown here");
        return Err(Error::unsupported(format!("is quantized by {name}")));
    }
    if scale.is_empty() {
        return Ok(None);
    }
    let zero_point: Vec<i64> = match table.vector(ZERO_POINT)? {
        Some(zero_point) if !zero_point.is_empty() => zero_point.iter().collect(),
        _ => vec![0; scale.len()],
    };
    if zero_point.len() != scale.len() {
        return Err(Error::malformed(format!(
            "has {} scales, but {} zero points",
            scale.len(),
            zero_point.len()
        )));
    }
    if scale.iter().any(|s| !s.is_finite() || *s < 0.0) {
        // Text of floats would be 5 KiB of code in a browser.
        return Err(Error::malformed("has a scale that is negative, infinite or no number"));
    }
    let dimension = table.get(QUANTIZED_DIMENSION)?;
    let axis = usize::try_from(dimension).unwrap_or(usize::MAX);
    if scale.len() == 1 {
        return Ok(Some(Quantization { scale, zero_point, axis: 0 }));
    }
    if shape.dims().get(axis) != Some(&scale.len()) {
        return Err(Error::malformed(format!(
            "is {shape}, which has not the {} slices along axis {dimension} that it has scales for",
            scale.len()
        )));
    }
    Ok(Some(Quantization { scale, zero_point, axis }))
}

/// Constant data by buffer. What tensors share in the file they share here.
struct Constants<'f> {
    file: &'f File<'f>,
    buffers: Tables<'f>,
    read: HashMap<(u32, DType), Arc<Data>>,
}

impl Constants<'_> {
    /// The elements in a buffer; `None` when it is empty, as for all tensors that are computed.
    fn get(&mut self, index: u32, dtype: DType) -> Result<Option<Arc<Data>>> {
        if let Some(data) = self.read.get(&(index, dtype)) {
            return Ok(Some(data.clone()));
        }
        let bytes = self.bytes(index)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let data = Data::from_le_bytes(dtype, bytes).ok_or_else(|| {
            Error::malformed(format!("is {dtype}, but its buffer holds {} bytes", bytes.len()))
        })?;
        let data = Arc::new(data);
        self.read.insert((index, dtype), data.clone());
        Ok(Some(data))
    }

    fn bytes(&self, index: u32) -> Result<&[u8]> {
        use schema::buffer::*;
        let buffer = self.buffers.get(index as usize)?.ok_or_else(|| {
            let count = self.buffers.len();
            Error::malformed(format!("refers to buffer {index}, but there are {count} buffers"))
        })?;
        if let Some(bytes) = buffer.bytes(DATA)? {
            return Ok(bytes);
        }
        match buffer.get(OFFSET)? {
            0 | 1 => Ok(&[]),
            offset => {
                let fits = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                self.file.contents(fits(offset), fits(buffer.get(SIZE)?))
            }
        }
    }
}

#[cfg(test)]
mod tests;
