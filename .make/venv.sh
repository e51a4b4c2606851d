#!/usr/bin/env bash
# The Python the tests use, with tests/requirements.txt, in target/venv.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! target/venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf target/venv
    if ! python3 -m venv target/venv >/dev/null 2>&1; then
        # Debian ships Python without it.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            .make/apt.sh python3-venv
        else
            echo "python: 'python3 -m venv' does not work here. On Debian: sudo apt-get install python3-venv" >&2
            exit 1
        fi
        rm -rf target/venv
        python3 -m venv target/venv
    fi
fi
echo "python: $(target/venv/bin/python --version | cut -d' ' -f2) in target/venv, with tests/requirements.txt"
target/venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
