//! A profile as text, for people.

use super::{LayerTime, Profile, Stats};
use std::fmt::Write;

/// The sections of TFLite's `benchmark_model`.
pub fn text(profile: &Profile) -> String {
    let mut text = format!(
        "initialized in {:.3} ms, {} warm-up runs, {} runs on {} threads\n",
        profile.init_ms, profile.warmup, profile.runs, profile.threads
    );
    line(&mut text, "warm-up", &profile.warmup_ms);
    line(&mut text, "inference", &profile.total_ms);
    let mut by_time: Vec<&LayerTime> = profile.layers.iter().collect();
    by_time.sort_by(|a, b| b.ms.mean.total_cmp(&a.ms.mean));
    by_time.truncate(10);
    table(&mut text, "Run Order", profile.layers.iter());
    table(&mut text, "Top by Computation Time", by_time.into_iter());

    section(&mut text, "Summary by node type");
    text += &format!("{:<32}{:>7}{:>10}{:>8}{:>8}\n", "node type", "count", "avg ms", "%", "cdf %");
    let mut sum = 0.0;
    for t in &profile.by_type {
        sum += t.share;
        let (share, cdf) = (t.share * 100.0, sum * 100.0);
        _ = writeln!(text, "{:<32}{:>7}{:>10.3}{share:>8.2}{cdf:>8.2}", t.op, t.count, t.ms);
    }
    _ = writeln!(
        text,
        "\n{} layers, peak {:.1} GFLOP/s and {:.1} GB/s, arena {} bytes, weights {} bytes",
        profile.layers.len(),
        profile.peak.gflops,
        profile.peak.gbps,
        profile.arena_bytes,
        profile.weight_bytes
    );
    text
}

fn line(text: &mut String, what: &str, ms: &Stats) {
    let Stats { first, min, median, mean, p95, max, std } = ms;
    _ = writeln!(
        text,
        "{what:<10} ms: first {first:.3} min {min:.3} median {median:.3} avg {mean:.3} \
         p95 {p95:.3} max {max:.3} std {std:.3}"
    );
}

fn section(text: &mut String, title: &str) {
    *text += &format!("\n{:=^100}\n", format!(" {title} "));
}

fn table<'a>(text: &mut String, title: &str, layers: impl Iterator<Item = &'a LayerTime>) {
    section(text, title);
    *text += &format!(
        "{:>5}  {:<28}{:>10}{:>10}{:>8}{:>8}{:>9}  {:<16}{}\n",
        "index",
        "node type",
        "first ms",
        "avg ms",
        "%",
        "cdf %",
        "GFLOP/s",
        "output",
        "name, kernel"
    );
    let mut sum = 0.0;
    for layer in layers {
        sum += layer.share;
        let info = &layer.info;
        let shape: Vec<String> = info.output_shape.iter().map(usize::to_string).collect();
        let fused: Vec<String> = info.fused.iter().map(usize::to_string).collect();
        let fused = if fused.is_empty() { String::new() } else { format!(" +{}", fused.join("+")) };
        _ = writeln!(
            text,
            "{:>5}  {:<28}{:>10.3}{:>10.3}{:>8.2}{:>8.2}{:>9.2}  {:<16}{}, {}{fused}",
            info.index,
            info.op,
            layer.ms.first,
            layer.ms.mean,
            layer.share * 100.0,
            sum * 100.0,
            layer.gflops,
            shape.join("x"),
            info.name,
            info.kernel,
        );
    }
}
