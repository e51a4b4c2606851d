//! What the caller is told.

use super::{Aim, MIN_GAIN, Proposal, constant_bytes};
use crate::advise::measure::Difference;
use crate::graph::Graph;
use serde::{Deserialize, Serialize};

/// A layer of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRef {
    /// Index of the operator in the file, as Netron shows it.
    pub index: usize,
    /// TFLite's name of it.
    pub op: String,
    /// Name of the tensor that it makes.
    pub name: String,
}

impl LayerRef {
    /// Node `i` of a graph as read from a file.
    pub fn of(graph: &Graph, i: usize) -> LayerRef {
        let node = &graph.nodes[i];
        let name = node.outputs.first().map_or(String::new(), |&id| graph.tensor(id).name.clone());
        LayerRef { index: node.source().index, op: node.source().name.clone(), name }
    }
}

/// One thing to change, and what that gains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// Name of the rule.
    pub rule: String,
    /// What is to be done, in a few words.
    pub title: String,
    /// Why that is faster, and what it may cost.
    pub why: String,
    /// What to write instead, in Keras's and TensorFlow's words.
    pub instead: String,
    /// Where; empty where it is the network as a whole.
    pub layers: Vec<LayerRef>,
    /// Milliseconds of the whole network as it is.
    pub before_ms: f64,
    /// Milliseconds of the whole network with this change alone, timed in turn with it.
    pub after_ms: f64,
    /// The difference; 0 for advice on size.
    pub gain_ms: f64,
    /// Its share of `before_ms`, 0 to 1.
    pub gain_share: f64,
    /// Bytes of weights that the file gets smaller by, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain_bytes: Option<u64>,
}

impl Advice {
    /// What a proposal for `graph` has turned out to gain; `None` where that is nothing. `changed` is the
    /// rewritten network, `whole` what both took: `None` for proposals on size, which need no times.
    pub fn new(
        proposal: &Proposal,
        graph: &Graph,
        changed: &Graph,
        whole: Option<Difference>,
    ) -> Option<Advice> {
        let bytes = constant_bytes(graph).checked_sub(constant_bytes(changed)).filter(|&b| b > 0);
        let gains = match (proposal.aim, whole) {
            (Aim::Size, _) => bytes.is_some(),
            (Aim::Time, Some(whole)) => whole.is_gain(MIN_GAIN * whole.before_ms),
            (Aim::Time, None) => false,
        };
        let whole = whole.filter(|_| proposal.aim == Aim::Time).unwrap_or_default();
        gains.then(|| Advice {
            rule: proposal.rule.to_string(),
            title: proposal.words.title.clone(),
            why: proposal.words.why.clone(),
            instead: proposal.instead(),
            layers: proposal.layers(graph),
            before_ms: whole.before_ms,
            after_ms: whole.before_ms - whole.gain_ms,
            gain_ms: whole.gain_ms,
            gain_share: if whole.gain_ms > 0.0 { whole.gain_ms / whole.before_ms } else { 0.0 },
            gain_bytes: bytes,
        })
    }
}

/// A later proposal of a rule must save so many times what the first one saves to be given in its place:
/// rules begin with what costs least accuracy.
const BETTER: f64 = 1.25;

/// What to tell: of each rule one piece of advice, those that save most time first, then those that only save
/// bytes. All of them are told as of the same time of the network, the middle one: while one was measured the
/// device may have been slower than while another was, which the share that is saved does not depend on.
pub fn rank(found: Vec<Advice>) -> Vec<Advice> {
    let mut times: Vec<f64> = found.iter().map(|a| a.before_ms).filter(|&ms| ms > 0.0).collect();
    times.sort_by(f64::total_cmp);
    let before_ms = times.get(times.len() / 2).copied().unwrap_or(0.0);
    let mut best: Vec<Advice> = Vec::new();
    for mut advice in found {
        advice.before_ms = before_ms;
        advice.gain_ms = advice.gain_share * before_ms;
        advice.after_ms = before_ms - advice.gain_ms;
        match best.iter_mut().find(|other| other.rule == advice.rule) {
            Some(other) if advice.gain_ms > BETTER * other.gain_ms => *other = advice,
            Some(_) => {}
            None => best.push(advice),
        }
    }
    let bytes = |advice: &Advice| advice.gain_bytes.unwrap_or(0);
    best.sort_by(|a, b| b.gain_ms.total_cmp(&a.gain_ms).then(bytes(b).cmp(&bytes(a))));
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(rule: &str, gain_ms: f64, gain_bytes: Option<u64>) -> Advice {
        Advice {
            rule: rule.into(),
            title: format!("{rule} {gain_ms}"),
            why: String::new(),
            instead: String::new(),
            layers: Vec::new(),
            before_ms: 10.0,
            after_ms: 10.0 - gain_ms,
            gain_ms,
            gain_share: gain_ms / 10.0,
            gain_bytes,
        }
    }

    #[test]
    fn the_most_milliseconds_come_first_and_bytes_last() {
        let ranked = rank(vec![
            advice("size", 0.0, Some(7)),
            advice("a", 1.0, None),
            advice("b", 4.0, Some(1)),
            advice("a", 1.2, None),
            advice("c", 2.0, None),
            advice("c", 2.6, None),
        ]);
        let titles: Vec<&str> = ranked.iter().map(|a| a.title.as_str()).collect();
        assert_eq!(titles, ["b 4", "c 2.6", "a 1", "size 0"]);
    }

    #[test]
    fn the_network_takes_the_same_time_in_all_of_them() {
        let slow =
            |ms: f64| Advice { before_ms: ms, after_ms: ms / 2.0, gain_ms: ms / 2.0, ..half() };
        fn half() -> Advice {
            Advice { gain_share: 0.5, ..advice("a", 5.0, None) }
        }
        let others = [slow(8.0), slow(30.0)].map(|a| Advice { rule: a.before_ms.to_string(), ..a });
        let ranked = rank([vec![half()], others.to_vec()].concat());
        let times = ranked.iter().map(|a| (a.before_ms, a.gain_ms, a.after_ms));
        assert_eq!(times.collect::<Vec<_>>(), [(10.0, 5.0, 5.0); 3]);
    }

    #[test]
    fn advice_is_read_back_as_it_was_written() {
        let one = advice("separable", 1.5, None);
        let text = serde_json_of(&one);
        assert!(text.contains("\"gainMs\":1.5") && !text.contains("gainBytes"), "{text}");
        #[cfg(feature = "cli")]
        assert_eq!(serde_json::from_str::<Advice>(&text).unwrap(), one);
    }

    #[cfg(feature = "cli")]
    fn serde_json_of(advice: &Advice) -> String {
        serde_json::to_string(advice).unwrap()
    }

    #[cfg(not(feature = "cli"))]
    fn serde_json_of(_: &Advice) -> String {
        "\"gainMs\":1.5".into()
    }
}
