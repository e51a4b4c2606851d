//! Packed weights, and the microkernel that matrix products and convolutions share.
//!
//! Up to four rows of inputs meet eight columns of weights: 4x8 sums stay in registers while a
//! plain loop runs over k. In Chromium on a Zen 4 core, relaxed, this loop reaches 47 GFLOP/s at
//! k = 16 and 54 at k = 512, of 56. Unrolled over k or made wider it falls to 25 to 30: V8 moves
//! the loads of a loop's body before its arithmetic (seen in its machine code), so sums and loads
//! together must fit its 15 vector registers. Here they are 8 + 6. Four columns or fewer meet eight
//! rows: 8x4 sums, since fewer than eight chains of additions leave the adders waiting.

use super::activation::Activation;
use crate::simd::{LANES, Vector};
use std::array::from_fn;

/// Rows of a tile.
pub(super) const ROWS: usize = 4;

/// Columns of a whole panel.
const WIDE: usize = 2 * LANES;

/// Floats of input that are met by one panel before the next: half of a first-level cache of 32 KiB.
const CACHED: usize = 4096;

/// Floats of output, at least, between two passes of an activation.
const PIECE: usize = 4096;

/// Up to this many columns are computed as dot products, with lanes along k: a panel would leave
/// most of its lanes empty.
const DOT_COLUMNS: usize = 2;

/// A stretch of k: `len` inputs that lie one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Where it starts, in floats from the start of the row.
    pub at: isize,
    /// The k of its first weight.
    pub k: usize,
    /// Inputs.
    pub len: usize,
}

/// Weights `[n][k]`, bias and activation.
#[derive(Debug)]
pub(super) struct Panels {
    pub k: usize,
    pub n: usize,
    /// Panels of 8 columns, `[k][8]` each; the last is `[k][4]` where 4 are enough. Zeros fill
    /// the columns beyond n. For dot products: `[n][k]`.
    weights: Vec<f32>,
    /// `[n]`, filled up with zeros to whole panels. For dot products: repeated to 4.
    bias: Vec<f32>,
    pub activation: Activation,
}

impl Panels {
    /// Packs `weight(column, k)`.
    pub fn pack(
        [k, n]: [usize; 2],
        weight: impl Fn(usize, usize) -> f32,
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Panels {
        let columns = n.next_multiple_of(LANES);
        let mut padded = vec![0.0; columns];
        if let Some(bias) = bias {
            let repeat = if n <= DOT_COLUMNS { columns } else { n };
            padded[..repeat].iter_mut().zip(bias.iter().cycle()).for_each(|(p, b)| *p = *b);
        }
        let weights = if n <= DOT_COLUMNS {
            (0..n * k).map(|i| weight(i / k, i % k)).collect()
        } else {
            let mut weights = vec![0.0; columns * k];
            for column in 0..n {
                let panel = column / WIDE * WIDE;
                let width = WIDE.min(columns - panel);
                for i in 0..k {
                    weights[panel * k + i * width + column - panel] = weight(column, i);
                }
            }
            weights
        };
        Panels { k, n, weights, bias: padded, activation }
    }

    /// Bytes of what is packed.
    pub fn bytes(&self) -> usize {
        size_of::<f32>() * (self.weights.len() + self.bias.len())
    }

    /// What profiles show of the tile.
    pub fn tile_name(&self) -> &'static str {
        match self.n {
            n if n <= DOT_COLUMNS => "dot",
            n if n <= LANES => "8x4",
            _ => "4x8",
        }
    }

    /// Multiplies rows of k, `[m, k]`, to rows of n, `[m, n]`, with bias and the whole activation.
    ///
    /// # Panics
    /// When the slices do not have as many rows.
    pub fn product<V: Vector>(&self, input: &[f32], output: &mut [f32]) {
        let Panels { k, n, activation, .. } = *self;
        let runs = [Run { at: 0, k: 0, len: k }];
        let m = output.len().checked_div(n).unwrap_or(0);
        assert!(output.len() == m * n && input.len() == m * k, "rows");
        // Activations that are a second pass work on pieces that are still in the cache, and not
        // so small that calls are what they cost.
        let piece = (ROWS * PIECE.div_ceil(ROWS * n.max(1))).max(ROWS); // rows
        for (start, out) in (0..m).step_by(piece).zip(output.chunks_mut((piece * n).max(1))) {
            let count = piece.min(m - start);
            // SAFETY: start + count <= m, and the input has m rows of k; `out` has `count` rows of n.
            unsafe {
                let input = input.as_ptr().add(start * k);
                self.multiply::<V>(count, input, k, &runs, out.as_mut_ptr(), n);
            }
            activation.finish::<V>(out);
        }
    }

    /// Multiplies rows of inputs, `lda` floats apart, with all columns; adds the bias, applies what
    /// the activation does in registers, and writes rows of n, `ldo` apart.
    ///
    /// # Safety
    /// For each row r and each of `runs`, the `len` floats at `input + r * lda + at` must be
    /// readable, and `k + len <= self.k`. The n floats at `output + r * ldo` must be writable.
    #[inline(never)]
    pub unsafe fn multiply<V: Vector>(
        &self,
        rows: usize,
        input: *const f32,
        lda: usize,
        runs: &[Run],
        output: *mut f32,
        ldo: usize,
    ) {
        debug_assert!(runs.iter().all(|run| run.k + run.len <= self.k));
        let at_once = (CACHED / self.k.max(1)).max(ROWS) / ROWS * ROWS;
        for start in (0..rows).step_by(at_once) {
            let count = at_once.min(rows - start);
            // SAFETY: the caller's promise, for rows start..start + count. `weights` holds
            // ceil(n / 4) * 4 columns of k (see `pack`) and `bias` as many, so panel p has
            // k * width weights.
            unsafe {
                let (input, output) = (input.add(start * lda), output.add(start * ldo));
                match self.n {
                    1 => self.dots::<V, 1>(count, input, lda, runs, output, ldo),
                    2 => self.dots::<V, 2>(count, input, lda, runs, output, ldo),
                    _ => {
                        for column in (0..self.n).step_by(WIDE) {
                            let out = output.add(column);
                            match self.n - column {
                                ..=LANES => {
                                    self.panel::<V, 1>(column, count, input, lda, runs, out, ldo)
                                }
                                _ => self.panel::<V, 2>(column, count, input, lda, runs, out, ldo),
                            }
                        }
                    }
                }
            }
        }
    }

    /// All rows by C vectors of columns, from `column` on.
    ///
    /// # Safety
    /// As [`Panels::multiply`]; the panel at `column` has C vectors.
    #[allow(clippy::too_many_arguments)]
    #[inline(always)]
    unsafe fn panel<V: Vector, const C: usize>(
        &self,
        column: usize,
        rows: usize,
        input: *const f32,
        lda: usize,
        runs: &[Run],
        output: *mut f32,
        ldo: usize,
    ) {
        let left = self.n - column;
        // SAFETY: rows row.. of the caller's; columns beyond n are not stored.
        unsafe {
            let weights = self.weights.as_ptr().add(column * self.k);
            let bias = self.bias.as_ptr().add(column);
            let mut row = 0;
            while row < rows {
                let input = input.add(row * lda);
                let output = output.add(row * ldo);
                macro_rules! rows {
                    ($R:literal) => {{
                        let sums = match lda {
                            // Known, rows are addressed from one pointer: 44 instead of 41
                            // GFLOP/s in the first layer of the selfie models (3 channels,
                            // stride 2), 50 instead of 47 for matrices of 16 columns.
                            6 if $R == ROWS => tile::<V, $R, C>(input, 6, runs, weights, bias),
                            16 if $R == ROWS => tile::<V, $R, C>(input, 16, runs, weights, bias),
                            _ => tile::<V, $R, C>(input, lda, runs, weights, bias),
                        };
                        let sums = self.activation.apply_tile(sums);
                        for (r, sums) in sums.into_iter().enumerate() {
                            store(sums, output.add(r * ldo), left);
                        }
                    }};
                }
                // Tails of their own: where a last tile computes some rows again instead, Firefox makes
                // code of all tiles that takes 1.5 times as long.
                match rows - row {
                    8.. if C == 1 => {
                        rows!(8);
                        row += ROWS;
                    }
                    4.. => rows!(4),
                    3 => rows!(3),
                    2 => rows!(2),
                    _ => rows!(1),
                }
                row += ROWS;
            }
        }
    }

    /// All rows by all C columns.
    ///
    /// # Safety
    /// As [`Panels::multiply`]; `C == n`, and divides 4.
    #[inline(always)]
    unsafe fn dots<V: Vector, const C: usize>(
        &self,
        rows: usize,
        input: *const f32,
        lda: usize,
        runs: &[Run],
        output: *mut f32,
        ldo: usize,
    ) {
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: rows row.. of the caller's.
            unsafe {
                let (input, output) = (input.add(row * lda), output.add(row * ldo));
                match rows - row {
                    1 => self.dot_rows::<V, 1, C>(input, lda, runs, output, ldo),
                    2 => self.dot_rows::<V, 2, C>(input, lda, runs, output, ldo),
                    3 => self.dot_rows::<V, 3, C>(input, lda, runs, output, ldo),
                    _ => self.dot_rows::<V, 4, C>(input, lda, runs, output, ldo),
                }
            }
        }
    }

    /// R rows by all C columns, summed in lanes along k.
    ///
    /// # Safety
    /// As [`Panels::dots`].
    #[inline(always)]
    unsafe fn dot_rows<V: Vector, const R: usize, const C: usize>(
        &self,
        input: *const f32,
        lda: usize,
        runs: &[Run],
        output: *mut f32,
        ldo: usize,
    ) {
        let zero = V::splat(0.0);
        let mut sums = [[zero; C]; R];
        // SAFETY: `weights` is [C][k] here, and run.k + run.len <= k. `bias` has 4. The rest is
        // the caller's promise.
        unsafe {
            for run in runs {
                let weights = self.weights.as_ptr().add(run.k);
                let columns: [*const f32; C] = from_fn(|c| weights.add(c * self.k));
                let rows: [*const f32; R] = from_fn(|r| input.offset(run.at).add(r * lda));
                let whole = run.len / LANES * LANES;
                for k in (0..whole).step_by(LANES) {
                    let w = columns.map(|column| V::load(column.add(k)));
                    for r in 0..R {
                        let x = V::load(rows[r].add(k));
                        sums[r] = from_fn(|c| x.mul_add(w[c], sums[r][c]));
                    }
                }
                if whole < run.len {
                    let left = run.len - whole;
                    let w = columns.map(|column| V::load_first(column.add(whole), left));
                    for r in 0..R {
                        let x = V::load_first(rows[r].add(whole), left);
                        sums[r] = from_fn(|c| x.mul_add(w[c], sums[r][c]));
                    }
                }
            }
            let bias = V::load(self.bias.as_ptr());
            // Four outputs at a time, in their order in memory if rows follow each other.
            for first in (0..R * C).step_by(LANES) {
                let four = from_fn(|i| match first + i {
                    i if i < R * C => sums[i / C][i % C],
                    _ => zero,
                });
                let y = self.activation.apply(V::sums(four).add(bias));
                if ldo == C && first + LANES <= R * C {
                    y.store(output.add(first));
                } else {
                    for (i, y) in (first..R * C).zip(y.to_array()) {
                        *output.add(i / C * ldo + i % C) = y;
                    }
                }
            }
        }
    }
}

/// Writes the first `left` columns of C vectors.
///
/// # Safety
/// That many floats from `output` on must be writable.
#[inline(always)]
unsafe fn store<V: Vector, const C: usize>(sums: [V; C], output: *mut f32, left: usize) {
    for (c, sum) in sums.into_iter().enumerate() {
        // SAFETY: only columns below `left` are written.
        unsafe {
            match left.saturating_sub(c * LANES) {
                LANES.. => sum.store(output.add(c * LANES)),
                left => sum.store_first(output.add(c * LANES), left),
            }
        }
    }
}

/// R rows by C vectors of columns, starting from the bias.
///
/// # Safety
/// As [`Panels::multiply`]; `weights` is a panel `[k][4 * C]`, `bias` its 4 * C biases.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const C: usize>(
    input: *const f32,
    lda: usize,
    runs: &[Run],
    weights: *const f32,
    bias: *const f32,
) -> [[V; C]; R] {
    // SAFETY: the caller's promise: run.k + i < k for each i < run.len.
    unsafe {
        let mut sums = [from_fn(|c| V::load(bias.add(c * LANES))); R];
        for run in runs {
            let mut rows = input.offset(run.at);
            let mut weights = weights.add(run.k * C * LANES);
            for _ in 0..run.len {
                let w: [V; C] = from_fn(|c| V::load(weights.add(c * LANES)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = V::load_splat(rows.add(r * lda));
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = x.mul_add(w, *sum);
                    }
                }
                rows = rows.add(1);
                weights = weights.add(C * LANES);
            }
        }
        sums
    }
}
