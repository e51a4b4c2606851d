//! How two operands stretch to the shape of a result, with NumPy's broadcasting.

use crate::tensor::Shape;
use std::ops::Range;

/// Elements of a unit, at least: a few microseconds of work. Also the longest piece of a row.
const UNIT: usize = 1024;

/// Elements of a short row's copies.
pub(super) const PATTERN: usize = 256;

/// Two operands and a result. A unit is about 1024 elements, whole rows where rows are repeated.
pub(super) struct Broadcast {
    /// Elements of the operands.
    pub lengths: [usize; 2],
    elements: usize,
    /// Axes of the output, outermost first, as few as can be: neighbours that both operands walk
    /// through in the same way are one. The last is the row. Never empty.
    axes: Vec<Stretch>,
    /// Elements of a unit: rows, or pieces of the only one.
    unit: usize,
    /// The operands that have the output's shape.
    pub in_place: Vec<usize>,
}

/// One axis of a broadcast.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    extent: usize,
    /// For each operand, elements from one position to the next: 0 where it repeats.
    steps: [usize; 2],
}

impl Broadcast {
    /// # Panics
    /// When the operands do not broadcast to the output.
    pub fn new(operands: [&Shape; 2], output: &Shape) -> Broadcast {
        let axes = stretches(operands, output);
        let elements = output.elements();
        let row = axes.last().map_or(1, |a| a.extent).max(1);
        let lengths = operands.map(Shape::elements);
        Broadcast {
            lengths,
            elements,
            unit: if axes.len() == 1 { UNIT } else { row * UNIT.div_ceil(row) },
            axes,
            in_place: (0..2).filter(|&i| lengths[i] == elements).collect(),
        }
    }

    pub fn units(&self) -> usize {
        self.elements.div_ceil(self.unit)
    }

    pub fn span(&self, units: Range<usize>) -> Range<usize> {
        (units.start * self.unit).min(self.elements)..(units.end * self.unit).min(self.elements)
    }

    /// Panics unless the operands, those apart from the output, and the part `span` of it have so many
    /// elements.
    pub fn check(&self, span: &Range<usize>, operands: [Option<usize>; 2], output: usize) {
        assert!(output == span.len() && span.end <= self.elements);
        for (i, operand) in operands.into_iter().enumerate() {
            match operand {
                Some(len) => assert_eq!(len, self.lengths[i]),
                None => assert!(self.in_place.contains(&i), "operand {i} cannot be in place"),
            }
        }
    }

    /// Whether each operand has more than one element for a row.
    pub fn moves(&self) -> [bool; 2] {
        self.axes[self.axes.len() - 1].steps.map(|step| step != 0)
    }

    /// Where each operand is at the start of a row.
    fn offsets(&self, row: usize) -> [usize; 2] {
        let (mut rest, mut at) = (row, [0; 2]);
        for axis in self.axes[..self.axes.len() - 1].iter().rev() {
            let position = rest % axis.extent;
            rest /= axis.extent;
            at = [0, 1].map(|i| at[i] + position * axis.steps[i]);
        }
        at
    }

    /// The operand that is one short row, the same for each row of the other: a gate per channel.
    pub fn short_repeated_row(&self) -> Option<usize> {
        let [outer, row] = self.axes[..] else { return None };
        let short = row.steps == [1, 1] && 2 * row.extent <= PATTERN;
        (0..2).find(|&i| short && outer.steps[i] == 0 && outer.steps[1 - i] == row.extent)
    }

    /// Calls `f` for each row of `span`, or piece of one: where it starts, counted from the start of
    /// `span`, its elements, and where each operand is. One loop for all functions of two values.
    pub fn rows(&self, span: Range<usize>, f: &mut dyn FnMut(usize, usize, [usize; 2])) {
        let (row, outer) = match self.axes[..] {
            [row] => (row, None),
            [.., outer, row] => (row, Some(outer)),
            [] => unreachable!("there is a row"),
        };
        let mut at = span.start;
        let (mut index, mut within) = (at / row.extent, at % row.extent);
        let mut position = outer.map_or(0, |outer| index % outer.extent);
        let mut offsets = self.offsets(index);
        while at < span.end {
            // No longer than what stays in the cache for an activation.
            let count = (row.extent - within).min(span.end - at).min(UNIT);
            f(at - span.start, count, [0, 1].map(|i| offsets[i] + within * row.steps[i]));
            at += count;
            within += count;
            if within < row.extent {
                continue;
            }
            within = 0;
            index += 1;
            position += 1;
            // Rows along the same axis need no division to be found.
            offsets = match outer {
                Some(outer) if position < outer.extent => {
                    [0, 1].map(|i| offsets[i] + outer.steps[i])
                }
                _ => {
                    position = 0;
                    self.offsets(index)
                }
            };
        }
    }
}

/// The axes of a broadcast, neighbours merged.
fn stretches(operands: [&Shape; 2], output: &Shape) -> Vec<Stretch> {
    let mut axes: Vec<Stretch> = Vec::new(); // innermost first
    let mut steps = [1; 2];
    for (back, &extent) in output.dims().iter().rev().enumerate() {
        let own = operands.map(|s| s.dims().iter().rev().nth(back).copied().unwrap_or(1));
        assert!(own.iter().all(|&e| e == extent || e == 1), "operands do not broadcast");
        let axis =
            Stretch { extent, steps: [0, 1].map(|i| if own[i] == 1 { 0 } else { steps[i] }) };
        steps = [0, 1].map(|i| steps[i] * own[i]);
        if extent == 1 {
            continue;
        }
        match axes.last_mut() {
            // The axis goes on where the one inside it ends.
            Some(inner) if (0..2).all(|i| axis.steps[i] == inner.steps[i] * inner.extent) => {
                inner.extent *= extent;
            }
            _ => axes.push(axis),
        }
    }
    if axes.is_empty() {
        axes.push(Stretch { extent: 1, steps: [1, 1] });
    }
    axes.reverse();
    axes
}
