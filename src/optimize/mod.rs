//! Passes that make the graph smaller before it is planned. One pass, one file, one test; any of
//! them can be switched off by name, and the result must stay the same up to rounding.

#![forbid(unsafe_code)]

mod argmax_of_logits;
mod convolve_before_resize;
mod dilate_convolutions;
mod fold_channel_shuffles;
mod fold_constants;
mod fold_padding;
mod fold_scales;
mod fuse_activations;
mod join_hard_swish;
mod quantized_to_float;
pub(crate) mod remove_dead;
mod remove_identities;
mod remove_repeated;

use crate::error::{Error, Result};
use crate::graph::Graph;

/// A rewrite of the graph.
pub struct Pass {
    /// What switches it off.
    pub name: &'static str,
    /// Rewrites the graph; shapes are known and stay known.
    pub run: fn(&mut Graph) -> Result<()>,
}

/// The pass that lets float32 kernels run quantized graphs. The reference backend, which takes
/// every type as it is, goes without it.
pub const QUANTIZED_TO_FLOAT: &str = "quantized-to-float";

/// Constants that a pass makes take at most this many bytes together: a small file can name one
/// constant often, or stretch it by broadcasting.
const MAX_MADE_BYTES: usize = 512 << 20;

/// All passes in running order.
pub const PASSES: &[Pass] = &[
    Pass { name: "fold-constants", run: fold_constants::run },
    Pass { name: QUANTIZED_TO_FLOAT, run: quantized_to_float::run },
    Pass { name: "remove-identities", run: remove_identities::run },
    Pass { name: "remove-repeated", run: remove_repeated::run },
    Pass { name: "fold-channel-shuffles", run: fold_channel_shuffles::run },
    Pass { name: "dilate-convolutions", run: dilate_convolutions::run },
    Pass { name: "fold-padding", run: fold_padding::run },
    Pass { name: "fold-scales", run: fold_scales::run },
    Pass { name: "join-hard-swish", run: join_hard_swish::run },
    Pass { name: "argmax-of-logits", run: argmax_of_logits::run },
    Pass { name: "fuse-activations", run: fuse_activations::run },
    Pass { name: "convolve-before-resize", run: convolve_before_resize::run },
    Pass { name: "remove-dead", run: remove_dead::run },
];

/// Runs all passes but the disabled ones.
pub fn optimize(graph: &mut Graph, disabled: &[String]) -> Result<()> {
    if let Some(unknown) = disabled.iter().find(|d| PASSES.iter().all(|p| p.name != **d)) {
        let names: Vec<&str> = PASSES.iter().map(|p| p.name).collect();
        return Err(Error::bad_input(format!(
            "there is no pass '{unknown}'; the passes are {}",
            names.join(", ")
        )));
    }
    for pass in PASSES.iter().filter(|p| !disabled.iter().any(|d| d == p.name)) {
        (pass.run)(graph)?;
        debug_assert!(graph.validate().is_ok(), "after {}", pass.name);
    }
    Ok(())
}
