//! Rewriting a graph node by node: what is not touched stays as it is, ids included.

use super::weights::{self, Random};
use crate::error::{Error, OpRef, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::Op;
use crate::optimize::remove_dead;
use crate::tensor::{DType, Data, Quantization, Shape, TensorDef};
use std::collections::HashMap;
use std::sync::Arc;

/// A graph that is being rewritten. Nodes are named by their place in the original.
///
/// Every node that comes in place of another carries the index of the file's operator at that place, so that
/// the nodes of both graphs that belong together are known by it.
pub struct Editor<'a> {
    original: &'a Graph,
    /// Tensors grow; nodes are filled in by [`Editor::finish`].
    graph: Graph,
    /// What runs where each node of the original ran.
    places: Vec<Vec<Node>>,
    /// What is read instead of each tensor.
    instead: Vec<TensorId>,
    /// Weights that are widened, and the places where that is done.
    widened: HashMap<TensorId, usize>,
    random: Random,
}

impl<'a> Editor<'a> {
    /// Starts from a graph whose shapes are known.
    pub fn new(original: &'a Graph) -> Editor<'a> {
        let constant = |id: &TensorId| original.tensor(*id).is_const();
        let widens =
            |node: &Node| node.op == Op::Dequantize && node.inputs.iter().flatten().all(constant);
        let nodes = original.nodes.iter().enumerate().filter(|(_, node)| widens(node));
        Editor {
            widened: nodes.map(|(i, node)| (node.outputs[0], i)).collect(),
            original,
            graph: Graph { nodes: Vec::new(), ..original.clone() },
            places: original.nodes.iter().map(|node| vec![node.clone()]).collect(),
            instead: (0..original.tensors.len()).map(TensorId).collect(),
            random: Random::default(),
        }
    }

    /// The node at a place of the original, as it was.
    pub fn node(&self, place: usize) -> &'a Node {
        &self.original.nodes[place]
    }

    /// Operand `k` of the node at a place, as it was.
    pub fn operand(&self, place: usize, k: usize) -> Result<TensorId> {
        let missing = || Error::malformed(format!("operand {k} of node {place} is left out"));
        self.node(place).inputs.get(k).copied().flatten().ok_or_else(missing)
    }

    /// A tensor, old or new.
    pub fn tensor(&self, id: TensorId) -> &TensorDef {
        self.graph.tensor(id)
    }

    /// Whether a tensor of the original is made while the network runs, or given by the caller.
    pub fn is_activation(&self, id: TensorId) -> bool {
        !self.original.tensor(id).is_const() && !self.widened.contains_key(&id)
    }

    /// Takes the nodes of a place away.
    pub fn clear(&mut self, place: usize) {
        self.places[place].clear();
    }

    /// The node of the original at a place that was not cleared, to be changed.
    pub fn node_mut(&mut self, place: usize) -> Result<&mut Node> {
        let index = self.original.nodes[place].source().index;
        let node = self.places[place].last_mut().filter(|node| node.source().index == index);
        node.ok_or_else(|| Error::malformed(format!("node {place} is gone")))
    }

    /// Adds a node after those of a place. It makes a new tensor of the type, and with the scales, of `like`.
    pub fn insert(
        &mut self,
        place: usize,
        op: Op,
        inputs: &[Option<TensorId>],
        like: TensorId,
    ) -> TensorId {
        let like = self.graph.tensor(like);
        let (dtype, quantization) = (like.dtype, like.quantization.clone());
        let output = self.add(dtype, quantization);
        self.insert_into(place, op, inputs, output);
        output
    }

    /// Adds a node after those of a place, which makes a tensor that is there.
    pub fn insert_into(
        &mut self,
        place: usize,
        op: Op,
        inputs: &[Option<TensorId>],
        output: TensorId,
    ) {
        self.insert_all(place, op, inputs.to_vec(), vec![output]);
    }

    /// The same with several results.
    pub fn insert_all(
        &mut self,
        place: usize,
        op: Op,
        inputs: Vec<Option<TensorId>>,
        outputs: Vec<TensorId>,
    ) {
        let node = self.new_node(place, op, inputs, outputs);
        self.places[place].push(node);
    }

    fn new_node(
        &self,
        place: usize,
        op: Op,
        inputs: Vec<Option<TensorId>>,
        outputs: Vec<TensorId>,
    ) -> Node {
        let index = self.node(place).source().index;
        let covers = vec![OpRef { index, name: op.name().to_string() }];
        Node { op, inputs, outputs, grid: None, covers }
    }

    /// From here on `id` is read wherever `old` was, by nodes that come later and by the caller.
    pub fn read_instead(&mut self, old: TensorId, id: TensorId) {
        self.instead[old.0] = id;
    }

    /// Gives a new constant scales.
    pub fn set_scales(&mut self, id: TensorId, scales: Quantization) {
        self.graph.tensors[id.0].quantization = Some(scales);
    }

    /// Gives a tensor the scales of another one.
    pub fn scale_like(&mut self, id: TensorId, like: TensorId) {
        let like = self.graph.tensor(like).quantization.clone();
        let tensor = &mut self.graph.tensors[id.0];
        if tensor.quantization.is_some() && like.is_some() {
            tensor.quantization = like;
        }
    }

    /// A tensor that some node will make; its shape is found later.
    pub fn add(&mut self, dtype: DType, quantization: Option<Quantization>) -> TensorId {
        let shape = Shape::default();
        self.add_tensor(TensorDef { name: String::new(), shape, dtype, quantization, data: None })
    }

    /// A constant.
    pub fn constant(&mut self, shape: &[usize], data: Data) -> Result<TensorId> {
        let (shape, dtype) = (Shape::new(shape)?, data.dtype());
        let data = Some(Arc::new(data));
        Ok(self.add_tensor(TensorDef {
            name: String::new(),
            shape,
            dtype,
            quantization: None,
            data,
        }))
    }

    /// A list of sizes or axes.
    pub fn list(&mut self, values: &[usize]) -> Result<TensorId> {
        let values = values.iter().map(|&v| i32::try_from(v));
        let values: Result<Vec<i32>, _> = values.collect();
        let values = values.map_err(|_| Error::limit("a size beyond 32 bits"))?;
        self.constant(&[values.len()], Data::I32(values))
    }

    fn add_tensor(&mut self, mut tensor: TensorDef) -> TensorId {
        let id = TensorId(self.graph.tensors.len());
        tensor.name = format!("advised/{}", id.0);
        self.instead.push(id);
        self.graph.add_tensor(tensor)
    }

    /// Random elements of the type of `like`, with its scales; see [`weights::like`].
    pub fn constant_like(
        &mut self,
        like: &TensorDef,
        shape: &[usize],
        axis: usize,
    ) -> Result<TensorId> {
        let new = weights::like(like, Shape::new(shape)?, axis, &mut self.random)?;
        Ok(self.add_tensor(new))
    }

    /// New weights for the node at a place, stored as `like` is: in its type, or as half floats that are
    /// widened. The slices along `axis` have scales of their own where those of `like` have.
    pub fn weights(
        &mut self,
        place: usize,
        like: TensorId,
        shape: &[usize],
        axis: usize,
    ) -> Result<TensorId> {
        let widen = self.widened.get(&like).map(|&i| &self.original.nodes[i]);
        let stored = match widen.and_then(|node| node.inputs.first().copied().flatten()) {
            Some(stored) => stored,
            None => like,
        };
        let stored = self.tensor(stored).clone();
        let new = self.constant_like(&stored, shape, axis)?;
        let Some(widen) = widen else { return Ok(new) };
        let source = widen.source().index;
        let output = self.add(DType::F32, None);
        self.insert_before(place, Op::Dequantize, vec![Some(new)], output);
        self.places[place][0].covers[0].index = source;
        Ok(output)
    }

    /// Adds a node before those of a place.
    pub fn insert_before(
        &mut self,
        place: usize,
        op: Op,
        inputs: Vec<Option<TensorId>>,
        output: TensorId,
    ) {
        let node = self.new_node(place, op, inputs, vec![output]);
        self.places[place].insert(0, node);
    }

    /// The bias of a convolution with that filter: sums of what it reads, `x`, times its weights. Stored as
    /// `like`, another bias, or in the natural type.
    pub fn bias(
        &mut self,
        place: usize,
        [x, filter]: [TensorId; 2],
        like: Option<TensorId>,
        channels: usize,
    ) -> Result<TensorId> {
        match self.tensor(x).quantization.clone() {
            Some(_) => {
                let [x, filter] = [x, filter].map(|id| &self.graph.tensors[id.0]);
                let bias = weights::quantized_bias(x, filter, channels, &mut self.random)?;
                Ok(self.add_tensor(bias))
            }
            None => match like {
                Some(like) => self.weights(place, like, &[channels], 0),
                None => {
                    let values = weights::floats(channels, 1, &mut self.random);
                    self.constant(&[channels], Data::F32(values))
                }
            },
        }
    }

    /// The rewritten graph, with its shapes. Nodes that nobody needs any more are gone.
    pub fn finish(mut self) -> Result<Graph> {
        let instead = |id: TensorId| {
            let mut id = id;
            // Chains end, as each link goes to a tensor that is made earlier; a wrong one is found here.
            for _ in 0..self.instead.len() {
                match self.instead[id.0] {
                    next if next == id => return Ok(id),
                    next => id = next,
                }
            }
            Err(Error::malformed("tensors are read instead of each other"))
        };
        for mut node in self.places.into_iter().flatten() {
            for id in node.inputs.iter_mut().flatten() {
                *id = instead(*id)?;
            }
            self.graph.nodes.push(node);
        }
        for id in &mut self.graph.outputs {
            *id = instead(*id)?;
        }
        remove_dead::run(&mut self.graph)?;
        self.graph.validate()?;
        self.graph.infer_shapes()?;
        Ok(self.graph)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, ops, run};
    use crate::ops::{BinaryKind, Unary};

    #[test]
    fn nodes_that_nobody_needs_any_more_go() {
        let mut net = Net::new([8, 8], 3);
        let x = net.conv(4, 3, 1);
        net.conv(4, 1, 1);
        net.unary(Unary::Tanh);
        net.binary(BinaryKind::Add, x);
        let net = net.done();
        let mut editor = Editor::new(&net.graph);
        editor.read_instead(net.graph.nodes[2].outputs[0], x);
        let changed = editor.finish().unwrap();
        assert_eq!(ops(&changed), ["CONV_2D", "ADD"]);
        assert_eq!(changed.nodes[1].inputs, [Some(x), Some(x)]);
    }

    #[test]
    fn weights_are_stored_as_those_before_them() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [8, 8], 3);
            net.conv(4, 3, 1);
            let net = net.done();
            let place = net.graph.nodes.len() - 1;
            let mut editor = Editor::new(&net.graph);
            let [x, filter, bias] = [0, 1, 2].map(|k| editor.operand(place, k).unwrap());
            let new = editor.weights(place, filter, &[6, 3, 3, 3], 0).unwrap();
            let bias = editor.bias(place, [x, new], Some(bias), 6).unwrap();
            let node = editor.node_mut(place).unwrap();
            (node.inputs[1], node.inputs[2]) = (Some(new), Some(bias));
            let changed = editor.finish().unwrap();
            let stored = |graph: &Graph| -> Vec<DType> {
                let constants = graph.nodes.iter().flat_map(|n| n.inputs.iter().flatten());
                let constants = constants.map(|&id| graph.tensor(id)).filter(|t| t.is_const());
                constants.map(|t| t.dtype).collect()
            };
            assert_eq!(stored(&changed), stored(&net.graph), "{form:?}");
            assert_eq!(changed.tensor(changed.outputs[0]).shape.dims(), [1, 8, 8, 6]);
            run(&changed);
        }
    }

    #[test]
    fn broken_changes_are_refused() {
        let mut net = Net::new([8, 8], 3);
        let x = net.conv(4, 3, 1);
        let y = net.conv(4, 3, 1);
        let net = net.done();
        // Read before it is made, in a circle, and of the wrong shape.
        let mut editor = Editor::new(&net.graph);
        editor.read_instead(net.graph.inputs[0], y);
        assert!(editor.finish().is_err());
        let mut editor = Editor::new(&net.graph);
        editor.read_instead(x, y);
        editor.read_instead(y, x);
        assert!(editor.finish().is_err());
        let mut editor = Editor::new(&net.graph);
        editor.read_instead(x, net.graph.inputs[0]);
        assert!(editor.finish().unwrap_err().to_string().contains("operator 1 (CONV_2D)"));
    }
}
