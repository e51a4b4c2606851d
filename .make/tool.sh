#!/usr/bin/env bash
# tool.sh CRATE PROGRAM VERSION: leaves PROGRAM of exactly that version in target/tools/bin. One already on PATH is
# linked; else cargo builds it (minutes, once). Not `--locked`: a lock file may name a version a registry has withdrawn.
set -euo pipefail
cd "$(dirname "$0")/.."
crate=$1 program=$2 version=$3
bin=$PWD/target/tools/bin

is_right() { "$1" --version 2>/dev/null | head -n 1 | grep -qwF -- "$version"; }

mkdir -p "$bin"
if is_right "$bin/$program"; then exit 0; fi
rm -f "$bin/$program"
found=$(command -v "$program" || true)
# wasm-bindgen's test runner lies beside it and must be of the same version.
if [ -n "$found" ] && is_right "$found" && { [ "$program" != wasm-bindgen ] || [ -x "$(dirname "$found")/wasm-bindgen-test-runner" ]; }; then
    echo "$program $version: $found"
    ln -sf "$found" "$bin/$program"
    if [ "$program" = wasm-bindgen ]; then ln -sf "$(dirname "$found")/wasm-bindgen-test-runner" "$bin/"; fi
    exit 0
fi
echo "$program $version: building it, once (a minute or two)"
# These run for seconds: compiling them is what takes time. wasm-bindgen itself works through megabytes.
optimise=0
[ "$program" != wasm-bindgen ] || optimise=1
CARGO_PROFILE_RELEASE_OPT_LEVEL=$optimise CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_LTO=off \
PATH="$PWD/target/rust/native:$PATH" CARGO_TARGET_DIR="$PWD/target/tools/build" \
    cargo install --quiet --force --root target/tools --version "$version" "$crate"
