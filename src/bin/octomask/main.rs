//! The command line: `run`, `inspect`, `profile`, `advise`, `sweep`, `segment` and `lab`. Every failure
//! is one line on stderr that says what and where, and a non-zero exit code.

#![forbid(unsafe_code)]

mod advice;
mod args;
mod lab;
mod npy;
mod picture;
mod report;
mod sweep;

use args::{Advise, Command, Inspect, Profile, Run, Segment};
use octomask::profile::{csv, trace};
use octomask::tensor::Shape;
use octomask::{Backend, Model, Options, tflite};
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// What went wrong, as one line.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let command = match args::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(args::Stop::Help(text)) => return finish(show(&text), ExitCode::from(2)),
        Err(args::Stop::Wrong(what)) => return finish(Err(what), ExitCode::from(2)),
    };
    let done = match command {
        Command::Run(args) => run(&args),
        Command::Inspect(args) => inspect(&args),
        Command::Profile(args) => profile(&args),
        Command::Advise(args) => advise(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Segment(args) => segment(&args),
        Command::Lab(args) => lab::lab(&args),
    };
    finish(done, ExitCode::FAILURE)
}

fn finish(done: Result<()>, failure: ExitCode) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("octomask: {}", what.replace(['\n', '\r'], " "));
            failure
        }
    }
}

/// Writes to stdout. A reader that has seen enough is no failure.
fn show(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(format!("stdout: {e}")),
        _ => Ok(()),
    }
}

/// Says which file it was.
fn at<E: Display>(path: &Path) -> impl Fn(E) -> String {
    move |e| format!("{}: {e}", path.display())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(at(path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(at(path))
}

fn load(path: &Path, threads: usize, backend: Backend) -> Result<Model> {
    let options = Options { threads, backend, ..Options::default() };
    Model::load(&read(path)?, &options).map_err(at(path))
}

fn run(args: &Run) -> Result<()> {
    let backend = if args.reference { Backend::Reference } else { Backend::Kernels };
    let mut model = load(&args.model, args.threads, backend)?;
    let count = model.inputs().len();
    if args.input.len() != count {
        return Err(format!(
            "{}: the model has {count} inputs, {} were given with --input",
            args.model.display(),
            args.input.len()
        ));
    }
    for (index, path) in args.input.iter().enumerate() {
        let tensor = model.inputs()[index].clone();
        let data = npy::read(&read(path)?, &tensor.shape, tensor.dtype)
            .map_err(|e| format!("{}: input {index} '{}': {e}", path.display(), tensor.name))?;
        model.set_input(index, data.view()).map_err(at(path))?;
    }
    model.run();
    let mut text = String::new();
    for (index, tensor) in model.outputs().iter().enumerate() {
        let mut path = args.output.clone().into_os_string();
        path.push(format!(".{index}.npy"));
        let path = Path::new(&path);
        let data = model.output(index).map_err(at(path))?;
        write(path, &npy::write(data, &tensor.shape).map_err(at(path))?)?;
        text +=
            &format!("{}  '{}' {} {}\n", path.display(), tensor.name, tensor.shape, tensor.dtype);
    }
    show(&text)
}

fn inspect(args: &Inspect) -> Result<()> {
    let bytes = read(&args.model)?;
    let file = tflite::read(&bytes).map_err(at(&args.model))?;
    if args.graph && !args.plan && !args.arena {
        // Also for models that can be read, but not run.
        return show(&file.to_string());
    }
    let model = load(&args.model, args.threads, Backend::Kernels)?;
    let mut text = String::new();
    if args.graph {
        text += &file.to_string();
    }
    if args.plan {
        text += &model.plan().to_string();
    }
    if args.arena {
        text += &model.plan().arena.to_string();
    }
    if text.is_empty() {
        text = report::summary(&file, &model, bytes.len());
    }
    show(&text)
}

fn profile(args: &Profile) -> Result<()> {
    let before = resident_bytes();
    let bytes = read(&args.model)?;
    let start = Instant::now();
    let options = Options { threads: args.threads, ..Options::default() };
    let mut model = Model::load(&bytes, &options).map_err(at(&args.model))?;
    let init_ms = start.elapsed().as_secs_f64() * 1e3;
    let loaded = resident_bytes();
    let mut profile = model.profile(report::clock, args.runs, args.warmup, init_ms);
    profile.load_bytes = before.zip(loaded).map(|(before, loaded)| loaded.saturating_sub(before));
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&profile).map_err(at(path))?;
        write(path, (json + "\n").as_bytes())?;
    }
    if let Some(path) = &args.csv {
        write(path, csv::table(&profile).as_bytes())?;
    }
    if let Some(path) = &args.trace {
        write(path, trace::json(&profile).as_bytes())?;
    }
    show(&octomask::profile::report::text(&profile))
}

fn advise(args: &Advise) -> Result<()> {
    let mut model = load(&args.model, args.threads, Backend::Kernels)?;
    let advice = octomask::advise::advise(&mut model, report::clock).map_err(at(&args.model))?;
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&advice).map_err(at(path))?;
        write(path, (json + "\n").as_bytes())?;
    }
    show(&advice::text(&advice, args.threads))
}

/// Memory of this process that is in use, as Linux counts it; other systems do not say.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn segment(args: &Segment) -> Result<()> {
    let mut model = load(&args.model, args.threads, Backend::Kernels)?;
    let mut segmenter = octomask::segment::Segmenter::new(&model).map_err(at(&args.model))?;
    let (rgba, width, height) = picture::read(&read(&args.picture)?).map_err(at(&args.picture))?;
    let frame = octomask::segment::Frame::rgba(&rgba, width, height);
    segmenter.load_frame(&mut model, &frame).map_err(at(&args.picture))?;
    model.run();
    let size = segmenter.mask_size();
    let mask = segmenter.mask(&model, 0.0).map_err(at(&args.model))?;
    let png = picture::mask_png(mask, size, [height, width]).map_err(at(&args.output))?;
    write(&args.output, &png)?;
    let shape = |[h, w]: [usize; 2]| Shape::new([h, w]).map_or(String::new(), |s| s.to_string());
    show(&format!(
        "{}  {} mask of {}, from {}\n",
        args.output.display(),
        shape([height, width]),
        args.picture.display(),
        shape(size)
    ))
}
