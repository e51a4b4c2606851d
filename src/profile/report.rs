//! A profile as text, for people: the sections of TFLite's `benchmark_model
//! --enable_op_profiling`, with what each layer computed and moved added to its row.

use super::{LayerInfo, LayerTime, Method, Profile, Stats};
use std::fmt::{Display, Write};

/// Columns of the tables: what a row of a layer takes.
const WIDTH: usize = 114;

/// Layers in "Top by Computation Time".
const TOP: usize = 10;

/// The whole report. Tables are at most 114 columns wide.
pub fn text(profile: &Profile) -> String {
    let mut text = String::new();
    overview(&mut text, profile);
    section(&mut text, "Run Order");
    layers(&mut text, profile.layers.iter());
    section(&mut text, "Top by Computation Time");
    let mut by_time: Vec<&LayerTime> = profile.layers.iter().collect();
    by_time.sort_by(|a, b| b.ms.mean.total_cmp(&a.ms.mean));
    layers(&mut text, by_time.into_iter().take(TOP));
    section(&mut text, "Summary by node type");
    types(&mut text, profile);
    text.push('\n');
    timings(&mut text, profile);
    text
}

/// How it was measured, and the times of the three phases.
fn overview(text: &mut String, profile: &Profile) {
    let Profile { warmup, threads, init_ms, warmup_ms, total_ms, .. } = profile;
    let first = if *warmup > 0 { warmup_ms.first } else { total_ms.first };
    _ = writeln!(
        text,
        "{}, {}, {}; the clock steps by {:.2} us.",
        many(profile.runs, "run"),
        many(*warmup, "warm-up run"),
        many(*threads, "thread"),
        us(profile.clock_resolution_ms)
    );
    if profile.taken > profile.runs {
        _ = writeln!(
            text,
            "{} were taken; the {} that nothing disturbed count.",
            many(profile.taken, "run"),
            profile.counted()
        );
    }
    if profile.method == Method::Repeated {
        let counts = || profile.layers.iter().map(|layer| layer.repetitions);
        _ = writeln!(
            text,
            "That is coarse: each time is the mean of {}, and layers, repeated {} to {} times, share it.",
            many(profile.repetitions, "run"),
            counts().min().unwrap_or(0),
            counts().max().unwrap_or(0)
        );
    }
    _ = writeln!(
        text,
        "Inference timings in us: Init: {:.0}, First inference: {:.0}, Warmup (avg): {:.1}, \
         Inference (avg): {:.1}",
        us(*init_ms),
        us(first),
        us(warmup_ms.mean),
        us(total_ms.mean)
    );
}

/// "1 run", "2 runs".
fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn us(ms: f64) -> f64 {
    ms * 1e3
}

fn section(text: &mut String, title: &str) {
    _ = writeln!(text, "\n{:=^WIDTH$}", format!(" {title} "));
}

/// Two lines for each layer: its numbers, and below what it is.
fn layers<'a>(text: &mut String, layers: impl Iterator<Item = &'a LayerTime>) {
    _ = writeln!(
        text,
        "{:>5}  {:<20}{:>9}{:>9}{:>7}{:>7}{:>8}{:>8}{:>9}{:>7}{:>8}  limit",
        "index",
        "node type",
        "first ms",
        "avg ms",
        "%",
        "cdf %",
        "MACs",
        "bytes",
        "GFLOP/s",
        "GB/s",
        "FLOP/B"
    );
    let mut sum = 0.0;
    for layer in layers {
        sum += layer.share;
        let info = &layer.info;
        // Where nothing is multiplied, nothing is said of multiplying.
        let arithmetic = |value: String| if info.macs > 0 { value } else { "-".to_string() };
        _ = writeln!(
            text,
            "{:>5}  {:<20}{:>9.3}{:>9.3}{:>7.2}{:>7.2}{:>8}{:>8}{:>9}{:>7.2}{:>8}{:>5.0} % {}",
            info.index,
            cut(&info.op, 20),
            layer.ms.first,
            layer.ms.mean,
            layer.share * 100.0,
            sum * 100.0,
            arithmetic(short(info.macs)),
            short(info.bytes),
            arithmetic(format!("{:.2}", layer.gflops)),
            layer.gbps,
            arithmetic(format!("{:.2}", layer.intensity)),
            layer.limit_share * 100.0,
            layer.bound.name()
        );
        let mut about = format!("{:7}{:<42}  {:<20}  ", "", shapes(info), info.kernel);
        if !info.fused.is_empty() {
            about += &format!("with {}  ", list(&info.fused, " "));
        }
        // Most names get more room than this: lists of operands and kernels are seldom long.
        let about = cut(&about, WIDTH - 20);
        let name = cut(&info.name, WIDTH - about.chars().count());
        _ = writeln!(text, "{about}{name}");
    }
}

/// `1x8x8x16, 1x1x1x16 -> 1x8x8x16`.
fn shapes(info: &LayerInfo) -> String {
    let inputs: Vec<String> = info.input_shapes.iter().map(|shape| list(shape, "x")).collect();
    format!("{} -> {}", inputs.join(", "), list(&info.output_shape, "x"))
}

/// Numbers with something in between.
fn list(numbers: &[impl Display], between: &str) -> String {
    numbers.iter().map(|n| n.to_string()).collect::<Vec<String>>().join(between)
}

/// Three digits and a unit: 999, 12.3k, 4.56M.
fn short(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["", "k", "M", "G"] {
        // What would be written as 1000 has the next unit.
        if value < 999.5 {
            let decimals = match value {
                _ if unit.is_empty() || value >= 99.95 => 0,
                _ if value >= 9.995 => 1,
                _ => 2,
            };
            return format!("{value:.decimals$}{unit}");
        }
        value /= 1e3;
    }
    format!("{value:.0}T")
}

/// At most so many characters, taken out of the middle where there are more: names of tensors begin
/// alike and end alike. Control characters, which a terminal would obey, are replaced.
fn cut(name: &str, width: usize) -> String {
    let replaced = |c: char| if c.is_control() { '?' } else { c };
    let chars: Vec<char> = name.chars().map(replaced).collect();
    if chars.len() <= width {
        return chars.into_iter().collect();
    }
    let (head, tail) = (width / 2, width - width / 2 - 1);
    let kept = [&chars[..head], &['…'], &chars[chars.len() - tail..]];
    kept.concat().into_iter().collect()
}

fn types(text: &mut String, profile: &Profile) {
    _ = writeln!(
        text,
        "{:<32}{:>7}{:>10}{:>9}{:>9}{:>14}",
        "node type", "count", "avg ms", "avg %", "cdf %", "times called"
    );
    let mut sum = 0.0;
    for t in &profile.by_type {
        sum += t.share;
        _ = writeln!(
            text,
            "{:<32}{:>7}{:>10.3}{:>9.2}{:>9.2}{:>14}",
            cut(&t.op, 32),
            t.count,
            t.ms,
            t.share * 100.0,
            sum * 100.0,
            t.count // Every layer runs once in a run.
        );
    }
}

fn timings(text: &mut String, profile: &Profile) {
    let Profile { total_ms, peak, layers, .. } = profile;
    let Stats { first, last, min, max, mean, std, .. } = *total_ms;
    _ = writeln!(
        text,
        "Timings (microseconds): count={} first={:.0} curr={:.0} min={:.0} max={:.0} avg={:.1} std={:.1}",
        profile.counted(),
        us(first),
        us(last),
        us(min),
        us(max),
        us(mean),
        us(std)
    );
    let load = match profile.load_bytes {
        Some(bytes) => format!(" loading={bytes}"),
        None => String::new(),
    };
    _ = writeln!(
        text,
        "Memory (bytes): arena={} weights={}{load}",
        profile.arena_bytes, profile.weight_bytes
    );
    _ = writeln!(
        text,
        "Limits of this device: {:.1} GFLOP/s, {:.1} GB/s; layers under {:.2} FLOP/B are bound by memory.",
        peak.gflops,
        peak.gbps,
        peak.gflops / peak.gbps
    );
    _ = writeln!(text, "{} nodes observed", layers.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("RESIZE_NEAREST_NEIGHBOR", 20), "RESIZE_NEA…_NEIGHBOR");
        assert_eq!(cut("a\u{1b}[31mb\n", 20), "a?[31mb?");
        for width in 1..12 {
            assert_eq!(cut("Übungsname", width).chars().count(), width.min(10));
        }
    }

    #[test]
    fn counts_have_three_digits() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.00k"),
            (9_994, "9.99k"),
            (9_996, "10.0k"),
            (99_949, "99.9k"),
            (99_960, "100k"),
            (999_499, "999k"),
            (999_500, "1.00M"),
            (14_155_776, "14.2M"),
            (3_210_000_000, "3.21G"),
            (u64::MAX, "18446744T"),
        ] {
            assert_eq!(short(count), text);
        }
    }
}
