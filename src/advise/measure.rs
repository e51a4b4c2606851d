//! How much proposals gain: both networks run in turn on this device.

use super::extract::Block;
use super::{Advice, Aim, MIN_GAIN, Proposal, propose, rank};
use crate::error::Result;
use crate::graph::Graph;
use crate::model::Model;
use crate::profile::{Profile, Stats};
use crate::random::random_inputs;
use crate::session::Clock;
use crate::timing::{self, Turns};
use serde::{Deserialize, Serialize};

/// Milliseconds of a batch of rounds: so short that it may pass without a disturbance.
const BATCH_MS: f64 = 30.0;

/// Rounds of a batch.
const ROUNDS: std::ops::RangeInclusive<usize> = 3..=15;

/// Batches at least: their quartiles are looked at.
const MIN_BATCHES: usize = 7;

/// A difference is known well enough when its error is at most this share of it.
const ENOUGH: f64 = 0.05;

/// How long to go on measuring one difference that is not known well enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Milliseconds.
    pub budget_ms: f64,
}

impl Effort {
    /// For one of many blocks: to tell whether there is a gain.
    pub const BLOCK: Effort = Effort { budget_ms: 250.0 };
    /// For the network as a whole: this is what is promised.
    pub const WHOLE: Effort = Effort { budget_ms: 2500.0 };
}

/// What two networks that were timed in turn took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Of the first one.
    pub before_ms: f64,
    /// How much faster the second one was; below 0 when it was slower.
    pub gain_ms: f64,
    /// Standard error of `gain_ms`.
    pub error_ms: f64,
}

impl Difference {
    /// Whether there is a gain of at least so much, and not by chance.
    pub fn is_gain(&self, least_ms: f64) -> bool {
        self.gain_ms > 0.0 && self.gain_ms >= least_ms && self.gain_ms >= 2.0 * self.error_ms
    }

    /// Of batches: the least time of the first network and of the second. What else the machine does only adds
    /// to times, and with other programs at work most runs are interrupted: the least of a few is not. The
    /// middle of the batches counts, and their quartiles say how sure it is: for what is spread normally the
    /// standard error of a median is 1.2533 sigma / sqrt(n), and a sigma 0.7413 of the distance between
    /// quartiles.
    fn of(batches: &[[f64; 2]]) -> Difference {
        let sorted = |value: fn(&[f64; 2]) -> f64| {
            let mut values: Vec<f64> = batches.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let middle = |values: &[f64]| {
            let n = values.len();
            if n == 0 { 0.0 } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
        };
        let gains = sorted(|[before, after]| before - after);
        let n = gains.len();
        let between_quartiles = if n == 0 { 0.0 } else { gains[n - 1 - n / 4] - gains[n / 4] };
        Difference {
            before_ms: middle(&sorted(|[before, _]| *before)),
            gain_ms: middle(&gains),
            error_ms: 1.2533 * 0.7413 * between_quartiles / (n.max(1) as f64).sqrt(),
        }
    }
}

/// Times two models in turn until their difference is known, or the effort is spent, or it is plain that
/// there is no gain of `least_ms`.
pub fn difference(
    pair: &mut [Model; 2],
    clock: Clock,
    effort: Effort,
    least_ms: f64,
) -> Result<Difference> {
    for model in pair.iter_mut() {
        random_inputs(model, 1)?;
    }
    let mut turns = Turns::warm_up(pair, clock);
    // As many rounds as fit a batch, each of a time of both.
    let once = turns.times(&timing::Effort { rounds: 1, at_most_ms: f64::INFINITY });
    let round_ms: f64 = turns.round_ms(&once).max(1e-3);
    let rounds = ((BATCH_MS / round_ms) as usize).clamp(*ROUNDS.start(), *ROUNDS.end());
    let batch = timing::Effort { rounds, at_most_ms: f64::INFINITY };
    let start = clock();
    let mut batches = Vec::new();
    loop {
        let times = turns.times(&batch);
        batches.push([Stats::of(&times[0]).min, Stats::of(&times[1]).min]);
        let found = Difference::of(&batches);
        let known = found.error_ms <= ENOUGH * found.gain_ms.abs();
        let hopeless = found.gain_ms + 3.0 * found.error_ms < least_ms;
        let spent = clock() - start > effort.budget_ms;
        if batches.len() >= MIN_BATCHES && (known || hopeless || spent) {
            return Ok(found);
        }
    }
}

/// Runs two networks in turn on the device that advice is for.
pub trait Timer {
    /// Until their difference is known, or the effort is spent, or it is plain that there is no gain of
    /// `least_ms`. An error where one of them cannot run there.
    fn difference(
        &mut self,
        before: &Graph,
        after: &Graph,
        effort: Effort,
        least_ms: f64,
    ) -> Result<Difference>;
}

/// The device that this code runs on, with the threads of a model.
#[derive(Debug)]
pub struct ThisDevice<'a> {
    /// The model.
    pub model: &'a Model,
    /// What times are taken with.
    pub clock: Clock,
}

impl Timer for ThisDevice<'_> {
    fn difference(
        &mut self,
        before: &Graph,
        after: &Graph,
        effort: Effort,
        least_ms: f64,
    ) -> Result<Difference> {
        let mut pair = [self.model.beside(before.clone())?, self.model.beside(after.clone())?];
        difference(&mut pair, self.clock, effort, least_ms)
    }
}

/// The sites of a proposal at which it gains, by its blocks; all of them where it changes the whole network.
fn gaining_sites(proposal: &Proposal, graph: &Graph, timer: &mut impl Timer) -> Result<Vec<usize>> {
    if proposal.whole || proposal.aim == Aim::Size {
        return Ok((0..proposal.sites.len()).collect());
    }
    let mut gaining = Vec::new();
    for (Block { before, after }, sites) in proposal.blocks(graph)? {
        if timer.difference(&before, &after, Effort::BLOCK, 0.0)?.is_gain(0.0) {
            gaining.extend(sites);
        }
    }
    gaining.sort_unstable();
    Ok(gaining)
}

/// What a network, and the same one with a proposal, take on this device.
pub fn whole(original: &Graph, changed: &Graph, model: &Model, clock: Clock) -> Result<Difference> {
    ThisDevice { model, clock }.difference(original, changed, Effort::WHOLE, 0.0)
}

/// Runs of the profile that the rules look at, and runs before them.
const RUNS: [usize; 2] = [15, 3];

/// Profiles a model, measures what the rules propose, and returns what gains, the most milliseconds first.
/// An empty list says that there is nothing to gain. Takes some seconds: about as many as there are
/// proposals.
pub fn advise(model: &mut Model, clock: Clock) -> Result<Vec<Advice>> {
    let graph = model.file()?;
    let [runs, warmup] = RUNS;
    let profile = model.profile(clock, runs, warmup, 0.0);
    Ok(advise_on(&graph, &profile, &mut ThisDevice { model, clock }))
}

/// The same for a network whose profile is known, on the timer's device.
pub fn advise_on(graph: &Graph, profile: &Profile, timer: &mut impl Timer) -> Vec<Advice> {
    let least_ms = MIN_GAIN * profile.total_ms.median;
    let proposals = propose(graph, profile);
    // What cannot be run there is no advice.
    let measured = |proposal| measured(proposal, graph, least_ms, timer).ok().flatten();
    rank(proposals.into_iter().filter_map(measured).collect())
}

/// What a proposal gains where it gains.
fn measured(
    mut proposal: Proposal,
    graph: &Graph,
    least_ms: f64,
    timer: &mut impl Timer,
) -> Result<Option<Advice>> {
    let sites = gaining_sites(&proposal, graph, timer)?;
    if sites.is_empty() {
        return Ok(None);
    }
    proposal.keep(&sites);
    let changed = proposal.rewrite(graph)?;
    let times = match proposal.aim {
        Aim::Time => Some(timer.difference(graph, &changed, Effort::WHOLE, least_ms)?),
        Aim::Size => None,
    };
    Ok(Advice::new(&proposal, graph, &changed, times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_batches_counts() {
        let batches = [[5.0, 4.0], [9.0, 8.0], [5.0, 4.2], [5.1, 3.9], [5.0, 9.0]];
        let found = Difference::of(&batches);
        assert_eq!((found.before_ms, found.gain_ms), (5.0, 1.0));
        assert!(found.error_ms < 0.2 && found.is_gain(0.9) && !found.is_gain(1.1));
        assert!(!Difference::of(&[]).is_gain(0.0));
    }

    #[test]
    fn what_is_spread_wider_than_it_gains_is_no_gain() {
        let batches: Vec<[f64; 2]> =
            (0..9).map(|i| [5.0, 4.9 + if i % 2 == 0 { 0.5 } else { -0.5 }]).collect();
        let found = Difference::of(&batches);
        assert!(!found.is_gain(0.0), "{found:?}");
    }
}
