//! What each target does with an input.

use super::{check, generate};

/// Panics on inputs that show a fault.
pub type Target = fn(&[u8]);

/// The targets by their names.
pub const TARGETS: [(&str, Target); 4] =
    [("read", read), ("plan", plan), ("run", run), ("network", network)];

/// Bytes of a file → graph.
pub fn read(data: &[u8]) {
    check::read(data);
}

/// Bytes of a file → graph → plan, at several input sizes and with passes switched off.
pub fn plan(data: &[u8]) {
    if let Some(graph) = check::read(data) {
        check::plan(&graph);
    }
}

/// Bytes of a file → results: kernels and reference agree; and what is proposed for it is sound.
pub fn run(data: &[u8]) {
    if let Some(graph) = check::read(data) {
        check::run(&graph, data.len() as u64);
        check::advise(&graph);
    }
}

/// Bytes → choices → a network that is nearly legal → plans and results.
pub fn network(data: &[u8]) {
    if let Some(graph) = check::read(&generate::network(data).bytes()) {
        let seed = data.iter().fold(0, |sum, &byte| sum * 31 % 65_521 + u64::from(byte));
        check::plan_somehow(&graph, seed);
        check::run(&graph, seed);
        check::advise(&graph);
    }
}
