//! An activation after an operator becomes part of it: one pass over memory less.

use crate::error::Result;
use crate::graph::Graph;
use crate::ops::Op;

pub fn run(graph: &mut Graph) -> Result<()> {
    let uses = graph.use_counts();
    let producers = graph.producers();
    let mut gone = vec![false; graph.nodes.len()];
    for (i, gone) in gone.iter_mut().enumerate() {
        let Op::Unary(unary) = graph.nodes[i].op else { continue };
        let Some(input) = graph.nodes[i].inputs[0] else { continue };
        // The value before the activation must not be needed anywhere else.
        let (Some(&producer), 1) = (producers.get(&input), uses[input.0]) else { continue };
        let Some(slot) = graph.nodes[producer].op.activation_mut() else { continue };
        if slot.is_some() {
            continue;
        }
        *slot = Some(unary);
        let output = graph.nodes[i].outputs[0];
        let covers = std::mem::take(&mut graph.nodes[i].covers);
        let fused = &mut graph.nodes[producer];
        fused.outputs[0] = output;
        fused.covers.extend(covers);
        *gone = true;
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| !gone.next().expect("one flag per node"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::GraphBuilder;
    use crate::ops::{Binary, BinaryKind, Unary};

    const ADD: Op = Op::Binary(Binary { kind: BinaryKind::Add, activation: None });

    #[test]
    fn an_activation_joins_its_producer() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 2, 2, 4]);
        let sum = b.node(ADD, &[x, x]);
        let y = b.node(Op::Unary(Unary::Relu), &[sum]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(graph.nodes[0].op.activation(), Some(Unary::Relu));
        assert_eq!(graph.nodes[0].outputs, [y]);
        let covered: Vec<usize> = graph.nodes[0].covers.iter().map(|c| c.index).collect();
        assert_eq!(covered, [0, 1]);
        graph.validate().unwrap();
    }

    #[test]
    fn a_value_that_is_used_twice_stays() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 2, 2, 4]);
        let sum = b.node(ADD, &[x, x]);
        let y = b.node(Op::Unary(Unary::Relu), &[sum]);
        let mut graph = b.build(&[y, sum]);
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes.len(), 2);
    }

    #[test]
    fn only_one_activation_fits() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 2, 2, 4]);
        let sum = b.node(ADD, &[x, x]);
        let relu = b.node(Op::Unary(Unary::Relu), &[sum]);
        let y = b.node(Op::Unary(Unary::Logistic), &[relu]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes.len(), 2);
        graph.validate().unwrap();
    }
}
