//! Copies of boxes of elements, of any type: what slices, pads, transpositions and concatenations
//! are made of.
//!
//! A [`Patch`] is one such box: along each of its axes, elements lie a step apart in an operand,
//! and another step apart in an output. All patches together cover each output once. A unit is
//! 1024 elements of an output, wherever patches begin or end: each run copies what of them lies in
//! its units.

use super::{Args, Kernel};
use crate::tensor::{View, ViewMut};
use std::ops::Range;

/// Elements of a unit, in the largest output.
const UNIT: usize = 1024;

/// A box of elements.
#[derive(Debug, Clone)]
pub struct Patch {
    /// The operand that the elements are of; without one, all are what is filled in.
    pub operand: Option<usize>,
    /// The first element in the operand.
    pub from: usize,
    /// The output that the elements go to.
    pub output: usize,
    /// The first element in the output.
    pub to: usize,
    /// The box's axes, outermost first.
    pub axes: Vec<Axis>,
}

/// One axis of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// How many positions there are, at least 1.
    pub extent: usize,
    /// Elements of the operand from one position to the next.
    pub from: isize,
    /// Elements of the output from one position to the next, at least 1 where there are several.
    pub to: usize,
}

/// Copies patches; operands and outputs are all of one type.
pub struct StridedCopy {
    patches: Vec<Patch>,
    /// For each axis of each patch, how many elements of the output lie between the first and the
    /// last position of the axes inside it.
    reaches: Vec<Vec<usize>>,
    /// Elements of each operand.
    operands: Vec<usize>,
    /// Elements of each output.
    outputs: Vec<usize>,
    units: usize,
    /// What elements without an operand are, in their lowest bits.
    fill: i32,
}

impl StridedCopy {
    /// Of operands and outputs with so many elements.
    ///
    /// # Panics
    /// When a patch reaches beyond them, or patches do not have as many elements as the outputs.
    pub fn new(operands: Vec<usize>, outputs: Vec<usize>, patches: Vec<Patch>) -> StridedCopy {
        let patches: Vec<Patch> = patches.into_iter().map(simplified).collect();
        let mut left = outputs.clone();
        for patch in &patches {
            let (lowest, highest) = patch.axes.iter().fold((0, 0), |(low, high), axis| {
                let reach = (axis.extent as isize - 1) * axis.from;
                (low + reach.min(0), high + reach.max(0))
            });
            let first = patch.from as isize;
            let elements = patch.operand.map_or(1, |i| operands[i]) as isize;
            assert!(first + lowest >= 0 && first + highest < elements, "Patch of an operand");
            let last = patch.to + reach(&patch.axes);
            assert!(last < outputs[patch.output], "Patch of an output");
            assert!(patch.axes.iter().all(|a| a.extent > 0 && (a.to > 0 || a.extent == 1)));
            left[patch.output] -= patch.axes.iter().map(|a| a.extent).product::<usize>();
        }
        assert!(left.iter().all(|&n| n == 0), "patches cover outputs once");
        let reaches = |p: &Patch| (0..p.axes.len()).map(|i| reach(&p.axes[i + 1..])).collect();
        StridedCopy {
            reaches: patches.iter().map(reaches).collect(),
            units: outputs.iter().max().map_or(0, |n| n.div_ceil(UNIT)),
            patches,
            operands,
            outputs,
            fill: 0,
        }
    }

    /// With that integer, instead of 0, where there is no operand: a zero point.
    pub fn filled_with(mut self, fill: i32) -> StridedCopy {
        self.fill = fill;
        self
    }

    fn copy<T: Word>(&self, units: Range<usize>, args: Args<'_, '_>) {
        let fill = [T::from_low_bits(self.fill)];
        for (patch, reaches) in self.patches.iter().zip(&self.reaches) {
            let span = self.span(patch.output, units.clone());
            let from = match patch.operand {
                Some(i) => {
                    let words = T::of(args.inputs[i].expect("an operand of its own"));
                    assert_eq!(words.len(), self.operands[i], "elements of operand {i}");
                    words
                }
                None => &fill,
            };
            let to = T::of_mut(&mut args.outputs[patch.output]);
            assert_eq!(to.len(), span.len(), "elements of output {}", patch.output);
            let copy = Walk { from: from.as_ptr(), to: to.as_mut_ptr(), span };
            // SAFETY: the constructor made sure that all positions of the patch lie in an operand
            // and an output of these lengths, which were compared above.
            unsafe { copy.axes(&patch.axes, reaches, patch.from as isize, patch.to) };
        }
    }
}

/// From the first element of the output to the last.
fn reach(axes: &[Axis]) -> usize {
    axes.iter().map(|axis| (axis.extent - 1) * axis.to).sum()
}

/// The same patch with as few axes as can be: neighbours that both sides walk through without a
/// gap are one. There is at least one.
fn simplified(mut patch: Patch) -> Patch {
    if patch.operand.is_none() {
        patch.from = 0;
        patch.axes.iter_mut().for_each(|axis| axis.from = 0);
    }
    let mut axes: Vec<Axis> = Vec::new(); // innermost first
    for &axis in patch.axes.iter().rev().filter(|axis| axis.extent != 1) {
        match axes.last_mut() {
            Some(inner)
                if axis.from == inner.from * inner.extent as isize
                    && axis.to == inner.to * inner.extent =>
            {
                inner.extent *= axis.extent;
            }
            _ => axes.push(axis),
        }
    }
    if axes.is_empty() {
        axes.push(Axis { extent: 1, from: 1, to: 1 });
    }
    axes.reverse();
    Patch { axes, ..patch }
}

impl Kernel for StridedCopy {
    fn name(&self) -> String {
        match self.patches.len() {
            1 => "strided copy".to_string(),
            count => format!("{count} strided copies"),
        }
    }

    fn units(&self) -> usize {
        self.units
    }

    fn weight_bytes(&self) -> usize {
        let of = |patch: &Patch| {
            let axes = patch.axes.len() * (size_of::<Axis>() + size_of::<usize>());
            size_of::<Patch>() + size_of::<Vec<usize>>() + axes
        };
        self.patches.iter().map(of).sum()
    }

    fn span(&self, output: usize, units: Range<usize>) -> Range<usize> {
        let elements = self.outputs[output];
        let unit = elements.div_ceil(self.units.max(1));
        (units.start * unit).min(elements)..(units.end * unit).min(elements)
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        match args.outputs[0].as_view().dtype().size() {
            1 => self.copy::<u8>(units, args),
            2 => self.copy::<u16>(units, args),
            4 => self.copy::<u32>(units, args),
            8 => self.copy::<u64>(units, args),
            size => panic!("elements of {size} bytes"),
        }
    }
}

/// A part of an output, and what is copied into it.
struct Walk<T> {
    /// The operand's first element.
    from: *const T,
    /// The part's first element.
    to: *mut T,
    /// Which elements of the output the part has.
    span: Range<usize>,
}

impl<T: Word> Walk<T> {
    /// Copies the elements of a box that lie in the span. `reaches`: see [`StridedCopy`].
    ///
    /// # Safety
    /// The elements of the box from `from` on must be readable, and those of the span writable.
    unsafe fn axes(&self, axes: &[Axis], reaches: &[usize], from: isize, to: usize) {
        // SAFETY, of all blocks: positions below the extent of their axis belong to the box.
        match *axes {
            [] => {}
            [run] => {
                let part = self.within(run, 0, to);
                let from = from + part.start as isize * run.from;
                let to = to + part.start * run.to;
                let one = Axis { extent: 1, from: 0, to: 0 };
                // SAFETY: see above; `part` lies in the span.
                unsafe { self.rows(one, Axis { extent: part.len(), ..run }, from, to) }
            }
            [rows, run] => {
                let some = self.within(rows, reaches[0], to);
                let whole = self.whole(rows, reaches[0], to, &some);
                for i in (some.start..whole.start).chain(whole.end..some.end) {
                    let (from, to) = (from + i as isize * rows.from, to + i * rows.to);
                    // SAFETY: see above.
                    unsafe { self.axes(&[run], &[0], from, to) };
                }
                let from = from + whole.start as isize * rows.from;
                let to = to + whole.start * rows.to;
                // SAFETY: see above; `whole` rows lie in the span.
                unsafe { self.rows(Axis { extent: whole.len(), ..rows }, run, from, to) }
            }
            [outer, ref inner @ ..] => {
                for i in self.within(outer, reaches[0], to) {
                    let (from, to) = (from + i as isize * outer.from, to + i * outer.to);
                    // SAFETY: see above.
                    unsafe { self.axes(inner, &reaches[1..], from, to) };
                }
            }
        }
    }

    /// The positions along an axis from which on, up to `reach` elements further, something may
    /// lie in the span.
    fn within(&self, axis: Axis, reach: usize, to: usize) -> Range<usize> {
        let step = axis.to.max(1);
        let end = self.span.end.saturating_sub(to).div_ceil(step).min(axis.extent);
        let start = self.span.start.saturating_sub(to + reach).div_ceil(step);
        start.min(end)..end
    }

    /// Those of the positions `some` from which on everything lies in the span.
    fn whole(&self, axis: Axis, reach: usize, to: usize, some: &Range<usize>) -> Range<usize> {
        let step = axis.to.max(1);
        let start = self.span.start.saturating_sub(to).div_ceil(step).clamp(some.start, some.end);
        let end = self.span.end.saturating_sub(to + reach).div_ceil(step);
        start..end.clamp(start, some.end)
    }

    /// Copies rows, each of which is a run.
    ///
    /// # Safety
    /// All their elements must be readable, and lie in the span.
    #[inline(always)]
    unsafe fn rows(&self, rows: Axis, run: Axis, from: isize, to: usize) {
        if rows.extent == 0 || run.extent == 0 {
            return;
        }
        // SAFETY: the first element is one of those that the caller promised.
        let (from, to) = unsafe { (self.from.offset(from), self.to.add(to - self.span.start)) };
        let row = |i: usize| {
            // SAFETY: the same of the first element of row `i`.
            unsafe { (from.offset(i as isize * rows.from), to.add(i * rows.to)) }
        };
        // SAFETY, of all blocks: the elements of rows and runs are those that the caller promised.
        match (run.from, run.to) {
            (1, 1) => (0..rows.extent).for_each(|i| {
                let (from, to) = row(i);
                // SAFETY: see above.
                unsafe { copy_run(from, to, run.extent) }
            }),
            (0, 1) => (0..rows.extent).for_each(|i| {
                let (from, to) = row(i);
                // SAFETY: see above; operands and outputs do not overlap.
                unsafe { std::slice::from_raw_parts_mut(to, run.extent).fill(*from) }
            }),
            // Two rows of the operand become one, in turn: what shuffling two groups of channels is
            // (of bytes, where moving them one by one costs most).
            (_, 1) if size_of::<T>() == 1 && [run.extent, rows.to] == [2, 2] && rows.from == 1 => {
                let n = rows.extent;
                // SAFETY: see above: `n` elements of each row, and as many pairs; operands and
                // outputs do not overlap.
                let (first, second, to) = unsafe {
                    (
                        std::slice::from_raw_parts(from, n),
                        std::slice::from_raw_parts(from.offset(run.from), n),
                        std::slice::from_raw_parts_mut(to, 2 * n),
                    )
                };
                for (i, pair) in to.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                    *pair = [first[i], second[i]];
                }
            }
            // The types that networks have much of. Neighbours of the operand lie in different rows: some of them at a time, so that a
            // cache line is used up when it is there.
            _ if rows.from == 1 && matches!(size_of::<T>(), 1 | 4) => {
                for first in (0..rows.extent).step_by(BLOCK) {
                    let (from, to) = row(first);
                    let count = BLOCK.min(rows.extent - first);
                    for k in 0..run.extent {
                        for i in 0..count {
                            // SAFETY: see above.
                            unsafe {
                                let from = from.offset(i as isize + k as isize * run.from);
                                *to.add(i * rows.to + k * run.to) = *from;
                            }
                        }
                    }
                }
            }
            _ => (0..rows.extent).for_each(|i| {
                let (from, to) = row(i);
                for k in 0..run.extent {
                    // SAFETY: see above.
                    unsafe { *to.add(k * run.to) = *from.offset(k as isize * run.from) };
                }
            }),
        }
    }
}

/// Rows that are written at the same time in a transposition.
const BLOCK: usize = 8;

/// Elements one after the other.
///
/// # Safety
/// `count` elements must be readable, and writable elsewhere.
#[inline(always)]
unsafe fn copy_run<T: Word>(from: *const T, to: *mut T, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(from, to, count) }
}

/// Elements by their size alone: they are only moved.
trait Word: Copy + 'static {
    /// The lowest bits of an integer; the others, if there are more, are 0 for 0.
    fn from_low_bits(x: i32) -> Self;

    /// The elements of a view, which have this size.
    fn of(view: View<'_>) -> &[Self] {
        let (start, len) = (view.as_ptr().cast::<Self>(), view.len());
        assert_eq!(view.dtype().size(), size_of::<Self>(), "bytes of {}", view.dtype());
        // SAFETY: the elements have this size and alignment, and every bit pattern is a value.
        unsafe { std::slice::from_raw_parts(start, len) }
    }

    /// The same, to be written: every bit pattern that an element of the same type has.
    fn of_mut<'v>(view: &'v mut ViewMut<'_>) -> &'v mut [Self] {
        let (dtype, len) = (view.as_view().dtype(), view.as_view().len());
        assert_eq!(dtype.size(), size_of::<Self>(), "bytes of {dtype}");
        // SAFETY: as in `of`; the view is borrowed mutably for as long as the result lives.
        unsafe { std::slice::from_raw_parts_mut(view.as_mut_ptr().cast::<Self>(), len) }
    }
}

macro_rules! words {
    ($($t:ty),*) => {$(
        impl Word for $t {
            fn from_low_bits(x: i32) -> $t {
                x as $t
            }
        }
    )*};
}

words!(u8, u16, u32, u64);
