//! What happens to a sum before, or right after, it is stored.

use crate::ops::Unary;
use crate::simd::{LANES, Vector};

/// A fused activation, sorted by how it is done. Few variants on purpose: each one is a branch at
/// the end of a tile, not a copy of the kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Activation {
    /// Nothing.
    Linear,
    /// In registers.
    Relu,
    /// RELU6, RELU_N1_TO_1: in registers.
    Clamp { lo: f32, hi: f32 },
    /// In registers.
    HardSwish,
    /// Dozens of instructions: a second pass over what was just written.
    Logistic,
    /// Like `Logistic`.
    Tanh,
}

impl From<Option<Unary>> for Activation {
    fn from(unary: Option<Unary>) -> Activation {
        let clamp = |lo, hi| Activation::Clamp { lo, hi };
        match unary {
            None => Activation::Linear,
            Some(Unary::Relu) => Activation::Relu,
            Some(Unary::Relu6) => clamp(0.0, 6.0),
            Some(Unary::ReluN1To1) => clamp(-1.0, 1.0),
            Some(Unary::HardSwish) => Activation::HardSwish,
            Some(Unary::Logistic) => Activation::Logistic,
            Some(Unary::Tanh) => Activation::Tanh,
        }
    }
}

impl Activation {
    /// Applies what is done in registers.
    #[inline(always)]
    pub fn apply<V: Vector>(self, x: V) -> V {
        let [[x]] = self.apply_tile([[x]]);
        x
    }

    /// Applies what is done in registers, with one branch for a whole tile.
    #[inline(always)]
    pub fn apply_tile<V: Vector, const R: usize, const C: usize>(
        self,
        tile: [[V; C]; R],
    ) -> [[V; C]; R] {
        match self {
            Activation::Relu => tile.map(|row| row.map(V::relu)),
            Activation::Clamp { lo, hi } => {
                let (lo, hi) = (V::splat(lo), V::splat(hi));
                tile.map(|row| row.map(|x| x.clamp(lo, hi)))
            }
            Activation::HardSwish => tile.map(|row| row.map(V::hard_swish)),
            Activation::Linear | Activation::Logistic | Activation::Tanh => tile,
        }
    }

    /// Applies what is not: to be called on each piece of the output after it was written, while
    /// it is in the cache.
    #[inline(always)]
    pub fn finish<V: Vector>(self, out: &mut [f32]) {
        match self {
            Activation::Logistic | Activation::Tanh => self.pass::<V>(out),
            _ => {}
        }
    }

    /// Applies all of it to a slice.
    #[inline(never)]
    pub fn pass<V: Vector>(self, out: &mut [f32]) {
        match self {
            Activation::Linear => {}
            Activation::Relu => map::<V>(out, V::relu),
            Activation::Clamp { lo, hi } => {
                let (lo, hi) = (V::splat(lo), V::splat(hi));
                map::<V>(out, |x| x.clamp(lo, hi));
            }
            Activation::HardSwish => map::<V>(out, V::hard_swish),
            Activation::Logistic => map::<V>(out, V::sigmoid),
            Activation::Tanh => map::<V>(out, V::tanh),
        }
    }
}

/// Replaces each element by a function of it.
#[inline(always)]
pub(super) fn map<V: Vector>(out: &mut [f32], f: impl Fn(V) -> V) {
    let (whole, rest) = out.as_chunks_mut::<LANES>();
    for chunk in whole {
        *chunk = f(V::from_array(*chunk)).to_array();
    }
    if !rest.is_empty() {
        let mut lanes = [0.0; LANES];
        lanes[..rest.len()].copy_from_slice(rest);
        let lanes = f(V::from_array(lanes)).to_array();
        rest.copy_from_slice(&lanes[..rest.len()]);
    }
}
