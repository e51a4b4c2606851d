//! Times of several models, side by side.
//!
//! What else the machine does, and how fast its processor runs just then, changes within seconds. So models that are
//! to be compared run in turn, A B C A B C and so on: whatever comes and goes meets all of them alike, and the ratio
//! of two times of the same round holds when neither time alone would.

#![forbid(unsafe_code)]

use crate::error::Result;
use crate::model::Model;
use crate::profile::{Stats, clock_resolution};
use crate::random::random_inputs;
use crate::session::Clock;
use serde::Serialize;

/// How long models are run for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Rounds, at least one. In each, every model is timed once.
    pub rounds: usize,
    /// No further round begins after so many milliseconds, once there were [`LEAST_ROUNDS`].
    pub at_most_ms: f64,
}

/// What is measured however little time there is, unless fewer rounds are wanted: the median of three is not the time
/// that something else disturbed.
pub const LEAST_ROUNDS: usize = 3;

/// A model runs again and again until one time has lasted so long: a run of a few microseconds would be measured with
/// what the others left in the caches, and is hardly longer than looking at the clock.
const SAMPLE_MS: f64 = 1.0;

/// The same in steps of the clock, which may be 1 ms long: an error of two ends of up to a step each.
const SAMPLE_STEPS: f64 = 20.0;

/// Before it is timed, a model runs for so long, and so often: a browser compiles again what is run often.
const WARMUP_MS: f64 = 20.0;
const WARMUP_RUNS: usize = 3;

/// More runs do not make one time, even if the clock stands still.
const MAX_REPEATS: usize = 10_000;

/// Runs the models in turn on whatever their inputs hold. Milliseconds of one run: how they are spread over the
/// rounds, for each model.
pub fn in_turn(models: &mut [Model], clock: Clock, effort: &Effort) -> Vec<Stats> {
    times_in_turn(models, clock, effort).iter().map(|times| Stats::of(times)).collect()
}

/// The same times themselves: for each model, one of each round, in milliseconds.
pub fn times_in_turn(models: &mut [Model], clock: Clock, effort: &Effort) -> Vec<Vec<f64>> {
    let begin = clock();
    let step = clock_resolution(clock);
    let repeats: Vec<usize> =
        models.iter_mut().map(|model| warm_up(&mut || model.run(), clock, step)).collect();
    rounds(&repeats, &mut |i| models[i].run(), clock, begin, effort)
}

/// What was measured of a model that ran in turn with others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Milliseconds of one run, over the rounds.
    pub ms: Stats,
    /// How many times as long as the first one it takes: the median of the rounds' own ratios.
    pub ratio: f64,
    /// Multiply-adds.
    pub macs: u64,
    /// Bytes of activations and weights that its layers read and write.
    pub bytes: u64,
    /// 10^9 floating point operations (two a multiply-add) per second, at the median.
    pub gflops: f64,
}

/// Runs the models in turn on random inputs.
pub fn measure(models: &mut [Model], clock: Clock, effort: &Effort) -> Result<Vec<Measured>> {
    for model in models.iter_mut() {
        random_inputs(model, 1)?;
    }
    let times = times_in_turn(models, clock, effort);
    let measured = |(model, own): (&Model, &Vec<f64>)| {
        let layers = model.layers();
        let macs: u64 = layers.iter().map(|layer| layer.macs).sum();
        let ms = Stats::of(own);
        Measured {
            ms,
            ratio: ratio(own, &times[0]),
            macs,
            bytes: layers.iter().map(|layer| layer.bytes).sum(),
            gflops: if ms.median > 0.0 { 2.0 * macs as f64 / ms.median / 1e6 } else { 0.0 },
        }
    };
    Ok(models.iter().zip(&times).map(measured).collect())
}

/// How many times as long one of the models takes as another one: the median of the rounds' own ratios. 0 without
/// rounds.
pub fn ratio(times: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<f64> = times.iter().zip(to).map(|(a, b)| a / b).collect();
    Stats::of(&ratios).median
}

/// Rounds of what is warm, of which `run` runs one; time is counted from `begin` on.
#[inline(never)]
fn rounds(
    repeats: &[usize],
    run: &mut dyn FnMut(usize),
    clock: Clock,
    begin: f64,
    effort: &Effort,
) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(effort.rounds.min(MAX_REPEATS)); repeats.len()];
    for round in 0..effort.rounds.max(1) {
        if round >= LEAST_ROUNDS && clock() - begin >= effort.at_most_ms {
            break;
        }
        for (i, &repeats) in repeats.iter().enumerate() {
            times[i].push(elapsed(&mut || run(i), repeats, clock) / repeats as f64);
        }
    }
    times
}

/// How many runs make one time, by a clock of steps of `step` milliseconds.
#[inline(never)]
fn warm_up(run: &mut dyn FnMut(), clock: Clock, step: f64) -> usize {
    let begin = clock();
    for runs in 1..MAX_REPEATS {
        run();
        if runs >= WARMUP_RUNS && clock() - begin >= WARMUP_MS {
            break;
        }
    }
    let sample = SAMPLE_MS.max(SAMPLE_STEPS * step);
    let mut repeats = 1;
    while repeats < MAX_REPEATS && elapsed(run, repeats, clock) < sample {
        repeats *= 2;
    }
    repeats
}

fn elapsed(run: &mut dyn FnMut(), repeats: usize, clock: Clock) -> f64 {
    let begin = clock();
    for _ in 0..repeats {
        run();
    }
    clock() - begin
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Times `count` things, of which `run` runs one, by a clock of steps of `step` milliseconds.
    fn times_of(
        count: usize,
        run: &mut dyn FnMut(usize),
        clock: Clock,
        step: f64,
        effort: &Effort,
    ) -> Vec<Vec<f64>> {
        let begin = clock();
        let repeats: Vec<usize> =
            (0..count).map(|i| warm_up(&mut || run(i), clock, step)).collect();
        rounds(&repeats, run, clock, begin, effort)
    }

    thread_local! {
        static NOW: Cell<f64> = const { Cell::new(0.0) };
    }

    fn exact() -> f64 {
        NOW.get()
    }

    /// Goes in steps of a millisecond.
    fn coarse() -> f64 {
        NOW.get().floor()
    }

    fn pass(ms: f64) {
        NOW.set(NOW.get() + ms);
    }

    const TEN: Effort = Effort { rounds: 10, at_most_ms: f64::INFINITY };

    #[test]
    fn each_takes_its_turn() {
        let mut order = Vec::new();
        let mut run = |i: usize| {
            order.push(i);
            pass([5.0, 2.0, 3.0][i]);
        };
        let times = times_of(3, &mut run, exact, 0.0, &TEN);
        assert_eq!(times, [vec![5.0; 10], vec![2.0; 10], vec![3.0; 10]]);
        assert_eq!(order[order.len() - 30..], [0, 1, 2].repeat(10));
        assert_eq!(ratio(&times[0], &times[1]), 2.5);
    }

    #[test]
    fn short_runs_are_repeated_until_a_clock_can_tell() {
        for (clock, step, bound) in [(exact as Clock, 0.0, 1e-9), (coarse as Clock, 1.0, 0.05)] {
            let times = times_of(2, &mut |i| pass([0.03, 7.0][i]), clock, step, &TEN);
            for (times, truth) in times.iter().zip([0.03, 7.0]) {
                for ms in times {
                    assert!(
                        (ms / truth - 1.0).abs() <= bound,
                        "{ms} for {truth} in steps of {step}"
                    );
                }
            }
        }
    }

    #[test]
    fn rounds_end_when_time_is_up() {
        let begin = exact();
        let effort = Effort { rounds: 1000, at_most_ms: 500.0 };
        let times = times_of(2, &mut |_| pass(10.0), exact, 0.0, &effort);
        assert!(exact() - begin < 530.0);
        assert!(times[0].len() > 10 && times[0].len() == times[1].len());
        // Three rounds, however long they are.
        let slow = times_of(1, &mut |_| pass(900.0), exact, 0.0, &effort);
        assert_eq!(slow, [[900.0; 3]]);
        let one = Effort { rounds: 0, ..effort };
        assert_eq!(times_of(1, &mut |_| pass(900.0), exact, 0.0, &one), [[900.0]]);
    }

    #[test]
    fn a_clock_that_stands_still_ends_too() {
        let times = times_of(1, &mut |_| (), || 0.0, 0.0, &TEN);
        assert_eq!(times, [[0.0; 10]]);
    }
}
