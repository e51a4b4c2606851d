//! What can be measured. One question, one [`Experiment`]; the files follow the article's sections.

mod activations;
mod blocks;
mod convolution;
mod numbers;
mod shapes;
mod upsampling;

use super::{Builder, Experiment, SEED, Setup, Variant};
use crate::error::Result;
use crate::graph::TensorId;

/// All experiments, in the article's order.
pub const EXPERIMENTS: &[Experiment] = &[
    shapes::HALVING,
    shapes::SIZES,
    shapes::CHANNELS,
    convolution::SEPARABLE,
    upsampling::UPSAMPLING,
    blocks::RESNET,
    blocks::SHUFFLENET,
    blocks::INVERTED_RESIDUAL,
    convolution::MEMORY,
    shapes::WIDTH,
    activations::ACTIVATIONS,
    convolution::DILATION,
    activations::SOFTMAX,
    numbers::FORMS,
];

/// A block of the setup's input, which `layers` adds to it.
fn block(
    name: impl Into<String>,
    setup: &Setup,
    layers: impl FnOnce(&mut Builder, TensorId) -> Result<TensorId>,
) -> Result<Variant> {
    let name = name.into();
    let mut builder = Builder::new(&name, SEED);
    let input = builder.input([setup.size; 2], setup.channels)?;
    let output = layers(&mut builder, input)?;
    Ok(Variant::new(name, builder.finish(&[output])?))
}
