//! Text of `inspect` and `profile`.

use octomask::Model;
use octomask::graph::Graph;
use octomask::profile::{LayerTime, Profile, Stats};
use octomask::tensor::{Quantization, TensorDef};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::OnceLock;
use std::time::Instant;

/// Milliseconds since the first call.
pub fn clock() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

/// What a model is, in a few lines.
pub fn summary(file: &Graph, model: &Model, bytes: usize) -> String {
    let mut ops: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &file.nodes {
        *ops.entry(&node.source().name).or_default() += 1;
    }
    let ops: Vec<String> = ops.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let sizes: Vec<String> = model.sizes().iter().map(|[h, w]| format!("{h}x{w}")).collect();
    let layers = model.layers();
    let macs: u64 = layers.iter().map(|l| l.macs).sum();
    let mut text = String::new();
    let mut line = |name: &str, value: String| text += &format!("{name:<12}{value}\n");
    line("model", format!("'{}', {bytes} bytes", file.name));
    for input in model.inputs() {
        line("input", describe(input));
    }
    for output in model.outputs() {
        line("output", describe(output));
    }
    line("operators", format!("{}: {}", file.nodes.len(), ops.join(", ")));
    line("steps", format!("{}, {:.1} million multiply-adds", layers.len(), macs as f64 / 1e6));
    line("weights", format!("{} bytes", model.weight_bytes()));
    line("arena", format!("{} bytes", model.arena_bytes()));
    if !sizes.is_empty() {
        line("sizes", sizes.join(" "));
    }
    text
}

fn describe(tensor: &TensorDef) -> String {
    let quantization = match &tensor.quantization {
        Some(Quantization { scale, zero_point, .. }) if scale.len() == 1 => {
            format!(", scale {} zero point {}", scale[0], zero_point[0])
        }
        Some(Quantization { scale, axis, .. }) => {
            format!(", {} scales along axis {axis}", scale.len())
        }
        None => String::new(),
    };
    format!("'{}' {} {}{quantization}", tensor.name, tensor.shape, tensor.dtype)
}

/// The sections of TFLite's `benchmark_model`.
pub fn profile(profile: &Profile, threads: usize) -> String {
    let mut text = format!(
        "initialized in {:.3} ms, {} warm-up runs, {} runs on {threads} threads\n",
        profile.init_ms, profile.warmup, profile.runs
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

/// One row for each layer.
pub fn csv(profile: &Profile) -> String {
    let mut text = "index,op,name,fused,input_shapes,output_shape,kernel,macs,bytes,\
                    first_ms,min_ms,median_ms,mean_ms,p95_ms,max_ms,std_ms,share,gflops,limit_share\n"
        .to_string();
    let join = |list: &[usize], by: &str| {
        list.iter().map(usize::to_string).collect::<Vec<String>>().join(by)
    };
    for layer in &profile.layers {
        let (info, ms) = (&layer.info, &layer.ms);
        let inputs: Vec<String> = info.input_shapes.iter().map(|s| join(s, "x")).collect();
        let numbers = [
            ms.first,
            ms.min,
            ms.median,
            ms.mean,
            ms.p95,
            ms.max,
            ms.std,
            layer.share,
            layer.gflops,
            layer.limit_share,
        ];
        let numbers: Vec<String> = numbers.iter().map(|n| format!("{n:.6}")).collect();
        let cells = [
            info.index.to_string(),
            quoted(&info.op),
            quoted(&info.name),
            join(&info.fused, " "),
            inputs.join(" "),
            join(&info.output_shape, "x"),
            quoted(&info.kernel),
            info.macs.to_string(),
            info.bytes.to_string(),
            numbers.join(","),
        ];
        text += &(cells.join(",") + "\n");
    }
    text
}

/// A cell as CSV wants it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_string()
}
