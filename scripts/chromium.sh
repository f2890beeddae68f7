#!/bin/sh
# Installs Chromium for the browser tests where root and apt can; where not, those tests say why they are left out.
set -eu

for name in "${PACK2_CHROMIUM:-chromium}" chromium-browser google-chrome google-chrome-stable chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then exit 0; fi
echo "installing chromium for the browser tests" >&2
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1 ||
    echo "apt-get could not install chromium: the browser tests will be left out" >&2
