//! Several models timed in turn, so that whatever else the machine does meets all of them alike.

#![forbid(unsafe_code)]

use crate::model::Model;
use crate::profile::{Stats, clock_resolution};
use crate::session::Clock;

/// A reading of the clock is of at least so many of its steps: 5 % of it is then the step.
const STEPS: f64 = 20.0;

/// Runs of one reading, at most.
const MAX_REPEATS: usize = 1000;

/// Milliseconds of one run of each model: first to last, `rounds` times (at least once), on whatever the
/// inputs hold. What the clock is too coarse for is repeated within a reading.
pub fn in_turn(models: &mut [Model], clock: Clock, rounds: usize) -> Vec<Stats> {
    let least = STEPS * clock_resolution(clock);
    let repeats: Vec<usize> = models
        .iter_mut()
        .map(|model| enough_repeats(least, |n| reading(model, clock, n)))
        .collect();
    let mut times = vec![Vec::with_capacity(rounds.max(1)); models.len()];
    for _ in 0..rounds.max(1) {
        for ((model, times), &n) in models.iter_mut().zip(&mut times).zip(&repeats) {
            times.push(reading(model, clock, n) / n as f64);
        }
    }
    times.iter().map(|times| Stats::of(times)).collect()
}

/// Milliseconds of `repeats` runs.
fn reading(model: &mut Model, clock: Clock, repeats: usize) -> f64 {
    let start = clock();
    (0..repeats).for_each(|_| model.run());
    clock() - start
}

/// How many runs take at least so many milliseconds; `read` says how long some took.
fn enough_repeats(least: f64, mut read: impl FnMut(usize) -> f64) -> usize {
    // The first run finds nothing in the caches.
    read(1);
    let mut repeats = 1;
    while repeats < MAX_REPEATS && read(repeats) < least {
        repeats *= 2;
    }
    repeats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::GraphBuilder;
    use crate::model::Options;
    use crate::ops::{Op, Unary};
    use std::sync::OnceLock;
    use std::time::Instant;

    fn clock() -> f64 {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
    }

    /// As browsers have it where pages are not isolated.
    fn coarse_clock() -> f64 {
        clock().floor()
    }

    fn tanh_of(elements: usize) -> Model {
        let mut b = GraphBuilder::new();
        let x = b.input(&[elements]);
        let y = b.node(Op::Unary(Unary::Tanh), &[x]);
        Model::from_graph(b.build(&[y]), &Options::default()).unwrap()
    }

    #[test]
    fn every_model_is_timed_also_by_a_coarse_clock() {
        for clock in [clock as Clock, coarse_clock] {
            let mut models = [tanh_of(100_000), tanh_of(10)];
            let [large, small] = in_turn(&mut models, clock, 3)[..] else { panic!("two models") };
            assert!(large.median > small.median && small.median > 0.0, "{large:?} {small:?}");
        }
    }

    #[test]
    fn readings_are_long_enough() {
        assert_eq!(enough_repeats(20.0, |n| n as f64 * 3.0), 8);
        assert_eq!(enough_repeats(0.0, |_| 0.0), 1);
        assert!(enough_repeats(1.0, |_| 0.0) >= MAX_REPEATS);
    }
}
