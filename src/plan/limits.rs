//! How much work a model may ask for: a few bytes of a file can ask for years of it.

use crate::error::{Error, Result};
use crate::graph::{Graph, Node};
use crate::ops::Op;

/// Multiply-adds, or elements written where nothing is multiplied, of one run. The largest
/// segmentation models for servers take about a third of it.
pub const MAX_WORK: u64 = 1 << 38;

/// Refuses graphs, whose shapes are known, that ask for more than [`MAX_WORK`].
pub fn check_work(graph: &Graph) -> Result<()> {
    let mut sum = 0u64;
    for node in &graph.nodes {
        sum = sum.saturating_add(work(graph, node));
        if sum > MAX_WORK {
            let at = node.source();
            let what = format!("up to here one run takes over {MAX_WORK} multiply-adds");
            return Err(Error::limit(what).at(at.index, &at.name));
        }
    }
    Ok(())
}

fn work(graph: &Graph, node: &Node) -> u64 {
    let operands = graph.operands(node);
    let Some(output) = node.outputs.first().map(|&id| &graph.tensor(id).shape) else { return 0 };
    // Elements are at most 2^28, and so are the elements of a filter: products fit.
    let elements = output.elements() as u64;
    let macs = match (&node.op, operands.first()) {
        (Op::Pool2d(pool) | Op::MaxPoolWithArgmax(pool), Some(Some(x))) => {
            let image = x.shape.dims().get(1..3).unwrap_or(&[1, 1]);
            let taps = pool.kernel[0].min(image[0]) * pool.kernel[1].min(image[1]);
            elements.saturating_mul(taps as u64)
        }
        // Sized by an operand: it may have many pixels that no input reaches.
        (Op::TransposeConv(_), _) => {
            let filter = operands.get(1).copied().flatten().map_or(&[][..], |f| f.shape.dims());
            let taps = filter.get(1..3).unwrap_or(&[]).iter().product::<usize>();
            node.op.macs(&operands, output).max(elements.saturating_mul(taps as u64))
        }
        _ => node.op.macs(&operands, output),
    };
    let read: u64 = operands.iter().flatten().map(|t| t.shape.elements() as u64).sum();
    macs.max(elements).max(read)
}
