//! Weights as int8, activations in float32: TensorFlow's post-training quantization without data.

use super::rewrite::{constants, finish, weights_of};
use super::symmetric;
use crate::error::Result;
use crate::graph::{Graph, TensorId};
use crate::ops::Op;
use crate::tensor::{DType, Data};
use std::collections::HashMap;
use std::sync::Arc;

/// Weights of fewer elements stay as they are, as in TensorFlow's converter.
const FEWEST: usize = 1024;

/// Large filters as int8. Those of FULLY_CONNECTED have one scale: older kernels of TFLite know no other.
pub fn convert(graph: &Graph) -> Result<Graph> {
    let constants = constants(graph);
    let mut made = graph.clone();
    let mut done: HashMap<TensorId, TensorId> = HashMap::new();
    for node in &mut made.nodes {
        let Some((operand, axis)) = weights_of(&node.op) else { continue };
        let Some(Some(id)) = node.inputs.get_mut(operand) else { continue };
        let large = graph.tensor(*id).shape.elements() >= FEWEST;
        // MediaPipe's transposed convolution knows floats only.
        if !constants[id.0] || !large || matches!(node.op, Op::Convolution2dTransposeBias(_)) {
            continue;
        }
        if let Some(&quantized) = done.get(id) {
            *id = quantized;
            continue;
        }
        let mut tensor = graph.tensor(*id).clone();
        let one_scale = matches!(node.op, Op::FullyConnected(_));
        let (stored, scales) = symmetric(&tensor, (!one_scale).then_some(axis))?;
        (tensor.dtype, tensor.quantization) = (DType::I8, Some(scales));
        tensor.data = Some(Arc::new(Data::I8(stored)));
        made.tensors.push(tensor);
        let quantized = TensorId(made.tensors.len() - 1);
        done.insert(*id, quantized);
        *id = quantized;
    }
    finish(made)
}
