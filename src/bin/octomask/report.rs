//! Text of `inspect`, and the clock of `profile`.

use octomask::Model;
use octomask::graph::Graph;
use octomask::tensor::{Quantization, TensorDef};
use std::collections::BTreeMap;
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
