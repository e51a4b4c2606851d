//! Transposed convolution whose windows lie side by side, without overlap or gap: a stride as large
//! as the kernel, as in upsampling by 2x2. It is one matrix product; only the order of the result
//! in memory is another.

use super::panels::Panels;
use super::window::{ConvSpec, check};
use super::{Args, Kernel};
use crate::simd::Native;
use std::ops::Range;

/// Output pixel `i * stride + tap` gets input pixel `i`; a unit is one row of the input, and so
/// `kh` rows of the output. Operand 0 is `[n, h, w, ci]`, the output `[n, h * kh, w * kw, co]`.
pub struct DisjointTransposeConv {
    /// Rows of all images.
    rows: usize,
    /// Input pixels of a row.
    width: usize,
    /// Height and width.
    kernel: [usize; 2],
    /// Output channels.
    co: usize,
    /// k is `ci`, n is `kh * kw * co`.
    panels: Panels,
}

impl DisjointTransposeConv {
    /// Whether the windows of a transposed convolution lie side by side.
    pub fn fits(spec: &ConvSpec<'_>) -> bool {
        let ([_, h, w, _], [_, kh, kw, _]) = (spec.input, spec.filter_shape);
        spec.stride == [kh, kw] && spec.pad == [0, 0] && spec.output == [h * kh, w * kw]
    }

    /// Packs the weights.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, the dilation is not 1, or the windows do
    /// not fit.
    pub fn new(spec: ConvSpec<'_>) -> DisjointTransposeConv {
        let [batch, h, w, ci] = spec.input;
        let [co, kh, kw, depth] = spec.filter_shape;
        check(&spec, co);
        assert!(depth == ci && co > 0 && spec.dilation == [1, 1], "channels or dilation");
        assert!(DisjointTransposeConv::fits(&spec), "windows");
        let weight = |column: usize, i| {
            let (tap, c) = (column / co, column % co);
            spec.filter[(c * kh * kw + tap) * ci + i]
        };
        let bias = spec.bias.map(|bias| bias.repeat(kh * kw));
        let n = kh * kw * co;
        let panels = Panels::pack([ci, n], weight, bias.as_deref(), spec.activation.into());
        DisjointTransposeConv { rows: batch * h, width: w, kernel: [kh, kw], co, panels }
    }

    /// Elements of a row of the output.
    fn output_row(&self) -> usize {
        self.width * self.kernel[1] * self.co
    }
}

impl Kernel for DisjointTransposeConv {
    fn name(&self) -> String {
        let [kh, kw] = self.kernel;
        format!("transpose conv {kh}x{kw} s{kw} {}", self.panels.tile_name())
    }

    fn units(&self) -> usize {
        self.rows
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let rows = self.kernel[0] * self.output_row();
        units.start * rows..units.end * rows
    }

    fn scratch(&self) -> usize {
        self.width * self.panels.n
    }

    fn weight_bytes(&self) -> usize {
        self.panels.bytes()
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let [kh, kw] = self.kernel;
        let input_row = self.width * self.panels.k;
        let input = args.input(0, self.rows * input_row);
        let products = &mut std::mem::take(&mut args.scratch)[..self.scratch()]; // [w, kh, kw, co]
        let output = args.output(self.span(0, units.clone()));
        for (unit, out) in units.zip(output.chunks_exact_mut(kh * self.output_row())) {
            self.panels.product::<Native>(&input[unit * input_row..][..input_row], products);
            for (ky, row) in out.chunks_exact_mut(self.output_row()).enumerate() {
                take_runs(products, ky, kh, kw * self.co, row);
            }
        }
    }
}

/// `to` gets run `first` and every `step`-th after it of `from`, which consists of runs of `len`.
fn take_runs(from: &[f32], first: usize, step: usize, len: usize, to: &mut [f32]) {
    /// A length the compiler knows makes a copy an instruction instead of a call.
    fn known<const N: usize>(from: &[f32], first: usize, step: usize, to: &mut [f32]) {
        let runs = from.as_chunks::<N>().0.iter().skip(first).step_by(step);
        to.as_chunks_mut::<N>().0.iter_mut().zip(runs).for_each(|(to, run)| *to = *run);
    }
    match len {
        1 => known::<1>(from, first, step, to),
        2 => known::<2>(from, first, step, to),
        4 => known::<4>(from, first, step, to),
        _ => {
            let runs = from.chunks_exact(len).skip(first).step_by(step);
            to.chunks_exact_mut(len).zip(runs).for_each(|(to, run)| to.copy_from_slice(run));
        }
    }
}
