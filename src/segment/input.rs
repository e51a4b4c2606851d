//! A frame's pixels → the input tensor of a model: resized, then normalised.

use crate::error::{Error, Result};
use crate::simd::Vector;

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

/// Longest side of a frame, in pixels.
pub const MAX_FRAME_SIDE: usize = 1 << 14;

/// Resizes frames to one size, in the manner of PIL's `Image.resize(..., BILINEAR)`: a triangle
/// filter, as wide as two source pixels or, when shrinking, as two target pixels, so that no source
/// pixel is left out. What is drawn does not depend on browser or machine.
///
/// Rows are joined first: that loop runs over contiguous bytes.
#[derive(Debug)]
pub struct FrameInput {
    rows: Axis,
    columns: Axis,
    /// Multiplied with and added to the resized bytes, for red, green, blue and (unused) alpha.
    scale: [f32; 4],
    offset: [f32; 4],
    /// Joined rows, `[source width][ROWS][rgba]`.
    joined: Vec<[[f32; 4]; ROWS]>,
}

impl FrameInput {
    /// For targets of `height` x `width` pixels.
    pub fn new(height: usize, width: usize, normalization: Normalization) -> FrameInput {
        let Normalization { mean, std } = normalization;
        let mut input = FrameInput {
            rows: Axis::new(height),
            columns: Axis::new(width),
            scale: [0.0; 4],
            offset: [0.0; 4],
            joined: Vec::new(),
        };
        for c in 0..3 {
            input.scale[c] = 1.0 / (255.0 * std[c]);
            input.offset[c] = -mean[c] / std[c];
        }
        input
    }

    /// Fills `out`, `[target height][target width][rgb]`, from `rgba`, `[height][width][rgba]`.
    /// Allocates only when the frame's size is another than that of the frame before.
    ///
    /// Errors: `BadInput` when a side is 0 or longer than [`MAX_FRAME_SIDE`], or when a length
    /// does not fit the sizes.
    pub fn load(
        &mut self,
        rgba: &[u8],
        width: usize,
        height: usize,
        out: &mut [f32],
    ) -> Result<()> {
        if width == 0 || height == 0 || width.max(height) > MAX_FRAME_SIDE {
            return Err(Error::bad_input(format!(
                "a frame of {width}x{height} pixels: sides must be 1 to {MAX_FRAME_SIDE}"
            )));
        }
        if rgba.len() != width * height * 4 {
            return Err(Error::bad_input(format!(
                "a frame of {width}x{height} pixels needs {} bytes of RGBA, got {}",
                width * height * 4,
                rgba.len()
            )));
        }
        let target = self.columns.target * 3;
        if out.len() != self.rows.target * target {
            return Err(Error::bad_input(format!(
                "the input has {} elements, the frame goes to {}",
                out.len(),
                self.rows.target * target
            )));
        }
        self.rows.prepare(height);
        self.columns.prepare(width);
        self.joined.resize(width, [[0.0; 4]; ROWS]);
        for (group, out) in out.chunks_mut(ROWS * target).enumerate() {
            for r in 0..out.len() / target {
                let (first, weights) = self.rows.taps(group * ROWS + r);
                join_rows(&rgba[first * width * 4..], weights, &mut self.joined, r);
            }
            self.join_columns(out);
        }
        Ok(())
    }

    /// Up to `ROWS` rows of the target, `[rows][target width][rgb]`, of as many joined rows.
    fn join_columns(&self, out: &mut [f32]) {
        let width = self.columns.target;
        let rows = out.len() / (width * 3);
        let (scale, offset) = (V::from_array(self.scale), V::from_array(self.offset));
        for x in 0..width {
            let (first, weights) = self.columns.taps(x);
            let mut sum = [V::splat(0.0); ROWS];
            for (pixels, &weight) in self.joined[first..first + weights.len()].iter().zip(weights) {
                let weight = V::splat(weight);
                for r in 0..ROWS {
                    sum[r] = V::from_array(pixels[r]).mul_add(weight, sum[r]);
                }
            }
            for (r, sum) in sum.into_iter().enumerate().take(rows) {
                let [red, green, blue, _] = sum.mul_add(scale, offset).to_array();
                let at = (r * width + x) * 3;
                out[at..at + 3].copy_from_slice(&[red, green, blue]);
            }
        }
    }
}

/// One pixel.
type V = crate::simd::Native;

/// Rows of the target that are made together: a column's weight is loaded once for all of them.
const ROWS: usize = 4;

/// Pixels joined at a time: their sums stay in vector registers over all rows.
const BLOCK: usize = 4;

/// The sum of `weights.len()` rows of pixels times their weights, into row `r` of `joined`; all
/// rows are as wide as `joined`.
fn join_rows(rgba: &[u8], weights: &[f32], joined: &mut [[[f32; 4]; ROWS]], r: usize) {
    let width = joined.len();
    let (pixels, _) = rgba.as_chunks::<4>();
    let (blocks, rest) = joined.as_chunks_mut::<BLOCK>();
    for (b, block) in blocks.iter_mut().enumerate() {
        let mut sum = [V::splat(0.0); BLOCK];
        for (k, &weight) in weights.iter().enumerate() {
            let weight = V::splat(weight);
            let at = k * width + b * BLOCK;
            for (sum, &pixel) in sum.iter_mut().zip(&pixels[at..at + BLOCK]) {
                *sum = to_vector(pixel).mul_add(weight, *sum);
            }
        }
        for (pixel, sum) in block.iter_mut().zip(sum) {
            pixel[r] = sum.to_array();
        }
    }
    for (x, pixel) in rest.iter_mut().enumerate() {
        let x = width / BLOCK * BLOCK + x;
        let mut sum = V::splat(0.0);
        for (k, &weight) in weights.iter().enumerate() {
            sum = to_vector(pixels[k * width + x]).mul_add(V::splat(weight), sum);
        }
        pixel[r] = sum.to_array();
    }
}

fn to_vector(rgba: [u8; 4]) -> V {
    V::from_array(rgba.map(|byte| byte as f32))
}

/// Which source pixels make each target pixel along one axis, and with what weights.
#[derive(Debug)]
struct Axis {
    target: usize,
    /// 0 before the first frame.
    source: usize,
    /// Source pixels of each target pixel, some with weight 0.
    count: usize,
    /// First source pixel of each target pixel.
    first: Vec<usize>,
    /// `[target][count]`; those of one target pixel sum to 1.
    weights: Vec<f32>,
}

impl Axis {
    fn new(target: usize) -> Axis {
        Axis { target, source: 0, count: 1, first: Vec::new(), weights: Vec::new() }
    }

    /// First source pixel of target pixel `i`, and the weights from there on.
    fn taps(&self, i: usize) -> (usize, &[f32]) {
        (self.first[i], &self.weights[i * self.count..(i + 1) * self.count])
    }

    /// Computes the weights for a source of that many pixels, unless they are those in place:
    /// PIL's `precompute_coeffs`.
    fn prepare(&mut self, source: usize) {
        if self.source == source {
            return;
        }
        self.source = source;
        self.first.clear();
        self.weights.clear();
        let scale = source as f64 / self.target as f64;
        // Half the width of the triangle, in source pixels.
        let support = scale.max(1.0);
        self.count = source.min((2.0 * support).ceil() as usize);
        for i in 0..self.target {
            let center = (i as f64 + 0.5) * scale;
            // The first pixel whose centre lies inside the triangle, and further left at the end.
            let inside = (center - support + 0.5).max(0.0) as usize;
            let first = inside.min(source - self.count);
            let weight = |x: usize| (1.0 - ((x as f64 + 0.5 - center) / support).abs()).max(0.0);
            let taps = first..first + self.count;
            let sum: f64 = taps.clone().map(weight).sum();
            self.weights.extend(taps.map(|x| (weight(x) / sum) as f32));
            self.first.push(first);
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            let error = input.load(&vec![0; bytes], width, height, &mut out).unwrap_err();
            assert_eq!(error.kind().code(), "bad-input");
            assert!(error.to_string().contains(what), "{error}");
        }
        assert!(input.load(&[0; 4], 1, 1, &mut out[1..]).is_err());
        // And still works.
        input.load(&[255, 0, 51, 9], 1, 1, &mut out).unwrap();
        assert!(out.chunks(3).all(|p| p[0] == 1.0 && p[1] == 0.0 && (p[2] - 0.2).abs() < 1e-6));
    }

    proptest! {
        #[test]
        fn weights_are_an_average(source in 1usize..300, target in 1usize..300) {
            let mut axis = Axis::new(target);
            axis.prepare(source);
            let mut covered = vec![0.0; source];
            for i in 0..target {
                let (first, weights) = axis.taps(i);
                prop_assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                prop_assert!(weights.iter().all(|&w| w >= 0.0));
                for (k, w) in weights.iter().enumerate() {
                    covered[first + k] += w;
                }
            }
            // When shrinking, each source pixel counts; when enlarging, those at the ends may not.
            if target <= source {
                prop_assert!(covered.iter().all(|&w| w > 0.0));
            }
        }

        #[test]
        fn one_colour_stays_that_colour(
            width in 1usize..70, height in 1usize..70, rgba in any::<[u8; 4]>(),
        ) {
            let normalization = Normalization { mean: [0.5, 0.4, 0.3], std: [0.5, 0.25, 0.2] };
            let mut input = FrameInput::new(16, 24, normalization);
            let mut out = vec![0.0; 16 * 24 * 3];
            input.load(&rgba.repeat(width * height), width, height, &mut out).unwrap();
            for pixel in out.chunks_exact(3) {
                for c in 0..3 {
                    let Normalization { mean, std } = normalization;
                    let expected = (rgba[c] as f32 / 255.0 - mean[c]) / std[c];
                    prop_assert!((pixel[c] - expected).abs() < 1e-4);
                }
            }
        }
    }
}
