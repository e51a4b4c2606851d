//! A window sliding over an image, as kernels need it: which taps lie inside, and where.

use crate::ops::Unary;
use std::ops::Range;

/// A convolution of fixed shape: full, grouped, depthwise or transposed, with weights W and biases
/// B. Pairs are `[height, width]`.
#[derive(Debug, Clone, Copy)]
pub struct ConvSpec<'a, W = f32, B = W> {
    /// `[n, h, w, ci]`.
    pub input: [usize; 4],
    /// Pixels of the output.
    pub output: [usize; 2],
    /// Row-major weights of `filter_shape`.
    pub filter: &'a [W],
    /// Full: `[co, kh, kw, ci / groups]`. Transposed: `[co, kh, kw, ci]`.
    /// Depthwise: `[1, kh, kw, ci * multiplier]`.
    pub filter_shape: [usize; 4],
    /// One per output channel; none is zeros.
    pub bias: Option<&'a [B]>,
    /// Step between neighbouring outputs (transposed: between the outputs of neighbouring inputs).
    pub stride: [usize; 2],
    /// Step between neighbouring taps. Transposed: 1.
    pub dilation: [usize; 2],
    /// Padding before the first pixel, `[top, left]`. Transposed: what is cut off there.
    pub pad: [usize; 2],
    /// Applied to the sum.
    pub activation: Option<Unary>,
}

impl<W, B> ConvSpec<'_, W, B> {
    /// The window along height and width.
    pub(super) fn axes(&self) -> [Axis; 2] {
        [0, 1].map(|a| Axis {
            input: self.input[1 + a],
            output: self.output[a],
            kernel: self.filter_shape[1 + a],
            stride: self.stride[a],
            dilation: self.dilation[a],
            pad: self.pad[a],
        })
    }
}

/// The window along one axis, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub input: usize,
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub pad: usize,
}

impl Axis {
    /// The input position of tap 0 of an output; negative in the padding.
    pub fn origin(&self, output: usize) -> isize {
        (output * self.stride) as isize - self.pad as isize
    }

    /// The taps of an output that lie inside the image.
    pub fn taps(&self, output: usize) -> Range<usize> {
        let origin = self.origin(output);
        // Taps before the given position.
        let before = |position: isize| {
            let distance = usize::try_from(position - origin).unwrap_or(0);
            distance.div_ceil(self.dilation).min(self.kernel)
        };
        before(0)..before(self.input as isize)
    }

    /// The pixels of the image under the taps of an output; the dilation is 1.
    pub fn inside(&self, output: usize) -> Range<usize> {
        let (origin, taps) = (self.origin(output), self.taps(output));
        (origin + taps.start as isize) as usize..(origin + taps.end as isize) as usize
    }

    /// From the first tap to the last.
    pub fn span(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// The outputs all of whose taps lie inside.
    pub fn interior(&self) -> Range<usize> {
        let span = self.span();
        let start = self.pad.div_ceil(self.stride).min(self.output);
        let end = match (self.input + self.pad).checked_sub(span) {
            Some(last) => (last / self.stride + 1).min(self.output),
            None => 0,
        };
        start..end.max(start)
    }
}

/// Panics unless every slice of the spec has the length its shapes imply.
pub(super) fn check<W, B>(spec: &ConvSpec<'_, W, B>, output_channels: usize) {
    assert_eq!(spec.filter.len(), spec.filter_shape.iter().product::<usize>(), "filter");
    assert!(spec.bias.is_none_or(|b| b.len() == output_channels), "bias");
    for a in 0..2 {
        assert!(spec.stride[a] > 0 && spec.dilation[a] > 0 && spec.filter_shape[1 + a] > 0);
    }
}
