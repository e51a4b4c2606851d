//! Runs what depends on constants only, once: f16 weights become f32 here.

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::reference::{self, Input, Output};
use crate::tensor::Data;
use std::sync::Arc;

pub fn run(graph: &mut Graph) -> Result<()> {
    let mut folded_bytes = 0usize;
    let mut kept = Vec::with_capacity(graph.nodes.len());
    for node in std::mem::take(&mut graph.nodes) {
        let constant = |id: &Option<_>| id.is_none_or(|id| graph.tensor(id).is_const());
        if node.inputs.is_empty() || node.grid.is_some() || !node.inputs.iter().all(constant) {
            kept.push(node);
            continue;
        }
        let made = node.outputs.iter().map(|&id| graph.tensor(id));
        folded_bytes += made.map(|t| t.shape.elements() * t.dtype.size()).sum::<usize>();
        if folded_bytes > super::MAX_MADE_BYTES {
            let at = node.source();
            return Err(Error::limit("the model's constants grow too large").at(at.index, &at.name));
        }
        let mut results: Vec<Data> = node
            .outputs
            .iter()
            .map(|&id| graph.tensor(id))
            .map(|t| Data::zeros(t.dtype, t.shape.elements()))
            .collect();
        let inputs: Vec<Option<Input>> = node
            .inputs
            .iter()
            .map(|id| {
                let tensor = graph.tensor((*id)?);
                let data = tensor.data.as_ref().expect("constness was checked above");
                Some(Input::new(&tensor.shape, tensor.quantization.as_ref(), data.view()))
            })
            .collect();
        let mut outputs: Vec<Output> = node
            .outputs
            .iter()
            .zip(&mut results)
            .map(|(&id, data)| {
                let tensor = graph.tensor(id);
                Output::new(&tensor.shape, tensor.quantization.as_ref(), data.view_mut())
            })
            .collect();
        reference::run(&node.op, &inputs, &mut outputs);
        for (&id, data) in node.outputs.iter().zip(results) {
            graph.tensors[id.0].data = Some(Arc::new(data));
        }
    }
    graph.nodes = kept;
    Ok(())
}
