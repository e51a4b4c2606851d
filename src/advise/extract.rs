//! Blocks: what differs between two graphs, cut out of both, so that it can be timed alone.

use super::case::consumers;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::tensor::TensorDef;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What differs between two graphs, as two small ones with the same inputs and outputs.
#[derive(Debug, Clone)]
pub struct Block {
    /// As the file has it.
    pub before: Graph,
    /// As it is proposed.
    pub after: Graph,
}

impl Block {
    /// Cuts out the nodes that differ, with those around them that the passes may join with them.
    /// `changed` comes from `original` by an [`Editor`](super::edit::Editor): nodes that belong together
    /// have the same index.
    pub fn between(original: &Graph, changed: &Graph) -> Result<Block> {
        let differing = differing(original, changed);
        if differing.is_empty() {
            return Err(Error::unsupported("nothing differs"));
        }
        let mut inside = differing.clone();
        for graph in [original, changed] {
            inside.extend(around(graph, &differing));
        }
        let cuts = [original, changed].map(|graph| Cut::new(graph, &inside));
        // Where one needs less than the other both get it.
        let reads: BTreeSet<TensorId> = cuts.iter().flat_map(|cut| cut.reads.clone()).collect();
        let [before, after] = cuts.map(|cut| cut.graph(&reads));
        Ok(Block { before: before?, after: after? })
    }

    /// What the time of the block depends on: blocks with the same signature take the same time. Operators
    /// with their attributes, and tensors with their extents and types, but no elements.
    pub fn signature(&self) -> String {
        [&self.before, &self.after].map(signature).join("\n")
    }
}

fn signature(graph: &Graph) -> String {
    let tensor = |id: TensorId| {
        let TensorDef { shape, dtype, quantization, data, .. } = graph.tensor(id);
        let scales = quantization.as_ref().map(|q| (q.scale.len(), q.zero_point.first()));
        format!("{} {shape} {dtype} {scales:?} {}", id.0, data.is_some())
    };
    let node = |node: &Node| {
        let inputs: Vec<_> = node.inputs.iter().map(|id| id.map(tensor)).collect();
        let outputs: Vec<_> = node.outputs.iter().copied().map(tensor).collect();
        format!("{:?} {inputs:?} {outputs:?}", node.op)
    };
    let nodes: Vec<String> = graph.nodes.iter().map(node).collect();
    format!("{}\n{:?}", nodes.join("\n"), graph.outputs)
}

/// Indices of operators that do not do the same to the same tensors in both graphs.
pub fn differing(original: &Graph, changed: &Graph) -> HashSet<usize> {
    let by_index = |graph: &Graph| {
        let mut nodes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, node) in graph.nodes.iter().enumerate() {
            nodes.entry(node.source().index).or_default().push(i);
        }
        nodes
    };
    let same_tensor = |a: TensorId, b: TensorId| {
        let (x, y) = (original.tensor(a), changed.tensor(b));
        let same_data = match (&x.data, &y.data) {
            (Some(x), Some(y)) => Arc::ptr_eq(x, y) || x.len() <= 64 && x == y,
            (None, None) => true,
            // Elements of constants that nobody reads any more are dropped.
            _ => false,
        };
        a == b
            && (&x.shape, x.dtype, &x.quantization) == (&y.shape, y.dtype, &y.quantization)
            && same_data
    };
    let same_node = |&a: &usize, &b: &usize| {
        let (a, b) = (&original.nodes[a], &changed.nodes[b]);
        a.op == b.op
            && a.inputs.len() == b.inputs.len()
            && a.outputs.len() == b.outputs.len()
            && a.inputs.iter().zip(&b.inputs).all(|pair| match pair {
                (Some(a), Some(b)) => same_tensor(*a, *b),
                (a, b) => a == b,
            })
            && a.outputs.iter().zip(&b.outputs).all(|(&a, &b)| same_tensor(a, b))
    };
    let (before, after) = (by_index(original), by_index(changed));
    let indices: BTreeSet<usize> = before.keys().chain(after.keys()).copied().collect();
    let none = Vec::new();
    indices
        .into_iter()
        .filter(|index| {
            let (a, b) = (before.get(index).unwrap_or(&none), after.get(index).unwrap_or(&none));
            a.len() != b.len() || !a.iter().zip(b).all(|(a, b)| same_node(a, b))
        })
        .collect()
}

/// Indices of operators next to some, which the passes may join with them: an activation and a convolution,
/// a border and a convolution. Two that compute much are not joined.
fn around(graph: &Graph, indices: &HashSet<usize>) -> HashSet<usize> {
    let (producers, consumers) = (graph.producers(), consumers(graph));
    let index = |i: usize| graph.nodes[i].source().index;
    let light = |i: usize| graph.nodes[i].op.is_cheap();
    let mut found = HashSet::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        if !indices.contains(&index(i)) {
            continue;
        }
        let before = node.inputs.iter().flatten().filter_map(|id| producers.get(id).copied());
        found.extend(before.filter(|&p| light(p) || light(i)).map(index));
        for &next in node.outputs.iter().flat_map(|id| &consumers[id.0]) {
            if light(next) || light(i) {
                found.insert(index(next));
            }
            // HARD_SWISH spelt out and the like.
            if light(next) {
                let follow = graph.nodes[next].outputs.iter().flat_map(|id| &consumers[id.0]);
                found.extend(follow.filter(|&&n| light(n)).map(|&n| index(n)));
            }
        }
    }
    found
}

/// Some nodes of a graph, and what they exchange with the others.
struct Cut<'a> {
    graph: &'a Graph,
    nodes: Vec<usize>,
    /// Activations that others make.
    reads: BTreeSet<TensorId>,
    /// What others, or the caller, read.
    writes: Vec<TensorId>,
}

impl<'a> Cut<'a> {
    /// The nodes of these indices, and those that make what is known before anything runs for them.
    fn new(graph: &'a Graph, indices: &HashSet<usize>) -> Cut<'a> {
        let producers = graph.producers();
        // What is made of constants, and what inference knows: sizes that are computed. Those stay computed, as
        // some kernels take constants only.
        let mut known: Vec<bool> = graph.tensors.iter().map(TensorDef::is_const).collect();
        for node in &graph.nodes {
            let is_known = node.inputs.iter().flatten().all(|id| known[id.0]);
            if is_known && !node.inputs.is_empty() {
                node.outputs.iter().for_each(|id| known[id.0] = true);
            }
        }
        let mut inside: Vec<bool> =
            graph.nodes.iter().map(|node| indices.contains(&node.source().index)).collect();
        for i in (0..graph.nodes.len()).rev() {
            if !inside[i] {
                continue;
            }
            for id in graph.nodes[i].inputs.iter().flatten().filter(|id| known[id.0]) {
                if let Some(&maker) = producers.get(id) {
                    inside[maker] = true;
                }
            }
        }
        let nodes: Vec<usize> = (0..graph.nodes.len()).filter(|&i| inside[i]).collect();
        let (mut made, mut reads) = (HashSet::new(), BTreeSet::new());
        for node in nodes.iter().map(|&i| &graph.nodes[i]) {
            for &id in node.inputs.iter().flatten() {
                let constant = graph.tensor(id).is_const() && !producers.contains_key(&id);
                if !made.contains(&id) && !constant {
                    reads.insert(id);
                }
            }
            made.extend(node.outputs.iter().copied());
        }
        let consumers = consumers(graph);
        let mut writes: Vec<TensorId> = made.iter().copied().collect();
        writes.retain(|id| consumers[id.0].iter().any(|&i| !inside[i]));
        writes.retain(|id| !graph.tensor(*id).is_const());
        writes.sort_unstable();
        // The caller's results may be other tensors than before: they are known by their place. One that others
        // read as well is there twice, as it may be only one of both in the other graph.
        writes.extend(graph.outputs.iter().filter(|id| made.contains(id)));
        Cut { graph, nodes, reads, writes }
    }

    /// A graph of its own, that reads these tensors.
    fn graph(&self, reads: &BTreeSet<TensorId>) -> Result<Graph> {
        let mut cut = Graph { name: self.graph.name.clone(), ..Graph::default() };
        let mut ids: HashMap<TensorId, TensorId> = HashMap::new();
        let mut id_of = |cut: &mut Graph, id: TensorId| {
            *ids.entry(id).or_insert_with(|| cut.add_tensor(self.graph.tensor(id).clone()))
        };
        for &id in reads {
            let id = id_of(&mut cut, id);
            cut.inputs.push(id);
        }
        for node in self.nodes.iter().map(|&i| &self.graph.nodes[i]) {
            let mut node = node.clone();
            for id in node.inputs.iter_mut().flatten().chain(&mut node.outputs) {
                *id = id_of(&mut cut, *id);
            }
            cut.nodes.push(node);
        }
        cut.outputs = self.writes.iter().map(|&id| id_of(&mut cut, id)).collect();
        cut.validate()?;
        Ok(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::edit::Editor;
    use crate::advise::rules::testing::{Form, Net, ops};
    use crate::ops::{BinaryKind, Op, Unary};

    /// The block of a network whose node `place` becomes HARD_SWISH.
    fn block(net: &Net, place: usize) -> Block {
        let mut editor = Editor::new(&net.graph);
        editor.node_mut(place).unwrap().op = Op::Unary(Unary::HardSwish);
        Block::between(&net.graph, &editor.finish().unwrap()).unwrap()
    }

    fn shapes(graph: &Graph, ids: &[TensorId]) -> Vec<Vec<usize>> {
        ids.iter().map(|&id| graph.tensor(id).shape.dims().to_vec()).collect()
    }

    #[test]
    fn a_block_has_what_may_be_joined_with_it_and_no_more() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [8, 8], 3);
            let skip = net.conv(4, 3, 1);
            net.conv(4, 3, 1);
            net.unary(Unary::Tanh);
            let place = net.graph.nodes.len() - 1;
            net.binary(BinaryKind::Add, skip);
            net.unary(Unary::Relu);
            net.conv(2, 1, 1);
            net.conv(1, 1, 1);
            let Block { before, after } = block(&net.done(), place);
            assert_eq!(ops(&before), ["CONV_2D", "TANH", "ADD", "RELU"], "{form:?}");
            assert_eq!(ops(&after), ["CONV_2D", "HARD_SWISH", "ADD", "RELU"]);
            for graph in [before, after] {
                // The second convolution, and the ADD, read what the first one makes.
                assert_eq!(shapes(&graph, &graph.inputs), [[1, 8, 8, 4]]);
                assert_eq!(shapes(&graph, &graph.outputs), [[1, 8, 8, 4]]);
            }
        }
    }

    #[test]
    fn what_others_read_is_an_output() {
        let mut net = Net::new([8, 8], 3);
        net.conv(4, 3, 1);
        let fork = net.unary(Unary::Tanh);
        net.conv(2, 1, 1);
        let one = net.conv(1, 1, 1);
        net.last = fork;
        net.conv(5, 1, 1);
        net.graph.outputs = vec![one, net.last];
        let Block { before, after } = block(&net, 1);
        for graph in [before, after] {
            assert_eq!(shapes(&graph, &graph.outputs)[..], [[1, 8, 8, 2], [1, 8, 8, 5]]);
        }
    }

    #[test]
    fn results_are_known_by_their_place() {
        let mut net = Net::new([8, 8], 3);
        let scores = net.conv(4, 3, 1);
        let parts = net.unary(Unary::Logistic);
        net.last = scores;
        net.conv(2, 3, 1);
        net.graph.outputs = vec![parts, net.last];
        let mut editor = Editor::new(&net.graph);
        editor.read_instead(parts, scores);
        let changed = editor.finish().unwrap();
        let Block { before, after } = Block::between(&net.graph, &changed).unwrap();
        assert_eq!([ops(&before), ops(&after)], [vec!["CONV_2D", "LOGISTIC"], vec!["CONV_2D"]]);
        for graph in [before, after] {
            assert_eq!(shapes(&graph, &graph.outputs), [[1, 8, 8, 4]; 2]);
        }
    }

    #[test]
    fn blocks_of_the_same_layers_have_the_same_signature() {
        let mut net = Net::new([8, 8], 4);
        for channels in [4, 4, 5] {
            net.conv(channels, 3, 1);
            net.unary(Unary::Tanh);
        }
        net.conv(4, 3, 1);
        let net = net.done();
        // From convolution to convolution: 4 to 4, 4 to 5 and 5 to 4 channels.
        let [a, b, c] = [1, 3, 5].map(|place| block(&net, place).signature());
        assert!(a != b && b != c && a != c);
        let mut net = Net::new([8, 8], 4);
        for _ in 0..3 {
            net.conv(4, 3, 1);
            net.unary(Unary::Tanh);
        }
        net.conv(4, 3, 1);
        let net = net.done();
        assert_eq!(block(&net, 1).signature(), block(&net, 3).signature());
    }

    #[test]
    fn graphs_that_do_not_differ_have_no_block() {
        let mut net = Net::new([8, 8], 4);
        net.conv(4, 3, 1);
        let net = net.done();
        let same = Editor::new(&net.graph).finish().unwrap();
        assert!(Block::between(&net.graph, &same).is_err());
    }
}
