#!/usr/bin/env bash
# The browsers the tests drive: Chromium with its driver, Firefox, and WebKitGTK's driver under a virtual screen.
# Installs Debian's packages when root; else says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
have() { for name in "$@"; do if command -v "$name" >/dev/null; then return 0; fi; done; return 1; }
have chromium google-chrome || packages+=(chromium)
have chromedriver || packages+=(chromium-driver)
have firefox-esr firefox || packages+=(firefox-esr)
have WebKitWebDriver || packages+=(webkit2gtk-driver)
have xvfb-run || packages+=(xvfb xauth)

[ ${#packages[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    .make/apt.sh "${packages[@]}"
else
    echo "browsers: the tests need these too. On Debian: sudo apt-get install ${packages[*]}" >&2
    exit 1
fi
