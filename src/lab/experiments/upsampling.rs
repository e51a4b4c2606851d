//! Ways to twice as many rows and columns.

use super::block;
use crate::error::Result;
use crate::lab::{Conv, Experiment, Setup, Variant};

pub const UPSAMPLING: Experiment = Experiment {
    name: "upsampling",
    title: "Conv2DTranspose against bilinear and nearest upsampling",
    claim: "Conv2DTranspose might be much slower than bilinear UpSampling2D; nearest usually has similar results.",
    multiple_of: 1,
    of_forms: false,
    variants: upsampling,
};

/// With a convolution behind it, upsampling can be trained to do what a transposed convolution does.
fn upsampling(setup: &Setup) -> Result<Vec<Variant>> {
    let conv = Conv::new(setup.channels, 3).relu();
    let transposed = |kernel| Conv::new(setup.channels, kernel).relu().stride(2);
    let twice = [2 * setup.size; 2];
    Ok(vec![
        block("Conv2DTranspose 3x3", setup, |b, x| b.transpose_conv(x, transposed(3)))?,
        block("Conv2DTranspose 2x2", setup, |b, x| b.transpose_conv(x, transposed(2)))?,
        block("bilinear", setup, |b, x| b.resize_bilinear(x, twice))?,
        block("nearest", setup, |b, x| b.resize_nearest(x, twice))?,
        block("Conv2DTranspose 3x3, Conv2D 3x3", setup, |b, x| {
            let y = b.transpose_conv(x, transposed(3))?;
            b.conv2d(y, conv)
        })?,
        block("bilinear, Conv2D 3x3", setup, |b, x| {
            let y = b.resize_bilinear(x, twice)?;
            b.conv2d(y, conv)
        })?,
        block("nearest, Conv2D 3x3", setup, |b, x| {
            let y = b.resize_nearest(x, twice)?;
            b.conv2d(y, conv)
        })?,
        block("bilinear, SeparableConv2D 3x3", setup, |b, x| {
            let y = b.resize_bilinear(x, twice)?;
            b.separable(y, conv)
        })?,
    ])
}
