//! Runs what depends on constants only, once: f16 weights become f32 here. Small results are known
//! since inference already ([`Graph::infer_node`]).

use crate::error::{Error, Result};
use crate::graph::{Graph, TensorId};
use crate::reference;
use std::sync::Arc;

pub fn run(graph: &mut Graph) -> Result<()> {
    let mut folded_bytes = 0usize;
    let mut kept = Vec::with_capacity(graph.nodes.len());
    for node in std::mem::take(&mut graph.nodes) {
        let constant = |id: Option<TensorId>| id.is_none_or(|id| graph.tensor(id).is_const());
        if !node.outputs.is_empty() && node.outputs.iter().all(|&id| constant(Some(id))) {
            continue;
        }
        if node.inputs.is_empty()
            || node.grid.is_some()
            || !node.inputs.iter().all(|&id| constant(id))
        {
            kept.push(node);
            continue;
        }
        let made = node.outputs.iter().map(|&id| graph.tensor(id));
        folded_bytes += made.map(|t| t.shape.elements() * t.dtype.size()).sum::<usize>();
        if folded_bytes > super::MAX_MADE_BYTES {
            let at = node.source();
            return Err(Error::limit("the model's constants grow too large").at(at.index, &at.name));
        }
        let results: Vec<_> = node.outputs.iter().map(|&id| graph.tensor(id)).collect();
        let results = reference::evaluate(&node.op, &graph.operands(&node), &results);
        for (&id, data) in node.outputs.iter().zip(results) {
            graph.tensors[id.0].data = Some(Arc::new(data));
        }
    }
    graph.nodes = kept;
    Ok(())
}
