//! What was computed before is not computed again: a node that does the same as an earlier one to the same
//! operands.

use crate::error::Result;
use crate::graph::{Graph, Node, TensorId};
use std::collections::HashMap;

/// Nodes with the same operands that a node is compared with: the graph of a hostile file can have
/// thousands.
const MAX_COMPARED: usize = 16;

pub fn run(graph: &mut Graph) -> Result<()> {
    // What to read instead of each tensor: itself, until it turns out to be made twice.
    let mut instead: Vec<TensorId> = (0..graph.tensors.len()).map(TensorId).collect();
    let mut by_operands: HashMap<Vec<Option<TensorId>>, Vec<usize>> = HashMap::new();
    let mut kept: Vec<Node> = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        for id in node.inputs.iter_mut().flatten() {
            *id = instead[id.0];
        }
        let seen = by_operands.entry(node.inputs.clone()).or_default();
        // Results that the caller gets keep their own memory.
        let is_inner = node.outputs.iter().all(|id| !graph.outputs.contains(id));
        let same =
            seen.iter().copied().find(|&i| is_inner && makes_the_same(graph, &kept[i], &node));
        if let Some(i) = same {
            for (new, &old) in node.outputs.iter().zip(&kept[i].outputs) {
                instead[new.0] = old;
            }
            kept[i].covers.extend(node.covers);
            continue;
        }
        if seen.len() < MAX_COMPARED {
            seen.push(kept.len());
        }
        kept.push(node);
    }
    graph.nodes = kept;
    Ok(())
}

/// Whether two nodes with the same operands make the same, in the same types.
fn makes_the_same(graph: &Graph, a: &Node, b: &Node) -> bool {
    let kind = |id: &TensorId| {
        let tensor = graph.tensor(*id);
        (tensor.dtype, &tensor.quantization)
    };
    a.op == b.op && a.grid == b.grid && a.outputs.iter().map(kind).eq(b.outputs.iter().map(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::GraphBuilder;
    use crate::ops::{Binary, BinaryKind, Op, Unary};

    #[test]
    fn what_is_made_twice_is_made_once() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[4]);
        let add = Op::Binary(Binary { kind: BinaryKind::Add, activation: None });
        let twice: Vec<TensorId> = (0..2)
            .map(|_| {
                let y = b.node(Op::Unary(Unary::Tanh), &[x]);
                b.node(Op::Unary(Unary::Relu), &[y])
            })
            .collect();
        let sum = b.node(add, &twice);
        let other = b.node(Op::Unary(Unary::Relu6), &[x]);
        let result = b.node(Op::Unary(Unary::Tanh), &[x]);
        let mut graph = b.build(&[sum, other, result]);
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        let names: Vec<&str> = graph.nodes.iter().map(|n| n.op.name()).collect();
        assert_eq!(names, ["TANH", "RELU", "ADD", "RELU6", "TANH"]);
        assert_eq!(graph.nodes[2].inputs, [Some(twice[0]); 2]);
        assert_eq!(graph.nodes[0].covers.len(), 2);
    }
}
