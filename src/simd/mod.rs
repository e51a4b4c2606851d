//! Four floats at a time: one trait, three implementations, picked when compiling.
//!
//! WebAssembly cannot choose instructions inside a module, since one unknown opcode refuses the
//! whole of it. So there is no dispatch here: [`Native`] is what the build's target features allow.
//!
//! NaN: arithmetic passes it on. [`Vector::clamp`], and so [`Vector::exp`], does too as scalar and
//! simd128; as relaxed it may give one of the bounds instead, because relaxed minimum and maximum
//! leave that open. [`Vector::relu`] may give 0. Never anything else.

mod integers;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod relaxed;
mod rows;
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

pub use integers::{ByteDot, Integers, Limits, NativeIntegers, WORDS, byte_dot};
pub use rows::{ColumnPair, ROWS, SHIFT, column_pairs, weigh_columns, weigh_rows};
pub use scalar::Scalar;
use std::fmt::Debug;

/// The fastest vector of this build.
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub type Native = relaxed::Relaxed;
/// The fastest vector of this build.
#[cfg(all(
    target_arch = "wasm32",
    target_feature = "simd128",
    not(target_feature = "relaxed-simd")
))]
pub type Native = simd128::Simd128;
/// The fastest vector of this build.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub type Native = Scalar;

/// Floats per [`Vector`].
pub const LANES: usize = 4;

/// Four lanes of float32.
pub trait Vector: Copy + Debug + Send + Sync + 'static {
    /// `x` in all lanes.
    fn splat(x: f32) -> Self;

    /// The lanes, first to last.
    fn to_array(self) -> [f32; LANES];

    /// Lanes from an array.
    fn from_array(lanes: [f32; LANES]) -> Self;

    /// `self + b`.
    fn add(self, b: Self) -> Self;

    /// `self - b`.
    fn sub(self, b: Self) -> Self;

    /// `self * b`.
    fn mul(self, b: Self) -> Self;

    /// `self / b`.
    fn div(self, b: Self) -> Self;

    /// `self * b + c`, rounded once or twice: builds may differ in the last bit.
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// `hi` where that is less than `self`, otherwise `self`. NaN: see the module.
    fn at_most(self, hi: Self) -> Self;

    /// `lo` where that is greater than `self`, otherwise `self`. NaN: see the module.
    fn at_least(self, lo: Self) -> Self;

    /// 0 where `self` is negative, otherwise `self`. NaN with the sign bit set may become 0.
    fn relu(self) -> Self;

    /// Sign bits removed.
    fn abs(self) -> Self;

    /// `yes` where `self < limit`, otherwise `no`.
    fn if_less(self, limit: Self, yes: Self, no: Self) -> Self;

    /// The bits moved left by 23, where a float keeps its exponent.
    fn bits_to_exponent(self) -> Self;

    /// Lane `i` is the sum of the lanes of `v[i]`.
    fn sums(v: [Self; LANES]) -> Self;

    /// Vector `i` has lane `i` of each of `v`.
    fn transposed(v: [Self; LANES]) -> [Self; LANES];

    /// Four floats.
    ///
    /// # Safety
    /// `from..from + 4` must be readable. No alignment beyond that of floats is needed.
    unsafe fn load(from: *const f32) -> Self;

    /// Writes four floats.
    ///
    /// # Safety
    /// `to..to + 4` must be writable. No alignment beyond that of floats is needed.
    unsafe fn store(self, to: *mut f32);

    /// Writes the low bytes of `self * scales`, limited and rounded to whole numbers, halves to even,
    /// plus the zero point. NaN becomes one of the limits.
    ///
    /// # Safety
    /// `to..to + 4` must be writable.
    unsafe fn store_steps(self, scales: Self, limits: Limits, to: *mut u8);

    /// One float in all lanes.
    ///
    /// # Safety
    /// `from` must be readable.
    unsafe fn load_splat(from: *const f32) -> Self;

    /// The first `n` lanes, at most 4; the others are zero.
    ///
    /// # Safety
    /// `from..from + n` must be readable.
    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        let mut lanes = [0.0; LANES];
        for (i, lane) in lanes.iter_mut().enumerate().take(n) {
            // SAFETY: i < n.
            *lane = unsafe { *from.add(i) };
        }
        Self::from_array(lanes)
    }

    /// Writes the first `n` lanes, at most 4.
    ///
    /// # Safety
    /// `to..to + n` must be writable.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, n: usize) {
        for (i, lane) in self.to_array().into_iter().enumerate().take(n) {
            // SAFETY: i < n.
            unsafe { *to.add(i) = lane };
        }
    }

    /// `lo` where less than that, `hi` where greater. NaN: see the module.
    #[inline(always)]
    fn clamp(self, lo: Self, hi: Self) -> Self {
        self.at_least(lo).at_most(hi)
    }

    /// `e^self` to a relative error of 2e-7 within -87..=87; outside it saturates there, so that
    /// neither the result nor its inverse is subnormal: these take many times as long to compute.
    #[inline(always)]
    fn exp(self) -> Self {
        // e^x = 2^n * e^r with n = round(x / ln 2). Adding 1.5 * 2^23 rounds to an integer and
        // leaves it in the low bits; 127 more is the bias of the exponent.
        const ROUND: f32 = 12_582_912.0 + 127.0;
        // ln 2 in two parts; n * LN2_HIGH is exact.
        const LN2_HIGH: f32 = 355.0 / 512.0;
        const LN2_LOW: f32 = -2.121_944_4e-4;
        let x = self.clamp(Self::splat(-87.0), Self::splat(87.0));
        let n_bits = x.mul_add(Self::splat(std::f32::consts::LOG2_E), Self::splat(ROUND));
        let n = n_bits.sub(Self::splat(ROUND));
        let r = n.mul_add(Self::splat(-LN2_HIGH), x);
        let r = n.mul_add(Self::splat(-LN2_LOW), r);
        // e^r = 1 + r + r^2 * p(r): fitted for the least relative error within |r| <= ln 2 / 2,
        // which is 3e-9.
        let p = Self::splat(1.381_446_7e-3);
        let p = p.mul_add(r, Self::splat(8.368_781e-3));
        let p = p.mul_add(r, Self::splat(4.166_839_4e-2));
        let p = p.mul_add(r, Self::splat(0.166_665_2));
        let p = p.mul_add(r, Self::splat(0.499_999_93));
        let e = p.mul_add(r.mul(r), r).add(Self::splat(1.0));
        n_bits.bits_to_exponent().mul(e)
    }

    /// `1 / (1 + e^-self)` to a relative error of 4e-7 above -87.
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let one = Self::splat(1.0);
        one.div(one.add(Self::splat(0.0).sub(self).exp()))
    }

    /// The hyperbolic tangent, to a relative error of 4e-7.
    #[inline(always)]
    fn tanh(self) -> Self {
        let one = Self::splat(1.0);
        let two = Self::splat(2.0);
        let size = self.abs();
        // Far from zero: 1 - 2 / (e^2x + 1), which is 1 in float32 from 10 on.
        let e = size.at_most(Self::splat(10.0)).mul(two).exp();
        let far = one.sub(two.div(e.add(one)));
        // Near zero, where that would cancel: x + x^3 * p(x^2), fitted within |x| <= 0.55 to a
        // relative error of 4e-8.
        let square = self.mul(self);
        let p = Self::splat(1.643_736_4e-2);
        let p = p.mul_add(square, Self::splat(-5.267_170_4e-2));
        let p = p.mul_add(square, Self::splat(0.133_207_23));
        let p = p.mul_add(square, Self::splat(-0.333_329_47));
        let near = p.mul_add(square.mul(self), self);
        let far = self.if_less(Self::splat(0.0), Self::splat(0.0).sub(far), far);
        size.if_less(Self::splat(0.55), near, far)
    }

    /// `self` where that is not below 0, otherwise `self * slope`.
    #[inline(always)]
    fn leaky_relu(self, slope: Self) -> Self {
        self.if_less(Self::splat(0.0), self.mul(slope), self)
    }

    /// The error function, to within 5e-7: `1 - (a1 t + ... + a5 t^5) e^-x²` with
    /// `t = 1 / (1 + p x)` for x > 0 (Abramowitz and Stegun, 7.1.26).
    #[inline(always)]
    fn erf(self) -> Self {
        let one = Self::splat(1.0);
        let size = self.abs();
        let t = one.div(size.mul_add(Self::splat(0.327_591_1), one));
        let p = Self::splat(1.061_405_4);
        let p = p.mul_add(t, Self::splat(-1.453_152));
        let p = p.mul_add(t, Self::splat(1.421_413_7));
        let p = p.mul_add(t, Self::splat(-0.284_496_74));
        let p = p.mul_add(t, Self::splat(0.254_829_6));
        let e = Self::splat(0.0).sub(size.mul(size)).exp();
        let erf = one.sub(p.mul(t).mul(e));
        self.if_less(Self::splat(0.0), Self::splat(0.0).sub(erf), erf)
    }

    /// `self * clamp(self + 3, 0, 6) / 6`.
    #[inline(always)]
    fn hard_swish(self) -> Self {
        let gate = self.add(Self::splat(3.0)).clamp(Self::splat(0.0), Self::splat(6.0));
        self.mul(gate).mul(Self::splat(1.0 / 6.0))
    }
}
