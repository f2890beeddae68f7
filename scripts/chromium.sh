#!/bin/sh
# Installs a Chromium where root and apt can: `chromium` for the browser tests (the default), which else say why they are
# left out, or `chromium-headless-shell` for proofs, which has no windows that would take time from the measured page.
set -eu

package="${1:-chromium}"
if [ -n "${PACK2_CHROMIUM:-}" ]; then exit 0; fi
names=$package
if [ "$package" = chromium ]; then names="chromium chromium-browser google-chrome google-chrome-stable chrome"; fi
for name in $names; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then exit 0; fi
echo "installing $package" >&2
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >/dev/null 2>&1 ||
    echo "apt-get could not install $package" >&2
