//! Node → kernel: the only folder that names both operators and kernels. A family of operators
//! has one file; what it has no kernel for runs on the naive reference.

mod conv;
mod elementwise;
mod integer;
mod layout;
mod matmul;
mod pool;
mod quantize;
mod reduce;
mod resize;

use super::reference_kernel::ReferenceKernel;
use super::{About, Backend, MAX_OPERANDS};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, TensorId};
use crate::kernels::{Copy, Kernel, Rounded};
use crate::ops::{Op, is_integer};
use crate::session::MAX_OUTPUTS;
use crate::tensor::{DType, TensorDef};

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
    let (inputs, outputs) = (node.inputs.len(), node.outputs.len());
    if inputs > MAX_OPERANDS || !(1..=MAX_OUTPUTS).contains(&outputs) {
        return Err(Error::unsupported(format!("{inputs} inputs and {outputs} outputs")));
    }
    let chosen = match backend {
        Backend::Kernels => fast_kernel(&Site { graph, node }),
        Backend::Reference => None,
    };
    let Chosen { mut kernel, operands } = chosen.unwrap_or_else(|| Chosen {
        kernel: Box::new(ReferenceKernel::new(graph, node)),
        operands: node.inputs.clone(),
    });
    if let Some(grid) = node.grid {
        kernel = Box::new(Rounded::new(kernel, grid));
    }
    Ok(Lowered { kernel, operands, outputs: node.outputs.clone(), about: about(graph, node) })
}

/// The fast kernel of a node, if there is one for its operator, types and shapes.
fn fast_kernel(site: &Site) -> Option<Chosen> {
    if is_integer(&site.node.op, &site.graph.operands(site.node), site.output()) {
        return integer::kernel(site);
    }
    match &site.node.op {
        Op::Conv2d(op) => conv::conv2d(op, site),
        Op::DepthwiseConv2d(op) => conv::depthwise_conv2d(op, site),
        Op::Convolution2dTransposeBias(op) => conv::transpose_conv(op, site),
        Op::TransposeConv(op) => conv::sized_transpose_conv(op, site),
        Op::FullyConnected(op) => matmul::fully_connected(op, site),
        Op::BatchMatMul(op) => matmul::batch_matmul(op, site),
        Op::ResizeNearest(op) => resize::nearest(op, site.float(0)?, site),
        Op::MaxPoolWithArgmax(_) | Op::MaxUnpool(_) => None,
        Op::ResizeBilinear(op) => resize::bilinear(op, site),
        Op::Pool2d(op) => pool::pool2d(op, site),
        Op::Reduce(op) => reduce::reduce(op, site),
        Op::ArgReduce(op) => reduce::arg_reduce(op, site.float(0)?, site),
        Op::Softmax(op) => reduce::softmax(op, site),
        Op::Binary(op) => elementwise::binary(op, site),
        Op::Unary(op) => elementwise::unary(*op, site),
        Op::Cast(_) => elementwise::cast(site),
        Op::Layout(op) => layout::layout(op, site),
        Op::Dequantize => quantize::dequantize(site),
        Op::Quantize(_) => quantize::quantize(site),
        Op::Shape(_)
        | Op::Rank
        | Op::BroadcastArgs
        | Op::Range
        | Op::Compare(_)
        | Op::Logical(_)
        | Op::Select(_) => None,
        Op::FakeQuant(grid) => quantize::fake_quant(*grid, site),
    }
}

/// A kernel, and which of the node's operands it reads while running.
struct Chosen {
    kernel: Box<dyn Kernel>,
    operands: Vec<Option<TensorId>>,
}

/// A node among its tensors: what choosing a kernel depends on.
struct Site<'a> {
    graph: &'a Graph,
    node: &'a Node,
}

impl<'a> Site<'a> {
    /// Operand `i`, if it is there.
    fn operand(&self, i: usize) -> Option<&'a TensorDef> {
        self.node.inputs.get(i).copied().flatten().map(|id| self.graph.tensor(id))
    }

    /// Operand `i`, if it is there and float32, as most kernels need it.
    fn float(&self, i: usize) -> Option<&'a TensorDef> {
        self.operand(i).filter(|t| t.dtype == DType::F32)
    }

    /// The elements of operand `i`, if they are constant and float32.
    fn constant(&self, i: usize) -> Option<&'a [f32]> {
        self.operand(i)?.data.as_ref()?.view().f32()
    }

    /// The first result.
    fn output(&self) -> &'a TensorDef {
        self.graph.tensor(self.node.outputs[0])
    }

    /// A kernel that reads the first `count` operands.
    fn reading(&self, count: usize, kernel: impl Kernel + 'static) -> Option<Chosen> {
        Some(self.chosen(count, Box::new(kernel)))
    }

    /// Apart from [`Site::reading`], so that there is one of it for all types of kernels.
    #[inline(never)]
    fn chosen(&self, count: usize, kernel: Box<dyn Kernel>) -> Chosen {
        Chosen { kernel, operands: self.node.inputs[..count].to_vec() }
    }

    /// A kernel that reads operand `i` only.
    fn reading_only(&self, i: usize, kernel: impl Kernel + 'static) -> Option<Chosen> {
        Some(Chosen { kernel: Box::new(kernel), operands: vec![self.node.inputs[i]] })
    }
}

/// Extents of a tensor that inference found to be an image.
#[inline(never)]
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
