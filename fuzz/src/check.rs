//! What must hold for any file. Panics where it does not.

mod agree;
#[path = "../../tests/common/leaping_clock.rs"]
mod leaping_clock;

use super::memory::with_peak;
use super::source::Random;
use leaping_clock::leaping_clock;
use octomask::advise::propose;
use octomask::error::{Error, ErrorKind};
use octomask::graph::{Graph, TensorId};
use octomask::input_size::resized;
use octomask::optimize::{PASSES, QUANTIZED_TO_FLOAT, optimize};
use octomask::plan::limits::check_work;
use octomask::plan::{Backend, Plan};
use octomask::session::Session;
use octomask::tensor::{DType, Data, TensorDef};
use octomask::threads::Team;
use octomask::{Model, Options, reference, tflite};
use std::collections::HashMap;
use std::sync::Arc;

/// What reading may hold beyond a multiple of the file's length, in bytes.
const READING_FLOOR: usize = 16 << 20;

/// Passes that compute the same numbers in another way, so that they are rounded differently, or leave
/// out zeros, which infinite weights make NaN.
const COMPUTE_OTHERWISE: [&str; 6] = [
    "dilate-convolutions",
    "fold-padding",
    "fold-scales",
    "join-hard-swish",
    "argmax-of-logits",
    "convolve-before-resize",
];

/// Networks are run that ask for no more multiply-adds, or elements, than this. The code that counts
/// coverage and finds wild pointers is slow.
const MAX_RUN: u64 = 1 << 18;

/// Reads a file, within memory in proportion to it.
pub fn read(bytes: &[u8]) -> Option<Graph> {
    let (graph, peak) = with_peak(|| tflite::read(bytes));
    assert!(peak <= 32 * bytes.len() + READING_FLOOR, "{peak} bytes for {}", bytes.len());
    graph.map_err(|e| check_error(&e)).ok()
}

fn check_error(error: &Error) {
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 100_000, "no line: {text}");
}

/// Plans a network at several sizes, for both backends, with each pass switched off.
pub fn plan(graph: &Graph) {
    let others = SIZES.iter().map(|&[h, w]| resized(graph, h, w));
    for graph in std::iter::once(Ok(graph.clone())).chain(others) {
        match graph {
            Err(error) => check_error(&error),
            Ok(graph) => switched_off().iter().for_each(|off| plan_without(&graph, off)),
        }
    }
}

/// The same at one size, with one of the passes switched off.
pub fn plan_somehow(graph: &Graph, seed: u64) {
    let (ways, seed) = (switched_off(), seed as usize);
    let [height, width] = SIZES[seed % SIZES.len()];
    match resized(graph, height, width) {
        Err(error) => check_error(&error),
        Ok(graph) => plan_without(&graph, &ways[seed / SIZES.len() % ways.len()]),
    }
    plan_without(graph, &ways[seed % ways.len()]);
}

/// Sizes of the input, beside the file's own.
const SIZES: [[usize; 2]; 3] = [[8, 8], [16, 24], [72, 64]];

/// Lists of passes to leave out.
fn switched_off() -> Vec<Vec<String>> {
    let mut lists = vec![Vec::new(), PASSES.iter().map(|p| p.name.to_string()).collect()];
    lists.extend(PASSES.iter().map(|p| vec![p.name.to_string()]));
    lists
}

fn plan_without(graph: &Graph, disabled: &[String]) {
    graph.validate().expect("a graph that was read");
    if check_work(graph).is_err() || moved(graph) > 1 << 26 {
        return;
    }
    let mut graph = graph.clone();
    if let Err(error) = optimize(&mut graph, disabled) {
        check_error(&error);
        // Where a shape is all that is read of a tensor, folding leaves its scales alone.
        let unfolded = disabled.iter().any(|pass| pass == "fold-constants");
        let known = error.kind() == ErrorKind::Limit || unfolded;
        assert!(known, "without {disabled:?}: {error}");
        return;
    }
    graph.validate().unwrap_or_else(|e| panic!("without {disabled:?}: {e}\n{graph}"));
    let mut again = graph.clone();
    again.infer_shapes().unwrap_or_else(|e| panic!("without {disabled:?}: {e}\n{graph}"));
    for (t, u) in graph.tensors.iter().zip(&again.tensors) {
        assert_eq!((&t.shape, t.dtype), (&u.shape, u.dtype), "'{}'\n{graph}", t.name);
    }
    let reference = Plan::new(&graph, Backend::Reference, 2).map_err(|e| check_error(&e));
    match Plan::new(&graph, Backend::Kernels, 2) {
        Ok(plan) => assert!(!format!("{plan}{}", plan.arena).is_empty()),
        Err(error) => {
            let limit = error.kind() == ErrorKind::Limit;
            assert!(limit || reference.is_err(), "only kernels: {error}\n{graph}");
        }
    }
}

/// Elements that a run touches, at least.
fn moved(graph: &Graph) -> u64 {
    let of = |id: &TensorId| graph.tensor(*id).shape.elements() as u64;
    let nodes = graph.nodes.iter();
    let made = nodes.map(|n| {
        let operands = graph.operands(n);
        let macs = n.outputs.first().map_or(0, |&id| n.op.macs(&operands, &graph.tensor(id).shape));
        let read = n.inputs.iter().flatten().map(of).sum::<u64>();
        macs + read + n.outputs.iter().map(of).sum::<u64>()
    });
    made.sum::<u64>() + graph.inputs.iter().map(of).sum::<u64>()
}

/// What could be changed in a network is sound, wherever it is changed: the rewritten graph, and what differs.
pub fn advise(graph: &Graph) {
    if check_work(graph).is_err() || agree::work(graph) > MAX_RUN {
        return;
    }
    let Ok(mut model) = Model::from_graph(graph.clone(), &Options::default()) else { return };
    let profile = model.profile(leaping_clock, 1, 0, 0.0);
    for proposal in propose(graph, &profile) {
        let whole = proposal.rewrite(graph).expect("it was rewritten before");
        let blocks = if proposal.whole { Vec::new() } else { proposal.blocks(graph).unwrap() };
        let blocks = blocks.iter().flat_map(|(block, _)| [&block.before, &block.after]);
        for changed in [&whole].into_iter().chain(blocks) {
            changed.validate().unwrap_or_else(|e| panic!("{proposal:?}: {e}\n{graph}"));
            let mut again = changed.clone();
            again.infer_shapes().unwrap_or_else(|e| panic!("{proposal:?}: {e}\n{graph}"));
            if let Err(error) = Model::from_graph(again, &Options::default()) {
                check_error(&error);
            }
        }
    }
}

/// Runs a network, whatever its inputs hold, and holds the kernels against the reference.
pub fn run(graph: &Graph, seed: u64) {
    if check_work(graph).is_err() || agree::work(graph) > MAX_RUN {
        return;
    }
    let everything = with_all_outputs(graph);
    // The reference within a plan is the reference.
    let naive: Vec<String> = PASSES.iter().map(|p| p.name.to_string()).collect();
    let Some(planned) = execute(&everything, Backend::Reference, &naive, seed) else { return };
    let evaluated = evaluate_all(&everything, seed);
    for (id, data) in everything.outputs.iter().zip(&planned) {
        assert!(
            agree::identical(data, &evaluated[id]),
            "planned reference, tensor {}\n{graph}",
            id.0
        );
    }
    execute(graph, Backend::Reference, &[], seed);
    // Each operator by itself: what it makes of what the kernels made before.
    let others = COMPUTE_OTHERWISE.map(str::to_string);
    let Some(kernels) = execute(&everything, Backend::Kernels, &others, seed) else { return };
    let by_kernels: HashMap<TensorId, Data> =
        everything.outputs.iter().copied().zip(kernels).collect();
    agree::check_each(&everything, &by_kernels);
    // Whatever is fused, the results are the same: nearly, as the reference computes an activation
    // that is part of an operator in float64, and one by itself from a float32.
    for disabled in ["", "fuse-activations", "remove-identities", "remove-repeated", "remove-dead"]
    {
        let disabled = Some(disabled.to_string()).filter(|d| !d.is_empty());
        let disabled: Vec<String> = others.iter().cloned().chain(disabled).collect();
        let Some(results) = execute(graph, Backend::Kernels, &disabled, seed) else { continue };
        let is_fused = !disabled.iter().any(|name| name == "fuse-activations");
        for (id, data) in graph.outputs.iter().zip(&results) {
            let alone = &by_kernels[id];
            let agree = match is_fused {
                true => agree::nearly(graph, *id, alone, data),
                false => agree::identical(data, alone),
            };
            assert!(agree, "tensor {} without {disabled:?}\n{data:?}\n{alone:?}\n{graph}", id.0,);
        }
    }
    for disabled in ["", "fold-constants", QUANTIZED_TO_FLOAT] {
        let disabled = Some(disabled.to_string()).filter(|d| !d.is_empty());
        execute(graph, Backend::Kernels, disabled.as_slice(), seed);
    }
}

/// The same network, which hands out all that it reads or makes.
fn with_all_outputs(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let made = graph.nodes.iter().flat_map(|n| n.outputs.iter().copied());
    let mut outputs: Vec<TensorId> = graph.inputs.iter().copied().chain(made).collect();
    outputs.extend(&graph.outputs);
    outputs.sort();
    outputs.dedup();
    graph.outputs = outputs;
    graph
}

/// The results of a network, unless it is refused.
fn execute(graph: &Graph, backend: Backend, disabled: &[String], seed: u64) -> Option<Vec<Data>> {
    let mut disabled = disabled.to_vec();
    if backend == Backend::Reference {
        disabled.push(QUANTIZED_TO_FLOAT.to_string());
    }
    let mut graph = graph.clone();
    optimize(&mut graph, &disabled).ok()?;
    let plan = Plan::new(&graph, backend, 1).ok()?;
    if plan.arena.bytes > 64 << 20 {
        return None;
    }
    let mut session = Session::new(plan);
    for (index, &id) in graph.inputs.iter().enumerate() {
        let data = input(graph.tensor(id), seed + index as u64);
        let mut view = session.input_mut(index).expect("there is such an input");
        view.copy_from(data.view()).expect("its type and length");
    }
    let mut team = Team::new(1).expect("one thread");
    // Twice: nothing may be left over from the first run.
    session.run(&mut team, None);
    let read = |s: &Session| -> Vec<Data> {
        let count = graph.outputs.len();
        (0..count).map(|i| s.output(i).expect("there is such an output").to_data()).collect()
    };
    let first = read(&session);
    session.run(&mut team, None);
    for (a, b) in first.iter().zip(read(&session)) {
        assert!(agree::identical(a, &b), "the second run differs\n{graph}");
    }
    Some(first)
}

/// All tensors of a network, operator by operator through the reference.
fn evaluate_all(graph: &Graph, seed: u64) -> HashMap<TensorId, Data> {
    let mut known = graph.clone();
    for (index, &id) in graph.inputs.iter().enumerate() {
        known.tensors[id.0].data = Some(Arc::new(input(graph.tensor(id), seed + index as u64)));
    }
    for node in &graph.nodes {
        let results: Vec<&TensorDef> = node.outputs.iter().map(|&id| graph.tensor(id)).collect();
        let made = reference::evaluate(&node.op, &known.operands(node), &results);
        for (&id, data) in node.outputs.iter().zip(made) {
            known.tensors[id.0].data = Some(Arc::new(data));
        }
    }
    let data = |(i, t): (usize, &TensorDef)| Some((TensorId(i), Data::clone(t.data.as_deref()?)));
    known.tensors.iter().enumerate().filter_map(data).collect()
}

/// Elements for an input.
fn input(tensor: &TensorDef, seed: u64) -> Data {
    let mut random = Random(seed);
    let mut data = Data::zeros(tensor.dtype, tensor.shape.elements());
    use octomask::tensor::ViewMut::*;
    match data.view_mut() {
        F32(v) => v.fill_with(|| random.float(4.0)),
        // Halves from 2^-3 to 4.
        F16(v) => v.fill_with(|| {
            (random.next() as u16 & 0x83ff) | (0x3000 + (random.next() % 5) as u16 * 0x400)
        }),
        I8(v) => v.fill_with(|| random.next() as i8),
        U8(v) => v.fill_with(|| random.next() as u8),
        I16(v) => v.fill_with(|| random.next() as i16),
        I32(v) => v.fill_with(|| (random.next() % 15) as i32 - 5),
        I64(v) => v.fill_with(|| (random.next() % 15) as i64 - 5),
        Bool(v) => v.fill_with(|| (random.next() % 2) as u8),
    }
    debug_assert!(data.dtype() == tensor.dtype && DType::size(data.dtype()) > 0);
    data
}
