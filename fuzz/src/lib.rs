//! What the fuzz targets share: networks made of bytes, and what must hold for any file.
//! `tests/corpus.rs` includes this too, so paths within it are relative.

pub mod check;
pub mod generate;
mod memory;
#[path = "../../tests/common/network.rs"]
pub mod network;
mod recipes;
mod source;
pub mod targets;
