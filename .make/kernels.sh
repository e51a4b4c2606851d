#!/usr/bin/env bash
# kernels.sh simd|relaxed: the kernel tests (tests/kernels) in headless Chromium, compiled as that build is.
set -euo pipefail
cd "$(dirname "$0")/.."
case $1 in
    simd) features=+simd128 ;;
    relaxed) features=+simd128,+relaxed-simd ;;
    *) echo "kernels.sh: simd or relaxed" >&2 && exit 2 ;;
esac
export PATH="$PWD/target/rust/wasm:$PWD/target/tools/bin:$PATH"
unset RUSTUP_TOOLCHAIN CARGO_ENCODED_RUSTFLAGS RUSTC RUSTC_WRAPPER
CHROMEDRIVER=${CHROMEDRIVER:-$(command -v chromedriver)}
export CHROMEDRIVER
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$PWD/target/cargo" RUSTFLAGS="-Ctarget-feature=$features -Cllvm-args=-disable-lsr"
# Optimised, or the naive loops take minutes; nobody reads their backtraces.
export CARGO_PROFILE_TEST_OPT_LEVEL=2 CARGO_PROFILE_DEV_OPT_LEVEL=2 CARGO_PROFILE_DEV_DEBUG=0
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner WASM_BINDGEN_TEST_ONLY_WEB=1
# Seconds: all the tests of one file count as one page.
export WASM_BINDGEN_TEST_TIMEOUT=600 WASM_BINDGEN_TEST_DRIVER_TIMEOUT=60
cargo test --target wasm32-unknown-unknown --no-default-features -Zbuild-std=std,panic_abort --test kernels
