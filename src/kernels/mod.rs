//! Loops over elements: slices in, slices out. Nothing here knows graphs, allocates while running,
//! or starts threads.
//!
//! A [`Kernel`] is made once, for fixed shapes, by a constructor that packs weights and checks
//! everything; running it cannot fail. Its work is a row of *units*; whoever runs it may give
//! different ranges of them to different threads.
//!
//! Activations that are a few instructions are applied to sums while they are in registers, so
//! they cost no pass over memory; see `activation`.

mod activation;
mod binary;
mod broadcast;
mod cast;
mod conv;
mod copy;
mod depthwise;
mod disjoint_transpose_conv;
mod gemm;
mod integer;
mod lanes;
mod panels;
pub mod peak;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod softmax;
mod strided_copy;
mod transpose_conv;
mod unary;
mod window;
mod winograd;

pub use binary::{Binary, BinarySpec};
pub use cast::Cast;
pub use conv::Conv;
pub use copy::Copy;
pub use depthwise::Depthwise;
pub use disjoint_transpose_conv::DisjointTransposeConv;
pub use gemm::{Gemm, GemmSpec};
pub use integer::{
    Element, IntegerBinary, IntegerBinarySpec, IntegerConv, IntegerDepthwise, IntegerGemm,
    IntegerGemmSpec, IntegerPool, IntegerReduce, IntegerResize, IntegerTransposeConv,
    IntegerWinograd, Requantize, Table, TableOfBytes, bytes_pay,
};
pub use lanes::Along;
pub use pool::{AveragePool, MaxPool, PoolSpec};
pub use quantize::{Dequantize, Quantize, Rounded};
pub use reduce::{ArgReduce, Reduce};
pub use resize::{ResizeBilinear, ResizeNearest, ResizeSpec};
pub use softmax::Softmax;
pub use strided_copy::{Axis, Patch, StridedCopy};
pub use transpose_conv::TransposeConv;
pub use unary::Unary;
pub use window::ConvSpec;
pub use winograd::Winograd;

use crate::tensor::{View, ViewMut};
use std::fmt::Debug;
use std::ops::Range;

/// What a kernel reads and writes in one call.
#[derive(Debug)]
pub struct Args<'a, 'b> {
    /// Operands in order; `None`: this operand lies in the output's own buffer (in place).
    pub inputs: &'b [Option<View<'a>>],
    /// The part of each output that belongs to the units of this call: [`Kernel::span`] of it.
    pub outputs: &'b mut [ViewMut<'a>],
    /// At least [`Kernel::scratch`] floats, this thread's own, contents arbitrary.
    pub scratch: &'b mut [f32],
}

/// One step of a plan, bound to shapes and weights.
pub trait Kernel: Send + Sync + Debug {
    /// What profiles show, for example `gemm 4x8` or `depthwise 3x3 s2`.
    fn name(&self) -> String;

    /// Pieces of work in output order. Any split of `0..units()` into ranges gives the same
    /// result, bit for bit, and the ranges may run at the same time.
    fn units(&self) -> usize;

    /// Elements of an output that `units` covers: disjoint for disjoint ranges, together all.
    fn span(&self, output: usize, units: Range<usize>) -> Range<usize>;

    /// Floats of scratch per thread.
    fn scratch(&self) -> usize {
        0
    }

    /// Bytes of packed weights and tables.
    fn weight_bytes(&self) -> usize {
        0
    }

    /// The operands whose buffer the output may share: they have as many elements, and each is
    /// read before it is written.
    fn in_place(&self) -> &[usize] {
        &[]
    }

    /// Computes `units`.
    ///
    /// # Panics
    /// When a slice has not the length that the constructor and `units` imply.
    fn run(&self, units: Range<usize>, args: Args<'_, '_>);
}

/// Kernels print their name: their weights would fill pages, and the code for that the binary.
macro_rules! debug_as_name {
    ($($kernel:ident $(<$element:ident>)?),*) => {$(
        impl$(<$element: Element>)? Debug for $kernel$(<$element>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.name())
            }
        }
    )*};
}

debug_as_name!(
    ArgReduce,
    Binary,
    Cast,
    Conv,
    Copy,
    Depthwise,
    Dequantize,
    DisjointTransposeConv,
    Gemm,
    IntegerBinary,
    IntegerConv<E>,
    IntegerDepthwise<E>,
    IntegerGemm<E>,
    IntegerPool,
    IntegerReduce,
    IntegerResize,
    IntegerTransposeConv,
    IntegerWinograd,
    Quantize,
    Reduce,
    ResizeBilinear,
    ResizeNearest,
    Rounded,
    Softmax,
    StridedCopy,
    Table,
    TableOfBytes,
    TransposeConv,
    Unary,
    Winograd
);

impl<'a> Args<'a, '_> {
    /// Operand `index`, which is float32, has `len` elements, and is not in place.
    fn input(&self, index: usize, len: usize) -> &'a [f32] {
        let slice = self.inputs[index].and_then(|v| v.f32()).expect("a float32 operand");
        assert_eq!(slice.len(), len, "elements of operand {index}");
        slice
    }

    /// The only output, which is float32 and has `span.len()` elements here.
    fn output(&mut self, span: Range<usize>) -> &mut [f32] {
        let [ViewMut::F32(slice)] = &mut *self.outputs else {
            panic!("needs one output of float32");
        };
        assert_eq!(slice.len(), span.len(), "elements of the output");
        slice
    }
}
