//! What of quantized graphs has no integer form, as float operators with rounding, so that one set of
//! float32 kernels serves all numeric forms.
//!
//! Operators that compute on int8 and uint8 as stored ([`ops::is_integer`]) stay as they are: most of
//! them. Around the others quantized activations become float32, and the node that makes one rounds its result to what the
//! quantized tensor could hold ([`Node::grid`]). Quantized weights and biases are dequantized, those
//! of nodes that are float otherwise too. The graph's own inputs and outputs keep their types, by
//! a DEQUANTIZE or QUANTIZE at the edge; those inside become roundings or nothing.

use super::MAX_MADE_BYTES;
use crate::error::{Error, OpRef, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::{self, Op};
use crate::quantization::{int16_excess, slice_len};
use crate::reference::Input;
use crate::tensor::{DType, Data, Grid, TensorDef};
use std::sync::Arc;

pub fn run(graph: &mut Graph) -> Result<()> {
    let nodes = std::mem::take(&mut graph.nodes);
    let count = graph.tensors.len();
    let mut rewrite = Rewrite {
        read_as_stored: read_as_stored(&nodes, count),
        floats: vec![None; count],
        stored: vec![true; count],
        graph,
        dequantized_bytes: 0,
    };
    for node in nodes {
        let at = node.source().clone();
        rewrite.add(node).map_err(|e| e.at(at.index, &at.name))?;
    }
    // The new types are what inference says, or the rewriting is wrong.
    graph.infer_shapes()
}

struct Rewrite<'g> {
    /// Nodes move over one by one.
    graph: &'g mut Graph,
    /// For each tensor of the old graph, the same real numbers in float32, where they are there.
    floats: Vec<Option<TensorId>>,
    /// For each tensor of the old graph, whether it is made as it was; always so for constants.
    stored: Vec<bool>,
    /// For each tensor, whether an operator reads it that may want it as it is stored.
    read_as_stored: Vec<bool>,
    dequantized_bytes: usize,
}

/// What is only dequantized, or quantized otherwise for that, is not read as it is stored.
fn read_as_stored(nodes: &[Node], count: usize) -> Vec<bool> {
    let mut read = vec![false; count];
    for node in nodes.iter().rev() {
        let matters = match node.op {
            Op::Dequantize => false,
            Op::Quantize(_) => read[node.outputs[0].0],
            _ => true,
        };
        node.inputs.iter().flatten().for_each(|id| read[id.0] |= matters);
    }
    read
}

impl Rewrite<'_> {
    fn add(&mut self, node: Node) -> Result<()> {
        match node.op {
            Op::Dequantize if self.is_activation(&node) => self.add_dequantize(node),
            Op::Quantize(_) if !self.is_integer(&node) => self.add_quantize(node),
            Op::Dequantize => self.add_as_it_is(node),
            ref op if op.on_stored_values() || !self.has_grids(&node) => self.add_as_it_is(node),
            _ if self.is_integer(&node) => self.add_as_it_is(node),
            _ => self.add_float(node),
        }
    }

    /// A node that works on real numbers gets them in float32, and makes float32.
    fn add_float(&mut self, mut node: Node) -> Result<()> {
        let outputs = node.outputs.clone();
        if let Some(&id) = outputs.iter().find(|&&id| self.is_quantized(id)) {
            let same = |&x: &TensorId| self.tensor(x).quantization == self.tensor(id).quantization;
            let mut quantized = node.inputs.iter().flatten().filter(|&&x| self.is_quantized(x));
            let on_the_grid = node.op.moves_values() && quantized.all(same);
            node.grid = self.grid_of(id).filter(|_| !on_the_grid);
            if let Some(grid) = &mut node.grid {
                grid.halves = node.op.halves();
            }
        }
        let excess = self.int16_excesses(&node);
        for (k, input) in node.inputs.iter_mut().enumerate() {
            let Some(id) = *input else { continue };
            let is_bias = node.op.bias_operand() == Some(k);
            if let Some((filter, excess)) = &excess
                && (k == *filter || is_bias && self.tensor(id).is_const())
            {
                let TensorDef { shape, quantization, .. } = self.tensor(id);
                // How many neighbouring elements are of one channel.
                let run = if is_bias { 1 } else { slice_len(shape, quantization.as_ref()) };
                *input = Some(self.constant(id, |i| excess[i / run % excess.len()])?);
                continue;
            }
            let is_real = self.is_quantized(id) || self.tensor(id).dtype == DType::F32;
            if is_real || is_bias && self.tensor(id).quantization.is_some() {
                *input = Some(self.float_of(id, &node.covers[0])?);
            }
        }
        let mut edges = Vec::new();
        for (output, id) in node.outputs.iter_mut().zip(outputs) {
            if !self.is_quantized(id) {
                continue;
            }
            let float = self.new_float(id);
            self.floats[id.0] = Some(float);
            self.stored[id.0] = false;
            *output = float;
            if self.graph.outputs.contains(&id) {
                edges.push(id);
            }
        }
        let at = node.covers[0].clone();
        self.graph.nodes.push(node);
        edges.into_iter().for_each(|id| self.store(id, &at));
        Ok(())
    }

    /// A node that works on stored values keeps its types.
    fn add_as_it_is(&mut self, mut node: Node) -> Result<()> {
        for id in node.inputs.iter_mut().flatten() {
            if !self.stored[id.0] {
                self.store(*id, &node.covers[0]);
            } else if let Some(float) = self.floats[id.0]
                && self.tensor(*id).dtype == DType::F32
            {
                *id = float;
            }
        }
        self.graph.nodes.push(node);
        Ok(())
    }

    /// The float numbers are there already, or are made here.
    fn add_dequantize(&mut self, mut node: Node) -> Result<()> {
        let (Some(x), y) = (node.inputs[0], node.outputs[0]) else {
            return Err(Error::malformed("has no input"));
        };
        match self.floats[x.0] {
            // The caller's result: what made the numbers makes them under this name.
            Some(float)
                if self.graph.outputs.contains(&y) && !self.graph.outputs.contains(&float) =>
            {
                self.rename(float, y);
            }
            Some(float) if self.graph.outputs.contains(&y) => {
                let grid = self.grid_of(x).ok_or_else(|| Error::malformed("has no scale"))?;
                let inputs = vec![Some(float)];
                self.graph.nodes.push(Node { op: Op::FakeQuant(grid), inputs, ..node });
            }
            Some(float) => {
                self.floats[y.0] = Some(float);
                if let Some(maker) = self.maker(float) {
                    maker.covers.append(&mut node.covers);
                }
            }
            None => {
                self.graph.nodes.push(node);
                self.floats[x.0] = Some(y);
            }
        }
        Ok(())
    }

    /// Where nothing reads what is stored only the rounding is left.
    fn add_quantize(&mut self, mut node: Node) -> Result<()> {
        let (Some(x), y) = (node.inputs[0], node.outputs[0]) else {
            return Err(Error::malformed("has no input"));
        };
        let grid = self.grid_of(y).ok_or_else(|| Error::malformed("has no scale"))?;
        node.inputs[0] = Some(self.float_of(x, &node.covers[0])?);
        let is_byte = matches!(self.tensor(y).dtype, DType::I8 | DType::U8);
        let stays = self.graph.outputs.contains(&y) || is_byte && self.read_as_stored[y.0];
        if !stays {
            self.stored[y.0] = false;
            node.outputs[0] = self.new_float(y);
            self.floats[y.0] = Some(node.outputs[0]);
            node.op = Op::FakeQuant(grid);
        }
        self.graph.nodes.push(node);
        Ok(())
    }

    /// Whether all quantized results of a node can be rounded by one grid.
    fn has_grids(&self, node: &Node) -> bool {
        let mut grids =
            node.outputs.iter().filter(|&&id| self.is_quantized(id)).map(|&id| self.grid_of(id));
        match grids.next() {
            Some(first) => first.is_some() && grids.all(|grid| grid == first),
            None => true,
        }
    }

    /// Whether a node has an integer form, and gets what it reads as it is stored: for little work
    /// floats are not made integers first.
    fn is_integer(&self, node: &Node) -> bool {
        let result = self.tensor(node.outputs[0]);
        let stored = node.inputs.iter().flatten().all(|id| self.stored[id.0]);
        let is_byte = matches!(result.dtype, DType::I8 | DType::U8);
        let pays = stored || !(is_byte && node.op.is_cheap());
        pays && ops::is_integer(&node.op, &self.graph.operands(node), result)
    }

    /// Whether a node reads something quantized that is no constant.
    fn is_activation(&self, node: &Node) -> bool {
        let x = node.inputs.first().copied().flatten();
        x.is_some_and(|x| self.is_quantized(x) && !self.tensor(x).is_const())
    }

    fn tensor(&self, id: TensorId) -> &TensorDef {
        self.graph.tensor(id)
    }

    fn is_quantized(&self, id: TensorId) -> bool {
        let tensor = self.tensor(id);
        tensor.dtype.stored_range().is_some() && tensor.quantization.is_some()
    }

    fn grid_of(&self, id: TensorId) -> Option<Grid> {
        let tensor = self.tensor(id);
        Grid::of(tensor.dtype, tensor.quantization.as_ref())
    }

    /// The node that makes a tensor of the new graph.
    fn maker(&mut self, id: TensorId) -> Option<&mut Node> {
        self.graph.nodes.iter_mut().rev().find(|n| n.outputs.contains(&id))
    }

    /// A float32 tensor for the numbers of `id`.
    fn new_float(&mut self, id: TensorId) -> TensorId {
        let TensorDef { name, shape, .. } = self.tensor(id).clone();
        let dtype = DType::F32;
        self.graph.add_tensor(TensorDef { name, shape, dtype, quantization: None, data: None })
    }

    /// Of a convolution from int16 to int16 with a constant filter, which operand that is, and for each
    /// of its scales how much larger than their sums the results are. A bias must have the same: its own
    /// scale is the product of the others in float32, of which [`int16_excess`] may be another.
    fn int16_excesses(&self, node: &Node) -> Option<(usize, Vec<f64>)> {
        let (x, filter) = match node.op {
            Op::Conv2d(_) | Op::DepthwiseConv2d(_) => (0, 1),
            Op::TransposeConv(_) => (2, 1),
            _ => return None,
        };
        let scale = |id: TensorId| {
            let tensor = self.tensor(id);
            let scale = *tensor.quantization.as_ref()?.scale.first()?;
            (tensor.dtype == DType::I16).then_some(f64::from(scale))
        };
        let (x, y) = (scale(node.inputs.get(x).copied()??)?, scale(*node.outputs.first()?)?);
        let weights = self.tensor(node.inputs.get(filter).copied()??);
        let scales = weights.is_const().then_some(&weights.quantization.as_ref()?.scale)?;
        let excesses: Vec<f64> =
            scales.iter().map(|&scale| int16_excess(x * f64::from(scale), y)).collect();
        (!excesses.is_empty()).then_some((filter, excesses))
    }

    /// The numbers of a tensor in float32. `at` is who asks.
    fn float_of(&mut self, id: TensorId, at: &OpRef) -> Result<TensorId> {
        if let Some(float) = self.floats[id.0] {
            return Ok(float);
        }
        let tensor = self.graph.tensor(id);
        if tensor.dtype == DType::F32 {
            return Ok(id);
        }
        let float = if tensor.is_const() {
            self.constant(id, |_| 1.0)?
        } else {
            let float = self.new_float(id);
            self.graph.nodes.push(edge(Op::Dequantize, id, float, at));
            float
        };
        self.floats[id.0] = Some(float);
        Ok(float)
    }

    /// The numbers of a constant in float32, each times the `factor` of its place.
    fn constant(&mut self, id: TensorId, factor: impl Fn(usize) -> f64) -> Result<TensorId> {
        let tensor = self.graph.tensor(id);
        let data = tensor.data.clone().ok_or_else(|| Error::malformed("is no constant"))?;
        self.dequantized_bytes += tensor.shape.elements() * DType::F32.size();
        if self.dequantized_bytes > MAX_MADE_BYTES {
            return Err(Error::limit("the model's constants grow too large"));
        }
        let input = Input::new(&tensor.shape, tensor.quantization.as_ref(), data.view());
        let value = |i| (input.get(i) * factor(i)) as f32;
        let values = (0..input.len()).map(value).collect();
        let float = self.new_float(id);
        self.graph.tensors[float.0].data = Some(Arc::new(Data::F32(values)));
        Ok(float)
    }

    /// Makes a tensor as it was, from its float numbers.
    fn store(&mut self, id: TensorId, at: &OpRef) {
        if let Some(float) = self.floats[id.0] {
            let op = Op::Quantize(self.tensor(id).dtype);
            self.graph.nodes.push(edge(op, float, id, at));
            self.stored[id.0] = true;
        }
    }

    /// Whatever made or read `old` makes and reads `new`.
    fn rename(&mut self, old: TensorId, new: TensorId) {
        for node in &mut self.graph.nodes {
            let ids = node.inputs.iter_mut().flatten().chain(&mut node.outputs);
            ids.filter(|id| **id == old).for_each(|id| *id = new);
        }
        self.floats.iter_mut().flatten().filter(|id| **id == old).for_each(|id| *id = new);
    }
}

/// A node that the file does not have; its time counts for who needs it.
fn edge(op: Op, from: TensorId, to: TensorId, at: &OpRef) -> Node {
    let covers = vec![OpRef { index: at.index, name: op.name().to_string() }];
    Node { op, inputs: vec![Some(from)], outputs: vec![to], grid: None, covers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::GraphBuilder;
    use crate::ops::{Binary, BinaryKind, Conv2d, Padding, Unary, Window};
    use crate::tensor::Halves;

    const ADD: Op = Op::Binary(Binary { kind: BinaryKind::Add, activation: None });

    /// int8 in, CONV_2D, ADD with itself, int8 out; the second result is of float32.
    fn network(b: &mut GraphBuilder, activation: Option<Unary>) -> Vec<TensorId> {
        let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };
        let conv = Op::Conv2d(Conv2d { window, activation });
        let x = b.input_of(DType::I8, &[1, 2, 2, 1]);
        b.quantize(x, 0.5, -128);
        let filter = b.constant(&[2, 1, 1, 1], Data::I8(vec![2, -3]));
        b.quantize_along(filter, vec![0.25, 2.0], 0);
        let bias = b.constant(&[2], Data::I32(vec![8, 1]));
        b.quantize_along(bias, vec![0.125, 1.0], 0);
        let y = b.quantized_node(conv, &[x, filter, bias], DType::I8, (0.5, 3));
        let z = b.quantized_node(ADD, &[y, y], DType::I8, (1.0, 0));
        let float = b.node(Op::Dequantize, &[y]);
        vec![z, float]
    }

    fn names(graph: &Graph) -> Vec<&str> {
        graph.nodes.iter().map(|n| n.op.name()).collect()
    }

    #[test]
    fn activations_become_float_and_edges_stay() {
        let mut b = GraphBuilder::new();
        // No limit, so that the convolution has no integer form.
        let outputs = network(&mut b, Some(Unary::Tanh));
        let mut graph = b.build(&outputs);
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        assert_eq!(names(&graph), ["DEQUANTIZE", "CONV_2D", "ADD", "QUANTIZE"]);
        assert_eq!(graph.outputs, outputs);
        assert_eq!(graph.tensor(outputs[0]).dtype, DType::I8);
        // The float result is made by the convolution itself.
        let conv = &graph.nodes[1];
        assert_eq!(conv.outputs, [outputs[1]]);
        assert_eq!(
            conv.grid,
            Some(Grid { scale: 0.5, zero_point: 3, low: -128, high: 127, halves: Halves::Even })
        );
        let constant = |k: usize| graph.tensor(conv.inputs[k].unwrap()).data.clone().unwrap();
        assert_eq!(*constant(1), Data::F32(vec![0.5, -6.0]));
        assert_eq!(*constant(2), Data::F32(vec![1.0, 1.0]));
    }

    #[test]
    fn operators_with_an_integer_form_keep_their_types() {
        let mut b = GraphBuilder::new();
        let outputs = network(&mut b, Some(Unary::Relu));
        let mut graph = b.build(&outputs);
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        assert_eq!(names(&graph), ["CONV_2D", "ADD", "DEQUANTIZE"]);
        assert_eq!(graph.tensor(graph.nodes[0].outputs[0]).dtype, DType::I8);
        assert_eq!(graph.nodes[0].grid, None);
    }

    #[test]
    fn an_int16_bias_is_as_much_too_large_as_the_sums() {
        let [x_scale, scale, y_scale] = [9.0883375e-5f32, 0.0043748966, 2.4414807e-5];
        let excess = |of_sum: f64| int16_excess(of_sum, f64::from(y_scale));
        // Just where TFLite's 16 bits round up or down.
        let right = excess(f64::from(x_scale) * f64::from(scale));
        assert_ne!(right, excess(f64::from(x_scale * scale)));

        let mut b = GraphBuilder::new();
        let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };
        let conv = Op::Conv2d(Conv2d { window, activation: None });
        let x = b.input_of(DType::I16, &[1, 2, 2, 1]);
        b.quantize(x, x_scale, 0);
        let filter = b.constant(&[2, 1, 1, 1], Data::I8(vec![100, 100]));
        b.quantize_along(filter, vec![0.25, scale], 0);
        let bias = b.constant(&[2], Data::I64(vec![100, 100]));
        b.quantize_along(bias, vec![x_scale * 0.25, x_scale * scale], 0);
        let y = b.quantized_node(conv, &[x, filter, bias], DType::I16, (y_scale, 0));
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        let conv = graph.nodes.iter().find(|n| n.op.name() == "CONV_2D").unwrap();
        for (k, step) in [(1, scale), (2, x_scale * scale)] {
            let data = graph.tensor(conv.inputs[k].unwrap()).data.clone().unwrap();
            let Data::F32(values) = &*data else { panic!("{data:?}") };
            assert_eq!(values[1], (f64::from(step) * 100.0 * right) as f32, "operand {k}");
        }
    }

    #[test]
    fn weights_of_float_nodes_are_dequantized() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 2]);
        let quantized = b.constant(&[2], Data::I8(vec![4, -4]));
        b.quantize(quantized, 0.5, 2);
        let weights = b.node(Op::Dequantize, &[quantized]);
        let y = b.node(ADD, &[x, weights]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        // A constant's DEQUANTIZE is for `fold-constants`.
        assert_eq!(names(&graph), ["DEQUANTIZE", "ADD"]);
        assert!(graph.nodes.iter().all(|n| n.grid.is_none()));
    }

    #[test]
    fn inner_roundings_stay() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[4]);
        let q = b.quantized_node(Op::Quantize(DType::U8), &[x], DType::U8, (0.1, 10));
        let other = b.quantized_node(Op::Quantize(DType::I8), &[q], DType::I8, (0.2, -3));
        let back = b.node(Op::Dequantize, &[other]);
        let y = b.node(Op::Unary(Unary::Tanh), &[back]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        assert_eq!(names(&graph), ["FAKE_QUANT", "FAKE_QUANT", "TANH"]);
        let covered: Vec<usize> = graph.nodes[1].covers.iter().map(|c| c.index).collect();
        assert_eq!(covered, [1, 2]);
    }

    #[test]
    fn inputs_and_results_of_the_same_tensor_keep_their_types() {
        let mut b = GraphBuilder::new();
        let x = b.input_of(DType::I16, &[3]);
        b.quantize(x, 0.1, 0);
        let a = b.node(Op::Dequantize, &[x]);
        let c = b.node(Op::Dequantize, &[x]);
        let mut graph = b.build(&[a, x, c]);
        run(&mut graph).unwrap();
        graph.validate().unwrap();
        assert_eq!(graph.outputs, [a, x, c]);
    }
}
