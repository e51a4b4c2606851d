//! Convolutions: full (and grouped), depthwise, transposed.

use super::{Operands, Padding, Unary, Window, expect_filter, weighted_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, TensorDef};

/// CONV_2D. The filter's depth divides the image's; the quotient is the number of groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conv2d {
    /// Stride, dilation, padding.
    pub window: Window,
    /// Applied to the sum.
    pub activation: Option<Unary>,
}

impl Conv2d {
    /// `[n, h, w, ci]` * `[co, kh, kw, ci / groups]` → `[n, oh, ow, co]`.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (x, filter, bias) = expect_filter(operands)?;
        let dtype = weighted_type(x, filter, bias)?;
        let [n, h, w, ci] = x.shape.nhwc()?;
        let [co, kh, kw, depth] = filter.shape.nhwc()?;
        if depth == 0 || co == 0 || ci % depth != 0 || co % (ci / depth).max(1) != 0 {
            return Err(Error::malformed(format!(
                "filter {} does not fit an input of {ci} channels",
                filter.shape
            )));
        }
        require_bias(bias, co)?;
        let [oh, ow] = self.window.output([h, w], [kh, kw])?;
        Ok(vec![(Shape::new([n, oh, ow, co])?, dtype)])
    }
}

/// DEPTHWISE_CONV_2D. Output channel `c` reads input channel `c / multiplier`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DepthwiseConv2d {
    /// Stride, dilation, padding.
    pub window: Window,
    /// Applied to the sum.
    pub activation: Option<Unary>,
}

impl DepthwiseConv2d {
    /// `[n, h, w, ci]` * `[1, kh, kw, co]` → `[n, oh, ow, co]` with `co` a multiple of `ci`.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (x, filter, bias) = expect_filter(operands)?;
        let dtype = weighted_type(x, filter, bias)?;
        let [n, h, w, ci] = x.shape.nhwc()?;
        let [one, kh, kw, co] = filter.shape.nhwc()?;
        if one != 1 || ci == 0 || co == 0 || co % ci != 0 {
            return Err(Error::malformed(format!(
                "filter {} does not fit an input of {ci} channels",
                filter.shape
            )));
        }
        require_bias(bias, co)?;
        let [oh, ow] = self.window.output([h, w], [kh, kw])?;
        Ok(vec![(Shape::new([n, oh, ow, co])?, dtype)])
    }
}

/// Transposed convolution, as MediaPipe's Convolution2DTransposeBias defines it: with `SAME`
/// padding the output is `stride` times the input, with `VALID` `(input - 1) * stride + kernel`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransposeConv {
    /// Step between the outputs of neighbouring inputs, `[height, width]`.
    pub stride: [usize; 2],
    /// What of the full result is cut off.
    pub padding: Padding,
    /// Applied to the sum.
    pub activation: Option<Unary>,
}

impl TransposeConv {
    /// `[n, h, w, ci]` * `[co, kh, kw, ci]` → `[n, oh, ow, co]`.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (x, filter, bias) = expect_filter(operands)?;
        let dtype = weighted_type(x, filter, bias)?;
        let [n, h, w, ci] = x.shape.nhwc()?;
        let [co, kh, kw, depth] = filter.shape.nhwc()?;
        if depth != ci || co == 0 || ci == 0 {
            return Err(Error::malformed(format!(
                "filter {} does not fit an input of {ci} channels",
                filter.shape
            )));
        }
        require_bias(bias, co)?;
        let window = Window { stride: self.stride, dilation: [1, 1], padding: self.padding };
        window.check()?;
        let [oh, ow] = self.output([h, w], [kh, kw])?;
        // The same window, slid over the output, must land on the input again.
        if window.output([oh, ow], [kh, kw])? != [h, w] {
            return Err(Error::malformed(format!(
                "a filter of {kh}x{kw} with stride {:?} cannot make {oh}x{ow} from {h}x{w}",
                self.stride
            )));
        }
        Ok(vec![(Shape::new([n, oh, ow, co])?, dtype)])
    }

    fn output(&self, input: [usize; 2], kernel: [usize; 2]) -> Result<[usize; 2]> {
        let mut out = [0; 2];
        for a in 0..2 {
            out[a] = match self.padding {
                Padding::Same => input[a].checked_mul(self.stride[a]),
                Padding::Valid => input[a]
                    .checked_sub(1)
                    .and_then(|n| n.checked_mul(self.stride[a]))
                    .and_then(|n| n.checked_add(kernel[a])),
            }
            .ok_or_else(|| Error::malformed(format!("an input of {input:?} pixels")))?;
        }
        Ok(out)
    }

    /// Rows and columns of the full result that are cut off before the first, `[top, left]`:
    /// output pixel `i * stride + tap - pad` gets input pixel `i`.
    pub fn pad_before(&self, output: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        Window { stride: self.stride, dilation: [1, 1], padding: self.padding }
            .pad_before(output, kernel)
    }
}

fn require_bias(bias: Option<&TensorDef>, channels: usize) -> Result<()> {
    match bias {
        Some(b) if b.shape.elements() != channels => Err(Error::malformed(format!(
            "bias {} does not fit {channels} output channels",
            b.shape
        ))),
        _ => Ok(()),
    }
}
