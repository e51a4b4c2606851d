//! Functions of one value.

use super::activation::Activation;
use super::{Args, Kernel};
use crate::ops;
use crate::simd::Native;
use std::ops::Range;

/// Elements of a unit: a few microseconds of work.
const UNIT: usize = 1024;

/// A function of one value; a unit is 1024 elements. Operand 0 and the output have the same shape.
pub struct Unary {
    function: ops::Unary,
    elements: usize,
}

impl Unary {
    /// Of so many elements.
    pub fn new(function: ops::Unary, elements: usize) -> Unary {
        Unary { function, elements }
    }
}

impl Kernel for Unary {
    fn name(&self) -> String {
        self.function.name().to_ascii_lowercase()
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

    fn run(&self, units: Range<usize>, mut args: Args<'_, '_>) {
        let span = self.span(0, units);
        let input = args.inputs[0].map(|_| &args.input(0, self.elements)[span.clone()]);
        let output = args.output(span);
        let activation = Activation::from(Some(self.function));
        // Copied and mapped in pieces that stay in the cache.
        for (i, out) in output.chunks_mut(UNIT).enumerate() {
            if let Some(input) = input {
                out.copy_from_slice(&input[i * UNIT..][..out.len()]);
            }
            activation.pass::<Native>(out);
        }
    }
}
