//! Smoothing over time: an uncertain pixel keeps some of what it was in the frame before.

use crate::simd::{LANES, Native as V, Vector};

/// The smoothed mask of the frame before, as numbers: rounded to bytes it would not settle.
#[derive(Debug, Default)]
pub struct Smoothing {
    /// `[height][width]`, 0 to 1; empty before the first frame.
    previous: Vec<f32>,
    /// `[height, width]` of it.
    size: [usize; 2],
    /// How much of it stays.
    amount: f32,
    /// Whether there is none yet.
    first: bool,
}

impl Smoothing {
    /// Nothing remembered.
    pub fn new() -> Smoothing {
        Smoothing::default()
    }

    /// Forgets the frame before: after a cut, or a new camera.
    pub fn reset(&mut self) {
        self.previous.clear();
    }

    /// Begins a mask of `[height, width]`. `amount` goes from 0 (nothing of the frame before) to 1
    /// (a wholly uncertain pixel does not change). The first frame, and the first of another size,
    /// stay as they are; only these allocate. A frame at 0 belongs to no film, so it is not
    /// remembered either.
    pub fn begin(&mut self, size: [usize; 2], amount: f32) {
        self.amount = if amount > 0.0 { amount.min(1.0) } else { 0.0 };
        if self.amount == 0.0 || self.size != size {
            self.previous.clear();
        }
        self.size = size;
        self.first = self.previous.is_empty();
        if self.amount > 0.0 {
            self.previous.resize(size[0] * size[1], 0.0);
        }
    }

    /// Smooths pixels of that mask, 0 to 1, in place: those from `start` on.
    pub fn apply(&mut self, start: usize, mask: &mut [f32]) {
        let Some(previous) = self.previous.get_mut(start..start + mask.len()) else { return };
        if self.first {
            previous.copy_from_slice(mask);
            return;
        }
        let amount = V::splat(self.amount);
        let (pixels, rest) = mask.as_chunks_mut::<LANES>();
        let (before, rest_before) = previous.as_chunks_mut::<LANES>();
        for (p, before) in pixels.iter_mut().zip(before) {
            *p = smoothed(*p, *before, amount);
            *before = *p;
        }
        for (p, before) in rest.iter_mut().zip(rest_before) {
            [*p, ..] = smoothed([*p; LANES], [*before; LANES], amount);
            *before = *p;
        }
    }
}

#[inline(always)]
fn smoothed(p: [f32; LANES], before: [f32; LANES], amount: V) -> [f32; LANES] {
    let (p, before) = (V::from_array(p), V::from_array(before));
    before.sub(p).mul(uncertainty(p)).mul_add(amount, p).to_array()
}

/// 1 at a probability of one half, 0 at 0 and 1: the square of the entropy in bits, by the
/// polynomial of MediaPipe's `segmentation_smoothing_calculator`.
#[inline(always)]
fn uncertainty(p: V) -> V {
    let t = p.sub(V::splat(0.5));
    let x = t.mul(t);
    let factors = [291.309, -57.8051, -0.748699, 5.68842];
    let rest = factors.into_iter().fold(V::splat(-624.717), |y, k| y.mul_add(x, V::splat(k)));
    let one = V::splat(1.0);
    one.sub(x.mul(rest).at_most(one))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A whole mask, in two parts.
    fn apply(smoothing: &mut Smoothing, mask: &mut [f32], size: [usize; 2], amount: f32) {
        smoothing.begin(size, amount);
        let (first, second) = mask.split_at_mut(mask.len() / 2);
        smoothing.apply(0, first);
        smoothing.apply(first.len(), second);
    }

    #[test]
    fn uncertainty_is_that_of_a_coin() {
        for i in 1..100 {
            let p = i as f32 / 100.0;
            let [uncertain, ..] = uncertainty(V::splat(p)).to_array();
            let entropy = -(p * p.log2() + (1.0 - p) * (1.0 - p).log2());
            assert!((uncertain - entropy * entropy).abs() < 0.01, "{p}: {uncertain} {entropy}");
        }
        assert_eq!(uncertainty(V::splat(0.5)).to_array()[0], 1.0);
    }

    #[test]
    fn another_size_starts_anew() {
        let mut smoothing = Smoothing::new();
        apply(&mut smoothing, &mut [1.0, 1.0], [1, 2], 0.9);
        let mut mask = [0.5, 0.5];
        apply(&mut smoothing, &mut mask, [2, 1], 0.9);
        assert_eq!(mask, [0.5, 0.5]);
        mask = [0.4, 0.4];
        apply(&mut smoothing, &mut mask, [2, 1], 0.9);
        assert!(mask[0] > 0.4);
        smoothing.reset();
        mask = [0.4, 0.4];
        apply(&mut smoothing, &mut mask, [2, 1], 0.9);
        assert_eq!(mask, [0.4, 0.4]);
    }

    #[test]
    fn a_frame_without_smoothing_is_not_remembered() {
        let mut smoothing = Smoothing::new();
        for amount in [0.9, 0.0] {
            apply(&mut smoothing, &mut [1.0], [1, 1], amount);
        }
        let mut mask = [0.4];
        apply(&mut smoothing, &mut mask, [1, 1], 0.9);
        assert_eq!(mask, [0.4]);
    }

    proptest! {
        #[test]
        fn an_amount_of_0_changes_nothing(masks in proptest::collection::vec(proptest::array::uniform4(0f32..=1.0), 1..5)) {
            let mut smoothing = Smoothing::new();
            for mask in masks {
                let mut smoothed = mask;
                apply(&mut smoothing, &mut smoothed, [2, 2], 0.0);
                prop_assert_eq!(smoothed, mask);
            }
        }

        #[test]
        fn what_comes_out_lies_between(before in 0f32..=1.0, p in 0f32..=1.0, amount in -1f32..2.0) {
            let mut smoothing = Smoothing::new();
            apply(&mut smoothing, &mut [before], [1, 1], amount);
            let mut mask = [p];
            apply(&mut smoothing, &mut mask, [1, 1], amount);
            let range = before.min(p) - 1e-6..=before.max(p) + 1e-6;
            prop_assert!(range.contains(&mask[0]), "{}", mask[0]);
        }

        #[test]
        fn what_stays_the_same_is_reached(before in 0f32..=1.0, p in 0f32..=1.0, amount in 0f32..=0.9) {
            let mut smoothing = Smoothing::new();
            let mut mask = [before];
            for _ in 0..150 {
                apply(&mut smoothing, &mut mask, [1, 1], amount);
                mask = [p];
            }
            apply(&mut smoothing, &mut mask, [1, 1], amount);
            prop_assert!((mask[0] - p).abs() < 1e-5, "{}", mask[0]);
        }
    }
}
