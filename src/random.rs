//! Numbers from a seed, by the rule that `models/recipe/seeded.py` has:
//!
//! ```text
//! u(i) = splitmix64(seed * 2^32 + i) >> 40        24 bits, as a real number u(i) / 2^24 in [0, 1)
//! ```
//!
//! The same seed gives the same bits everywhere; a few lines, so that nothing has to be depended on.

use crate::error::Result;
use crate::model::Model;
use crate::tensor::ViewMut;

/// The numbers of one seed, in order.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The first number of a seed is the next one.
    pub fn new(seed: u32) -> Random {
        Random { state: u64::from(seed) << 32 }
    }

    /// 24 random bits (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    #[inline(never)]
    fn bits(&mut self) -> u32 {
        self.state = self.state.wrapping_add(1);
        let z = self.state.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as u32
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f32 {
        self.bits() as f32 / (1 << 24) as f32
    }

    /// In [-1, 1).
    pub fn signed(&mut self) -> f32 {
        2.0 * self.unit() - 1.0
    }

    /// `count` numbers in [-reach, reach).
    pub fn floats(&mut self, count: usize, reach: f32) -> Vec<f32> {
        (0..count).map(|_| reach * self.signed()).collect()
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        (self.bits() >> 16) as u8
    }
}

/// Fills all inputs of a model: real numbers in [-1, 1), bytes of any value, 0 for what else there may be.
pub fn random_inputs(model: &mut Model, seed: u32) -> Result<()> {
    let mut random = Random::new(seed);
    for i in 0..model.inputs().len() {
        match model.input_mut(i)? {
            ViewMut::F32(values) => values.fill_with(|| random.signed()),
            ViewMut::I8(values) => values.fill_with(|| random.byte() as i8),
            ViewMut::U8(values) => values.fill_with(|| random.byte()),
            ViewMut::I16(values) => values.fill_with(|| random.byte().into()),
            ViewMut::F16(values) => values.fill(0),
            ViewMut::I32(values) => values.fill(0),
            ViewMut::I64(values) => values.fill(0),
            ViewMut::Bool(values) => values.fill(0),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `models/recipe/seeded.py` has them: `seeded.uniform(7, (4,)) * 2**24`.
    #[test]
    fn numbers_are_those_of_the_recipe() {
        let mut random = Random::new(7);
        let numbers = [0; 4].map(|_| random.unit() * (1 << 24) as f32);
        assert_eq!(numbers, [12097922.0, 2678640.0, 7444225.0, 7320660.0]);
    }

    #[test]
    fn numbers_fill_their_range() {
        let mut random = Random::new(1);
        let floats = random.floats(10_000, 2.0);
        assert!(floats.iter().all(|x| (-2.0..2.0).contains(x)));
        let mean = floats.iter().sum::<f32>() / 10_000.0;
        // Five standard deviations of the mean: 5 * 2 / sqrt(3 * 10,000).
        assert!(mean.abs() < 0.06, "{mean}");
        let low = floats.iter().filter(|x| **x < -1.0).count();
        assert!((2250..2750).contains(&low), "{low}");
    }
}
