//! Integers of 16 and 32 bits: one trait, two implementations, picked when compiling.

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

/// Adding 1.5 * 2^23 leaves no bits for fractions, and the integer in the low ones.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
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

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod scalar {
    use super::{Integers, LANES, Limits, WORDS};
    use std::array::from_fn;

    /// Plain Rust.
    #[derive(Debug, Clone, Copy)]
    pub struct Scalar([i32; LANES]);

    impl Scalar {
        #[inline(always)]
        fn words(self) -> [i16; WORDS] {
            from_fn(|i| (self.0[i / 2] >> (16 * (i % 2))) as i16)
        }

        #[inline(always)]
        fn from_words(words: [i16; WORDS]) -> Scalar {
            Scalar(from_fn(|i| words[2 * i] as u16 as i32 | (words[2 * i + 1] as i32) << 16))
        }
    }

    impl Integers for Scalar {
        #[inline(always)]
        fn splat(x: i32) -> Self {
            Scalar([x; LANES])
        }

        #[inline(always)]
        fn splat_words(x: i16) -> Self {
            Scalar::from_words([x; WORDS])
        }

        #[inline(always)]
        fn to_array(self) -> [i32; LANES] {
            self.0
        }

        #[inline(always)]
        fn add(self, b: Self) -> Self {
            Scalar(from_fn(|i| self.0[i].wrapping_add(b.0[i])))
        }

        #[inline(always)]
        fn sub(self, b: Self) -> Self {
            Scalar(from_fn(|i| self.0[i].wrapping_sub(b.0[i])))
        }

        #[inline(always)]
        fn add_words(self, b: Self) -> Self {
            let (a, b) = (self.words(), b.words());
            Scalar::from_words(from_fn(|i| a[i].wrapping_add(b[i])))
        }

        #[inline(always)]
        fn sub_words(self, b: Self) -> Self {
            let (a, b) = (self.words(), b.words());
            Scalar::from_words(from_fn(|i| a[i].wrapping_sub(b[i])))
        }

        #[inline(always)]
        fn max_words(self, b: Self) -> Self {
            let (a, b) = (self.words(), b.words());
            Scalar::from_words(from_fn(|i| a[i].max(b[i])))
        }

        #[inline(always)]
        fn zip_words(self, b: Self) -> [Self; 2] {
            let (a, b) = (self.words(), b.words());
            let word = |i: usize| if i.is_multiple_of(2) { a[i / 2] } else { b[i / 2] };
            from_fn(|half| Scalar::from_words(from_fn(|i| word(half * WORDS + i))))
        }

        #[inline(always)]
        fn zip_bytes(self, b: Self) -> [Self; 2] {
            let byte = |v: Self, i: usize| v.0[i / 4].to_le_bytes()[i % 4];
            let zipped = |i: usize| byte([self, b][i % 2], i / 2);
            let lane = |i: usize| i32::from_le_bytes(from_fn(|k| zipped(4 * i + k)));
            from_fn(|half| Scalar(from_fn(|i| lane(half * LANES + i))))
        }

        #[inline(always)]
        fn products(self, b: Self) -> [Self; 2] {
            let (a, b) = (self.words(), b.words());
            let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
            from_fn(|half| Scalar(from_fn(|i| product(half * LANES + i))))
        }

        #[inline(always)]
        fn to_lanes(self) -> [Self; 2] {
            let words = self.words();
            from_fn(|half| Scalar(from_fn(|i| words[half * LANES + i].into())))
        }

        #[inline(always)]
        fn mul(self, b: Self) -> Self {
            Scalar(from_fn(|i| self.0[i].wrapping_mul(b.0[i])))
        }

        #[inline(always)]
        fn shift_left(self, bits: u32) -> Self {
            Scalar(self.0.map(|x| x << bits))
        }

        #[inline(always)]
        fn shift_right(self, bits: u32) -> Self {
            Scalar(self.0.map(|x| x >> bits))
        }

        #[inline(always)]
        fn limit(self, low: Self, high: Self) -> Self {
            Scalar(from_fn(|i| self.0[i].max(low.0[i]).min(high.0[i])))
        }

        #[inline(always)]
        fn xor(self, bits: Self) -> Self {
            Scalar(from_fn(|i| self.0[i] ^ bits.0[i]))
        }

        #[inline(always)]
        fn dot(self, b: Self) -> Self {
            let product = |i: usize, shift: u32| {
                let word = |x: i32| (x >> shift) as i16 as i32;
                word(self.0[i]).wrapping_mul(word(b.0[i]))
            };
            Scalar(from_fn(|i| product(i, 0).wrapping_add(product(i, 16))))
        }

        #[inline(always)]
        fn add_byte_dot(self, inputs: Self, weights: Self) -> Self {
            let product = |i: usize, k: usize| {
                let [input, weight] = [inputs, weights].map(|v| v.0[i].to_le_bytes()[k]);
                i32::from(input) * i32::from(weight as i8)
            };
            Scalar(from_fn(|i| (0..4).fold(self.0[i], |sum, k| sum.wrapping_add(product(i, k)))))
        }

        #[inline(always)]
        unsafe fn requantize(self, scales: *const f32, limits: Limits) -> Self {
            Scalar(from_fn(|i| {
                // SAFETY: i < 4.
                let steps = self.0[i] as f32 * unsafe { *scales.add(i) };
                let limited = steps.max(limits.low).min(limits.high);
                limited.round_ties_even() as i32 + limits.zero_point
            }))
        }

        #[inline(always)]
        unsafe fn load(from: *const i32) -> Self {
            // SAFETY: the caller's promise.
            Scalar(from_fn(|i| unsafe { *from.add(i) }))
        }

        #[inline(always)]
        unsafe fn load_words(from: *const i16) -> Self {
            // SAFETY: the caller's promise.
            Scalar::from_words(from_fn(|i| unsafe { from.add(i).read_unaligned() }))
        }

        #[inline(always)]
        unsafe fn load_pair(from: *const i16) -> Self {
            // SAFETY: the caller's promise.
            Scalar::from_words(from_fn(|i| unsafe { from.add(i % 2).read_unaligned() }))
        }

        #[inline(always)]
        unsafe fn load_unsigned(from: *const u8) -> Self {
            // SAFETY: the caller's promise.
            Scalar::from_words(from_fn(|i| unsafe { *from.add(i) } as i16))
        }

        #[inline(always)]
        unsafe fn store_words(self, to: *mut i16) {
            for (i, word) in self.words().into_iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { to.add(i).write_unaligned(word) };
            }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut i32) {
            for (i, lane) in self.0.into_iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { *to.add(i) = lane };
            }
        }

        #[inline(always)]
        unsafe fn store_bytes(self, next: Self, to: *mut u8) {
            for (i, lane) in self.0.into_iter().chain(next.0).enumerate() {
                // SAFETY: the caller's promise.
                unsafe { *to.add(i) = lane as u8 };
            }
        }
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128 {
    use super::{Integers, LANES, Limits, WHOLE};
    use core::arch::wasm32::*;

    /// A v128.
    #[derive(Debug, Clone, Copy)]
    pub struct Simd128(v128);

    impl Integers for Simd128 {
        #[inline(always)]
        fn splat(x: i32) -> Self {
            Simd128(i32x4_splat(x))
        }

        #[inline(always)]
        fn splat_words(x: i16) -> Self {
            Simd128(i16x8_splat(x))
        }

        #[inline(always)]
        fn to_array(self) -> [i32; LANES] {
            let v = self.0;
            [
                i32x4_extract_lane::<0>(v),
                i32x4_extract_lane::<1>(v),
                i32x4_extract_lane::<2>(v),
                i32x4_extract_lane::<3>(v),
            ]
        }

        #[inline(always)]
        fn add(self, b: Self) -> Self {
            Simd128(i32x4_add(self.0, b.0))
        }

        #[inline(always)]
        fn sub(self, b: Self) -> Self {
            Simd128(i32x4_sub(self.0, b.0))
        }

        #[inline(always)]
        fn add_words(self, b: Self) -> Self {
            Simd128(i16x8_add(self.0, b.0))
        }

        #[inline(always)]
        fn sub_words(self, b: Self) -> Self {
            Simd128(i16x8_sub(self.0, b.0))
        }

        #[inline(always)]
        fn max_words(self, b: Self) -> Self {
            Simd128(i16x8_max(self.0, b.0))
        }

        #[inline(always)]
        fn zip_words(self, b: Self) -> [Self; 2] {
            [
                Simd128(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(self.0, b.0)),
                Simd128(i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(self.0, b.0)),
            ]
        }

        #[inline(always)]
        fn zip_bytes(self, b: Self) -> [Self; 2] {
            let (a, b) = (self.0, b.0);
            [
                Simd128(i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(
                    a, b,
                )),
                Simd128(i8x16_shuffle::<
                    8,
                    24,
                    9,
                    25,
                    10,
                    26,
                    11,
                    27,
                    12,
                    28,
                    13,
                    29,
                    14,
                    30,
                    15,
                    31,
                >(a, b)),
            ]
        }

        #[inline(always)]
        fn products(self, b: Self) -> [Self; 2] {
            [
                Simd128(i32x4_extmul_low_i16x8(self.0, b.0)),
                Simd128(i32x4_extmul_high_i16x8(self.0, b.0)),
            ]
        }

        #[inline(always)]
        fn to_lanes(self) -> [Self; 2] {
            [Simd128(i32x4_extend_low_i16x8(self.0)), Simd128(i32x4_extend_high_i16x8(self.0))]
        }

        #[inline(always)]
        fn mul(self, b: Self) -> Self {
            Simd128(i32x4_mul(self.0, b.0))
        }

        #[inline(always)]
        fn shift_left(self, bits: u32) -> Self {
            Simd128(i32x4_shl(self.0, bits))
        }

        #[inline(always)]
        fn shift_right(self, bits: u32) -> Self {
            Simd128(i32x4_shr(self.0, bits))
        }

        #[inline(always)]
        fn limit(self, low: Self, high: Self) -> Self {
            Simd128(i32x4_min(i32x4_max(self.0, low.0), high.0))
        }

        #[inline(always)]
        fn xor(self, bits: Self) -> Self {
            Simd128(v128_xor(self.0, bits.0))
        }

        #[inline(always)]
        fn dot(self, b: Self) -> Self {
            Simd128(i32x4_dot_i16x8(self.0, b.0))
        }

        #[inline(always)]
        #[cfg(target_feature = "relaxed-simd")]
        fn add_byte_dot(self, inputs: Self, weights: Self) -> Self {
            Simd128(i32x4_relaxed_dot_i8x16_i7x16_add(weights.0, inputs.0, self.0))
        }

        #[inline(always)]
        #[cfg(not(target_feature = "relaxed-simd"))]
        fn add_byte_dot(self, _inputs: Self, _weights: Self) -> Self {
            // Not what `byte_dot` accepts.
            self
        }

        #[inline(always)]
        unsafe fn requantize(self, scales: *const f32, limits: Limits) -> Self {
            // SAFETY: the caller's promise.
            let scales = unsafe { v128_load(scales.cast()) };
            let steps = f32x4_mul(f32x4_convert_i32x4(self.0), scales);
            let limited =
                f32x4_pmin(f32x4_splat(limits.high), f32x4_pmax(f32x4_splat(limits.low), steps));
            let whole = f32x4_add(limited, f32x4_splat(WHOLE));
            let bias = WHOLE.to_bits() as i32 - limits.zero_point;
            Simd128(i32x4_sub(whole, i32x4_splat(bias)))
        }

        #[inline(always)]
        unsafe fn load(from: *const i32) -> Self {
            // SAFETY: the caller's promise; v128.load needs no alignment.
            Simd128(unsafe { v128_load(from.cast()) })
        }

        #[inline(always)]
        unsafe fn load_words(from: *const i16) -> Self {
            // SAFETY: the caller's promise; v128.load needs no alignment.
            Simd128(unsafe { v128_load(from.cast()) })
        }

        #[inline(always)]
        unsafe fn load_pair(from: *const i16) -> Self {
            // SAFETY: the caller's promise; no alignment is needed.
            Simd128(unsafe { v128_load32_splat(from.cast()) })
        }

        #[inline(always)]
        unsafe fn load_unsigned(from: *const u8) -> Self {
            // SAFETY: the caller's promise.
            Simd128(unsafe { i16x8_load_extend_u8x8(from) })
        }

        #[inline(always)]
        unsafe fn store_words(self, to: *mut i16) {
            // SAFETY: the caller's promise; v128.store needs no alignment.
            unsafe { v128_store(to.cast(), self.0) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut i32) {
            // SAFETY: the caller's promise; v128.store needs no alignment.
            unsafe { v128_store(to.cast(), self.0) }
        }

        #[inline(always)]
        unsafe fn store_bytes(self, next: Self, to: *mut u8) {
            // The upper half is not stored.
            let bytes = i8x16_shuffle::<0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0>(
                self.0, next.0,
            );
            // SAFETY: the caller's promise; no alignment is needed.
            unsafe { v128_store64_lane::<0>(bytes, to.cast()) }
        }
    }
}
