//! Layers in int8 instead of floats: what takes the same time as a quantized network, with scales and weights
//! that mean nothing. Real ones come from training and calibration.

use super::case::Case;
use super::edit::Editor;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::ops::{BinaryKind, Op, ReduceKind, Unary};
use crate::tensor::{DType, Quantization, TensorDef};
use std::collections::HashMap;

/// Whether TFLite has a node of float32 in int8 too, as a converter would write it.
pub fn is_possible(case: &Case, i: usize) -> bool {
    let node = &case.graph.nodes[i];
    let x = node.inputs.iter().flatten().find(|&&id| !case.is_weights(id));
    let float = |id: TensorId| case.graph.tensor(id).dtype == DType::F32;
    let from_floats = x.is_some_and(|&id| float(id));
    let weights = |operands: &[usize]| {
        operands.iter().all(|&k| match node.inputs.get(k).copied().flatten() {
            Some(id) => case.is_weights(id),
            None => true,
        })
    };
    let limits = [None, Some(Unary::Relu), Some(Unary::Relu6), Some(Unary::ReluN1To1)];
    let known = match &node.op {
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::FullyConnected(_) => weights(&[1, 2]),
        Op::TransposeConv(_) => weights(&[0, 1, 3]),
        Op::Pool2d(_)
        | Op::ResizeBilinear(_)
        | Op::ResizeNearest(_)
        | Op::Layout(_)
        | Op::Softmax(_)
        | Op::ArgReduce(_) => true,
        Op::Reduce(op) => !matches!(op.kind, ReduceKind::All | ReduceKind::Any),
        Op::Binary(op) => {
            !matches!(op.kind, BinaryKind::FloorDiv | BinaryKind::FloorMod | BinaryKind::Pow)
        }
        Op::Unary(function) => matches!(
            function,
            Unary::Abs
                | Unary::Elu
                | Unary::Exp
                | Unary::Gelu { .. }
                | Unary::HardSwish
                | Unary::LeakyRelu { .. }
                | Unary::Log
                | Unary::Logistic
                | Unary::Relu
                | Unary::Relu0To1
                | Unary::Relu6
                | Unary::ReluN1To1
                | Unary::Rsqrt
                | Unary::Tanh
        ),
        _ => false,
    };
    known && from_floats && limits.contains(&node.op.activation()) && node.grid.is_none()
}

/// The graph with these nodes in int8, in the graph's order. Where they meet others numbers are quantized, or
/// dequantized; where they meet quantized ones directly nothing is.
pub fn quantized(graph: &Graph, nodes: &[usize]) -> Result<Graph> {
    let mut editor = Editor::new(graph);
    let wanted = graph.nodes.iter().filter_map(|node| match (&node.op, &node.inputs[..]) {
        (Op::Quantize(DType::I8), &[Some(x)]) => {
            Some((x, graph.tensor(node.outputs[0]).quantization.clone()?))
        }
        _ => None,
    });
    let mut quantizer = Quantizer { graph, stored: HashMap::new(), wanted: wanted.collect() };
    let mut next = nodes.iter().copied().peekable();
    for (place, node) in graph.nodes.iter().enumerate() {
        if next.next_if_eq(&place).is_some() {
            quantizer.quantize(&mut editor, place)?;
        } else {
            quantizer.meet(&mut editor, place, node)?;
        }
    }
    editor.finish()
}

struct Quantizer<'a> {
    graph: &'a Graph,
    /// Of tensors in floats, those with the same numbers in int8.
    stored: HashMap<TensorId, TensorId>,
    /// Scales that a QUANTIZE of the graph gives to what a tensor in floats holds.
    wanted: HashMap<TensorId, Quantization>,
}

impl Quantizer<'_> {
    /// A node that stays may quantize what is quantized already, or dequantize it.
    fn meet(&mut self, editor: &mut Editor, place: usize, node: &Node) -> Result<()> {
        let (&[Some(x), ..], &[y]) = (&node.inputs[..], &node.outputs[..]) else { return Ok(()) };
        match node.op {
            Op::Dequantize if is_bytes(self.graph.tensor(x)) => {
                self.stored.insert(y, x);
            }
            Op::Quantize(DType::I8) => {
                if let Some(&stored) = self.stored.get(&x) {
                    let scales = |id: TensorId| editor.tensor(id).quantization.clone();
                    if scales(stored) == scales(y) {
                        editor.clear(place);
                        editor.read_instead(y, stored);
                    } else {
                        editor.node_mut(place)?.inputs[0] = Some(stored);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn quantize(&mut self, editor: &mut Editor, place: usize) -> Result<()> {
        let node = &self.graph.nodes[place];
        editor.clear(place);
        let mut inputs = node.inputs.clone();
        for id in inputs.iter_mut().flatten() {
            if self.graph.tensor(*id).dtype == DType::F32 && editor.is_activation(*id) {
                *id = self.stored(editor, place, *id);
            }
        }
        self.weigh(editor, place, &mut inputs)?;
        let mut made = Vec::new();
        for &output in &node.outputs {
            if self.graph.tensor(output).dtype != DType::F32 {
                made.push(output);
                continue;
            }
            let scales = self.scales(editor, node, output, &inputs);
            let stored = editor.add(DType::I8, Some(scales));
            self.stored.insert(output, stored);
            made.push(stored);
        }
        let mut op = node.op.clone();
        if let Op::ResizeBilinear(resize) = &mut op {
            resize.fixed_point = true;
        }
        editor.insert_all(place, op, inputs, made);
        for &output in &node.outputs {
            // Needed where a node that stays, or the caller, reads it.
            if let Some(&stored) = self.stored.get(&output) {
                editor.insert_into(place, Op::Dequantize, &[Some(stored)], output);
            }
        }
        Ok(())
    }

    /// The int8 tensor with the numbers of a float one.
    fn stored(&mut self, editor: &mut Editor, place: usize, id: TensorId) -> TensorId {
        *self.stored.entry(id).or_insert_with(|| {
            let stored = editor.add(DType::I8, Some(ordinary()));
            editor.insert_into(place, Op::Quantize(DType::I8), &[Some(id)], stored);
            stored
        })
    }

    /// Weights and other constants in int8, a bias in int32.
    fn weigh(
        &self,
        editor: &mut Editor,
        place: usize,
        inputs: &mut [Option<TensorId>],
    ) -> Result<()> {
        let node = &self.graph.nodes[place];
        let bias = node.op.bias_operand();
        let (x, filter, axis) = match node.op {
            Op::DepthwiseConv2d(_) => (0, 1, 3),
            Op::TransposeConv(_) => (2, 1, 0),
            _ => (0, 1, 0),
        };
        for (k, input) in inputs.iter_mut().enumerate() {
            let Some(id) = node.inputs[k].filter(|_| Some(k) != bias) else { continue };
            let tensor = self.graph.tensor(id);
            // float32, half floats that are widened, or int8 in a network that is int8 in its weights only.
            let is_filter = bias.is_some() && k == filter;
            if !editor.is_activation(id) && (is_filter || tensor.dtype == DType::F32) {
                let shape = tensor.shape.dims().to_vec();
                let channels = if bias.is_some() { shape.get(axis).copied() } else { None };
                let scales = vec![1.0 / 512.0; channels.unwrap_or(1)];
                let zero_point = vec![0; scales.len()];
                let quantization = Some(Quantization { scale: scales, zero_point, axis });
                let bytes = TensorDef { dtype: DType::I8, quantization, ..tensor.clone() };
                *input = Some(editor.constant_like(&bytes, &shape, axis)?);
            }
        }
        if let Some(k) = bias
            && inputs.get(k).copied().flatten().is_some()
        {
            let operand = |k: usize| inputs.get(k).copied().flatten();
            let missing = || Error::malformed("has no filter");
            let (x, filter) = operand(x).zip(operand(filter)).ok_or_else(missing)?;
            let channels = editor.tensor(filter).shape.dims()[axis];
            inputs[k] = Some(editor.bias(place, [x, filter], None, channels)?);
        }
        Ok(())
    }

    /// Of a result: what TFLite fixes for some functions, what is read where values are only moved, and
    /// what a QUANTIZE wants that comes next.
    fn scales(
        &self,
        editor: &Editor,
        node: &Node,
        output: TensorId,
        inputs: &[Option<TensorId>],
    ) -> Quantization {
        match node.op {
            Op::Unary(Unary::Logistic) => return Quantization::per_tensor(1.0 / 256.0, -128),
            Op::Unary(Unary::Tanh) => return Quantization::per_tensor(1.0 / 128.0, 0),
            Op::Softmax(op) if op.log => return Quantization::per_tensor(16.0 / 256.0, 127),
            Op::Softmax(_) => return Quantization::per_tensor(1.0 / 256.0, -128),
            _ => {}
        }
        let moves =
            node.op.moves_values() || matches!(node.op, Op::ResizeBilinear(_) | Op::Pool2d(_));
        let read = inputs.iter().flatten().find_map(|&id| {
            let tensor = editor.tensor(id);
            tensor.quantization.clone().filter(|q| is_bytes(tensor) && q.scale.len() == 1)
        });
        match read.filter(|_| moves) {
            Some(read) => read,
            None => self.wanted.get(&output).cloned().unwrap_or_else(ordinary),
        }
    }
}

fn is_bytes(tensor: &TensorDef) -> bool {
    tensor.dtype == DType::I8 && tensor.quantization.is_some()
}

/// Scales as activations have them.
fn ordinary() -> Quantization {
    Quantization::per_tensor(0.05, -10)
}
