//! Which tensors must have the same number of channels, and the network with other numbers of them.
//!
//! Convolutions and FULLY_CONNECTED begin a new group: they can make any number of channels of any other.
//! Operators that work on each channel alone keep what they read and what they make in one group. Where
//! CONCATENATION joins channels, the number is the sum of the joined ones. All other operators, and the
//! caller, fix the channels of what they touch.

use super::Site;
use super::case::{Case, consumers};
use super::edit::Editor;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::layout::{Join, Layout, Reshape, paddings, permutation};
use crate::ops::reduce::reduced_axes;
use crate::ops::{BinaryKind, Op};
use crate::tensor::TensorDef;
use std::collections::{HashMap, HashSet};

/// Tensors with the same number of channels.
#[derive(Debug, Clone)]
pub struct Group {
    /// Channels: the last extent of all of them.
    pub channels: usize,
    /// The tensors, in the graph's order.
    pub tensors: Vec<TensorId>,
    /// Nodes that make one of them or read one.
    pub nodes: Vec<usize>,
    /// Those with weights that make one: what has as many filters as there are channels.
    pub makers: Vec<usize>,
    /// Whether no other number of channels is possible.
    pub fixed: bool,
    /// Whether it is the sum of what a CONCATENATION joins.
    pub follows: bool,
}

impl Group {
    /// Whether another number of channels is possible, and a matter of choice.
    pub fn is_free(&self) -> bool {
        !self.fixed && !self.follows
    }

    /// The layers that are other ones with another number of channels.
    pub fn site(&self, case: &Case) -> Site {
        Site { layers: self.makers.clone(), ms: case.ms(&self.nodes), note: String::new() }
    }
}

/// All groups of a graph.
#[derive(Debug)]
pub struct Widths {
    /// The groups, by their first tensor.
    pub groups: Vec<Group>,
    /// Of each tensor; `None` for constants, and what has no channels.
    of: Vec<Option<usize>>,
}

impl Widths {
    /// The group of a tensor.
    pub fn of(&self, id: TensorId) -> Option<usize> {
        self.of[id.0]
    }

    /// Finds them.
    pub fn new(case: &Case) -> Widths {
        let graph = case.graph;
        let mut finder = Finder {
            case,
            parent: (0..graph.tensors.len()).collect(),
            fixed: graph.inputs.iter().chain(&graph.outputs).copied().collect(),
            joins: Vec::new(),
        };
        for node in &graph.nodes {
            if finder.node(node).is_none() {
                let touched = node.inputs.iter().flatten().chain(&node.outputs);
                finder.fixed.extend(touched.copied());
            }
        }
        finder.groups()
    }
}

/// Whether a tensor has channels: it is no constant, and no list of sizes.
fn has_channels(t: &TensorDef) -> bool {
    let real = t.dtype == crate::tensor::DType::F32 || t.quantization.is_some();
    real && !t.is_const() && t.shape.dims().last().is_some_and(|&c| c > 1)
}

fn last(t: &TensorDef) -> usize {
    t.shape.dims().last().copied().unwrap_or(1)
}

/// Sets of tensors, as a forest.
struct Finder<'a> {
    case: &'a Case<'a>,
    parent: Vec<usize>,
    fixed: HashSet<TensorId>,
    /// Results of CONCATENATION along channels, and what each joins.
    joins: Vec<(TensorId, Vec<TensorId>)>,
}

impl Finder<'_> {
    fn root(&mut self, mut id: usize) -> usize {
        while self.parent[id] != id {
            self.parent[id] = self.parent[self.parent[id]];
            id = self.parent[id];
        }
        id
    }

    fn join(&mut self, a: TensorId, b: TensorId) {
        let (a, b) = (self.root(a.0), self.root(b.0));
        self.parent[a.max(b)] = a.min(b);
    }

    /// Notes what a node says of its tensors; `None` where it is not known what it does to channels.
    fn node(&mut self, node: &Node) -> Option<()> {
        let case = self.case;
        let x = node.inputs.first().copied().flatten();
        let y = *node.outputs.first()?;
        let tensor = |id: TensorId| case.graph.tensor(id);
        let constant = |k: usize| case.operand(node, k).is_some_and(TensorDef::is_const);
        let weights = |k: usize| match node.inputs.get(k).copied().flatten() {
            Some(id) => case.is_weights(id),
            None => true,
        };
        // What is known already, and what only depends on shapes, changes no channels.
        if node.outputs.iter().all(|&id| !has_channels(tensor(id)))
            && node.inputs.iter().flatten().all(|&id| !has_channels(tensor(id)))
        {
            return Some(());
        }
        match &node.op {
            Op::Conv2d(_) | Op::Convolution2dTransposeBias(_) => {
                let ([_, _, _, depth], [_, _, _, ci]) =
                    (case.extents(node, 1)?, case.extents(node, 0)?);
                (depth == ci && weights(1) && weights(2)).then_some(())
            }
            // The size becomes a constant, which a quantized one that is computed is not to be.
            Op::TransposeConv(op) => {
                let stays = case.result(node).quantization.is_some() && op.rounds_twice;
                (constant(0) && weights(1) && weights(3) && !stays).then_some(())
            }
            Op::FullyConnected(_) => {
                let depth = case.operand(node, 1)?.shape.dims().last().copied()?;
                (depth == last(tensor(x?)) && weights(1) && weights(2)).then_some(())
            }
            Op::DepthwiseConv2d(_) => {
                let same = last(tensor(x?)) == last(tensor(y));
                (same && weights(1) && weights(2)).then(|| self.join(x.unwrap_or(y), y))
            }
            Op::Unary(_)
            | Op::FakeQuant(_)
            | Op::Quantize(_)
            | Op::Dequantize
            | Op::ResizeBilinear(_)
            | Op::ResizeNearest(_)
            | Op::Pool2d(_) => {
                self.join(x?, y);
                Some(())
            }
            Op::MaxPoolWithArgmax(_) | Op::MaxUnpool(_) => {
                let all = node.inputs.iter().flatten().chain(&node.outputs);
                all.for_each(|&id| self.join(id, y));
                Some(())
            }
            Op::Binary(op) => {
                for (k, &id) in node.inputs.iter().enumerate() {
                    let operand = tensor(id?);
                    let stretches = last(operand) == 1;
                    if operand.is_const() || stretches {
                        // PRELU's slopes may be anything that fits; others as well.
                        continue;
                    }
                    if case.producer(id?).is_none() && !case.graph.inputs.contains(&id?) {
                        return None;
                    }
                    if k == 1 && op.kind == BinaryKind::Prelu && case.is_weights(id?) {
                        return None;
                    }
                    self.join(id?, y);
                }
                Some(())
            }
            Op::Reduce(_) => {
                let rank = tensor(x?).shape.rank();
                let reduced = reduced_axes(case.operand(node, 1)?, rank).ok()?;
                (!reduced.last()?).then(|| self.join(x.unwrap_or(y), y))
            }
            Op::Layout(op) => self.layout(op, node, x?, y),
            // What is computed from extents follows them.
            Op::Shape(_) | Op::Rank => Some(()),
            _ => None,
        }
    }

    fn layout(&mut self, op: &Layout, node: &Node, x: TensorId, y: TensorId) -> Option<()> {
        let case = self.case;
        let rank = case.graph.tensor(x).shape.rank();
        let deepest = rank.checked_sub(1)?;
        let constants = |k: usize| case.operand(node, k)?.const_integers();
        let keeps = match op {
            Layout::Reshape(_) => last(case.graph.tensor(x)) == last(case.graph.tensor(y)),
            Layout::Transpose => *permutation(&constants(1)?).ok()?.get(deepest)? == deepest,
            Layout::Pad(_) => *paddings(&constants(1)?).ok()?.get(deepest)? == [0, 0],
            Layout::Join(join @ Join::Concatenation(_)) => {
                let inputs: Vec<TensorId> = node.inputs.iter().copied().collect::<Option<_>>()?;
                if join.axis(rank).ok()? == deepest {
                    self.joins.push((y, inputs));
                } else {
                    inputs.into_iter().for_each(|id| self.join(id, y));
                }
                return Some(());
            }
            _ => false,
        };
        keeps.then(|| self.join(x, y))
    }

    fn groups(mut self) -> Widths {
        let graph = self.case.graph;
        let count = graph.tensors.len();
        let roots: Vec<usize> = (0..count).map(|id| self.root(id)).collect();
        let mut fixed: HashSet<usize> = self.fixed.iter().map(|id| roots[id.0]).collect();
        let mut follows: HashMap<usize, usize> = HashMap::new();
        for (y, _) in &self.joins {
            *follows.entry(roots[y.0]).or_default() += 1;
        }
        // What is joined to a fixed sum is fixed, and two sums need not stay equal.
        let mut settled = false;
        while !settled {
            settled = true;
            for (y, inputs) in &self.joins {
                let sum = roots[y.0];
                let is_fixed = fixed.contains(&sum) || follows[&sum] > 1;
                for part in inputs.iter().map(|id| roots[id.0]).chain([sum]) {
                    settled &= !is_fixed || !fixed.insert(part);
                }
            }
        }
        let readers = consumers(graph);
        let mut of = vec![None; count];
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of_root: HashMap<usize, usize> = HashMap::new();
        for (id, tensor) in graph.tensors.iter().enumerate() {
            if !has_channels(tensor) {
                continue;
            }
            let root = roots[id];
            let group = *group_of_root.entry(root).or_insert_with(|| {
                groups.push(Group {
                    channels: last(tensor),
                    tensors: Vec::new(),
                    nodes: Vec::new(),
                    makers: Vec::new(),
                    fixed: fixed.contains(&root),
                    follows: follows.contains_key(&root),
                });
                groups.len() - 1
            });
            of[id] = Some(group);
            let group = &mut groups[group];
            // Weights that are widened look like activations.
            group.fixed |= self.case.is_weights(TensorId(id));
            group.fixed |= group.channels != last(tensor);
            group.tensors.push(TensorId(id));
            let maker = self.case.producer(TensorId(id));
            group.nodes.extend(maker);
            group.makers.extend(maker.filter(|&i| graph.nodes[i].op.bias_operand().is_some()));
            group.nodes.extend(&readers[id]);
        }
        for group in &mut groups {
            group.nodes.sort_unstable();
            group.nodes.dedup();
        }
        Widths { groups, of }
    }
}

/// The graph with other numbers of channels in some groups. Weights that get another shape are new.
pub fn with_channels(
    graph: &Graph,
    widths: &Widths,
    channels: &HashMap<usize, usize>,
) -> Result<Graph> {
    let mut editor = Editor::new(graph);
    set_channels(&mut editor, graph, widths, channels)?;
    editor.finish()
}

/// The same within other changes. Where a number is given for what a CONCATENATION makes, that must be
/// replaced by something that makes so many.
pub fn set_channels(
    editor: &mut Editor,
    graph: &Graph,
    widths: &Widths,
    channels: &HashMap<usize, usize>,
) -> Result<()> {
    let mut now: Vec<usize> = widths.groups.iter().map(|g| g.channels).collect();
    for (&group, &count) in channels {
        if widths.groups[group].fixed || count == 0 {
            return Err(Error::unsupported("the channels of this layer are fixed"));
        }
        now[group] = count;
    }
    // Sums follow what they join, which comes before.
    for node in &graph.nodes {
        if let Op::Layout(Layout::Join(join @ Join::Concatenation(_))) = &node.op
            && let Some(group) = widths.of(node.outputs[0])
            && !channels.contains_key(&group)
        {
            let rank = graph.tensor(node.outputs[0]).shape.rank();
            if join.axis(rank)? + 1 == rank {
                let width = |id: &TensorId| match widths.of(*id) {
                    Some(group) => now[group],
                    None => last(graph.tensor(*id)),
                };
                now[group] = node.inputs.iter().flatten().map(width).sum();
            }
        }
    }
    let change = Change { graph, widths, now: &now };
    (0..graph.nodes.len()).try_for_each(|i| change.node(editor, i))
}

struct Change<'a> {
    graph: &'a Graph,
    widths: &'a Widths,
    /// Channels of each group.
    now: &'a [usize],
}

impl Change<'_> {
    /// Channels of a tensor, now.
    fn width(&self, id: TensorId) -> usize {
        match self.widths.of(id) {
            Some(group) => self.now[group],
            None => last(self.graph.tensor(id)),
        }
    }

    /// Gives a node weights and sizes that fit.
    fn node(&self, editor: &mut Editor, i: usize) -> Result<()> {
        let node = &self.graph.nodes[i];
        let changed = |id: &TensorId| self.width(*id) != last(self.graph.tensor(*id));
        if !node.inputs.iter().flatten().chain(&node.outputs).any(changed) {
            return Ok(());
        }
        let co = self.width(node.outputs[0]);
        let dims = |k: usize| -> Result<Vec<usize>> {
            Ok(self.graph.tensor(editor.operand(i, k)?).shape.dims().to_vec())
        };
        match &node.op {
            Op::Conv2d(_) | Op::Convolution2dTransposeBias(_) | Op::FullyConnected(_) => {
                let ci = self.width(editor.operand(i, 0)?);
                let mut shape = dims(1)?;
                let rank = shape.len();
                (shape[0], shape[rank - 1]) = (co, ci);
                self.weigh(editor, i, [0, 1, 2], &shape, 0)
            }
            Op::DepthwiseConv2d(_) => {
                let mut shape = dims(1)?;
                shape[3] = co;
                self.weigh(editor, i, [0, 1, 2], &shape, 3)
            }
            Op::TransposeConv(_) => {
                let mut shape = dims(1)?;
                (shape[0], shape[3]) = (co, self.width(editor.operand(i, 2)?));
                let [n, h, w, _] = self.graph.tensor(node.outputs[0]).shape.nhwc()?;
                let size = editor.list(&[n, h, w, co])?;
                let node = editor.node_mut(i)?;
                node.inputs[0] = Some(size);
                if let Op::TransposeConv(op) = &mut node.op {
                    op.rounds_twice = false;
                }
                self.weigh(editor, i, [2, 1, 3], &shape, 0)
            }
            Op::Binary(_) => {
                for (k, id) in node.inputs.iter().enumerate() {
                    let Some(id) = *id else { continue };
                    let constant = self.graph.tensor(id);
                    if constant.is_const() && last(constant) > 1 {
                        let mut shape = constant.shape.dims().to_vec();
                        let axis = shape.len() - 1;
                        shape[axis] = co;
                        editor.node_mut(i)?.inputs[k] = Some(editor.weights(i, id, &shape, axis)?);
                    }
                }
                Ok(())
            }
            Op::Layout(Layout::Reshape(Reshape::Reshape(_))) => {
                let mut shape = self.graph.tensor(node.outputs[0]).shape.dims().to_vec();
                let axis = shape.len() - 1;
                shape[axis] = co;
                let shape = editor.list(&shape)?;
                let node = editor.node_mut(i)?;
                node.inputs.truncate(1);
                node.inputs.push(Some(shape));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A new filter, and a bias where there was one.
    fn weigh(
        &self,
        editor: &mut Editor,
        i: usize,
        [x, filter, bias]: [usize; 3],
        shape: &[usize],
        axis: usize,
    ) -> Result<()> {
        let x = editor.operand(i, x)?;
        let new = editor.weights(i, editor.operand(i, filter)?, shape, axis)?;
        let old_bias = editor.operand(i, bias).ok();
        let new_bias = match old_bias {
            Some(_) => Some(editor.bias(i, [x, new], old_bias, shape[axis])?),
            None => None,
        };
        let node = editor.node_mut(i)?;
        node.inputs[filter] = Some(new);
        if old_bias.is_some() {
            node.inputs[bias] = new_bias;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, profile_of, run};
    use crate::ops::Unary;
    use crate::ops::layout::Pad;
    use crate::tensor::Data;

    fn widths(net: &Net) -> Widths {
        Widths::new(&Case::new(&net.graph, &profile_of(&net.graph)))
    }

    /// The network with another number of channels in the group of a tensor.
    fn changed(net: &Net, id: TensorId, channels: usize) -> Graph {
        let widths = widths(net);
        let group = widths.of(id).unwrap();
        assert!(widths.groups[group].is_free());
        let changed = HashMap::from([(group, channels)]);
        let graph = with_channels(&net.graph, &widths, &changed).unwrap();
        run(&graph);
        graph
    }

    fn channels(graph: &Graph, id: TensorId) -> usize {
        last(graph.tensor(id))
    }

    #[test]
    fn residuals_keep_channels_together() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [8, 8], 3);
            let a = net.conv(6, 3, 1);
            net.depthwise(3, 1);
            net.pad(Pad::Zeros, [1, 1]);
            net.unary(Unary::Relu);
            net.conv_2d(9, 1, crate::advise::rules::testing::window(1, 1), None);
            let inner = net.last;
            net.conv(6, 3, 1);
            let b = net.last;
            net.last = a;
            let c = net.unary(Unary::Relu6);
            let other = net.conv(2, 1, 1);
            net.last = b;
            let half = net.constant(&[1, 1, 1, 6], Data::F32(vec![0.5; 6]));
            if form != Form::I8 {
                net.binary(BinaryKind::Mul, half);
            }
            net.conv(1, 1, 1);
            let mut net = net.done();
            net.graph.outputs.push(other);
            let widths = widths(&net);
            assert_eq!(widths.of(a), widths.of(c), "{form:?}");
            assert_ne!(widths.of(a), widths.of(b));
            let new = changed(&net, a, 10);
            assert_eq!([a, c, inner, b].map(|id| channels(&new, id)), [10, 10, 9, 6]);
            let new = changed(&net, b, 4);
            assert_eq!([a, b, net.last].map(|id| channels(&new, id)), [6, 4, 1]);
        }
    }

    #[test]
    fn sums_follow_their_parts() {
        let mut net = Net::new([8, 8], 3);
        let a = net.relu_conv(6, 3, 1);
        let b = net.relu_conv(5, 3, 1);
        let sum = net.concat(a);
        let more = net.concat(b);
        net.conv(1, 1, 1);
        let net = net.done();
        let widths = widths(&net);
        let follows = |id| widths.groups[widths.of(id).unwrap()].follows;
        assert_eq!([a, b, sum, more].map(follows), [false, false, true, true]);
        let new = changed(&net, b, 8);
        assert_eq!([a, b, sum, more].map(|id| channels(&new, id)), [6, 8, 14, 22]);
    }

    #[test]
    fn what_the_caller_sees_and_what_is_not_known_is_fixed() {
        let mut net = Net::new([8, 8], 3);
        let a = net.relu_conv(8, 3, 1);
        let shuffled = Reshape::Reshape(vec![1, 8, 8, 2, 4]);
        let cut = net.node(Op::Layout(Layout::Reshape(shuffled)), &[a]);
        net.node(Op::Layout(Layout::Reshape(Reshape::Reshape(vec![1, 8, 8, 8]))), &[cut]);
        let b = net.relu_conv(8, 3, 1);
        let sum = net.concat(b);
        let net = net.done();
        let widths = widths(&net);
        let input = net.graph.inputs[0];
        let fixed = |id| widths.groups[widths.of(id).unwrap()].fixed;
        // What is joined to the result is fixed with it.
        assert_eq!([input, a, cut, b, sum].map(fixed), [true; 5]);
        let group = widths.of(b).unwrap();
        assert!(with_channels(&net.graph, &widths, &HashMap::from([(group, 4)])).is_err());
    }
}
