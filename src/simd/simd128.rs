//! WebAssembly's fixed-width SIMD.

use super::integers::WHOLE;
use super::{LANES, Limits, Vector};
use core::arch::wasm32::*;

/// Four floats in a v128.
#[derive(Debug, Clone, Copy)]
pub struct Simd128(pub(super) v128);

impl Vector for Simd128 {
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Simd128(f32x4_splat(x))
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        let v = self.0;
        [
            f32x4_extract_lane::<0>(v),
            f32x4_extract_lane::<1>(v),
            f32x4_extract_lane::<2>(v),
            f32x4_extract_lane::<3>(v),
        ]
    }

    #[inline(always)]
    fn from_array(lanes: [f32; LANES]) -> Self {
        Simd128(f32x4(lanes[0], lanes[1], lanes[2], lanes[3]))
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Simd128(f32x4_add(self.0, b.0))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Simd128(f32x4_sub(self.0, b.0))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Simd128(f32x4_mul(self.0, b.0))
    }

    #[inline(always)]
    fn div(self, b: Self) -> Self {
        Simd128(f32x4_div(self.0, b.0))
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Simd128(f32x4_add(f32x4_mul(self.0, b.0), c.0))
    }

    // pmin and pmax are the one instruction minps and maxps of x64, and define what happens to
    // NaN. f32x4.min and max order NaN and the zeros' signs, for which V8 needs several.

    #[inline(always)]
    fn at_most(self, hi: Self) -> Self {
        Simd128(f32x4_pmin(self.0, hi.0))
    }

    #[inline(always)]
    fn at_least(self, lo: Self) -> Self {
        Simd128(f32x4_pmax(self.0, lo.0))
    }

    // As integers, negative floats are negative. Of pmax with zero, LLVM makes a comparison and a
    // mask: two instructions and a register more.
    #[inline(always)]
    fn relu(self) -> Self {
        Simd128(i32x4_max(self.0, i32x4_splat(0)))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Simd128(f32x4_abs(self.0))
    }

    #[inline(always)]
    fn if_less(self, limit: Self, yes: Self, no: Self) -> Self {
        Simd128(v128_bitselect(yes.0, no.0, f32x4_lt(self.0, limit.0)))
    }

    #[inline(always)]
    fn bits_to_exponent(self) -> Self {
        Simd128(i32x4_shl(self.0, 23))
    }

    #[inline(always)]
    fn sums([a, b, c, d]: [Self; LANES]) -> Self {
        // Pairs (a0+a2, b0+b2, a1+a3, b1+b3), then the pairs of those.
        let pairs = |a: v128, b: v128| {
            f32x4_add(i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b))
        };
        let (ab, cd) = (pairs(a.0, b.0), pairs(c.0, d.0));
        Simd128(f32x4_add(i32x4_shuffle::<0, 1, 4, 5>(ab, cd), i32x4_shuffle::<2, 3, 6, 7>(ab, cd)))
    }

    #[inline(always)]
    fn transposed([a, b, c, d]: [Self; LANES]) -> [Self; LANES] {
        // (a0, b0, a1, b1) and so on, then the halves of those.
        let low = |a: Self, b: Self| i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0);
        let high = |a: Self, b: Self| i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0);
        let halves = |ab: v128, cd: v128| {
            let first = i64x2_shuffle::<0, 2>(ab, cd);
            [Simd128(first), Simd128(i64x2_shuffle::<1, 3>(ab, cd))]
        };
        let [first, second] = halves(low(a, b), low(c, d));
        let [third, fourth] = halves(high(a, b), high(c, d));
        [first, second, third, fourth]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; v128.load needs no alignment.
        Simd128(unsafe { v128_load(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise; v128.store needs no alignment.
        unsafe { v128_store(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn store_steps(self, scales: Self, limits: Limits, to: *mut u8) {
        let [low, high] = [limits.low, limits.high].map(|limit| f32x4_splat(limit));
        let limited = f32x4_pmin(high, f32x4_pmax(low, f32x4_mul(self.0, scales.0)));
        let whole = f32x4_add(limited, f32x4_splat(WHOLE));
        let bias = WHOLE.to_bits() as i32 - limits.zero_point;
        let steps = i32x4_sub(whole, i32x4_splat(bias));
        // The rest is not stored.
        let bytes = i8x16_shuffle::<0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>(steps, steps);
        // SAFETY: the caller's promise; no alignment is needed.
        unsafe { v128_store32_lane::<0>(bytes, to.cast()) }
    }

    #[inline(always)]
    unsafe fn load_splat(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Simd128(unsafe { v128_load32_splat(from.cast()) })
    }
}
