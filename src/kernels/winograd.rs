//! Dense 3x3 convolution with a quarter of the multiplications: Winograd's minimal filtering
//! F(4x4, 3x3), after Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).
//!
//! Four outputs of a filter of three taps are the coefficients of a product of polynomials, and
//! that is known from its values at six points. So 4x4 outputs take 6x6 products for each pair of
//! channels instead of 4x4x9: tiles of 6x6 inputs are evaluated at the points (`read`), each point
//! is a product of matrices `[tiles, ci] x [ci, co]`, and from the products the outputs are
//! interpolated (`write`). Filters are evaluated when the plan is made, in f64.
//!
//! The points are 0, ±3/4, ±3/2 and infinity. All that is computed from them is exact in float32,
//! and the error is a quarter of what the usual 0, ±1, ±2 and infinity leave: of outputs of 64
//! input channels it is 1e-6 of the range at most, where a sliding window's longer sums reach 4e-7
//! (random inputs and weights). Of the largest input times the sum of the filter's absolute
//! weights it is at most 1e-6 with one channel, and less with more. A NaN or infinity spreads to
//! the 4x4 outputs of the tiles that read it.
//!
//! F(2x2, 3x3) would take 64 products for the same 16 outputs, and write as many values for them.

use super::activation::Activation;
use super::panels::{Panels, ROWS, Run};
use super::window::{Axis, ConvSpec, check};
use super::{Args, Kernel};
use crate::simd::{LANES, Native, Vector};
use std::array::from_fn;
use std::ops::Range;

/// Outputs of a tile along each side.
const OUT: usize = 4;

/// Inputs of a tile along each side, and points along each axis.
const IN: usize = OUT + 2;

/// Finite points but 0: these and their negatives.
const A: f32 = 0.75;
const B: f32 = 1.5;

/// Squares, and the sum and the product of them.
const A2: f32 = A * A;
const B2: f32 = B * B;
const SUM: f32 = A2 + B2;
const PRODUCT: f32 = A2 * B2;

/// Floats, at most, of transformed inputs and of products that are worked on at once, if that
/// leaves `MIN_TILES`.
const CACHED: usize = 65536;

/// Tiles, at least, that are worked on at once: for each of them all weights are read again.
const MIN_TILES: usize = 16;

/// Fewer input and output channels than these take longer to transform than they save, or not much
/// less. In Chromium on a Zen 4 core, relaxed and simd128, times as fast as `Conv`: 3 to 16
/// channels 0.7 and 0.8, 4 to 16 1.0 and 1.2, 8 to 8 1.3 and 1.2, 8 to 16 1.5 and 1.6, 16 to 4 1.7
/// and 1.5, 16 to 16 1.7 and 1.7, 32 to 32 2.5 and 2.5, 64 to 64 3.1 and 2.8 (images of 64x64; 8
/// to 8, of 128x128).
const MIN_CHANNELS: [usize; 2] = [8, 4];

/// The same where some are no multiple of 4, since tiles are copied then: 6 to 6 0.6.
const MIN_UNEVEN: [usize; 2] = [16, 16];

/// Pairs of channels: the weights of so many take 16 MiB, four times what they were.
const MAX_PAIRS: usize = (16 << 20) / (IN * IN * size_of::<f32>());

/// Channels: scratch memory for so many takes 2.6 MB a thread.
const MAX_CHANNELS: usize = 1024;

/// CONV_2D of 3x3 taps, not strided, not dilated, in one group; a unit is four rows of the output,
/// or what is left of them. Operand 0 is `[n, h, w, ci]`, the output `[n, oh, ow, co]`.
pub struct Winograd {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    ci: usize,
    co: usize,
    /// One for each pair of points: k is ci, n is `wide(co)`.
    points: Vec<Panels>,
    /// `[wide(co)]`.
    bias: Vec<f32>,
    activation: Activation,
    /// Worked on at once.
    tiles: usize,
}

/// Channels, filled up to whole vectors.
fn wide(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// Floats from one matrix of `rows` rows to the next: not a multiple of a page, as stores of one
/// tile to all matrices would then share a few lines of the cache.
fn step(rows: usize, channels: usize) -> usize {
    rows * wide(channels) + 16
}

impl Winograd {
    /// Whether the convolution is of the kind that this kernel computes.
    pub fn fits(spec: &ConvSpec<'_>) -> bool {
        let [_, kh, kw, depth] = spec.filter_shape;
        [kh, kw] == [3, 3]
            && depth == spec.input[3]
            && spec.stride == [1, 1]
            && spec.dilation == [1, 1]
            && spec.output[0] * spec.output[1] > 0
    }

    /// Whether it is faster than sliding the window. Images of one tile are not: all weights would
    /// be read for it, and they are four times as many. Two by two tiles are: 5x5x64 takes 0.4 of
    /// the time (simd128 0.6), 8x8x128 0.2.
    pub fn pays(spec: &ConvSpec<'_>) -> bool {
        let channels = [spec.input[3], spec.filter_shape[0]];
        let least = match channels.iter().all(|c| c % LANES == 0) {
            true => MIN_CHANNELS,
            false => MIN_UNEVEN,
        };
        Winograd::fits(spec)
            && channels.iter().zip(least).all(|(&channels, least)| channels >= least)
            && channels.iter().all(|&channels| channels <= MAX_CHANNELS)
            && channels[0] * channels[1] <= MAX_PAIRS
            && spec.output.iter().all(|&side| side > OUT)
    }

    /// Transforms the weights.
    ///
    /// # Panics
    /// When the spec does not fit, or a slice has not the length it implies.
    pub fn new(spec: ConvSpec<'_>) -> Winograd {
        assert!(Winograd::fits(&spec), "3x3, dense, stride 1");
        let [batch, _, _, ci] = spec.input;
        let co = spec.filter_shape[0];
        check(&spec, co);
        let points = (0..IN)
            .flat_map(|row| {
                let values = filter_values(row, spec.filter, ci * co, ci);
                (0..IN).map(move |column| {
                    // Zeros for columns beyond co.
                    let weight = |n: usize, k: usize| {
                        values.get((n * ci + k) * IN + column).copied().unwrap_or(0.0)
                    };
                    Panels::pack([ci, wide(co)], weight, None, Activation::Linear)
                })
            })
            .collect();
        let mut bias = vec![0.0; wide(co)];
        if let Some(b) = spec.bias {
            bias[..co].copy_from_slice(b);
        }
        let room = CACHED / (IN * IN * (wide(ci) + wide(co)));
        let tiles = room.max(MIN_TILES) / ROWS * ROWS;
        let activation = spec.activation.into();
        Winograd { batch, axes: spec.axes(), ci, co, points, bias, activation, tiles }
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

    /// Evaluates one tile of the input at all points: `[36][step]`, at each `[wide(ci)]`.
    #[inline(never)]
    fn read<V: Vector>(&self, tile: usize, input: &[f32], values: &mut [f32], patch: &mut [f32]) {
        let [rows, columns] = self.axes;
        let (ci, width) = (self.ci, columns.input);
        let [n, y, x] = self.at(tile);
        let image = &input[n * rows.input * width * ci..][..rows.input * width * ci];
        let inside = |axis: Axis, at| {
            let origin = axis.origin(at);
            let end = (axis.input as isize - origin).clamp(0, IN as isize) as usize;
            ((-origin).clamp(0, end as isize) as usize)..end
        };
        let (inside_y, inside_x) = (inside(rows, y), inside(columns, x));
        // The pixel of the image at a place of the tile that lies inside.
        let pixel = |ky: usize, kx: usize| {
            let at = |axis: Axis, output, k: usize| (axis.origin(output) + k as isize) as usize;
            &image[(at(rows, y, ky) * width + at(columns, x, kx)) * ci..]
        };
        let whole = inside_y == (0..IN) && inside_x == (0..IN) && ci == wide(ci);
        let (from, row, column) = if whole {
            (pixel(0, 0), width * ci, ci)
        } else {
            let column = wide(ci);
            let patch = &mut patch[..IN * IN * column];
            patch.fill(0.0);
            for ky in inside_y {
                for kx in inside_x.clone() {
                    let to = &mut patch[(ky * IN + kx) * column..][..ci];
                    to.copy_from_slice(&pixel(ky, kx)[..ci]);
                }
            }
            (&*patch, IN * column, column)
        };
        let step = step(self.tiles, ci);
        assert!(from.len() >= (IN - 1) * (row + column) + wide(ci));
        assert!(values.len() >= (IN * IN - 1) * step + wide(ci));
        for c in (0..wide(ci)).step_by(LANES) {
            let mut half = [[V::splat(0.0); IN]; IN];
            for kx in 0..IN {
                // SAFETY: the last vector, of row and column IN - 1, is inside: the assertion.
                let d =
                    from_fn(|ky| unsafe { V::load(from.as_ptr().add(ky * row + kx * column + c)) });
                for (half, value) in half.iter_mut().zip(evaluate(d)) {
                    half[kx] = value;
                }
            }
            for (i, half) in half.into_iter().enumerate() {
                for (j, value) in evaluate(half).into_iter().enumerate() {
                    // SAFETY: the last vector, at point IN * IN - 1, is inside: the assertion.
                    unsafe { value.store(values.as_mut_ptr().add((i * IN + j) * step + c)) };
                }
            }
        }
    }

    /// Interpolates one tile of outputs from its products at all points, `[36][step]`, at each
    /// `[wide(co)]`. `output` starts at element `start` of the whole output.
    #[inline(never)]
    fn write<V: Vector>(
        &self,
        tile: usize,
        products: &[f32],
        output: &mut [f32],
        start: usize,
        patch: &mut [f32],
    ) {
        let [rows, columns] = self.axes;
        let co = self.co;
        let [n, y, x] = self.at(tile);
        let origin = ((n * rows.output + y) * columns.output + x) * co - start;
        let [inside_y, inside_x] = [(rows, y), (columns, x)].map(|(a, at)| OUT.min(a.output - at));
        let whole = [inside_y, inside_x] == [OUT, OUT] && co == wide(co);
        let direct = whole && !matches!(self.activation, Activation::Pass(_));
        let (to, row, column) = if direct {
            (&mut output[origin..], columns.output * co, co)
        } else {
            (&mut patch[..OUT * OUT * wide(co)], OUT * wide(co), wide(co))
        };
        let step = step(self.tiles, co);
        assert!(to.len() >= (OUT - 1) * (row + column) + wide(co));
        assert!(products.len() >= (IN * IN - 1) * step + wide(co));
        for c in (0..wide(co)).step_by(LANES) {
            let mut half = [[V::splat(0.0); IN]; OUT];
            for j in 0..IN {
                // SAFETY: the last vector, at point IN * IN - 1, is inside: the assertion.
                let m =
                    from_fn(|i| unsafe { V::load(products.as_ptr().add((i * IN + j) * step + c)) });
                for (half, value) in half.iter_mut().zip(interpolate(m)) {
                    half[j] = value;
                }
            }
            // SAFETY: `bias` has wide(co) elements.
            let bias = unsafe { V::load(self.bias.as_ptr().add(c)) };
            for (ky, half) in half.into_iter().enumerate() {
                let sums = interpolate(half).map(|sum| sum.add(bias));
                let [sums] = self.activation.apply_tile([sums]);
                for (kx, sum) in sums.into_iter().enumerate() {
                    // SAFETY: the last vector, of row and column OUT - 1, is inside: the assertion.
                    unsafe { sum.store(to.as_mut_ptr().add(ky * row + kx * column + c)) };
                }
            }
        }
        if !direct {
            let patch = &mut patch[..OUT * row];
            self.activation.finish::<V>(patch);
            for (ky, from) in patch.chunks_exact(row).enumerate().take(inside_y) {
                for (kx, from) in from.chunks_exact(column).enumerate().take(inside_x) {
                    let at = origin + (ky * columns.output + kx) * co;
                    output[at..at + co].copy_from_slice(&from[..co]);
                }
            }
        }
    }
}

/// Filters `[co, 3, 3, ci]` at the points of one row of a tile, `[co, ci, 6]`: values of their
/// polynomials, divided by what the product of the other points' factors is there.
fn filter_values(row: usize, filter: &[f32], pairs: usize, ci: usize) -> Vec<f32> {
    let [a, b] = [A, B].map(f64::from);
    let (a2, b2) = (a * a, b * b);
    let at = |x: f64, by: f64| [1.0 / by, x / by, x * x / by];
    let (by_a, by_b) = (2.0 * a2 * (a2 - b2), 2.0 * b2 * (b2 - a2));
    let matrix: [[f64; 3]; IN] =
        [at(0.0, a2 * b2), at(a, by_a), at(-a, by_a), at(b, by_b), at(-b, by_b), [0.0, 0.0, 1.0]];
    let sum = |weights: [f64; 3], taps: [f64; 3]| (0..3).map(|i| weights[i] * taps[i]).sum::<f64>();
    let mut values = Vec::with_capacity(pairs * IN);
    for pair in 0..pairs {
        let first = pair / ci * 9 * ci + pair % ci;
        let column = |x: usize| from_fn(|y| filter[first + (3 * y + x) * ci] as f64);
        let half = from_fn(|x| sum(matrix[row], column(x)));
        values.extend(matrix.map(|weights| sum(weights, half) as f32));
    }
    values
}

/// Six inputs at the six points: 0, A, -A, B, -B, infinity.
#[inline(always)]
fn evaluate<V: Vector>(d: [V; IN]) -> [V; IN] {
    let splat = V::splat;
    let pair = |point: f32, other: f32| {
        let even = d[2].mul_add(splat(-other), d[4]);
        let odd = d[1].mul_add(splat(-other), d[3]);
        [odd.mul_add(splat(point), even), odd.mul_add(splat(-point), even)]
    };
    let end = |i: usize| d[i].mul_add(splat(PRODUCT), d[i + 2].mul_add(splat(-SUM), d[i + 4]));
    let ([a, minus_a], [b, minus_b]) = (pair(A, B2), pair(B, A2));
    [end(0), a, minus_a, b, minus_b, end(1)]
}

/// Four outputs from the products at the six points.
#[inline(always)]
fn interpolate<V: Vector>(m: [V; IN]) -> [V; OUT] {
    let splat = V::splat;
    let (even_a, odd_a) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (even_b, odd_b) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(even_a).add(even_b),
        odd_a.mul_add(splat(A), odd_b.mul(splat(B))),
        even_a.mul_add(splat(A2), even_b.mul(splat(B2))),
        odd_a.mul_add(splat(A * A2), odd_b.mul_add(splat(B * B2), m[5])),
    ]
}

impl Kernel for Winograd {
    fn name(&self) -> String {
        format!("winograd {OUT}x{OUT} 3x3")
    }

    fn units(&self) -> usize {
        self.batch * self.grid()[0]
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        self.start(units.start)..self.start(units.end)
    }

    fn scratch(&self) -> usize {
        let [values, products] = [self.ci, self.co].map(|c| IN * IN * step(self.tiles, c));
        values + products + IN * IN * wide(self.ci.max(self.co))
    }

    fn weight_bytes(&self) -> usize {
        self.points.iter().map(Panels::bytes).sum::<usize>() + size_of_val(&self.bias[..])
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let input = args.input(0, self.batch * rows.input * columns.input * self.ci);
        let scratch = std::mem::take(&mut args.scratch);
        let span = self.span(0, units.clone());
        let output = args.output(span.clone());
        let [k, n] = [wide(self.ci), wide(self.co)];
        let [value_step, product_step] = [self.ci, self.co].map(|c| step(self.tiles, c));
        let (values, scratch) = scratch.split_at_mut(IN * IN * value_step);
        let (products, patch) = scratch.split_at_mut(IN * IN * product_step);
        let runs = [Run { at: 0, k: 0, len: self.ci }];
        let per_unit = self.grid()[1];
        let end = units.end * per_unit;
        for first in (units.start * per_unit..end).step_by(self.tiles) {
            let count = self.tiles.min(end - first);
            for i in 0..count {
                self.read::<Native>(first + i, input, &mut values[i * k..], patch);
            }
            for (point, panels) in self.points.iter().enumerate() {
                let input = &values[point * value_step..][..count * k];
                let output = &mut products[point * product_step..][..count * n];
                // SAFETY: `count` rows of k, of which the run has the first ci, and of n.
                unsafe {
                    let (input, output) = (input.as_ptr(), output.as_mut_ptr());
                    panels.multiply::<Native>(count, input, k, &runs, output, n);
                }
            }
            for i in 0..count {
                self.write::<Native>(first + i, &products[i * n..], output, span.start, patch);
            }
        }
    }
}
