//! Functions of one quantized value, from tables.

use super::{Bytes, output_bytes};
use crate::kernels::{Args, Kernel};
use crate::ops::{ByteTable, Int16Table, Unary};
use crate::tensor::{View, ViewMut};
use std::ops::Range;

/// Elements of a unit.
const UNIT: usize = 1024;

/// A function of int16; a unit is 1024 elements. Operand 0 and the output have the same shape.
pub struct Table {
    function: Unary,
    elements: usize,
    table: Int16Table,
}

impl Table {
    /// Of so many elements; `function` is what profiles show.
    pub fn new(function: Unary, table: Int16Table, elements: usize) -> Table {
        Table { function, elements, table }
    }
}

impl Kernel for Table {
    fn name(&self) -> String {
        format!("{}, table", self.function.name().to_ascii_lowercase())
    }

    fn units(&self) -> usize {
        self.elements.div_ceil(UNIT)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        span(self.elements, units)
    }

    fn weight_bytes(&self) -> usize {
        self.table.bytes()
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

/// Any function of int8 or uint8; a unit is 1024 elements. Operand 0 and the output have the same shape.
pub struct TableOfBytes {
    name: String,
    elements: usize,
    table: Box<ByteTable>,
}

impl TableOfBytes {
    /// Of so many elements; `name` is what profiles show.
    pub fn new(name: &str, table: ByteTable, elements: usize) -> TableOfBytes {
        TableOfBytes { name: name.to_ascii_lowercase(), elements, table: Box::new(table) }
    }
}

impl Kernel for TableOfBytes {
    fn name(&self) -> String {
        format!("{}, table", self.name)
    }

    fn units(&self) -> usize {
        self.elements.div_ceil(UNIT)
    }

    fn span(&self, _output: usize, units: Range<usize>) -> Range<usize> {
        span(self.elements, units)
    }

    fn weight_bytes(&self) -> usize {
        size_of::<ByteTable>()
    }

    fn in_place(&self) -> &[usize] {
        &[0]
    }

    fn run(&self, units: Range<usize>, args: Args<'_, '_>) {
        let span = span(self.elements, units);
        let output = output_bytes(args.outputs, span.len());
        let table = &*self.table;
        match args.inputs[0] {
            Some(_) => {
                let input = &Bytes::of(args.inputs[0], self.elements).stored()[span];
                output.iter_mut().zip(input).for_each(|(y, &x)| *y = table[usize::from(x)]);
            }
            None => output.iter_mut().for_each(|y| *y = table[usize::from(*y)]),
        }
    }
}

/// Elements that some units cover.
fn span(elements: usize, units: Range<usize>) -> Range<usize> {
    (units.start * UNIT).min(elements)..(units.end * UNIT).min(elements)
}
