//! Convolutions: full (and grouped), depthwise, transposed.

use super::window::MAX_STEP;
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

/// Transposed convolution: TFLite's TRANSPOSE_CONV, whose output size is an operand, and MediaPipe's
/// Convolution2DTransposeBias: with `SAME` padding its output is `stride` times the input, with
/// `VALID` `(input - 1) * stride + kernel`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransposeConv {
    /// Step between the outputs of neighbouring inputs, `[height, width]`.
    pub stride: [usize; 2],
    /// What of the full result is cut off.
    pub padding: Padding,
    /// Applied to the sum.
    pub activation: Option<Unary>,
    /// Whether quantized sums are rounded to a fraction of a step first, by [`rounded_product`].
    pub rounds_twice: bool,
}

/// `sum * multiplier`, both from stored values, as TFLite's integer kernels compute it before they
/// round to whole steps (`MultiplyByQuantizedMultiplier`): the multiplier's mantissa, from 0.5 to 1,
/// is multiplied first, and its product rounded; the exponent follows.
pub fn rounded_product(sum: f64, multiplier: f64) -> f64 {
    let [mantissa, unit] = rounding_factors(multiplier);
    (sum * mantissa).round() * unit
}

/// The mantissa of a multiplier, which a sum is multiplied by first, and what the rounded product is
/// multiplied by.
pub fn rounding_factors(multiplier: f64) -> [f64; 2] {
    let exponent = (multiplier.log2().floor() + 1.0).min(0.0);
    let unit = exponent.exp2();
    [multiplier / unit, unit]
}

impl TransposeConv {
    /// TRANSPOSE_CONV: size, filter, image, bias; the output is as large as the size says.
    pub fn infer_sized(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (size, rest) = match operands {
            [Some(size), filter, x, bias @ ..] => {
                (size, [*x, *filter, bias.first().copied().flatten()])
            }
            _ => return Err(Error::malformed("needs an output size, a filter and an input")),
        };
        let ([n, _, _, co], dtype) = self.check(&rest)?;
        let size = output_size(size)?;
        if [size[0], size[3]] != [n, co] {
            return Err(Error::malformed(format!(
                "an output {size:?} of {n} images in {co} channels"
            )));
        }
        Ok(vec![(Shape::new(size)?, dtype)])
    }

    /// `[n, h, w, co]` of an input `[n, h, w, ci]`, and the result's type.
    fn check(&self, operands: &Operands) -> Result<([usize; 4], DType)> {
        let (x, filter, bias) = expect_filter(operands)?;
        let dtype = weighted_type(x, filter, bias)?;
        let [n, h, w, ci] = x.shape.nhwc()?;
        let [co, kh, kw, depth] = filter.shape.nhwc()?;
        if depth != ci || [co, kh, kw, ci].contains(&0) || kh.max(kw) > MAX_STEP {
            return Err(Error::malformed(format!(
                "filter {} does not fit an input of {ci} channels",
                filter.shape
            )));
        }
        require_bias(bias, co)?;
        self.window().check()?;
        Ok(([n, h, w, co], dtype))
    }

    fn window(&self) -> Window {
        Window { stride: self.stride, dilation: [1, 1], padding: self.padding }
    }

    /// Convolution2DTransposeBias: `[n, h, w, ci]` * `[co, kh, kw, ci]` → `[n, oh, ow, co]`.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let ([n, h, w, co], dtype) = self.check(operands)?;
        let (_, filter, _) = expect_filter(operands)?;
        let [_, kh, kw, _] = filter.shape.nhwc()?;
        let window = self.window();
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
                Padding::Explicit { .. } => None,
            }
            .ok_or_else(|| Error::malformed(format!("an input of {input:?} pixels")))?;
        }
        Ok(out)
    }

    /// Rows and columns of the full result that are cut off before the first, `[top, left]`:
    /// output pixel `i * stride + tap - pad` gets input pixel `i`.
    pub fn pad_before(&self, output: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        self.window().pad_before(output, kernel)
    }
}

/// The constant `[n, h, w, c]` that a transposed convolution is to make.
pub fn output_size(size: &TensorDef) -> Result<[usize; 4]> {
    if size.shape.elements() != 4 {
        return Err(Error::malformed(format!("an output size of shape {}", size.shape)));
    }
    let list = size
        .const_integers()
        .ok_or_else(|| Error::unsupported("the output size is not a constant of int32"))?;
    let side = |&d: &i64| usize::try_from(d).ok().filter(|&d| d > 0);
    let list: Option<Vec<usize>> = list.iter().map(side).collect();
    list.and_then(|l| l.try_into().ok()).ok_or_else(|| Error::malformed("an output size of zero"))
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
