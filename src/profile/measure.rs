//! Taking the times: runs a session with a clock again and again.
//!
//! A fine clock is read once before and after each step of each run. Where the clock moves in steps
//! that are long against a layer, one such reading says nothing, and two things are measured:
//!
//! 1. The mean of readings over many whole runs. It is not biased: a run begins anywhere between two
//!    steps of the clock, which is seen to (`Dither`). But it scatters, by up to half a step over the root of the
//!    number of runs: good for a stretch of many layers, useless for a short one.
//! 2. Each layer alone, repeated where it stands in the network until the clock has moved often. It
//!    scatters little, but is biased: operands and weights lie in the cache already.
//!
//! So the first says how long each stretch of layers takes, a stretch being just long enough to be told
//! within 2 %, and the second how the layers within share it. A layer that is as long has its time from whole
//! runs alone, and what the cache changes is left to how short layers compare with their neighbours. Both
//! are parts of the run, or of the round, that they were read in, and the middle of those counts: other
//! programs slow a whole run down, or take half a millisecond of one layer, 8 % of 0.1 ms in 60 runs.
//! (Firefox, two threads, a busy machine: of two profiles in a row the layer over 0.1 ms that differed most, as
//! a part of the run, differed by 6.2 %, the median of 60 pairs, and with plain means by 12.2 %, of 40.)
//! Each whole run is then shared out like that: the layers add up to the runs, and how their times
//! are spread is how the runs' times are.
//!
//! By either clock there are more runs than were asked for, and those that nothing disturbed count (`quiet`). The more
//! there are, the better a coarse clock tells how layers share a run: what is read of a layer in 60 runs is off by
//! 1.3 us, half a step of 20 us by the root of 60.

use super::quiet::{Patience, quiet};
use super::{Method, Stats, clock_resolution, readings_per_step};
use crate::random::Random;
use crate::session::{Clock, Part, Session};
use crate::threads::Team;
use std::hint::black_box;
use std::ops::Range;

/// A clock with longer steps than this, in milliseconds, is coarse: most layers of a fast model take
/// 0.01 to 0.1 ms.
const COARSE_MS: f64 = 0.01;

/// What is measured with a coarse clock takes at least so many steps of the clock, if that can be had
/// in the time below: it is read to one step, so to 5 % at worst and 2 % mostly.
const STEPS_OF_CLOCK: f64 = 20.0;

/// But repeating runs for that makes all that were asked for take no longer than this, in milliseconds.
const REPEATED_MS: f64 = 1_500.0;

/// Repeating layers takes so long, in milliseconds, or as long as doing it once.
const LAYERS_MS: f64 = 3_000.0;

/// Times of each layer alone are taken at most so often.
const MOST_ROUNDS: usize = 10;

/// The share of a stretch's time to which whole runs must tell it.
const STRETCH_ERROR: f64 = 0.02;

/// Times in milliseconds, in running order.
pub(crate) struct Times {
    /// The smallest step of the clock.
    pub resolution: f64,
    /// How layers were timed.
    pub method: Method,
    /// The runs before those that count.
    pub warmup: Vec<f64>,
    /// Whole runs, those that count.
    pub total: Vec<f64>,
    /// How many there were, those that do not count included.
    pub taken: usize,
    /// How many of them were disturbed and do not count.
    pub disturbed: usize,
    /// Runs in each of those times, of which they are the mean.
    pub repetitions: usize,
    /// The layers.
    pub layers: Vec<Samples>,
    /// The parts of one run, about as long as the median one.
    pub timeline: Vec<Part>,
}

/// Times of one layer.
#[derive(Debug, Clone)]
pub(crate) struct Samples {
    /// Milliseconds.
    pub ms: Vec<f64>,
    /// How often the layer ran in each of them, of which they are the mean.
    pub repetitions: usize,
}

/// Runs `warmup` times, then at least `runs` times and as often as `Patience` says; of those the quiet ones count.
pub(crate) fn measure(
    session: &mut Session,
    team: &mut Team,
    clock: Clock,
    runs: usize,
    warmup: usize,
) -> Times {
    let resolution = clock_resolution(clock);
    let method = if resolution > COARSE_MS { Method::Repeated } else { Method::Single };
    let mut time = |session: &mut Session, count: usize| {
        let start = clock();
        (0..count).for_each(|_| session.run(team, Some(clock)));
        clock() - start
    };
    let cold = warmup == 0;
    let warmup = (0..warmup).map(|_| time(session, 1)).collect();
    let repetitions = match method {
        Method::Single => 1,
        Method::Repeated => {
            let target = (STEPS_OF_CLOCK * resolution).min(REPEATED_MS / runs as f64);
            repeated(target, 1, &mut |count| time(session, count)).repetitions
        }
    };

    let (steps, threads) = (session.plan().steps.len(), session.plan().threads);
    let run_error = resolution / repetitions as f64;
    let mut patience = Patience::new(runs, run_error);
    let mut total = Vec::with_capacity(runs);
    let mut layers = vec![Samples { ms: Vec::with_capacity(runs), repetitions: 1 }; steps];
    let mut candidates = Candidates::new(steps * threads);
    let mut sums = vec![0.0; steps];
    let mut dither = Dither::new(clock);
    session.watch_threads(true);
    let began = clock();
    while patience.goes_on(&total, clock() - began) {
        dither.wait();
        sums.fill(0.0);
        let start = clock();
        for _ in 0..repetitions {
            session.run(team, Some(clock));
            for (sum, ms) in sums.iter_mut().zip(session.step_ms()) {
                *sum += ms;
            }
        }
        let ms = (clock() - start) / repetitions as f64;
        candidates.offer(session);
        total.push(ms);
        for (layer, sum) in layers.iter_mut().zip(&sums) {
            layer.ms.push(sum / repetitions as f64);
        }
    }
    session.watch_threads(false);
    let taken = total.len();
    let mut counted = quiet(&total, run_error, runs);
    // Who wants no run before the first one wants to see that.
    if cold && counted.first() != Some(&0) {
        counted.insert(0, 0);
    }
    let disturbed = taken - counted.len();
    let only = |times: &[f64]| -> Vec<f64> { counted.iter().map(|&run| times[run]).collect() };
    let shown = only(&total);
    let mut timeline = candidates.nearest(&Stats::of(&shown), threads);

    if method == Method::Repeated {
        let measured = Runs::new(&total, &layers, &counted);
        let error = measured.error(resolution / (repetitions as f64).sqrt());
        let guesses: Vec<f64> = (0..steps).map(|step| measured.stretch(step..step + 1)).collect();
        let alone = alone(session, team, clock, resolution, &guesses, error);
        session.run(team, None); // Not all layers may have had their turn.
        let fitted = measured.shared_out(&shares(&alone), error);
        layers = alone;
        let sum = fitted.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        for (layer, ms) in layers.iter_mut().zip(&fitted) {
            layer.ms = shown.iter().map(|run| run * ms / sum).collect();
        }
        if threads == 1 {
            timeline = end_to_end(&fitted);
        }
    } else {
        layers.iter_mut().for_each(|layer| layer.ms = only(&layer.ms));
    }
    let total = shown;
    Times { resolution, method, warmup, total, taken, disturbed, repetitions, layers, timeline }
}

/// Waits for a random part of a step of the clock. Runs that follow each other at once may be as long as some number of
/// steps, and all begin at the same place between two: then each reading of a layer is off by the same.
/// (Firefox, a step of 20 us: a layer of 0.22 ms took 0.24 ms in one of ten profiles of a network of 12.40 ms.)
struct Dither {
    clock: Clock,
    readings: usize, // of the clock, between two of its steps
    random: Random,
}

impl Dither {
    fn new(clock: Clock) -> Dither {
        Dither { clock, readings: readings_per_step(clock), random: Random::new(1) }
    }

    fn wait(&mut self) {
        let readings = (f64::from(self.random.unit()) * self.readings as f64) as usize;
        (0..readings).for_each(|_| {
            black_box((self.clock)());
        });
    }
}

/// Whole runs with a coarse clock.
struct Runs<'a> {
    total: &'a [f64],
    layers: &'a [Samples], // as many times each
    median: f64,           // of the quiet ones
    quiet: &'a [usize],    // which runs were not disturbed
}

impl<'a> Runs<'a> {
    fn new(total: &'a [f64], layers: &'a [Samples], quiet: &'a [usize]) -> Runs<'a> {
        let undisturbed: Vec<f64> = quiet.iter().map(|&run| total[run]).collect();
        Runs { total, layers, median: Stats::of(&undisturbed).median, quiet }
    }

    /// How far the time of a stretch is off by a clock with steps of so many milliseconds.
    fn error(&self, resolution: f64) -> f64 {
        resolution / 2.0 / (self.quiet.len() as f64).sqrt()
    }

    /// How long a stretch of layers takes, of the median run.
    fn stretch(&self, steps: Range<usize>) -> f64 {
        let part = |&run: &usize| {
            let ms: f64 = self.layers[steps.clone()].iter().map(|layer| layer.ms[run]).sum();
            ms / self.total[run].max(f64::MIN_POSITIVE) // A clock may stand still.
        };
        self.median * middle_mean(self.quiet.iter().map(part).collect())
    }

    /// How long each layer takes, of the median run: stretches of layers as they are here, which are off by
    /// about `error`, and layers within a stretch by their `shares` of a round alone.
    fn shared_out(&self, shares: &[f64], error: f64) -> Vec<f64> {
        fit(shares, |steps| self.stretch(steps), error / STRETCH_ERROR / self.median)
    }
}

/// The mean of the middle half of some numbers: as deaf to a few that are far off as the median, but between two
/// steps of a clock.
fn middle_mean(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let aside = numbers.len() / 4;
    let middle = &numbers[aside..numbers.len() - aside];
    middle.iter().sum::<f64>() / middle.len().max(1) as f64
}

/// What part of a round each layer takes, of times in as many rounds as all layers had.
fn shares(layers: &[Samples]) -> Vec<f64> {
    let rounds = layers.iter().map(|layer| layer.ms.len()).min().unwrap_or(0);
    let sums: Vec<f64> =
        (0..rounds).map(|round| layers.iter().map(|layer| layer.ms[round]).sum()).collect();
    let part = |(ms, sum): (&f64, &f64)| if *sum > 0.0 { ms / sum } else { 0.0 };
    let parts = |layer: &Samples| layer.ms.iter().zip(&sums).map(part).collect();
    layers.iter().map(|layer| middle_mean(parts(layer))).collect()
}

/// One time of something that is repeated until that takes `target` milliseconds. `guess` is how
/// often that may be.
fn repeated(target: f64, guess: usize, time: &mut dyn FnMut(usize) -> f64) -> Samples {
    const MOST: usize = 1 << 20;
    let mut count = guess.clamp(1, MOST);
    loop {
        let ms = time(count);
        if ms >= target || count == MOST {
            return Samples { ms: vec![ms / count as f64], repetitions: count };
        }
        // A coarse clock may show nothing of a short time, or far too much.
        let wanted = 1.1 * count as f64 * target / ms;
        count = (wanted as usize).clamp(count + 1, 8 * count).min(MOST);
    }
}

/// Times each layer alone, all of them in turn and again. What whole runs say of each, `whole`, is
/// where to start from, and where it ends when time runs out; it is off by about `error`.
fn alone(
    session: &mut Session,
    team: &mut Team,
    clock: Clock,
    resolution: f64,
    whole: &[f64],
    error: f64,
) -> Vec<Samples> {
    // Finding out how often to repeat a layer takes about as long as a time that counts.
    let target = (STEPS_OF_CLOCK * resolution).min(LAYERS_MS / (2.0 * whole.len() as f64));
    let began = clock();
    let mut layers: Vec<Samples> = Vec::with_capacity(whole.len());
    for (step, ms) in whole.iter().enumerate() {
        layers.push(if clock() - began > LAYERS_MS {
            Samples { ms: vec![*ms], repetitions: 1 } // better than nothing
        } else {
            let guess = (target / ms.max(error)).ceil() as usize;
            repeated(target, guess, &mut |count| session.repeat(team, step, count, clock))
        });
    }
    let round: f64 = layers.iter().map(|layer| layer.ms[0] * layer.repetitions as f64).sum();
    for _ in 1..MOST_ROUNDS {
        if clock() - began + round > LAYERS_MS {
            break;
        }
        for (step, layer) in layers.iter_mut().enumerate() {
            let ms = session.repeat(team, step, layer.repetitions, clock);
            layer.ms.push(ms / layer.repetitions as f64);
        }
    }
    layers
}

/// What layers take alone, scaled so that each stretch of them takes what it takes in whole runs: `whole`.
fn fit(alone: &[f64], whole: impl Fn(Range<usize>) -> f64, shortest: f64) -> Vec<f64> {
    let mut fitted = alone.to_vec();
    for stretch in stretches(alone, shortest) {
        let factor = whole(stretch.clone()) / alone[stretch.clone()].iter().sum::<f64>();
        // Not where the clock stood still.
        if factor.is_finite() {
            fitted[stretch].iter_mut().for_each(|ms| *ms *= factor);
        }
    }
    fitted
}

/// All layers, in stretches. One that is at least `shortest` long is a stretch of its own: what its neighbours take does
/// not matter for it. Others are taken together until they are as long. Those that are left over before such a layer
/// are a stretch too, and only where that is so short that the clock says next to nothing are they taken with the layer.
fn stretches(alone: &[f64], shortest: f64) -> Vec<Range<usize>> {
    const LEFT_OVER: f64 = 1.0 / 8.0; // of the shortest, so told within 16 %
    let mut stretches: Vec<Range<usize>> = Vec::new();
    let (mut start, mut sum) = (0, 0.0);
    for (i, &ms) in alone.iter().enumerate() {
        if ms >= shortest && sum >= LEFT_OVER * shortest {
            stretches.push(start..i);
            (start, sum) = (i, 0.0);
        }
        sum += ms;
        if sum >= shortest {
            stretches.push(start..i + 1);
            (start, sum) = (i + 1, 0.0);
        }
    }
    match stretches.last_mut() {
        Some(last) if sum < LEFT_OVER * shortest => last.end = alone.len(),
        _ => stretches.push(start..alone.len()),
    }
    stretches
}

/// Sums before each time and after the last one.
fn running_sums(times: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; times.len() + 1];
    for (i, ms) in times.iter().enumerate() {
        sums[i + 1] = sums[i] + ms;
    }
    sums
}

/// What one thread does, by the times of the layers.
fn end_to_end(layers: &[f64]) -> Vec<Part> {
    let ends = running_sums(layers);
    let part = |(step, ends): (usize, &[f64])| Part {
        thread: 0,
        step,
        start_ms: ends[0],
        end_ms: ends[1],
    };
    ends.windows(2).enumerate().map(part).collect()
}

/// Timelines of runs, until it is known which of them was an ordinary one.
struct Candidates {
    kept: Vec<(f64, Vec<Part>)>, // length of the run, and its parts
    most: usize,                 // runs to keep
    seen: usize,
    every: usize, // which of those that are seen is kept
}

impl Candidates {
    /// Of runs that have at most so many parts: not all of them are kept.
    fn new(parts: usize) -> Candidates {
        const MOST: usize = 100;
        const MOST_BYTES: usize = 4 << 20;
        let most = (MOST_BYTES / (parts * size_of::<Part>()).max(1)).clamp(2, MOST);
        Candidates { kept: Vec::with_capacity(most), most, seen: 0, every: 1 }
    }

    /// Keeps the session's last run, or does not: always runs at equal distances.
    fn offer(&mut self, session: &Session) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push((session.step_ms().sum(), session.parts().collect()));
            if self.kept.len() == self.most {
                // Every other one.
                let mut stays = false;
                self.kept.retain(|_| {
                    stays = !stays;
                    stays
                });
                self.every *= 2;
            }
        }
        self.seen += 1;
    }

    /// The run whose length is nearest to the median of those that count: of those that are no longer than the longest of
    /// them, and in which all threads took part, if there are any. Where other programs keep a processor, a thread may
    /// find everything done.
    fn nearest(self, counted: &Stats, threads: usize) -> Vec<Part> {
        let missing = |parts: &[Part]| {
            (0..threads).filter(|&thread| parts.iter().all(|part| part.thread != thread)).count()
        };
        let rank = |(ms, parts): &(f64, Vec<Part>)| {
            (*ms > counted.max, missing(parts), (ms - counted.median).abs())
        };
        let nearest = self.kept.into_iter().min_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
        });
        nearest.map_or_else(Vec::new, |(_, parts)| parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_layers_take_what_whole_runs_say() {
        let fit = |alone: &[f64], whole: &[f64], shortest: f64| -> Vec<f64> {
            let whole = |steps: Range<usize>| whole[steps].iter().sum();
            fit(alone, whole, shortest).iter().map(|ms| (ms * 1e9).round() / 1e9).collect()
        };
        // In whole runs the long layer takes a tenth more, and the short ones twice as long.
        let alone = [0.25, 0.25, 0.5, 10.0, 0.5, 0.5];
        let whole = [0.0, 1.5, 0.5, 11.0, 2.0, 0.0];
        assert_eq!(fit(&alone, &whole, 1.0), [0.5, 0.5, 1.0, 11.0, 1.0, 1.0]);
        // Nor does it matter for the long layer what the whole runs say of a few short ones before it.
        assert_eq!(fit(&[0.25, 0.5, 10.0], &[1.0, 2.0, 11.0], 1.0), [1.0, 2.0, 11.0]);
        // Of one alone they say nothing, so it is taken with the layer after it, or before it at the end.
        assert_eq!(stretches(&[0.1, 2.0, 3.0, 0.1], 1.0), [0..2, 2..4]);
        assert_eq!(stretches(&[0.2, 2.0, 3.0, 0.2], 1.0), [0..1, 1..2, 2..3, 3..4]);
        assert_eq!(stretches(&[0.6, 0.6, 0.6], 1.0), [0..2, 2..3]);
        // With few runs there is one stretch: all is scaled by one factor.
        assert_eq!(fit(&alone, &whole, 100.0), alone.map(|ms| ms * 1.25));
        // Nothing to share out by.
        assert_eq!(fit(&[0.0, 0.0], &[1.0, 1.0], 1.0), [0.0, 0.0]);
        assert_eq!(fit(&[], &[], 1.0), [0.0; 0]);
    }

    #[test]
    fn what_other_programs_take_is_left_out() {
        let mean = |times: &[f64]| middle_mean(times.to_vec());
        // Between two steps of the clock, and disturbed once.
        assert!((mean(&[0.1, 0.12, 0.1, 0.6, 0.12, 0.1, 0.12, 0.1]) - 0.11).abs() < 1e-9);
        assert_eq!([mean(&[7.0]), mean(&[1.0, 2.0])], [7.0, 1.5]);
        assert_eq!(mean(&[]), 0.0);

        // The machine was half as fast in the second round; the third layer had one less.
        let samples = |ms: &[f64]| Samples { ms: ms.to_vec(), repetitions: 1 };
        let layers = [samples(&[1.0, 2.0, 1.0]), samples(&[2.0, 4.0, 2.0]), samples(&[1.0, 2.0])];
        assert_eq!(shares(&layers), [0.25, 0.5, 0.25]);
        assert_eq!(shares(&[samples(&[0.0])]), [0.0]);
        assert_eq!(shares(&[]), [0.0; 0]);
    }

    /// A network of layers of 2 to 400 us on a machine that is now faster, now slower, and in one run of four takes
    /// 0.2 ms for something else in the middle of a layer; a clock with steps of 20 us.
    #[test]
    fn two_profiles_by_a_coarse_clock_agree() {
        const RUNS: usize = 300;
        const STEP: f64 = 0.02;
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut draw = |low: f64, high: f64| low + (high - low) * f64::from(random.unit());
            let layers: Vec<f64> = (0..60).map(|_| 0.002 * 200f64.powf(draw(0.0, 1.0))).collect();
            // What the cache makes of a layer alone, the same in each profile.
            let cached: Vec<f64> = layers.iter().map(|_| draw(0.8, 1.0)).collect();
            let mut profile = || -> Vec<f64> {
                let mut now = draw(0.0, 1.0);
                let mut total = Vec::new();
                let mut read = vec![Samples { ms: Vec::new(), repetitions: 1 }; layers.len()];
                for run in 0..RUNS {
                    let speed = if run < RUNS / 4 { 1.3 } else { 1.0 } * draw(0.98, 1.02);
                    let struck = (draw(0.0, 4.0) * layers.len() as f64) as usize;
                    let start = now;
                    for (i, (layer, read)) in layers.iter().zip(&mut read).enumerate() {
                        let before = (now / STEP).floor();
                        now += layer * speed + if i == struck { 0.2 } else { 0.0 };
                        read.ms.push(((now / STEP).floor() - before) * STEP);
                    }
                    total.push(now - start);
                }
                let mut round = |ms: f64| (0..10).map(|_| ms * draw(0.97, 1.03)).collect();
                let alone: Vec<Samples> = layers
                    .iter()
                    .zip(&cached)
                    .map(|(ms, cached)| Samples { ms: round(ms * cached), repetitions: 1 })
                    .collect();
                let quiet = quiet(&total, STEP, 60);
                let runs = Runs::new(&total, &read, &quiet);
                runs.shared_out(&shares(&alone), runs.error(STEP))
            };
            let (first, second) = (profile(), profile());
            let sum: f64 = layers.iter().sum();
            let told: f64 = first.iter().sum();
            assert!((told / sum - 1.0).abs() < 0.05, "seed {seed}: {told} ms of {sum}");
            for (i, (a, b)) in first.iter().zip(&second).enumerate() {
                let apart = 1.0 - a.min(*b) / a.max(*b);
                assert!(a.max(*b) < 0.1 || apart < 0.1, "seed {seed}, layer {i}: {a} and {b} ms");
                let off = a / layers[i] - 1.0;
                assert!(
                    *a < 0.1 || off.abs() < 0.1,
                    "seed {seed}, layer {i}: {a} ms of {}",
                    layers[i]
                );
            }
        }
    }

    #[test]
    fn things_are_repeated_until_they_take_long_enough() {
        // The clock shows whole milliseconds.
        for (each, guess) in [(0.0003, 1), (0.01, 1), (0.7, 1), (0.7, 1000), (50.0, 1), (3.0, 0)] {
            let mut spent = 0.0;
            let sample = repeated(20.0, guess, &mut |count| {
                spent += each * count as f64;
                (each * count as f64).floor()
            });
            let took = sample.ms[0] * sample.repetitions as f64;
            assert!(took >= 20.0 - 1e-9, "{each} ms, guess {guess}: {took}");
            assert!((sample.ms[0] - each).abs() <= 0.05 * each, "{each}: {sample:?}");
            assert!(spent < 1000.0, "{each} ms, guess {guess}: {spent} ms");
        }
        let still = repeated(20.0, 1, &mut |_| 0.0);
        assert_eq!((still.ms[0], still.repetitions), (0.0, 1 << 20));
    }
}
