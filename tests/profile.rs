//! Profiles and what is written of them.

mod common;

use common::{alone, now_ms};
use octomask::profile::{
    Bound, LayerInfo, LayerTime, Method, Part, Peak, Profile, Stats, TypeTime, csv, report, trace,
};
use octomask::{Model, Options};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// Two layers, the second one with a name that no format may stumble over.
fn example() -> Profile {
    let stats = |ms: f64| Stats {
        first: ms,
        last: ms * 1.5,
        min: ms / 2.0,
        median: ms,
        mean: ms,
        p95: 2.0 * ms,
        max: 2.0 * ms,
        std: ms / 4.0,
    };
    let conv = LayerInfo {
        index: 0,
        op: "CONV_2D".to_string(),
        name: "relu".to_string(),
        fused: vec![1, 2],
        input_shapes: vec![vec![1, 8, 8, 3]],
        output_shape: vec![1, 8, 8, 16],
        kernel: "conv 3x3 s1 4x8".to_string(),
        macs: 27_648,
        bytes: 6_592,
    };
    let add = LayerInfo {
        index: 3,
        op: "ADD".to_string(),
        name: "a \"sum\", of\r\n\ttwo \\ Übung \u{1}\u{2028}😀".to_string(),
        fused: vec![],
        input_shapes: vec![vec![1, 8, 8, 16], vec![1, 1, 1, 16]],
        output_shape: vec![1, 8, 8, 16],
        kernel: "add".to_string(),
        macs: 0,
        bytes: 8_256,
    };
    let layer = |info, ms, share, gflops, bound| LayerTime {
        info,
        ms: stats(ms),
        repetitions: 1,
        share,
        gflops,
        gbps: 2.0,
        intensity: gflops / 2.0,
        limit_share: 0.5,
        bound,
    };
    let of_type = |op: &str, ms, share| TypeTime { op: op.to_string(), count: 1, ms, share };
    let part = |thread, step, start_ms, end_ms| Part { thread, step, start_ms, end_ms };
    Profile {
        runs: 3,
        taken: 30,
        disturbed: 4,
        warmup: 1,
        threads: 2,
        clock_resolution_ms: 0.005,
        method: Method::Single,
        repetitions: 1,
        init_ms: 12.0,
        warmup_ms: stats(5.0),
        total_ms: stats(4.0),
        layers: vec![
            layer(conv, 3.0, 0.75, 18.4, Bound::Compute),
            layer(add, 1.0, 0.25, 0.0, Bound::Memory),
        ],
        by_type: vec![of_type("CONV_2D", 3.0, 0.75), of_type("ADD", 1.0, 0.25)],
        peak: Peak { gflops: 55.0, gbps: 20.0 },
        timeline: vec![part(0, 0, 0.0, 2.5), part(1, 0, 0.25, 3.0), part(0, 1, 3.0, 4.0)],
        arena_bytes: 8_192,
        weight_bytes: 1_792,
        load_bytes: Some(100_000),
    }
}

/// JavaScript writes 3.0 as 3.
fn as_javascript_has_it(value: Value) -> Value {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(x) if x.fract() == 0.0 => Value::from(x as i64),
            _ => Value::Number(n),
        },
        Value::Array(list) => list.into_iter().map(as_javascript_has_it).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, as_javascript_has_it(v))).collect(),
        other => other,
    }
}

/// The module that writes profiles down gets them from the one that measures through JavaScript.
#[test]
fn a_profile_comes_back_from_javascript() {
    let value = as_javascript_has_it(serde_json::to_value(example()).unwrap());
    for name in ["clockResolutionMs", "initMs", "warmupMs", "totalMs", "byType", "arenaBytes"] {
        assert!(!value[name].is_null(), "{name}");
    }
    for name in ["index", "inputShapes", "outputShape", "limitShare"] {
        assert!(!value["layers"][0][name].is_null(), "{name}");
    }
    assert_eq!(serde_json::from_value::<Profile>(value).unwrap(), example());
}

#[test]
fn cells_of_csv_are_quoted_where_they_must_be() {
    let text = csv::table(&example());
    let quoted =
        "3,ADD,\"a \"\"sum\"\", of\r\n\ttwo \\ Übung \u{1}\u{2028}😀\",,1x8x8x16 1x1x1x16,";
    assert!(text.contains(quoted), "{text}");
}

#[test]
fn the_report_aligns_and_fits_in_a_terminal() {
    let text = report::text(&example());
    assert!(text.lines().all(|line| line.chars().count() <= 114), "{text}");
    let obeyed = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(obeyed), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    // Under each column's title, at its right edge, ends a number.
    let header =
        lines.iter().position(|l| l.contains("node type  ") && l.contains("MACs")).unwrap();
    for title in ["first ms", "avg ms", "cdf %", "MACs", "bytes", "GFLOP/s", "GB/s", "FLOP/B"] {
        let end = lines[header].find(title).unwrap() + title.len();
        for row in [header + 1, header + 3] {
            assert!(lines[row].is_char_boundary(end), "{title}: {}", lines[row]);
            let around = &lines[row][end - 1..end + 1];
            assert!(!around.starts_with(' ') && around.ends_with(' '), "{title}: {}", lines[row]);
        }
    }
    for what in [
        "3 runs, 1 warm-up run, 2 threads; the clock steps by 5.00 us",
        "30 runs were taken; the 26 that nothing disturbed count.",
        "Init: 12000, First inference: 5000, Warmup (avg): 5000.0, Inference (avg): 4000.0",
        "1x8x8x3 -> 1x8x8x16                         conv 3x3 s1 4x8       with 1 2  relu",
        "1x8x8x16, 1x1x1x16 -> 1x8x8x16              add                   a \"sum\", of???two \\ Übung ?",
        "count=26 first=4000 curr=6000 min=2000 max=8000 avg=4000.0 std=1000.0",
        "arena=8192 weights=1792 loading=100000",
        "55.0 GFLOP/s, 20.0 GB/s; layers under 2.75 FLOP/B",
        "2 nodes observed",
    ] {
        assert!(text.contains(what), "{what}:\n{text}");
    }
    assert!(!text.contains("coarse"), "{text}");
    let coarse = Profile { method: Method::Repeated, repetitions: 6, ..example() };
    let said =
        "coarse: each time is the mean of 6 runs, and layers, repeated 1 to 1 times, share it.";
    assert!(report::text(&coarse).contains(said));
    let share = |line: &str| line.split_whitespace().rev().nth(2).map(str::to_string);
    assert_eq!(share(lines[header + 1]), Some("50".to_string()));
    assert!(lines[header + 1].ends_with("% compute") && lines[header + 3].ends_with("% memory"));
}

/// A committed network.
fn network(name: &str, options: &Options) -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/networks").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Model::load(&bytes, options).unwrap()
}

#[test]
fn the_timeline_is_of_one_run_and_all_threads() {
    let _alone = alone();
    for threads in [1, 2, 3] {
        let options = Options { threads, ..Options::default() };
        let mut model = network("mobilenetv2_deeplab/float32.tflite", &options);
        // On a busy machine other threads may sleep through a run, and of three not all may ever
        // find a processor.
        let everyone = (0..200).any(|_| {
            let profile = model.profile(now_ms, 5, 2, 0.0);
            let timeline = &profile.timeline;
            let mut lines = vec![Vec::new(); threads];
            for part in timeline {
                assert!(part.step < profile.layers.len(), "{part:?}");
                assert!(0.0 <= part.start_ms && part.start_ms <= part.end_ms, "{part:?}");
                lines[part.thread].push(*part);
            }
            for line in &lines {
                for pair in line.windows(2) {
                    assert!(pair[0].step < pair[1].step, "{pair:?}");
                    assert!(pair[0].end_ms <= pair[1].start_ms, "{pair:?}");
                }
            }
            for step in 0..profile.layers.len() {
                assert!(timeline.iter().any(|part| part.step == step), "step {step}");
            }
            let end = timeline.iter().fold(0.0, |end: f64, part| end.max(part.end_ms));
            assert!(end <= profile.total_ms.max, "{end} {:?}", profile.total_ms);
            lines.iter().take(2).all(|line| !line.is_empty())
        });
        assert!(everyone, "of {threads} threads one never took part");
    }
}

#[test]
fn the_trace_is_json_with_a_track_for_each_thread() {
    let trace: Value = serde_json::from_str(&trace::json(&example())).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |kind: &str| events.iter().filter(|e| e["ph"] == kind).collect::<Vec<&Value>>();
    let names: Vec<&Value> = of("M").iter().map(|e| &e["args"]["name"]).collect();
    assert_eq!(names, ["octomask", "run", "thread 0", "thread 1"]);
    // Track, start and length in microseconds. The first step lasts until both threads are through.
    let times: Vec<(u64, f64, f64)> = of("X")
        .iter()
        .map(|e| {
            (e["tid"].as_u64().unwrap(), e["ts"].as_f64().unwrap(), e["dur"].as_f64().unwrap())
        })
        .collect();
    let expected = [
        (1, 0.0, 4000.0),
        (1, 0.0, 3000.0),
        (1, 3000.0, 1000.0),
        (2, 0.0, 2500.0),
        (3, 250.0, 2750.0),
        (2, 3000.0, 1000.0),
    ];
    assert_eq!(times, expected);
    assert_eq!(of("X")[2]["args"]["name"], example().layers[1].info.name.as_str());
    // Nothing that a thread did: nothing to show of it.
    let empty = Profile { layers: Vec::new(), timeline: Vec::new(), ..example() };
    assert!(serde_json::from_str::<Value>(&trace::json(&empty)).is_ok());
    // A timeline that is not of these layers, as a page might pass it.
    let mixed = Profile { layers: Vec::new(), ..example() };
    assert!(serde_json::from_str::<Value>(&trace::json(&mixed)).is_ok());
}

/// A clock of whole milliseconds, as some browsers have it.
fn coarse_ms() -> f64 {
    now_ms().floor()
}

/// What a profile by a coarse clock says otherwise than one by a fine clock. Both may have had more or
/// less of the processor: what is compared are shares of the whole.
fn differences(fine: &Profile, coarse: &Profile) -> Vec<String> {
    let mut all = Vec::new();
    let sum: f64 = coarse.layers.iter().map(|layer| layer.ms.mean).sum();
    if (sum / coarse.total_ms.mean - 1.0).abs() > 0.05 {
        all.push(format!("layers {sum:.3} ms, runs {:.3} ms", coarse.total_ms.mean));
    }
    let fine_sum: f64 = fine.layers.iter().map(|layer| layer.ms.median).sum();
    for (fine, coarse) in fine.layers.iter().zip(&coarse.layers) {
        let expected = fine.ms.median / fine_sum * sum;
        if fine.ms.median > 0.1 && !(0.6..1.6).contains(&(coarse.ms.mean / expected)) {
            let index = fine.info.index;
            all.push(format!("{index}: {expected:.3} ms, coarse {:.3} ms", coarse.ms.mean));
        }
    }
    all
}

#[test]
fn a_coarse_clock_tells_layers_as_a_fine_one_does() {
    let _alone = alone();
    let mut model = network("mobilenetv3_lraspp/float32.tflite", &Options::default());
    model.resize(256, 256).unwrap();
    // Other programs may take the processor at any time: one quiet moment is enough.
    let mut seen = Vec::new();
    for _ in 0..15 {
        let fine = model.profile(now_ms, 50, 5, 0.0);
        let coarse = model.profile(coarse_ms, 50, 5, 0.0);
        assert_eq!((fine.method, fine.repetitions), (Method::Single, 1));
        assert_eq!((coarse.method, coarse.clock_resolution_ms), (Method::Repeated, 1.0));
        assert!(coarse.layers.iter().any(|layer| layer.repetitions > 1));
        assert!(fine.layers.iter().any(|layer| layer.ms.median > 0.1));
        assert_eq!((coarse.runs, coarse.timeline.len()), (50, coarse.layers.len()));
        seen.push(differences(&fine, &coarse));
        if seen.last().is_some_and(Vec::is_empty) {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("{seen:#?}");
}

#[test]
fn a_coarse_clock_is_no_matter_on_two_threads_or_for_the_outputs() {
    let _alone = alone();
    let options = Options { threads: 2, ..Options::default() };
    let mut model = network("shufflenet_unet/int8.tflite", &options);
    model.run();
    let expected = model.output(0).unwrap().to_data();
    let mut sums = (0..10).map(|_| {
        let profile = model.profile(coarse_ms, 3, 0, 0.0);
        assert_eq!((profile.method, profile.runs, profile.warmup), (Method::Repeated, 3, 0));
        assert!(model.output(0).unwrap().to_data() == expected);
        let sum: f64 = profile.layers.iter().map(|layer| layer.ms.mean).sum();
        (sum / profile.total_ms.mean - 1.0).abs()
    });
    assert!(sums.any(|off| off <= 0.05));
}
