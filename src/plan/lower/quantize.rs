//! Kernels between float32 and quantized values.

use super::{Chosen, Site};
use crate::kernels::{Copy, Dequantize, Quantize, Rounded};
use crate::tensor::Grid;

pub(super) fn dequantize(site: &Site) -> Option<Chosen> {
    let x = site.operand(0)?;
    let grid = Grid::of(x.dtype, x.quantization.as_ref())?;
    site.reading(1, Dequantize::new(x.shape.elements(), grid))
}

pub(super) fn quantize(site: &Site) -> Option<Chosen> {
    let (x, y) = (site.float(0)?, site.output());
    let grid = Grid::of(y.dtype, y.quantization.as_ref())?;
    site.reading(1, Quantize::new(x.shape.elements(), grid))
}

pub(super) fn fake_quant(grid: Grid, site: &Site) -> Option<Chosen> {
    let copy = Copy::new(site.float(0)?.shape.elements());
    site.reading(1, Rounded::new(Box::new(copy), grid))
}
