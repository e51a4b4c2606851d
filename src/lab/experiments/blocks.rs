//! The blocks of well-known networks.

use super::block;
use crate::error::Result;
use crate::graph::TensorId;
use crate::lab::{Builder, Conv, Experiment, Setup, Variant};
use crate::ops::Unary;

pub const RESNET: Experiment = Experiment {
    name: "resnet",
    title: "ResNet blocks: basic and bottleneck",
    claim: "ResNet's block is one of the state-of-the-art blocks to use.",
    multiple_of: 4,
    of_forms: false,
    variants: resnet,
};

fn resnet(setup: &Setup) -> Result<Vec<Variant>> {
    let conv = Conv::new(setup.channels, 3).relu();
    Ok(vec![
        block("two Conv2D 3x3", setup, |b, x| {
            let y = b.conv2d(x, conv)?;
            b.conv2d(y, conv)
        })?,
        block("ResNet basic", setup, |b, x| basic(b, x, setup.channels, 1))?,
        block("ResNet bottleneck", setup, bottleneck)?,
    ])
}

pub const SHUFFLENET: Experiment = Experiment {
    name: "shufflenet",
    title: "ShuffleNetV2 units (c), basic, and (d), for down-sampling",
    claim: "ShuffleNetV2's units (c) and (d) are state-of-the-art blocks to use.",
    multiple_of: 2,
    of_forms: false,
    variants: shufflenet,
};

fn shufflenet(setup: &Setup) -> Result<Vec<Variant>> {
    Ok(vec![
        block("ResNet basic", setup, |b, x| basic(b, x, setup.channels, 1))?,
        block("ShuffleNetV2 (c)", setup, unit_c)?,
        block("ResNet basic, stride 2", setup, |b, x| basic(b, x, 2 * setup.channels, 2))?,
        block("ShuffleNetV2 (d)", setup, unit_d)?,
    ])
}

pub const INVERTED_RESIDUAL: Experiment = Experiment {
    name: "inverted-residual",
    title: "MobileNetV2's inverted residual",
    claim: "The article has MobileNetV1's separable convolution; this is what MobileNetV2 made of it.",
    multiple_of: 1,
    of_forms: false,
    variants: inverted_residuals,
};

fn inverted_residuals(setup: &Setup) -> Result<Vec<Variant>> {
    let conv = Conv::new(setup.channels, 3).activation(Unary::Relu6);
    Ok(vec![
        block("ResNet basic", setup, |b, x| basic(b, x, setup.channels, 1))?,
        block("two SeparableConv2D 3x3", setup, |b, x| {
            let y = b.separable(x, conv)?;
            b.separable(y, conv)
        })?,
        block("inverted residual, 3 times as wide", setup, |b, x| inverted_residual(b, x, 3))?,
        block("inverted residual, 6 times as wide", setup, |b, x| inverted_residual(b, x, 6))?,
    ])
}

/// Two 3x3 convolutions around which the input goes, through a 1x1 one where the shapes differ (He et al., "Deep
/// residual learning", 2015, figure 5, left).
fn basic(b: &mut Builder, x: TensorId, filters: usize, stride: usize) -> Result<TensorId> {
    let y = b.conv2d(x, Conv::new(filters, 3).stride(stride).relu())?;
    let y = b.conv2d(y, Conv::new(filters, 3))?;
    let around = match stride {
        1 => x,
        _ => b.conv2d(x, Conv::new(filters, 1).stride(stride))?,
    };
    b.add(y, around, Some(Unary::Relu))
}

/// The 3x3 convolution has a quarter of the channels (the same, right).
fn bottleneck(b: &mut Builder, x: TensorId) -> Result<TensorId> {
    let [_, _, _, channels] = b.extents(x)?;
    let y = b.conv2d(x, Conv::new(channels / 4, 1).relu())?;
    let y = b.conv2d(y, Conv::new(channels / 4, 3).relu())?;
    let y = b.conv2d(y, Conv::new(channels, 1))?;
    b.add(y, x, Some(Unary::Relu))
}

/// Half of the channels go around (Ma et al., "ShuffleNet V2", 2018, figure 3 (c)).
fn unit_c(b: &mut Builder, x: TensorId) -> Result<TensorId> {
    let halves = b.split(x, 2)?;
    let [_, _, _, half] = b.extents(halves[1])?;
    let y = b.conv2d(halves[1], Conv::new(half, 1).relu())?;
    let y = b.depthwise(y, Conv::new(half, 3))?;
    let y = b.conv2d(y, Conv::new(half, 1).relu())?;
    let y = b.concat(&[halves[0], y])?;
    b.shuffle(y, 2)
}

/// Half the rows and columns, twice the channels (the same, (d)).
fn unit_d(b: &mut Builder, x: TensorId) -> Result<TensorId> {
    let [_, _, _, channels] = b.extents(x)?;
    let down = Conv::new(channels, 3).stride(2);
    let around = b.depthwise(x, down)?;
    let around = b.conv2d(around, Conv::new(channels, 1).relu())?;
    let y = b.conv2d(x, Conv::new(channels, 1).relu())?;
    let y = b.depthwise(y, down)?;
    let y = b.conv2d(y, Conv::new(channels, 1).relu())?;
    let y = b.concat(&[around, y])?;
    b.shuffle(y, 2)
}

/// A depthwise convolution on `times` as many channels (Sandler et al., "MobileNetV2", 2018, figure 4 (d)).
fn inverted_residual(b: &mut Builder, x: TensorId, times: usize) -> Result<TensorId> {
    let [_, _, _, channels] = b.extents(x)?;
    let wide = times * channels;
    let y = b.conv2d(x, Conv::new(wide, 1).activation(Unary::Relu6))?;
    let y = b.depthwise(y, Conv::new(wide, 3).activation(Unary::Relu6))?;
    let y = b.conv2d(y, Conv::new(channels, 1))?;
    b.add(y, x, None)
}
