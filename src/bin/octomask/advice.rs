//! Text of `advise`.

use octomask::advise::{Advice, LayerRef};
use std::fmt::Write;

/// Columns of a line.
const WIDTH: usize = 100;

/// Layers that are named, at most.
const MAX_NAMED: usize = 12;

/// What to change, the most milliseconds first.
pub fn text(advice: &[Advice], threads: usize) -> String {
    if advice.is_empty() {
        return "Nothing to gain: none of the changes that were tried makes this model faster on this \
                device, or its file much smaller.\n"
            .into();
    }
    let threads = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
    let mut text = format!("measured on this device, on {threads}\n");
    for (n, one) in advice.iter().enumerate() {
        let Advice { title, why, instead, layers, .. } = one;
        _ = writeln!(text, "\n{}. {title}: {}", n + 1, gain(one));
        paragraph(&mut text, "why", why);
        paragraph(&mut text, "instead", instead);
        paragraph(&mut text, "layers", &names(layers));
    }
    text += "\nEach gain is that of one change alone; most changes need training anew. Gains overlap: make one \
             change,\nthen ask again.\n";
    text
}

/// Less is not worth a word beside time that is saved.
const MANY_BYTES: u64 = 100_000;

/// What a change gains, in a few words.
fn gain(advice: &Advice) -> String {
    let Advice { before_ms, after_ms, gain_ms, gain_share, gain_bytes, .. } = advice;
    let size = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    if *gain_ms == 0.0 {
        return format!("saves {} of the file", size(gain_bytes.unwrap_or(0)));
    }
    // Three digits where there are few milliseconds.
    let ms = |ms: f64| if *before_ms < 10.0 { format!("{ms:.3}") } else { format!("{ms:.1}") };
    let (gain, before, after) = (ms(*gain_ms), ms(*before_ms), ms(*after_ms));
    let time = format!("{before} → {after} ms, saves {gain} ms ({:.0} %)", gain_share * 100.0);
    match gain_bytes {
        Some(bytes) if *bytes >= MANY_BYTES => format!("{time} and {} of the file", size(*bytes)),
        _ => time,
    }
}

/// Operators by index, with their names: runs of many are cut short.
fn names(layers: &[LayerRef]) -> String {
    let name = |layer: &LayerRef| format!("{} {}", layer.index, layer.op);
    let named: Vec<String> = layers.iter().take(MAX_NAMED).map(name).collect();
    match layers.len() - named.len() {
        _ if layers.is_empty() => "the whole network".into(),
        0 => named.join(", "),
        rest => format!("{} and {rest} more", named.join(", ")),
    }
}

/// Words in lines, behind what they are about.
fn paragraph(text: &mut String, about: &str, words: &str) {
    const INDENT: usize = 12;
    let mut line = format!("   {:<width$}", format!("{about}:"), width = INDENT - 3);
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH && line.len() > INDENT {
            *text += &(line.trim_end().to_string() + "\n");
            line = " ".repeat(INDENT);
        }
        line += word;
        line.push(' ');
    }
    *text += &(line.trim_end().to_string() + "\n");
}
