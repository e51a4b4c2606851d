//! What all forms need to make one graph of another.

use crate::error::Result;
use crate::graph::{Graph, TensorId};
use crate::ops::Op;
use crate::tensor::DType;

/// The operand that has the weights, of operators that have some, and the axis of their output channels.
pub fn weights_of(op: &Op) -> Option<(usize, usize)> {
    match op {
        Op::Conv2d(_)
        | Op::TransposeConv(_)
        | Op::Convolution2dTransposeBias(_)
        | Op::FullyConnected(_) => Some((1, 0)),
        Op::DepthwiseConv2d(_) => Some((1, 3)),
        _ => None,
    }
}

/// For each tensor, whether it is a float32 constant of the network, not what a node makes of constants.
pub fn constants(graph: &Graph) -> Vec<bool> {
    let of_type = |t: &crate::tensor::TensorDef| t.is_const() && t.dtype == DType::F32;
    let mut constants: Vec<bool> = graph.tensors.iter().map(of_type).collect();
    for id in graph.nodes.iter().flat_map(|node| &node.outputs) {
        constants[id.0] = false;
    }
    constants
}

/// Drops tensors that nobody uses, numbers the nodes as a file will, and infers everything anew.
pub fn finish(mut graph: Graph) -> Result<Graph> {
    let mut used = vec![false; graph.tensors.len()];
    let of_nodes = graph.nodes.iter().flat_map(|n| n.inputs.iter().flatten().chain(&n.outputs));
    for id in of_nodes.chain(&graph.inputs).chain(&graph.outputs) {
        used[id.0] = true;
    }
    let mut ids = vec![TensorId(0); used.len()];
    let mut kept = Vec::new();
    for (i, tensor) in graph.tensors.into_iter().enumerate() {
        if used[i] {
            ids[i] = TensorId(kept.len());
            kept.push(tensor);
        }
    }
    graph.tensors = kept;
    let renumber = |id: &mut TensorId| *id = ids[id.0];
    graph.inputs.iter_mut().for_each(renumber);
    graph.outputs.iter_mut().for_each(renumber);
    for (index, node) in graph.nodes.iter_mut().enumerate() {
        node.inputs.iter_mut().flatten().for_each(renumber);
        node.outputs.iter_mut().for_each(renumber);
        node.covers = vec![crate::error::OpRef { index, name: node.op.name().to_string() }];
    }
    graph.validate()?;
    graph.infer_shapes()?;
    Ok(graph)
}
