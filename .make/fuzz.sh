#!/usr/bin/env bash
# fuzz.sh MINUTES: the targets of fuzz/ one after the other, for MINUTES together. Ends at the first input that breaks
# something; it stays in fuzz/artifacts, and the last lines say how to run it again. What is found on the way is kept
# in target/fuzz/corpus; the inputs that each run starts from are fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
targets="read plan run network"
seconds=$(awk -v m="$1" 'BEGIN { s = int(m * 60 / 4); print (s > 5 ? s : 5) }')

export PATH="$PWD/target/rust/native:$PWD/target/tools/bin:$PATH"
unset RUSTUP_TOOLCHAIN CARGO_ENCODED_RUSTFLAGS RUSTFLAGS RUSTC RUSTC_WRAPPER
# -Z options outside of nightly: what counts coverage is one.
export RUSTC_BOOTSTRAP=1
# libFuzzer is compiled from its source.
if ! command -v c++ >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        .make/apt.sh g++
    else
        echo "fuzz: a C++ compiler is needed. On Debian: sudo apt-get install g++" >&2
        exit 1
    fi
fi

# Debian's Rust comes without the address sanitizer's runtime.
sanitizer=none
host=$(rustc -vV | sed -n 's/^host: //p')
for runtime in "$(rustc --print sysroot)/lib/rustlib/$host/lib"/*rt.asan*; do
    [ ! -e "$runtime" ] || sanitizer=address
done
echo "fuzz: $seconds s each of: $targets; sanitizer: $sanitizer"

for target in $targets; do
    mkdir -p "target/fuzz/corpus/$target" "fuzz/corpus/$target"
    cargo fuzz run --fuzz-dir fuzz --target-dir target/fuzz --sanitizer "$sanitizer" "$target" \
        "target/fuzz/corpus/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -len_control=0 -max_len="$([ "$target" = network ] && echo 400 || echo 8192)" \
        -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 -verbosity=0
done
