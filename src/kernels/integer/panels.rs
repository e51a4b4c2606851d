//! Packed integer weights and their microkernel: [`crate::kernels::panels`] on words or bytes.
//!
//! Inputs that lie one after the other are one lane, two words or four bytes, so that an instruction does
//! as many multiply-adds per lane: 4x8 sums by lanes of k. In Chromium words reach 67 to 81 Gop/s on a Zen 4
//! core, where float32 reaches 42 to 54, and bytes 210 to 250 on a Zen 5 core, where words reach 90 to 115.

use super::{Element, Requantize};
use crate::simd::{Integers, LANES, Limits};
use std::array::from_fn;

/// Rows of a tile.
pub(super) const ROWS: usize = 4;

/// Columns of a whole panel.
const WIDE: usize = 2 * LANES;

/// A stretch of k: inputs that lie one after the other. Where they do not fill the last lane, what
/// follows has a weight of 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Where it starts, in elements from the start of the row.
    pub at: usize,
    /// Its first lane of weights.
    pub lane: usize,
    /// Lanes.
    pub lanes: usize,
}

/// Weights `[n][k]`, bias and scales.
#[derive(Debug)]
pub(super) struct Panels<E> {
    /// Lanes of all runs.
    pub lanes: usize,
    pub n: usize,
    /// Panels of 8 columns, `[lanes][8][GROUP]` each; the last is `[lanes][4][GROUP]` where 4 are
    /// enough. Zeros fill the columns beyond n.
    weights: Vec<E>,
    /// `[n]`, filled up with zeros to whole vectors; less what inputs are too large by.
    bias: Vec<i32>,
    /// `[n]`, filled up likewise.
    scales: Vec<f32>,
    limits: Limits,
}

impl<E: Element> Panels<E> {
    /// Packs the columns `first..first + n` of `weight(column, k)`, with `runs` of `len` inputs each.
    pub fn pack(
        [first, n]: [usize; 2],
        [runs, len]: [usize; 2],
        weight: &dyn Fn(usize, usize) -> i16,
        bias: Option<&[i32]>,
        requantize: &Requantize<'_>,
    ) -> Panels<E> {
        let columns = n.next_multiple_of(LANES);
        let run_lanes = len.div_ceil(E::GROUP);
        let lanes = runs * run_lanes;
        let mut weights = vec![E::default(); columns * lanes * E::GROUP];
        let mut sums = vec![0i32; columns];
        for (column, sum) in sums.iter_mut().enumerate().take(n) {
            let panel = column / WIDE * WIDE;
            let width = WIDE.min(columns - panel);
            for k in 0..runs * len {
                let (lane, part) = (k % len / E::GROUP, k % len % E::GROUP);
                let lane = k / len * run_lanes + lane;
                let at = (panel * lanes + lane * width + column - panel) * E::GROUP + part;
                let weight = weight(first + column, k);
                weights[at] = E::weight(weight);
                *sum += i32::from(weight);
            }
        }
        let excess = E::intake(requantize).excess;
        let fill = |i: usize| {
            let bias = bias.filter(|_| i < n).map_or(0, |bias| bias[first + i]);
            bias.wrapping_sub(excess.wrapping_mul(sums[i]))
        };
        let scale = |i: usize| if i < n { requantize.scale(first + i) } else { 0.0 };
        Panels {
            lanes,
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

    /// Multiplies rows of inputs, `lda` elements apart, with all columns, and writes rows of n results,
    /// `ldo` apart: bytes, or the sums themselves.
    ///
    /// # Safety
    /// For each row r and each of `runs`, the `lanes` lanes at `input + r * lda + at` must be
    /// readable, and `lane + lanes <= self.lanes`. The n bytes at `output + r * ldo` must be
    /// writable; of sums, n filled up to whole vectors.
    #[inline(never)]
    pub unsafe fn multiply<V: Integers, T: Results>(
        &self,
        rows: usize,
        input: *const E,
        lda: usize,
        runs: &[Run],
        output: *mut T,
        ldo: usize,
    ) {
        debug_assert!(runs.iter().all(|run| run.lane + run.lanes <= self.lanes));
        for column in (0..self.n).step_by(WIDE) {
            // SAFETY: the caller's promise. `weights` holds ceil(n / 4) * 4 columns of lanes (see
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
        input: *const E,
        lda: usize,
        runs: &[Run],
        output: *mut T,
        ldo: usize,
    ) {
        // SAFETY: rows row.. of the caller's.
        unsafe {
            let weights = self.weights.as_ptr().add(column * self.lanes * E::GROUP);
            let bias = self.bias.as_ptr().add(column);
            let mut row = 0;
            while row < rows {
                macro_rules! rows {
                    ($R:literal) => {{
                        let (input, output) = (input.add(row * lda), output.add(row * ldo));
                        let sums = tile::<V, E, $R, C>(input, lda, runs, weights, bias);
                        for (r, sums) in sums.into_iter().enumerate() {
                            T::put(sums, self, column, output.add(r * ldo));
                        }
                        row += $R;
                    }};
                }
                match rows - row {
                    8.. if C == 1 => rows!(8),
                    _ if rows >= ROWS => {
                        // The last tile may compute some rows again.
                        row = row.min(rows - ROWS);
                        rows!(4)
                    }
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
        panels: &Panels<impl Element>,
        column: usize,
        output: *mut Self,
    );
}

impl Results for u8 {
    #[inline(always)]
    unsafe fn put<V: Integers, const C: usize>(
        sums: [V; C],
        panels: &Panels<impl Element>,
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
        _panels: &Panels<impl Element>,
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
/// As [`Panels::multiply`]; `weights` is a panel `[lanes][4 * C][GROUP]`, `bias` its 4 * C biases.
#[inline(always)]
unsafe fn tile<V: Integers, E: Element, const R: usize, const C: usize>(
    input: *const E,
    lda: usize,
    runs: &[Run],
    weights: *const E,
    bias: *const i32,
) -> [[V; C]; R] {
    let vector = LANES * E::GROUP;
    // SAFETY: the caller's promise: run.lane + i < lanes for each i < run.lanes. Two words are a lane.
    unsafe {
        let mut sums = [from_fn(|c| V::load(bias.add(c * LANES))); R];
        for run in runs {
            let mut rows = input.add(run.at);
            let mut weights = weights.add(run.lane * C * vector);
            for _ in 0..run.lanes {
                let w: [V; C] = from_fn(|c| V::load_words(weights.add(c * vector).cast()));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = V::load_pair(rows.add(r * lda).cast());
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = E::sum(*sum, x, w);
                    }
                }
                rows = rows.add(E::GROUP);
                weights = weights.add(C * vector);
            }
        }
        sums
    }
}
