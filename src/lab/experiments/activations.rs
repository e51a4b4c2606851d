//! What follows a convolution.

use super::block;
use crate::error::Result;
use crate::lab::{Conv, Experiment, Setup, Variant};
use crate::ops::Unary;

pub const ACTIVATIONS: Experiment = Experiment {
    name: "activations",
    title: "Activations behind a 1x1 convolution",
    claim: "Use activation functions that only involve linear computation.",
    multiple_of: 1,
    of_forms: false,
    variants: activations,
};

fn activations(setup: &Setup) -> Result<Vec<Variant>> {
    let conv = Conv::new(setup.channels, 1);
    let mut variants = vec![block("none", setup, |b, x| b.conv2d(x, conv))?];
    for (name, function) in [
        ("relu", Unary::Relu),
        ("relu6", Unary::Relu6),
        ("leaky relu", Unary::LeakyRelu { alpha: 0.1 }),
        ("hard-swish", Unary::HardSwish),
        ("elu", Unary::Elu),
        ("sigmoid", Unary::Logistic),
        ("tanh", Unary::Tanh),
        ("gelu", Unary::Gelu { approximate: false }),
        ("gelu by tanh", Unary::Gelu { approximate: true }),
    ] {
        variants.push(block(name, setup, |b, x| b.conv2d(x, conv.activation(function)))?);
    }
    Ok(variants)
}

pub const SOFTMAX: Experiment = Experiment {
    name: "softmax",
    title: "Heads of 21 classes: logits, softmax, argmax",
    claim: "There are pitfalls in the softmax layer.",
    multiple_of: 1,
    of_forms: false,
    variants: softmax,
};

/// As many classes as PASCAL VOC has, which most segmentation models were first trained on.
const CLASSES: usize = 21;

fn softmax(setup: &Setup) -> Result<Vec<Variant>> {
    let head = Conv::new(CLASSES, 1);
    Ok(vec![
        block("logits", setup, |b, x| b.conv2d(x, head))?,
        block("softmax", setup, |b, x| {
            let y = b.conv2d(x, head)?;
            b.softmax(y)
        })?,
        block("argmax", setup, |b, x| {
            let y = b.conv2d(x, head)?;
            b.argmax(y)
        })?,
        block("softmax, argmax", setup, |b, x| {
            let y = b.conv2d(x, head)?;
            let y = b.softmax(y)?;
            b.argmax(y)
        })?,
        block("sigmoid of one class", setup, |b, x| {
            b.conv2d(x, Conv::new(1, 1).activation(Unary::Logistic))
        })?,
    ])
}
