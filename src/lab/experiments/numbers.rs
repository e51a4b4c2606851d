//! The numeric forms of one block.

use super::block;
use crate::error::{Error, Result};
use crate::lab::forms::convert;
use crate::lab::{Conv, Experiment, Form, SEED, Setup, Variant};

pub const FORMS: Experiment = Experiment {
    name: "forms",
    title: "float32 against float16 weights, dynamic range and int8",
    claim: "Post-training quantization makes a model smaller, but could slow it down in some cases.",
    multiple_of: 1,
    of_forms: true,
    variants: forms,
};

fn forms(setup: &Setup) -> Result<Vec<Variant>> {
    let conv = Conv::new(setup.channels, 3).relu();
    let plain = block("float32", setup, |b, x| {
        let y = b.conv2d(x, conv)?;
        let y = b.separable(y, conv)?;
        b.add(x, y, None)
    })?;
    let in_form = |form: Form| {
        let named = |e: Error| e.about(form.name());
        let mut graph = convert(&plain.graph, form, SEED).map_err(named)?;
        graph.name = form.name().to_string();
        Ok(Variant::new(form.name(), graph))
    };
    Form::ALL.into_iter().map(in_form).collect()
}
