//! Windows of 3x3 that slide along a row, one column at a time: each column of the image is loaded once,
//! and goes into the sums of all three outputs that it is part of.
//!
//! For n outputs, x[i] and taps[k] being columns of three pixels each:
//!
//! ```text
//! for i in 0..n + 2                      at any time the sums of two outputs are unfinished
//!     done    = sums[1] + x[i] * taps[2]
//!     sums[1] = sums[0] + x[i] * taps[1]
//!     sums[0] = bias    + x[i] * taps[0]
//!     output[i - 2] = done               from i = 2 on
//! ```
//!
//! Beside the image there is nothing to add.

use crate::simd::Vector;
use std::ops::Range;

/// The way along one row of outputs, for four channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Track {
    /// Where the window of output 0 starts, in each of its rows; may lie before the row.
    pub rows: [*const f32; 3],
    /// Columns from there on that lie inside the image: `[first, end]`.
    pub inside: [usize; 2],
    /// Where output 0 is written.
    pub output: *mut f32,
    /// Floats from one column to the next, and from one output to the next.
    pub step: usize,
}

impl Track {
    /// Four channels of the outputs `outputs`; `finish` is applied to each.
    ///
    /// # Safety
    /// The columns inside the image must be readable from all of `rows`, as far as the windows of
    /// `outputs` reach, and `outputs` writable.
    #[inline(always)]
    pub unsafe fn slide<V: Vector>(
        self,
        outputs: Range<usize>,
        taps: [[V; 3]; 3],
        bias: V,
        finish: impl Fn(V) -> V,
    ) {
        let (n, step) = (outputs.len(), self.step);
        // Columns are counted from the window of the first output on.
        let [first, end] = self.inside.map(|at| at.saturating_sub(outputs.start).min(n + 2));
        let mut at = self.rows.map(|row| row.wrapping_add(outputs.start * step));
        let mut to = self.output.wrapping_add(outputs.start * step).wrapping_sub(2 * step);
        let mut sums = [bias; 2];
        // Goes over some columns: `$take` gives the sum that is done, `$ends` says whether it is one.
        macro_rules! columns {
            ($range:expr, $take:expr, $ends:expr) => {
                for i in $range {
                    let done = $take(&at, &mut sums);
                    if $ends(i) {
                        // SAFETY: outputs below n may be written.
                        unsafe { finish(done).store(to) };
                    }
                    at = at.map(|p| p.wrapping_add(step));
                    to = to.wrapping_add(step);
                }
            };
        }
        let inside = |at: &[*const f32; 3], sums: &mut [V; 2]| {
            // SAFETY: columns inside the image may be read.
            let x = at.map(|p| unsafe { V::load(p) });
            let sum = |tap: usize, sum: V| {
                x.into_iter().zip(&taps).fold(sum, |sum, (x, taps)| x.mul_add(taps[tap], sum))
            };
            let done = sum(2, sums[1]);
            *sums = [sum(0, bias), sum(1, sums[0])];
            done
        };
        let outside = |_: &[*const f32; 3], sums: &mut [V; 2]| {
            let done = sums[1];
            *sums = [bias, sums[0]];
            done
        };
        let begin = 2.clamp(first, end);
        columns!(0..first, outside, |i| i >= 2);
        columns!(first..begin, inside, |i| i >= 2);
        columns!(begin..end, inside, |_| true);
        columns!(end..n + 2, outside, |i| i >= 2);
    }
}
