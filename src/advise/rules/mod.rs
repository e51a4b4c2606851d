//! The rules: one in one file, with its test.

mod activations;
mod channels;
mod concatenation;
mod constant_scales;
mod convolve_then_resize;
mod deep_units;
mod dilation;
mod fake_quantization;
mod fixed_sizes;
mod float_islands;
mod half_input;
mod integers;
mod model_size;
mod multiple_of_8;
mod nearest;
mod output_function;
mod padding;
mod parallel_branches;
mod separable;
#[cfg(test)]
pub(crate) mod testing;
mod transposes;
mod upsampling;
mod wide_layers;

use super::Proposal;
use super::case::Case;

/// Looks at a network for something to change.
pub struct Rule {
    /// Its name in advice.
    pub name: &'static str,
    /// What it proposes, with its name; the first is given unless a later one saves much more.
    pub find: fn(&Case) -> Vec<Proposal>,
}

/// All rules.
pub const RULES: &[Rule] = &[
    Rule { name: half_input::NAME, find: half_input::find },
    Rule { name: multiple_of_8::NAME, find: multiple_of_8::find },
    Rule { name: separable::NAME, find: separable::find },
    Rule { name: upsampling::NAME, find: upsampling::find },
    Rule { name: nearest::NAME, find: nearest::find },
    Rule { name: convolve_then_resize::NAME, find: convolve_then_resize::find },
    Rule { name: wide_layers::NAME, find: wide_layers::find },
    Rule { name: channels::NAME, find: channels::find },
    Rule { name: activations::NAME, find: activations::find },
    Rule { name: fixed_sizes::NAME, find: fixed_sizes::find },
    Rule { name: output_function::NAME, find: output_function::find },
    Rule { name: dilation::NAME, find: dilation::find },
    Rule { name: concatenation::NAME, find: concatenation::find },
    Rule { name: padding::NAME, find: padding::find },
    Rule { name: transposes::NAME, find: transposes::find },
    Rule { name: constant_scales::NAME, find: constant_scales::find },
    Rule { name: parallel_branches::NAME, find: parallel_branches::find },
    Rule { name: deep_units::NAME, find: deep_units::find },
    Rule { name: float_islands::NAME, find: float_islands::find },
    Rule { name: fake_quantization::NAME, find: fake_quantization::find },
    Rule { name: integers::NAME, find: integers::find },
    Rule { name: model_size::NAME, find: model_size::find },
];
