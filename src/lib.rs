#![doc = include_str!("lib.md")]

// Helpers of the tests are used from inside of the crate as well.
#[cfg(test)]
extern crate self as octomask;

pub mod advise;
pub mod error;
pub mod graph;
pub mod input_size;
pub mod kernels;
pub mod lab;
pub mod limits;
pub mod model;
pub mod ops;
pub mod optimize;
pub mod plan;
pub mod profile;
pub mod quantization;
pub mod random;
pub mod reference;
pub mod segment;
pub mod session;
pub mod simd;
pub mod sweep;
pub mod tensor;
pub mod tflite;
pub mod threads;
pub mod timing;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{Error, Result};
pub use model::{Model, Options};
pub use plan::Backend;
