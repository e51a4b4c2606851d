//! What resizing a picture takes: rows of bytes, then columns of words, each times its weight.
//! Weights come in pairs, since the sum of the products of two words is one instruction.

use super::{LANES, Native, WORDS};

/// Rows whose columns are weighed together.
pub const ROWS: usize = 2 * LANES;

/// Two neighbouring columns of so many rows: `[row / 4][row % 4][column]`.
pub type ColumnPair = [[i16; WORDS]; 2];

/// Columns weighed at a time.
const STRIP: usize = 16;

/// Sums of rows are divided by `1 << SHIFT`, and rounded.
pub const SHIFT: u32 = 7;

/// Weighs the rows that begin at every `stride`th byte of `bytes`: the first two with
/// `weights[0]`, the next two with `weights[1]`, and so on. Where `bytes` end earlier, the last
/// row with `sums.len()` columns takes the place of the missing ones. Sums must be less than
/// `1 << 15 + SHIFT`.
pub fn weigh_rows(bytes: &[u8], stride: usize, weights: &[[i16; 2]], sums: &mut [i16]) {
    let Some(spare) = bytes.len().checked_sub(sums.len()) else { return };
    let last = spare / stride.max(1);
    let (strips, rest) = sums.as_chunks_mut::<STRIP>();
    let done = strips.len() * STRIP;
    for (s, strip) in strips.iter_mut().enumerate() {
        // SAFETY: rows up to `last` have as many columns as `sums`, of which these are STRIP.
        *strip = unsafe { imp::weigh_strip(bytes.as_ptr().add(s * STRIP), stride, last, weights) };
    }
    for (x, sum) in rest.iter_mut().enumerate() {
        let at = |row: usize| i32::from(bytes[row.min(last) * stride + done + x]);
        let products = weights.iter().enumerate();
        let products =
            products.map(|(k, &[a, b])| i32::from(a) * at(2 * k) + i32::from(b) * at(2 * k + 1));
        *sum = ((products.sum::<i32>() + (1 << (SHIFT - 1))) >> SHIFT) as i16;
    }
}

/// Eight columns of eight rows as four pairs of columns. Of so many channels side by side, 1, 2 or
/// 4, columns of the same channel become pairs, the first channel's first.
#[inline(always)]
pub fn column_pairs<const CHANNELS: usize>(rows: [&[i16; WORDS]; ROWS]) -> [ColumnPair; LANES] {
    imp::column_pairs::<CHANNELS>(rows)
}

/// Weighs columns: for each row the sum of all products.
#[inline(always)]
pub fn weigh_columns(columns: &[ColumnPair], weights: &[[i16; 2]]) -> [Native; 2] {
    imp::weigh_columns(columns, weights)
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod imp {
    use super::{ColumnPair, LANES, Native, ROWS, SHIFT, STRIP, WORDS};
    use crate::simd::Vector;
    use std::array::from_fn;

    /// # Safety
    /// Of each row up to `last`, STRIP bytes must be readable.
    pub unsafe fn weigh_strip(
        bytes: *const u8,
        stride: usize,
        last: usize,
        weights: &[[i16; 2]],
    ) -> [i16; STRIP] {
        let mut sums = [1 << (SHIFT - 1); STRIP];
        for (row, &weight) in weights.as_flattened().iter().enumerate() {
            for (x, sum) in sums.iter_mut().enumerate() {
                // SAFETY: no row after `last`, and x < STRIP.
                let byte = unsafe { *bytes.add(row.min(last) * stride + x) };
                *sum += i32::from(weight) * i32::from(byte);
            }
        }
        sums.map(|sum| (sum >> SHIFT) as i16)
    }

    pub fn column_pairs<const CHANNELS: usize>(rows: [&[i16; WORDS]; ROWS]) -> [ColumnPair; LANES] {
        let of_each = WORDS / CHANNELS;
        let place = |i: usize| i % of_each * CHANNELS + i / of_each;
        from_fn(|p| from_fn(|half| from_fn(|i| rows[half * LANES + i / 2][place(2 * p + i % 2)])))
    }

    pub fn weigh_columns(columns: &[ColumnPair], weights: &[[i16; 2]]) -> [Native; 2] {
        let mut sums = [[0i32; LANES]; 2];
        for (pair, weights) in columns.iter().zip(weights) {
            let [a, b] = weights.map(i32::from);
            for (sums, words) in sums.iter_mut().zip(pair) {
                for (sum, &[x, y]) in sums.iter_mut().zip(words.as_chunks::<2>().0) {
                    *sum += a * i32::from(x) + b * i32::from(y);
                }
            }
        }
        sums.map(|sums| Native::from_array(sums.map(|sum| sum as f32)))
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod imp {
    use super::{ColumnPair, LANES, Native, ROWS, SHIFT, STRIP, WORDS};
    use crate::simd::Vector;
    use core::arch::wasm32::*;

    #[inline(always)]
    fn splat([a, b]: [i16; 2]) -> v128 {
        i32x4_splat(i32::from(a as u16) | i32::from(b) << 16)
    }

    #[inline(always)]
    fn load(words: &[i16; WORDS]) -> v128 {
        // SAFETY: eight words are a v128; no alignment is needed.
        unsafe { v128_load(words.as_ptr().cast()) }
    }

    #[inline(always)]
    fn stored(v: v128) -> [i16; WORDS] {
        let mut words = [0; WORDS];
        // SAFETY: eight words are a v128; no alignment is needed.
        unsafe { v128_store(words.as_mut_ptr().cast(), v) };
        words
    }

    /// # Safety
    /// Of each row up to `last`, STRIP bytes must be readable.
    #[inline(always)]
    pub unsafe fn weigh_strip(
        bytes: *const u8,
        stride: usize,
        last: usize,
        weights: &[[i16; 2]],
    ) -> [i16; STRIP] {
        let mut sums = [i32x4_splat(1 << (SHIFT - 1)); 4];
        let (mut at, end) = (0, last * stride);
        for &pair in weights {
            let weights = splat(pair);
            let [a, b] = [at, end.min(at + stride)].map(|at| bytes.wrapping_add(at));
            at = end.min(at + 2 * stride);
            for half in 0..2 {
                // SAFETY: no row after `last`, and eight bytes from 0 or 8 on.
                let [a, b] =
                    unsafe { [a, b].map(|row| i16x8_load_extend_u8x8(row.add(half * WORDS))) };
                let low = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b);
                let high = i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b);
                sums[2 * half] = i32x4_add(sums[2 * half], i32x4_dot_i16x8(low, weights));
                sums[2 * half + 1] = i32x4_add(sums[2 * half + 1], i32x4_dot_i16x8(high, weights));
            }
        }
        let [a, b, c, d] = sums.map(|sum| i32x4_shr(sum, SHIFT));
        let mut words = [0; STRIP];
        let (halves, _) = words.as_chunks_mut::<WORDS>();
        halves[0] = stored(i16x8_narrow_i32x4(a, b));
        halves[1] = stored(i16x8_narrow_i32x4(c, d));
        words
    }

    #[inline(always)]
    pub fn column_pairs<const CHANNELS: usize>(rows: [&[i16; WORDS]; ROWS]) -> [ColumnPair; LANES] {
        let sorted = |v| match CHANNELS {
            1 => v,
            2 => i16x8_shuffle::<0, 2, 4, 6, 1, 3, 5, 7>(v, v),
            _ => i16x8_shuffle::<0, 4, 1, 5, 2, 6, 3, 7>(v, v),
        };
        let (top, bottom) = rows.split_at(LANES);
        let [top, bottom] = [top, bottom].map(|rows| {
            let [a, b, c, d] = std::array::from_fn(|i| sorted(load(rows[i])));
            let low = |a, b| i32x4_shuffle::<0, 4, 1, 5>(a, b);
            let high = |a, b| i32x4_shuffle::<2, 6, 3, 7>(a, b);
            let halves = |a, b| [i64x2_shuffle::<0, 2>(a, b), i64x2_shuffle::<1, 3>(a, b)];
            let ([p, q], [r, s]) = (halves(low(a, b), low(c, d)), halves(high(a, b), high(c, d)));
            [p, q, r, s].map(stored)
        });
        std::array::from_fn(|p| [top[p], bottom[p]])
    }

    #[inline(always)]
    pub fn weigh_columns(columns: &[ColumnPair], weights: &[[i16; 2]]) -> [Native; 2] {
        let mut sums = [i32x4_splat(0); 2];
        for (pair, &weights) in columns.iter().zip(weights) {
            let weights = splat(weights);
            for (sum, words) in sums.iter_mut().zip(pair) {
                *sum = i32x4_add(*sum, i32x4_dot_i16x8(load(words), weights));
            }
        }
        sums.map(|v| {
            let lanes = [
                i32x4_extract_lane::<0>(v),
                i32x4_extract_lane::<1>(v),
                i32x4_extract_lane::<2>(v),
                i32x4_extract_lane::<3>(v),
            ];
            Native::from_array(lanes.map(|lane| lane as f32))
        })
    }
}
