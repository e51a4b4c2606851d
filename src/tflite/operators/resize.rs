//! Options of resizes.

use super::{Decode, Options};
use crate::error::Result;
use crate::ops::{Op, ResizeBilinear, ResizeNearest};
use crate::tensor::DType;
use crate::tflite::schema::options;

pub fn builtin(name: &str) -> Option<Decode> {
    Some(match name {
        "RESIZE_BILINEAR" => resize_bilinear,
        "RESIZE_NEAREST_NEIGHBOR" => resize_nearest_neighbor,
        _ => return None,
    })
}

fn resize_bilinear(o: &Options) -> Result<Op> {
    use options::resize_bilinear::*;
    let table = o.of(TYPE)?;
    Ok(Op::ResizeBilinear(ResizeBilinear {
        align_corners: table.get(ALIGN_CORNERS)?,
        half_pixel_centers: table.get(HALF_PIXEL_CENTERS)?,
        fixed_point: matches!(o.made[..], [DType::I8 | DType::I16, ..]),
    }))
}

fn resize_nearest_neighbor(o: &Options) -> Result<Op> {
    use options::resize_nearest_neighbor::*;
    let table = o.of(TYPE)?;
    Ok(Op::ResizeNearest(ResizeNearest {
        align_corners: table.get(ALIGN_CORNERS)?,
        half_pixel_centers: table.get(HALF_PIXEL_CENTERS)?,
    }))
}
