//! The same network for another input size.
//!
//! Sizes that the converter wrote into constants are derived anew in proportion: the target of a
//! resize, the window of a pool that covered its whole image, the extents of a reshape.

#![forbid(unsafe_code)]

mod layout;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node};
use crate::ops::Op;
use crate::ops::conv::output_size;
use crate::ops::resize::target_size;
use crate::tensor::{DType, Data, Shape, TensorDef};
use std::sync::Arc;

/// Sides are multiples of this.
pub const STEP: usize = 8;

/// Larger sides are refused.
pub const MAX_SIDE: usize = 4096;

/// The graph with its first input at `[_, height, width, _]` and all shapes inferred anew. The
/// given graph must be as read from the file, with its shapes inferred.
pub fn resized(graph: &Graph, height: usize, width: usize) -> Result<Graph> {
    let allowed = |side: usize| side > 0 && side.is_multiple_of(STEP) && side <= MAX_SIDE;
    if !allowed(height) || !allowed(width) {
        return Err(Error::bad_input(format!(
            "input size {height}x{width}: height and width must be multiples of {STEP}, from \
             {STEP} to {MAX_SIDE}"
        )));
    }
    let [input] = graph.inputs[..] else {
        let count = graph.inputs.len();
        return Err(Error::unsupported(format!("a model of {count} inputs cannot be resized")));
    };
    let shape = &graph.tensor(input).shape;
    let [n, _, _, c] = shape.nhwc()?;
    if shape.elements() == 0 {
        return Err(Error::unsupported(format!("an input of {shape} cannot be resized")));
    }
    let mut new = graph.clone();
    new.tensors[input.0].shape = Shape::new([n, height, width, c])?;
    for i in 0..new.nodes.len() {
        let at = graph.nodes[i].source();
        adapt(graph, &mut new, i).map_err(|e| e.at(at.index, &at.name))?;
        new.infer_node(i)?;
    }
    Ok(new)
}

/// Derives anew what node `i` of the new graph carries of the old size. Its operands' shapes are
/// the new ones already.
fn adapt(old: &Graph, new: &mut Graph, i: usize) -> Result<()> {
    let node = &old.nodes[i];
    let image = |graph: &Graph| -> Result<[usize; 2]> {
        let id = node.inputs.first().copied().flatten();
        let id = id.ok_or_else(|| Error::malformed("has no input"))?;
        let [_, h, w, _] = graph.tensor(id).shape.nhwc()?;
        Ok([h, w])
    };
    match &node.op {
        Op::ResizeBilinear(_) | Op::ResizeNearest(_) if is_fixed(old, node, 1) => {
            let target = target_size(old.tensor(node.inputs[1].ok_or_else(missing)?))?;
            set_sizes(new, i, 1, &scaled(old, new, target)?)?;
        }
        Op::TransposeConv(_) if is_fixed(old, node, 0) => {
            let [n, h, w, c] = output_size(old.tensor(node.inputs[0].ok_or_else(missing)?))?;
            let [h, w] = scaled(old, new, [h, w])?;
            set_sizes(new, i, 0, &[n, h, w, c])?;
        }
        Op::Pool2d(pool) if pool.kernel == image(old)? => {
            let mut pool = *pool;
            pool.kernel = image(new)?;
            // Such a pool has one output; its stride, usually the same size, must not make more.
            pool.window.stride = pool.kernel;
            new.nodes[i].op = Op::Pool2d(pool);
        }
        Op::Layout(op) => layout::adapt(op, old, new, i)?,
        _ => {}
    }
    Ok(())
}

fn missing() -> Error {
    Error::malformed("has no size")
}

/// Whether an operand is a constant of the file. One that is computed from shapes follows them.
fn is_fixed(graph: &Graph, node: &Node, operand: usize) -> bool {
    let id = node.inputs.get(operand).copied().flatten();
    id.is_some_and(|id| graph.nodes.iter().all(|n| !n.outputs.contains(&id)))
}

/// Replaces an operand of node `i` by a constant list of int32.
fn set_sizes(graph: &mut Graph, i: usize, operand: usize, sizes: &[usize]) -> Result<()> {
    let too_large = |_| Error::malformed(format!("sizes {sizes:?}"));
    let list: Vec<i32> =
        sizes.iter().map(|&s| s.try_into()).collect::<Result<_, _>>().map_err(too_large)?;
    let size = TensorDef {
        name: format!("size of {}", graph.nodes[i].source().index),
        shape: Shape::new([sizes.len()])?,
        dtype: DType::I32,
        quantization: None,
        data: Some(Arc::new(Data::I32(list))),
    };
    let id = graph.add_tensor(size);
    graph.nodes[i].inputs[operand] = Some(id);
    Ok(())
}

/// The size `[height, width]` of an image inside, in the same proportion to the model's input as
/// before: that is what the layers it meets again scale with. Rounded up, as strides with `SAME`
/// padding round.
fn scaled(old: &Graph, new: &Graph, size: [usize; 2]) -> Result<[usize; 2]> {
    let input = |graph: &Graph| graph.tensor(graph.inputs[0]).shape.nhwc();
    let ([_, old_h, old_w, _], [_, new_h, new_w, _]) = (input(old)?, input(new)?);
    let scale = |side: usize, new: usize, old: usize| {
        let scaled = side.checked_mul(new).map(|t| t.div_ceil(old));
        scaled.ok_or_else(|| Error::malformed(format!("target size {side}")))
    };
    Ok([scale(size[0], new_h, old_h)?, scale(size[1], new_w, old_w)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::GraphBuilder;
    use crate::ops::{Padding, Pool2d, PoolKind, ResizeBilinear, Window};

    /// [1, 64, 64, 2] → pool 2x2 → resized back; and its global mean.
    fn pyramid() -> Graph {
        let pool = |kernel| {
            let window = Window { stride: kernel, dilation: [1, 1], padding: Padding::Same };
            Op::Pool2d(Pool2d { kind: PoolKind::Average, kernel, window, activation: None })
        };
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 64, 64, 2]);
        let half = b.node(pool([2, 2]), &[x]);
        let quarter = b.node(pool([2, 2]), &[half]);
        let size = b.constant(&[2], Data::I32(vec![32, 32]));
        let op =
            ResizeBilinear { align_corners: false, half_pixel_centers: true, fixed_point: false };
        let up = b.node(Op::ResizeBilinear(op), &[quarter, size]);
        let mean = b.node(pool([32, 32]), &[half]);
        b.build(&[up, mean])
    }

    #[test]
    fn constants_follow_the_input() {
        let graph = pyramid();
        let new = resized(&graph, 24, 136).unwrap();
        new.validate().unwrap();
        assert_eq!(new.tensor(new.outputs[0]).shape.dims(), [1, 12, 68, 2]);
        assert_eq!(new.tensor(new.outputs[1]).shape.dims(), [1, 1, 1, 2]);
        // And back again.
        let back = resized(&graph, 64, 64).unwrap();
        assert_eq!(back.tensor(back.outputs[0]).shape.dims(), [1, 32, 32, 2]);
    }

    #[test]
    fn other_sides_are_refused() {
        for (h, w) in [(0, 64), (64, 12), (MAX_SIDE + 8, 64)] {
            let error = resized(&pyramid(), h, w).unwrap_err();
            assert!(error.to_string().contains("multiples of 8"), "{error}");
        }
    }
}
