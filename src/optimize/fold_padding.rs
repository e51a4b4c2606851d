//! A border of zeros before a convolution is padding of the convolution, and before a max pool of what
//! is never negative it changes nothing: one copy of the image less.

use crate::error::Result;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::layout::{Pad, paddings};
use crate::ops::{Layout, Op, PoolKind, Unary, Window};
use crate::tensor::View;
use std::collections::HashMap;

pub fn run(graph: &mut Graph) -> Result<()> {
    let mut uses = graph.use_counts();
    let producers = graph.producers();
    let mut gone = vec![false; graph.nodes.len()];
    for i in 0..graph.nodes.len() {
        let Some((pad, window)) = padded(graph, &producers, i) else { continue };
        let image = graph.nodes[pad].inputs[0];
        let bordered = graph.nodes[pad].outputs[0];
        uses[bordered.0] -= 1;
        gone[pad] = uses[bordered.0] == 0;
        let covers = match gone[pad] {
            true => std::mem::take(&mut graph.nodes[pad].covers),
            false => Vec::new(),
        };
        let node = &mut graph.nodes[i];
        if let Some((old, _)) = window_of(&mut node.op) {
            *old = window;
        }
        node.inputs[0] = image;
        node.covers.extend(covers);
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| !gone.next().expect("one flag per node"));
    Ok(())
}

/// The border that node `i` can take in, and the window with it.
fn padded(
    graph: &Graph,
    producers: &HashMap<TensorId, usize>,
    i: usize,
) -> Option<(usize, Window)> {
    let node = &graph.nodes[i];
    let mut op = node.op.clone();
    let (&mut window, pool) = window_of(&mut op)?;
    let bordered = node.inputs.first().copied()??;
    let pad = *producers.get(&bordered)?;
    let (image, margins) = border(graph, &graph.nodes[pad])?;
    let pixels = |id: TensorId| graph.tensor(id).shape.nhwc().ok().map(|[_, h, w, _]| [h, w]);
    let kernel = match pool {
        Some(kernel) => kernel,
        None => pixels(node.inputs.get(1).copied()??)?,
    };
    // Zeros are in the pool's windows beside some pixel of the image, none of which is below them.
    let has_pixels = || (0..2).all(|a| margins[a].iter().all(|&m| m < kernel[a]));
    if pool.is_some() && !(has_pixels() && is_never_negative(graph, producers, image)) {
        return None;
    }
    let own = window.pad_before(pixels(bordered)?, kernel);
    let before = [0, 1].map(|a| margins[a][0] + own[a]);
    let output = pixels(node.outputs[0])?;
    Some((pad, window.padded(pixels(image)?, kernel, before, output)?))
}

/// The image around which a node puts zeros, and how many rows and columns before and after.
fn border(graph: &Graph, node: &Node) -> Option<(TensorId, [[usize; 2]; 2])> {
    let Op::Layout(Layout::Pad(pad)) = &node.op else { return None };
    let (image, around) = (node.inputs.first().copied()??, node.inputs.get(1).copied()??);
    let zeros = match pad {
        Pad::Zeros => true,
        Pad::Value => {
            let value = graph.tensor(node.inputs.get(2).copied()??);
            matches!(value.data.as_ref().map(|d| d.view()), Some(View::F32([0.0])))
        }
        Pad::Mirror { .. } => false,
    };
    let same_scales =
        graph.tensor(image).quantization == graph.tensor(node.outputs[0]).quantization;
    if !zeros || !same_scales || node.grid.is_some() || graph.tensor(image).shape.rank() != 4 {
        return None;
    }
    let margins = paddings(&graph.tensor(around).const_integers()?).ok()?;
    (margins[0] == [0, 0] && margins[3] == [0, 0]).then_some((image, [margins[1], margins[2]]))
}

/// Whether no element of a tensor is below zero, as far as the node that makes it tells.
fn is_never_negative(graph: &Graph, producers: &HashMap<TensorId, usize>, id: TensorId) -> bool {
    let last = producers.get(&id).and_then(|&i| match graph.nodes[i].op {
        Op::Unary(unary) => Some(unary),
        ref op => op.activation(),
    });
    last.is_some_and(Unary::is_never_negative)
}

/// The window of an operator that can have a border, and a pool's taps.
fn window_of(op: &mut Op) -> Option<(&mut Window, Option<[usize; 2]>)> {
    match op {
        Op::Conv2d(conv) => Some((&mut conv.window, None)),
        Op::DepthwiseConv2d(conv) => Some((&mut conv.window, None)),
        Op::Pool2d(pool) if pool.kind == PoolKind::Max => {
            Some((&mut pool.window, Some(pool.kernel)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{GraphBuilder, evaluate};
    use crate::ops::{Conv2d, Padding, Pool2d};
    use crate::tensor::Data;

    const WINDOW: Window = Window { stride: [2, 2], dilation: [1, 1], padding: Padding::Valid };

    fn pad(b: &mut GraphBuilder, x: TensorId, margins: [i32; 8]) -> TensorId {
        let margins = b.constant(&[4, 2], Data::I32(margins.to_vec()));
        b.node(Op::Layout(Layout::Pad(Pad::Zeros)), &[x, margins])
    }

    fn convolution(b: &mut GraphBuilder, x: TensorId) -> TensorId {
        let filter =
            b.constant(&[2, 3, 3, 1], Data::F32((0..18).map(|i| i as f32 - 7.0).collect()));
        b.node(Op::Conv2d(Conv2d { window: WINDOW, activation: None }), &[x, filter])
    }

    fn padding(graph: &Graph, i: usize) -> Padding {
        window_of(&mut graph.nodes[i].op.clone()).unwrap().0.padding
    }

    #[test]
    fn convolutions_take_borders_in() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 8, 9, 1]);
        let bordered = pad(&mut b, x, [0, 0, 0, 1, 1, 1, 0, 0]);
        let y = convolution(&mut b, bordered);
        let other = pad(&mut b, x, [0, 0, 1, 1, 1, 1, 0, 0]);
        let z = convolution(&mut b, other);
        let mut graph = b.build(&[y, z]);
        let before = graph.clone();
        run(&mut graph).unwrap();
        graph.infer_shapes().unwrap();
        graph.validate().unwrap();
        for outputs in [[y, z], [z, y]] {
            let [got, want] = [&graph, &before]
                .map(|graph| evaluate(&Graph { outputs: outputs.to_vec(), ..graph.clone() }));
            assert_eq!(got, want);
        }
        assert_eq!(graph.nodes.len(), 2);
        assert_eq!(padding(&graph, 0), Padding::Same);
        // The last row of the border is in no window.
        assert_eq!(padding(&graph, 1), Padding::Explicit { before: [1, 1], after: [0, 1] });
        let covered: Vec<usize> = graph.nodes[1].covers.iter().map(|c| c.index).collect();
        assert_eq!(covered, [3, 2]);
    }

    #[test]
    fn borders_of_channels_and_those_others_need_stay() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 8, 8, 1]);
        let same = pad(&mut b, x, [0, 0, 1, 1, 1, 1, 0, 0]);
        let y = convolution(&mut b, same);
        let images = pad(&mut b, x, [0, 1, 0, 0, 0, 0, 0, 0]);
        let z = convolution(&mut b, images);
        let mut graph = b.build(&[y, same, z]);
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        assert_eq!(graph.nodes.len(), 4);
        assert_eq!(graph.nodes[1].inputs[0], Some(x));
        assert_eq!(graph.nodes[3].inputs[0], Some(images));
    }

    #[test]
    fn max_pools_take_borders_of_what_is_never_negative() {
        for (activation, nodes) in [(Unary::Relu, 2), (Unary::Tanh, 3)] {
            let mut b = GraphBuilder::new();
            let x = b.input(&[1, 8, 8, 1]);
            let x = b.node(Op::Unary(activation), &[x]);
            let x = pad(&mut b, x, [0, 0, 1, 1, 1, 1, 0, 0]);
            let (kind, kernel) = (PoolKind::Max, [3, 3]);
            let pool = Pool2d { kind, kernel, window: WINDOW, activation: None };
            let y = b.node(Op::Pool2d(pool), &[x]);
            let mut graph = b.build(&[y]);
            let want = evaluate(&graph);
            run(&mut graph).unwrap();
            graph.validate().unwrap();
            assert_eq!((graph.nodes.len(), evaluate(&graph)), (nodes, want));
        }
    }
}
