//! Times: what each step took over many runs, and how far that is from the device's limits.
//!
//! `report`, `csv` and `trace` write a profile down. They are functions of the profile alone, so that
//! a page can call them on one that another module measured.

#![forbid(unsafe_code)]

pub mod csv;
pub(crate) mod measure;
mod quiet;
pub mod report;
pub mod trace;

use crate::plan::Plan;
use measure::Samples;

pub use crate::session::Part;
use serde::{Deserialize, Serialize};

/// How a series of times is spread, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Stats {
    pub first: f64,
    pub last: f64,
    pub min: f64,
    pub median: f64,
    pub mean: f64,
    pub p95: f64,
    pub max: f64,
    /// Standard deviation of the population.
    pub std: f64,
}

impl Stats {
    /// Of the times in running order; zeros when there are none. Percentiles are of the nearest
    /// rank above; the median of an even number is the mean of the middle two.
    pub fn of(times: &[f64]) -> Stats {
        let n = times.len();
        if n == 0 {
            return Stats::default();
        }
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mean = times.iter().sum::<f64>() / n as f64;
        let variance = times.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / n as f64;
        Stats {
            first: times[0],
            last: times[n - 1],
            min: sorted[0],
            median: (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0,
            mean,
            p95: sorted[(n * 95).div_ceil(100).max(1) - 1],
            max: sorted[n - 1],
            std: variance.sqrt(),
        }
    }
}

/// The median of times that a clock with steps of `step` showed: between two steps, as if the times of each step were
/// spread evenly over it (the median of grouped data). Without that, layers of less than half a step have no time at
/// all, and 92 layers by a clock of 5 us add up to 5 % less than their runs.
fn stepped_median(times: &[f64], step: f64) -> f64 {
    let n = times.len();
    if n == 0 || step <= 0.0 {
        return Stats::of(times).median;
    }
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = sorted[(n - 1) / 2] - step / 2.0;
    let below = sorted.partition_point(|&ms| ms < low);
    let within = sorted.partition_point(|&ms| ms < low + step) - below;
    low + step * (n as f64 / 2.0 - below as f64) / within as f64
}

/// What a step is: the part of a layer's row that does not change from run to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerInfo {
    /// Index of the file's operator that names the step, as Netron shows it.
    pub index: usize,
    /// That operator's name in TFLite.
    pub op: String,
    /// Name of the tensor that the step makes.
    pub name: String,
    /// Indices of the file's other operators that the step does the work of.
    pub fused: Vec<usize>,
    /// Shapes of the activations it reads.
    pub input_shapes: Vec<Vec<usize>>,
    /// Shape of what it makes.
    pub output_shape: Vec<usize>,
    /// The kernel that runs it.
    pub kernel: String,
    /// Multiply-adds.
    pub macs: u64,
    /// Bytes of activations and constants, each counted once.
    pub bytes: u64,
}

/// The steps of a plan, for people.
pub fn layers(plan: &Plan) -> Vec<LayerInfo> {
    let of = |step: &crate::plan::Step| {
        let about = &step.about;
        LayerInfo {
            index: about.covers.first().map_or(0, |c| c.index),
            op: about.covers.first().map_or("copy", |c| &c.name).to_string(),
            name: about.name.clone(),
            fused: about.covers.iter().skip(1).map(|c| c.index).collect(),
            input_shapes: about.input_shapes.iter().map(|s| s.dims().to_vec()).collect(),
            output_shape: about.output_shape.dims().to_vec(),
            kernel: step.kernel.name(),
            macs: about.macs,
            bytes: about.bytes,
        }
    };
    plan.steps.iter().map(of).collect()
}

/// A layer with its times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerTime {
    /// What it is.
    #[serde(flatten)]
    pub info: LayerInfo,
    /// Milliseconds over the runs that count; with the method `repeated`, its share of each of them.
    pub ms: Stats,
    /// How often it ran in each of the times that were measured of it.
    pub repetitions: usize,
    /// Share of the sum of all layers' mean times, 0 to 1.
    pub share: f64,
    /// 10^9 floating point operations (two a multiply-add of the operator) per second, at the
    /// median.
    pub gflops: f64,
    /// 10^9 bytes per second, at the median.
    pub gbps: f64,
    /// Arithmetic intensity: floating point operations per byte.
    pub intensity: f64,
    /// Share of what the device could do at best at the median, by arithmetic or by memory,
    /// whichever bound is higher: 1 is the limit of direct arithmetic. Kernels that multiply less
    /// often than the operator says (`winograd`) may pass it.
    pub limit_share: f64,
    /// Which of the two limits is the nearer one.
    pub bound: Bound,
}

/// What keeps a layer from being faster, on a device that reaches its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Reading and writing.
    Memory,
}

impl Bound {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Bound::Compute => "compute",
            Bound::Memory => "memory",
        }
    }
}

/// How layers were timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The clock was read once before and after each layer of each run.
    Single,
    /// The clock is too coarse for that: each layer was repeated in its place, and what stretches of
    /// layers take in whole runs was shared out by that. Of warm-up runs, and of the timeline on
    /// several threads, there are single readings all the same.
    Repeated,
}

/// All layers of one operator together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeTime {
    /// TFLite's name.
    pub op: String,
    /// How many layers.
    pub count: usize,
    /// Sum of their mean milliseconds.
    pub ms: f64,
    /// Share of the sum of all layers' mean times, 0 to 1.
    pub share: f64,
}

/// The device's limits with this build, on all threads of the model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// 10^9 floating point operations per second in registers.
    pub gflops: f64,
    /// 10^9 bytes per second, read and written, in a working set of the arena's size.
    pub gbps: f64,
}

/// Where the time of an inference goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Runs that were asked for, or, of a coarse clock, times of runs: at least so many count.
    pub runs: usize,
    /// How many were taken.
    pub taken: usize,
    /// How many of those do not count: they were disturbed, by other programs or by a processor that became slower, and
    /// took over 10 % longer than the fastest ones.
    pub disturbed: usize,
    /// Runs before them.
    pub warmup: usize,
    /// Threads that took part, the calling one included.
    pub threads: usize,
    /// Smallest step of the clock that was seen.
    pub clock_resolution_ms: f64,
    /// How layers were timed.
    pub method: Method,
    /// Runs in each of the times of `total_ms`, of which they are the mean.
    pub repetitions: usize,
    /// From bytes to a model that can run.
    pub init_ms: f64,
    /// The runs before.
    pub warmup_ms: Stats,
    /// Whole runs.
    pub total_ms: Stats,
    /// Layers in running order.
    pub layers: Vec<LayerTime>,
    /// The same by operator, the slowest first.
    pub by_type: Vec<TypeTime>,
    /// The device's limits.
    pub peak: Peak,
    /// What each thread did in one of the runs, an ordinary one: the nearest to the median of up
    /// to 100 that were looked at. On one thread with the method `repeated` it is drawn from the
    /// layers' times. Steps are counted as in `layers`.
    pub timeline: Vec<Part>,
    /// Activations.
    pub arena_bytes: usize,
    /// Packed weights and constants.
    pub weight_bytes: usize,
    /// By how many bytes the program's memory grew from before the file was read to when the model
    /// could run, where the caller can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_bytes: Option<u64>,
}

impl Profile {
    /// How many runs, or times of runs, count.
    pub fn counted(&self) -> usize {
        self.taken.saturating_sub(self.disturbed)
    }
}

/// Joins the times of all steps with what the steps are. Where they were read from a clock one by one, `step` is how
/// far it moves at a time, else 0.
pub(crate) fn layer_times(
    infos: Vec<LayerInfo>,
    samples: &[Samples],
    step: f64,
    peak: Peak,
) -> Vec<LayerTime> {
    let of = |samples: &Samples| {
        let stats = Stats::of(&samples.ms);
        // 95 % may be at the median's own step of the clock.
        Stats { median: stepped_median(&samples.ms, step).min(stats.p95), ..stats }
    };
    let stats: Vec<Stats> = samples.iter().map(of).collect();
    let sum: f64 = stats.iter().map(|s| s.mean).sum();
    let rate = |amount: f64, ms: f64| if ms > 0.0 { amount / ms / 1e6 } else { 0.0 };
    infos
        .into_iter()
        .zip(samples)
        .zip(stats)
        .map(|((info, samples), ms)| {
            let gflops = rate(2.0 * info.macs as f64, ms.median);
            let gbps = rate(info.bytes as f64, ms.median);
            let (compute, memory) = (gflops / peak.gflops, gbps / peak.gbps);
            LayerTime {
                share: if sum > 0.0 { ms.mean / sum } else { 0.0 },
                intensity: 2.0 * info.macs as f64 / info.bytes.max(1) as f64,
                limit_share: compute.max(memory),
                bound: if compute > memory { Bound::Compute } else { Bound::Memory },
                repetitions: samples.repetitions,
                info,
                ms,
                gflops,
                gbps,
            }
        })
        .collect()
}

/// Adds layers up by operator.
pub(crate) fn by_type(layers: &[LayerTime]) -> Vec<TypeTime> {
    let mut types: Vec<TypeTime> = Vec::new();
    for layer in layers {
        let found = types.iter().position(|t| t.op == layer.info.op);
        let at = found.unwrap_or_else(|| {
            types.push(TypeTime { op: layer.info.op.clone(), count: 0, ms: 0.0, share: 0.0 });
            types.len() - 1
        });
        types[at].count += 1;
        types[at].ms += layer.ms.mean;
        types[at].share += layer.share;
    }
    types.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    types
}

/// The smallest difference between two readings of the clock that follow each other; 0, if it stands still.
pub(crate) fn clock_resolution(clock: fn() -> f64) -> f64 {
    (0..20).filter_map(|_| clock_step(clock)).map(|(ms, _)| ms).reduce(f64::min).unwrap_or(0.0)
}

/// How often the clock can be read between two of its steps; 0, if it stands still.
pub(crate) fn readings_per_step(clock: fn() -> f64) -> usize {
    (0..4).filter_map(|_| clock_step(clock)).map(|(_, readings)| readings).max().unwrap_or(0)
}

/// From one reading of the clock to the next other one: milliseconds, and how many readings were the same. None, if it
/// stands still.
#[inline(never)]
fn clock_step(clock: fn() -> f64) -> Option<(f64, usize)> {
    let start = clock();
    let mut later = (0..2_000_000).map(|readings| (clock() - start, readings));
    later.find(|&(ms, _)| ms > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_two_steps_of_the_clock() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        // Half of them at either step.
        assert!(near(stepped_median(&[10.0, 15.0, 10.0, 15.0], 5.0), 12.5));
        // Eleven of twelve times nothing, and once a step.
        let mut seldom = vec![0.0; 11];
        seldom.push(5.0);
        assert!(near(stepped_median(&seldom, 5.0), 5.0 / 22.0));
        assert_eq!(stepped_median(&[0.0; 7], 5.0), 0.0);
        // One time, no time, no clock.
        assert_eq!(stepped_median(&[10.0], 5.0), 10.0);
        assert_eq!(stepped_median(&[], 5.0), 0.0);
        assert_eq!(stepped_median(&[1.0, 2.0], 0.0), 1.5);
        // A fine clock changes nothing.
        assert!((stepped_median(&[1.0, 2.0, 3.0], 1e-4) - 2.0).abs() <= 5e-5);
    }

    #[test]
    fn statistics_of_known_numbers() {
        let s = Stats::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(
            (s.first, s.last, s.min, s.median, s.mean, s.p95, s.max),
            (4.0, 2.0, 1.0, 2.5, 2.5, 4.0, 4.0)
        );
        assert!((s.std - 1.25f64.sqrt()).abs() < 1e-12);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(Stats::of(&hundred).p95, 95.0);
        assert_eq!(Stats::of(&[]), Stats::default());
    }
}
