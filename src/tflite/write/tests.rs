//! What a file cannot say, and what the reader does not keep as it was. That files of all operators come back is
//! shown by `tests/rewritten.rs`.

use super::*;
use crate::error::ErrorKind;
use crate::graph::testing::GraphBuilder;
use crate::ops::layout::Channels;
use crate::ops::{
    Binary, BinaryKind, Conv2d, Layout, Op, Padding, Pool2d, PoolKind, ResizeBilinear, Softmax,
    TransposeConv, Unary, Window,
};
use crate::optimize::optimize;
use crate::tensor::{Grid, Halves};
use crate::tflite::read;

const WINDOW: Window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };

/// `out = op(input)` for an image of 6x6 pixels in 2 channels and whatever else the operator reads.
fn graph_of(op: Op, constants: &[(&[usize], Data)]) -> Graph {
    let mut b = GraphBuilder::new();
    let mut inputs = vec![b.input(&[1, 6, 6, 2])];
    inputs.extend(constants.iter().map(|(shape, data)| b.constant(shape, data.clone())));
    let out = b.node(op, &inputs);
    b.build(&[out])
}

fn conv(window: Window, activation: Option<Unary>) -> Graph {
    let filter = (&[3, 3, 3, 2][..], Data::F32(vec![0.5; 54]));
    graph_of(Op::Conv2d(Conv2d { window, activation }), &[filter])
}

#[test]
fn a_graph_comes_back() {
    let graph = conv(WINDOW, Some(Unary::Relu6));
    let bytes = write(&graph).unwrap();
    assert_eq!(read(&bytes).unwrap(), graph);
    assert_eq!(&bytes[4..8], schema::IDENTIFIER);
}

#[test]
fn what_only_passes_make_is_refused_by_name() {
    let refused = |graph: &Graph, what: &str| {
        let error = write(graph).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput, "{error}");
        let name = graph.nodes[0].op.name();
        let expected = format!("operator 0 ({name}): has {what}, which a .tflite file cannot say");
        assert_eq!(error.to_string(), expected);
    };
    let explicit = Padding::Explicit { before: [1, 2], after: [0, 1] };
    refused(&conv(Window { padding: explicit, ..WINDOW }, None), "explicit padding");
    refused(&conv(WINDOW, Some(Unary::HardSwish)), "a fused HARD_SWISH");
    let mut graph = conv(WINDOW, None);
    graph.nodes[0].grid = Some(Grid::nudged(-1.0, 1.0, 8, false));
    refused(&graph, "results that are rounded to a grid");
    let parts = vec![Channels { operand: 0, range: 1..2 }];
    let channels = graph_of(Op::Layout(Layout::Channels(parts)), &[]);
    refused(&channels, "channels of several tensors, picked by a pass,");
    let prelu = Binary { kind: BinaryKind::Prelu, activation: Some(Unary::Relu) };
    let slopes = (&[2][..], Data::F32(vec![0.5; 2]));
    refused(&graph_of(Op::Binary(prelu), &[slopes]), "a fused activation");
    let softmax = Softmax { beta: 2.0, log: true };
    refused(&graph_of(Op::Softmax(softmax), &[]), "a factor before the logarithm");
    let pool = Pool2d {
        kind: PoolKind::Max,
        kernel: [2, 2],
        window: Window { dilation: [2, 2], ..WINDOW },
        activation: None,
    };
    refused(&graph_of(Op::Pool2d(pool), &[]), "a dilated window of a pool");
    refused(&graph_of(Op::MaxUnpool(pool), &[(&[1, 6, 6, 2], Data::F32(vec![0.1; 72]))]), {
        "a dilated window of a pool"
    });
    let bilinear =
        ResizeBilinear { align_corners: false, half_pixel_centers: true, fixed_point: true };
    let size = (&[2][..], Data::I32(vec![12, 12]));
    refused(
        &graph_of(Op::ResizeBilinear(bilinear), &[size]),
        "positions that are rounded as TFLite does not of this type",
    );
    let transposed = TransposeConv {
        stride: [2, 2],
        padding: Padding::Same,
        activation: Some(Unary::Relu),
        rounds_twice: false,
    };
    let filter = (&[3, 2, 2, 2][..], Data::F32(vec![0.5; 24]));
    refused(
        &graph_of(Op::Convolution2dTransposeBias(transposed), &[filter]),
        "a fused activation, or sums that are rounded twice,",
    );
    let mut b = GraphBuilder::new();
    let (size, x) = (b.constant(&[4], Data::I32(vec![1, 4, 4, 1])), b.input(&[1, 2, 2, 1]));
    let filter = b.constant(&[1, 2, 2, 1], Data::F32(vec![0.5; 4]));
    let op = TransposeConv { rounds_twice: true, ..transposed };
    let out = b.node(Op::TransposeConv(op), &[size, filter, x]);
    refused(&b.build(&[out]), "sums that are rounded as TFLite does not with such a size");
    let mut graph = graph_of(Op::Cast(DType::I32), &[]);
    graph.nodes[0].op = Op::Cast(DType::I64);
    refused(&graph, "a result that is of another type than it is converted to");
}

#[test]
fn what_is_no_network_is_refused() {
    let mut graph = conv(WINDOW, None);
    graph.outputs = vec![TensorId(7)];
    assert_eq!(write(&graph).unwrap_err().kind(), ErrorKind::MalformedModel);
    let mut graph = conv(WINDOW, None);
    let window = Window { stride: [1 << 31, 1], ..WINDOW };
    graph.nodes[0].op = Op::Conv2d(Conv2d { window, activation: None });
    let error = write(&graph).unwrap_err();
    assert_eq!(error.to_string(), "operator 0 (CONV_2D): 2147483648 does not fit 32 bits");
    graph.nodes.clear();
    graph.outputs = vec![graph.inputs[0]];
    graph.tensors[1].data = Some(Arc::new(Data::F32(Vec::new())));
    graph.tensors[1].shape = crate::tensor::Shape::new([0]).unwrap();
    let empty = write(&graph).unwrap_err();
    assert_eq!(empty.to_string(), format!("the constant '{}' is empty", graph.tensors[1].name));
}

/// What inference knows of a result is not written: the file would have a constant that is overwritten.
#[test]
fn results_that_are_known_are_no_constants() {
    let mut b = GraphBuilder::new();
    let x = b.input(&[1, 5, 7]);
    let extents = b.node(Op::Shape(DType::I32), &[x]);
    let graph = b.build(&[extents]);
    assert!(graph.tensor(extents).is_const());
    assert_eq!(read(&write(&graph).unwrap()).unwrap(), graph);
}

#[test]
fn constants_are_shared_as_they_were() {
    let mut b = GraphBuilder::new();
    let x = b.input(&[1000]);
    let constant = b.constant(&[1000], Data::F32(vec![1.5; 1000]));
    let add = Op::Binary(Binary { kind: BinaryKind::Add, activation: None });
    let sum = b.node(add.clone(), &[x, constant]);
    let twin = b.constant(&[1000], Data::F32(vec![1.5; 1000]));
    let mut graph = b.build(&[sum]);
    graph.tensors[twin.0].data = graph.tensors[constant.0].data.clone();
    let alone = write(&graph).unwrap().len();
    assert!(alone < 5000, "{alone} bytes");
}

/// The writer works behind passes that make nothing of their own.
#[test]
fn fused_activations_are_written() {
    let mut b = GraphBuilder::new();
    let x = b.input(&[1, 4, 4, 2]);
    let filter = b.constant(&[3, 1, 1, 2], Data::F32(vec![0.5; 6]));
    let y = b.node(Op::Conv2d(Conv2d { window: WINDOW, activation: None }), &[x, filter]);
    let y = b.node(Op::Unary(Unary::Relu), &[y]);
    let mut graph = b.build(&[y]);
    optimize(&mut graph, &[]).unwrap();
    assert_eq!(graph.nodes.len(), 1);
    let read = read(&write(&graph).unwrap()).unwrap();
    assert_eq!(read.nodes[0].op, graph.nodes[0].op);
}

/// The file's range of FAKE_QUANT is not kept; another one that gives the same grid is found.
#[test]
fn grids_come_back_from_a_range() {
    // Ranges of all kinds, without a random number generator: products of coprime steps.
    let mut tried = 0;
    for i in 0..4000u32 {
        let bits = 2 + i % 15;
        let low = (i as f32 * 0.377).sin() * 10f32.powi(i as i32 % 61 - 30);
        let high = low
            + 1e-3 * low.abs()
            + (i as f32 * 0.519).cos().abs() * 10f32.powi(i as i32 % 57 - 28);
        let grid = Grid::nudged(low, high, bits, i % 2 == 0);
        let graph = graph_of(Op::FakeQuant(grid), &[]);
        let bytes = write(&graph).unwrap_or_else(|e| panic!("{low} to {high}, {bits} bits: {e}"));
        assert_eq!(read(&bytes).unwrap(), graph, "{low} to {high}, {bits} bits");
        tried += 1;
    }
    assert_eq!(tried, 4000);
    let grid = Grid { scale: 0.1, zero_point: 3, low: 0, high: 9, halves: Halves::UpFromLowest };
    let error = write(&graph_of(Op::FakeQuant(grid), &[])).unwrap_err();
    assert!(error.to_string().contains("a grid that no range is nudged to"), "{error}");
}
