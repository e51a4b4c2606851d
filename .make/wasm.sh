#!/usr/bin/env bash
# wasm.sh BUILD...: builds the library for the browser, into target/wasm/BUILD/{octomask.js,octomask_bg.wasm,snippets}.
# BUILD is simd, simd-threads, relaxed or relaxed-threads. Wasm cannot choose instructions while it runs: the builds
# are of one source and differ by what `settings` says. BUILD tools is the module that runs nothing: advice, reports,
# the lab.
set -euo pipefail
cd "$(dirname "$0")/.."

# settings BUILD: sets flags (rustc's), cargo_options and wasm_opt.
settings() {
    # Whatever Rust's own defaults become, a browser without relaxed SIMD must take the builds that do not name it.
    local target_features=+simd128 link_args=() arg
    # Nothing lies below address 1024 but the end of the stack: additions to an address may become the offset of a load.
    local optimize=(--low-memory-unused --gufa -O3 --converge)
    cargo_options=()
    wasm_opt=(--enable-simd --enable-bulk-memory --enable-mutable-globals --enable-nontrapping-float-to-int
        --enable-sign-ext --enable-reference-types --enable-multivalue --enable-bulk-memory-opt)
    case $1 in simd | simd-threads | relaxed | relaxed-threads) ;;
    tools)
        # Nothing in it is waited for in a frame: for size. The flags below stay those of simd, so that the standard
        # library is not built once more.
        cargo_options=(--features tools --config 'profile.release.package.octomask.opt-level="s"')
        optimize=(-Os)
        ;; *) echo "wasm.sh: no build is called '$1'" >&2; exit 2 ;; esac
    case $1 in relaxed*)
        target_features+=,+relaxed-simd
        wasm_opt+=(--enable-relaxed-simd)
        ;;
    esac
    case $1 in *-threads)
        target_features+=,+atomics,+bulk-memory,+mutable-globals
        wasm_opt+=(--enable-threads)
        cargo_options=(--features threads)
        # A shared memory must name its maximum, and iPhones refuse a large one: 256 MiB is taken everywhere.
        # The exports are what wasm-bindgen needs to give each thread a stack and its thread-locals.
        link_args=(--shared-memory --max-memory=268435456 --import-memory --export=__heap_base
            --export=__wasm_init_tls --export=__tls_size --export=__tls_align --export=__tls_base)
        ;;
    esac
    wasm_opt+=("${optimize[@]}" --strip-debug --strip-producers)

    # Without LLVM's loop strength reduction: it turns addresses into sums whose constant part no longer fits into the
    # load itself, an addition for nearly every load (5 to 25 % of a kernel's time in Chromium). Functions are copied to
    # where they are called only if they are small or say so, as all of the kernels' inner loops do: 12 KiB less under
    # brotli, and no slower in Chromium. Panics, of which there should be none, do not name a line of the source: 6 KiB.
    flags="-Ctarget-feature=$target_features -Cllvm-args=-disable-lsr -Cllvm-args=-inline-threshold=60 -Zlocation-detail=none"
    for arg in ${link_args[@]+"${link_args[@]}"}; do flags+=" -Clink-arg=$arg"; done
}

export PATH="$PWD/target/rust/wasm:$PWD/target/tools/bin:$PATH"
unset RUSTUP_TOOLCHAIN CARGO_ENCODED_RUSTFLAGS RUSTC RUSTC_WRAPPER
# -Z options outside of nightly: build-std is what threads on wasm need. The standard library for size, not for speed:
# nothing of it runs in a frame, and it is 9 KiB less under brotli.
export RUSTC_BOOTSTRAP=1

# optimize BUILD: wasm-opt over what wasm-bindgen left in target/wasm/BUILD.new, which then takes its place.
optimize() {
    local out=target/wasm/$1
    node www/node_modules/binaryen/bin/wasm-opt "${wasm_opt[@]}" "$out.new/octomask_bg.wasm" -o "$out.new/octomask_bg.wasm"
    rm -rf "$out"
    mv "$out.new" "$out"
}

# rustc and wasm-opt take about as long, on one core each: one build is optimised while the next is compiled.
optimizing=
wait_for_it() { [ -z "$optimizing" ] || wait "$optimizing"; optimizing=; }
trap '[ -z "$optimizing" ] || kill "$optimizing" 2>/dev/null || true' EXIT
for build in "$@"; do
    echo "wasm: $build"
    settings "$build"
    RUSTFLAGS=$flags cargo rustc --quiet --release --lib --crate-type cdylib --target wasm32-unknown-unknown \
        --target-dir target/cargo --no-default-features ${cargo_options[@]+"${cargo_options[@]}"} \
        -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size
    rm -rf "target/wasm/$build.new"
    wasm-bindgen --target web --out-dir "target/wasm/$build.new" --out-name octomask \
        target/cargo/wasm32-unknown-unknown/release/octomask.wasm
    wait_for_it
    optimize "$build" &
    optimizing=$!
done
wait_for_it
