//! WebAssembly's relaxed SIMD: simd128 with a fused multiply-add, and a minimum and maximum that are
//! one instruction everywhere.

use super::simd128::Simd128;
use super::{LANES, Limits, Vector};
use core::arch::wasm32::{f32x4_relaxed_madd, f32x4_relaxed_max, f32x4_relaxed_min};

/// Four floats in a v128.
#[derive(Debug, Clone, Copy)]
pub struct Relaxed(Simd128);

impl Vector for Relaxed {
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Relaxed(Simd128(f32x4_relaxed_madd(self.0.0, b.0.0, c.0.0)))
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Relaxed(Simd128::splat(x))
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        self.0.to_array()
    }

    #[inline(always)]
    fn from_array(lanes: [f32; LANES]) -> Self {
        Relaxed(Simd128::from_array(lanes))
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Relaxed(self.0.add(b.0))
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Relaxed(self.0.sub(b.0))
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Relaxed(self.0.mul(b.0))
    }

    #[inline(always)]
    fn div(self, b: Self) -> Self {
        Relaxed(self.0.div(b.0))
    }

    #[inline(always)]
    fn at_most(self, hi: Self) -> Self {
        Relaxed(Simd128(f32x4_relaxed_min(self.0.0, hi.0.0)))
    }

    #[inline(always)]
    fn at_least(self, lo: Self) -> Self {
        Relaxed(Simd128(f32x4_relaxed_max(self.0.0, lo.0.0)))
    }

    #[inline(always)]
    fn relu(self) -> Self {
        Relaxed(self.0.relu())
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Relaxed(self.0.abs())
    }

    #[inline(always)]
    fn if_less(self, limit: Self, yes: Self, no: Self) -> Self {
        Relaxed(self.0.if_less(limit.0, yes.0, no.0))
    }

    #[inline(always)]
    fn bits_to_exponent(self) -> Self {
        Relaxed(self.0.bits_to_exponent())
    }

    #[inline(always)]
    fn sums(v: [Self; LANES]) -> Self {
        Relaxed(Simd128::sums(v.map(|v| v.0)))
    }

    #[inline(always)]
    fn transposed(v: [Self; LANES]) -> [Self; LANES] {
        Simd128::transposed(v.map(|v| v.0)).map(Relaxed)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise is the same.
        Relaxed(unsafe { Simd128::load(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise is the same.
        unsafe { self.0.store(to) }
    }

    #[inline(always)]
    unsafe fn store_steps(self, scales: Self, limits: Limits, to: *mut u8) {
        // SAFETY: the caller's promise is the same.
        unsafe { self.0.store_steps(scales.0, limits, to) }
    }

    #[inline(always)]
    unsafe fn load_splat(from: *const f32) -> Self {
        // SAFETY: the caller's promise is the same.
        Relaxed(unsafe { Simd128::load_splat(from) })
    }
}
