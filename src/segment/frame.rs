//! A frame as it comes from a camera or a canvas: bytes, and how they stand for colours.

use crate::error::{Error, Result};

/// Longest side of a frame, in pixels.
pub const MAX_FRAME_SIDE: usize = 1 << 14;

/// A picture in memory. Rows follow one another without gaps.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// As many as [`Frame::bytes_of`] says.
    pub bytes: &'a [u8],
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// What the bytes mean.
    pub format: PixelFormat,
}

/// What the bytes of a frame mean; the names are those of WebCodecs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PixelFormat {
    /// `[height][width][red, green, blue, unused]`.
    Rgba,
    /// `[height][width][blue, green, red, unused]`.
    Bgra,
    /// A plane of brightness, `[height][width]`, then two of colour with half as many rows and
    /// columns, rounded up: U and V.
    I420(YuvColors),
    /// The same with U and V side by side in one plane, `[height / 2][width / 2][u, v]`.
    Nv12(YuvColors),
}

/// How brightness and colour were made of red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YuvColors {
    /// By which weights.
    pub matrix: YuvMatrix,
    /// Whether bytes go from 0 to 255, not only from 16 to 235 (brightness) and 240 (colour).
    pub full_range: bool,
}

/// Weights of red, green and blue in the brightness, as standards have them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum YuvMatrix {
    /// ITU-R BT.601: cameras, and what says nothing else.
    Bt601,
    /// ITU-R BT.709: films in HD.
    Bt709,
}

/// Bytes that lie together: `[height][width][channels]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane<'a> {
    pub bytes: &'a [u8],
    pub width: usize,
    pub height: usize,
    pub channels: usize,
}

impl<'a> Frame<'a> {
    /// A frame of RGBA bytes.
    pub fn rgba(bytes: &'a [u8], width: usize, height: usize) -> Frame<'a> {
        Frame { bytes, width, height, format: PixelFormat::Rgba }
    }

    /// Bytes of a frame of that size. Errors: `BadInput` when a side is 0 or longer than
    /// [`MAX_FRAME_SIDE`].
    pub fn bytes_of(format: PixelFormat, width: usize, height: usize) -> Result<usize> {
        if width == 0 || height == 0 || width.max(height) > MAX_FRAME_SIDE {
            return Err(Error::bad_input(format!(
                "a frame of {width}x{height} pixels: sides must be 1 to {MAX_FRAME_SIDE}"
            )));
        }
        Ok(match format {
            PixelFormat::Rgba | PixelFormat::Bgra => width * height * 4,
            PixelFormat::I420(_) | PixelFormat::Nv12(_) => {
                width * height + 2 * width.div_ceil(2) * height.div_ceil(2)
            }
        })
    }

    /// The planes, at most three; those that the format has not are empty.
    ///
    /// Errors: `BadInput` when the bytes are not those of [`Frame::bytes_of`].
    pub(super) fn planes(&self) -> Result<[Plane<'a>; 3]> {
        let &Frame { bytes, width, height, format } = self;
        let expected = Frame::bytes_of(format, width, height)?;
        if bytes.len() != expected {
            return Err(Error::bad_input(format!(
                "a frame of {width}x{height} pixels needs {expected} bytes of {}, got {}",
                format.name(),
                bytes.len()
            )));
        }
        let plane = |bytes, width, height, channels| Plane { bytes, width, height, channels };
        let none = plane(&[], 0, 0, 1);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        Ok(match format {
            PixelFormat::Rgba | PixelFormat::Bgra => [plane(bytes, width, height, 4), none, none],
            PixelFormat::I420(_) => {
                let (y, colors) = bytes.split_at(width * height);
                let (u, v) = colors.split_at(half_width * half_height);
                let half = |bytes| plane(bytes, half_width, half_height, 1);
                [plane(y, width, height, 1), half(u), half(v)]
            }
            PixelFormat::Nv12(_) => {
                let (y, uv) = bytes.split_at(width * height);
                [plane(y, width, height, 1), plane(uv, half_width, half_height, 2), none]
            }
        })
    }
}

impl PixelFormat {
    fn name(self) -> &'static str {
        match self {
            PixelFormat::Rgba => "RGBA",
            PixelFormat::Bgra => "BGRA",
            PixelFormat::I420(_) => "I420",
            PixelFormat::Nv12(_) => "NV12",
        }
    }
}
