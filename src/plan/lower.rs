//! Node → kernel. The only file that names both operators and kernels.

use super::reference_kernel::ReferenceKernel;
use super::{About, Backend, MAX_OPERANDS};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::kernels::{
    AveragePool, Binary, BinarySpec, Conv, ConvSpec, Copy, Depthwise, Gemm, GemmSpec,
    GlobalAverage, Kernel, PoolSpec, ResizeBilinear, ResizeSpec, TransposeConv, Unary,
};
use crate::ops::reduce::reduced_axes;
use crate::ops::{self, Conv2d, Op, Pool2d, PoolKind, ReduceKind, Window};
use crate::tensor::TensorDef;

/// A node with its kernel chosen.
pub struct Lowered {
    /// The work.
    pub kernel: Box<dyn Kernel>,
    /// What the kernel reads, in its own numbering; packed constants are not among them.
    pub operands: Vec<Option<TensorId>>,
    /// What it writes.
    pub outputs: Vec<TensorId>,
    /// For people and profiles.
    pub about: About,
}

/// Chooses the kernel of a node and packs its weights.
pub fn lower(graph: &Graph, node: &Node, backend: Backend) -> Result<Lowered> {
    if node.inputs.len() > MAX_OPERANDS || node.outputs.len() != 1 {
        return Err(Error::unsupported(format!(
            "{} inputs and {} outputs",
            node.inputs.len(),
            node.outputs.len()
        )));
    }
    let kernel = match backend {
        Backend::Kernels => kernel(graph, node),
        Backend::Reference => None,
    };
    let (kernel, operands) = kernel
        .unwrap_or_else(|| (Box::new(ReferenceKernel::new(graph, node)), node.inputs.clone()));
    Ok(Lowered { kernel, operands, outputs: node.outputs.clone(), about: about(graph, node) })
}

/// A kernel, and which of the node's operands it reads while running.
type Chosen = (Box<dyn Kernel>, Vec<Option<TensorId>>);

/// The fast kernel of a node, if there is one for it.
fn kernel(graph: &Graph, node: &Node) -> Option<Chosen> {
    let operands = graph.operands(node);
    let output = graph.tensor(node.outputs[0]);
    let first = operands.first().copied().flatten()?;
    // A convolution's filter and bias are packed when they are constant; otherwise the naive
    // loops must do.
    let kernel: Box<dyn Kernel> = match &node.op {
        Op::Conv2d(op) => conv2d(op, first, output, filter_and_bias(&operands)?),
        Op::DepthwiseConv2d(op) => {
            let spec = Spec { window: op.window, activation: op.activation };
            Box::new(Depthwise::new(spec.of(first, output, filter_and_bias(&operands)?)))
        }
        Op::Convolution2dTransposeBias(op) => {
            let weights = filter_and_bias(&operands)?;
            let [_, kh, kw, _] = weights.shape;
            let [_, oh, ow, _] = nhwc(output);
            Box::new(TransposeConv::new(ConvSpec {
                input: nhwc(first),
                output: [oh, ow],
                filter: weights.filter,
                filter_shape: weights.shape,
                bias: weights.bias,
                stride: op.stride,
                dilation: [1, 1],
                pad: op.pad_before([oh, ow], [kh, kw]),
                activation: op.activation,
            }))
        }
        Op::ResizeBilinear(op) => {
            let [_, oh, ow, _] = nhwc(output);
            let spec = ResizeSpec { input: nhwc(first), output: [oh, ow], attributes: *op };
            Box::new(ResizeBilinear::new(spec))
        }
        Op::Pool2d(op) => match op.kind {
            PoolKind::Average => average_pool(op, nhwc(first), nhwc(output)),
        },
        Op::Reduce(op) => match op.kind {
            ReduceKind::Mean => Box::new(GlobalAverage::new(mean_of_image(&operands)?, None)),
        },
        Op::Binary(op) => {
            let shapes = [&first.shape, &operands[1]?.shape];
            let spec = BinarySpec { op: *op, operands: shapes, output: &output.shape };
            return Some((Box::new(Binary::new(spec)), node.inputs.clone()));
        }
        Op::Unary(op) => Box::new(Unary::new(*op, output.shape.elements())),
        Op::Dequantize => return None,
    };
    Some((kernel, vec![node.inputs[0]]))
}

/// What convolutions that slide a window over their input have in common.
struct Spec {
    window: Window,
    activation: Option<ops::Unary>,
}

impl Spec {
    fn of<'a>(&self, input: &TensorDef, output: &TensorDef, weights: Weights<'a>) -> ConvSpec<'a> {
        let ([_, h, w, _], [_, oh, ow, _]) = (nhwc(input), nhwc(output));
        let [_, kh, kw, _] = weights.shape;
        ConvSpec {
            input: nhwc(input),
            output: [oh, ow],
            filter: weights.filter,
            filter_shape: weights.shape,
            bias: weights.bias,
            stride: self.window.stride,
            dilation: self.window.dilation,
            pad: self.window.pad_before([h, w], [kh, kw]),
            activation: self.activation,
        }
    }
}

fn conv2d(op: &Conv2d, input: &TensorDef, output: &TensorDef, weights: Weights) -> Box<dyn Kernel> {
    let ([.., ci], [n, oh, ow, co]) = (nhwc(input), nhwc(output));
    let [_, kh, kw, depth] = weights.shape;
    if [kh, kw] == [1, 1] && op.window.stride == [1, 1] && depth == ci {
        return Box::new(Gemm::new(GemmSpec {
            m: n * oh * ow,
            k: ci,
            n: co,
            weights: weights.filter,
            bias: weights.bias,
            activation: op.activation,
        }));
    }
    let spec = Spec { window: op.window, activation: op.activation };
    Box::new(Conv::new(spec.of(input, output, weights)))
}

fn average_pool(op: &Pool2d, input: [usize; 4], output: [usize; 4]) -> Box<dyn Kernel> {
    let [_, h, w, _] = input;
    let pad = op.window.pad_before([h, w], op.kernel);
    if op.kernel == [h, w] && pad == [0, 0] && output[1..3] == [1, 1] {
        return Box::new(GlobalAverage::new(input, op.activation));
    }
    Box::new(AveragePool::new(PoolSpec {
        input,
        output: [output[1], output[2]],
        kernel: op.kernel,
        stride: op.window.stride,
        pad,
        activation: op.activation,
    }))
}

/// The extents of an image whose height and width, and nothing else, are reduced.
fn mean_of_image(operands: &[Option<&TensorDef>]) -> Option<[usize; 4]> {
    let (image, axes) = (operands[0]?, operands[1]?);
    let reduced = reduced_axes(axes, image.shape.rank()).ok()?;
    (reduced == [false, true, true, false]).then(|| nhwc(image))
}

/// Weights of a convolution as kernels take them.
#[derive(Clone, Copy)]
struct Weights<'a> {
    filter: &'a [f32],
    shape: [usize; 4],
    bias: Option<&'a [f32]>,
}

/// Operands 1 and 2, if they are constant.
fn filter_and_bias<'a>(operands: &[Option<&'a TensorDef>]) -> Option<Weights<'a>> {
    let constant = |i: usize| operands.get(i).copied().flatten()?.data.as_ref()?.view().f32();
    let filter = constant(1)?;
    let shape = operands[1]?.shape.nhwc().ok()?;
    let bias = match operands.get(2).copied().flatten() {
        Some(_) => Some(constant(2)?),
        None => None,
    };
    Some(Weights { filter, shape, bias })
}

fn nhwc(tensor: &TensorDef) -> [usize; 4] {
    tensor.shape.nhwc().expect("infer() checked the rank")
}

/// A step that hands on a value which no node makes.
pub fn copy(graph: &Graph, from: TensorId, to: TensorId) -> Lowered {
    let tensor = graph.tensor(from);
    Lowered {
        kernel: Box::new(Copy::new(tensor.shape.elements())),
        operands: vec![Some(from)],
        outputs: vec![to],
        about: About {
            covers: Vec::new(),
            name: tensor.name.clone(),
            input_shapes: vec![tensor.shape.clone()],
            output_shape: tensor.shape.clone(),
            macs: 0,
            bytes: 2 * (tensor.shape.elements() * tensor.dtype.size()) as u64,
        },
    }
}

/// Describes a node's work: shapes, multiply-adds, bytes.
fn about(graph: &Graph, node: &Node) -> About {
    let operands = graph.operands(node);
    let output = graph.tensor(node.outputs[0]);
    let bytes = |shape_elements: usize, size: usize| (shape_elements * size) as u64;
    let read = operands.iter().flatten().map(|t| bytes(t.shape.elements(), t.dtype.size()));
    let written = node.outputs.iter().map(|&id| graph.tensor(id));
    let written = written.map(|t| bytes(t.shape.elements(), t.dtype.size()));
    About {
        covers: node.covers.clone(),
        name: output.name.clone(),
        input_shapes: operands
            .iter()
            .flatten()
            .filter(|t| !t.is_const())
            .map(|t| t.shape.clone())
            .collect(),
        output_shape: output.shape.clone(),
        macs: node.op.macs(&operands, &output.shape),
        bytes: read.sum::<u64>() + written.sum::<u64>(),
    }
}
