#![doc = include_str!("lib.md")]

pub mod error;
pub mod graph;
#[doc(hidden)]
pub mod kernels;
pub mod ops;
pub mod reference;
#[doc(hidden)]
pub mod simd;
pub mod tensor;
pub mod tflite;
