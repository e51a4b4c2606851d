//! Nodes whose results nobody reads, and the elements of constants that nobody reads any more.

use crate::error::Result;
use crate::graph::Graph;

pub fn run(graph: &mut Graph) -> Result<()> {
    let mut wanted = vec![false; graph.tensors.len()];
    for id in &graph.outputs {
        wanted[id.0] = true;
    }
    let mut alive = Vec::with_capacity(graph.nodes.len());
    for node in std::mem::take(&mut graph.nodes).into_iter().rev() {
        if node.outputs.iter().any(|id| wanted[id.0]) {
            for id in node.inputs.iter().flatten() {
                wanted[id.0] = true;
            }
            alive.push(node);
        }
    }
    alive.reverse();
    graph.nodes = alive;
    for (tensor, wanted) in graph.tensors.iter_mut().zip(wanted) {
        if !wanted {
            tensor.data = None;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::GraphBuilder;
    use crate::ops::{Op, Unary};

    #[test]
    fn what_no_output_needs_goes() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[4]);
        let y = b.node(Op::Unary(Unary::Relu), &[x]);
        let unused = b.node(Op::Unary(Unary::Tanh), &[y]);
        b.node(Op::Unary(Unary::Relu6), &[unused]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes.len(), 1);
        graph.validate().unwrap();
    }
}
