//! Weights as half floats.

use super::floats;
use super::rewrite::{constants, finish};
use crate::error::Result;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::tensor::{DType, Data, TensorDef, f32_to_f16};
use std::sync::Arc;

/// The largest half float. Larger values become it, as in TensorFlow's converter.
const LARGEST: f32 = 65504.0;

/// All float32 constants as half floats, with one DEQUANTIZE for each, before everything else.
pub fn convert(graph: &Graph) -> Result<Graph> {
    let constants = constants(graph);
    let mut made = graph.clone();
    let mut first = Vec::new();
    let mut read = vec![false; constants.len()];
    for id in graph.nodes.iter().flat_map(|node| node.inputs.iter().flatten()) {
        if !constants[id.0] || std::mem::replace(&mut read[id.0], true) {
            continue;
        }
        let tensor = graph.tensor(*id);
        let half = |&value: &f32| f32_to_f16(value.clamp(-LARGEST, LARGEST));
        let data = Data::F16(floats(tensor)?.iter().map(half).collect());
        let half = made.add_tensor(TensorDef {
            name: format!("{}/float16", tensor.name),
            dtype: DType::F16,
            data: Some(Arc::new(data)),
            ..tensor.clone()
        });
        made.tensors[id.0].data = None;
        first.push(dequantize(half, *id));
    }
    made.nodes.splice(0..0, first);
    finish(made)
}

fn dequantize(from: TensorId, to: TensorId) -> Node {
    let inputs = vec![Some(from)];
    Node { op: Op::Dequantize, inputs, outputs: vec![to], grid: None, covers: Vec::new() }
}
