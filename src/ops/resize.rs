//! Resizing of images.

use super::types::moved_type;
use super::{Operands, expect, real_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, TensorDef};

/// RESIZE_BILINEAR. The flags say which input position an output pixel asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResizeBilinear {
    /// The corner pixels of input and output coincide.
    pub align_corners: bool,
    /// Pixels are areas with centres at one half, not points.
    pub half_pixel_centers: bool,
    /// Positions are multiples of 1/1024, as TFLite has them for int8 and int16: at other ratios
    /// than powers of two that moves the picture, by up to 1/4 pixel in 512.
    pub fixed_point: bool,
}

impl ResizeBilinear {
    /// `[n, h, w, c]`, `[oh, ow]` → `[n, oh, ow, c]`.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x, size] = expect(operands)?;
        let dtype = real_type(x)?;
        if self.align_corners && self.half_pixel_centers {
            return Err(Error::malformed("both align_corners and half_pixel_centers are set"));
        }
        let [n, _, _, c] = x.shape.nhwc()?;
        let [oh, ow] = target_size(size)?;
        Ok(vec![(Shape::new([n, oh, ow, c])?, dtype)])
    }

    /// Where output pixel `i` of `output` lies among `input` pixels, unclamped (TFLite's
    /// `ComputeInterpolationValues`).
    pub fn source(&self, i: usize, input: usize, output: usize) -> f32 {
        let scale = if self.align_corners && output > 1 {
            (input - 1) as f32 / (output - 1) as f32
        } else {
            input as f32 / output as f32
        };
        if self.half_pixel_centers { (i as f32 + 0.5) * scale - 0.5 } else { i as f32 * scale }
    }

    /// The two input pixels that output pixel `i` lies between, and how far it is from the first
    /// towards the second, 0 to 1.
    pub fn neighbours(&self, i: usize, input: usize, output: usize) -> (usize, usize, f32) {
        if self.fixed_point {
            return self.fixed_neighbours(i as i64, input as i64, output as i64);
        }
        let source = self.source(i, input, output);
        let lower = (source.floor().max(0.0) as usize).min(input - 1);
        let upper = (source.ceil().max(0.0) as usize).min(input - 1);
        (lower, upper, source - lower as f32)
    }

    /// Whether all positions between pixels are multiples of 1/1024, as where images become a power of two
    /// larger: only then do TFLite's kernels, which count in such steps or half of them, agree.
    pub fn is_exact(&self, input: [usize; 2], output: [usize; 2]) -> bool {
        // Half a pixel is half of the scale.
        const HALF: usize = 512;
        (0..2).all(|a| {
            let (from, to) = match self.align_corners && output[a] > 1 {
                true => (input[a] - 1, output[a] - 1),
                false => (input[a], output[a]),
            };
            (HALF * from).is_multiple_of(to)
        })
    }

    /// The same as XNNPACK has it for 8-bit integers: a position is never outside of the input.
    pub fn between(&self, i: usize, input: usize, output: usize) -> (usize, usize, f32) {
        let last = (input - 1) as f32;
        let scale = if self.align_corners && output > 1 {
            last / (output - 1) as f32
        } else {
            input as f32 / output as f32
        };
        let offset = if self.half_pixel_centers { 0.5 * scale - 0.5 } else { 0.0 };
        let source = (i as f32 * scale + offset).max(0.0).min(last);
        let lower = source as usize;
        (lower, (lower + 1).min(input - 1), source - lower as f32)
    }

    /// The same in whole numbers of 1/1024 (TFLite's `ResizeBilinear` for int8).
    fn fixed_neighbours(&self, i: i64, input: i64, output: i64) -> (usize, usize, f32) {
        const ONE: i64 = 1 << 10;
        let scale = if self.align_corners && output > 1 {
            (ONE * (input - 1) + (output - 1) / 2) / (output - 1)
        } else {
            (ONE * input + output / 2) / output
        };
        let source = i * scale + if self.half_pixel_centers { scale / 2 - ONE / 2 } else { 0 };
        let lower = (source / ONE).clamp(0, input - 1);
        let upper = ((source + ONE - 1) / ONE).clamp(0, input - 1);
        (lower as usize, upper as usize, (source - ONE * lower) as f32 / ONE as f32)
    }
}

/// RESIZE_NEAREST_NEIGHBOR: each output pixel is an input pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResizeNearest {
    /// The corner pixels of input and output coincide.
    pub align_corners: bool,
    /// Pixels are areas with centres at one half, not points.
    pub half_pixel_centers: bool,
}

impl ResizeNearest {
    /// `[n, h, w, c]`, `[oh, ow]` → `[n, oh, ow, c]`.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x, size] = expect(operands)?;
        let [n, _, _, c] = x.shape.nhwc()?;
        let [oh, ow] = target_size(size)?;
        Ok(vec![(Shape::new([n, oh, ow, c])?, moved_type(x)?)])
    }

    /// The input pixel that output pixel `i` is (TFLite's `GetNearestNeighbor`).
    pub fn source(&self, i: usize, input: usize, output: usize) -> usize {
        let scale = if self.align_corners && output > 1 {
            (input - 1) as f32 / (output - 1) as f32
        } else {
            input as f32 / output as f32
        };
        let offset = if self.half_pixel_centers { 0.5 } else { 0.0 };
        let source = (i as f32 + offset) * scale;
        let source = if self.align_corners { source.round() } else { source.floor() };
        (source as usize).min(input - 1)
    }
}

/// No image is resized to more rows or columns: kernels keep a table of them.
const MAX_SIDE: i64 = 1 << 16;

/// The constant `[height, width]` that a resize goes to.
pub fn target_size(size: &TensorDef) -> Result<[usize; 2]> {
    if size.shape.elements() != 2 {
        return Err(Error::malformed(format!("a target size of shape {}", size.shape)));
    }
    let list = size
        .const_integers()
        .ok_or_else(|| Error::unsupported("the target size is not a constant of int32"))?;
    match *list {
        [h, w] if h.max(w) > MAX_SIDE => {
            Err(Error::limit(format!("a tensor of {h}x{w} pixels is too large")))
        }
        [h, w] if h > 0 && w > 0 => Ok([h as usize, w as usize]),
        _ => Err(Error::malformed(format!("target size {list:?}"))),
    }
}
