#!/bin/sh
# Makes .venv from requirements.lock, with hashes, under the user's own pip configuration.
# A .venv without .venv/ready is half of one, left by a kill: it is made again.
set -eu
python=${1:-python3}
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 2; }

command -v "$python" >/dev/null 2>&1 ||
    fail "there is no $python here: install Python 3.11 or newer, or name one with PYTHON=/path/to/python3"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is Python $version, and 3.11 or newer is needed: install one and name it with PYTHON=/path/to/python3"

install_venv() {
    package="python$version-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing $package, which this system's Python lacks"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >/dev/null ||
            fail "apt-get could not install $package: install it and run this again"
    else
        fail "this Python cannot make virtual environments: run \`sudo apt-get install $package\` and run this again"
    fi
}

"$python" -c 'import ensurepip, venv' 2>/dev/null || install_venv

if [ ! -e .venv/ready ]; then
    rm -rf .venv
    "$python" -m venv .venv
fi
rm -f .venv/ready

count=$(grep -c '^[a-zA-Z0-9]' requirements.lock)
say "installing $count locked packages into .venv"
PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python scripts/install.py || exit 2
touch .venv/ready
