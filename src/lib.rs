#![doc = include_str!("lib.md")]

pub mod error;
pub mod graph;
pub mod ops;
pub mod reference;
pub mod tensor;
