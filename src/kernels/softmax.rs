//! SOFTMAX and LOG_SOFTMAX.

use super::lanes::{gather, scatter};
use super::{Args, Kernel};
use crate::ops;
use crate::simd::{LANES, Native, Vector};
use std::ops::Range;

/// Elements of a unit, at least: a few microseconds of work.
const UNIT: usize = 1024;

/// Softmax over the last axis. Four rows at a time, one in each lane: most rows are the few classes
/// of a pixel. A unit is some fours of rows, about 1024 elements. Operand 0 and the output have the
/// same shape.
///
/// For `beta` = 1 and rows of up to 64 elements, probabilities are exact to 4e-7, logarithms to 4e-7 of
/// themselves or 4e-7, whichever is more.
pub struct Softmax {
    op: ops::Softmax,
    rows: usize,
    /// Elements of a row.
    row: usize,
}

impl Softmax {
    /// Of so many rows of so many elements.
    ///
    /// # Panics
    /// When a row has no elements.
    pub fn new(op: ops::Softmax, rows: usize, row: usize) -> Softmax {
        assert!(row > 0, "elements of a row");
        Softmax { op, rows, row }
    }

    /// Rows of a unit.
    fn unit(&self) -> usize {
        LANES * UNIT.div_ceil(LANES * self.row)
    }

    /// One to four rows, as many as `to` has. Where `from` is `None`, they lie there. `columns` is
    /// `[row, LANES]`.
    fn rows<V: Vector>(&self, from: Option<&[f32]>, to: &mut [f32], columns: &mut [f32]) {
        let count = to.len() / self.row;
        assert!((1..=LANES).contains(&count) && to.len() == count * self.row);
        assert!(columns.len() == LANES * self.row);
        assert!(from.is_none_or(|from| from.len() == to.len()));
        // Where there are less than four, the last lanes do the last row again.
        let starts = std::array::from_fn(|lane| lane.min(count - 1) * self.row);
        let (to, columns) = (to.as_mut_ptr(), columns.as_mut_ptr());
        let from = from.map_or(to.cast_const(), <[f32]>::as_ptr);
        let column = |i: usize| columns.wrapping_add(i * LANES);
        let beta = V::splat(self.op.beta);
        let mut most = V::splat(f32::NEG_INFINITY);
        let mut sum = V::splat(0.0);
        // SAFETY: i < row, so each start + i is below count * row, which is as long as `from` and `to`
        // are (asserted above), and `columns` has 4 floats for each i. What is read of `from` is
        // read before anything is written.
        unsafe {
            for i in 0..self.row {
                let x = gather::<V>(from.add(i), starts).mul(beta);
                x.store(column(i));
                most = most.at_least(x);
            }
            for i in 0..self.row {
                let above = V::load(column(i)).sub(most);
                let power = above.exp();
                sum = sum.add(power);
                let kept = if self.op.log { above } else { power };
                kept.store(column(i));
            }
            let (factor, offset) = match self.op.log {
                true => {
                    let logs = sum.to_array().map(|sum| -(sum as f64).ln() as f32);
                    (V::splat(1.0), V::from_array(logs))
                }
                false => (V::splat(1.0).div(sum), V::splat(0.0)),
            };
            for i in 0..self.row {
                let y = V::load(column(i)).mul_add(factor, offset);
                scatter(y, to.add(i), &starts[..count]);
            }
        }
    }
}

impl Kernel for Softmax {
    fn name(&self) -> String {
        self.op.name().to_ascii_lowercase()
    }

    fn units(&self) -> usize {
        self.rows.div_ceil(self.unit())
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        let start = |unit: usize| (unit * self.unit()).min(self.rows) * self.row;
        start(units.start)..start(units.end)
    }

    fn scratch(&self) -> usize {
        LANES * self.row
    }

    fn in_place(&self) -> &[usize] {
        &[0]
    }

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let span = self.span(0, units);
        let input = args.inputs[0].map(|_| &args.input(0, self.rows * self.row)[span.clone()]);
        let four = LANES * self.row;
        let columns = &mut std::mem::take(&mut args.scratch)[..four];
        for (i, to) in args.output(span).chunks_mut(four).enumerate() {
            let from = input.map(|input| &input[i * four..][..to.len()]);
            self.rows::<Native>(from, to, columns);
        }
    }
}
