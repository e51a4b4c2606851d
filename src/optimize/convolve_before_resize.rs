//! A 1x1 convolution of an image made larger by RESIZE_BILINEAR is computed before it, on the few pixels: the
//! weights of the pixels that are mixed sum to 1, so that the two commute, the bias included.

use crate::error::Result;
use crate::graph::{Graph, TensorId};
use crate::ops::Op;
use crate::tensor::{DType, Shape};
use std::collections::HashMap;

/// What one channel of a pixel costs in a resize, in multiply-adds of a convolution.
const RESIZE_COST: usize = 4;

pub fn run(graph: &mut Graph) -> Result<()> {
    let uses = graph.use_counts();
    let mut producers = graph.producers();
    for conv in 0..graph.nodes.len() {
        let Some((resize, shape)) = commutes(graph, &uses, &producers, conv) else { continue };
        let (image, between) = (graph.nodes[resize].inputs[0], graph.nodes[resize].outputs[0]);
        let result = graph.nodes[conv].outputs[0];
        graph.tensors[between.0].shape = shape;
        graph.nodes[conv].inputs[0] = image;
        graph.nodes[conv].outputs[0] = between;
        graph.nodes[resize].inputs[0] = Some(between);
        graph.nodes[resize].outputs[0] = result;
        // Both run where the other one did: what they read is made before.
        graph.nodes.swap(resize, conv);
        producers.insert(between, resize);
        producers.insert(result, conv);
    }
    Ok(())
}

/// The resize before node `conv`, and the shape of what the convolution makes of its image, where that is
/// less work.
fn commutes(
    graph: &Graph,
    uses: &[usize],
    producers: &HashMap<TensorId, usize>,
    conv: usize,
) -> Option<(usize, Shape)> {
    let node = &graph.nodes[conv];
    let Op::Conv2d(op) = node.op else { return None };
    let (large, filter) = (node.inputs.first().copied()??, node.inputs.get(1).copied()??);
    let resize = *producers.get(&large).filter(|_| uses[large.0] == 1)?;
    let (before, image) = (&graph.nodes[resize], graph.nodes[resize].inputs.first().copied()??);
    if !matches!(before.op, Op::ResizeBilinear(_)) || before.grid.is_some() {
        return None;
    }
    let exact = op.activation.is_none() && node.grid.is_none();
    let floats =
        [image, large, node.outputs[0]].map(|id| graph.tensor(id).dtype) == [DType::F32; 3];
    let constant = node.inputs[1..].iter().flatten().all(|&id| graph.tensor(id).is_const());
    let [n, h, w, ci] = graph.tensor(image).shape.nhwc().ok()?;
    let [_, oh, ow, _] = graph.tensor(large).shape.nhwc().ok()?;
    let [co, kh, kw, _] = graph.tensor(filter).shape.nhwc().ok()?;
    if !exact || !floats || !constant || [kh, kw] != [1, 1] || op.window.stride != [1, 1] {
        return None;
    }
    // For each channel of the input, and of the result, of the larger image.
    let (few, many) = ((h * w) as f64, (oh * ow) as f64);
    let depth = graph.tensor(filter).shape.dims()[3];
    let work = |pixels: f64, resized: usize| {
        pixels * (depth * co) as f64 + many * (RESIZE_COST * resized) as f64
    };
    if graph.tensor(node.outputs[0]).shape.dims() != [n, oh, ow, co]
        || work(few, co) >= work(many, ci)
    {
        return None;
    }
    Some((resize, Shape::new([n, h, w, co]).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{GraphBuilder, evaluate};
    use crate::ops::{Conv2d, Padding, ResizeBilinear, Unary, Window};
    use crate::tensor::Data;

    /// 4x5 pixels of 2 channels, resized to some, then convolved to `co` channels.
    fn graph(size: [i32; 2], co: usize, activation: Option<Unary>, align: bool) -> Graph {
        let mut b = GraphBuilder::new();
        let x = b.input(&[2, 4, 5, 2]);
        let size = b.constant(&[2], Data::I32(size.to_vec()));
        let resize =
            ResizeBilinear { align_corners: align, half_pixel_centers: !align, fixed_point: false };
        let large = b.node(Op::ResizeBilinear(resize), &[x, size]);
        let weights = (0..2 * co).map(|i| i as f32 - 2.5).collect();
        let filter = b.constant(&[co, 1, 1, 2], Data::F32(weights));
        let bias = b.constant(&[co], Data::F32(vec![0.75; co]));
        let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };
        let y = b.node(Op::Conv2d(Conv2d { window, activation }), &[large, filter, bias]);
        let y = b.node(Op::Unary(Unary::Tanh), &[y]);
        b.build(&[y])
    }

    #[test]
    fn small_images_are_convolved() {
        for align in [false, true] {
            let mut graph = graph([8, 11], 3, None, align);
            let want = evaluate(&graph);
            run(&mut graph).unwrap();
            graph.validate().unwrap();
            let inferred = graph.clone();
            graph.infer_shapes().unwrap();
            assert_eq!(graph, inferred);
            let names: Vec<&str> = graph.nodes.iter().map(|n| n.op.name()).collect();
            assert_eq!(names, ["CONV_2D", "RESIZE_BILINEAR", "TANH"]);
            let near = |(a, b): (f32, f32)| (a - b).abs() < 1e-5;
            assert!(evaluate(&graph).into_iter().zip(want).all(near));
        }
    }

    #[test]
    fn others_stay() {
        // Activated before the resize would be another thing; the rest is no less work.
        for (size, co, activation) in
            [([8, 10], 3, Some(Unary::Relu)), ([2, 2], 3, None), ([5, 5], 40, None)]
        {
            let mut graph = graph(size, co, activation, false);
            let before = graph.clone();
            run(&mut graph).unwrap();
            assert_eq!(graph, before);
        }
    }
}
