//! The naive reference behind the kernels' interface: whatever has no kernel still runs.

use super::MAX_OPERANDS;
use crate::graph::{Graph, Node, TensorId};
use crate::kernels::{Args, Kernel};
use crate::ops::Op;
use crate::reference::{self, Input, Output};
use crate::session::MAX_OUTPUTS;
use crate::tensor::{Quantization, Shape, ViewMut};
use std::array::from_fn;
use std::ops::Range;

/// Runs one operator by its naive loops, in one piece.
#[derive(Debug)]
pub struct ReferenceKernel {
    op: Op,
    inputs: Vec<Option<Tensor>>,
    outputs: Vec<Tensor>,
}

/// What the naive loops need to know of an operand or result.
type Tensor = (Shape, Option<Quantization>);

impl ReferenceKernel {
    /// For a node whose shapes are known.
    pub fn new(graph: &Graph, node: &Node) -> ReferenceKernel {
        let tensor = |id: TensorId| {
            let tensor = graph.tensor(id);
            (tensor.shape.clone(), tensor.quantization.clone())
        };
        ReferenceKernel {
            op: node.op.clone(),
            inputs: node.inputs.iter().map(|id| id.map(tensor)).collect(),
            outputs: node.outputs.iter().map(|&id| tensor(id)).collect(),
        }
    }
}

impl Kernel for ReferenceKernel {
    fn name(&self) -> String {
        "reference".into()
    }

    fn units(&self) -> usize {
        1
    }

    fn span(&self, output: usize, units: Range<usize>) -> Range<usize> {
        if units.is_empty() { 0..0 } else { 0..self.outputs[output].0.elements() }
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        if units.is_empty() {
            return;
        }
        let mut inputs = [None; MAX_OPERANDS];
        for ((input, data), tensor) in inputs.iter_mut().zip(args.inputs).zip(&self.inputs) {
            *input = data.zip(tensor.as_ref()).map(|(data, (shape, quantization))| {
                Input::new(shape, quantization.as_ref(), data)
            });
        }
        let nothing = Shape::default();
        let mut views = args.outputs.iter_mut();
        let mut outputs: [Output; MAX_OUTPUTS] = from_fn(|k| match self.outputs.get(k) {
            Some((shape, quantization)) => {
                let data = views.next().expect("one view per result").reborrow();
                Output::new(shape, quantization.as_ref(), data)
            }
            None => Output::new(&nothing, None, ViewMut::U8(&mut [])),
        });
        let (inputs, outputs) = (&inputs[..self.inputs.len()], &mut outputs[..self.outputs.len()]);
        reference::run(&self.op, inputs, outputs);
    }
}
