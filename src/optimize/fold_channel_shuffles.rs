//! Shuffles of channels, as ShuffleNet has them (RESHAPE, TRANSPOSE, RESHAPE), moved into weights.
//!
//! Between a convolution that makes channels and one that reads them, their order is free if the weights
//! follow it. So concatenations, splits and shuffles of channels only keep book: for each channel, which
//! tensor has it, and where ([`Places`]). What reads them for real gets the channels in the order in which
//! they lie in those tensors, a copy of a few runs, and its weights in the same order. Operators that work
//! channel by channel hand the order on.

use super::MAX_MADE_BYTES;
use crate::error::{Error, OpRef, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::ops::layout::{Channels, Cut, Join, Layout, permutation};
use crate::tensor::{Data, TensorDef};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Copies of more runs of channels than this are not worth it.
const MAX_RUNS: usize = 16;

pub fn run(graph: &mut Graph) -> Result<()> {
    let mut new = graph.clone();
    let mut rewrite = Rewrite {
        follows: follows(graph),
        places: HashMap::new(),
        gone: HashSet::new(),
        gathered: HashMap::new(),
        covered: HashSet::new(),
        made_bytes: 0,
        graph: &mut new,
    };
    for node in std::mem::take(&mut rewrite.graph.nodes) {
        if rewrite.add(node)?.is_none() {
            return Ok(()); // as it was
        }
    }
    if !rewrite.gathered.is_empty() || !rewrite.gone.is_empty() {
        *graph = new;
        super::remove_dead::run(graph)?;
    }
    Ok(())
}

/// Where the channels of a tensor are.
#[derive(Debug, Clone)]
struct Places {
    /// For each channel, a tensor and a channel of that.
    list: Vec<(TensorId, usize)>,
    /// Axes of the tensor that count pixels: the others together count channels.
    pixel_axes: usize,
    /// Whether the order comes from a shuffle, so that following it saves something.
    shuffled: bool,
    /// The file's operators that only changed the order.
    covers: Vec<OpRef>,
}

struct Rewrite<'g> {
    graph: &'g mut Graph,
    /// For each tensor of the old graph, whether all that read it can follow another order of channels.
    follows: Vec<bool>,
    /// Of the tensors whose channels are found elsewhere.
    places: HashMap<TensorId, Places>,
    /// Tensors of the old graph that nothing makes any more.
    gone: HashSet<TensorId>,
    /// Copies that were made of channels, by what they have.
    gathered: HashMap<Vec<(TensorId, usize)>, TensorId>,
    /// Indices of the file's operators whose work such copies do.
    covered: HashSet<usize>,
    made_bytes: usize,
}

/// What an operator does to the order of channels.
enum Kind {
    /// Keeps book only.
    Moves,
    /// Each channel is made of the same channel of operand 0; its constants of channels, if any.
    ChannelByChannel,
    /// Sums over all channels.
    Absorbs,
    Other,
}

fn kind(graph: &Graph, node: &Node) -> Kind {
    let tensor = |i: usize| node.inputs.get(i).copied().flatten().map(|id| graph.tensor(id));
    let constant = |i: usize| tensor(i).is_none_or(TensorDef::is_const);
    let channels = |i: usize| tensor(i).and_then(|t| t.shape.dims().last().copied());
    match &node.op {
        Op::Layout(Layout::Join(Join::Concatenation(_)))
        | Op::Layout(Layout::Reshape(_) | Layout::Transpose)
        | Op::Layout(Layout::Cut(Cut::Slice | Cut::Split(_) | Cut::SplitV(_)))
            if node.grid.is_none() =>
        {
            Kind::Moves
        }
        Op::Conv2d(_) if constant(1) && channels(0) == channels(1) => Kind::Absorbs,
        Op::DepthwiseConv2d(_) if constant(1) && constant(2) && channels(0) == channels(1) => {
            Kind::ChannelByChannel
        }
        Op::Unary(_)
        | Op::Pool2d(_)
        | Op::ResizeBilinear(_)
        | Op::ResizeNearest(_)
        | Op::Quantize(_)
        | Op::Dequantize
        | Op::FakeQuant(_) => Kind::ChannelByChannel,
        _ => Kind::Other,
    }
}

/// For each tensor, whether all that read it can follow another order of its channels.
fn follows(graph: &Graph) -> Vec<bool> {
    let mut follows = vec![true; graph.tensors.len()];
    for id in &graph.outputs {
        follows[id.0] = false;
    }
    for node in graph.nodes.iter().rev() {
        let all = match kind(graph, node) {
            Kind::Absorbs => true,
            Kind::Moves | Kind::ChannelByChannel => node.outputs.iter().all(|id| follows[id.0]),
            Kind::Other => false,
        };
        for id in node.inputs.iter().flatten().filter(|_| !all) {
            follows[id.0] = false;
        }
    }
    follows
}

impl Rewrite<'_> {
    /// Moves a node over; `None` when it cannot do without what is gone.
    fn add(&mut self, mut node: Node) -> Result<Option<()>> {
        match kind(self.graph, &node) {
            Kind::Moves if node.outputs.iter().all(|id| self.follows[id.0]) => {
                let reads_gone = node.inputs.iter().flatten().any(|id| self.gone.contains(id));
                if self.keep_book(&node) && reads_gone {
                    self.gone.extend(&node.outputs);
                    return Ok(Some(()));
                }
            }
            Kind::Absorbs | Kind::ChannelByChannel => {
                let source = node.inputs.first().copied().flatten();
                if let Some(places) = source.and_then(|id| self.places.get(&id)).cloned()
                    && places.shuffled
                    && let Some(order) = self.order(&places, &node)
                {
                    self.follow(&mut node, &places, &order)?;
                }
            }
            _ => {}
        }
        let all_there = node.inputs.iter().flatten().all(|id| !self.gone.contains(id));
        self.graph.nodes.push(node);
        Ok(all_there.then_some(()))
    }

    /// Where the channels of a tensor are: with itself, unless something else is known.
    fn places(&self, id: TensorId) -> Option<Places> {
        if let Some(places) = self.places.get(&id) {
            return Some(places.clone());
        }
        let tensor = self.graph.tensor(id);
        let (&channels, pixels) = tensor.shape.dims().split_last()?;
        let list = (0..channels).map(|channel| (id, channel)).collect();
        let pixel_axes = pixels.len();
        let own = Places { list, pixel_axes, shuffled: false, covers: Vec::new() };
        (!tensor.is_const()).then_some(own)
    }

    /// Finds the places of what a node moves, if it moves whole channels.
    fn keep_book(&mut self, node: &Node) -> bool {
        let Some(results) = self.moved(node) else { return false };
        for (&id, mut places) in node.outputs.iter().zip(results) {
            places.covers.extend(node.covers.iter().cloned());
            self.places.insert(id, places);
        }
        true
    }

    fn moved(&self, node: &Node) -> Option<Vec<Places>> {
        let operands = self.graph.operands(node);
        let dims = |id: TensorId| self.graph.tensor(id).shape.dims();
        let result = *node.outputs.first()?;
        let quantization = |id: TensorId| &self.graph.tensor(id).quantization;
        let source = match &node.op {
            Op::Layout(op) => node.inputs.get(op.source()).copied().flatten()?,
            _ => return None,
        };
        let same = |id: &TensorId| quantization(*id) == quantization(source);
        if !node.outputs.iter().all(same) {
            return None;
        }
        match &node.op {
            Op::Layout(Layout::Join(op)) => {
                let rank = dims(result).len();
                let mut joined = Places {
                    list: Vec::new(),
                    pixel_axes: rank - 1,
                    shuffled: false,
                    covers: Vec::new(),
                };
                for id in node.inputs.iter().copied() {
                    let places = self.places(id?).filter(|p| p.pixel_axes == rank - 1)?;
                    if !same(&id?) {
                        return None;
                    }
                    joined.list.extend(places.list);
                    joined.shuffled |= places.shuffled;
                    joined.covers.extend(places.covers);
                }
                (op.axis(rank).ok()? == rank - 1).then(|| vec![joined])
            }
            Op::Layout(Layout::Cut(op)) => {
                let places = self.places(source)?;
                let (x, lists) = op.operands(&operands).ok()?;
                let lists: Vec<&[i64]> = lists.iter().map(Vec::as_slice).collect();
                let dims = x.shape.dims();
                if places.pixel_axes + 1 != dims.len() {
                    return None;
                }
                let part = |k: usize| {
                    let cuts = op.cuts(k, dims, &lists).ok()?;
                    let (channels, pixels) = cuts[..dims.len()].split_last()?;
                    let whole = pixels.iter().zip(dims).all(|(c, &d)| c.step == 1 && c.count == d);
                    let range = channels.start..channels.start + channels.count;
                    let list = places.list.get(range)?.to_vec();
                    (whole && channels.step == 1).then(|| Places { list, ..places.clone() })
                };
                (0..op.count()).map(part).collect()
            }
            Op::Layout(Layout::Reshape(_)) => {
                let places = self.places(source)?;
                let pixels: usize = dims(source)[..places.pixel_axes].iter().product();
                let axes = 1..dims(result).len();
                let mut fitting =
                    axes.filter(|&n| dims(result)[..n].iter().product::<usize>() == pixels);
                let pixel_axes = fitting.next()?;
                Some(vec![Places { pixel_axes, ..places }])
            }
            Op::Layout(Layout::Transpose) => {
                let places = self.places(source)?;
                let order =
                    permutation(&operands.get(1).copied().flatten()?.const_integers()?).ok()?;
                let (from, to) = (dims(source), dims(result));
                let first = places.pixel_axes;
                if from.len() != first + 2
                    || !order[..first].iter().enumerate().all(|(i, &a)| i == a)
                {
                    return None;
                }
                if order[first] == first {
                    return Some(vec![places]);
                }
                let (rows, columns) = (to[first], to[first + 1]);
                let at = |i: usize| places.list[i % columns * rows + i / columns];
                let list = (0..rows * columns).map(at).collect();
                Some(vec![Places { list, shuffled: true, ..places }])
            }
            _ => None,
        }
    }

    /// The channels in the order in which they lie in their tensors, if that is few runs, and the last axis
    /// of what the node reads has them.
    fn order(&self, places: &Places, node: &Node) -> Option<Vec<usize>> {
        let x = node.inputs.first().copied().flatten()?;
        if places.pixel_axes + 1 != self.graph.tensor(x).shape.rank() {
            return None;
        }
        let mut order: Vec<usize> = (0..places.list.len()).collect();
        order.sort_by_key(|&i| places.list[i]);
        let follow = |w: &[usize]| {
            let [(a, i), (b, k)] = [places.list[w[0]], places.list[w[1]]];
            a == b && i + 1 == k
        };
        let runs = 1 + order.windows(2).filter(|w| !follow(w)).count();
        (runs <= MAX_RUNS).then_some(order)
    }

    /// Lets a node read the channels in that order, and its weights follow.
    fn follow(&mut self, node: &mut Node, places: &Places, order: &[usize]) -> Result<()> {
        let x = node.inputs[0].ok_or_else(|| Error::malformed("has no input"))?;
        let gathered = self.gather(node, x, places, order);
        if let Op::Conv2d(_) | Op::DepthwiseConv2d(_) = node.op {
            // The last axis of either filter is that of the input's channels.
            node.inputs[1] = self.reordered(node.inputs[1], order)?;
        }
        if let Op::DepthwiseConv2d(_) = node.op
            && node.inputs.len() > 2
        {
            node.inputs[2] = self.reordered(node.inputs[2], order)?;
        }
        node.inputs[0] = Some(gathered);
        if let Op::Conv2d(_) = node.op {
            return Ok(());
        }
        // The result has the same order.
        let old = node.outputs[0];
        let new = self.graph.add_tensor(self.graph.tensor(old).clone());
        self.gone.insert(old);
        node.outputs[0] = new;
        let mut list = vec![(new, 0); order.len()];
        for (at, &channel) in order.iter().enumerate() {
            list[channel] = (new, at);
        }
        let pixel_axes = self.graph.tensor(new).shape.rank() - 1;
        self.places.insert(old, Places { list, pixel_axes, shuffled: true, covers: Vec::new() });
        Ok(())
    }

    /// A tensor that has the channels of `x` in that order.
    fn gather(
        &mut self,
        node: &mut Node,
        x: TensorId,
        places: &Places,
        order: &[usize],
    ) -> TensorId {
        let list: Vec<(TensorId, usize)> = order.iter().map(|&i| places.list[i]).collect();
        if let Some(&id) = self.gathered.get(&list) {
            return id;
        }
        let mut covers = places.covers.clone();
        covers.retain(|op| self.covered.insert(op.index));
        let base = list[0].0;
        let whole = list.iter().enumerate().all(|(i, &place)| place == (base, i));
        if whole && self.graph.tensor(base).shape.dims().last() == Some(&list.len()) {
            node.covers.extend(covers);
            return base;
        }
        let (mut inputs, mut parts): (Vec<TensorId>, Vec<Channels>) = (Vec::new(), Vec::new());
        for &(id, channel) in &list {
            match parts.last_mut() {
                Some(part) if inputs[part.operand] == id && part.range.end == channel => {
                    part.range.end += 1;
                }
                _ => {
                    // Channels of one tensor follow each other.
                    if inputs.last() != Some(&id) {
                        inputs.push(id);
                    }
                    parts.push(Channels { operand: inputs.len() - 1, range: channel..channel + 1 });
                }
            }
        }
        if covers.is_empty() {
            // Its time counts for who needs it.
            covers.push(OpRef { index: node.source().index, name: "CONCATENATION".to_string() });
        }
        let made = self.graph.add_tensor(self.graph.tensor(x).clone());
        self.graph.nodes.push(Node {
            op: Op::Layout(Layout::Channels(parts)),
            inputs: inputs.into_iter().map(Some).collect(),
            outputs: vec![made],
            grid: None,
            covers,
        });
        self.gathered.insert(list, made);
        made
    }

    /// A constant with the slices along its last axis in that order.
    fn reordered(&mut self, id: Option<TensorId>, order: &[usize]) -> Result<Option<TensorId>> {
        let Some(id) = id else { return Ok(None) };
        let old = self.graph.tensor(id);
        self.made_bytes += old.shape.elements() * old.dtype.size();
        if self.made_bytes > MAX_MADE_BYTES {
            return Err(Error::limit("the model's constants grow too large"));
        }
        let mut new = old.clone();
        let picked =
            |data: &Data| data.picked(|i| i / order.len() * order.len() + order[i % order.len()]);
        new.data = old.data.as_deref().map(|data| Arc::new(picked(data)));
        if let Some(q) = &mut new.quantization
            && q.scale.len() == order.len()
            && q.axis + 1 == old.shape.rank()
        {
            q.scale = order.iter().map(|&i| q.scale[i]).collect();
            q.zero_point = order.iter().map(|&i| q.zero_point[i]).collect();
        }
        Ok(Some(self.graph.add_tensor(new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{GraphBuilder, evaluate};
    use crate::ops::layout::Reshape;
    use crate::ops::{Conv2d, DepthwiseConv2d, Padding, Unary, Window};

    const WINDOW: Window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };

    fn numbers(count: usize) -> Data {
        Data::F32((0..count).map(|i| (i * 5 % 7) as f32 / 4.0 - 0.6).collect())
    }

    fn conv(b: &mut GraphBuilder, x: TensorId, [ci, co]: [usize; 2]) -> TensorId {
        let filter = b.constant(&[co, 1, 1, ci], numbers(co * ci));
        let bias = b.constant(&[co], numbers(co));
        b.node(Op::Conv2d(Conv2d { window: WINDOW, activation: None }), &[x, filter, bias])
    }

    fn depthwise(b: &mut GraphBuilder, x: TensorId, c: usize) -> TensorId {
        let filter = b.constant(&[1, 3, 3, c], numbers(9 * c));
        let bias = b.constant(&[c], numbers(c));
        let op = DepthwiseConv2d { window: WINDOW, activation: Some(Unary::Relu) };
        b.node(Op::DepthwiseConv2d(op), &[x, filter, bias])
    }

    fn concatenation(b: &mut GraphBuilder, parts: &[TensorId]) -> TensorId {
        b.node(Op::Layout(Layout::Join(Join::Concatenation(-1))), parts)
    }

    fn shuffle(b: &mut GraphBuilder, x: TensorId, c: i32) -> TensorId {
        let reshape = |shape: Vec<i32>| Op::Layout(Layout::Reshape(Reshape::Reshape(shape)));
        let wide = b.node(reshape(vec![1, 4, 5, 2, c / 2]), &[x]);
        let axes = b.constant(&[5], Data::I32(vec![0, 1, 2, 4, 3]));
        let turned = b.node(Op::Layout(Layout::Transpose), &[wide, axes]);
        b.node(reshape(vec![1, 4, 5, c]), &[turned])
    }

    fn half(b: &mut GraphBuilder, x: TensorId, first: i32, count: i32) -> TensorId {
        let begin = b.constant(&[4], Data::I32(vec![0, 0, 0, first]));
        let size = b.constant(&[4], Data::I32(vec![1, 4, 5, count]));
        b.node(Op::Layout(Layout::Cut(Cut::Slice)), &[x, begin, size])
    }

    fn names(graph: &Graph) -> Vec<&str> {
        graph.nodes.iter().map(|n| n.op.name()).collect()
    }

    fn same(mut graph: Graph) -> Graph {
        let want = evaluate(&graph);
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        let inferred = graph.clone();
        graph.infer_shapes().unwrap();
        assert_eq!(graph, inferred);
        let near = |(a, b): (f32, f32)| (a - b).abs() < 1e-4 * b.abs().max(1.0);
        assert!(evaluate(&graph).into_iter().zip(want).all(near));
        graph
    }

    /// Two units of ShuffleNetV2: half of the channels pass by, half are convolved, and all are mixed.
    #[test]
    fn units_copy_what_they_convolve() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 4, 5, 3]);
        let mut x = conv(&mut b, x, [3, 8]);
        for _ in 0..2 {
            let (left, right) = (half(&mut b, x, 0, 4), half(&mut b, x, 4, 4));
            let right = conv(&mut b, right, [4, 4]);
            let right = depthwise(&mut b, right, 4);
            let right = conv(&mut b, right, [4, 4]);
            let all = concatenation(&mut b, &[left, right]);
            x = shuffle(&mut b, all, 8);
        }
        // What reads all channels one by one, and what sums them up.
        let x = depthwise(&mut b, x, 8);
        let y = conv(&mut b, x, [8, 2]);
        let graph = same(b.build(&[y]));
        let moves = ["RESHAPE", "TRANSPOSE"];
        assert!(names(&graph).iter().all(|name| !moves.contains(name)), "{:?}", names(&graph));
        // The first half is cut out of its tensor as before: nothing was shuffled yet.
        let copies = names(&graph).iter().filter(|n| **n == "CONCATENATION").count();
        assert_eq!(copies, 2);
    }

    #[test]
    fn what_others_read_in_order_stays() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 4, 5, 4]);
        let mixed = shuffle(&mut b, x, 4);
        let x = depthwise(&mut b, mixed, 4);
        let y = conv(&mut b, x, [4, 2]);
        let before = b.build(&[y, x]);
        let mut graph = before.clone();
        run(&mut graph).unwrap();
        assert_eq!(graph, before);
    }
}
