//! Copies of any type: what reshapes and pass-through outputs need when buffers cannot be shared.

use super::{Args, Kernel};
use crate::tensor::{View, ViewMut};
use std::ops::Range;

/// Elements of a unit.
const UNIT: usize = 4096;

/// A copy; a unit is 4096 elements. Operand 0 and the output have the same type and length.
pub struct Copy {
    elements: usize,
}

impl Copy {
    /// Of so many elements.
    pub fn new(elements: usize) -> Copy {
        Copy { elements }
    }
}

impl Kernel for Copy {
    fn name(&self) -> String {
        "copy".to_string()
    }

    fn units(&self) -> usize {
        self.elements.div_ceil(UNIT)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        (units.start * UNIT).min(self.elements)..(units.end * UNIT).min(self.elements)
    }

    fn in_place(&self) -> &[usize] {
        &[0]
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let Some(input) = args.inputs[0] else { return };
        assert_eq!(input.len(), self.elements, "elements of operand 0");
        let span = self.span(0, units);
        match (input, &mut args.outputs[0]) {
            (View::F32(from), ViewMut::F32(to)) => to.copy_from_slice(&from[span]),
            (View::F16(from), ViewMut::F16(to)) => to.copy_from_slice(&from[span]),
            (View::I8(from), ViewMut::I8(to)) => to.copy_from_slice(&from[span]),
            (View::U8(from), ViewMut::U8(to)) => to.copy_from_slice(&from[span]),
            (View::I16(from), ViewMut::I16(to)) => to.copy_from_slice(&from[span]),
            (View::I32(from), ViewMut::I32(to)) => to.copy_from_slice(&from[span]),
            (View::I64(from), ViewMut::I64(to)) => to.copy_from_slice(&from[span]),
            (View::Bool(from), ViewMut::Bool(to)) => to.copy_from_slice(&from[span]),
            (from, to) => panic!("copy of {} to {}", from.dtype(), to.as_view().dtype()),
        }
    }
}
