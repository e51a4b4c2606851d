#!/usr/bin/env bash
# Finds, or sets up, the two Rusts the build uses, and leaves them as links:
#
#   target/rust/native/{cargo,rustc,...}   builds for this machine: the cargo on PATH, where it runs and is new enough
#   target/rust/wasm/{cargo,rustc,...}     builds wasm: has the standard library's source, because threads
#                                          need a standard library compiled with atomics
#
# What is installed already is preferred to what would have to be downloaded. Says in one line what it took.
set -euo pipefail
cd "$(dirname "$0")/.."

OLDEST=1.88    # `rust-version` in Cargo.toml
RUSTUP=1.96.0  # what rustup is asked for: a pinned stable, so that nobody's own nightly is changed
DEBIAN="rustc-web cargo-web rust-web-src lld-22"
export RUSTUP_AUTO_INSTALL=0
unset RUSTUP_TOOLCHAIN

# version DIR: "1.96.0", or nothing when DIR/cargo or DIR/rustc does not run or is too old.
version() {
    local found
    "$1/cargo" --version >/dev/null 2>&1 || return 0
    found=$("$1/rustc" --version 2>/dev/null | cut -d' ' -f2) || return 0
    [ "$(printf '%s\n' "$OLDEST" "${found%%-*}" | sort -V | head -n 1)" = "$OLDEST" ] && echo "$found" || true
}

# can_wasm DIR: does the Rust in DIR have the standard library's source and a wasm linker?
can_wasm() {
    [ -n "$(version "$1")" ] || return 1
    local sysroot host
    sysroot=$("$1/rustc" --print sysroot)
    host=$("$1/rustc" -vV | sed -n 's/^host: //p')
    [ -f "$sysroot/lib/rustlib/src/rust/library/std/Cargo.toml" ] || return 1
    [ -x "$sysroot/lib/rustlib/$host/bin/rust-lld" ] || command -v rust-lld >/dev/null || return 1
}

# link DIR NAME: points target/rust/NAME at the programs of DIR.
link() {
    local program
    rm -rf "target/rust/$2"
    mkdir -p "target/rust/$2"
    for program in cargo rustc rustdoc rustfmt cargo-fmt cargo-clippy clippy-driver; do
        [ ! -x "$1/$program" ] || ln -s "$1/$program" "target/rust/$2/$program"
    done
}

# The folders on PATH that hold a cargo, in order.
on_path() {
    type -ap cargo | sed 's,/cargo$,,' | awk '!seen[$0]++' || true
}

# The folders of rustup's own toolchains, nightly first.
of_rustup() {
    command -v rustup >/dev/null || return 0
    rustup toolchain list -v 2>/dev/null | awk '{ print ($1 ~ /^nightly/ ? 0 : 1), $NF "/bin" }' | sort -s -k 1,1 | cut -d' ' -f2- || true
}

find_wasm() {
    local dir
    while read -r dir; do
        if can_wasm "$dir"; then echo "$dir" && return; fi
    done < <(of_rustup; on_path; echo /usr/bin)
}

# A short question first: an unreachable server must not hold up the build.
rustup_reachable() {
    command -v rustup >/dev/null && python3 - <<'P' 2>/dev/null
import os, urllib.request
server = os.environ.get("RUSTUP_DIST_SERVER", "https://static.rust-lang.org")
urllib.request.urlopen(server + "/dist/channel-rust-stable.toml.sha256", timeout=5)
P
}

install_wasm() {
    if rustup_reachable; then
        echo "rust: asking rustup for $RUSTUP with rust-src and the wasm target"
        timeout 600 rustup toolchain install "$RUSTUP" --profile minimal --no-self-update \
            --component rust-src --target wasm32-unknown-unknown && return
        echo "rust: rustup could not; trying Debian's packages"
    fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        .make/apt.sh $DEBIAN && return
    fi
    echo "rust: no Rust here can build wasm with threads. Run one of these, then make again:" >&2
    echo "  rustup toolchain install $RUSTUP --component rust-src --target wasm32-unknown-unknown" >&2
    echo "  sudo apt-get install $DEBIAN     (Debian)" >&2
    return 1
}

if can_wasm target/rust/wasm && [ -n "$(version target/rust/native)" ]; then exit 0; fi

wasm=$(find_wasm)
if [ -z "$wasm" ]; then
    install_wasm
    wasm=$(find_wasm)
    [ -n "$wasm" ] || { echo "rust: what was installed still cannot build wasm; see above" >&2; exit 1; }
fi
link "$wasm" wasm

native=
while read -r dir; do
    if [ -n "$(version "$dir")" ]; then native=$dir && break; fi
done < <(on_path)
native=${native:-$wasm}
link "$native" native

echo "rust: native $(version target/rust/native) ($native), wasm $(version target/rust/wasm) ($wasm)"
