//! What a rule looks at: the network as the file has it, and what each of its operators costs.

use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::profile::Profile;
use crate::tensor::TensorDef;
use std::collections::HashMap;

/// A network with its times.
pub struct Case<'a> {
    /// As read from the file, before the passes.
    pub graph: &'a Graph,
    /// Of the same network at the same size.
    pub profile: &'a Profile,
    producers: HashMap<TensorId, usize>,
    /// For each tensor, the nodes that read it, once each.
    consumers: Vec<Vec<usize>>,
    /// For each tensor, whether the caller gets it.
    is_output: Vec<bool>,
    /// For each tensor, [`Case::is_inside`].
    is_inside: Vec<bool>,
    /// For each operator of the file, the layers that do its work: one, or some more where numbers are
    /// converted for it.
    layers_of: HashMap<usize, Vec<usize>>,
}

impl<'a> Case<'a> {
    /// Indexes both.
    pub fn new(graph: &'a Graph, profile: &'a Profile) -> Case<'a> {
        let mut layers_of: HashMap<usize, Vec<usize>> = HashMap::new();
        for (l, layer) in profile.layers.iter().enumerate() {
            for &index in std::iter::once(&layer.info.index).chain(&layer.info.fused) {
                layers_of.entry(index).or_default().push(l);
            }
        }
        let (producers, consumers) = (graph.producers(), consumers(graph));
        let mut is_output = vec![false; graph.tensors.len()];
        graph.outputs.iter().for_each(|id| is_output[id.0] = true);
        let mut is_inside: Vec<bool> = is_output.iter().map(|&output| !output).collect();
        for node in graph.nodes.iter().rev() {
            let mixes = !node.op.is_cheap() || matches!(node.op, Op::Binary(_));
            if !mixes && !node.outputs.iter().all(|id| is_inside[id.0]) {
                node.inputs.iter().flatten().for_each(|id| is_inside[id.0] = false);
            }
        }
        Case { graph, profile, producers, consumers, is_output, is_inside, layers_of }
    }

    /// All nodes, numbered.
    pub fn nodes(&self) -> impl Iterator<Item = (usize, &'a Node)> + use<'a> {
        self.graph.nodes.iter().enumerate()
    }

    /// Operand `k` of a node, if it is there.
    pub fn operand(&self, node: &Node, k: usize) -> Option<&'a TensorDef> {
        node.inputs.get(k).copied().flatten().map(|id| self.graph.tensor(id))
    }

    /// The first result of a node.
    pub fn result(&self, node: &Node) -> &'a TensorDef {
        self.graph.tensor(node.outputs[0])
    }

    /// Extents of operand `k`, if that is an image or a filter.
    pub fn extents(&self, node: &Node, k: usize) -> Option<[usize; 4]> {
        self.operand(node, k)?.shape.nhwc().ok()
    }

    /// The node that makes a tensor.
    pub fn producer(&self, id: TensorId) -> Option<usize> {
        self.producers.get(&id).copied()
    }

    /// The nodes that read a tensor.
    pub fn consumers(&self, id: TensorId) -> &[usize] {
        &self.consumers[id.0]
    }

    /// Whether the caller gets a tensor.
    pub fn is_output(&self, id: TensorId) -> bool {
        self.is_output[id.0]
    }

    /// The only node that reads a tensor, which the caller does not get.
    pub fn sole_consumer(&self, id: TensorId) -> Option<usize> {
        match self.consumers(id) {
            &[one] if !self.is_output(id) => Some(one),
            _ => None,
        }
    }

    /// Whether an operand's elements are known before anything runs: a constant of the file, or one that is
    /// stored as half floats or integers.
    pub fn is_weights(&self, id: TensorId) -> bool {
        let stored = |id: TensorId| self.graph.tensor(id).is_const();
        stored(id)
            || self.producer(id).is_some_and(|p| {
                let node = &self.graph.nodes[p];
                node.op == Op::Dequantize && node.inputs.iter().flatten().all(|&id| stored(id))
            })
    }

    /// Whether a tensor goes through layers that mix it with others, or with weights, before the caller gets
    /// it: otherwise it may be a mask.
    pub fn is_inside(&self, id: TensorId) -> bool {
        self.is_inside[id.0]
    }

    /// Milliseconds of the layers that do the work of these nodes, each counted once.
    pub fn ms(&self, nodes: &[usize]) -> f64 {
        let index = |&i: &usize| self.graph.nodes[i].source().index;
        let mut layers: Vec<usize> =
            nodes.iter().filter_map(|i| self.layers_of.get(&index(i))).flatten().copied().collect();
        layers.sort_unstable();
        layers.dedup();
        layers.into_iter().map(|l| self.profile.layers[l].ms.median).sum()
    }

    /// Milliseconds of all layers.
    pub fn total_ms(&self) -> f64 {
        self.profile.layers.iter().map(|layer| layer.ms.median).sum()
    }
}

/// For each tensor, the nodes that read it, once each.
pub fn consumers(graph: &Graph) -> Vec<Vec<usize>> {
    let mut consumers = vec![Vec::new(); graph.tensors.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        for id in node.inputs.iter().flatten() {
            let list: &mut Vec<usize> = &mut consumers[id.0];
            if list.last() != Some(&i) {
                list.push(i);
            }
        }
    }
    consumers
}
