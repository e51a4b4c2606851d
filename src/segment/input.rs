//! A frame's pixels → the input tensor of a model: resized, then made red, green and blue, then
//! normalised.

use super::frame::{Frame, PixelFormat, Plane, YuvColors, YuvMatrix};
use super::resize::{Axis, Part, UNIT, joined_pairs};
use crate::error::{Error, Result};
use crate::simd::{ColumnPair, LANES, Native as V, ROWS, Vector};
use crate::threads::Team;
use std::array::from_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a byte `v` of a channel becomes a number: `(v / 255 - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalization {
    /// Of red, green and blue.
    pub mean: [f32; 3],
    /// Of red, green and blue; not 0.
    pub std: [f32; 3],
}

impl Default for Normalization {
    /// 0 to 1.
    fn default() -> Normalization {
        Normalization { mean: [0.0; 3], std: [1.0; 3] }
    }
}

/// Resizes frames to one size: see `resize.rs`. Brightness and colour of video frames are resized
/// as they are, so that only the few pixels of the target are converted.
#[derive(Debug)]
pub struct FrameInput {
    normalization: Normalization,
    /// Of planes as large as the frame, and of those with half as many rows and columns.
    rows: [Axis; 2],
    columns: [Axis; 2],
    /// One for each thread.
    rooms: Vec<Mutex<Room>>,
}

/// What a thread works in.
#[derive(Debug)]
struct Room {
    part: Box<Part>,
    /// Joined rows of all planes, one after another.
    joined: Vec<ColumnPair>,
    /// Rows of the target, not yet converted: `[channel][target width]`.
    resized: Vec<[V; 2]>,
}

impl FrameInput {
    /// For targets of `height` x `width` pixels.
    pub fn new(height: usize, width: usize, normalization: Normalization) -> FrameInput {
        FrameInput {
            normalization,
            rows: [Axis::rows(height), Axis::rows(height)],
            columns: [Axis::columns(width), Axis::columns(width)],
            rooms: Vec::new(),
        }
    }

    /// Fills `out`, `[target height][target width][rgb]`. Allocates only when the frame's size or
    /// format is another than that of the frame before.
    ///
    /// Errors: `BadInput` when a side is 0 or longer than [`super::frame::MAX_FRAME_SIDE`], or when
    /// a length does not fit the sizes.
    pub fn load(&mut self, frame: &Frame<'_>, out: &mut [f32], team: &mut Team) -> Result<()> {
        let planes = frame.planes()?;
        let width = self.columns[0].target() * 3;
        if out.len() != self.rows[0].target() * width {
            return Err(Error::bad_input(format!(
                "the input has {} elements, the frame goes to {}",
                out.len(),
                self.rows[0].target() * width
            )));
        }
        self.prepare(frame, &planes, team.threads());
        let colors = Colors::of(frame.format, self.normalization);
        let channels = channels(frame.format, &planes);
        let groups = Mutex::new(out.chunks_mut(ROWS * width).enumerate());
        let this = &*self;
        team.run(&|thread| {
            let mut room = lock(&this.rooms[thread]);
            let Room { part, joined, resized } = &mut *room;
            loop {
                let Some((group, out)) = lock(&groups).next() else { break };
                let mut rest = &mut joined[..];
                for (i, plane) in planes.iter().enumerate().filter(|(_, p)| p.width > 0) {
                    let (own, others) = rest.split_at_mut(joined_pairs(plane));
                    this.rows[i.min(1)].join_rows(plane, group * ROWS, part, own);
                    rest = others;
                }
                for (Channel { axis, start }, resized) in
                    channels.iter().zip(resized.chunks_exact_mut(width / 3))
                {
                    this.columns[*axis].join_columns(&joined[*start..], resized);
                }
                draw(resized, &colors, out);
            }
        });
        Ok(())
    }

    /// Takes over the sizes of a frame.
    fn prepare(&mut self, frame: &Frame<'_>, planes: &[Plane<'_>; 3], threads: usize) {
        let (width, height) = (frame.width as f64, frame.height as f64);
        self.rows[0].prepare(frame.height, height);
        self.columns[0].prepare(frame.width, width);
        if planes[1].width > 0 {
            self.rows[1].prepare(planes[1].height, height / 2.0);
            self.columns[1].prepare(planes[1].width, width / 2.0);
        }
        let columns = 3 * self.columns[0].target();
        self.rooms.resize_with(threads, || {
            let part = Box::new([[0; _]; ROWS]);
            let resized = vec![[V::splat(0.0); 2]; columns];
            Mutex::new(Room { part, joined: Vec::new(), resized })
        });
        let pairs = planes.iter().map(joined_pairs).sum();
        for room in &mut self.rooms {
            lock(room).joined.resize(pairs, ColumnPair::default());
        }
    }
}

/// Up to `ROWS` rows of the target, `[rows][target width][rgb]`, of as many resized ones,
/// `[channel][target width]`.
fn draw(resized: &[[V; 2]], colors: &Colors, out: &mut [f32]) {
    let width = resized.len() / 3;
    let row = width * 3;
    let (first, others) = resized.split_at(width);
    let (second, third) = others.split_at(width);
    // As many pixels at a time as a vector has lanes: their colours are whole vectors of a row.
    for x in (0..width).step_by(LANES) {
        let pixels: [_; LANES] = from_fn(|i| {
            let x = (x + i).min(width - 1);
            colors.normalized([first[x], second[x], third[x]])
        });
        let (vectors, _) = pixels.as_flattened().as_chunks::<LANES>();
        for (half, out) in out.chunks_mut(LANES * row).enumerate() {
            for (i, values) in vectors.iter().enumerate() {
                let rows = V::transposed(values.map(|value| value[half]));
                let at = (x * 3 + i * LANES).min(row);
                for (out, values) in out.chunks_exact_mut(row).zip(rows) {
                    let values = values.to_array();
                    match out[at..].first_chunk_mut() {
                        Some(out) => *out = values,
                        None => out[at..].iter_mut().zip(values).for_each(|(o, v)| *o = v),
                    }
                }
            }
        }
    }
}

/// Nothing here panics while it holds one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the columns of one channel lie among the joined ones.
#[derive(Debug, Clone, Copy)]
struct Channel {
    /// 0 for planes as large as the frame, 1 for those of half its sides.
    axis: usize,
    start: usize,
}

/// Red, green and blue, or Y, U and V.
fn channels(format: PixelFormat, planes: &[Plane<'_>; 3]) -> [Channel; 3] {
    let channel = |axis, start| Channel { axis, start };
    let [first, second, _] = planes.map(|plane| joined_pairs(&plane));
    match format {
        PixelFormat::Rgba => [0, 1, 2].map(|c| channel(0, c * first / 4)),
        PixelFormat::Bgra => [2, 1, 0].map(|c| channel(0, c * first / 4)),
        PixelFormat::I420(_) => [channel(0, 0), channel(1, first), channel(1, first + second)],
        PixelFormat::Nv12(_) => [channel(0, 0), channel(1, first), channel(1, first + second / 2)],
    }
}

/// From the channels of a frame, 0 to 255 times [`UNIT`], to normalised red, green and blue.
struct Colors {
    /// What red, green and blue are without any channel.
    offset: [V; 3],
    /// What each has of itself, or of the brightness.
    own: [V; 3],
    /// What each has of U and V; nothing in a frame of red, green and blue.
    of_uv: Option<[[V; 2]; 3]>,
    /// What black and white become, the lesser first.
    limits: [[V; 2]; 3],
}

impl Colors {
    fn of(format: PixelFormat, Normalization { mean, std }: Normalization) -> Colors {
        let black: [f32; 3] = from_fn(|c| -mean[c] / std[c]);
        let white: [f32; 3] = from_fn(|c| (1.0 - mean[c]) / std[c]);
        let limits = from_fn(|c| [black[c].min(white[c]), black[c].max(white[c])].map(V::splat));
        let unit = std.map(|std| 1.0 / (255.0 * std * UNIT));
        let (PixelFormat::I420(colors) | PixelFormat::Nv12(colors)) = format else {
            let (offset, own) = (black.map(V::splat), unit.map(V::splat));
            return Colors { offset, own, of_uv: None, limits };
        };
        let rgb = ToRgb::from(colors);
        let offset = |c: usize| {
            let [u, v] = rgb.of_uv[c];
            V::splat(black[c] - (rgb.black * rgb.gain + 128.0 * (u + v)) * unit[c] * UNIT)
        };
        Colors {
            offset: from_fn(offset),
            own: unit.map(|unit| V::splat(rgb.gain * unit)),
            of_uv: Some(from_fn(|c| rgb.of_uv[c].map(|part| V::splat(part * unit[c])))),
            limits,
        }
    }

    #[inline(always)]
    fn normalized(&self, channels: [[V; 2]; 3]) -> [[V; 2]; 3] {
        let Colors { offset, own, of_uv, limits } = self;
        let Some(of_uv) = of_uv else {
            return from_fn(|c| channels[c].map(|value| value.mul_add(own[c], offset[c])));
        };
        let [y, u, v] = channels;
        from_fn(|c| {
            from_fn(|half| {
                let gray = y[half].mul_add(own[c], offset[c]);
                let color = v[half].mul_add(of_uv[c][1], u[half].mul_add(of_uv[c][0], gray));
                color.clamp(limits[c][0], limits[c][1])
            })
        })
    }
}

/// Red, green and blue are `(y - black) * gain + (u - 128) * of_uv[0] + (v - 128) * of_uv[1]`.
struct ToRgb {
    black: f32,
    gain: f32,
    of_uv: [[f32; 2]; 3],
}

impl From<YuvColors> for ToRgb {
    fn from(YuvColors { matrix, full_range }: YuvColors) -> ToRgb {
        let (red, blue) = match matrix {
            YuvMatrix::Bt601 => (0.299, 0.114),
            YuvMatrix::Bt709 => (0.2126, 0.0722),
        };
        let (black, gain, reach) =
            if full_range { (0.0, 1.0, 1.0) } else { (16.0, 255.0 / 219.0, 255.0 / 224.0) };
        // Y is the weighted sum of the three; U and V are how much blue and red exceed it, so
        // scaled that they are at most one half.
        let (u, v) = (2.0 * (1.0 - blue) * reach, 2.0 * (1.0 - red) * reach);
        let green = 1.0 - red - blue;
        ToRgb { black, gain, of_uv: [[0.0, v], [-u * blue / green, -v * red / green], [u, 0.0]] }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn load(input: &mut FrameInput, frame: Frame<'_>, out: &mut [f32]) -> Result<()> {
        input.load(&frame, out, &mut Team::new(1)?)
    }

    #[test]
    fn wrong_frames_are_refused() {
        let mut input = FrameInput::new(8, 8, Normalization::default());
        let mut out = vec![0.0; 8 * 8 * 3];
        for (bytes, width, height, what) in [
            (0, 0, 0, "a frame of 0x0 pixels"),
            (0, 4, 0, "a frame of 4x0 pixels"),
            (0, usize::MAX, usize::MAX, "sides must be 1 to 16384"),
            (16, 2, 3, "a frame of 2x3 pixels needs 24 bytes of RGBA, got 16"),
        ] {
            let bytes = vec![0; bytes];
            let frame = Frame::rgba(&bytes, width, height);
            let error = load(&mut input, frame, &mut out).unwrap_err();
            assert_eq!(error.kind().code(), "bad-input");
            assert!(error.to_string().contains(what), "{error}");
        }
        let colors = YuvColors { matrix: YuvMatrix::Bt601, full_range: true };
        let frame = Frame { format: PixelFormat::I420(colors), ..Frame::rgba(&[0; 18], 3, 3) };
        let error = load(&mut input, frame, &mut out).unwrap_err();
        assert!(error.to_string().contains("needs 17 bytes of I420, got 18"), "{error}");
        assert!(load(&mut input, Frame::rgba(&[0; 4], 1, 1), &mut out[1..]).is_err());
        // And still works.
        load(&mut input, Frame::rgba(&[255, 0, 51, 9], 1, 1), &mut out).unwrap();
        assert!(out.chunks(3).all(|p| p[0] == 1.0 && p[1] == 0.0 && (p[2] - 0.2).abs() < 1e-6));
    }

    proptest! {
        #[test]
        fn one_colour_stays_that_colour(
            width in 1usize..70, height in 1usize..70, rgba in any::<[u8; 4]>(), swapped in any::<bool>(),
        ) {
            let normalization = Normalization { mean: [0.5, 0.4, 0.3], std: [0.5, 0.25, -0.2] };
            let mut input = FrameInput::new(18, 26, normalization);
            let mut out = vec![0.0; 18 * 26 * 3];
            let format = if swapped { PixelFormat::Bgra } else { PixelFormat::Rgba };
            let bytes = rgba.repeat(width * height);
            load(&mut input, Frame { format, ..Frame::rgba(&bytes, width, height) }, &mut out).unwrap();
            for pixel in out.chunks_exact(3) {
                for c in 0..3 {
                    let Normalization { mean, std } = normalization;
                    let byte = rgba[if swapped { 2 - c } else { c }];
                    let expected = (byte as f32 / 255.0 - mean[c]) / std[c];
                    prop_assert!((pixel[c] - expected).abs() < 1e-4);
                }
            }
        }
    }
}
