//! Matrix product with bias and activation: 1x1 convolutions and fully connected layers.

use super::panels::{Panels, ROWS, Run};
use super::{Args, Kernel};
use crate::ops::Unary;
use crate::simd::{Native, Vector};
use std::ops::Range;

/// `output[m][n] = activation(input[m][k] * weights[n][k]^T + bias[n])`.
#[derive(Debug, Clone, Copy)]
pub struct GemmSpec<'a> {
    /// Rows: pixels.
    pub m: usize,
    /// Summed extent: input channels.
    pub k: usize,
    /// Columns: output channels.
    pub n: usize,
    /// `[n, k]`, row-major.
    pub weights: &'a [f32],
    /// `[n]`; none is zeros.
    pub bias: Option<&'a [f32]>,
    /// Applied to the sum.
    pub activation: Option<Unary>,
}

/// Matrix product; a unit is four rows. Operand 0 is `[m, k]`, the output `[m, n]`.
#[derive(Debug)]
pub struct Gemm {
    m: usize,
    panels: Panels,
    runs: [Run; 1],
}

impl Gemm {
    /// Packs the weights.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies.
    pub fn new(spec: GemmSpec<'_>) -> Gemm {
        let GemmSpec { m, k, n, weights, bias, activation } = spec;
        assert_eq!(weights.len(), n * k, "weights");
        let weight = |column, i| weights[column * k + i];
        let panels = Panels::pack([k, n], weight, bias, activation.into());
        Gemm { m, panels, runs: [Run { at: 0, k: 0, len: k }] }
    }

    fn compute<V: Vector>(&self, rows: Range<usize>, input: &[f32], output: &mut [f32]) {
        let Panels { k, n, activation, .. } = self.panels;
        assert!(input.len() == self.m * k && rows.end <= self.m);
        assert_eq!(output.len(), rows.len() * n);
        for row in rows.clone().step_by(ROWS) {
            let count = ROWS.min(rows.end - row);
            let out = &mut output[(row - rows.start) * n..][..count * n];
            // SAFETY: `row + count <= rows.end <= m`, and the input has m rows of k; `out` has
            // `count` rows of n.
            unsafe {
                let input = input.as_ptr().add(row * k);
                self.panels.multiply::<V>(count, input, k, &self.runs, out.as_mut_ptr(), n);
            }
            activation.finish::<V>(out);
        }
    }

    fn rows(&self, units: Range<usize>) -> Range<usize> {
        (units.start * ROWS).min(self.m)..(units.end * ROWS).min(self.m)
    }
}

impl Kernel for Gemm {
    fn name(&self) -> String {
        format!("gemm {}", self.panels.tile_name())
    }

    fn units(&self) -> usize {
        self.m.div_ceil(ROWS)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let rows = self.rows(units);
        rows.start * self.panels.n..rows.end * self.panels.n
    }

    fn weight_bytes(&self) -> usize {
        self.panels.bytes()
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let input = args.input(0, self.m * self.panels.k);
        let output = args.output(self.span(0, units.clone()));
        self.compute::<Native>(self.rows(units), input, output);
    }
}
