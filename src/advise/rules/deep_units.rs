//! Half as many residual units of tiny layers, twice as wide inside.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::widths::{Widths, set_channels};
use crate::advise::{Proposal, Site, Words};
use crate::graph::{Graph, TensorId};
use crate::ops::{Binary, BinaryKind, Op};
use std::collections::{BTreeSet, HashMap};

pub const NAME: &str = "tiny-layers";

/// A layer whose multiply-adds take less than this at the device's peak is tiny, in microseconds.
const TINY_US: f64 = 5.0;

/// Nodes of a unit, at most.
const MAX_UNIT: usize = 16;

pub fn find(case: &Case) -> Vec<Proposal> {
    let widths = Widths::new(case);
    let mut units: Vec<Unit> = case.nodes().filter_map(|(i, _)| unit(case, i)).collect();
    units.retain(|unit| is_tiny(case, unit));
    let mut pairs: Vec<(Unit, Unit)> = Vec::new();
    while let Some(first) = (!units.is_empty()).then(|| units.remove(0)) {
        let follows = |second: &Unit| {
            second.skip == first.output(case.graph) && second.kind(case) == first.kind(case)
        };
        if let Some(at) = units.iter().position(follows) {
            let second = units.remove(at);
            pairs.push((first, second));
        }
    }
    let sites: Vec<Pair> =
        pairs.iter().filter_map(|pair| Pair::new(case.graph, &widths, pair)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "Fewer and wider units instead of many tiny layers".into(),
        why: format!(
            "{} Starting, ending and, with threads, waiting for each other takes a good part of their time. \
             Half as many units with twice the channels inside have the same multiply-adds and weights \
             (Wide ResNets), but half as many non-linearities.",
            fragmentation(case)
        ),
        instead: "Half the repetitions of this block, with twice its expansion (or inner filters)."
            .into(),
    };
    let list = sites.iter().map(|pair| Site::of(case, pair.nodes.clone()));
    let list = list.collect();
    vec![Proposal::at(NAME, words, list, move |graph, chosen| {
        let mut editor = Editor::new(graph);
        let pairs = chosen.iter().map(|&site| &sites[site]);
        let channels: HashMap<usize, usize> =
            pairs.clone().flat_map(|pair| pair.inner.iter().copied()).collect();
        set_channels(&mut editor, graph, &widths, &channels)?;
        for pair in pairs {
            editor.read_instead(pair.second, pair.first);
            editor.clear(pair.add);
        }
        editor.finish()
    })]
}

/// How many layers of the network are tiny, and how long they take.
fn fragmentation(case: &Case) -> String {
    let layers = &case.profile.layers;
    let tiny = layers.iter().filter(|layer| us_of(case, layer.info.macs) < TINY_US);
    let ms: f64 = tiny.clone().map(|layer| layer.ms.median).sum();
    format!(
        "{} of the {} layers multiply for less than {TINY_US} microseconds each, and take {:.0} % of the time.",
        tiny.count(),
        layers.len(),
        100.0 * ms / case.total_ms().max(f64::MIN_POSITIVE)
    )
}

/// Microseconds of so many multiply-adds at the device's peak.
fn us_of(case: &Case, macs: u64) -> f64 {
    2.0 * macs as f64 / (case.profile.peak.gflops.max(1e-3) * 1e3)
}

/// `x + f(x)`.
struct Unit {
    add: usize,
    skip: TensorId,
    /// The nodes of `f`, in order.
    nodes: Vec<usize>,
}

impl Unit {
    fn output(&self, graph: &Graph) -> TensorId {
        graph.nodes[self.add].outputs[0]
    }

    /// Operators with their attributes, and the shapes they make.
    fn kind(&self, case: &Case) -> String {
        let of = |&i: &usize| {
            let node = &case.graph.nodes[i];
            format!("{:?} {}", node.op, case.result(node).shape)
        };
        self.nodes.iter().chain([&self.add]).map(of).collect()
    }
}

fn unit(case: &Case, add: usize) -> Option<Unit> {
    let node = &case.graph.nodes[add];
    let Op::Binary(Binary { kind: BinaryKind::Add, .. }) = node.op else { return None };
    let &[Some(a), Some(b)] = &node.inputs[..] else { return None };
    if case.graph.tensor(a).shape != case.graph.tensor(b).shape {
        return None;
    }
    [(a, b), (b, a)].into_iter().find_map(|(skip, inner)| {
        let nodes = between(case, skip, inner, add)?;
        Some(Unit { add, skip, nodes })
    })
}

/// The nodes that make `end` of `start` and of weights, whose results nobody else reads but node `reader`.
fn between(case: &Case, start: TensorId, end: TensorId, reader: usize) -> Option<Vec<usize>> {
    let mut nodes = BTreeSet::new();
    let mut wanted = vec![end];
    while let Some(id) = wanted.pop() {
        if id == start || case.is_weights(id) {
            continue;
        }
        let maker = case.producer(id)?;
        let node = &case.graph.nodes[maker];
        if nodes.insert(maker) {
            wanted.extend(node.inputs.iter().flatten().copied());
        }
        if nodes.len() > MAX_UNIT {
            return None;
        }
    }
    let stays = |i: &usize| {
        case.graph.nodes[*i].outputs.iter().all(|&id| {
            !case.is_output(id)
                && case.consumers(id).iter().all(|next| *next == reader || nodes.contains(next))
        })
    };
    (!nodes.is_empty() && nodes.iter().all(stays)).then(|| nodes.into_iter().collect())
}

fn is_tiny(case: &Case, unit: &Unit) -> bool {
    let layers = unit.nodes.iter().filter(|&&i| !case.graph.nodes[i].op.is_cheap());
    let macs = layers.clone().map(|&i| {
        let node = &case.graph.nodes[i];
        node.op.macs(&case.graph.operands(node), &case.result(node).shape)
    });
    let (count, macs) = (layers.count() as f64, macs.sum::<u64>());
    count > 0.0 && us_of(case, macs) / count < TINY_US
}

/// Two units of which the second goes.
struct Pair {
    /// All nodes of both.
    nodes: Vec<usize>,
    /// What the first one makes, and what the second one does.
    first: TensorId,
    second: TensorId,
    /// The ADD of the second one.
    add: usize,
    /// Groups of channels inside of the first one, with twice as many.
    inner: Vec<(usize, usize)>,
}

impl Pair {
    fn new(graph: &Graph, widths: &Widths, (first, second): &(Unit, Unit)) -> Option<Pair> {
        let inner = widths.groups.iter().enumerate().filter(|(_, group)| {
            group.is_free() && group.nodes.iter().all(|node| first.nodes.contains(node))
        });
        let inner: Vec<_> = inner.map(|(g, group)| (g, 2 * group.channels)).collect();
        let mut nodes: Vec<usize> = [first, second]
            .iter()
            .flat_map(|unit| unit.nodes.iter().copied().chain([unit.add]))
            .collect();
        nodes.sort_unstable();
        (!inner.is_empty()).then(|| Pair {
            nodes,
            first: first.output(graph),
            second: second.output(graph),
            add: second.add,
            inner,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};

    fn unit(net: &mut Net, expansion: usize) {
        let x = net.last;
        let channels = net.dims()[3];
        net.relu_conv(channels * expansion, 1, 1);
        net.depthwise(3, 1);
        net.conv(channels, 1, 1);
        net.binary(BinaryKind::Add, x);
    }

    #[test]
    fn every_second_unit_goes_and_the_others_grow() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [8, 8], 3);
            net.conv(8, 3, 2);
            (0..5).for_each(|_| unit(&mut net, 3));
            net.conv(1, 1, 1);
            let (graph, changed) = only(find, net.done());
            assert_eq!(ops(&graph).len(), 2 + 5 * 4);
            assert_eq!(ops(&changed).len(), 2 + 3 * 4, "{form:?}");
            let depthwise = changed.nodes.iter().filter(|n| matches!(n.op, Op::DepthwiseConv2d(_)));
            let widths: Vec<usize> =
                depthwise.map(|n| changed.tensor(n.outputs[0]).shape.dims()[3]).collect();
            assert_eq!(widths, [48, 48, 24]);
        }
    }

    #[test]
    fn large_units_and_single_ones_stay() {
        let mut net = Net::new([64, 64], 3);
        net.conv(32, 3, 1);
        (0..2).for_each(|_| unit(&mut net, 3));
        net.conv(1, 1, 1);
        assert!(net.done().proposals(find).is_empty());
        let mut net = Net::new([8, 8], 3);
        net.conv(8, 3, 1);
        unit(&mut net, 2);
        net.conv(1, 1, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
