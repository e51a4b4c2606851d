//! Packed integer weights and their microkernel: [`crate::kernels::panels`] on words.
//!
//! Two inputs that lie one after the other are one lane, so that a dot product of pairs does two
//! multiply-adds per lane: 4x8 sums by pairs of k. In Chromium on a Zen 4 core this reaches 67 to 81
//! Gop/s where float32 reaches 42 to 54.

use super::Requantize;
use crate::simd::{Integers, LANES, Limits, WORDS};
use std::array::from_fn;

/// Rows of a tile.
pub(super) const ROWS: usize = 4;

/// Columns of a whole panel.
const WIDE: usize = 2 * LANES;

/// A stretch of k: pairs of inputs that lie one after the other. Where their number is odd, the
/// last pair has a weight of 0 for what follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Where it starts, in words from the start of the row.
    pub at: usize,
    /// Its first pair of weights.
    pub pair: usize,
    /// Pairs.
    pub pairs: usize,
}

/// Weights `[n][k]`, bias and scales.
#[derive(Debug)]
pub(super) struct Panels {
    /// Pairs of all runs.
    pub pairs: usize,
    pub n: usize,
    /// Panels of 8 columns, `[pairs][8][2]` each; the last is `[pairs][4][2]` where 4 are enough.
    /// Zeros fill the columns beyond n.
    weights: Vec<i16>,
    /// `[n]`, filled up with zeros to whole vectors.
    bias: Vec<i32>,
    /// `[n]`, filled up likewise.
    scales: Vec<f32>,
    limits: Limits,
}

impl Panels {
    /// Packs the columns `first..first + n` of `weight(column, k)`, with `runs` of `len` inputs each.
    pub fn pack(
        [first, n]: [usize; 2],
        [runs, len]: [usize; 2],
        weight: &dyn Fn(usize, usize) -> i16,
        bias: Option<&[i32]>,
        requantize: &Requantize<'_>,
    ) -> Panels {
        let columns = n.next_multiple_of(LANES);
        let run_pairs = len.div_ceil(2);
        let pairs = runs * run_pairs;
        let mut weights = vec![0; columns * pairs * 2];
        for column in 0..n {
            let panel = column / WIDE * WIDE;
            let width = WIDE.min(columns - panel);
            for k in 0..runs * len {
                let (pair, half) = (k / len * run_pairs + k % len / 2, k % len % 2);
                let at = panel * pairs * 2 + (pair * width + column - panel) * 2 + half;
                weights[at] = weight(first + column, k);
            }
        }
        let fill = |i: usize| bias.filter(|_| i < n).map_or(0, |bias| bias[first + i]);
        let scale = |i: usize| if i < n { requantize.scale(first + i) } else { 0.0 };
        Panels {
            pairs,
            n,
            weights,
            bias: (0..columns).map(fill).collect(),
            scales: (0..columns).map(scale).collect(),
            limits: requantize.limits(),
        }
    }

    /// Bytes of what is packed.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..]) + size_of_val(&self.scales[..])
    }

    /// Multiplies rows of inputs, `lda` words apart, with all columns, and writes rows of n results,
    /// `ldo` apart: bytes, or the sums themselves.
    ///
    /// # Safety
    /// For each row r and each of `runs`, the `2 * pairs` words at `input + r * lda + at` must be
    /// readable, and `pair + pairs <= self.pairs`. The n bytes at `output + r * ldo` must be
    /// writable; of sums, n filled up to whole vectors.
    #[inline(never)]
    pub unsafe fn multiply<V: Integers, T: Results>(
        &self,
        rows: usize,
        input: *const i16,
        lda: usize,
        runs: &[Run],
        output: *mut T,
        ldo: usize,
    ) {
        debug_assert!(runs.iter().all(|run| run.pair + run.pairs <= self.pairs));
        for column in (0..self.n).step_by(WIDE) {
            // SAFETY: the caller's promise. `weights` holds ceil(n / 4) * 4 columns of pairs (see
            // `pack`), bias and scales as many.
            unsafe {
                let output = output.add(column);
                match self.n - column {
                    ..=LANES => self.panel::<V, T, 1>(column, rows, input, lda, runs, output, ldo),
                    _ => self.panel::<V, T, 2>(column, rows, input, lda, runs, output, ldo),
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
    unsafe fn panel<V: Integers, T: Results, const C: usize>(
        &self,
        column: usize,
        rows: usize,
        input: *const i16,
        lda: usize,
        runs: &[Run],
        output: *mut T,
        ldo: usize,
    ) {
        // SAFETY: rows row.. of the caller's.
        unsafe {
            let weights = self.weights.as_ptr().add(column * self.pairs * 2);
            let bias = self.bias.as_ptr().add(column);
            let mut row = 0;
            while row < rows {
                let input = input.add(row * lda);
                let output = output.add(row * ldo);
                macro_rules! rows {
                    ($R:literal) => {{
                        let sums = tile::<V, $R, C>(input, lda, runs, weights, bias);
                        for (r, sums) in sums.into_iter().enumerate() {
                            T::put(sums, self, column, output.add(r * ldo));
                        }
                        row += $R;
                    }};
                }
                match rows - row {
                    8.. if C == 1 => rows!(8),
                    4.. => rows!(4),
                    3 => rows!(3),
                    2 => rows!(2),
                    _ => rows!(1),
                }
            }
        }
    }
}

/// What is written of sums.
pub(super) trait Results: Copy {
    /// Writes the columns from `column` on, as far as there are any.
    ///
    /// # Safety
    /// C vectors of columns must lie in `panels` from `column` on, and `output` be writable as
    /// [`Panels::multiply`] says.
    unsafe fn put<V: Integers, const C: usize>(
        sums: [V; C],
        panels: &Panels,
        column: usize,
        output: *mut Self,
    );
}

impl Results for u8 {
    #[inline(always)]
    unsafe fn put<V: Integers, const C: usize>(
        sums: [V; C],
        panels: &Panels,
        column: usize,
        output: *mut u8,
    ) {
        let left = panels.n - column;
        // SAFETY: `scales` has as many whole vectors; only columns below `left` are written.
        unsafe {
            let scales = panels.scales.as_ptr().add(column);
            let steps: [V; C] =
                from_fn(|c| sums[c].requantize(scales.add(c * LANES), panels.limits));
            if C == 2 && left >= WIDE {
                return steps[0].store_bytes(steps[C - 1], output);
            }
            for (c, steps) in steps.into_iter().enumerate() {
                let left = left.saturating_sub(c * LANES).min(LANES);
                steps.store_first_bytes(output.add(c * LANES), left);
            }
        }
    }
}

impl Results for i32 {
    #[inline(always)]
    unsafe fn put<V: Integers, const C: usize>(
        sums: [V; C],
        _panels: &Panels,
        _column: usize,
        output: *mut i32,
    ) {
        for (c, sums) in sums.into_iter().enumerate() {
            // SAFETY: whole vectors are writable.
            unsafe { sums.store(output.add(c * LANES)) };
        }
    }
}

/// R rows by C vectors of columns, starting from the bias.
///
/// # Safety
/// As [`Panels::multiply`]; `weights` is a panel `[pairs][4 * C][2]`, `bias` its 4 * C biases.
#[inline(always)]
unsafe fn tile<V: Integers, const R: usize, const C: usize>(
    input: *const i16,
    lda: usize,
    runs: &[Run],
    weights: *const i16,
    bias: *const i32,
) -> [[V; C]; R] {
    // SAFETY: the caller's promise: run.pair + i < pairs for each i < run.pairs.
    unsafe {
        let mut sums = [from_fn(|c| V::load(bias.add(c * LANES))); R];
        for run in runs {
            let mut rows = input.add(run.at);
            let mut weights = weights.add(run.pair * C * WORDS);
            for _ in 0..run.pairs {
                let w: [V; C] = from_fn(|c| V::load_words(weights.add(c * WORDS)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = V::load_pair(rows.add(r * lda));
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = sum.add(x.dot(w));
                    }
                }
                rows = rows.add(2);
                weights = weights.add(C * WORDS);
            }
        }
        sums
    }
}
