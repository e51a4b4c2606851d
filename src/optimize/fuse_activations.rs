//! An activation or rounding after an operator becomes part of it: one pass over memory less.

use crate::error::Result;
use crate::graph::Graph;
use crate::ops::Op;
use crate::tensor::DType;

pub fn run(graph: &mut Graph) -> Result<()> {
    let uses = graph.use_counts();
    let mut producers = graph.producers();
    let mut gone = vec![false; graph.nodes.len()];
    for (i, gone) in gone.iter_mut().enumerate() {
        let (op, grid) = (graph.nodes[i].op.clone(), graph.nodes[i].grid);
        if !matches!(op, Op::Unary(_) | Op::FakeQuant(_)) {
            continue;
        }
        let Some(input) = graph.nodes[i].inputs[0] else { continue };
        // The value before the activation must not be needed anywhere else.
        let (Some(&producer), 1) = (producers.get(&input), uses[input.0]) else { continue };
        // A quantized value is rounded, and cut off, before the activation sees it.
        if graph.tensor(input).dtype != DType::F32 {
            continue;
        }
        let before = &mut graph.nodes[producer];
        // What was rounded is rounded again only after the activation, which needs a step.
        if before.grid.is_some() || before.outputs.len() != 1 {
            continue;
        }
        before.grid = match op {
            Op::Unary(unary) => match before.op.activation_mut() {
                Some(slot @ None) => {
                    *slot = Some(unary);
                    grid
                }
                _ => continue,
            },
            Op::FakeQuant(new) => Some(new),
            _ => continue,
        };
        let output = graph.nodes[i].outputs[0];
        let covers = std::mem::take(&mut graph.nodes[i].covers);
        let fused = &mut graph.nodes[producer];
        fused.outputs[0] = output;
        fused.covers.extend(covers);
        producers.insert(output, producer);
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
    fn a_rounding_joins_what_an_activation_joined() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 2, 2, 4]);
        let sum = b.node(ADD, &[x, x]);
        let relu = b.node(Op::Unary(Unary::Relu), &[sum]);
        let grid = crate::tensor::Grid::nudged(-1.0, 1.0, 8, false);
        let y = b.node(Op::FakeQuant(grid), &[relu]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(graph.nodes[0].op.activation(), Some(Unary::Relu));
        assert_eq!(graph.nodes[0].grid, Some(grid));
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
