//! Functions of int16, from a table.

use crate::kernels::{Args, Kernel};
use crate::ops::{Int16Table, Unary};
use crate::tensor::{View, ViewMut};
use std::ops::Range;

/// Elements of a unit.
const UNIT: usize = 1024;

/// EXP, LOG or RSQRT of int16; a unit is 1024 elements. Operand 0 and the output have the same shape.
pub struct Table {
    function: Unary,
    elements: usize,
    table: Box<Int16Table>,
}

impl Table {
    /// Of so many elements, from steps of `x` to steps of `y`; see [`Int16Table::new`].
    pub fn new(function: Unary, x: f32, y: f32, elements: usize) -> Table {
        Table { function, elements, table: Box::new(Int16Table::new(function, x, y)) }
    }
}

impl Kernel for Table {
    fn name(&self) -> String {
        format!("{}, table", self.function.name().to_lowercase())
    }

    fn units(&self) -> usize {
        self.elements.div_ceil(UNIT)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        (units.start * UNIT).min(self.elements)..(units.end * UNIT).min(self.elements)
    }

    fn weight_bytes(&self) -> usize {
        size_of::<Int16Table>()
    }

    fn in_place(&self) -> &[usize] {
        &[0]
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let [ViewMut::I16(output)] = args.outputs else { panic!("needs one output of int16") };
        match args.inputs[0] {
            Some(View::I16(input)) => {
                assert_eq!(input.len(), self.elements, "elements of operand 0");
                let input = &input[self.span(0, units)];
                output.iter_mut().zip(input).for_each(|(y, &x)| *y = self.table.at(x));
            }
            None => output.iter_mut().for_each(|y| *y = self.table.at(*y)),
            Some(other) => panic!("an operand of int16, not {}", other.dtype()),
        }
    }
}
