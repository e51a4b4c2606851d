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
    /// RELU6, RELU_N1_TO_1, RELU_0_TO_1: in registers.
    Clamp { lo: f32, hi: f32 },
    /// In registers.
    HardSwish,
    /// Any other: a second pass over what was just written.
    Pass(Unary),
}

impl From<Option<Unary>> for Activation {
    fn from(unary: Option<Unary>) -> Activation {
        let clamp = |lo, hi| Activation::Clamp { lo, hi };
        match unary {
            None => Activation::Linear,
            Some(Unary::Relu) => Activation::Relu,
            Some(Unary::Relu6) => clamp(0.0, 6.0),
            Some(Unary::ReluN1To1) => clamp(-1.0, 1.0),
            Some(Unary::Relu0To1) => clamp(0.0, 1.0),
            Some(Unary::HardSwish) => Activation::HardSwish,
            Some(other) => Activation::Pass(other),
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
            Activation::Linear | Activation::Pass(_) => tile,
        }
    }

    /// Applies what is not: to be called on each piece of the output after it was written, while
    /// it is in the cache.
    #[inline(always)]
    pub fn finish<V: Vector>(self, out: &mut [f32]) {
        if let Activation::Pass(_) = self {
            self.pass::<V>(out);
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
            Activation::Pass(unary) => pass::<V>(unary, out),
        }
    }
}

/// Applies any function to a slice.
fn pass<V: Vector>(unary: Unary, out: &mut [f32]) {
    match unary {
        Unary::Logistic => map::<V>(out, V::sigmoid),
        Unary::Tanh => map::<V>(out, V::tanh),
        Unary::LeakyRelu { alpha } => {
            let alpha = V::splat(alpha);
            map::<V>(out, |x| x.leaky_relu(alpha));
        }
        // The square of e^(x / 2): overflows and vanishes where e^x does.
        Unary::Exp => map::<V>(out, |x| {
            let root = x.mul(V::splat(0.5)).exp();
            root.mul(root)
        }),
        Unary::Elu => map::<V>(out, |x| {
            let zero = V::splat(0.0);
            x.if_less(zero, x.exp().sub(V::splat(1.0)), x)
        }),
        Unary::Gelu { approximate } => map::<V>(out, |x| {
            let bend = if approximate {
                let cube = x.mul(x).mul(x);
                cube.mul_add(V::splat(0.044_715), x).mul(V::splat(0.797_884_6)).tanh()
            } else {
                x.mul(V::splat(std::f32::consts::FRAC_1_SQRT_2)).erf()
            };
            let half = x.mul(V::splat(0.5));
            half.mul_add(bend, half)
        }),
        // Compilers make vectors of these.
        Unary::Abs => each(out, f32::abs),
        Unary::Neg => each(out, |x| -x),
        Unary::Square => each(out, |x| x * x),
        Unary::Sqrt => each(out, f32::sqrt),
        Unary::Rsqrt => each(out, |x| 1.0 / x.sqrt()),
        Unary::Floor => each(out, f32::floor),
        Unary::Ceil => each(out, f32::ceil),
        Unary::Round => each(out, f32::round_ties_even),
        // Rare ones, and those that are no `Pass`.
        other => each(out, |x| other.apply(x as f64) as f32),
    }
}

/// Replaces each element by a function of it.
#[inline(always)]
fn each(out: &mut [f32], f: impl Fn(f32) -> f32) {
    out.iter_mut().for_each(|x| *x = f(*x));
}

/// Replaces each element by a function of it, four at a time.
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
