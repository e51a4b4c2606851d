//! Picture files.

use crate::Result;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader};
use std::io::Cursor;

/// Pixels `[height][width][rgba]`, width and height of a PNG or JPEG, turned as its EXIF data
/// says.
pub fn read(bytes: &[u8]) -> Result<(Vec<u8>, usize, usize)> {
    let decode = || -> image::ImageResult<DynamicImage> {
        let mut decoder =
            ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture)
    };
    let picture =
        decode().map_err(|e| format!("is no picture that can be read: {e}"))?.into_rgba8();
    let (width, height) = picture.dimensions();
    Ok((picture.into_raw(), width as usize, height as usize))
}

/// The PNG of a mask of `from` pixels, enlarged to `to` pixels, both `[height, width]`.
pub fn mask_png(mask: &[u8], from: [usize; 2], to: [usize; 2]) -> Result<Vec<u8>> {
    let [height, width] = from.map(|n| n as u32);
    let mask = GrayImage::from_raw(width, height, mask.to_vec())
        .ok_or_else(|| format!("a mask of {} bytes is not {width}x{height}", mask.len()))?;
    let [height, width] = to.map(|n| n as u32);
    let mask = resize(&mask, width, height, FilterType::Triangle);
    let mut png = Cursor::new(Vec::new());
    mask.write_to(&mut png, ImageFormat::Png).map_err(|e| e.to_string())?;
    Ok(png.into_inner())
}
