//! What variants cost and how long they take, side by side.

use super::{Experiment, Setup, Variant};
use crate::error::Result;
use crate::model::{Model, Options};
use crate::profile::Stats;
use crate::session::Clock;
use crate::timing::{self, Effort, Measured};
use serde::Serialize;

/// What a variant costs, whatever the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Costs {
    /// Multiply-adds.
    pub macs: u64,
    /// Bytes of activations and weights that its layers read and write.
    pub bytes: u64,
    /// Weights and biases.
    pub parameters: u64,
    /// The size of its `.tflite` file.
    pub file_bytes: usize,
}

impl Variant {
    /// The model of its file, ready to run on `threads` threads, and what it costs.
    pub fn load(&self, threads: usize) -> Result<(Model, Costs)> {
        let file = self.file()?;
        let model = Model::load(&file, &Options { threads, ..Options::default() })?;
        let layers = model.layers();
        let costs = Costs {
            macs: layers.iter().map(|layer| layer.macs).sum(),
            bytes: layers.iter().map(|layer| layer.bytes).sum(),
            parameters: self.parameters(),
            file_bytes: file.len(),
        };
        Ok((model, costs))
    }
}

/// What was measured of a variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The variant's name.
    pub name: String,
    /// Its name in file names.
    pub slug: String,
    /// Milliseconds of one run, over the rounds.
    pub ms: Stats,
    /// How many times as long as the first variant it takes: the median of the rounds' own ratios.
    pub ratio: f64,
    /// What it costs.
    #[serde(flatten)]
    pub costs: Costs,
    /// 10^9 floating point operations (two a multiply-add) per second, at the median.
    pub gflops: f64,
}

/// An experiment that was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`Experiment::name`].
    pub experiment: &'static str,
    /// [`Experiment::title`].
    pub title: &'static str,
    /// [`Experiment::claim`].
    pub claim: &'static str,
    /// [`Setup::size`].
    pub size: usize,
    /// [`Setup::channels`].
    pub channels: usize,
    /// The name of [`Setup::form`].
    pub form: &'static str,
    /// Threads that it was done on.
    pub threads: usize,
    /// In the experiment's order.
    pub variants: Vec<Row>,
}

impl Report {
    /// Runs an experiment's variants in turn, on `threads` threads.
    pub fn of(
        experiment: &Experiment,
        setup: &Setup,
        variants: &[Variant],
        threads: usize,
        clock: Clock,
        effort: &Effort,
    ) -> Result<Report> {
        Ok(Report {
            experiment: experiment.name,
            title: experiment.title,
            claim: experiment.claim,
            size: setup.size,
            channels: setup.channels,
            form: setup.form.name(),
            threads,
            variants: measure(variants, threads, clock, effort)?,
        })
    }
}

/// Runs variants in turn on random inputs, on `threads` threads.
pub fn measure(
    variants: &[Variant],
    threads: usize,
    clock: Clock,
    effort: &Effort,
) -> Result<Vec<Row>> {
    let mut models = Vec::with_capacity(variants.len());
    let mut costs = Vec::with_capacity(variants.len());
    for variant in variants {
        let (model, own) = variant.load(threads).map_err(|e| e.about(&variant.name))?;
        models.push(model);
        costs.push(own);
    }
    let measured = timing::measure(&mut models, clock, effort)?;
    let row = |((variant, costs), Measured { ms, ratio, gflops, .. }): (_, _)| {
        let variant: &Variant = variant;
        Row { name: variant.name.clone(), slug: variant.slug(), ms, ratio, costs, gflops }
    };
    Ok(variants.iter().zip(costs).zip(measured).map(row).collect())
}
