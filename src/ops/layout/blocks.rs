//! Blocks of pixels as images or as channels, and back.

use super::{Operands, expect, list, list_of, moved_type, paddings};
use crate::error::{Error, Result};
use crate::tensor::{DType, MAX_RANK, Shape};

/// SPACE_TO_BATCH_ND and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// SPACE_TO_BATCH_ND: each pixel of a block goes into an image of its own; inputs: tensor
    /// `[n, ..spatial, ..]`, integers: a block's extents, elements of zero to add `[spatial, 2]`.
    SpaceToBatch,
    /// BATCH_TO_SPACE_ND, the other way; inputs: tensor, integers: a block's extents, elements to cut off
    /// `[spatial, 2]`.
    BatchToSpace,
    /// SPACE_TO_DEPTH: the pixels of a block become channels of one; input: image.
    SpaceToDepth(usize),
    /// DEPTH_TO_SPACE, the other way; input: image.
    DepthToSpace(usize),
}

/// Blocks of the larger of the two tensors, for axes 1 and so on; the others have 1 and 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Extents of a block.
    pub block: [usize; MAX_RANK],
    /// Elements before the first and after the last that the larger tensor does not have.
    pub margin: [[usize; 2]; MAX_RANK],
}

impl Blocks {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Blocks::SpaceToBatch => "SPACE_TO_BATCH_ND",
            Blocks::BatchToSpace => "BATCH_TO_SPACE_ND",
            Blocks::SpaceToDepth(_) => "SPACE_TO_DEPTH",
            Blocks::DepthToSpace(_) => "DEPTH_TO_SPACE",
        }
    }

    pub(super) fn infer(&self, operands: &Operands) -> Result<Vec<(Shape, DType)>> {
        let (x, dims) = match *self {
            Blocks::SpaceToDepth(block) => {
                let [x] = expect(operands)?;
                let [n, h, w, c] = x.shape.nhwc()?;
                if block == 0 || !h.is_multiple_of(block) || !w.is_multiple_of(block) {
                    return Err(Error::malformed(format!("{} in blocks of {block}", x.shape)));
                }
                // A block is not larger than the image.
                (x, vec![n, h / block, w / block, c * block * block])
            }
            Blocks::DepthToSpace(block) => {
                let [x] = expect(operands)?;
                let [n, h, w, c] = x.shape.nhwc()?;
                let area = block.checked_mul(block).filter(|&a| a > 0 && c.is_multiple_of(a));
                let Some(area) = area else {
                    return Err(Error::malformed(format!("{c} channels in blocks of {block}")));
                };
                // Not larger than the square root of the channels; the shape is refused where it is too large.
                (x, vec![n, h.saturating_mul(block), w.saturating_mul(block), c / area])
            }
            Blocks::SpaceToBatch | Blocks::BatchToSpace => {
                let [x, block, margin] = expect(operands)?;
                let block = list(block, "extents of a block", MAX_RANK)?;
                let margin = list_of(margin, "margins", 2 * block.len())?;
                let tiling = Tiling::new(&block, &margin)?;
                let mut dims = x.shape.dims().to_vec();
                if dims.len() < 1 + block.len() {
                    let what = format!("{} axes of {}", block.len(), x.shape);
                    return Err(Error::malformed(format!("blocks along {what}")));
                }
                let fits = match self {
                    Blocks::SpaceToBatch => tiling.split(&mut dims),
                    _ => tiling.merge(&mut dims),
                };
                if fits.is_none() {
                    let what = format!("{} in blocks of {block:?}", x.shape);
                    return Err(Error::malformed(format!("{what} with margins of {margin:?}")));
                }
                (x, dims)
            }
        };
        Ok(vec![(Shape::new(dims)?, moved_type(x)?)])
    }
}

impl Tiling {
    /// Of the lists that are operands. There is an axis before the blocks' first.
    pub fn new(block: &[i64], margin: &[i64]) -> Result<Tiling> {
        let mut tiling = Tiling { block: [1; MAX_RANK], margin: [[0; 2]; MAX_RANK] };
        let margins = paddings(margin)?;
        for (i, &b) in block.iter().enumerate().take(MAX_RANK - 1) {
            let extent = usize::try_from(b).ok().filter(|&b| b > 0);
            tiling.block[i + 1] =
                extent.ok_or_else(|| Error::malformed(format!("a block of {b}")))?;
            tiling.margin[i + 1] = margins[i];
        }
        Ok(tiling)
    }

    /// Pixels of a block.
    pub fn area(&self) -> usize {
        self.block.iter().product()
    }

    /// From the extents of the large tensor to those of the small one.
    fn split(&self, dims: &mut [usize]) -> Option<()> {
        for (a, d) in dims.iter_mut().enumerate().skip(1) {
            let [before, after] = self.margin[a];
            let whole = d.checked_add(before)?.checked_add(after)?;
            *d = whole.is_multiple_of(self.block[a]).then(|| whole / self.block[a])?;
        }
        let areas = self.block.iter().try_fold(1usize, |area, &b| area.checked_mul(b));
        dims[0] = areas?.checked_mul(dims[0])?;
        Some(())
    }

    /// And back.
    fn merge(&self, dims: &mut [usize]) -> Option<()> {
        for (a, d) in dims.iter_mut().enumerate().skip(1) {
            let [before, after] = self.margin[a];
            *d = d.checked_mul(self.block[a])?.checked_sub(before)?.checked_sub(after)?;
        }
        let area = self.block.iter().try_fold(1usize, |area, &b| area.checked_mul(b))?;
        dims[0] = dims[0].is_multiple_of(area).then(|| dims[0] / area)?;
        Some(())
    }
}
