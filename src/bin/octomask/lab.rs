//! `lab`: the blocks of networks side by side.

use crate::args::Lab;
use crate::report::clock;
use crate::{Result, at, show, write};
use octomask::lab::{EXPERIMENTS, Experiment, Report, Setup};
use octomask::timing::Effort;
use std::fmt::Write;

pub fn lab(args: &Lab) -> Result<()> {
    let Some(name) = &args.experiment else { return show(&list()) };
    let experiments: Vec<&Experiment> = match name.as_str() {
        "all" => EXPERIMENTS.iter().collect(),
        name => vec![Experiment::of(name).ok_or_else(|| unknown(name))?],
    };
    let setup = Setup { size: args.size, channels: args.channels, form: args.form };
    let mut built = Vec::new();
    for experiment in &experiments {
        // With `all`, what compares forms itself is left out in any other than the plain one.
        if experiment.of_forms && setup.form != Default::default() && experiments.len() > 1 {
            continue;
        }
        built.push((experiment, experiment.build(&setup).map_err(|e| e.to_string())?));
    }
    if let Some(folder) = &args.save {
        std::fs::create_dir_all(folder).map_err(at(folder))?;
        for (experiment, variants) in &built {
            for variant in variants {
                let name = format!("{}.{}.tflite", experiment.name, variant.slug());
                let path = folder.join(name);
                write(&path, &variant.file().map_err(at(&path))?)?;
            }
        }
    }
    let effort = Effort { rounds: args.runs, at_most_ms: f64::INFINITY };
    let mut reports = Vec::new();
    for (experiment, variants) in &built {
        let report = Report::of(experiment, &setup, variants, args.threads, clock, &effort);
        let report = report.map_err(|e| format!("{}: {e}", experiment.name))?;
        let gap = if reports.is_empty() { "" } else { "\n" };
        show(&format!("{gap}{}", table(&report)))?;
        reports.push(report);
    }
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&reports).map_err(at(path))?;
        write(path, (json + "\n").as_bytes())?;
    }
    Ok(())
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = EXPERIMENTS.iter().map(|experiment| experiment.name).collect();
    format!("no experiment is called '{name}'; there are {}, and all", names.join(", "))
}

/// What can be measured, and the claim behind it.
fn list() -> String {
    let mut text = String::new();
    for Experiment { name, title, claim, .. } in EXPERIMENTS {
        _ = writeln!(text, "{name:<20}{title}\n{:<20}{claim}", "");
    }
    text + "\nall                 every one of them\n"
}

fn table(report: &Report) -> String {
    let Report { experiment, title, claim, size, channels, form, threads, variants } = report;
    let mut text = format!(
        "{experiment}: {title}\n{claim}\n{size}x{size} pixels, {channels} channels, {form}, \
         {threads} thread(s), medians\n"
    );
    let name = variants.iter().map(|row| row.name.len()).max().unwrap_or(0).max(7) + 2;
    _ = writeln!(
        text,
        "{:<name$}{:>9}{:>8}{:>12}{:>11}{:>12}{:>10}{:>9}",
        "variant", "ms", "ratio", "MMAC", "MB moved", "parameters", "file KiB", "GFLOP/s"
    );
    for row in variants {
        let costs = &row.costs;
        _ = writeln!(
            text,
            "{:<name$}{:>9.3}{:>8.2}{:>12.3}{:>11.3}{:>12}{:>10.1}{:>9.2}",
            row.name,
            row.ms.median,
            row.ratio,
            costs.macs as f64 / 1e6,
            costs.bytes as f64 / 1e6,
            costs.parameters,
            costs.file_bytes as f64 / 1024.0,
            row.gflops
        );
    }
    text
}
