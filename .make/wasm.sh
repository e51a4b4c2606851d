#!/usr/bin/env bash
# wasm.sh BUILD: builds the library for the browser, into target/wasm/BUILD/{octomask.js,octomask_bg.wasm,snippets}.
# BUILD is simd, simd-threads, relaxed or relaxed-threads. Wasm cannot choose instructions while it runs: the builds
# are of one source and differ by what follows. BUILD tools is the module that runs nothing: advice, reports, the lab.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
out=target/wasm/$build

# Whatever Rust's own defaults become, a browser without relaxed SIMD must take the builds that do not name it.
target_features=+simd128
wasm_opt=(--enable-simd --enable-bulk-memory --enable-mutable-globals --enable-nontrapping-float-to-int
    --enable-sign-ext --enable-reference-types --enable-multivalue --enable-bulk-memory-opt)
cargo_features=()
link_args=()
# Nothing lies below address 1024 but the end of the stack: additions to an address may become the offset of a load.
optimize=(--low-memory-unused --gufa -O3 --converge)
case $build in simd | simd-threads | relaxed | relaxed-threads) ;;
tools)
    # Nothing in it is waited for in a frame: for size. The flags below stay those of simd, so that the standard
    # library is not built once more.
    cargo_features=(--features tools --config 'profile.release.package.octomask.opt-level="s"')
    optimize=(-Os)
    ;; *) echo "wasm.sh: no build is called '$build'" >&2; exit 2 ;; esac
case $build in relaxed*)
    target_features+=,+relaxed-simd
    wasm_opt+=(--enable-relaxed-simd)
    ;;
esac
case $build in *-threads)
    target_features+=,+atomics,+bulk-memory,+mutable-globals
    wasm_opt+=(--enable-threads)
    cargo_features=(--features threads)
    # A shared memory must name its maximum, and iPhones refuse a large one: 256 MiB is taken everywhere.
    # The exports are what wasm-bindgen needs to give each thread a stack and its thread-locals.
    link_args=(--shared-memory --max-memory=268435456 --import-memory --export=__heap_base --export=__wasm_init_tls
        --export=__tls_size --export=__tls_align --export=__tls_base)
    ;;
esac

# Without LLVM's loop strength reduction: it turns addresses into sums whose constant part no longer fits into the
# load itself, an addition for nearly every load (5 to 25 % of a kernel's time in Chromium). Functions are copied to
# where they are called only if they are small or say so, as all of the kernels' inner loops do: 12 KiB less under
# brotli, and no slower in Chromium. Panics, of which there should be none, do not name a line of the source: 6 KiB.
flags="-Ctarget-feature=$target_features -Cllvm-args=-disable-lsr -Cllvm-args=-inline-threshold=60 -Zlocation-detail=none"
for arg in ${link_args[@]+"${link_args[@]}"}; do flags+=" -Clink-arg=$arg"; done

export PATH="$PWD/target/rust/wasm:$PWD/target/tools/bin:$PATH"
unset RUSTUP_TOOLCHAIN CARGO_ENCODED_RUSTFLAGS RUSTC RUSTC_WRAPPER
# -Z options outside of nightly: build-std is what threads on wasm need. The standard library for size, not for speed:
# nothing of it runs in a frame, and it is 9 KiB less under brotli.
export RUSTC_BOOTSTRAP=1
RUSTFLAGS=$flags cargo build --quiet --release --lib --target wasm32-unknown-unknown --target-dir "target/cargo" \
    --no-default-features ${cargo_features[@]+"${cargo_features[@]}"} -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size

rm -rf "$out.new"
wasm-bindgen --target web --out-dir "$out.new" --out-name octomask \
    "target/cargo/wasm32-unknown-unknown/release/octomask.wasm"
node www/node_modules/binaryen/bin/wasm-opt "${wasm_opt[@]}" "${optimize[@]}" --strip-debug --strip-producers \
    "$out.new/octomask_bg.wasm" -o "$out.new/octomask_bg.wasm"
rm -rf "$out"
mv "$out.new" "$out"
