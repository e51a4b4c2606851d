//! Transposed convolution, gathered: each output row collects what the input rows give to it, so
//! rows can be made independently and are written once.

use super::activation::Activation;
use super::panels::Panels;
use super::window::{Axis, ConvSpec, check};
use super::{Args, Kernel};
use crate::simd::{Native, Vector};
use std::ops::Range;

/// Output pixel `i * stride + tap - pad` gets input pixel `i`; a unit is one row of the output.
/// Operand 0 is `[n, h, w, ci]`, the output `[n, oh, ow, co]`.
pub struct TransposeConv {
    batch: usize,
    /// Height and width.
    axes: [Axis; 2],
    /// Output channels.
    co: usize,
    /// One per kernel row: k is `ci`, n is `kw * co`.
    kernel_rows: Vec<Panels>,
    /// `[co]`.
    bias: Vec<f32>,
    activation: Activation,
}

impl TransposeConv {
    /// Packs the weights.
    ///
    /// # Panics
    /// When a slice has not the length the spec implies, or the dilation is not 1.
    pub fn new(spec: ConvSpec<'_>) -> TransposeConv {
        let [batch, _, _, ci] = spec.input;
        let [co, kh, kw, depth] = spec.filter_shape;
        check(&spec, co);
        assert!(depth == ci && co > 0 && spec.dilation == [1, 1], "channels or dilation");
        let bias = spec.bias.map_or_else(|| vec![0.0; co], <[f32]>::to_vec);
        let kernel_rows = (0..kh)
            .map(|ky| {
                let weight = |column: usize, i| {
                    let (kx, c) = (column / co, column % co);
                    spec.filter[((c * kh + ky) * kw + kx) * ci + i]
                };
                Panels::pack([ci, kw * co], weight, None, Activation::Linear)
            })
            .collect();
        let activation = spec.activation.into();
        TransposeConv { batch, axes: spec.axes(), co, kernel_rows, bias, activation }
    }

    /// One output row, `[ow, co]`, of an image `[h, w, ci]`.
    fn row<V: Vector>(&self, y: usize, image: &[f32], output: &mut [f32], scratch: &mut [f32]) {
        let [rows, columns] = self.axes;
        let input_row = |panels: &Panels, iy: usize| {
            let len = columns.input * panels.k;
            &image[iy * len..][..len]
        };
        for pixel in output.chunks_exact_mut(self.co) {
            pixel.copy_from_slice(&self.bias);
        }
        for (ky, panels) in self.kernel_rows.iter().enumerate() {
            // y = iy * stride + ky - pad.
            let Some(distance) = (y + rows.pad).checked_sub(ky) else { continue };
            let iy = distance / rows.stride;
            if distance % rows.stride != 0 || iy >= rows.input {
                continue;
            }
            let products = &mut scratch[..columns.input * panels.n]; // [w, kw, co]
            panels.product::<V>(input_row(panels, iy), products);
            for (i, product) in products.chunks_exact(self.co).enumerate() {
                let (ix, kx) = (i / columns.kernel, i % columns.kernel);
                let ox = (ix * columns.stride + kx).checked_sub(columns.pad);
                if let Some(ox) = ox.filter(|&ox| ox < columns.output) {
                    let pixel = &mut output[ox * self.co..][..self.co];
                    pixel.iter_mut().zip(product).for_each(|(sum, p)| *sum += p);
                }
            }
        }
        self.activation.pass::<V>(output);
    }
}

impl Kernel for TransposeConv {
    fn name(&self) -> String {
        let [rows, columns] = self.axes;
        let tile = self.kernel_rows[0].tile_name();
        format!("transpose conv {}x{} s{} {tile}", rows.kernel, columns.kernel, columns.stride)
    }

    fn units(&self) -> usize {
        self.batch * self.axes[0].output
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.co;
        units.start * row..units.end * row
    }

    fn scratch(&self) -> usize {
        // May pass 32 bits; nothing is planned that needs as much.
        self.axes[1].input.saturating_mul(self.kernel_rows[0].n)
    }

    fn weight_bytes(&self) -> usize {
        let bias = size_of::<f32>() * self.bias.len();
        bias + self.kernel_rows.iter().map(Panels::bytes).sum::<usize>()
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let [rows, columns] = self.axes;
        let image = rows.input * columns.input * self.kernel_rows[0].k;
        let input = args.input(0, self.batch * image);
        let scratch = std::mem::take(&mut args.scratch);
        let output = args.output(self.span(0, units.clone()));
        for (unit, out) in units.zip(output.chunks_exact_mut(columns.output * self.co)) {
            let (n, y) = (unit / rows.output, unit % rows.output);
            self.row::<Native>(y, &input[n * image..][..image], out, scratch);
        }
    }
}
