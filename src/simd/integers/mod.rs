//! Integers of 16 and 32 bits: one trait, two implementations, picked when compiling.

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

use super::LANES;

/// The fastest integers of this build.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub type NativeIntegers = simd128::Simd128;
/// The fastest integers of this build.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub type NativeIntegers = scalar::Scalar;

/// Words per vector.
pub const WORDS: usize = 2 * LANES;

/// What 32-bit sums become: whole steps from a zero point, within limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The lowest number of steps from the zero point; not below -2^17.
    pub low: f32,
    /// The highest; not above 2^17.
    pub high: f32,
    /// Added after rounding.
    pub zero_point: i32,
}

impl Limits {
    /// `steps` within the limits, rounded to whole ones, halves to even, plus the zero point. NaN becomes
    /// one of the limits.
    #[inline(always)]
    pub(super) fn store(self, steps: f32) -> i32 {
        // Compilers make vectors of this, and of neither `max` and `min`, which treat NaN otherwise, nor
        // `round_ties_even`, which x86-64 without SSE4.1 has no instruction for.
        let limited = if steps > self.low { steps } else { self.low };
        let limited = if limited < self.high { limited } else { self.high };
        let whole = limited + WHOLE;
        whole.to_bits() as i32 - WHOLE.to_bits() as i32 + self.zero_point
    }
}

/// Adding 1.5 * 2^23 leaves no bits for fractions, and the integer in the low ones.
pub(super) const WHOLE: f32 = 12_582_912.0;

/// What [`Integers::add_byte_dot`] takes the bytes of inputs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteDot {
    /// 0 to 255.
    Unsigned,
    /// -128 to 127.
    Signed,
}

/// What this device takes them for; `None` where it has no products of bytes, or does not sum them up
/// exactly. WebAssembly leaves it open for bytes above 127: processors with an instruction for it have no
/// other limit, but without one there may be sums of 16 bits on the way.
pub fn byte_dot() -> Option<ByteDot> {
    let of = |input: u8, weight: i8| {
        // Read from memory, so that no compiler answers for the device.
        let [input, weight] = std::hint::black_box([[input; 4], [weight as u8; 4]]);
        let lanes = |bytes| NativeIntegers::splat(i32::from_le_bytes(bytes));
        NativeIntegers::splat(0).add_byte_dot(lanes(input), lanes(weight)).to_array()[0]
    };
    let extremes = [(255, 127), (255, -128), (128, -128), (127, -128)];
    let is = |signed: bool| {
        extremes.iter().all(|&(input, weight)| {
            let value = if signed { i32::from(input as i8) } else { i32::from(input) };
            of(input, weight) == 4 * value * i32::from(weight)
        })
    };
    match (is(false), is(true)) {
        (true, _) => Some(ByteDot::Unsigned),
        (_, true) => Some(ByteDot::Signed),
        _ => None,
    }
}

/// Four lanes of int32, each also two words of int16. Sums wrap around.
pub trait Integers: Copy + 'static {
    /// `x` in all four lanes.
    fn splat(x: i32) -> Self;

    /// `x` in all eight words.
    fn splat_words(x: i16) -> Self;

    /// The lanes, first to last.
    fn to_array(self) -> [i32; LANES];

    /// `self + b`, lane by lane.
    fn add(self, b: Self) -> Self;

    /// `self - b`, lane by lane.
    fn sub(self, b: Self) -> Self;

    /// `self + b`, word by word.
    fn add_words(self, b: Self) -> Self;

    /// `self - b`, word by word.
    fn sub_words(self, b: Self) -> Self;

    /// The larger one of each two words.
    fn max_words(self, b: Self) -> Self;

    /// Words of both in turn, `[self 0, b 0, self 1, ..]`: of the first four of each, then of the others.
    fn zip_words(self, b: Self) -> [Self; 2];

    /// The same of bytes: of the first eight of each, then of the others.
    fn zip_bytes(self, b: Self) -> [Self; 2];

    /// The products of words, as lanes: of the first four, then of the others.
    fn products(self, b: Self) -> [Self; 2];

    /// The words as lanes: the first four, then the others.
    fn to_lanes(self) -> [Self; 2];

    /// In each lane, the sum of the products of its two words.
    fn dot(self, b: Self) -> Self;

    /// In each lane, `self` and the sum of the products of four bytes of both: those of `inputs` as
    /// [`byte_dot`] says, those of `weights` signed.
    fn add_byte_dot(self, inputs: Self, weights: Self) -> Self;

    /// `self * b`, lane by lane.
    fn mul(self, b: Self) -> Self;

    /// Each lane times `2^bits`.
    fn shift_left(self, bits: u32) -> Self;

    /// Each lane divided by `2^bits`, rounded down.
    fn shift_right(self, bits: u32) -> Self;

    /// Each lane, or `low` where that is more, or `high` where that is less.
    fn limit(self, low: Self, high: Self) -> Self;

    /// A bit pattern instead of each word, that differs in these bits.
    fn xor(self, bits: Self) -> Self;

    /// `self * scales`, limited and rounded to whole numbers, halves to even, plus the zero point.
    ///
    /// # Safety
    /// Four floats at `scales` must be readable.
    unsafe fn requantize(self, scales: *const f32, limits: Limits) -> Self;

    /// Four lanes.
    ///
    /// # Safety
    /// `from..from + 4` must be readable.
    unsafe fn load(from: *const i32) -> Self;

    /// Eight words, at any address.
    ///
    /// # Safety
    /// `from..from + 8` must be readable.
    unsafe fn load_words(from: *const i16) -> Self;

    /// Two words, at any address, in every lane.
    ///
    /// # Safety
    /// `from..from + 2` must be readable.
    unsafe fn load_pair(from: *const i16) -> Self;

    /// Eight bytes as words.
    ///
    /// # Safety
    /// `from..from + 8` must be readable.
    unsafe fn load_unsigned(from: *const u8) -> Self;

    /// Writes eight words, at any address.
    ///
    /// # Safety
    /// `to..to + 8` must be writable.
    unsafe fn store_words(self, to: *mut i16);

    /// Writes four lanes.
    ///
    /// # Safety
    /// `to..to + 4` must be writable.
    unsafe fn store(self, to: *mut i32);

    /// Writes the low bytes of eight lanes.
    ///
    /// # Safety
    /// `to..to + 8` must be writable.
    unsafe fn store_bytes(self, next: Self, to: *mut u8);

    /// Writes the low bytes of the first `n` lanes, at most 4.
    ///
    /// # Safety
    /// `to..to + n` must be writable.
    #[inline(always)]
    unsafe fn store_first_bytes(self, to: *mut u8, n: usize) {
        for (i, lane) in self.to_array().into_iter().enumerate().take(n) {
            // SAFETY: i < n.
            unsafe { *to.add(i) = lane as u8 };
        }
    }
}
