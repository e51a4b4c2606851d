//! Weights and activations as int8: TensorFlow's post-training quantization with data.
//!
//! Each tensor's scale reaches over the values that it takes in a float32 run; TFLite prescribes some, and wants one
//! scale for all that an operator moves values between.

use super::rewrite::{constants, finish, weights_of};
use super::{floats, symmetric};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::input_size::{STEP, resized, size_of};
use crate::ops::layout::{Cut, Pad};
use crate::ops::{BinaryKind, Layout, Op, PoolKind, ReduceKind, Softmax, Unary};
use crate::random::Random;
use crate::reference;
use crate::tensor::{DType, Data, Quantization, TensorDef};
use std::sync::Arc;

/// The lowest and highest value of a tensor.
type Range = [f32; 2];

/// How TFLite wants an operator quantized.
enum Rule {
    /// Results have a scale of their own.
    Own,
    /// Real operands and results have one.
    Shared,
    /// Results have this scale and zero point.
    Prescribed(f32, i64),
    /// Results are integers that stand for themselves.
    Integers,
}

/// `None` for operators that have no int8 form, or none here.
fn rule(op: &Op) -> Option<Rule> {
    Some(match op {
        Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::TransposeConv(_) | Op::FullyConnected(_) => {
            Rule::Own
        }
        Op::Binary(op) => match op.kind {
            BinaryKind::Add | BinaryKind::Mul | BinaryKind::Prelu | BinaryKind::Sub => Rule::Own,
            BinaryKind::Maximum | BinaryKind::Minimum => Rule::Shared,
            _ => return None,
        },
        Op::Unary(function) => match function {
            Unary::Elu | Unary::Gelu { .. } | Unary::HardSwish | Unary::LeakyRelu { .. } => {
                Rule::Own
            }
            Unary::Relu | Unary::Relu6 | Unary::ReluN1To1 => Rule::Own,
            Unary::Logistic => Rule::Prescribed(1.0 / 256.0, -128),
            Unary::Tanh => Rule::Prescribed(1.0 / 128.0, 0),
            _ => return None,
        },
        Op::Softmax(Softmax { log: false, .. }) => Rule::Prescribed(1.0 / 256.0, -128),
        Op::Pool2d(pool) if pool.kind != PoolKind::L2 => Rule::Shared,
        Op::Reduce(reduce) => match reduce.kind {
            ReduceKind::Mean => Rule::Own,
            ReduceKind::Max | ReduceKind::Min => Rule::Shared,
            _ => return None,
        },
        Op::ResizeBilinear(_) | Op::ResizeNearest(_) => Rule::Shared,
        Op::Layout(
            Layout::Reshape(_)
            | Layout::Transpose
            | Layout::Cut(Cut::Slice | Cut::StridedSlice(_) | Cut::Split(_) | Cut::SplitV(_))
            | Layout::Join(_)
            | Layout::Pad(Pad::Zeros | Pad::Mirror { .. })
            | Layout::Blocks(_),
        ) => Rule::Shared,
        Op::ArgReduce(_) | Op::Shape(_) => Rule::Integers,
        _ => return None,
    })
}

pub fn convert(graph: &Graph, seed: u32) -> Result<Graph> {
    let constants = constants(graph);
    let mut scales = Scales::new(ranges(graph, seed)?);
    for node in &graph.nodes {
        let at = |e: Error| e.at(node.source().index, &node.source().name);
        scales.note(graph, node, &constants).map_err(at)?;
    }
    let mut made = graph.clone();
    for (i, tensor) in made.tensors.iter_mut().enumerate() {
        if tensor.dtype == DType::F32 && !constants[i] {
            (tensor.dtype, tensor.quantization) = (DType::I8, Some(scales.of(TensorId(i))));
            tensor.data = None;
        }
    }
    for (node, original) in made.nodes.iter_mut().zip(&graph.nodes) {
        let at = |e: Error| e.at(original.source().index, &original.source().name);
        if let Op::ResizeBilinear(op) = &mut node.op {
            op.fixed_point = true;
        }
        let quantized = operands(graph, original, &constants, &scales).map_err(at)?;
        for (operand, tensor) in quantized {
            made.tensors.push(tensor);
            node.inputs[operand] = Some(TensorId(made.tensors.len() - 1));
        }
    }
    finish(made)
}

/// Multiply-adds of a run by the naive loops: about a tenth of a second.
const MAX_MACS: u64 = 1 << 24;

/// The graph at an input size that takes no more than [`MAX_MACS`], where it has one: random values reach
/// as far in a part of an image.
fn small(graph: &Graph) -> Graph {
    let macs = |graph: &Graph| -> u64 {
        let of =
            |node: &Node| node.op.macs(&graph.operands(node), &graph.tensor(node.outputs[0]).shape);
        graph.nodes.iter().map(of).sum()
    };
    let mut small = graph.clone();
    while macs(&small) > MAX_MACS {
        let half = |side: usize| (side / 2).next_multiple_of(STEP);
        let next = size_of(&small).filter(|&[h, w]| h > 2 * STEP && w > 2 * STEP);
        let Some(Ok(next)) = next.map(|[h, w]| resized(graph, half(h), half(w))) else { break };
        small = next;
    }
    small
}

/// The values that each tensor of real numbers takes on random inputs, by the naive loops: what builds
/// blocks needs no kernels.
fn ranges(graph: &Graph, seed: u32) -> Result<Vec<Option<Range>>> {
    let mut graph = small(graph);
    let mut random = Random::new(seed);
    let mut ranges = vec![None; graph.tensors.len()];
    for id in graph.inputs.clone() {
        let tensor = &mut graph.tensors[id.0];
        if tensor.dtype == DType::F32 {
            let values = random.floats(tensor.shape.elements(), 1.0);
            ranges[id.0] = range(&values);
            tensor.data = Some(Arc::new(Data::F32(values)));
        }
    }
    for node in graph.nodes.clone() {
        let results: Vec<&TensorDef> = node.outputs.iter().map(|&id| graph.tensor(id)).collect();
        let made = reference::evaluate(&node.op, &graph.operands(&node), &results);
        for (id, data) in node.outputs.iter().zip(made) {
            ranges[id.0] = data.view().f32().and_then(range);
            graph.tensors[id.0].data = Some(Arc::new(data));
        }
    }
    Ok(ranges)
}

/// Where values reach; `None` for none.
fn range(values: &[f32]) -> Option<Range> {
    if values.is_empty() {
        return None;
    }
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    Some([low, high])
}

/// The scale that each tensor gets. Tensors that must have the same one are a group.
struct Scales {
    /// The next tensor of the group; the last one stands for it.
    next: Vec<usize>,
    /// Of the group, where its values reach.
    ranges: Vec<Option<Range>>,
    /// Of the group, the scale and zero point that TFLite prescribes.
    prescribed: Vec<Option<(f32, i64)>>,
}

impl Scales {
    fn new(ranges: Vec<Option<Range>>) -> Scales {
        let prescribed = vec![None; ranges.len()];
        Scales { next: (0..ranges.len()).collect(), ranges, prescribed }
    }

    /// The tensor that stands for the group.
    fn group(&self, id: TensorId) -> usize {
        let mut at = id.0;
        while self.next[at] != at {
            at = self.next[at];
        }
        at
    }

    /// Makes one group of two.
    fn join(&mut self, a: TensorId, b: TensorId) {
        let (a, b) = (self.group(a), self.group(b));
        if a == b {
            return;
        }
        self.ranges[b] = match (self.ranges[a], self.ranges[b]) {
            (Some([low, high]), Some([l, h])) => Some([low.min(l), high.max(h)]),
            (a, b) => a.or(b),
        };
        self.prescribed[b] = self.prescribed[a].or(self.prescribed[b]);
        self.next[a] = b;
    }

    /// What a node wants of its tensors.
    fn note(&mut self, graph: &Graph, node: &Node, constants: &[bool]) -> Result<()> {
        let real = |id: &&TensorId| graph.tensor(**id).dtype == DType::F32;
        let operands: Vec<TensorId> = node.inputs.iter().flatten().filter(real).copied().collect();
        let results: Vec<TensorId> = node.outputs.iter().filter(real).copied().collect();
        if operands.is_empty() && results.is_empty() {
            return Ok(()); // index arithmetic
        }
        match rule(&node.op).ok_or_else(|| Error::unsupported("has no int8 form here"))? {
            Rule::Own | Rule::Integers => Ok(()),
            Rule::Prescribed(scale, zero_point) => {
                for &id in &results {
                    let group = self.group(id);
                    self.prescribed[group] = Some((scale, zero_point));
                }
                Ok(())
            }
            Rule::Shared => {
                // What is prescribed for one of several operands may be too little for the others.
                let prescribed = operands.iter().map(|&id| self.prescribed[self.group(id)]);
                let prescribed: Vec<Option<(f32, i64)>> = prescribed.collect();
                if prescribed.windows(2).any(|pair| pair[0] != pair[1]) {
                    let what =
                        "needs one scale for its operands, but TFLite prescribes one of them";
                    return Err(Error::unsupported(what));
                }
                // A constant among them takes part with its values.
                for &id in operands.iter().filter(|id| constants[id.0]) {
                    self.ranges[id.0] = range(floats(graph.tensor(id))?);
                }
                let all: Vec<TensorId> = operands.into_iter().chain(results).collect();
                all.windows(2).for_each(|pair| self.join(pair[0], pair[1]));
                Ok(())
            }
        }
    }

    /// The scale of a tensor, as TensorFlow's converter has it.
    fn of(&self, id: TensorId) -> Quantization {
        let group = self.group(id);
        match (self.prescribed[group], self.ranges[group]) {
            (Some((scale, zero_point)), _) => Quantization::per_tensor(scale, zero_point),
            (None, range) => asymmetric(range.unwrap_or([0.0, 0.0])),
        }
    }
}

/// 255 steps from the lowest to the highest value, moved so that 0 is one of the stored values.
fn asymmetric([low, high]: Range) -> Quantization {
    const NARROWEST: f64 = 1e-6;
    let [low, high] = [low.min(0.0), high.max(0.0)].map(f64::from);
    let scale = ((high - low) / 255.0).max(NARROWEST / 255.0);
    let zero_point = (-128.0 - low / scale).round().clamp(-128.0, 127.0);
    Quantization::per_tensor(scale as f32, zero_point as i64)
}

/// The constants that a node reads instead of its float32 ones: for each, which operand it is.
fn operands(
    graph: &Graph,
    node: &Node,
    constants: &[bool],
    scales: &Scales,
) -> Result<Vec<(usize, TensorDef)>> {
    let weights = weights_of(&node.op);
    let mut made = Vec::new();
    // The scales of products, for the bias: of the input's and the filter's values.
    let mut filter_scales = None;
    let shared = matches!(rule(&node.op), Some(Rule::Shared));
    if let Some((operand, axis)) = weights {
        let id = node.inputs.get(operand).copied().flatten();
        let Some(id) = id.filter(|id| constants[id.0]) else {
            return Err(Error::unsupported("has weights that are computed"));
        };
        let one_scale = matches!(node.op, Op::FullyConnected(_));
        let (stored, quantization) = symmetric(graph.tensor(id), (!one_scale).then_some(axis))?;
        filter_scales = Some(quantization.scale.clone());
        made.push((operand, of_type(graph.tensor(id), Data::I8(stored), quantization)));
    }
    for (operand, id) in node.inputs.iter().enumerate() {
        let Some(id) = id.filter(|id| constants[id.0]) else { continue };
        let tensor = graph.tensor(id);
        if Some(operand) == weights.map(|(operand, _)| operand) {
            continue;
        }
        if node.op.bias_operand() == Some(operand) {
            let products = products(node, scales, filter_scales.as_deref().unwrap_or_default())?;
            made.push((operand, bias(tensor, products)?));
            continue;
        }
        let quantization = if shared {
            scales.of(id)
        } else {
            asymmetric(range(floats(tensor)?).unwrap_or_default())
        };
        let (scale, zero) = (quantization.scale[0], quantization.zero_point[0] as f32);
        let stored = |value: &f32| ((value / scale).round() + zero).clamp(-128.0, 127.0) as i8;
        let data = Data::I8(floats(tensor)?.iter().map(stored).collect());
        made.push((operand, of_type(tensor, data, quantization)));
    }
    Ok(made)
}

/// What one step of a sum of products is worth, for each scale of the filter.
fn products(node: &Node, scales: &Scales, filter: &[f32]) -> Result<Vec<f32>> {
    let image = if matches!(node.op, Op::TransposeConv(_)) { 2 } else { 0 };
    let image = node.inputs.get(image).copied().flatten();
    let image = image.ok_or_else(|| Error::malformed("has no input"))?;
    let step = scales.of(image).scale[0];
    Ok(filter.iter().map(|scale| scale * step).collect())
}

/// An int32 for each output channel, in steps of the products that it is added to.
fn bias(tensor: &TensorDef, scale: Vec<f32>) -> Result<TensorDef> {
    let step = |i: usize| scale[if scale.len() == 1 { 0 } else { i % scale.len() }];
    let values = floats(tensor)?.iter().enumerate();
    // `as` saturates.
    let stored = values.map(|(i, &value)| (f64::from(value) / f64::from(step(i))).round() as i32);
    let stored = Data::I32(stored.collect());
    let zero_point = vec![0; scale.len()];
    Ok(of_type(tensor, stored, Quantization { scale, zero_point, axis: 0 }))
}

fn of_type(tensor: &TensorDef, data: Data, quantization: Quantization) -> TensorDef {
    TensorDef {
        dtype: data.dtype(),
        data: Some(Arc::new(data)),
        quantization: Some(quantization),
        ..tensor.clone()
    }
}
