//! Kernels against the naive loops of `octomask::reference`.
//!
//! Natively (scalar vectors): `cargo test --test kernels`. In Chromium, as simd128 or (with
//! `,+relaxed-simd`) relaxed:
//!
//! ```text
//! RUSTUP_TOOLCHAIN=<one with rust-src> RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Ctarget-feature=+simd128 \
//! CHROMEDRIVER=$(command -v chromedriver) WASM_BINDGEN_TEST_TIMEOUT=600 \
//! WASM_BINDGEN_TEST_DRIVER_TIMEOUT=60 \
//! wasm-pack test --headless --chrome --mode no-install -- \
//!     --no-default-features -Zbuild-std=std,panic_abort --test kernels
//! ```
//!
//! wasm-pack needs wasm-bindgen and wasm-bindgen-test-runner of the version in Cargo.lock on the
//! path.

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
