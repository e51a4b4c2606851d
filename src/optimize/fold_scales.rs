//! Multiplying, or adding, a constant for each channel after a convolution is part of its weights: batch
//! normalization that the converter left alone. So is multiplying before it. A pass over the image less.

use super::MAX_MADE_BYTES;
use crate::error::Result;
use crate::graph::{Graph, TensorId};
use crate::ops::{BinaryKind, Op};
use crate::tensor::{DType, Data, Shape, TensorDef};
use std::collections::HashMap;
use std::sync::Arc;

pub fn run(graph: &mut Graph) -> Result<()> {
    let uses = graph.use_counts();
    let mut producers = graph.producers();
    let mut gone = vec![false; graph.nodes.len()];
    let mut made_bytes = 0;
    for i in 0..graph.nodes.len() {
        let sole = Sole { graph, uses: &uses, producers: &producers };
        let Some(fold) = sole.after(i).or_else(|| sole.before(i)) else { continue };
        let Weights { filter, bias } = fold.weights;
        made_bytes += (filter.len() + bias.len()) * DType::F32.size();
        if made_bytes > MAX_MADE_BYTES {
            break;
        }
        let scale = graph.nodes[fold.scale].clone();
        let inputs = &graph.nodes[fold.conv].inputs;
        let Some(bias_at) = graph.nodes[fold.conv].op.bias_operand() else { continue };
        let shape = inputs[FILTER].map(|id| graph.tensor(id).shape.clone()).unwrap_or_default();
        let channels = Shape::new([bias.len()])?;
        let filter = constant(graph, fold.conv, shape, filter);
        let bias = constant(graph, fold.conv, channels, bias);
        let node = &mut graph.nodes[fold.conv];
        node.inputs.resize(bias_at + 1, None);
        node.inputs[FILTER] = Some(filter);
        node.inputs[bias_at] = Some(bias);
        node.covers.extend(scale.covers);
        match fold.image {
            Some(image) => node.inputs[0] = Some(image),
            None => {
                node.outputs = scale.outputs;
                node.grid = scale.grid;
                if let Some(slot) = node.op.activation_mut() {
                    *slot = scale.op.activation();
                }
                producers.insert(node.outputs[0], fold.conv);
            }
        }
        gone[fold.scale] = true;
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| !gone.next().expect("one flag per node"));
    Ok(())
}

/// The operand that is the filter.
const FILTER: usize = 1;

/// New weights that make the node `scale` unnecessary.
struct Fold {
    conv: usize,
    scale: usize,
    weights: Weights,
    /// What the convolution reads, where the scale came before it.
    image: Option<TensorId>,
}

/// Of a convolution.
struct Weights {
    filter: Vec<f32>,
    /// One for each channel of the result.
    bias: Vec<f32>,
}

/// `y = x * factor + term`, one of each for each channel.
struct Scale {
    x: TensorId,
    factors: Vec<f32>,
    terms: Vec<f32>,
}

/// Finds pairs of nodes of which one makes something only for the other.
struct Sole<'a> {
    graph: &'a Graph,
    uses: &'a [usize],
    producers: &'a HashMap<TensorId, usize>,
}

impl Sole<'_> {
    /// Node `i` scales what a convolution makes.
    fn after(&self, i: usize) -> Option<Fold> {
        let Scale { x, factors, terms } = self.scale(i)?;
        let conv = self.maker(x)?;
        let mut weights = self.weights(conv)?;
        let channels = weights.bias.len();
        let per_channel = weights.filter.len() / channels;
        let depthwise = matches!(self.graph.nodes[conv].op, Op::DepthwiseConv2d(_));
        for (e, weight) in weights.filter.iter_mut().enumerate() {
            *weight *= factors[if depthwise { e % channels } else { e / per_channel }];
        }
        for (c, bias) in weights.bias.iter_mut().enumerate() {
            *bias = *bias * factors[c] + terms[c];
        }
        Some(Fold { conv, scale: i, weights, image: None })
    }

    /// Node `i` is a convolution of what a node scales.
    fn before(&self, i: usize) -> Option<Fold> {
        let node = &self.graph.nodes[i];
        let depthwise = match node.op {
            Op::Conv2d(_) => false,
            Op::DepthwiseConv2d(_) => true,
            _ => return None,
        };
        let scale = self.maker(node.inputs.first().copied()??)?;
        let Scale { x, factors, terms } = self.scale(scale)?;
        // What is added would be missing in the padding.
        if terms.iter().any(|&term| term != 0.0) {
            return None;
        }
        let mut weights = self.weights(i)?;
        let (co, ci) = (weights.bias.len(), factors.len());
        let [_, kh, kw, depth] = self.graph.tensor(node.inputs[FILTER]?).shape.nhwc().ok()?;
        for (e, weight) in weights.filter.iter_mut().enumerate() {
            let channel = match depthwise {
                true => e % co / (co / ci),
                false => e / (kh * kw * depth) / (co * depth / ci) * depth + e % depth,
            };
            *weight *= factors[channel];
        }
        Some(Fold { conv: i, scale, weights, image: Some(x) })
    }

    /// The node that makes a tensor, if only one other reads it and it is neither activated nor
    /// rounded in between.
    fn maker(&self, id: TensorId) -> Option<usize> {
        let maker = *self.producers.get(&id).filter(|_| self.uses[id.0] == 1)?;
        let node = &self.graph.nodes[maker];
        (node.op.activation().is_none() && node.grid.is_none()).then_some(maker)
    }

    /// Filter and bias of a convolution, if they are constants of float32.
    fn weights(&self, i: usize) -> Option<Weights> {
        let node = &self.graph.nodes[i];
        let floats = |id: TensorId| match self.graph.tensor(id).data.as_deref() {
            Some(Data::F32(list)) => Some(list.clone()),
            _ => None,
        };
        let bias = node.op.bias_operand()?;
        let channels = *self.graph.tensor(node.outputs[0]).shape.dims().last()?;
        Some(Weights {
            filter: floats(node.inputs[FILTER]?)?,
            bias: match node.inputs.get(bias).copied().flatten() {
                Some(id) => floats(id)?,
                None => vec![0.0; channels],
            },
        })
    }

    /// Node `i` as a scale with finite factors.
    fn scale(&self, i: usize) -> Option<Scale> {
        let node = &self.graph.nodes[i];
        let Op::Binary(op) = node.op else { return None };
        let &[Some(a), Some(b)] = &node.inputs[..] else { return None };
        let either = matches!(op.kind, BinaryKind::Add | BinaryKind::Mul);
        let (x, list) = match (self.constant(a), self.constant(b)) {
            (None, Some(list)) => (a, list),
            (Some(list), None) if either => (b, list),
            _ => return None,
        };
        let (from, to) = (self.graph.tensor(x), self.graph.tensor(node.outputs[0]));
        let channels = *from.shape.dims().last()?;
        if from.shape != to.shape
            || from.dtype != DType::F32
            || ![1, channels].contains(&list.len())
        {
            return None;
        }
        let each = |f: &dyn Fn(f32) -> f32| -> Vec<f32> {
            (0..channels).map(|c| f(list[c % list.len()])).collect()
        };
        let (factors, terms) = match op.kind {
            BinaryKind::Mul => (each(&|c| c), each(&|_| 0.0)),
            BinaryKind::Div => (each(&|c| 1.0 / c), each(&|_| 0.0)),
            BinaryKind::Add => (each(&|_| 1.0), each(&|c| c)),
            BinaryKind::Sub => (each(&|_| 1.0), each(&|c| -c)),
            _ => return None,
        };
        let finite = factors.iter().chain(&terms).all(|x| x.is_finite());
        finite.then_some(Scale { x, factors, terms })
    }

    /// The elements of a float32 constant that has no extents but its last.
    fn constant(&self, id: TensorId) -> Option<&[f32]> {
        let tensor = self.graph.tensor(id);
        let list = tensor.data.as_ref()?.view().f32()?;
        let last = tensor.shape.dims().last().copied().unwrap_or(1);
        (list.len() == last).then_some(list)
    }
}

/// A new constant of float32 for node `i`.
fn constant(graph: &mut Graph, i: usize, shape: Shape, values: Vec<f32>) -> TensorId {
    let name = graph.tensor(graph.nodes[i].outputs[0]).name.clone();
    let data = Some(Arc::new(Data::F32(values)));
    graph.add_tensor(TensorDef { name, shape, dtype: DType::F32, quantization: None, data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{GraphBuilder, evaluate};
    use crate::ops::{Binary, Conv2d, DepthwiseConv2d, Padding, Unary, Window};

    const WINDOW: Window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };

    fn binary(kind: BinaryKind, activation: Option<Unary>) -> Op {
        Op::Binary(Binary { kind, activation })
    }

    fn values(n: usize, from: f32) -> Data {
        Data::F32((0..n).map(|i| from + (i * 7 % 5) as f32 / 4.0).collect())
    }

    fn check(graph: &mut Graph, nodes: usize) {
        let want = evaluate(graph);
        run(graph).unwrap();
        graph.validate().unwrap();
        graph.infer_shapes().unwrap();
        assert_eq!(graph.nodes.len(), nodes, "{graph}");
        for (got, want) in evaluate(graph).into_iter().zip(want) {
            assert!((got - want).abs() < 1e-4, "{got}, should be {want}");
        }
    }

    #[test]
    fn batch_normalization_becomes_weights() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 4, 4, 4]);
        let filter = b.constant(&[6, 1, 3, 2], values(36, -1.0)); // two groups
        let conv = Op::Conv2d(Conv2d { window: WINDOW, activation: None });
        let mut y = b.node(conv, &[x, filter]);
        for (kind, from) in [(BinaryKind::Mul, 0.5), (BinaryKind::Sub, 1.0), (BinaryKind::Div, 0.3)]
        {
            let constant = b.constant(&[1, 1, 1, 6], values(6, from));
            y = b.node(binary(kind, None), &[y, constant]);
        }
        let one = b.constant(&[], values(1, 0.2));
        let y = b.node(binary(BinaryKind::Add, Some(Unary::Relu)), &[one, y]);
        let mut graph = b.build(&[y]);
        check(&mut graph, 1);
        assert_eq!(graph.nodes[0].op.activation(), Some(Unary::Relu));
        assert_eq!(graph.nodes[0].outputs, [y]);
        assert_eq!(graph.nodes[0].covers.len(), 5);
    }

    #[test]
    fn factors_before_become_weights() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 4, 4, 4]);
        let factors = b.constant(&[4], values(4, 0.5));
        let x = b.node(binary(BinaryKind::Mul, None), &[x, factors]);
        let filter = b.constant(&[6, 1, 3, 2], values(36, -1.0));
        let x = b.node(Op::Conv2d(Conv2d { window: WINDOW, activation: None }), &[x, filter]);
        let x = b.node(Op::Unary(Unary::Tanh), &[x]);
        let factors = b.constant(&[6], values(6, 0.5));
        let x = b.node(binary(BinaryKind::Mul, None), &[x, factors]);
        let filter = b.constant(&[1, 3, 3, 12], values(108, -1.0));
        let depthwise = DepthwiseConv2d { window: WINDOW, activation: None };
        let y = b.node(Op::DepthwiseConv2d(depthwise), &[x, filter]);
        let mut graph = b.build(&[y]);
        check(&mut graph, 3);
    }

    #[test]
    fn what_is_no_scale_of_channels_stays() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 4, 4, 4]);
        let filter = b.constant(&[4, 1, 1, 4], values(16, -1.0));
        let relu = Op::Conv2d(Conv2d { window: WINDOW, activation: Some(Unary::Relu) });
        let plain = Op::Conv2d(Conv2d { window: WINDOW, activation: None });
        let factors = b.constant(&[4], values(4, 0.5));
        let rows = b.constant(&[4, 1], values(4, 0.5));
        let zero = b.constant(&[], Data::F32(vec![0.0]));
        // After an activation, along another axis, 1 / 0, added before padding.
        let y = b.node(relu, &[x, filter]);
        let y = b.node(binary(BinaryKind::Mul, None), &[y, factors]);
        let y = b.node(binary(BinaryKind::Mul, None), &[y, rows]);
        let y = b.node(binary(BinaryKind::Add, None), &[y, factors]);
        let y = b.node(plain, &[y, filter]);
        let y = b.node(binary(BinaryKind::Div, None), &[y, zero]);
        let mut graph = b.build(&[y]);
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes.len(), 6);
    }
}
