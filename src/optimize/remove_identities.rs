//! Operators that return what they got: a reshape or resize to the same size, a pool of one pixel, adding
//! zeros, multiplying by ones, a ReLU of what is never negative.

use crate::error::Result;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::{BinaryKind, Op, PoolKind, Unary};
use crate::tensor::{TensorDef, View};
use std::collections::HashMap;

pub fn run(graph: &mut Graph) -> Result<()> {
    // What to read instead of each tensor: itself, until an identity is found to make it.
    let mut instead: Vec<TensorId> = (0..graph.tensors.len()).map(TensorId).collect();
    let mut maker: HashMap<TensorId, usize> = HashMap::new(); // index into `kept`
    let mut kept: Vec<Node> = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        for id in node.inputs.iter_mut().flatten() {
            *id = instead[id.0];
        }
        let made_by = |id: TensorId| maker.get(&id).map(|&i| &kept[i]);
        if let Some(operand) = identity_of(graph, &node, made_by) {
            instead[node.outputs[0].0] = operand;
            // Its time is part of whatever made the value, if a node did.
            if let Some(&i) = maker.get(&operand) {
                kept[i].covers.extend(node.covers);
            }
            continue;
        }
        maker.extend(node.outputs.iter().map(|&id| (id, kept.len())));
        kept.push(node);
    }
    graph.nodes = kept;
    Ok(())
}

/// The operand that a node returns unchanged, if it does. Results that the caller gets are left
/// alone: they keep their own name and memory. So is what is rounded.
fn identity_of<'a>(
    graph: &Graph,
    node: &Node,
    made_by: impl Fn(TensorId) -> Option<&'a Node>,
) -> Option<TensorId> {
    let output = *node.outputs.first()?;
    if graph.outputs.contains(&output) || node.grid.is_some() {
        return None;
    }
    let id = |i: usize| node.inputs.get(i).copied().flatten();
    let operand = |i: usize| id(i).map(|id| graph.tensor(id));
    let same_shape = |i: usize| operand(i).is_some_and(|t| t.shape == graph.tensor(output).shape);
    let kept = match &node.op {
        Op::ResizeBilinear(_) => same_shape(0).then_some(0),
        Op::ResizeNearest(op) => {
            // With both flags the last pixel may be doubled.
            (same_shape(0) && !(op.align_corners && op.half_pixel_centers)).then_some(0)
        }
        Op::Pool2d(pool) => {
            let keeps = pool.kernel == [1, 1] && pool.kind != PoolKind::L2 && same_shape(0);
            (keeps && pool.activation.is_none()).then_some(0)
        }
        Op::Binary(binary) if binary.activation.is_none() => {
            // What changes nothing, and from which side.
            let (neutral, sides): (f32, &[_]) = match binary.kind {
                BinaryKind::Add => (0.0, &[(0, 1), (1, 0)]),
                BinaryKind::Mul => (1.0, &[(0, 1), (1, 0)]),
                BinaryKind::Sub => (0.0, &[(0, 1)]),
                BinaryKind::Div | BinaryKind::Pow => (1.0, &[(0, 1)]),
                _ => return None,
            };
            let drops = |i: usize| operand(i).is_some_and(|t| is_all(t, neutral));
            sides.iter().find(|&&(kept, gone)| same_shape(kept) && drops(gone)).map(|&(k, _)| k)
        }
        Op::Layout(op) if node.outputs.len() == 1 => {
            let keeps = op.keeps(&graph.operands(node), &graph.tensor(output).shape);
            keeps.filter(|&i| same_shape(i))
        }
        // A ReLU of what is never negative.
        Op::Unary(Unary::Relu) => {
            let last = id(0).and_then(made_by).and_then(|n| match n.op {
                Op::Unary(unary) => Some(unary),
                _ => n.op.activation(),
            });
            last.is_some_and(Unary::is_never_negative).then_some(0)
        }
        _ => None,
    };
    let kept = kept.and_then(id)?;
    // Other scales would be another rounding.
    let quantization = |id: TensorId| &graph.tensor(id).quantization;
    (quantization(kept) == quantization(output)).then_some(kept)
}

fn is_all(tensor: &TensorDef, value: f32) -> bool {
    match tensor.data.as_ref().map(|d| d.view()) {
        Some(View::F32(list)) => list.iter().all(|&x| x == value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::GraphBuilder;
    use crate::ops::{Binary, ResizeBilinear};
    use crate::tensor::Data;

    #[test]
    fn what_changes_nothing_goes() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 4, 4, 2]);
        let size = b.constant(&[2], Data::I32(vec![4, 4]));
        let resize =
            ResizeBilinear { align_corners: false, half_pixel_centers: true, fixed_point: false };
        let resized = b.node(Op::ResizeBilinear(resize), &[x, size]);
        let zeros = b.constant(&[2], Data::F32(vec![0.0; 2]));
        let add = Op::Binary(Binary { kind: BinaryKind::Add, activation: None });
        let sum = b.node(add, &[resized, zeros]);
        let relu = b.node(Op::Unary(Unary::Relu), &[sum]);
        let again = b.node(Op::Unary(Unary::Relu), &[relu]);
        let y = b.node(Op::Unary(Unary::Tanh), &[again]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        let names: Vec<&str> = graph.nodes.iter().map(|n| n.op.name()).collect();
        assert_eq!(names, ["RELU", "TANH"]);
        assert_eq!(graph.nodes[0].inputs, [Some(x)]);
        graph.validate().unwrap();
    }

    #[test]
    fn moves_that_move_nothing_go() {
        use crate::ops::Layout;
        use crate::ops::layout::{Cut, Join, Pad, Reshape};
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 4, 3]);
        let list = |b: &mut GraphBuilder, v: &[i32]| b.constant(&[v.len()], Data::I32(v.to_vec()));
        let axes = list(&mut b, &[0, 1, 2]);
        let zeros = b.constant(&[3, 2], Data::I32(vec![0; 6]));
        let (begin, size) = (list(&mut b, &[0; 3]), list(&mut b, &[-1, 4, 3]));
        let mut y = b.node(Op::Layout(Layout::Transpose), &[x, axes]);
        y = b.node(Op::Layout(Layout::Reshape(Reshape::Reshape(vec![1, -1, 3]))), &[y]);
        y = b.node(Op::Layout(Layout::Pad(Pad::Zeros)), &[y, zeros]);
        y = b.node(Op::Layout(Layout::Cut(Cut::Slice)), &[y, begin, size]);
        y = b.node(Op::Layout(Layout::Join(Join::Concatenation(-1))), &[y]);
        // These stay: another shape, and another order.
        let swapped = list(&mut b, &[1, 0, 2]);
        y = b.node(Op::Layout(Layout::Transpose), &[y, swapped]);
        let axis = list(&mut b, &[0]);
        y = b.node(Op::Layout(Layout::Cut(Cut::Reverse)), &[y, axis]);
        y = b.node(Op::Unary(Unary::Tanh), &[y]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        let names: Vec<&str> = graph.nodes.iter().map(|n| n.op.name()).collect();
        assert_eq!(names, ["TRANSPOSE", "REVERSE_V2", "TANH"]);
        graph.validate().unwrap();
    }

    #[test]
    fn stretching_by_adding_zeros_is_no_identity() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[2]);
        let zeros = b.constant(&[4, 2], Data::F32(vec![0.0; 8]));
        let add = Op::Binary(Binary { kind: BinaryKind::Add, activation: None });
        let sum = b.node(add, &[x, zeros]);
        let y = b.node(Op::Unary(Unary::Tanh), &[sum]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes.len(), 2);
    }
}
