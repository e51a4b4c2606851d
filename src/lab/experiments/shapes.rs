//! Rows, columns and channels: fewer of them, and those around a multiple of 8.

use super::block;
use crate::error::Result;
use crate::lab::{Conv, Experiment, Setup, Variant};
use std::ops::RangeInclusive;

/// How far the variants are from the size or the number of channels that was asked for.
const AROUND: usize = 4;

pub const SIZES: Experiment = Experiment {
    name: "sizes",
    title: "Input sizes around a multiple of 8",
    claim: "The input size should be a multiple of 8, which many frameworks have dedicated optimizations for.",
    multiple_of: 1,
    of_forms: false,
    variants: sizes,
};

fn sizes(setup: &Setup) -> Result<Vec<Variant>> {
    // Up to the multiple of 8 on each side.
    let around = (setup.size - 2 * AROUND).max(1)..=setup.size + 2 * AROUND;
    let at = |size| conv(format!("{size}x{size}"), &Setup { size, ..*setup });
    around.map(at).collect()
}

pub const CHANNELS: Experiment = Experiment {
    name: "channels",
    title: "Channel counts around a multiple of 8",
    claim: "It is best to keep the size of every input of a layer a multiple of 8.",
    multiple_of: 1,
    of_forms: false,
    variants: channels,
};

fn channels(setup: &Setup) -> Result<Vec<Variant>> {
    let around: RangeInclusive<usize> = setup.channels - AROUND..=setup.channels + AROUND;
    let with = |channels| conv(format!("{channels} channels"), &Setup { channels, ..*setup });
    around.map(with).collect()
}

fn conv(name: String, setup: &Setup) -> Result<Variant> {
    block(name, setup, |b, x| b.conv2d(x, Conv::new(setup.channels, 3).relu()))
}

pub const HALVING: Experiment = Experiment {
    name: "halving",
    title: "Half the height and width, and again",
    claim: "With half the height and width, the computation time decreases to 25 %.",
    multiple_of: 1,
    of_forms: false,
    variants: halving,
};

fn halving(setup: &Setup) -> Result<Vec<Variant>> {
    let at = |half: u32| {
        let size = (setup.size >> half).max(1);
        small_network(format!("{size}x{size}"), &Setup { size, ..*setup })
    };
    [0, 1, 2, 3].into_iter().map(at).collect()
}

/// A few layers at three resolutions, as in networks.
fn small_network(name: String, setup: &Setup) -> Result<Variant> {
    let channels = setup.channels;
    block(name, setup, |b, x| {
        let fine = b.conv2d(x, Conv::new(channels, 3).relu())?;
        let y = b.separable(fine, Conv::new(2 * channels, 3).stride(2).relu())?;
        let y = b.separable(y, Conv::new(2 * channels, 3).relu())?;
        let y = b.conv2d(y, Conv::new(channels, 1).relu())?;
        let [_, height, width, _] = b.extents(fine)?;
        let y = b.resize_bilinear(y, [height, width])?;
        b.conv2d(y, Conv::new(1, 1))
    })
}

pub const WIDTH: Experiment = Experiment {
    name: "width",
    title: "Half the channels, and again",
    claim: "Reduce the number of channels.",
    multiple_of: 4,
    of_forms: false,
    variants: width,
};

fn width(setup: &Setup) -> Result<Vec<Variant>> {
    let with = |part: usize| {
        let channels = setup.channels / part;
        conv(format!("{channels} channels"), &Setup { channels, ..*setup })
    };
    [1, 2, 4].into_iter().map(with).collect()
}
