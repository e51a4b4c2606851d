//! What is wanted beside running a model: advice, reports for other tools, and the blocks of the lab.

use super::{described, thrown};
use crate::advise::{Difference, Timer, advise_on};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::input_size::resized;
use crate::lab::{EXPERIMENTS, Experiment, Form, Setup, Variant};
use crate::profile::{Profile, csv, report, trace};
use crate::tflite;
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

/// A `Profile` as `text`, `csv` or `trace`.
#[wasm_bindgen(js_name = exportProfile)]
pub fn export_profile(profile: JsValue, format: &str) -> Result<String, JsValue> {
    let profile: Profile = read("profile", profile).map_err(thrown)?;
    match format {
        "text" => Ok(report::text(&profile)),
        "csv" => Ok(csv::table(&profile)),
        "trace" => Ok(trace::json(&profile)),
        _ => Err(thrown(Error::bad_input(format!("a profile is not exported as '{format}'")))),
    }
}

/// `Advice[]` for a model file, at an input size if one is given, whose profile is known. `time(before,
/// after, budgetMs, leastMs)` runs two model files in turn and gives a `Difference`; `progress(done)` is told
/// how much is done, 0 to 1.
#[wasm_bindgen]
pub fn advise(
    file: &[u8],
    height: Option<usize>,
    width: Option<usize>,
    profile: JsValue,
    time: Function,
    progress: Function,
) -> Result<JsValue, JsValue> {
    let profile: Profile = read("profile", profile).map_err(thrown)?;
    let mut graph = tflite::read(file).map_err(thrown)?;
    if let Some((height, width)) = height.zip(width) {
        graph = resized(&graph, height, width).map_err(thrown)?;
    }
    let tell = |done: f64| {
        // What goes wrong there is no matter of the advice.
        let _ = progress.call1(&JsValue::NULL, &done.into());
    };
    Ok(described(&advise_on(&graph, &profile, &mut Elsewhere { time }, tell)))
}

/// The module that runs models.
struct Elsewhere {
    time: Function,
}

impl Timer for Elsewhere {
    fn difference(
        &mut self,
        before: &Graph,
        after: &Graph,
        budget_ms: f64,
        least_ms: f64,
    ) -> Result<Difference> {
        let arguments = Array::new();
        for graph in [before, after] {
            arguments.push(&Uint8Array::from(&tflite::write(graph)?[..]));
        }
        arguments.push(&budget_ms.into());
        arguments.push(&least_ms.into());
        let refused = |_| Error::unsupported("the network does not run here");
        let found = self.time.apply(&JsValue::NULL, &arguments).map_err(refused)?;
        read("difference", found)
    }
}

/// What can be measured: `Experiment[]`.
#[wasm_bindgen]
pub fn experiments() -> JsValue {
    described(&EXPERIMENTS.iter().map(ExperimentInfo::of).collect::<Vec<_>>())
}

/// The blocks of an experiment: `Block[]`. `setup` is a `LabSetup`.
#[wasm_bindgen(js_name = buildExperiment)]
pub fn build_experiment(name: &str, setup: JsValue) -> Result<Array, JsValue> {
    let setup: LabSetup = read("setup", setup).map_err(thrown)?;
    let built = setup.build(name).map_err(thrown)?;
    built.iter().map(|variant| block(variant).map_err(thrown)).collect()
}

/// An experiment as JavaScript sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExperimentInfo {
    name: &'static str,
    title: &'static str,
    claim: &'static str,
    multiple_of: usize,
    of_forms: bool,
}

impl ExperimentInfo {
    fn of(experiment: &Experiment) -> ExperimentInfo {
        let &Experiment { name, title, claim, multiple_of, of_forms, .. } = experiment;
        ExperimentInfo { name, title, claim, multiple_of, of_forms }
    }
}

/// What an experiment is done with; whatever is left out is as usual.
#[derive(Deserialize)]
struct LabSetup {
    size: Option<usize>,
    channels: Option<usize>,
    form: Option<String>,
}

impl LabSetup {
    fn build(&self, name: &str) -> Result<Vec<Variant>> {
        let unknown =
            |what: &str, name: &str| Error::bad_input(format!("no {what} is called '{name}'"));
        let experiment = Experiment::of(name).ok_or_else(|| unknown("experiment", name))?;
        let usual = Setup::default();
        let form = match &self.form {
            Some(name) => Form::of(name).ok_or_else(|| unknown("form", name))?,
            None => usual.form,
        };
        experiment.build(&Setup {
            size: self.size.unwrap_or(usual.size),
            channels: self.channels.unwrap_or(usual.channels),
            form,
        })
    }
}

/// A variant with its file, whose bytes are no array of numbers.
fn block(variant: &Variant) -> Result<JsValue> {
    let file = variant.file()?;
    let object = Object::new();
    let set = |key: &str, value: JsValue| {
        // Setting a property of a new object cannot fail.
        let _ = Reflect::set(&object, &key.into(), &value);
    };
    set("name", variant.name.as_str().into());
    set("slug", variant.slug().into());
    set("parameters", (variant.parameters() as f64).into());
    set("file", Uint8Array::from(&file[..]).into());
    Ok(object.into())
}

/// What JavaScript has passed.
fn read<T: DeserializeOwned>(what: &str, value: JsValue) -> Result<T> {
    serde_wasm_bindgen::from_value(value)
        .map_err(|e| Error::bad_input(format!("this is no {what}: {e}")))
}
