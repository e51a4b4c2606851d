//! How much proposals gain: both networks run in turn on this device.

use super::extract::Block;
use super::{Advice, Aim, MIN_GAIN, Proposal, propose, rank};
use crate::error::Result;
use crate::graph::Graph;
use crate::model::Model;
use crate::session::Clock;
use crate::tensor::ViewMut;
use crate::timing::{Effort, in_turn, times_in_turn};

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
#[derive(Debug, Clone, Copy, Default, PartialEq)]
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
) -> Difference {
    pair.iter_mut().for_each(fill);
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
            return found;
        }
    }
}

/// Gives a model something to work on: some operators take longer where there are only zeros, or less long.
fn fill(model: &mut Model) {
    let mut random = super::weights::Random::default();
    for index in 0..model.inputs().len() {
        match model.input_mut(index) {
            Ok(ViewMut::F32(v)) => v.iter_mut().for_each(|x| *x = random.unit().abs()),
            Ok(ViewMut::I8(v)) => v.iter_mut().for_each(|x| *x = (random.unit() * 127.0) as i8),
            Ok(ViewMut::U8(v)) => {
                v.iter_mut().for_each(|x| *x = (random.unit() * 127.0) as i8 as u8)
            }
            _ => {}
        }
    }
}

/// The sites of a proposal at which it gains, by its blocks; all of them where it changes the whole network.
pub fn gaining_sites(
    proposal: &Proposal,
    graph: &Graph,
    model: &Model,
    clock: Clock,
) -> Result<Vec<usize>> {
    if proposal.whole || proposal.aim == Aim::Size {
        return Ok((0..proposal.sites.len()).collect());
    }
    let mut gaining = Vec::new();
    for (Block { before, after }, sites) in proposal.blocks(graph)? {
        let mut pair = [model.beside(before)?, model.beside(after)?];
        if difference(&mut pair, clock, BLOCK_MS, 0.0).is_gain(0.0) {
            gaining.extend(sites);
        }
    }
    gaining.sort_unstable();
    Ok(gaining)
}

/// What a network, and the same one with a proposal, take on this device.
pub fn whole(original: &Graph, changed: &Graph, model: &Model, clock: Clock) -> Result<Difference> {
    let mut pair = [model.beside(original.clone())?, model.beside(changed.clone())?];
    let once = in_turn(&mut pair[..1], clock, &Effort { rounds: 3, at_most_ms: 0.0 })[0].min;
    Ok(difference(&mut pair, clock, WHOLE_MS, MIN_GAIN * once))
}

/// Runs of the profile that the rules look at.
const RUNS: usize = 15;

/// Profiles a model, measures what the rules propose, and returns what gains, the most milliseconds first.
/// An empty list says that there is nothing to gain. Takes some seconds: about as many as there are
/// proposals.
pub fn advise(model: &mut Model, clock: Clock) -> Result<Vec<Advice>> {
    let graph = model.file()?;
    let profile = model.profile(clock, RUNS, 3, 0.0);
    let proposals = propose(&graph, &profile);
    // What cannot be run here is no advice.
    let tried = |proposal| try_out(proposal, &graph, model, clock).ok().flatten();
    Ok(rank(proposals.into_iter().filter_map(tried).map(|(advice, _)| advice).collect()))
}

/// Where and what a proposal gains, and the network with it; `None` where that is nothing. `graph` is what it
/// was proposed for, `model` the same network.
pub fn try_out(
    mut proposal: Proposal,
    graph: &Graph,
    model: &Model,
    clock: Clock,
) -> Result<Option<(Advice, Graph)>> {
    let sites = gaining_sites(&proposal, graph, model, clock)?;
    if sites.is_empty() {
        return Ok(None);
    }
    proposal.keep(&sites);
    let changed = proposal.rewrite(graph)?;
    let times = match proposal.aim {
        Aim::Time => Some(whole(graph, &changed, model, clock)?),
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
