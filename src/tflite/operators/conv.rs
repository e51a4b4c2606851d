//! Options of convolutions.

use super::{Decode, Options, activation, custom_padding, padding, pair, size};
use crate::error::{Error, Result};
use crate::ops::{Conv2d, DepthwiseConv2d, Op, TransposeConv, Window};
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "CONV_2D" => conv_2d,
        "DEPTHWISE_CONV_2D" => depthwise_conv_2d,
        "TRANSPOSE_CONV" => transpose_conv,
        _ => return None,
    })
}

pub fn custom(name: &str) -> Option<Decode> {
    Some(match name {
        "Convolution2DTransposeBias" => convolution_2d_transpose_bias,
        _ => return None,
    })
}

fn conv_2d(o: &Options) -> Result<Op> {
    use options::conv_2d::*;
    let table = o.of(TYPE)?;
    Ok(Op::Conv2d(Conv2d {
        window: Window {
            stride: pair(&table, STRIDE_H, STRIDE_W)?,
            dilation: pair(&table, DILATION_H, DILATION_W)?,
            padding: padding(table.get(PADDING)?)?,
        },
        activation: activation(table.get(ACTIVATION)?)?,
    }))
}

fn depthwise_conv_2d(o: &Options) -> Result<Op> {
    use options::depthwise_conv_2d::*;
    let table = o.of(TYPE)?;
    Ok(Op::DepthwiseConv2d(DepthwiseConv2d {
        window: Window {
            stride: pair(&table, STRIDE_H, STRIDE_W)?,
            dilation: pair(&table, DILATION_H, DILATION_W)?,
            padding: padding(table.get(PADDING)?)?,
        },
        activation: activation(table.get(ACTIVATION)?)?,
    }))
}

fn transpose_conv(o: &Options) -> Result<Op> {
    use options::transpose_conv::*;
    let table = o.of(TYPE)?;
    Ok(Op::TransposeConv(TransposeConv {
        stride: pair(&table, STRIDE_H, STRIDE_W)?,
        padding: padding(table.get(PADDING)?)?,
        activation: activation(table.get(ACTIVATION)?)?,
        // TFLite gives those with a constant size to XNNPACK, and the others to a kernel of its own.
        rounds_twice: o.constant.first() != Some(&true),
    }))
}

/// The options are the C struct `TfLiteTransposeConvParams` as it lies in memory: padding (1 is
/// SAME, 2 is VALID), stride_width, stride_height; 32 bits each.
fn convolution_2d_transpose_bias(o: &Options) -> Result<Op> {
    let &[padding, stride_w, stride_h] = &o.custom_words()?[..] else {
        return Err(Error::malformed(format!("needs 12 bytes of options, has {}", o.custom.len())));
    };
    Ok(Op::Convolution2dTransposeBias(TransposeConv {
        stride: [size(stride_h)?, size(stride_w)?],
        padding: custom_padding(padding)?,
        activation: None,
        rounds_twice: false,
    }))
}
