//! How operands lie in scratch and in packed weights: as differences from their zero points in words of 16
//! bits, of which an instruction multiplies and sums up two at once, or as bytes, of which it does four.
//!
//! One operand of the instruction for bytes is signed, which weights are once their zero point is taken
//! away. The other is signed or not, as the device has it ([`byte_dot`]). Inputs are moved by 128 where
//! that is needed, and keep their zero point: what it adds to a sum is taken from the bias. Both ways
//! give the same sums.

use super::{Bytes, Requantize};
use crate::simd::{ByteDot, Integers, NativeIntegers, WORDS, byte_dot};

/// Numbers that are multiplied: words (`i16`) or bytes (`u8`, which may hold signed ones).
pub trait Element: Copy + Default + Send + Sync + 'static {
    /// Said of kernels.
    const NAME: &'static str;

    /// How many are one lane of 32 bits.
    const GROUP: usize;

    /// A weight less its zero point.
    fn weight(difference: i16) -> Self;

    /// How inputs are read.
    fn intake(requantize: &Requantize<'_>) -> Intake<Self>;

    /// Elements `start..start + to.len()` of an operand as numbers.
    fn take(intake: &Intake<Self>, input: Bytes<'_>, start: usize, to: &mut [Self]);

    /// `groups[i]` is `elements[i]` and what comes `tap`, `2 * tap`, .. after it, for all that have these.
    fn group_up(elements: &[Self], tap: usize, groups: &mut [Self]);

    /// `sum` and, in each lane, the sum of the products of its numbers.
    fn sum<V: Integers>(sum: V, inputs: V, weights: V) -> V;
}

/// How inputs become numbers.
#[derive(Debug, Clone, Copy)]
pub struct Intake<E> {
    /// The stored value of 0.
    zero: i32,
    /// The highest bit, where numbers differ in it from what is stored.
    flip: u8,
    /// The number for padding.
    pub(super) pad: E,
    /// How much larger each number is than its difference from zero.
    pub(super) excess: i32,
}

impl Element for i16 {
    const NAME: &'static str = "integer";
    const GROUP: usize = 2;

    fn weight(difference: i16) -> i16 {
        difference
    }

    fn intake(requantize: &Requantize<'_>) -> Intake<i16> {
        Intake { zero: requantize.input_zero, flip: 0, pad: 0, excess: 0 }
    }

    fn take(intake: &Intake<i16>, input: Bytes<'_>, start: usize, to: &mut [i16]) {
        input.widen(start, intake.zero, to);
    }

    fn group_up(words: &[i16], tap: usize, pairs: &mut [i16]) {
        let count = words.len() - tap;
        assert!(pairs.len() >= 2 * count);
        let whole = count / WORDS * WORDS;
        for i in (0..whole).step_by(WORDS) {
            // SAFETY: i + 8 <= whole <= count: `tap` words further there are as many, and in `pairs`
            // twice as many.
            unsafe {
                let at = |i: usize| NativeIntegers::load_words(words.as_ptr().add(i));
                let to = pairs.as_mut_ptr().add(2 * i);
                let [first, second] = at(i).zip_words(at(i + tap));
                first.store_words(to);
                second.store_words(to.add(WORDS));
            }
        }
        for i in whole..count {
            [pairs[2 * i], pairs[2 * i + 1]] = [words[i], words[i + tap]];
        }
    }

    #[inline(always)]
    fn sum<V: Integers>(sum: V, inputs: V, weights: V) -> V {
        sum.add(inputs.dot(weights))
    }
}

impl Element for u8 {
    const NAME: &'static str = "bytes";
    const GROUP: usize = 4;

    fn weight(difference: i16) -> u8 {
        difference as u8
    }

    fn intake(requantize: &Requantize<'_>) -> Intake<u8> {
        let Requantize { input_zero: zero, input_low: low, .. } = *requantize;
        // The lowest input becomes the lowest number.
        let signed = byte_dot() == Some(ByteDot::Signed);
        let excess = zero - low - if signed { 128 } else { 0 };
        let flip = if (low < 0) == signed { 0 } else { 0x80 };
        Intake { zero, flip, pad: excess as u8, excess }
    }

    fn take(intake: &Intake<u8>, input: Bytes<'_>, start: usize, to: &mut [u8]) {
        let from = &input.stored()[start..start + to.len()];
        for (to, from) in to.iter_mut().zip(from) {
            *to = from ^ intake.flip;
        }
    }

    fn group_up(bytes: &[u8], tap: usize, fours: &mut [u8]) {
        const BYTES: usize = 2 * WORDS;
        let count = bytes.len() - 3 * tap;
        assert!(fours.len() >= 4 * count);
        let whole = count / BYTES * BYTES;
        for i in (0..whole).step_by(BYTES) {
            // SAFETY: i + 16 <= whole <= count: 3 * tap bytes further there are as many, and in `fours`
            // four times as many.
            unsafe {
                let at =
                    |tap: usize| NativeIntegers::load_words(bytes.as_ptr().add(i + tap).cast());
                let to = fours.as_mut_ptr().add(4 * i);
                let [first, second] = at(0).zip_bytes(at(tap));
                let [third, fourth] = at(2 * tap).zip_bytes(at(3 * tap));
                let [part0, part1] = first.zip_words(third);
                let [part2, part3] = second.zip_words(fourth);
                part0.store_words(to.cast());
                part1.store_words(to.add(BYTES).cast());
                part2.store_words(to.add(2 * BYTES).cast());
                part3.store_words(to.add(3 * BYTES).cast());
            }
        }
        for i in whole..count {
            for k in 0..4 {
                fours[4 * i + k] = bytes[i + k * tap];
            }
        }
    }

    #[inline(always)]
    fn sum<V: Integers>(sum: V, inputs: V, weights: V) -> V {
        sum.add_byte_dot(inputs, weights)
    }
}

/// Whether kernels of bytes are there for a filter, on this device, and faster than those of words.
pub fn bytes_pay(filter: &[i16], filter_zero: i32) -> bool {
    // Without an instruction for it four products of bytes are slow.
    let device = cfg!(target_feature = "relaxed-simd") && byte_dot().is_some();
    device && filter.iter().all(|&w| i8::try_from(i32::from(w) - filter_zero).is_ok())
}
