//! Runs what depends on constants only, once: f16 weights become f32 here. Small results are known
//! since inference already ([`Graph::infer_node`]).

use crate::error::{Error, Result};
use crate::graph::{Graph, TensorId};
use crate::reference;
use crate::tensor::TensorDef;
use std::sync::Arc;

/// Elements read and written, or multiply-adds, that are done here at most: some seconds in the
/// naive loops. What comes after runs with every frame.
const MAX_WORK: u64 = 1 << 29;

pub fn run(graph: &mut Graph) -> Result<()> {
    let (mut folded_bytes, mut work) = (0u64, 0u64);
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
        let operands = graph.operands(&node);
        let made = || node.outputs.iter().map(|&id| graph.tensor(id));
        let elements = |t: &TensorDef| t.shape.elements() as u64;
        let macs = made().next().map_or(0, |t| node.op.macs(&operands, &t.shape));
        let moved = operands.iter().copied().flatten().chain(made()).map(elements).sum::<u64>();
        if macs == 0 && !node.op.is_cheap() || work + macs.max(moved) > MAX_WORK {
            kept.push(node);
            continue;
        }
        work += macs.max(moved);
        folded_bytes += made().map(|t| elements(t) * t.dtype.size() as u64).sum::<u64>();
        if folded_bytes > super::MAX_MADE_BYTES as u64 {
            let at = node.source();
            return Err(Error::limit("the model's constants grow too large").at(at.index, &at.name));
        }
        let results: Vec<_> = made().collect();
        let results = reference::evaluate(&node.op, &operands, &results);
        for (&id, data) in node.outputs.iter().zip(results) {
            graph.tensors[id.0].data = Some(Arc::new(data));
        }
    }
    graph.nodes = kept;
    Ok(())
}
