//! Matrix product with bias and activation: 1x1 convolutions and fully connected layers.

use super::panels::{Panels, ROWS};
use super::{Args, Kernel};
use crate::ops::Unary;
use crate::simd::Native;
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
pub struct Gemm {
    m: usize,
    panels: Panels,
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
        Gemm { m, panels }
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
        let rows = self.rows(units.clone());
        let output = args.output(self.span(0, units));
        let input = &input[rows.start * self.panels.k..rows.end * self.panels.k];
        self.panels.product::<Native>(input, output);
    }
}
