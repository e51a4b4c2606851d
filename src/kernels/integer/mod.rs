//! Arithmetic on 8-bit quantized tensors as they are stored, int8 or uint8.
//!
//! In convolutions and products operands become differences from their zero point, which fit 16 bits, or
//! stay bytes where the device multiplies those: see [`element`]. Products are summed up in 32 bits, and a
//! sum times `input scale * filter scale / output scale`, a float32, is rounded to whole steps, halves to
//! even: TFLite's results by XNNPACK, bit for bit. The other kernels compute as XNNPACK does, too, or as
//! TFLite's own kernels where XNNPACK has none.

mod binary;
mod conv;
mod depthwise;
mod element;
mod gemm;
mod panels;
mod pool;
mod reduce;
mod resize;
mod table;
mod transpose_conv;
mod winograd;

pub use binary::{IntegerBinary, IntegerBinarySpec};
pub use conv::IntegerConv;
pub use depthwise::IntegerDepthwise;
pub use element::{Element, bytes_pay};
pub use gemm::{IntegerGemm, IntegerGemmSpec};
pub use pool::IntegerPool;
pub use reduce::IntegerReduce;
pub use resize::IntegerResize;
pub use table::{Table, TableOfBytes};
pub use transpose_conv::IntegerTransposeConv;
pub use winograd::IntegerWinograd;

use crate::simd::{Integers, Limits, NativeIntegers, WORDS};
use crate::tensor::{Grid, View, ViewMut};

/// What the integer kernels of convolutions and matrix products need to know of their tensors.
#[derive(Debug, Clone, Copy)]
pub struct Requantize<'a> {
    /// The stored value of 0 of the input.
    pub input_zero: i32,
    /// The lowest value that the input can store: -128 or 0.
    pub input_low: i32,
    /// The same of the filter.
    pub filter_zero: i32,
    /// What one of a sum is worth in steps of the result, for all output channels or for each.
    pub scales: &'a [f32],
    /// What the result can hold, after its activation; halves are rounded to even.
    pub output: Grid,
}

impl Requantize<'_> {
    fn limits(&self) -> Limits {
        limits(self.output)
    }

    fn scale(&self, channel: usize) -> f32 {
        self.scales[if self.scales.len() == 1 { 0 } else { channel }]
    }
}

/// What a result can hold, in steps from its zero point.
pub(super) fn limits(Grid { low, high, zero_point, .. }: Grid) -> Limits {
    Limits { low: (low - zero_point) as f32, high: (high - zero_point) as f32, zero_point }
}

/// Floats of scratch that hold so many elements, and the vector that reading after the last may touch.
fn scratch_floats<E>(elements: usize) -> usize {
    elements.saturating_mul(size_of::<E>()).saturating_add(2 * WORDS).div_ceil(size_of::<f32>())
}

/// Scratch as elements, as many as fit.
fn as_elements<E: Element>(scratch: &mut [f32]) -> &mut [E] {
    let count = size_of_val(scratch) / size_of::<E>();
    // SAFETY: floats are aligned for words and bytes, and any bits are one of these.
    unsafe { std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast(), count) }
}

/// Scratch as lanes of 32 bits.
fn as_lanes(scratch: &mut [f32]) -> &mut [i32] {
    // SAFETY: floats are aligned for, and as long as, int32, and any bits are one.
    unsafe { std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast(), scratch.len()) }
}

/// Elements of an int8 or uint8 operand. One source of loops for both: an int8 is the uint8 that
/// differs from it in the highest bit, less 128.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a> {
    stored: &'a [u8],
    /// The highest bit, for int8.
    flip: i16,
}

impl<'a> Bytes<'a> {
    /// # Panics
    /// For other types, or another number of elements.
    #[inline(never)]
    pub fn of(view: Option<View<'a>>, len: usize) -> Bytes<'a> {
        let bytes = match view {
            Some(View::I8(v)) => {
                // SAFETY: int8 and uint8 have the same size and alignment, and all bits are both.
                let stored = unsafe { std::slice::from_raw_parts(v.as_ptr().cast(), v.len()) };
                Bytes { stored, flip: 0x80 }
            }
            Some(View::U8(v)) => Bytes { stored: v, flip: 0 },
            _ => panic!("needs an operand of int8 or uint8"),
        };
        assert_eq!(bytes.stored.len(), len, "elements of the operand");
        bytes
    }

    /// The bytes themselves, those of int8 as uint8.
    pub fn stored(&self) -> &'a [u8] {
        self.stored
    }

    /// Elements `start..start + 8` as words.
    #[inline(always)]
    fn words(&self, start: usize) -> NativeIntegers {
        self.words_less(start, NativeIntegers::splat_words(self.flip))
    }

    /// The same less `moved`, after the bit was flipped.
    #[inline(always)]
    fn words_less(&self, start: usize, moved: NativeIntegers) -> NativeIntegers {
        let eight = &self.stored[start..start + WORDS];
        // SAFETY: there are eight.
        let words = unsafe { NativeIntegers::load_unsigned(eight.as_ptr()) };
        words.xor(NativeIntegers::splat_words(self.flip)).sub_words(moved)
    }

    /// Element `i`.
    pub fn at(&self, i: usize) -> i32 {
        let flip = i32::from(self.flip);
        (i32::from(self.stored[i]) ^ flip) - flip
    }

    /// What [`Bytes::words_less`] takes away to leave differences from `zero`.
    #[inline(always)]
    fn moved(&self, zero: i32) -> NativeIntegers {
        NativeIntegers::splat_words(self.flip + zero as i16)
    }

    /// Elements `start..start + words.len()` less `zero`.
    #[inline(never)]
    fn widen(&self, start: usize, zero: i32, words: &mut [i16]) {
        let moved = self.moved(zero);
        let whole = words.len() / WORDS * WORDS;
        for i in (0..whole).step_by(WORDS) {
            // SAFETY: i + 8 <= whole, which `words` has.
            unsafe { self.words_less(start + i, moved).store_words(words.as_mut_ptr().add(i)) };
        }
        for (i, word) in words.iter_mut().enumerate().skip(whole) {
            *word = (self.at(start + i) - zero) as i16;
        }
    }
}

/// The only output's part, int8 or uint8, as bytes.
#[inline(never)]
pub(super) fn output_bytes<'a>(outputs: &'a mut [ViewMut<'_>], len: usize) -> &'a mut [u8] {
    let bytes = match outputs {
        [ViewMut::U8(v)] => &mut **v,
        // SAFETY: int8 and uint8 have the same size and alignment, and all bits are both.
        [ViewMut::I8(v)] => unsafe {
            std::slice::from_raw_parts_mut(v.as_mut_ptr().cast(), v.len())
        },
        _ => panic!("needs one output of int8 or uint8"),
    };
    assert_eq!(bytes.len(), len, "elements of the output");
    bytes
}
