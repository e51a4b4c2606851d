//! How much proposals gain: both networks run in turn on this device.

use super::extract::Block;
use super::{Advice, Aim, MIN_GAIN, Proposal, propose, rank};
use crate::error::Result;
use crate::graph::Graph;
use crate::model::Model;
use crate::profile::Profile;
use crate::random::random_inputs;
use crate::session::Clock;
use crate::timing::{Effort, times_in_turn};
use serde::{Deserialize, Serialize};

/// Rounds of a batch, of which the fastest counts.
const BATCH: usize = 4;

/// Batches that are enough to look at their quartiles, and the least number of them.
const ENOUGH_BATCHES: usize = 7;
const MIN_BATCHES: usize = 3;

/// Rounds and milliseconds until the next look at what was found.
const LOOK: Effort = Effort { rounds: 15 * BATCH, at_most_ms: 300.0 };

/// A difference is known well enough when its error is at most this share of it.
const ENOUGH: f64 = 0.05;

/// Milliseconds to go on for with a difference that is not known well enough: for one of many blocks, to tell
/// whether there is a gain, and for the network as a whole, which is what is promised.
const BLOCK_MS: f64 = 300.0;
const WHOLE_MS: f64 = 3000.0;

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
    /// to times, and with other programs at work many runs are interrupted: the least of a few is not. The
    /// ratio of both does not depend on how fast the processor is just then. The middle one of the batches
    /// counts, and their quartiles say how sure it is: for what is spread normally the standard error of a
    /// median is 1.2533 sigma / sqrt(n), and a sigma 0.7413 of the distance between quartiles.
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
        let before_ms = middle(&sorted(|[before, _]| *before));
        // Of a clock that stands still there is nothing to learn.
        let ratios = sorted(|[before, after]| if *before > 0.0 { after / before } else { 1.0 });
        let n = ratios.len();
        let between_quartiles = if n == 0 { 0.0 } else { ratios[n - 1 - n / 4] - ratios[n / 4] };
        let error = 1.2533 * 0.7413 * between_quartiles / (n.max(1) as f64).sqrt();
        Difference {
            before_ms,
            gain_ms: before_ms * (1.0 - if n == 0 { 1.0 } else { middle(&ratios) }),
            error_ms: before_ms * error,
        }
    }
}

/// Times two models in turn until their difference is known, or so many milliseconds are spent, or it is plain
/// that there is no gain of `least_ms`.
pub fn difference(
    pair: &mut [Model; 2],
    clock: Clock,
    budget_ms: f64,
    least_ms: f64,
) -> Result<Difference> {
    for model in pair.iter_mut() {
        random_inputs(model, 1)?;
    }
    let start = clock();
    let mut batches = Vec::new();
    loop {
        let times = times_in_turn(pair, clock, &LOOK);
        let fastest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let both = times[0].chunks(BATCH).zip(times[1].chunks(BATCH));
        batches.extend(both.map(|(before, after)| [fastest(before), fastest(after)]));
        let found = Difference::of(&batches);
        let known = found.error_ms <= ENOUGH * found.gain_ms.abs();
        let hopeless = found.gain_ms + 3.0 * found.error_ms < least_ms;
        let spent = clock() - start > budget_ms;
        if batches.len() >= ENOUGH_BATCHES && (known || hopeless)
            || batches.len() >= MIN_BATCHES && spent
        {
            return Ok(found);
        }
    }
}

/// Runs two networks in turn on the device that advice is for.
pub trait Timer {
    /// Until their difference is known, or the time is spent, or it is plain that there is no gain of
    /// `least_ms`. An error where one of them cannot run there.
    fn difference(
        &mut self,
        before: &Graph,
        after: &Graph,
        budget_ms: f64,
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
        budget_ms: f64,
        least_ms: f64,
    ) -> Result<Difference> {
        let mut pair = [self.model.beside(before.clone())?, self.model.beside(after.clone())?];
        difference(&mut pair, self.clock, budget_ms, least_ms)
    }
}

/// The sites of a proposal at which it gains, by its blocks; all of them where it changes the whole network.
fn gaining_sites(proposal: &Proposal, graph: &Graph, timer: &mut impl Timer) -> Result<Vec<usize>> {
    if proposal.whole || proposal.aim == Aim::Size {
        return Ok((0..proposal.sites.len()).collect());
    }
    let mut gaining = Vec::new();
    for (Block { before, after }, sites) in proposal.blocks(graph)? {
        if timer.difference(&before, &after, BLOCK_MS, 0.0)?.is_gain(0.0) {
            gaining.extend(sites);
        }
    }
    gaining.sort_unstable();
    Ok(gaining)
}

/// Runs of the profile that the rules look at, and runs before them.
const RUNS: [usize; 2] = [15, 3];

/// Milliseconds that these take together, about: of a large network one run is enough.
const PROFILE_MS: f64 = 5000.0;

/// Profiles a model, measures what the rules propose, and returns what gains, the most milliseconds first.
/// An empty list says that there is nothing to gain. Takes some seconds: about as many as there are
/// proposals.
pub fn advise(model: &mut Model, clock: Clock) -> Result<Vec<Advice>> {
    let graph = model.file()?;
    let start = clock();
    model.run();
    let affordable = (PROFILE_MS / (clock() - start)) as usize;
    let [runs, warmup] = RUNS.map(|runs| runs.min(affordable));
    let profile = model.profile(clock, runs, warmup, 0.0);
    Ok(advise_on(&graph, &profile, &mut ThisDevice { model, clock }, |_| ()))
}

/// The same for a network whose profile is known, on the timer's device. `progress` is told how much is done,
/// 0 to 1, before each proposal and after the last.
pub fn advise_on(
    graph: &Graph,
    profile: &Profile,
    timer: &mut impl Timer,
    mut progress: impl FnMut(f64),
) -> Vec<Advice> {
    let least_ms = MIN_GAIN * profile.total_ms.min;
    let mut advice = Vec::new();
    let proposals = propose(graph, profile);
    let count = proposals.len() as f64;
    for (done, proposal) in proposals.into_iter().enumerate() {
        progress(done as f64 / count);
        // What cannot be run there is no advice.
        if let Ok(Some((one, _))) = try_out(proposal, graph, least_ms, timer) {
            advice.push(one);
        }
    }
    progress(1.0);
    rank(advice)
}

/// Where and what a proposal gains, and the network with it; `None` where that is less than `least_ms`.
/// `graph` is what it was proposed for.
pub fn try_out(
    mut proposal: Proposal,
    graph: &Graph,
    least_ms: f64,
    timer: &mut impl Timer,
) -> Result<Option<(Advice, Graph)>> {
    let sites = gaining_sites(&proposal, graph, timer)?;
    if sites.is_empty() {
        return Ok(None);
    }
    proposal.keep(&sites);
    let changed = proposal.rewrite(graph)?;
    let times = match proposal.aim {
        Aim::Time => Some(timer.difference(graph, &changed, WHOLE_MS, least_ms)?),
        Aim::Size => None,
    };
    Ok(Advice::new(&proposal, graph, &changed, times).map(|advice| (advice, changed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_batches_counts() {
        // The machine was twice as slow once, and interrupted the second network once.
        let batches = [[5.0, 4.0], [10.0, 8.0], [5.0, 4.1], [5.1, 4.0], [5.0, 9.0]];
        let found = Difference::of(&batches);
        assert!(found.before_ms == 5.0 && (found.gain_ms - 1.0).abs() < 1e-9, "{found:?}");
        assert!(found.error_ms < 0.1 && found.is_gain(0.9) && !found.is_gain(1.1), "{found:?}");
        assert!(!Difference::of(&[]).is_gain(0.0) && !Difference::of(&[[0.0; 2]]).is_gain(0.0));
    }

    #[test]
    fn what_is_spread_wider_than_it_gains_is_no_gain() {
        let batches: Vec<[f64; 2]> =
            (0..9).map(|i| [5.0, 4.9 + if i % 2 == 0 { 0.5 } else { -0.5 }]).collect();
        let found = Difference::of(&batches);
        assert!(!found.is_gain(0.0), "{found:?}");
    }
}
