//! Plain Rust: for targets without a vector unit of ours. Compilers vectorise it where they can.

use super::{Integers, LANES, Limits, WORDS};
use std::array::from_fn;
use std::mem::transmute;

/// Plain Rust. Words lie as in memory, the first one in the low half of a lane: not for big-endian
/// processors. Shifting lanes would be, but compilers make single words of that, not vectors.
#[derive(Debug, Clone, Copy)]
pub struct Scalar([i32; LANES]);

impl Scalar {
    #[inline(always)]
    fn words(self) -> [i16; WORDS] {
        // SAFETY: the same size, and any bits are a word.
        unsafe { transmute(self.0) }
    }

    #[inline(always)]
    fn from_words(words: [i16; WORDS]) -> Scalar {
        // SAFETY: the same size, and any bits are a lane.
        Scalar(unsafe { transmute::<[i16; WORDS], [i32; LANES]>(words) })
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
    #[cfg(target_arch = "x86_64")]
    fn dot(self, b: Self) -> Self {
        use std::arch::x86_64::{__m128i, _mm_madd_epi16};
        // All x86-64 has it, and compilers do not find it in the lines below.
        // SAFETY: four int32 and a vector have the same size, and any bits are one.
        unsafe {
            let [a, b] = [self, b].map(|v| transmute::<[i32; LANES], __m128i>(v.0));
            Scalar(transmute::<__m128i, [i32; LANES]>(_mm_madd_epi16(a, b)))
        }
    }

    #[inline(always)]
    #[cfg(not(target_arch = "x86_64"))]
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
            limits.store(self.0[i] as f32 * unsafe { *scales.add(i) })
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
        Scalar::from_words(unsafe { from.cast::<[i16; WORDS]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_pair(from: *const i16) -> Self {
        // SAFETY: the caller's promise.
        Scalar([unsafe { from.cast::<i32>().read_unaligned() }; LANES])
    }

    #[inline(always)]
    unsafe fn load_unsigned(from: *const u8) -> Self {
        // SAFETY: the caller's promise.
        Scalar::from_words(from_fn(|i| unsafe { *from.add(i) } as i16))
    }

    #[inline(always)]
    unsafe fn store_words(self, to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[i16; WORDS]>().write_unaligned(self.words()) }
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
        let [a, b] = [self, next].map(|v| v.0.map(|lane| lane as u8));
        // SAFETY: the caller's promise; bytes may lie anywhere.
        unsafe { *to.cast::<[[u8; LANES]; 2]>() = [a, b] }
    }
}
