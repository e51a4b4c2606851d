//! Convolutions of different kinds.

use super::block;
use crate::error::Result;
use crate::lab::{Conv, Experiment, Setup, Variant};

pub const SEPARABLE: Experiment = Experiment {
    name: "separable",
    title: "Conv2D against SeparableConv2D",
    claim: "SeparableConv2D instead of Conv2D is about #channels times as fast.",
    multiple_of: 1,
    of_forms: false,
    variants: separable,
};

fn separable(setup: &Setup) -> Result<Vec<Variant>> {
    let conv = |kernel| Conv::new(setup.channels, kernel);
    Ok(vec![
        block("Conv2D 3x3", setup, |b, x| b.conv2d(x, conv(3).relu()))?,
        block("SeparableConv2D 3x3", setup, |b, x| b.separable(x, conv(3).relu()))?,
        block("its depthwise part", setup, |b, x| b.depthwise(x, conv(3)))?,
        block("its 1x1 part", setup, |b, x| b.conv2d(x, conv(1).relu()))?,
    ])
}

pub const DILATION: Experiment = Experiment {
    name: "dilation",
    title: "Dilation rates of a 3x3 convolution",
    claim: "Convolution with a dilation rate above 1 would be slower.",
    multiple_of: 1,
    of_forms: false,
    variants: dilation,
};

fn dilation(setup: &Setup) -> Result<Vec<Variant>> {
    let conv = Conv::new(setup.channels, 3).relu();
    let mut variants = Vec::new();
    for rate in [1, 2, 4] {
        let name = format!("Conv2D 3x3, rate {rate}");
        variants.push(block(name, setup, |b, x| b.conv2d(x, conv.dilation(rate)))?);
    }
    for rate in [1, 2, 4] {
        let name = format!("DepthwiseConv2D 3x3, rate {rate}");
        variants.push(block(name, setup, |b, x| b.depthwise(x, conv.dilation(rate)))?);
    }
    Ok(variants)
}

pub const MEMORY: Experiment = Experiment {
    name: "memory",
    title: "1x1 convolutions of equal multiply-adds and unequal memory traffic",
    claim: "Reducing FLOPs is not enough, memory access cost should also be considered.",
    multiple_of: 4,
    of_forms: false,
    variants: memory,
};

/// The first guideline of ShuffleNetV2: of all pairs of the same product, equal channels move the least memory.
fn memory(setup: &Setup) -> Result<Vec<Variant>> {
    let pair = |times: usize| {
        let (few, many) = (setup.channels / times, setup.channels * times);
        let name = format!("{few} to {many} to {few} channels");
        block(name, &Setup { channels: few, ..*setup }, |b, x| {
            let y = b.conv2d(x, Conv::new(many, 1).relu())?;
            b.conv2d(y, Conv::new(few, 1).relu())
        })
    };
    [1, 2, 4].into_iter().map(pair).collect()
}
