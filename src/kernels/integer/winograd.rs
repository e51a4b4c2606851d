//! Dense 3x3 convolution of 8-bit integers with less than half of the multiplications: Winograd's
//! F(2x2, 3x3), after Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).
//!
//! 2x2 outputs take 4x4 products for each pair of channels instead of 2x2x9. Inputs are evaluated at
//! the points 0, 1, -1 and infinity (`read`), filters at twice these values, so that all of it is
//! whole numbers of 16 bits; each point is a product of matrices `[tiles, ci] x [ci, co]`, and
//! outputs are interpolated from the products (`write`), four times what a sliding window sums up.
//! Nothing is rounded on the way, so the results are the same, bit for bit. F(4x4, 3x3) would need
//! more than 16 and 32 bits.

use super::panels::{Panels, ROWS, Run};
use super::{Bytes, Requantize, as_elements, as_lanes, output_bytes};
use crate::kernels::window::{Axis, ConvSpec, check};
use crate::kernels::{Args, Kernel};
use crate::simd::{Integers, LANES, Limits, NativeIntegers, WORDS};
use std::array::from_fn;
use std::ops::Range;

/// Outputs of a tile along each side.
const OUT: usize = 2;

/// Inputs of a tile along each side, and points along each axis.
const IN: usize = OUT + 2;

/// What a sum is multiplied by: filters are evaluated at twice the values, along both axes.
const GAIN: i32 = 4;

/// Bytes, at most, of evaluated inputs and of products that are worked on at once, if that leaves
/// `MIN_TILES`.
const CACHED: usize = 256 << 10;

/// Tiles, at least, that are worked on at once: for each of them all weights are read again.
const MIN_TILES: usize = 16;

/// Fewer input and output channels than these take longer to evaluate than they save. In Chromium on
/// a Zen 4 core, relaxed, times as fast as `IntegerConv`: 8 to 8 channels 0.7, 12 to 12 0.5, 16 to 16
/// 1.2, 32 to 16 1.4, 24 to 24 1.4, 48 to 48 1.7, 64 to 64 1.8, 96 to 48 1.9 (images of 128x128 to
/// 16x16).
const MIN_CHANNELS: [usize; 2] = [16, 16];

/// Channels: scratch memory for so many takes 1.6 MB a thread.
const MAX_CHANNELS: usize = 1024;

/// CONV_2D of 3x3 taps, not strided, not dilated, in one group; a unit is two rows of the output, or
/// what is left of them. Operand 0 is `[n, h, w, ci]`, the output `[n, oh, ow, co]`.
pub struct IntegerWinograd {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    ci: usize,
    co: usize,
    input_zero: i32,
    /// One for each pair of points: k is `words(ci)`, n is `lanes(co)`.
    points: Vec<Panels<i16>>,
    /// `[lanes(co)]`, `GAIN` times.
    bias: Vec<i32>,
    /// `[lanes(co)]`, for sums that are `GAIN` times too large.
    scales: Vec<f32>,
    limits: Limits,
    /// Worked on at once.
    tiles: usize,
}

/// Input channels, filled up to whole vectors.
fn words(channels: usize) -> usize {
    channels.next_multiple_of(WORDS)
}

/// Output channels, filled up likewise.
fn lanes(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// Elements from one matrix to the next: not a multiple of a page, as stores of one tile to all
/// matrices would then share a few lines of the cache.
fn step(elements: usize) -> usize {
    elements + 32
}

impl IntegerWinograd {
    /// Whether the convolution is of the kind that this kernel computes, and faster by it.
    pub fn pays(spec: &ConvSpec<'_, i16, i32>, filter_zero: i32) -> bool {
        let [co, kh, kw, depth] = spec.filter_shape;
        [kh, kw] == [3, 3]
            && depth == spec.input[3]
            && spec.stride == [1, 1]
            && spec.dilation == [1, 1]
            && spec.output.iter().all(|&side| side > OUT)
            && [depth, co].iter().zip(MIN_CHANNELS).all(|(&channels, least)| channels >= least)
            && [depth, co].iter().all(|&channels| channels <= MAX_CHANNELS)
            && sums_fit(spec, filter_zero)
    }

    /// Evaluates the weights, as stored. The activation is in the limits of `requantize`.
    ///
    /// # Panics
    /// When the filter is not of one group of 3x3 taps, or a slice has not the length the spec
    /// implies.
    pub fn new(spec: ConvSpec<'_, i16, i32>, requantize: Requantize<'_>) -> IntegerWinograd {
        let [batch, _, _, ci] = spec.input;
        let co = spec.filter_shape[0];
        check(&spec, co);
        assert_eq!(spec.filter_shape, [co, 3, 3, ci], "3x3, dense");
        let zero = requantize.filter_zero as i16;
        let points = (0..IN * IN)
            .map(|point| {
                let weight = |n: usize, k: usize| match n < co && k < ci {
                    true => {
                        let tap =
                            |y: usize, x: usize| spec.filter[((n * 3 + y) * 3 + x) * ci + k] - zero;
                        let rows = from_fn(|y| filter_value(point % IN, from_fn(|x| tap(y, x))));
                        filter_value(point / IN, rows)
                    }
                    false => 0,
                };
                Panels::pack(
                    [0, lanes(co)],
                    [1, words(ci)],
                    &weight,
                    None,
                    &Requantize { scales: &[0.0], ..requantize },
                )
            })
            .collect();
        let fill = |n: usize| spec.bias.filter(|_| n < co).map_or(0, |bias| bias[n]);
        let scale = |n: usize| if n < co { requantize.scale(n) / GAIN as f32 } else { 0.0 };
        let bytes = IN * IN * (2 * words(ci) + 4 * lanes(co)); // of a tile
        IntegerWinograd {
            batch,
            axes: spec.axes(),
            ci,
            co,
            input_zero: requantize.input_zero,
            points,
            bias: (0..lanes(co)).map(|n| fill(n).wrapping_mul(GAIN)).collect(),
            scales: (0..lanes(co)).map(scale).collect(),
            limits: requantize.limits(),
            tiles: (CACHED / bytes).max(MIN_TILES) / ROWS * ROWS,
        }
    }

    /// Tiles along height and width.
    fn grid(&self) -> [usize; 2] {
        self.axes.map(|axis| axis.output.div_ceil(OUT))
    }

    /// Of a tile, counted over images, rows and columns: image, and first output row and column.
    fn at(&self, tile: usize) -> [usize; 3] {
        let [rows, columns] = self.grid();
        [tile / columns / rows, tile / columns % rows * OUT, tile % columns * OUT]
    }

    /// The first output element of a unit.
    fn start(&self, unit: usize) -> usize {
        let [rows, columns] = self.axes;
        let [n, y, _] = self.at(unit * self.grid()[1]);
        (n * rows.output + y) * columns.output * self.co
    }

    /// Words of evaluated inputs from one point to the next, and lanes of products.
    fn steps(&self) -> [usize; 2] {
        [words(self.ci), lanes(self.co)].map(|channels| step(self.tiles * channels))
    }

    /// Evaluates one tile of the input at all points: `[16][step]`, at each `[words(ci)]`.
    #[inline(never)]
    fn read(&self, tile: usize, input: Bytes, values: &mut [i16], patch: &mut [i16]) {
        let [rows, columns] = self.axes;
        let (ci, k, step) = (self.ci, words(self.ci), self.steps()[0]);
        let [n, y, x] = self.at(tile);
        let inside = |axis: Axis, at| {
            let origin = axis.origin(at);
            let end = (axis.input as isize - origin).clamp(0, IN as isize) as usize;
            ((-origin).clamp(0, end as isize) as usize)..end
        };
        let (inside_y, inside_x) = (inside(rows, y), inside(columns, x));
        // The element of the image at a place of the tile that lies inside.
        let pixel = |ky: usize, kx: usize| {
            let at = |axis: Axis, output, k: usize| (axis.origin(output) + k as isize) as usize;
            ((n * rows.input + at(rows, y, ky)) * columns.input + at(columns, x, kx)) * ci
        };
        assert!(values.len() >= (IN * IN - 1) * step + k && patch.len() >= IN * IN * k);
        if inside_y == (0..IN) && inside_x == (0..IN) && ci == k {
            let moved = input.moved(self.input_zero);
            let (first, row) = (pixel(0, 0), columns.input * ci);
            for c in (0..k).step_by(WORDS) {
                let load = |ky, kx| input.words_less(first + ky * row + kx * ci + c, moved);
                // SAFETY: c + 8 <= k, and the last point has k words: the assertion.
                unsafe { evaluate_tile(load, values.as_mut_ptr().add(c), step) };
            }
            return;
        }
        let patch = &mut patch[..IN * IN * k];
        patch.fill(0);
        for ky in inside_y {
            for kx in inside_x.clone() {
                let to = &mut patch[(ky * IN + kx) * k..][..ci];
                input.widen(pixel(ky, kx), self.input_zero, to);
            }
        }
        for c in (0..k).step_by(WORDS) {
            // SAFETY: `patch` has k words for each of IN * IN pixels, and c + 8 <= k.
            let load = |ky, kx| unsafe {
                NativeIntegers::load_words(patch.as_ptr().add((ky * IN + kx) * k + c))
            };
            // SAFETY: c + 8 <= k, and the last point has k words: the assertion.
            unsafe { evaluate_tile(load, values.as_mut_ptr().add(c), step) };
        }
    }

    /// Interpolates one tile of outputs from its products at all points, `[16][step]`, at each
    /// `[lanes(co)]`. `output` starts at element `start` of the whole output.
    #[inline(never)]
    fn write(&self, tile: usize, products: &[i32], output: &mut [u8], start: usize) {
        let [rows, columns] = self.axes;
        let (co, n, step) = (self.co, lanes(self.co), self.steps()[1]);
        let [image, y, x] = self.at(tile);
        let origin = ((image * rows.output + y) * columns.output + x) * co - start;
        let [inside_y, inside_x] = [(rows, y), (columns, x)].map(|(a, at)| OUT.min(a.output - at));
        assert!(products.len() >= (IN * IN - 1) * step + n && self.bias.len() == n);
        let last = origin + ((inside_y - 1) * columns.output + inside_x) * co;
        assert!(output.len() >= last && self.scales.len() == n);
        // SAFETY: for c below n, the last vector, at point IN * IN - 1, is inside: the assertion.
        let sums = |c: usize| unsafe {
            let mut half = [[NativeIntegers::splat(0); IN]; OUT];
            for j in 0..IN {
                let m = from_fn(|i| {
                    NativeIntegers::load(products.as_ptr().add((i * IN + j) * step + c))
                });
                for (half, value) in half.iter_mut().zip(interpolate(m)) {
                    half[j] = value;
                }
            }
            let bias = NativeIntegers::load(self.bias.as_ptr().add(c));
            half.map(|half| {
                interpolate(half)
                    .map(|sum| sum.add(bias).requantize(self.scales.as_ptr().add(c), self.limits))
            })
        };
        for c in (0..co).step_by(2 * LANES) {
            let first = sums(c);
            let second = if c + LANES < n { sums(c + LANES) } else { first };
            for ky in 0..inside_y {
                for kx in 0..inside_x {
                    let at = origin + (ky * columns.output + kx) * co + c;
                    // SAFETY: co - c bytes of the output's pixel lie there: the assertion.
                    unsafe {
                        let to = output.as_mut_ptr().add(at);
                        let left = co - c;
                        if left >= 2 * LANES {
                            first[ky][kx].store_bytes(second[ky][kx], to);
                            continue;
                        }
                        first[ky][kx].store_first_bytes(to, left.min(LANES));
                        if left > LANES {
                            second[ky][kx].store_first_bytes(to.add(LANES), left - LANES);
                        }
                    }
                }
            }
        }
    }
}

/// Whether `GAIN` times every sum fits 32 bits, whatever the input: what is on the way may wrap
/// around.
fn sums_fit(spec: &ConvSpec<'_, i16, i32>, filter_zero: i32) -> bool {
    let taps = spec.filter.len() / spec.filter_shape[0].max(1);
    spec.filter.chunks_exact(taps.max(1)).enumerate().all(|(n, filter)| {
        let weights: i64 =
            filter.iter().map(|&w| (i64::from(w) - i64::from(filter_zero)).abs()).sum();
        let bias = spec.bias.and_then(|bias| bias.get(n)).map_or(0, |&b| i64::from(b).abs());
        i64::from(GAIN) * (255 * weights + bias) <= i64::from(i32::MAX)
    })
}

/// Twice the values that Lavin and Gray give three taps at the points 0, 1, -1 and infinity.
fn filter_value(point: usize, taps: [i16; 3]) -> i16 {
    match point {
        0 => 2 * taps[0],
        1 => taps[0] + taps[1] + taps[2],
        2 => taps[0] - taps[1] + taps[2],
        _ => 2 * taps[2],
    }
}

/// Eight channels of a tile, `load(row, column)`, at all points: `[16]`, `step` words apart.
///
/// # Safety
/// Eight words must be writable at each.
#[inline(always)]
unsafe fn evaluate_tile(
    load: impl Fn(usize, usize) -> NativeIntegers,
    values: *mut i16,
    step: usize,
) {
    let mut half = [[NativeIntegers::splat(0); IN]; IN];
    for kx in 0..IN {
        let d = from_fn(|ky| load(ky, kx));
        for (half, value) in half.iter_mut().zip(evaluate(d)) {
            half[kx] = value;
        }
    }
    for (i, half) in half.into_iter().enumerate() {
        for (j, value) in evaluate(half).into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { value.store_words(values.add((i * IN + j) * step)) };
        }
    }
}

/// Four inputs at the four points.
#[inline(always)]
fn evaluate(d: [NativeIntegers; IN]) -> [NativeIntegers; IN] {
    [d[0].sub_words(d[2]), d[1].add_words(d[2]), d[2].sub_words(d[1]), d[1].sub_words(d[3])]
}

/// Two outputs from the products at the four points.
#[inline(always)]
fn interpolate(m: [NativeIntegers; IN]) -> [NativeIntegers; OUT] {
    [m[0].add(m[1]).add(m[2]), m[1].sub(m[2]).sub(m[3])]
}

impl Kernel for IntegerWinograd {
    fn name(&self) -> String {
        format!("winograd {OUT}x{OUT} 3x3, integer")
    }

    fn units(&self) -> usize {
        self.batch * self.grid()[0]
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        self.start(units.start)..self.start(units.end)
    }

    fn scratch(&self) -> usize {
        let [values, products] = self.steps();
        IN * IN * (values / 2 + products) + IN * IN * words(self.ci) / 2
    }

    fn weight_bytes(&self) -> usize {
        let own = size_of_val(&self.bias[..]) + size_of_val(&self.scales[..]);
        self.points.iter().map(Panels::bytes).sum::<usize>() + own
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let input = Bytes::of(args.inputs[0], self.batch * rows.input * columns.input * self.ci);
        let span = self.span(0, units.clone());
        let output = output_bytes(args.outputs, span.len());
        let [k, n] = [words(self.ci), lanes(self.co)];
        let [value_step, product_step] = self.steps();
        let (values, scratch) = args.scratch.split_at_mut(IN * IN * value_step / 2);
        let (products, patch) = scratch.split_at_mut(IN * IN * product_step);
        let (values, products, patch) =
            (as_elements(values), as_lanes(products), as_elements(patch));
        let runs = [Run { at: 0, lane: 0, lanes: k / 2 }];
        let per_unit = self.grid()[1];
        let end = units.end * per_unit;
        for first in (units.start * per_unit..end).step_by(self.tiles) {
            let count = self.tiles.min(end - first);
            for i in 0..count {
                self.read(first + i, input, &mut values[i * k..], patch);
            }
            for (point, panels) in self.points.iter().enumerate() {
                let input = &values[point * value_step..][..count * k];
                let output = &mut products[point * product_step..][..count * n];
                // SAFETY: `count` rows of k words, all of which the run has, and of n sums.
                unsafe {
                    let (input, output) = (input.as_ptr(), output.as_mut_ptr());
                    panels.multiply::<NativeIntegers, i32>(count, input, k, &runs, output, n);
                }
            }
            for i in 0..count {
                self.write(first + i, &products[i * n..], output, span.start);
            }
        }
    }
}
