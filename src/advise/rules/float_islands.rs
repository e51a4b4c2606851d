//! Layers in floats inside of a quantized network.

use crate::advise::case::Case;
use crate::advise::quantize::{is_possible, quantized};
use crate::advise::{Proposal, Site, Words};
use crate::graph::TensorId;
use crate::ops::Op;
use crate::tensor::DType;

pub const NAME: &str = "float-islands";

pub fn find(case: &Case) -> Vec<Proposal> {
    let is_quantized =
        |node: &crate::graph::Node| !node.op.is_cheap() && case.result(node).quantization.is_some();
    if !case.nodes().any(|(_, node)| is_quantized(node)) {
        return Vec::new();
    }
    let sites = islands(case);
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "int8 throughout, without DEQUANTIZE and QUANTIZE inside".into(),
        why: "Where a quantized network goes over to floats and back, each number is converted twice, and what \
              is between moves four times as many bytes. It happens where a layer was left out of \
              quantization, or is unknown to it."
            .into(),
        instead: "Quantize these layers too: full integer conversion \
                  (supported_ops = [TFLITE_BUILTINS_INT8]), and no layer excluded from \
                  quantization-aware training."
            .into(),
    };
    let list = sites.iter().map(|nodes| Site::of(case, nodes.clone()));
    let list = list.collect();
    vec![Proposal::at(NAME, words, list, move |graph, chosen| {
        let mut nodes: Vec<usize> = chosen.iter().flat_map(|&s| floats(graph, &sites[s])).collect();
        nodes.sort_unstable();
        quantized(graph, &nodes)
    })]
}

/// What of an island is in floats: not the nodes at its edges.
fn floats(graph: &crate::graph::Graph, nodes: &[usize]) -> Vec<usize> {
    let edge = |op: &Op| matches!(op, Op::Quantize(_) | Op::Dequantize);
    nodes.iter().copied().filter(|&i| !edge(&graph.nodes[i].op)).collect()
}

/// Nodes in floats that are next to each other, with the DEQUANTIZE before and the QUANTIZE behind them.
/// Those between which there is nothing are no island, but go as well.
fn islands(case: &Case) -> Vec<Vec<usize>> {
    let graph = case.graph;
    let mut island_of: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    let mut islands: Vec<Vec<usize>> = Vec::new();
    let belongs = |i: usize| {
        let node = &graph.nodes[i];
        let of_activation = |id: &TensorId| !case.is_weights(*id);
        match node.op {
            Op::Dequantize => {
                let x = node.inputs.iter().flatten().all(of_activation);
                x && graph.nodes[i].outputs.iter().all(|&id| !case.is_output(id))
            }
            Op::Quantize(DType::I8) => {
                let x = case.operand(node, 0);
                x.is_some_and(|x| x.dtype == DType::F32)
                    && !node.inputs.iter().flatten().any(|id| graph.inputs.contains(id))
            }
            _ => is_possible(case, i),
        }
    };
    for i in (0..graph.nodes.len()).filter(|&i| belongs(i)) {
        let reads_floats = |id: &&TensorId| graph.tensor(**id).dtype == DType::F32;
        let makers = graph.nodes[i].inputs.iter().flatten().filter(reads_floats);
        let mut found: Vec<usize> =
            makers.filter_map(|&id| island_of[case.producer(id)?]).collect();
        found.sort_unstable();
        found.dedup();
        let into = found.first().copied().unwrap_or_else(|| {
            islands.push(Vec::new());
            islands.len() - 1
        });
        for &other in found.iter().skip(1) {
            let moved = std::mem::take(&mut islands[other]);
            moved.iter().for_each(|&node| island_of[node] = Some(into));
            islands[into].extend(moved);
        }
        islands[into].push(i);
        island_of[i] = Some(into);
    }
    let converts = |nodes: &Vec<usize>| {
        let is = |op: fn(&Op) -> bool| nodes.iter().any(|&i| op(&graph.nodes[i].op));
        is(|op| *op == Op::Dequantize) && is(|op| *op != Op::Dequantize)
    };
    islands.retain(converts);
    islands.iter_mut().for_each(|nodes| nodes.sort_unstable());
    islands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};
    use crate::ops::{BinaryKind, Unary};
    use crate::tensor::Quantization;

    /// A convolution in int8, then floats, then int8 again.
    fn island(between: impl Fn(&mut Net)) -> Net {
        let mut net = Net::of_form(Form::I8, [8, 8], 4);
        net.relu_conv(8, 3, 1);
        net.plain_node(Op::Dequantize, &[net.last]);
        net.form = Form::F32;
        between(&mut net);
        net.form = Form::I8;
        net.node(Op::Quantize(DType::I8), &[net.last]);
        net.conv(1, 1, 1);
        net.done()
    }

    #[test]
    fn islands_are_quantized() {
        let net = island(|net| {
            let x = net.last;
            net.unary(Unary::HardSwish);
            net.relu_conv(8, 1, 1);
            net.binary(BinaryKind::Add, x);
        });
        let (_, changed) = only(find, net);
        assert_eq!(ops(&changed), ["CONV_2D", "HARD_SWISH", "CONV_2D", "ADD", "CONV_2D"]);
        let q = Some(Quantization::per_tensor(0.05, -4));
        assert_eq!(changed.tensor(changed.nodes[3].outputs[0]).quantization, q);
    }

    #[test]
    fn pairs_without_anything_between_go() {
        let (_, changed) = only(find, island(|_| ()));
        assert_eq!(ops(&changed), ["CONV_2D", "CONV_2D"]);
    }

    #[test]
    fn edges_and_what_has_no_integers_stay() {
        let mut net = Net::new([8, 8], 4);
        net.form = Form::I8;
        net.node(Op::Quantize(DType::I8), &[net.last]);
        net.conv(8, 3, 1);
        net.plain_node(Op::Dequantize, &[net.last]);
        assert!(net.done().proposals(find).is_empty());
        let net = island(|net| {
            net.unary(Unary::Sin);
        });
        assert!(net.proposals(find).is_empty());
    }
}
