//! Plain Rust: for targets without a vector unit of ours. Compilers vectorise it where they can.

use super::{LANES, Limits, Vector};
use std::array::from_fn;

/// Four floats in an array.
#[derive(Debug, Clone, Copy)]
pub struct Scalar([f32; LANES]);

impl Scalar {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Scalar(from_fn(|i| f(self.0[i], b.0[i])))
    }
}

impl Vector for Scalar {
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Scalar([x; LANES])
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        self.0
    }

    #[inline(always)]
    fn from_array(lanes: [f32; LANES]) -> Self {
        Scalar(lanes)
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.zip(b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, b: Self) -> Self {
        self.zip(b, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // Not f32::mul_add: without the target feature that is a call into libm.
        self.mul(b).add(c)
    }

    #[inline(always)]
    fn at_most(self, hi: Self) -> Self {
        self.zip(hi, |a, hi| if hi < a { hi } else { a })
    }

    #[inline(always)]
    fn at_least(self, lo: Self) -> Self {
        self.zip(lo, |a, lo| if lo > a { lo } else { a })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        self.at_least(Self::splat(0.0))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Scalar(self.0.map(f32::abs))
    }

    #[inline(always)]
    fn if_less(self, limit: Self, yes: Self, no: Self) -> Self {
        Scalar(from_fn(|i| if self.0[i] < limit.0[i] { yes.0[i] } else { no.0[i] }))
    }

    #[inline(always)]
    fn bits_to_exponent(self) -> Self {
        Scalar(self.0.map(|x| f32::from_bits(x.to_bits() << 23)))
    }

    #[inline(always)]
    fn sums(v: [Self; LANES]) -> Self {
        Scalar(v.map(|v| (v.0[0] + v.0[1]) + (v.0[2] + v.0[3])))
    }

    #[inline(always)]
    fn transposed(v: [Self; LANES]) -> [Self; LANES] {
        from_fn(|i| Scalar(v.map(|v| v.0[i])))
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; an array of floats is aligned as a float is.
        Scalar(unsafe { *from.cast::<[f32; LANES]>() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise; an array of floats is aligned as a float is.
        unsafe { *to.cast::<[f32; LANES]>() = self.0 }
    }

    #[inline(always)]
    unsafe fn store_steps(self, scales: Self, limits: Limits, to: *mut u8) {
        let bytes = self.mul(scales).0.map(|steps| limits.store(steps) as u8);
        // SAFETY: the caller's promise; bytes may lie anywhere.
        unsafe { *to.cast::<[u8; LANES]>() = bytes }
    }

    #[inline(always)]
    unsafe fn load_splat(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Scalar([unsafe { *from }; LANES])
    }
}
