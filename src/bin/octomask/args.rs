//! Arguments.

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use octomask::lab::{Form, Setup};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Parser)]
#[command(name = "octomask", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run a model on .npy files, and write its outputs as .npy files
    Run(Run),
    /// Show what was read, what will run, and where each buffer lies
    Inspect(Inspect),
    /// Measure where the time goes
    Profile(Profile),
    /// Say what to change in a model, and what each change gains on this device
    Advise(Advise),
    /// Measure time and mask against the input size
    Sweep(Sweep),
    /// Cut a person out of a picture
    Segment(Segment),
    /// Measure the blocks of networks side by side
    Lab(Lab),
}

#[derive(Args)]
pub struct Run {
    /// The .tflite file
    pub model: PathBuf,
    /// An input as .npy file; once for each of the model's inputs, in its order
    #[arg(long, value_name = "A.npy", required = true)]
    pub input: Vec<PathBuf>,
    /// The outputs go to PREFIX.0.npy, PREFIX.1.npy and so on
    #[arg(long, value_name = "PREFIX")]
    pub output: PathBuf,
    /// Threads to run on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// Run the naive loops instead of the kernels
    #[arg(long)]
    pub reference: bool,
}

#[derive(Args)]
pub struct Inspect {
    /// The .tflite file
    pub model: PathBuf,
    /// The network as the file has it
    #[arg(long)]
    pub graph: bool,
    /// The steps that run
    #[arg(long)]
    pub plan: bool,
    /// Offsets of all buffers
    #[arg(long)]
    pub arena: bool,
    /// Threads that the plan is made for
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
}

#[derive(Args)]
pub struct Profile {
    /// The .tflite file
    pub model: PathBuf,
    /// Measured runs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count(1))]
    pub runs: usize,
    /// Runs before them
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = count(0))]
    pub warmup: usize,
    /// Threads to run on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// Write the profile as JSON
    #[arg(long, value_name = "F")]
    pub json: Option<PathBuf>,
    /// Write one row for each layer
    #[arg(long, value_name = "F")]
    pub csv: Option<PathBuf>,
    /// Write the timeline of one run as a Chrome trace, which ui.perfetto.dev opens
    #[arg(long, value_name = "F")]
    pub trace: Option<PathBuf>,
}

#[derive(Args)]
pub struct Advise {
    /// The .tflite file
    pub model: PathBuf,
    /// Threads to run on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// Write the advice as JSON
    #[arg(long, value_name = "F")]
    pub json: Option<PathBuf>,
}

#[derive(Args)]
pub struct Sweep {
    /// The .tflite file
    pub model: PathBuf,
    /// A PNG or JPEG file, whose masks at all sizes are compared
    #[arg(long, value_name = "P")]
    pub picture: Option<PathBuf>,
    /// Longer sides of the sizes to try beside the model's own, multiples of 8
    #[arg(long, value_name = "96,128,...", value_delimiter = ',')]
    pub sizes: Vec<usize>,
    /// Measured runs of each size
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = count(1))]
    pub runs: usize,
    /// Threads to run on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// Write the sweep as JSON
    #[arg(long, value_name = "F")]
    pub json: Option<PathBuf>,
    /// Write one row for each size
    #[arg(long, value_name = "F")]
    pub csv: Option<PathBuf>,
}

#[derive(Args)]
pub struct Segment {
    /// The .tflite file
    pub model: PathBuf,
    /// A PNG or JPEG file
    pub picture: PathBuf,
    /// The mask goes here, as grey PNG of the picture's size
    #[arg(long, value_name = "MASK.png")]
    pub output: PathBuf,
    /// Threads to run on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
}

#[derive(Args)]
pub struct Lab {
    /// What to measure, or `all`; without it the experiments are listed
    pub experiment: Option<String>,
    /// Rows and columns of the input
    #[arg(long, value_name = "N", default_value_t = Setup::default().size)]
    pub size: usize,
    /// Channels of the input
    #[arg(long, value_name = "C", default_value_t = Setup::default().channels)]
    pub channels: usize,
    /// How numbers are stored: float32, float16, dynamic-range or int8
    #[arg(long, value_name = "FORM", default_value = Form::default().name(), value_parser = form)]
    pub form: Form,
    /// Rounds, in each of which every block is timed once
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count(1))]
    pub runs: usize,
    /// Threads to run on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// Write each block as .tflite file into this folder
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// Write what was measured as JSON
    #[arg(long, value_name = "F")]
    pub json: Option<PathBuf>,
}

/// A numeric form.
fn form(name: &str) -> Result<Form, String> {
    Form::of(name).ok_or_else(|| {
        let names: Vec<&str> = Form::ALL.iter().map(|form| form.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

/// A number of runs.
fn count(least: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync {
    move |text| match text.parse() {
        Ok(n) if (least..=100_000).contains(&n) => Ok(n),
        _ => Err(format!("must be a number from {least} to 100000")),
    }
}

/// Why there is nothing to do.
pub enum Stop {
    /// Because this was asked for.
    Help(String),
    /// Because the call is wrong: what about it, in one line.
    Wrong(String),
}

/// The command that was asked for.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, Stop> {
    Cli::try_parse_from(args).map(|cli| cli.command).map_err(|error| {
        let text = error.render().to_string();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop::Help(text),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
                Stop::Wrong("no command was given, see `octomask --help`".to_string())
            }
            _ => Stop::Wrong(one_line(&text)),
        }
    })
}

/// What clap says before its usage and tips, which are several lines.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let what =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let words: Vec<&str> = what.filter(|line| !line.is_empty()).collect();
    let what = words.join(" ");
    format!("{}, see `octomask --help`", what.strip_prefix("error: ").unwrap_or(&what))
}
