#!/usr/bin/env bash
# apt.sh PACKAGE...: installs Debian packages, as root, removing none. Quiet unless it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target
echo "apt-get install $*"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-remove "$@"; } >target/apt.log 2>&1 </dev/null; then
    tail -n 20 target/apt.log >&2
    echo "apt-get could not install: $* (all of it in target/apt.log)" >&2
    exit 1
fi
