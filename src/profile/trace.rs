//! The run of a profile's timeline as a Chrome trace (the "Trace Event Format"), which
//! ui.perfetto.dev and chrome://tracing open.
//!
//! One track has the run and the steps in it; a step lasts until the last thread is through with it.
//! Below it each thread has a track with its own part of each step.

use super::{LayerTime, Profile};
use crate::session::Part;
use std::fmt::{self, Display, Write};

/// The process that all tracks belong to.
const PROCESS: usize = 1;

/// The track of the run; those of the threads follow. None is 0, which readers take for the idle
/// process.
const RUN: usize = 1;

/// The whole file. Times are microseconds from the beginning of the run.
pub fn json(profile: &Profile) -> String {
    let mut events = Vec::new();
    // Category and time as Chrome's own traces have them: some readers insist.
    let named = |what: &str, track: usize, name: &dyn Display| {
        let name = Text(&name.to_string()).to_string();
        format!(
            r#"{{"ph":"M","name":"{what}","cat":"__metadata","ts":0,"pid":{PROCESS},"tid":{track},"args":{{"name":{name}}}}}"#
        )
    };
    events.push(named("process_name", RUN, &"octomask"));
    events.push(named("thread_name", RUN, &"run"));
    for thread in 0..profile.threads {
        events.push(named("thread_name", RUN + 1 + thread, &format_args!("thread {thread}")));
    }
    let steps = extents(profile);
    let end = steps.last().map_or(0, |&(_, end)| end);
    events.push(event(
        "run",
        "run",
        RUN,
        (0, end),
        &format!(r#"{{"runs":{}}}"#, profile.counted()),
    ));
    for (step, (layer, extent)) in profile.layers.iter().zip(steps).enumerate() {
        events.push(event(&layer.info.op, "step", RUN, extent, &args(step, layer)));
    }
    for part in &profile.timeline {
        let Some(layer) = profile.layers.get(part.step) else { continue };
        let extent = (nanoseconds(part.start_ms), nanoseconds(part.end_ms));
        let track = RUN + 1 + part.thread;
        events.push(event(&layer.info.op, "part", track, extent, &args(part.step, layer)));
    }
    format!(
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"clockResolutionMs\":{}}},\"traceEvents\":[\n{}\n]}}\n",
        number(profile.clock_resolution_ms),
        events.join(",\n")
    )
}

/// Start and end of each step in nanoseconds. They follow each other without gaps: waiting for other
/// threads is part of a step.
fn extents(profile: &Profile) -> Vec<(u64, u64)> {
    let mut ends = vec![0; profile.layers.len()];
    for Part { step, end_ms, .. } in &profile.timeline {
        if let Some(end) = ends.get_mut(*step) {
            *end = nanoseconds(*end_ms).max(*end);
        }
    }
    let follow = |last: &mut u64, end: u64| {
        let start = *last;
        *last = end.max(start);
        Some((start, *last))
    };
    ends.into_iter().scan(0, follow).collect()
}

/// Whole numbers: the end of one event and the beginning of the next one must not differ by what
/// rounding leaves.
fn nanoseconds(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}

/// A complete event.
fn event(name: &str, category: &str, track: usize, extent: (u64, u64), args: &str) -> String {
    let (start, end) = extent;
    let us = |ns: u64| format!("{}.{:03}", ns / 1000, ns % 1000);
    format!(
        r#"{{"ph":"X","name":{},"cat":"{category}","pid":{PROCESS},"tid":{track},"ts":{},"dur":{},"args":{args}}}"#,
        Text(name),
        us(start),
        us(end.saturating_sub(start))
    )
}

/// What a reader shows of a step that is clicked on.
fn args(step: usize, layer: &LayerTime) -> String {
    let info = &layer.info;
    let list = |numbers: &[usize]| {
        let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
        format!("[{}]", numbers.join(","))
    };
    let inputs: Vec<String> = info.input_shapes.iter().map(|shape| list(shape)).collect();
    let fields = [
        ("step", step.to_string()),
        ("index", info.index.to_string()),
        ("op", Text(&info.op).to_string()),
        ("name", Text(&info.name).to_string()),
        ("fused", list(&info.fused)),
        ("kernel", Text(&info.kernel).to_string()),
        ("inputShapes", format!("[{}]", inputs.join(","))),
        ("outputShape", list(&info.output_shape)),
        ("macs", info.macs.to_string()),
        ("bytes", info.bytes.to_string()),
        ("gflops", number(layer.gflops)),
        ("gbps", number(layer.gbps)),
        ("intensity", number(layer.intensity)),
        ("limitShare", number(layer.limit_share)),
        ("bound", Text(layer.bound.name()).to_string()),
        ("meanMs", number(layer.ms.mean)),
    ];
    let fields = fields.map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}", fields.join(","))
}

/// JSON has no infinities.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { "null".to_string() }
}

/// A string as JSON wants it.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    #[test]
    fn every_character_comes_back() {
        let all: String = (0..=0x2fff).chain(0xfff0..0x1_0010).filter_map(char::from_u32).collect();
        let read: String = serde_json::from_str(&Text(&all).to_string()).unwrap();
        assert_eq!(read, all);
        for x in [0.0, -1.5, 1e-300, 1e300, f64::MAX, 1.0 / 3.0] {
            let read: f64 = serde_json::from_str(&number(x)).unwrap();
            assert!((read - x).abs() <= 1e-15 * x.abs(), "{x}: {read}");
        }
        assert_eq!(number(f64::NAN), "null");
    }
}
