//! Pools.

use super::{Operands, Unary, Window, expect, real_type};
use crate::error::Result;
use crate::tensor::{DType, Shape};

/// What is taken of each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The mean of the pixels inside the image: padding does not count.
    Average,
}

impl PoolKind {
    /// TFLite's name.
    pub fn name(self) -> &'static str {
        match self {
            PoolKind::Average => "AVERAGE_POOL_2D",
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
        let dtype = real_type(x)?;
        let [n, h, w, c] = x.shape.nhwc()?;
        let [oh, ow] = self.window.output([h, w], self.kernel)?;
        Ok(vec![(Shape::new([n, oh, ow, c])?, dtype)])
    }
}
