//! The same network for another input size.
//!
//! Sizes that the converter wrote into constants are derived anew in proportion: the target of a
//! resize, the window of a pool that covered its whole image, the extents of a reshape.

#![forbid(unsafe_code)]

mod layout;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::ops::conv::output_size;
use crate::ops::layout::{Join, Layout};
use crate::ops::resize::target_size;
use crate::tensor::{DType, Data, Shape, TensorDef};
use std::sync::Arc;

/// Sides are multiples of this.
pub const STEP: usize = 8;

/// Larger sides are refused.
pub const MAX_SIDE: usize = 4096;

/// Height and width of a model's one input, if it is an image `[n, height, width, channels]`.
pub fn size_of(graph: &Graph) -> Option<[usize; 2]> {
    let [input] = graph.inputs[..] else { return None };
    let [_, h, w, _] = graph.tensor(input).shape.nhwc().ok()?;
    Some([h, w])
}

/// About the aspect ratio of `[h, w]` with another longer side, up to [`MAX_SIDE`]: multiples of
/// [`STEP`], rounded to the nearest.
pub fn of_long_side([h, w]: [usize; 2], long_side: usize) -> [usize; 2] {
    // Products may pass 32 bits.
    let (long, step) = (h.max(w).max(1) as u64, STEP as u64);
    let long_side = long_side.min(MAX_SIDE) as u64;
    [h, w].map(|own| {
        let steps = (own as u64 * long_side + long * step / 2) / (long * step);
        (steps.max(1) * step) as usize
    })
}

/// The graph with its first input at `[_, height, width, _]` and all shapes inferred anew. The
/// given graph must be as read from the file, with its shapes inferred. Its own size is always
/// allowed, others are multiples of [`STEP`].
///
/// Errors: `BadInput` for other sides, `UnsupportedModel` for models that have not one image as
/// their input, and by the operator that says too little of other sizes, with its index.
pub fn resized(graph: &Graph, height: usize, width: usize) -> Result<Graph> {
    if size_of(graph) == Some([height, width]) {
        return Ok(graph.clone());
    }
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
    let old = File::new(graph);
    let mut new = graph.clone();
    new.tensors[input.0].shape = Shape::new([n, height, width, c])?;
    let size = format!("at an input of {height}x{width}");
    for i in 0..new.nodes.len() {
        let at = graph.nodes[i].source();
        adapt(&old, &mut new, i)
            .and_then(|()| new.infer_node(i))
            .map_err(|e| e.at(at.index, &at.name).about(&size).of_sound_file())?;
    }
    Ok(new)
}

/// The graph as the file has it.
struct File<'a> {
    graph: &'a Graph,
    /// Of each tensor, whether the input or its shape has a part in it. The others keep what they
    /// are, whatever the input's size.
    follows: Vec<bool>,
}

impl File<'_> {
    fn new(graph: &Graph) -> File<'_> {
        let mut follows = vec![false; graph.tensors.len()];
        graph.inputs.iter().for_each(|id| follows[id.0] = true);
        for node in &graph.nodes {
            if node.inputs.iter().flatten().any(|id| follows[id.0]) {
                node.outputs.iter().for_each(|id| follows[id.0] = true);
            }
        }
        File { graph, follows }
    }

    /// Whether an operand is there and stays the same at every input size.
    fn is_fixed(&self, node: &Node, operand: usize) -> bool {
        let id = node.inputs.get(operand).copied().flatten();
        id.is_some_and(|id| !self.follows[id.0])
    }

    /// Of each element of a list, whether it stays the same at every input size. Converters write
    /// sizes of a model with an open batch as PACK of that batch and of constants.
    fn fixed_elements(&self, list: TensorId) -> Vec<bool> {
        let count = self.graph.tensor(list).shape.elements();
        let maker = self.graph.nodes.iter().find(|node| node.outputs.contains(&list));
        match maker.map(|node| (&node.op, &node.inputs)) {
            Some((Op::Layout(Layout::Join(Join::Pack(_))), scalars)) if scalars.len() == count => {
                scalars.iter().map(|id| id.is_some_and(|id| !self.follows[id.0])).collect()
            }
            _ => vec![!self.follows[list.0]; count],
        }
    }
}

/// Derives anew what node `i` of the new graph carries of the old size. Its operands' shapes are
/// the new ones already.
fn adapt(file: &File, new: &mut Graph, i: usize) -> Result<()> {
    let old = file.graph;
    let node = &old.nodes[i];
    let image = |graph: &Graph| -> Result<[usize; 2]> {
        let id = node.inputs.first().copied().flatten();
        let id = id.ok_or_else(|| Error::malformed("has no input"))?;
        let [_, h, w, _] = graph.tensor(id).shape.nhwc()?;
        Ok([h, w])
    };
    match &node.op {
        Op::ResizeBilinear(_) | Op::ResizeNearest(_) => {
            let id = node.inputs.get(1).copied().flatten().ok_or_else(missing)?;
            let [before, after] = [old, new].map(|graph| target_size(graph.tensor(id)));
            let (fixed, mut target) = (file.fixed_elements(id), after?);
            let scaled = scaled(old, new, before?)?;
            (0..2).filter(|&a| fixed[a]).for_each(|a| target[a] = scaled[a]);
            set_sizes(new, i, 1, &target)?;
        }
        Op::TransposeConv(_) => {
            let id = node.inputs.first().copied().flatten().ok_or_else(missing)?;
            let [before, after] = [old, new].map(|graph| output_size(graph.tensor(id)));
            let ([_, h, w, _], mut size) = (before?, after?);
            let (fixed, scaled) = (file.fixed_elements(id), scaled(old, new, [h, w])?);
            (1..3).filter(|&a| fixed[a]).for_each(|a| size[a] = scaled[a - 1]);
            set_sizes(new, i, 0, &size)?;
        }
        Op::Pool2d(pool) if pool.kernel == image(old)? => {
            let mut pool = *pool;
            pool.kernel = image(new)?;
            // Such a pool has one output; its stride, usually the same size, must not make more.
            pool.window.stride = pool.kernel;
            new.nodes[i].op = Op::Pool2d(pool);
        }
        Op::Layout(op) => layout::adapt(op, file, new, i)?,
        _ => {}
    }
    Ok(())
}

fn missing() -> Error {
    Error::malformed("has no size")
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

    /// As Keras writes Conv2DTranspose for an open batch: the output is PACK(batch, 128, 128, 4),
    /// the batch from SHAPE.
    #[test]
    fn numbers_beside_an_open_batch_follow() {
        use crate::ops::layout::{Cut, StridedSlice};
        use crate::ops::{Op, TransposeConv};
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 64, 64, 2]);
        let shape = b.node(Op::Shape(DType::I32), &[x]);
        let [zero, one] = [0, 1].map(|i| b.constant(&[1], Data::I32(vec![i])));
        let first = StridedSlice { shrink_axis_mask: 1, ..StridedSlice::default() };
        let first = Op::Layout(Layout::Cut(Cut::StridedSlice(first)));
        let batch = b.node(first, &[shape, zero, one, one]);
        let [side, channels] = [128, 4].map(|n| b.constant(&[], Data::I32(vec![n])));
        let pack = Op::Layout(Layout::Join(Join::Pack(0)));
        let size = b.node(pack, &[batch, side, side, channels]);
        let filter = b.constant(&[4, 3, 3, 2], Data::F32(vec![0.5; 72]));
        let conv = TransposeConv {
            stride: [2, 2],
            padding: Padding::Same,
            activation: None,
            rounds_twice: false,
        };
        let y = b.node(Op::TransposeConv(conv), &[size, filter, x]);
        let graph = b.build(&[y]);
        let new = resized(&graph, 24, 40).unwrap();
        assert_eq!(new.tensor(y).shape.dims(), [1, 48, 80, 4]);
    }

    #[test]
    fn an_image_in_the_file_does_not_follow() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 64, 64, 2]);
        let places = b.constant(&[1, 64, 64, 2], Data::F32(vec![0.5; 64 * 64 * 2]));
        let add = crate::ops::Binary { kind: crate::ops::BinaryKind::Add, activation: None };
        let y = b.node(Op::Binary(add), &[x, places]);
        let graph = b.build(&[y]);
        let error = resized(&graph, 24, 40).unwrap_err();
        assert_eq!(error.kind().code(), "unsupported-model");
        let text = error.to_string();
        assert!(text.starts_with("operator 0 (ADD): at an input of 24x40: "), "{text}");
    }

    #[test]
    fn the_files_own_size_is_allowed_whatever_it_is() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 65, 33, 2]);
        let y = b.node(Op::Unary(crate::ops::Unary::Abs), &[x]);
        let graph = b.build(&[y]);
        assert_eq!(size_of(&graph), Some([65, 33]));
        assert_eq!(size_of(&resized(&graph, 64, 32).unwrap()), Some([64, 32]));
        assert_eq!(size_of(&resized(&graph, 65, 33).unwrap()), Some([65, 33]));
        assert!(resized(&graph, 33, 65).is_err());
    }

    #[test]
    fn other_sides_are_refused() {
        for (h, w) in [(0, 64), (64, 12), (MAX_SIDE + 8, 64)] {
            let error = resized(&pyramid(), h, w).unwrap_err();
            assert!(error.to_string().contains("multiples of 8"), "{error}");
        }
    }
}
