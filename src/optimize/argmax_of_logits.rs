//! ARG_MAX of SOFTMAX is ARG_MAX of what SOFTMAX reads: it keeps the order. Where two probabilities are
//! equal only because they were rounded, the larger logit is found.

use crate::error::Result;
use crate::graph::{Graph, Node};
use crate::ops::Op;
use crate::ops::reduce::one_axis;

pub fn run(graph: &mut Graph) -> Result<()> {
    let uses = graph.use_counts();
    let producers = graph.producers();
    let mut gone = vec![false; graph.nodes.len()];
    for i in 0..graph.nodes.len() {
        let Some(parts) = graph.nodes[i].inputs[..].first().copied().flatten() else { continue };
        let Some(&softmax) = producers.get(&parts).filter(|_| uses[parts.0] == 1) else { continue };
        if keeps_order(graph, &graph.nodes[softmax], &graph.nodes[i]) {
            let covers = std::mem::take(&mut graph.nodes[softmax].covers);
            graph.nodes[i].inputs[0] = graph.nodes[softmax].inputs[0];
            graph.nodes[i].covers.extend(covers);
            gone[softmax] = true;
        }
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| !gone.next().expect("one flag per node"));
    Ok(())
}

/// Whether positions that `node` finds along the classes are the same before `softmax`, which must
/// not be rounded to a grid: that makes equal what was not.
fn keeps_order(graph: &Graph, softmax: &Node, node: &Node) -> bool {
    let Op::Softmax(op) = softmax.op else { return false };
    let (Op::ArgReduce(_), Some(Some(axis))) = (&node.op, node.inputs.get(1)) else { return false };
    let result = graph.tensor(softmax.outputs[0]);
    let rank = result.shape.rank();
    let last = one_axis(graph.tensor(*axis), rank).is_ok_and(|axis| axis + 1 == rank);
    last && op.beta > 0.0 && softmax.grid.is_none() && result.quantization.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::GraphBuilder;
    use crate::ops::{ArgReduce, Softmax};
    use crate::tensor::{DType, Data};

    #[test]
    fn softmax_before_argmax_goes_where_nothing_else_needs_it() {
        for (axis, beta, twice, nodes) in
            [(-1, 1.0, false, 1), (1, 1.0, false, 2), (2, -1.0, false, 2), (2, 1.0, true, 2)]
        {
            let mut b = GraphBuilder::new();
            let x = b.input(&[2, 5, 3]);
            let parts = b.node(Op::Softmax(Softmax { beta, log: false }), &[x]);
            let axis = b.constant(&[], Data::I32(vec![axis]));
            let y =
                b.node(Op::ArgReduce(ArgReduce { min: false, dtype: DType::I64 }), &[parts, axis]);
            let outputs = if twice { vec![y, parts] } else { vec![y] };
            let mut graph = b.build(&outputs);
            run(&mut graph).unwrap();
            graph.validate().unwrap();
            assert_eq!(graph.nodes.len(), nodes);
        }
    }
}
