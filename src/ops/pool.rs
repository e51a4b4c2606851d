//! Pools.

use super::types::require_type;
use super::{Operands, Unary, Window, expect, real_type};
use crate::error::{Error, Result};
use crate::tensor::{DType, MAX_ELEMENTS, Shape};

/// What is taken of each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The mean of the pixels inside the image: padding does not count.
    Average,
    /// The largest of the pixels inside the image.
    Max,
    /// The square root of the mean of the squares of the pixels inside the image.
    L2,
}

impl PoolKind {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            PoolKind::Average => "AVERAGE_POOL_2D",
            PoolKind::Max => "MAX_POOL_2D",
            PoolKind::L2 => "L2_POOL_2D",
        }
    }
}

/// AVERAGE_POOL_2D and its kin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pool2d {
    /// What is taken of each window.
    pub kind: PoolKind,
    /// Pixels of a window, `[height, width]`.
    pub kernel: [usize; 2],
    /// Stride and padding; the dilation is 1.
    pub window: Window,
    /// Applied to the result.
    pub activation: Option<Unary>,
}

impl Pool2d {
    /// `[n, h, w, c]` → `[n, oh, ow, c]`.
    pub fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x] = expect(operands)?;
        let dtype = match self.kind {
            PoolKind::Average | PoolKind::Max => real_type(x)?,
            PoolKind::L2 => require_type(x, DType::F32).map(|()| DType::F32)?,
        };
        let [n, h, w, c] = x.shape.nhwc()?;
        let [oh, ow] = self.window.output([h, w], self.kernel)?;
        Ok(vec![(Shape::new([n, oh, ow, c])?, dtype)])
    }

    /// MaxPoolingWithArgmax2D: the pool, and which tap of each window was the largest.
    pub fn infer_with_argmax(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x] = expect(operands)?;
        require_type(x, DType::F32)?;
        let [pooled] = <[_; 1]>::try_from(self.infer(operands)?).expect("a pool has one result");
        Ok(vec![pooled.clone(), pooled])
    }

    /// MaxUnpooling2D: `[n, h, w, c]` values and taps → `[n, h * kh, w * kw, c]`.
    pub fn infer_unpooled(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let [x, taps] = expect(operands)?;
        require_type(x, DType::F32)?;
        require_type(taps, DType::F32)?;
        if x.shape != taps.shape {
            return Err(Error::malformed(format!("{} values, {} taps", x.shape, taps.shape)));
        }
        self.window.check()?;
        let [n, h, w, c] = x.shape.nhwc()?;
        let [kh, kw] = self.kernel;
        let (Some(oh), Some(ow)) = (h.checked_mul(kh), w.checked_mul(kw)) else {
            return Err(Error::malformed(format!("a window of {kh}x{kw} pixels")));
        };
        let counts =
            |n: usize, stride: usize| n.checked_mul(stride).is_some_and(|r| r <= MAX_ELEMENTS);
        let [rows, columns] = self.window.stride;
        if kh == 0 || kw == 0 || !counts(h, rows) || !counts(w, columns) {
            return Err(Error::malformed(format!("a window of {kh}x{kw} pixels")));
        }
        Ok(vec![(Shape::new([n, oh, ow, c])?, DType::F32)])
    }

    /// Rows and columns that MaxUnpooling2D leaves out before its first, for an input of that
    /// many pixels.
    pub fn unpooled_pad(&self, input: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|a| {
            let reach = (input[a] - 1) * self.window.stride[a] + self.kernel[a];
            reach.saturating_sub(input[a] * self.kernel[a]) / 2
        })
    }
}
