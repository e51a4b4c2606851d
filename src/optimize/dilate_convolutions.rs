//! SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND are one dilated convolution: what TensorFlow
//! makes of one that its kernels did not know. Two copies of the image less.

use crate::error::Result;
use crate::graph::{Graph, Node, TensorId};
use crate::ops::layout::{Blocks, Tiling};
use crate::ops::{Layout, Op, Window};
use std::collections::HashMap;

pub fn run(graph: &mut Graph) -> Result<()> {
    let mut uses = graph.use_counts();
    let mut producers = graph.producers();
    let mut gone = vec![false; graph.nodes.len()];
    for last in 0..graph.nodes.len() {
        let Some(found) = dilated(graph, &uses, &producers, last) else { continue };
        let Dilated { first, conv, window } = found;
        let split = graph.nodes[first].outputs[0];
        uses[split.0] -= 1;
        gone[first] = uses[split.0] == 0;
        gone[last] = true;
        let (image, result) = (graph.nodes[first].inputs[0], graph.nodes[last].outputs[0]);
        let mut covers = std::mem::take(&mut graph.nodes[last].covers);
        if gone[first] {
            covers.append(&mut graph.nodes[first].covers);
        }
        if let Some(image) = image {
            uses[image.0] += 1;
        }
        let node = &mut graph.nodes[conv];
        if let Some(old) = window_of(&mut node.op) {
            *old = window;
        }
        node.inputs[0] = image;
        node.outputs[0] = result;
        node.covers.extend(covers);
        producers.insert(result, conv);
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| !gone.next().expect("one flag per node"));
    Ok(())
}

/// Nodes that are one convolution.
struct Dilated {
    /// SPACE_TO_BATCH_ND.
    first: usize,
    conv: usize,
    /// The window of the convolution that does it all.
    window: Window,
}

/// What node `last` is the end of.
fn dilated(
    graph: &Graph,
    uses: &[usize],
    producers: &HashMap<TensorId, usize>,
    last: usize,
) -> Option<Dilated> {
    let merge = &graph.nodes[last];
    let (small, cut) = tiling(graph, merge, Blocks::BatchToSpace)?;
    let conv = *producers.get(&small).filter(|_| uses[small.0] == 1)?;
    let mut op = graph.nodes[conv].op.clone();
    let window = *window_of(&mut op)?;
    let inputs = &graph.nodes[conv].inputs;
    let (split, filter) = (inputs.first().copied()??, inputs.get(1).copied()??);
    let first = *producers.get(&split)?;
    let (image, added) = tiling(graph, &graph.nodes[first], Blocks::SpaceToBatch)?;
    if added.block != cut.block || window.stride != [1, 1] {
        return None;
    }
    let extents = |id: TensorId| graph.tensor(id).shape.nhwc().ok();
    let pixels = |id: TensorId| extents(id).map(|[_, h, w, _]| [h, w]);
    let kernel = pixels(filter)?;
    let own = window.pad_before(pixels(split)?, kernel);
    let block = [added.block[1], added.block[2]];
    // Tap k of output o reads pixel o + k * dilation * block - before.
    let mut before = [0; 2];
    for a in 0..2 {
        let padding = added.margin[a + 1][0].checked_add(own[a].checked_mul(block[a])?)?;
        before[a] = padding.checked_sub(cut.margin[a + 1][0])?;
    }
    let dilation = [0, 1].map(|a| window.dilation[a].saturating_mul(block[a]));
    let window = Window { dilation, ..window };
    let window = window.padded(pixels(image)?, kernel, before, pixels(merge.outputs[0])?)?;
    Some(Dilated { first, conv, window })
}

/// What a node of that kind takes apart or puts together in blocks of pixels, and how; `None` if it
/// is no such node, or does more.
fn tiling(graph: &Graph, node: &Node, kind: Blocks) -> Option<(TensorId, Tiling)> {
    let &[Some(x), Some(block), Some(margin)] = &node.inputs[..] else { return None };
    let same_scales = graph.tensor(x).quantization == graph.tensor(node.outputs[0]).quantization;
    if node.op != Op::Layout(Layout::Blocks(kind)) || node.grid.is_some() || !same_scales {
        return None;
    }
    let list = |id: TensorId| graph.tensor(id).const_integers();
    let tiling = Tiling::new(&list(block)?, &list(margin)?).ok()?;
    let only_pixels = tiling.block[3..].iter().all(|&b| b == 1)
        && tiling.margin[3..].iter().all(|m| *m == [0, 0]);
    (graph.tensor(x).shape.rank() == 4 && only_pixels).then_some((x, tiling))
}

fn window_of(op: &mut Op) -> Option<&mut Window> {
    match op {
        Op::Conv2d(conv) => Some(&mut conv.window),
        Op::DepthwiseConv2d(conv) => Some(&mut conv.window),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{GraphBuilder, evaluate};
    use crate::ops::{DepthwiseConv2d, Padding};
    use crate::tensor::Data;

    /// A 3x3 depthwise convolution in blocks of 2x2, with `added` and `cut` pixels.
    fn graph(added: [i32; 4], cut: [i32; 4], outputs_twice: bool) -> Graph {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 8, 8, 3]);
        let block = b.constant(&[2], Data::I32(vec![2, 2]));
        let added = b.constant(&[2, 2], Data::I32(added.to_vec()));
        let cut = b.constant(&[2, 2], Data::I32(cut.to_vec()));
        let filter =
            b.constant(&[1, 3, 3, 3], Data::F32((0..27).map(|i| i as f32 - 9.0).collect()));
        let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Valid };
        let split = b.node(Op::Layout(Layout::Blocks(Blocks::SpaceToBatch)), &[x, block, added]);
        let conv = Op::DepthwiseConv2d(DepthwiseConv2d { window, activation: None });
        let small = b.node(conv, &[split, filter]);
        let y = b.node(Op::Layout(Layout::Blocks(Blocks::BatchToSpace)), &[small, block, cut]);
        let outputs = if outputs_twice { vec![y, small] } else { vec![y] };
        b.build(&outputs)
    }

    #[test]
    fn three_nodes_become_one() {
        let mut graph = graph([2, 2, 2, 2], [0; 4], false);
        let (y, want) = (graph.outputs.clone(), evaluate(&graph));
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        assert_eq!((graph.nodes.len(), &graph.nodes[0].outputs), (1, &y));
        let window = Window { stride: [1, 1], dilation: [2, 2], padding: Padding::Same };
        assert_eq!(window_of(&mut graph.nodes[0].op), Some(&mut window.clone()));
        let covered: Vec<usize> = graph.nodes[0].covers.iter().map(|c| c.index).collect();
        assert_eq!(covered, [1, 2, 0]);
        graph.infer_shapes().unwrap();
        assert_eq!(evaluate(&graph), want);
    }

    #[test]
    fn what_is_cut_off_moves_the_window() {
        for (added, cut, padding) in [
            ([2, 4, 3, 3], [0, 2, 1, 1], Padding::Same),
            ([0; 4], [0; 4], Padding::Valid),
            ([0, 4, 5, 1], [0, 0, 1, 0], Padding::Explicit { before: [0, 4], after: [4, 1] }),
        ] {
            let mut graph = graph(added, cut, false);
            let want = evaluate(&graph);
            run(&mut graph).unwrap();
            graph.infer_shapes().unwrap();
            assert_eq!((graph.nodes.len(), evaluate(&graph)), (1, want));
            assert_eq!(window_of(&mut graph.nodes[0].op).unwrap().padding, padding);
        }
    }

    #[test]
    fn small_images_that_are_needed_stay() {
        let mut graph = graph([2, 2, 2, 2], [0; 4], true);
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes.len(), 3);
    }
}
