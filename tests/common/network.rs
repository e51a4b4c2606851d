//! Networks as plain lists, written as files: nothing keeps one from being broken.

use octomask::tflite::builder::{Table, finish};
use octomask::tflite::schema::{
    BUILTIN_OPERATORS, CUSTOM, IDENTIFIER, buffer, model, operator, operator_code, quantization,
    subgraph, tensor,
};

/// Numbers of the schema's `TensorType`.
pub mod types {
    #![allow(missing_docs)]
    pub const F32: i8 = 0;
    pub const F16: i8 = 1;
    pub const I32: i8 = 2;
    pub const U8: i8 = 3;
    pub const I64: i8 = 4;
    pub const BOOL: i8 = 6;
    pub const I16: i8 = 7;
    pub const I8: i8 = 9;
}

/// What a file says of a network. Tensors are known by their index.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// All tensors.
    pub tensors: Vec<Tensor>,
    /// All operators, in the file's order.
    pub operators: Vec<Operator>,
    /// What the caller provides.
    pub inputs: Vec<i32>,
    /// What the caller gets.
    pub outputs: Vec<i32>,
}

/// What a file says of a tensor.
#[derive(Debug, Clone, Default)]
pub struct Tensor {
    /// Extents.
    pub shape: Vec<i32>,
    /// Number of the type, one of [`types`].
    pub dtype: i8,
    /// Little-endian elements of a constant.
    pub data: Option<Vec<u8>>,
    /// Scales; none for a tensor that is not quantized.
    pub scale: Vec<f32>,
    /// As many as scales, in a sound file.
    pub zero_point: Vec<i64>,
    /// The axis of the scales.
    pub axis: i32,
}

/// What a file says of an operator.
#[derive(Debug, Clone, Default)]
pub struct Operator {
    /// TFLite's name, or a custom operator's own.
    pub name: &'static str,
    /// Operands; -1 for one that is left out.
    pub inputs: Vec<i32>,
    /// Results.
    pub outputs: Vec<i32>,
    /// Number of the options' table in the union; 0 for none.
    pub kind: u8,
    /// The table of options.
    pub options: Table,
    /// Custom options.
    pub custom: Vec<u8>,
}

#[allow(dead_code)]
impl Network {
    /// An empty one.
    pub fn new() -> Network {
        Network::default()
    }

    /// Adds a tensor.
    pub fn add(&mut self, tensor: Tensor) -> i32 {
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    /// A float32 tensor that something makes.
    pub fn tensor(&mut self, shape: &[i32]) -> i32 {
        self.add(Tensor { shape: shape.to_vec(), ..Tensor::default() })
    }

    /// A tensor with one scale that something makes.
    pub fn quantized(&mut self, dtype: i8, shape: &[i32], scale: f32, zero_point: i64) -> i32 {
        let (scale, zero_point) = (vec![scale], vec![zero_point]);
        self.add(Tensor { shape: shape.to_vec(), dtype, scale, zero_point, ..Tensor::default() })
    }

    /// A float32 tensor that the caller provides.
    pub fn input(&mut self, shape: &[i32]) -> i32 {
        let id = self.tensor(shape);
        self.inputs.push(id);
        id
    }

    /// A float32 constant of ones.
    pub fn ones(&mut self, shape: &[i32]) -> i32 {
        let count = shape.iter().product::<i32>() as usize;
        let data = Some(1f32.to_le_bytes().repeat(count));
        self.add(Tensor { shape: shape.to_vec(), data, ..Tensor::default() })
    }

    /// A list of int32.
    pub fn list(&mut self, values: &[i32]) -> i32 {
        let data = Some(values.iter().flat_map(|v| v.to_le_bytes()).collect());
        let shape = vec![values.len() as i32];
        self.add(Tensor { shape, dtype: types::I32, data, ..Tensor::default() })
    }

    /// Adds an operator that makes one float32 tensor, whose shape the file leaves open.
    pub fn node(&mut self, name: &'static str, inputs: &[i32], kind: u8, options: Table) -> i32 {
        let output = self.tensor(&[]);
        self.operator(name, inputs, &[output], kind, options);
        output
    }

    /// Adds an operator.
    pub fn operator(
        &mut self,
        name: &'static str,
        inputs: &[i32],
        outputs: &[i32],
        kind: u8,
        options: Table,
    ) {
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        let custom = Vec::new();
        self.operators.push(Operator { name, inputs, outputs, kind, options, custom });
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut names: Vec<&str> = self.operators.iter().map(|o| o.name).collect();
        names.sort_unstable();
        names.dedup();
        let code = |name: &&str| match BUILTIN_OPERATORS.iter().position(|b| b == name) {
            Some(number) => Table::new().set(operator_code::BUILTIN_CODE, number as i32),
            None => Table::new()
                .set(operator_code::BUILTIN_CODE, CUSTOM)
                .text(operator_code::CUSTOM_CODE, name),
        };
        // Buffer 0 is the empty one.
        let mut buffers = vec![Table::new()];
        let mut tensors = Vec::new();
        for t in &self.tensors {
            let mut table = Table::new().vector(tensor::SHAPE, &t.shape).set(tensor::TYPE, t.dtype);
            if let Some(data) = &t.data {
                table = table.set(tensor::BUFFER, buffers.len() as u32);
                buffers.push(Table::new().bytes(buffer::DATA, data));
            }
            if !t.scale.is_empty() || !t.zero_point.is_empty() {
                let parameters = Table::new()
                    .vector(quantization::SCALE, &t.scale)
                    .vector(quantization::ZERO_POINT, &t.zero_point)
                    .set(quantization::QUANTIZED_DIMENSION, t.axis);
                table = table.table(tensor::QUANTIZATION, parameters);
            }
            tensors.push(table);
        }
        let operators = self.operators.iter().map(|o| {
            let code = names.binary_search(&o.name).expect("every name is listed");
            let table = Table::new()
                .set(operator::OPCODE_INDEX, code as u32)
                .vector(operator::INPUTS, &o.inputs)
                .vector(operator::OUTPUTS, &o.outputs);
            let table = match o.kind {
                0 => table,
                kind => table
                    .set(operator::BUILTIN_OPTIONS_TYPE, kind)
                    .table(operator::BUILTIN_OPTIONS, o.options.clone()),
            };
            match o.custom.is_empty() {
                true => table,
                false => table.bytes(operator::CUSTOM_OPTIONS, &o.custom),
            }
        });
        let graph = Table::new()
            .tables(subgraph::TENSORS, tensors)
            .vector(subgraph::INPUTS, &self.inputs)
            .vector(subgraph::OUTPUTS, &self.outputs)
            .tables(subgraph::OPERATORS, operators);
        let root = Table::new()
            .set(model::VERSION, 3)
            .tables(model::OPERATOR_CODES, names.iter().map(code))
            .tables(model::SUBGRAPHS, [graph])
            .tables(model::BUFFERS, buffers);
        finish(&root, IDENTIFIER)
    }
}
