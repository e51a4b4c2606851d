//! `sweep`: time and agreement of masks against the input size.

use crate::args::Sweep as Args;
use crate::{Result, at, picture, read, report, show, write};
use octomask::segment::Frame;
use octomask::sweep::{Row, Sweep, SweepOptions, sweep};
use std::fmt::Write;

/// Characters of the longest bar.
const BAR: usize = 24;
/// What the article that this product came from expects of half the sides.
const EXPECTED: &str = "a quarter (25 %)";

pub fn run(args: &Args) -> Result<()> {
    let bytes = read(&args.model)?;
    let pixels = match &args.picture {
        Some(path) => Some(picture::read(&read(path)?).map_err(at(path))?),
        None => None,
    };
    let frame = pixels.as_ref().map(|(rgba, width, height)| Frame::rgba(rgba, *width, *height));
    let options =
        SweepOptions { long_sides: args.sizes.clone(), runs: args.runs, threads: args.threads };
    let made = sweep(&bytes, frame.as_ref(), &options, report::clock).map_err(at(&args.model))?;
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&made).map_err(at(path))?;
        write(path, (json + "\n").as_bytes())?;
    }
    if let Some(path) = &args.csv {
        write(path, csv(&made).as_bytes())?;
    }
    show(&text(&made))
}

fn size([height, width]: [usize; 2]) -> String {
    format!("{height}x{width}")
}

/// A table with bars of the times, and what half the sides bought.
fn text(sweep: &Sweep) -> String {
    let mut text = format!(
        "{} runs of each size in turn on {} threads; times are medians, relative to {}\n\n",
        sweep.runs,
        sweep.threads,
        size(sweep.reference)
    );
    let longest = sweep.rows.iter().map(|row| row.ms.median).fold(0.0, f64::max);
    _ = writeln!(
        text,
        "{:>11}{:>10}{:>10}  {:<BAR$}{:>10}{:>8}{:>11}",
        "size", "ms", "relative", "", "M MACs", "IoU", "agreement"
    );
    for row in &sweep.rows {
        let Row { height, width, ms, relative, macs, iou, agreement } = row;
        let ratio = if longest > 0.0 { ms.median / longest } else { 0.0 };
        let bar = "#".repeat(((ratio * BAR as f64).round() as usize).clamp(1, BAR));
        let part = |p: Option<f64>| p.map_or("-".to_string(), |p| format!("{p:.3}"));
        let mark = if sweep.reference == [*height, *width] { "*" } else { " " };
        _ = writeln!(
            text,
            "{:>11}{:>10.3}{:>10.3}  {bar:<BAR$}{:>10.1}{:>8}{:>11}",
            format!("{mark} {height}x{width}"),
            ms.median,
            relative,
            *macs as f64 / 1e6,
            part(*iou),
            part(*agreement),
        );
    }
    for refused in &sweep.refused {
        let what = size([refused.height, refused.width]);
        _ = writeln!(text, "{what:>11}  cannot run: {}", refused.reason);
    }
    text.push('\n');
    match sweep.compared {
        Some(to) => {
            _ = writeln!(text, "masks are compared at {} pixels with that at *", size(to));
        }
        None => text += "no picture was given with --picture: masks are not compared\n",
    }
    _ = match &sweep.halving {
        Some(halving) => writeln!(
            text,
            "half the sides ({} to {}) took {:.0} % of the time and {:.0} % of the \
             multiply-adds; the article expects {EXPECTED}",
            size(halving.from),
            size(halving.to),
            100.0 * halving.time,
            100.0 * halving.macs,
        ),
        None => {
            writeln!(text, "no size is half of another one: nothing to hold against {EXPECTED}")
        }
    };
    text
}

/// One row for each size, those that cannot run with the reason.
fn csv(sweep: &Sweep) -> String {
    let mut text = "height,width,first_ms,min_ms,median_ms,mean_ms,p95_ms,max_ms,std_ms,relative,\
                    macs,iou,agreement,refused\n"
        .to_string();
    for row in &sweep.rows {
        let ms = &row.ms;
        let times = [ms.first, ms.min, ms.median, ms.mean, ms.p95, ms.max, ms.std, row.relative];
        let times: Vec<String> = times.iter().map(|n| format!("{n:.6}")).collect();
        let part = |p: Option<f64>| p.map_or(String::new(), |p| format!("{p:.6}"));
        let (times, iou, agreement) = (times.join(","), part(row.iou), part(row.agreement));
        _ = writeln!(text, "{},{},{times},{},{iou},{agreement},", row.height, row.width, row.macs);
    }
    for refused in &sweep.refused {
        // One line, as all errors are; quotes as CSV wants them.
        let reason = refused.reason.replace('"', "\"\"");
        _ = writeln!(text, "{},{},,,,,,,,,,,,\"{reason}\"", refused.height, refused.width);
    }
    text
}
