//! WebAssembly's 128-bit vectors.

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
            Simd128(i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b)),
            Simd128(i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(
                a, b,
            )),
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
        let bytes =
            i8x16_shuffle::<0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0>(self.0, next.0);
        // SAFETY: the caller's promise; no alignment is needed.
        unsafe { v128_store64_lane::<0>(bytes, to.cast()) }
    }
}
