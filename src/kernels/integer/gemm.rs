//! Matrix product of 8-bit integers: 1x1 convolutions and fully connected layers.

use super::element::Intake;
use super::panels::{Panels, ROWS, Run};
use super::{Bytes, Element, Requantize, as_elements, output_bytes, scratch_floats};
use crate::kernels::{Args, Kernel};
use crate::simd::NativeIntegers;
use std::ops::Range;

/// Bytes of input that all panels meet before the next: half of a first-level cache.
const CACHED: usize = 16384;

/// `output[m][n] = input[m][k] * weights[n][k]^T + bias[n]`, requantized.
#[derive(Debug, Clone, Copy)]
pub struct IntegerGemmSpec<'a> {
    /// Rows: pixels.
    pub m: usize,
    /// Summed extent: input channels.
    pub k: usize,
    /// Columns: output channels.
    pub n: usize,
    /// `[n, k]`, row-major, as stored.
    pub weights: &'a [i16],
    /// `[n]`; none is zeros.
    pub bias: Option<&'a [i32]>,
    /// Scales, zero points and limits.
    pub requantize: Requantize<'a>,
}

/// Matrix product; a unit is four rows. Operand 0 is `[m, k]`, the output `[m, n]`.
pub struct IntegerGemm<E: Element = i16> {
    m: usize,
    k: usize,
    intake: Intake<E>,
    panels: Panels<E>,
}

impl<E: Element> IntegerGemm<E> {
    /// Packs the weights.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies.
    pub fn new(spec: IntegerGemmSpec<'_>) -> IntegerGemm<E> {
        let IntegerGemmSpec { m, k, n, weights, bias, requantize } = spec;
        assert_eq!(weights.len(), n * k, "weights");
        assert!(bias.is_none_or(|b| b.len() == n), "bias");
        let zero = requantize.filter_zero as i16;
        let weight = |column, i| weights[column * k + i] - zero;
        let panels = Panels::pack([0, n], [1, k], &weight, bias, &requantize);
        IntegerGemm { m, k, intake: E::intake(&requantize), panels }
    }

    fn rows(&self, units: Range<usize>) -> Range<usize> {
        (units.start * ROWS).min(self.m)..(units.end * ROWS).min(self.m)
    }

    /// Rows that are taken in at once.
    fn at_once(&self) -> usize {
        (CACHED / size_of::<E>() / self.k.max(1)).max(ROWS) / ROWS * ROWS
    }
}

impl<E: Element> Kernel for IntegerGemm<E> {
    fn name(&self) -> String {
        format!("gemm 4x8, {}", E::NAME)
    }

    fn units(&self) -> usize {
        self.m.div_ceil(ROWS)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let rows = self.rows(units);
        rows.start * self.panels.n..rows.end * self.panels.n
    }

    fn scratch(&self) -> usize {
        scratch_floats::<E>(self.at_once().min(self.m) * self.k)
    }

    fn weight_bytes(&self) -> usize {
        self.panels.bytes()
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let n = self.panels.n;
        let input = Bytes::of(args.inputs[0], self.m * self.k);
        let rows = self.rows(units);
        let output = output_bytes(args.outputs, rows.len() * n);
        let taken = as_elements(args.scratch);
        let runs = [Run { at: 0, lane: 0, lanes: self.panels.lanes }];
        for (i, start) in rows.clone().step_by(self.at_once()).enumerate() {
            let count = self.at_once().min(rows.end - start);
            let out = &mut output[i * self.at_once() * n..][..count * n];
            let taken = &mut taken[..count * self.k + E::GROUP - 1];
            E::take(&self.intake, input, start * self.k, &mut taken[..count * self.k]);
            // SAFETY: `taken` has `count` rows of k, and what fills the last lane up; `out` has
            // `count` rows of n.
            unsafe {
                let (taken, out) = (taken.as_ptr(), out.as_mut_ptr());
                self.panels.multiply::<NativeIntegers, _>(count, taken, self.k, &runs, out, n);
            }
        }
    }
}
