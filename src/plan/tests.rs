//! Whole plans: kernels against the naive reference, with sharing of memory, threads and passes.

use super::*;
use crate::graph::testing::GraphBuilder;
use crate::ops::{
    Binary, BinaryKind, Conv2d, DepthwiseConv2d, Op, Padding, Pool2d, PoolKind, Reduce, ReduceKind,
    ResizeBilinear, Unary, Window,
};
use crate::optimize::{PASSES, optimize};
use crate::session::Session;
use crate::tensor::View;
use crate::threads::Team;

/// A small generator of pseudo-random numbers (xorshift), so that a seed rebuilds a case.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
    }
}

/// A network of operators in random order on images of one size: values are read again later,
/// so that memory sharing is put to the test.
fn random_graph(seed: u64) -> Graph {
    let mut random = Random(seed * 2_654_435_761 + 1);
    let mut b = GraphBuilder::new();
    let (h, w, c) = (4 + random.below(20), 4 + random.below(20), 1 + random.below(20));
    let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };
    let mut values = vec![b.input(&[1, h, w, c])]; // all [1, h, w, c]
    for _ in 0..2 + random.below(20) {
        let any = |random: &mut Random, values: &[TensorId]| values[random.below(values.len())];
        let x = any(&mut random, &values);
        let made = match random.below(8) {
            0 => {
                let k = [1, 3][random.below(2)];
                let filter = b.constant(&[c, k, k, c], Data::F32(random.floats(c * k * k * c)));
                let bias = b.constant(&[c], Data::F32(random.floats(c)));
                b.node(Op::Conv2d(Conv2d { window, activation: None }), &[x, filter, bias])
            }
            1 => {
                let k = [3, 5][random.below(2)];
                let filter = b.constant(&[1, k, k, c], Data::F32(random.floats(k * k * c)));
                let op = DepthwiseConv2d { window, activation: Some(Unary::Relu6) };
                b.node(Op::DepthwiseConv2d(op), &[x, filter])
            }
            2 => {
                let all = [
                    Unary::Relu,
                    Unary::Relu6,
                    Unary::ReluN1To1,
                    Unary::HardSwish,
                    Unary::Logistic,
                    Unary::Tanh,
                ];
                b.node(Op::Unary(all[random.below(all.len())]), &[x])
            }
            3 => {
                let axes = b.constant(&[2], Data::I32(vec![1, -2]));
                let mean = Op::Reduce(Reduce { kind: ReduceKind::Mean, keep_dims: true });
                let mean = b.node(mean, &[x, axes]);
                let gate = b.node(Op::Unary(Unary::Logistic), &[mean]);
                let mul = Op::Binary(Binary { kind: BinaryKind::Mul, activation: None });
                b.node(mul, &[x, gate])
            }
            4 => {
                let kernel = [1 + random.below(3), 1 + random.below(3)];
                let op = Pool2d { kind: PoolKind::Average, kernel, window, activation: None };
                b.node(Op::Pool2d(op), &[x])
            }
            5 => {
                let size = b.constant(&[2], Data::I32(vec![h as i32, w as i32]));
                let align_corners = random.below(2) == 0;
                let op =
                    ResizeBilinear { align_corners, half_pixel_centers: false, fixed_point: false };
                b.node(Op::ResizeBilinear(op), &[x, size])
            }
            _ => {
                let kind = [BinaryKind::Add, BinaryKind::Mul][random.below(2)];
                let activation = [None, Some(Unary::Tanh)][random.below(2)];
                let other = any(&mut random, &values);
                b.node(Op::Binary(Binary { kind, activation }), &[x, other])
            }
        };
        values.push(made);
    }
    // The last value, and another one, perhaps the input itself.
    let outputs = [values[values.len() - 1], values[random.below(values.len())]];
    b.build(&outputs)
}

/// Runs a graph on `input` and returns all outputs.
fn run(graph: &Graph, backend: Backend, threads: usize, input: &[f32]) -> Vec<Vec<f32>> {
    let mut plan = Plan::new(graph, backend, threads).unwrap();
    for step in &mut plan.steps {
        // Small images are not worth splitting; here they are split to see that it works.
        step.tiles = if threads > 1 { step.kernel.units().clamp(1, 7) } else { 1 };
    }
    let mut session = Session::new(plan);
    let mut team = Team::new(threads).unwrap();
    session.input_mut(0).unwrap().copy_from(View::F32(input)).unwrap();
    let mut results = Vec::new();
    // Twice: nothing of the first run may leak into the second.
    for _ in 0..2 {
        session.run(&mut team, None);
        let output = |i| session.output(i).unwrap().f32().unwrap().to_vec();
        results.push((0..graph.outputs.len()).map(output).collect::<Vec<_>>());
    }
    assert_eq!(results[0], results[1], "a second run gives other results");
    results.pop().unwrap()
}

fn assert_close(what: &str, got: &[Vec<f32>], want: &[Vec<f32>]) {
    for (got, want) in got.iter().zip(want) {
        let range = want.iter().fold(1.0f32, |m, x| m.max(x.abs()));
        for (i, (g, w)) in got.iter().zip(want).enumerate() {
            assert!((g - w).abs() <= 2e-4 * range, "{what}: element {i} is {g}, should be {w}");
        }
    }
}

#[test]
fn kernels_agree_with_the_reference_on_random_graphs() {
    for seed in 0..150 {
        let graph = random_graph(seed);
        let shape = &graph.tensor(graph.inputs[0]).shape;
        let input = Random(seed + 77).floats(shape.elements());
        let want = run(&graph, Backend::Reference, 1, &input);
        assert_close(&format!("seed {seed}"), &run(&graph, Backend::Kernels, 1, &input), &want);
        let one = run(&graph, Backend::Kernels, 1, &input);
        let three = run(&graph, Backend::Kernels, 3, &input);
        assert_eq!(one, three, "seed {seed}: threads change the result");
    }
}

#[test]
fn every_pass_keeps_the_result() {
    for seed in 0..60 {
        let graph = random_graph(seed);
        let input = Random(seed + 5).floats(graph.tensor(graph.inputs[0]).shape.elements());
        let want = run(&graph, Backend::Reference, 1, &input);
        let all: Vec<String> = PASSES.iter().map(|p| p.name.to_string()).collect();
        // All passes, and each one switched off.
        for off in std::iter::once(None).chain(all.iter().map(Some)) {
            let mut optimized = graph.clone();
            optimize(&mut optimized, off.map_or(&[][..], std::slice::from_ref)).unwrap();
            optimized.validate().unwrap();
            let got = run(&optimized, Backend::Kernels, 1, &input);
            assert_close(&format!("seed {seed} without {off:?}"), &got, &want);
        }
    }
}

#[test]
fn inputs_and_constants_can_be_outputs() {
    let mut b = GraphBuilder::new();
    let x = b.input(&[3]);
    let c = b.constant(&[2], Data::F32(vec![5.0, 6.0]));
    let y = b.node(Op::Unary(Unary::Relu), &[x]);
    let graph = b.build(&[x, c, y, x]);
    for backend in [Backend::Kernels, Backend::Reference] {
        let got = run(&graph, backend, 1, &[-1.0, 0.0, 2.0]);
        let [input, constant] = [vec![-1.0, 0.0, 2.0], vec![5.0, 6.0]];
        assert_eq!(got, [input.clone(), constant, vec![0.0, 0.0, 2.0], input]);
    }
}

#[test]
fn elementwise_steps_work_in_place_where_nobody_else_reads() {
    let mut b = GraphBuilder::new();
    let x = b.input(&[1, 8, 8, 4]);
    let one = b.node(Op::Unary(Unary::Relu), &[x]);
    let two = b.node(Op::Unary(Unary::Tanh), &[one]);
    let three = b.node(Op::Unary(Unary::Logistic), &[two]);
    let kept =
        b.node(Op::Binary(Binary { kind: BinaryKind::Add, activation: None }), &[three, two]);
    let graph = b.build(&[kept]);
    let plan = Plan::new(&graph, Backend::Kernels, 1).unwrap();
    let slot = |i: usize| plan.steps[i].outputs[0].offset;
    // The input is the caller's; the first result is overwritten by the second; the third must
    // spare the second, which the sum still reads; the sum takes one of the two.
    assert_ne!(slot(0), plan.inputs[0].offset);
    assert_eq!(slot(1), slot(0));
    assert_ne!(slot(2), slot(1));
    assert!(slot(3) == slot(2) || slot(3) == slot(1));
    assert_eq!(plan.arena.bytes, 3 * 8 * 8 * 4 * 4);
}
