//! The block lab: the article's blocks at chosen sizes and channels, as `.tflite` files of our own writer, side by
//! side.
//!
//! An [`Experiment`] builds [`Variant`]s, all as a model designer would get them from TensorFlow's converter, with
//! random weights; [`measure`] runs them in turn. Nothing here knows of files, threads or a clock of its own: the
//! command line and the page bring these.

#![forbid(unsafe_code)]

pub mod builder;
mod experiments;
pub mod forms;
mod measure;

pub use crate::random::{Random, random_inputs};
pub use builder::{Builder, Conv};
pub use experiments::EXPERIMENTS;
pub use forms::Form;
pub use measure::{Costs, Report, Row, measure};

use crate::error::{Error, Result};
use crate::graph::{Graph, TensorId};
use crate::tensor::{DType, TensorDef};
use crate::tflite;
use std::ops::RangeInclusive;

/// Of all weights and inputs: the same bits every time, everywhere.
const SEED: u32 = 1;

/// Rows and columns that experiments may be asked for.
pub const SIZES: RangeInclusive<usize> = 8..=512;

/// Channels that experiments may be asked for.
pub const CHANNELS: RangeInclusive<usize> = 8..=512;

/// Elements that the input may have: all variants are in memory at once, some with six times as much.
pub const MAX_ELEMENTS: usize = 1 << 22;

/// What an experiment is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Rows and columns of the input, one of [`SIZES`].
    pub size: usize,
    /// Channels of the input, one of [`CHANNELS`].
    pub channels: usize,
    /// How all variants store their numbers.
    pub form: Form,
}

impl Default for Setup {
    /// What the middle of a small segmentation network looks like.
    fn default() -> Setup {
        Setup { size: 64, channels: 32, form: Form::default() }
    }
}

/// A question that the article answers in a sentence, as blocks to measure.
#[derive(Debug)]
pub struct Experiment {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What is compared.
    pub title: &'static str,
    /// What the article says of it, in one sentence.
    pub claim: &'static str,
    /// The number of channels must be a multiple of this.
    pub multiple_of: usize,
    /// Whether the variants are forms themselves, so that [`Setup::form`] must be float32.
    pub of_forms: bool,
    variants: fn(&Setup) -> Result<Vec<Variant>>,
}

impl Experiment {
    /// The experiment of that name.
    pub fn of(name: &str) -> Option<&'static Experiment> {
        EXPERIMENTS.iter().find(|experiment| experiment.name == name)
    }

    /// All blocks of it, the first of which the others are compared with.
    ///
    /// Errors: `BadInput` for a setup that it cannot be done with, and what [`forms::convert`] may fail of.
    pub fn build(&self, setup: &Setup) -> Result<Vec<Variant>> {
        let refused = |what: String| Err(Error::bad_input(format!("{}: {what}", self.name)));
        for (what, value, allowed) in
            [("size", setup.size, SIZES), ("number of channels", setup.channels, CHANNELS)]
        {
            if !allowed.contains(&value) {
                let (low, high) = (allowed.start(), allowed.end());
                return refused(format!("a {what} of {value}, must be from {low} to {high}"));
            }
        }
        let elements = setup.size * setup.size * setup.channels;
        if elements > MAX_ELEMENTS {
            let what =
                format!("an input of {elements} elements, at most {MAX_ELEMENTS} are allowed");
            return refused(what);
        }
        if !setup.channels.is_multiple_of(self.multiple_of) {
            let (channels, of) = (setup.channels, self.multiple_of);
            return refused(format!("{channels} channels, must be a multiple of {of}"));
        }
        if self.of_forms && setup.form != Form::Float32 {
            return refused(format!(
                "compares forms itself, and is not done in {}",
                setup.form.name()
            ));
        }
        let mut variants = (self.variants)(setup).map_err(|e| e.about(self.name))?;
        if setup.form != Form::Float32 {
            for variant in &mut variants {
                let made = forms::convert(&variant.graph, setup.form, SEED);
                variant.graph =
                    made.map_err(|e| e.about(&format!("{}: {}", self.name, variant.name)))?;
            }
        }
        Ok(variants)
    }
}

/// One of the blocks that are compared.
#[derive(Debug, Clone)]
pub struct Variant {
    /// What it is, in a few words.
    pub name: String,
    /// The block.
    pub graph: Graph,
}

impl Variant {
    /// A block under a name.
    pub fn new(name: impl Into<String>, graph: Graph) -> Variant {
        Variant { name: name.into(), graph }
    }

    /// Its `.tflite` file.
    pub fn file(&self) -> Result<Vec<u8>> {
        tflite::write(&self.graph)
    }

    /// Its name as part of a file's name: `conv2d-3x3-stride-2`.
    pub fn slug(&self) -> String {
        let words = self.name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let words: Vec<String> =
            words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
        words.join("-")
    }

    /// Numbers that training finds: the elements of all constants that stand for real numbers.
    pub fn parameters(&self) -> u64 {
        let made = self.graph.producers();
        let real = |i: usize, t: &TensorDef| {
            let real = t.quantization.is_some() || matches!(t.dtype, DType::F32 | DType::F16);
            real && t.is_const() && !made.contains_key(&TensorId(i))
        };
        let tensors = self.graph.tensors.iter().enumerate();
        tensors.filter(|(i, t)| real(*i, t)).map(|(_, t)| t.shape.elements() as u64).sum()
    }
}

#[cfg(test)]
mod tests;
