//! The sliding window that convolutions and pools share.

use crate::error::{Error, Result};

/// TFLite's two paddings, and what passes make of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Output extent `ceil(input / stride)`; the odd pixel of padding goes behind.
    Same,
    /// Only windows that lie inside.
    Valid,
    /// Windows that lie inside the image with so many pixels of zeros added before its first and
    /// after its last, `[height, width]`. No file has it: it takes in what other operators add.
    #[allow(missing_docs)]
    Explicit { before: [usize; 2], after: [usize; 2] },
}

/// A window sliding over height and width. All pairs are `[height, width]`, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Step between neighbouring outputs.
    pub stride: [usize; 2],
    /// Step between neighbouring taps: 1 for a dense window.
    pub dilation: [usize; 2],
    /// What happens at the borders.
    pub padding: Padding,
}

impl Window {
    /// Refuses steps of zero and steps so large that their products could overflow.
    pub fn check(&self) -> Result<()> {
        for step in self.stride.iter().chain(&self.dilation) {
            if !(1..=MAX_STEP).contains(step) {
                return Err(Error::malformed(format!(
                    "stride {:?} or dilation {:?} is out of range",
                    self.stride, self.dilation
                )));
            }
        }
        Ok(())
    }

    /// Pixels that a window of `kernel` taps spans, per axis.
    fn span(&self, kernel: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|a| (kernel[a].max(1) - 1) * self.dilation[a] + 1)
    }

    /// Output extents of sliding `kernel` taps over `input` pixels (TensorFlow's
    /// `GetWindowedOutputSize`).
    pub fn output(&self, input: [usize; 2], kernel: [usize; 2]) -> Result<[usize; 2]> {
        self.check()?;
        if kernel.iter().any(|&k| k == 0 || k > MAX_STEP) {
            return Err(Error::malformed(format!("window of {kernel:?} taps")));
        }
        let span = self.span(kernel);
        let out = [0, 1].map(|a| match self.padding {
            Padding::Same => input[a].div_ceil(self.stride[a]),
            Padding::Valid => (input[a] + self.stride[a]).saturating_sub(span[a]) / self.stride[a],
            Padding::Explicit { before, after } => {
                let input = before[a] + input[a] + after[a];
                (input + self.stride[a]).saturating_sub(span[a]) / self.stride[a]
            }
        });
        if out.contains(&0) {
            return Err(Error::malformed(format!(
                "a window of {kernel:?} taps does not fit into {input:?} pixels"
            )));
        }
        Ok(out)
    }

    /// Padding before the first pixel, `[top, left]`, that goes with [`Window::output`].
    pub fn pad_before(&self, input: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        let span = self.span(kernel);
        [0, 1].map(|a| match self.padding {
            Padding::Same => {
                let out = input[a].div_ceil(self.stride[a]);
                ((out - 1) * self.stride[a] + span[a]).saturating_sub(input[a]) / 2
            }
            Padding::Valid => 0,
            Padding::Explicit { before, .. } => before[a],
        })
    }

    /// The same steps with the padding that begins `before` the first pixel and makes `output`, as
    /// TFLite's own where one does; `None` where none does. All extents are those of tensors.
    pub fn padded(
        self,
        input: [usize; 2],
        kernel: [usize; 2],
        before: [usize; 2],
        output: [usize; 2],
    ) -> Option<Window> {
        self.check().ok()?;
        let span = self.span(kernel);
        let after = [0, 1].map(|a| {
            let reach = (output[a] - 1).saturating_mul(self.stride[a]).saturating_add(span[a]);
            reach.saturating_sub(before[a] + input[a])
        });
        [Padding::Valid, Padding::Same, Padding::Explicit { before, after }]
            .map(|padding| Window { padding, ..self })
            .into_iter()
            .find(|window| {
                let starts = window.pad_before(input, kernel) == before;
                starts && window.output(input, kernel).is_ok_and(|made| made == output)
            })
    }
}

/// Strides, dilations and window sides above this are taken for corruption.
pub(super) const MAX_STEP: usize = 1 << 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_pixel_behind() {
        let w = Window { stride: [2, 2], dilation: [1, 1], padding: Padding::Same };
        assert_eq!(w.output([256, 7], [3, 3]).unwrap(), [128, 4]);
        assert_eq!(w.pad_before([256, 7], [3, 3]), [0, 1]);
    }

    #[test]
    fn valid_keeps_windows_inside() {
        let w = Window { stride: [1, 2], dilation: [2, 1], padding: Padding::Valid };
        assert_eq!(w.output([9, 8], [3, 3]).unwrap(), [5, 3]);
        assert!(w.output([4, 8], [3, 3]).is_err());
    }

    #[test]
    fn paddings_that_operators_add_are_found() {
        let w = Window { stride: [2, 1], dilation: [1, 2], padding: Padding::Valid };
        let found = |before, output| w.padded([7, 7], [3, 3], before, output).map(|w| w.padding);
        assert_eq!(found([0, 0], [3, 3]), Some(Padding::Valid));
        assert_eq!(found([1, 2], [4, 7]), Some(Padding::Same));
        let explicit = Padding::Explicit { before: [0, 3], after: [2, 1] };
        assert_eq!(found([0, 3], [4, 7]), Some(explicit));
        // The last window would end before the last pixel.
        assert_eq!(found([1, 2], [2, 7]), None);
    }

    #[test]
    fn a_stride_of_zero_is_an_error() {
        let w = Window { stride: [0, 1], dilation: [1, 1], padding: Padding::Same };
        assert!(w.output([8, 8], [3, 3]).is_err());
    }
}
