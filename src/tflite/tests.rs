//! Files made by hand: what is read of them, and the error for everything that can be wrong.

use super::builder::{Table, finish};
use super::flatbuffer::Field;
use super::schema::{
    self, buffer, model, operator, operator_code, options, quantization, subgraph, tensor,
};
use super::*;
use crate::error::ErrorKind;
use crate::ops::{Conv2d, Op, Padding, TransposeConv, Unary, Window};

/// Numbers of `TensorType`.
const FLOAT32: i8 = 0;
const INT32: i8 = 2;
const STRING: i8 = 5;

/// The parts of a model with one graph, which tests change before the file is written.
#[derive(Clone)]
struct Parts {
    codes: Vec<Table>,
    tensors: Vec<Table>,
    buffers: Vec<Table>,
    operators: Vec<Table>,
    inputs: Vec<i32>,
    outputs: Vec<i32>,
    version: u32,
}

impl Parts {
    fn bytes(&self) -> Vec<u8> {
        let graph = Table::new()
            .text(subgraph::NAME, "by hand")
            .tables(subgraph::TENSORS, self.tensors.clone())
            .vector(subgraph::INPUTS, &self.inputs)
            .vector(subgraph::OUTPUTS, &self.outputs)
            .tables(subgraph::OPERATORS, self.operators.clone());
        let root = Table::new()
            .set(model::VERSION, self.version)
            .tables(model::OPERATOR_CODES, self.codes.clone())
            .tables(model::SUBGRAPHS, [graph])
            .tables(model::BUFFERS, self.buffers.clone());
        finish(&root, schema::IDENTIFIER)
    }

    fn read(&self) -> Result<Graph> {
        read(&self.bytes())
    }

    /// The error as it is shown, and who must act.
    fn refused(&self) -> (ErrorKind, String) {
        let error = self.read().expect_err("the model should have been refused");
        let message = error.to_string();
        assert!(!message.contains('\n'), "{message}");
        (error.kind(), message)
    }
}

fn code(builtin: i32) -> Table {
    Table::new().set(operator_code::BUILTIN_CODE, builtin)
}

fn custom_code(name: &str) -> Table {
    code(schema::CUSTOM).text(operator_code::CUSTOM_CODE, name)
}

fn number(builtin: &str) -> i32 {
    schema::BUILTIN_OPERATORS.iter().position(|&name| name == builtin).unwrap() as i32
}

fn float(name: &str, shape: &[i32], buffer: u32) -> Table {
    Table::new()
        .text(tensor::NAME, name)
        .vector(tensor::SHAPE, shape)
        .set(tensor::TYPE, FLOAT32)
        .set(tensor::BUFFER, buffer)
}

fn operator(code: u32, inputs: &[i32], outputs: &[i32]) -> Table {
    Table::new()
        .set(operator::OPCODE_INDEX, code)
        .vector(operator::INPUTS, inputs)
        .vector(operator::OUTPUTS, outputs)
}

fn with_options(operator: Table, kind: u8, options: Table) -> Table {
    operator.set(operator::BUILTIN_OPTIONS_TYPE, kind).table(operator::BUILTIN_OPTIONS, options)
}

fn floats(values: &[f32]) -> Table {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Table::new().bytes(buffer::DATA, &bytes)
}

/// `out = ADD(in, constant)` with a fused RELU6; tensors 0, 1 and 2 are in, constant and out.
fn add() -> Parts {
    let options = Table::new().set(options::add::ACTIVATION, 3);
    Parts {
        codes: vec![code(number("ADD"))],
        tensors: vec![
            float("in", &[1, 2, 2, 2], 0),
            float("constant", &[2], 1),
            float("out", &[1, 2, 2, 2], 0),
        ],
        buffers: vec![Table::new(), floats(&[1.0, -2.5])],
        operators: vec![with_options(operator(0, &[0, 1], &[2]), options::add::TYPE, options)],
        inputs: vec![0],
        outputs: vec![2],
        version: 3,
    }
}

#[test]
fn a_model_is_read_whole() {
    let graph = add().read().unwrap();
    assert_eq!(graph.name, "by hand");
    assert_eq!((graph.inputs, graph.outputs), (vec![TensorId(0)], vec![TensorId(2)]));
    let node = &graph.nodes[0];
    assert_eq!(node.op.name(), "ADD");
    assert_eq!(node.op.activation(), Some(Unary::Relu6));
    assert_eq!(node.inputs, [Some(TensorId(0)), Some(TensorId(1))]);
    assert_eq!(node.covers, [OpRef { index: 0, name: "ADD".to_string() }]);
    assert_eq!(graph.tensors[1].data.as_deref(), Some(&Data::F32(vec![1.0, -2.5])));
    assert_eq!(graph.tensors[2].shape.dims(), [1, 2, 2, 2]);
    assert_eq!(graph.tensors[0].name, "in");
}

#[test]
fn options_left_out_of_a_table_have_their_defaults() {
    let mut parts = add();
    parts.codes = vec![code(number("CONV_2D"))];
    parts.tensors = vec![
        float("in", &[1, 5, 5, 1], 0),
        float("filter", &[1, 3, 3, 1], 1),
        float("out", &[1, 5, 5, 1], 0),
    ];
    parts.buffers[1] = floats(&[0.5; 9]);
    let options =
        Table::new().set(options::conv_2d::STRIDE_W, 2).set(options::conv_2d::STRIDE_H, 1);
    // -1 is the bias that is left out.
    let conv = operator(0, &[0, 1, -1], &[2]);
    parts.operators = vec![with_options(conv, options::conv_2d::TYPE, options)];
    let graph = parts.read().unwrap();
    let window = Window { stride: [1, 2], dilation: [1, 1], padding: Padding::Same };
    assert_eq!(graph.nodes[0].op, Op::Conv2d(Conv2d { window, activation: None }));
    assert_eq!(graph.nodes[0].inputs[2], None);
    assert_eq!(graph.tensors[2].shape.dims(), [1, 5, 3, 1]);
}

#[test]
fn custom_options_are_the_struct_in_memory() {
    let mut parts = add();
    parts.codes = vec![custom_code("Convolution2DTransposeBias")];
    parts.tensors = vec![
        float("in", &[1, 4, 4, 1], 0),
        float("filter", &[1, 2, 2, 1], 1),
        float("bias", &[1], 2),
        float("out", &[], 0),
    ];
    parts.buffers = vec![Table::new(), floats(&[1.0; 4]), floats(&[0.0])];
    parts.outputs = vec![3];
    let transpose = |words: &[i32]| {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        vec![operator(0, &[0, 1, 2], &[3]).bytes(operator::CUSTOM_OPTIONS, &bytes)]
    };
    parts.operators = transpose(&[1, 2, 2]);
    let op = TransposeConv {
        stride: [2, 2],
        padding: Padding::Same,
        activation: None,
        rounds_twice: false,
    };
    let graph = parts.read().unwrap();
    assert_eq!(graph.nodes[0].op, Op::Convolution2dTransposeBias(op));
    assert_eq!(graph.tensors[3].shape.dims(), [1, 8, 8, 1]);

    let at = "operator 0 (Convolution2DTransposeBias): ";
    for (words, what) in [
        (&[0, 2, 2][..], "padding 0 does not exist"),
        (&[1, -2, 2], "size -2 is negative"),
        (&[1, 2], "needs 12 bytes of options, has 8"),
    ] {
        parts.operators = transpose(words);
        assert_eq!(parts.refused(), (ErrorKind::MalformedModel, format!("{at}{what}")));
    }
    parts.operators = vec![operator(0, &[0, 1, 2], &[3]).bytes(operator::CUSTOM_OPTIONS, &[7; 5])];
    assert_eq!(parts.refused().1, format!("{at}has 5 bytes of options"));
    parts.operators =
        vec![operator(0, &[0, 1, 2], &[3]).set(operator::LARGE_CUSTOM_OPTIONS_OFFSET, 64)];
    assert_eq!(parts.refused().0, ErrorKind::UnsupportedModel);
}

#[test]
fn old_files_have_their_operator_in_one_byte() {
    let mut parts = add();
    parts.codes = vec![Table::new().set(operator_code::DEPRECATED_BUILTIN_CODE, 18)];
    let options = Table::new();
    parts.operators = vec![with_options(operator(0, &[0, 1], &[2]), options::mul::TYPE, options)];
    assert_eq!(parts.read().unwrap().nodes[0].op.name(), "MUL");
}

#[test]
fn what_is_not_a_model_is_said_to_be_none() {
    for bytes in [&b""[..], b"TFL3", b"<!DOCTYPE html><html></html>"] {
        let error = read(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedModel);
        assert!(error.to_string().contains("not a .tflite file"), "{error}");
    }
    let mut parts = add();
    parts.version = 2;
    let message = "the file is of schema version 2, only version 3 is supported";
    assert_eq!(parts.refused(), (ErrorKind::UnsupportedModel, message.to_string()));
    let empty = finish(&Table::new().set(model::VERSION, 3), schema::IDENTIFIER);
    assert_eq!(read(&empty).unwrap_err().to_string(), "the file contains no graph");
}

#[test]
fn all_unsupported_operators_are_in_one_error() {
    let mut parts = add();
    let custom = custom_code("MyOwn\nOp");
    parts.codes.extend([code(number("WHILE")), custom, code(4711), code(number("IF"))]);
    for kind in [2, 1, 1, 2, 3, 0] {
        parts.operators.push(operator(kind, &[2], &[0]));
    }
    let error = parts.read().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedModel);
    assert_eq!(error.op().unwrap(), &OpRef { index: 1, name: "MyOwn\u{fffd}Op".to_string() });
    assert_eq!(
        error.to_string(),
        "operator 1 (MyOwn\u{fffd}Op): this operator is not supported; \
         nor are WHILE (operator 2), builtin 4711 (operator 5)"
    );
    for i in 0..40 {
        parts.codes.push(custom_code(&format!("Custom{i}")));
        parts.operators.push(operator(5 + i, &[2], &[0]));
    }
    assert!(parts.refused().1.ends_with(" and 18 more"), "{}", parts.refused().1);
}

#[test]
fn an_unsupported_type_matters_where_it_is_used() {
    let mut parts = add();
    parts.tensors.push(float("words", &[3], 0).set(tensor::TYPE, STRING));
    assert_eq!(parts.read().unwrap().tensors[3].name, "words");
    parts.tensors[1] = float("constant", &[2], 1).set(tensor::TYPE, STRING);
    let message =
        "operator 0 (ADD): tensor 1 'constant': is of type STRING, which is not supported";
    assert_eq!(parts.refused(), (ErrorKind::UnsupportedModel, message.to_string()));
    parts.tensors[1] = float("constant", &[2], 1).set(tensor::TYPE, -3);
    assert!(parts.refused().1.ends_with("is of type -3, which is unknown here"));
    // A type that is known, but not for this operator.
    parts.tensors[1] = float("constant", &[2], 1).set(tensor::TYPE, INT32);
    assert!(parts.refused().1.contains("int32"), "{}", parts.refused().1);
    // Tensors of the graph itself have no operator.
    parts = add();
    parts.tensors.push(float("unused", &[1], 0).set(tensor::TYPE, STRING));
    parts.inputs.push(3);
    assert!(parts.refused().1.starts_with("tensor 3 'unused': is of type STRING"));
}

#[test]
fn tensors_stored_in_ways_we_do_not_read_are_refused() {
    let constant = || float("constant", &[2], 1);
    for (table, what) in [
        (constant().set(tensor::IS_VARIABLE, true), "is a variable, which keeps its value"),
        (constant().table(tensor::SPARSITY, Table::new()), "is stored sparse"),
        (constant().set(tensor::EXTERNAL_BUFFER, 4), "lies in another file"),
        (constant().vector(tensor::SHAPE, &[1i32; 9]), "has 9 extents, at most 8 are supported"),
    ] {
        let mut parts = add();
        parts.tensors[1] = table;
        let (kind, message) = parts.refused();
        assert_eq!(kind, ErrorKind::UnsupportedModel);
        let at = format!("operator 0 (ADD): tensor 1 'constant': {what}");
        assert!(message.starts_with(&at), "{message}");
    }
}

#[test]
fn constants_must_fill_their_shape() {
    for (table, buffer, what) in [
        (
            float("constant", &[3], 1),
            floats(&[0.0; 2]),
            "is 3 of float32, but its buffer holds 2 elements",
        ),
        (
            float("constant", &[], 1),
            floats(&[0.0; 2]),
            "is scalar of float32, but its buffer holds 2 elements",
        ),
        (
            float("constant", &[2], 1),
            Table::new().bytes(buffer::DATA, &[0; 7]),
            "is float32, but its buffer holds 7 bytes",
        ),
        (float("constant", &[2], 9), floats(&[]), "refers to buffer 9, but there are 2 buffers"),
        (float("constant", &[-2], 1), floats(&[]), "has an extent of -2"),
    ] {
        let mut parts = add();
        (parts.tensors[1], parts.buffers[1]) = (table, buffer);
        let message = format!("operator 0 (ADD): tensor 1 'constant': {what}");
        assert_eq!(parts.refused(), (ErrorKind::MalformedModel, message));
    }
    // Without data it is no constant, and then nothing makes it.
    let mut parts = add();
    parts.buffers[1] = floats(&[]);
    assert_eq!(parts.refused().0, ErrorKind::MalformedModel);
    let mut parts = add();
    parts.tensors[0] = float("in", &[1 << 20, 1 << 20], 0);
    assert_eq!(parts.refused().0, ErrorKind::Limit);
}

#[test]
fn an_open_extent_starts_as_one() {
    let mut parts = add();
    parts.tensors[0] = float("in", &[-1, 2, 2, 2], 0);
    assert_eq!(parts.read().unwrap().tensors[2].shape.dims(), [1, 2, 2, 2]);
}

#[test]
fn a_buffer_may_lie_behind_the_tables() {
    let mut parts = add();
    let place = |offset, size| Table::new().set(buffer::OFFSET, offset).set(buffer::SIZE, size);
    parts.buffers[1] = place(1, 1);
    let end = parts.bytes().len() as u64;
    parts.buffers[1] = place(end, 8);
    let mut bytes = parts.bytes();
    assert!(read(&bytes).unwrap_err().to_string().contains("is it cut off?"));
    bytes.extend(1.5f32.to_le_bytes());
    bytes.extend(2.5f32.to_le_bytes());
    let graph = read(&bytes).unwrap();
    assert_eq!(graph.tensors[1].data.as_deref(), Some(&Data::F32(vec![1.5, 2.5])));
    parts.buffers[1] = place(u64::MAX, u64::MAX);
    assert_eq!(parts.refused().0, ErrorKind::MalformedModel);
}

#[test]
fn tensors_share_what_they_share_in_the_file() {
    let mut parts = add();
    parts.tensors.push(float("twin", &[2], 1));
    parts.tensors.push(float("sum", &[1, 2, 2, 2], 0));
    let options = Table::new();
    parts.operators.push(with_options(operator(0, &[2, 3], &[4]), options::add::TYPE, options));
    let graph = parts.read().unwrap();
    let data = |i: usize| graph.tensors[i].data.as_ref().unwrap();
    assert!(Arc::ptr_eq(data(1), data(3)));
}

#[test]
fn quantization_is_per_tensor_or_per_slice() {
    let read = |shape: &[i32], table: Table| {
        let mut parts = add();
        parts.tensors[1] = float("constant", shape, 1).table(tensor::QUANTIZATION, table);
        parts.read().map(|g| g.tensors[1].quantization.clone())
    };
    let scales = |scale: &[f32]| Table::new().vector(quantization::SCALE, scale);
    assert_eq!(read(&[2], Table::new()).unwrap(), None);
    assert_eq!(
        read(&[2], scales(&[0.5]).vector(quantization::ZERO_POINT, &[3i64])).unwrap(),
        Some(Quantization { scale: vec![0.5], zero_point: vec![3], axis: 0 })
    );
    let axis = |axis| scales(&[0.5, 0.25]).set(quantization::QUANTIZED_DIMENSION, axis);
    assert_eq!(
        read(&[1, 2], axis(1)).unwrap(),
        Some(Quantization { scale: vec![0.5, 0.25], zero_point: vec![0, 0], axis: 1 })
    );
    for (table, kind, what) in [
        (axis(0), ErrorKind::MalformedModel, "slices along axis 0"),
        (axis(-1), ErrorKind::MalformedModel, "slices along axis -1"),
        (
            scales(&[f32::NAN]),
            ErrorKind::MalformedModel,
            "has a scale that is negative, infinite or no number",
        ),
        (
            scales(&[1.0]).vector(quantization::ZERO_POINT, &[3i64, 4]),
            ErrorKind::MalformedModel,
            "has 1 scales, but 2 zero points",
        ),
        (
            scales(&[1.0]).set(quantization::DETAILS_TYPE, 2),
            ErrorKind::UnsupportedModel,
            "is quantized by BlockwiseQuantization",
        ),
    ] {
        let error = read(&[1, 2], table).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn broken_operators_are_named() {
    let options = || Table::new();
    let with = |o: Table| vec![with_options(o, options::add::TYPE, options())];
    let activation = |a: i8| Table::new().set(Field(options::add::ACTIVATION.0, 0i8), a);
    let fused =
        |a| vec![with_options(operator(0, &[0, 1], &[2]), options::add::TYPE, activation(a))];
    for (operators, what) in [
        (with(operator(0, &[0, 7], &[2])), "refers to tensor 7, but there are 3 tensors"),
        (with(operator(0, &[0, -2], &[2])), "refers to tensor -2, but there are 3 tensors"),
        (with(operator(0, &[0, 1], &[-1])), "leaves out an input or output that is not optional"),
        (vec![operator(0, &[0, 1], &[2])], "its options are missing"),
        (
            vec![with_options(operator(0, &[0, 1], &[2]), options::mul::TYPE, options())],
            "its options are of kind 21, this operator's are of kind 11",
        ),
        (fused(5), "the fused activation SIGN_BIT is not supported"),
        (fused(9), "fused activation 9 does not exist"),
        (with(operator(0, &[0], &[2])), "needs 2 inputs, got 1"),
        (with(operator(0, &[0, 1], &[0])), "overwrites tensor 'in'"),
        (with(operator(0, &[0, 2], &[2])), "reads tensor 'out' before anything has made it"),
    ] {
        let mut parts = add();
        parts.operators = operators;
        assert_eq!(parts.refused().1, format!("operator 0 (ADD): {what}"));
    }
    let mut parts = add();
    parts.operators = with(operator(3, &[0, 1], &[2]));
    assert_eq!(parts.refused().1, "operator 0 is of kind 3, the file lists 1 kinds");
    let mut parts = add();
    parts.outputs = vec![3];
    assert_eq!(parts.refused().1, "refers to tensor 3, but there are 3 tensors");
}

#[test]
fn vectors_that_overlap_run_out_of_budget() {
    // Many tensors, all with the one long name: the copies would be far larger than the file.
    let mut parts = add();
    let long = "x".repeat(20_000);
    parts.tensors.push(float(&long, &[1], 0));
    parts.tensors.extend((0..2000).map(|_| float("short", &[1], 0)));
    let mut bytes = parts.bytes();
    assert!(read(&bytes).is_ok());
    let tensors = {
        let file = File::new(&bytes);
        let graph = file.root().unwrap().tables(model::SUBGRAPHS).unwrap().get(0).unwrap().unwrap();
        graph.tables(subgraph::TENSORS).unwrap().position()
    };
    // Tensor 3 is the one with the long name; its offset is at `tensors + 12`.
    let target =
        tensors + 12 + u32::from_le_bytes(bytes[tensors + 12..][..4].try_into().unwrap()) as usize;
    for i in 4..2004 {
        let at = tensors + 4 * i;
        bytes[at..at + 4].copy_from_slice(&((target - at) as u32).to_le_bytes());
    }
    assert_eq!(read(&bytes).unwrap_err().kind(), ErrorKind::Limit);
}
