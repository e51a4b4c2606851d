//! Kernels against the naive loops of `octomask::reference`.
//!
//! Natively (scalar vectors): `cargo test --test kernels`. In Chromium, as simd128 or relaxed:
//! `.make/kernels.sh simd`, `.make/kernels.sh relaxed`.

mod conv;
mod depthwise;
mod elementwise;
mod gemm;
mod integer;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod softmax;
mod strided_copy;
mod support;
mod transpose_conv;
mod vectors;
mod winograd;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
