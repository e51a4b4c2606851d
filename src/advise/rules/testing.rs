//! What the tests of all rules need.

#[path = "../../../tests/common/leaping_clock.rs"]
mod leaping_clock;
#[path = "../../../tests/common/net.rs"]
mod net;

use leaping_clock::leaping_clock;
pub use net::{Form, Net, window};

use crate::advise::case::Case;
use crate::advise::{Proposal, propose};
use crate::graph::Graph;
use crate::model::{Model, Options};
use crate::profile::Profile;

/// What a rule finds.
pub type Find = fn(&Case) -> Vec<Proposal>;

/// A profile in which every layer takes one millisecond, of a device of 50 GFLOP/s.
pub fn profile_of(graph: &Graph) -> Profile {
    let mut model = Model::from_graph(graph.clone(), &Options::default()).unwrap();
    let mut profile = model.profile(leaping_clock, 1, 0, 0.0);
    profile.layers.iter_mut().for_each(|layer| layer.ms.median = 1.0);
    profile.peak.gflops = 50.0;
    profile
}

impl Net {
    /// What a rule proposes for the network.
    pub fn proposals(&self, find: Find) -> Vec<Proposal> {
        find(&Case::new(&self.graph, &profile_of(&self.graph)))
    }
}

/// The network, and what it becomes by the only proposal of a rule, which must be sound: the graphs run in the
/// kernels, with the same outputs, and so do the blocks. [`propose`] must find it as well.
pub fn only(find: Find, net: Net) -> (Graph, Graph) {
    let proposals = net.proposals(find);
    let [proposal] = &proposals[..] else { panic!("{proposals:?}") };
    let changed = sound(proposal, &net.graph);
    let all = propose(&net.graph, &profile_of(&net.graph));
    assert!(all.iter().any(|p| p.rule == proposal.rule), "{all:?}");
    (net.graph, changed)
}

/// The network as a proposal changes it, after looking at everything that is promised of both.
pub fn sound(proposal: &Proposal, graph: &Graph) -> Graph {
    let changed = proposal.rewrite(graph).unwrap();
    changed.validate().unwrap();
    let shapes = |graph: &Graph| -> Vec<_> {
        graph.outputs.iter().map(|&id| graph.tensor(id).shape.clone()).collect()
    };
    assert!(proposal.whole || shapes(graph) == shapes(&changed));
    run(&changed);
    for site in &proposal.sites {
        assert_eq!(site.layers.is_empty(), proposal.whole);
    }
    if !proposal.whole {
        let mut seen = Vec::new();
        for (block, sites) in proposal.blocks(graph).unwrap() {
            let [before, after] = [&block.before, &block.after].map(|graph| {
                run(graph);
                let shape = |id: &crate::graph::TensorId| graph.tensor(*id).shape.clone();
                let sides = [&graph.inputs, &graph.outputs];
                sides.map(|ids| ids.iter().map(shape).collect::<Vec<_>>())
            });
            assert_eq!(before, after);
            assert!(block.before.nodes.len() <= graph.nodes.len());
            seen.extend(sites);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..proposal.sites.len()).collect::<Vec<_>>());
    }
    changed
}

/// Runs a graph in the kernels; what it makes must be numbers.
pub fn run(graph: &Graph) {
    let mut model = Model::from_graph(graph.clone(), &Options::default()).unwrap();
    model.run();
    for k in 0..graph.outputs.len() {
        if let Some(values) = model.output(k).unwrap().f32() {
            assert!(values.iter().all(|v| v.is_finite()), "{graph}");
        }
    }
}

/// TFLite's names of a graph's operators, without those that widen weights.
pub fn ops(graph: &Graph) -> Vec<&'static str> {
    let constant = |id: &crate::graph::TensorId| graph.tensor(*id).is_const();
    let of_weights =
        |n: &&crate::graph::Node| n.inputs.iter().flatten().all(constant) && !n.inputs.is_empty();
    graph.nodes.iter().filter(|n| !of_weights(n)).map(|n| n.op.name()).collect()
}
