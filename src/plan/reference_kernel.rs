//! The naive reference behind the kernels' interface: whatever has no kernel still runs.

use super::MAX_OPERANDS;
use crate::graph::{Graph, Node};
use crate::kernels::{Args, Kernel};
use crate::ops::Op;
use crate::reference::{self, Input, Output};
use crate::tensor::Shape;
use std::ops::Range;

/// Runs one operator by its naive loops, in one piece.
#[derive(Debug)]
pub struct ReferenceKernel {
    op: Op,
    inputs: Vec<Option<Shape>>,
    outputs: Vec<Shape>,
}

impl ReferenceKernel {
    /// For a node whose shapes are known.
    pub fn new(graph: &Graph, node: &Node) -> ReferenceKernel {
        let shape = |id| graph.tensor(id).shape.clone();
        ReferenceKernel {
            op: node.op.clone(),
            inputs: node.inputs.iter().map(|id| id.map(shape)).collect(),
            outputs: node.outputs.iter().map(|&id| shape(id)).collect(),
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
        if units.is_empty() { 0..0 } else { 0..self.outputs[output].elements() }
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        if units.is_empty() {
            return;
        }
        let mut inputs = [None; MAX_OPERANDS];
        for ((slot, data), shape) in inputs.iter_mut().zip(args.inputs).zip(&self.inputs) {
            *slot = data.zip(shape.as_ref()).map(|(data, shape)| Input { shape, data });
        }
        let inputs = &inputs[..self.inputs.len()];
        // One result is all that today's operators have; more would need the same kind of array.
        let [data] = args.outputs else { unreachable!("lower() admits one output") };
        let data = data.reborrow();
        reference::run(&self.op, inputs, &mut [Output { shape: &self.outputs[0], data }]);
    }
}
