#!/bin/sh
# Installs Prometheus, Alertmanager and postgres_exporter for the tests where root and apt can; where not, those tests say
# why they are left out. The tests start their own: the services of the packages are kept from starting.
set -eu

packages="prometheus prometheus-alertmanager prometheus-postgres-exporter"
missing=""
for name in $packages; do
    command -v "$name" >/dev/null 2>&1 || missing="$missing $name"
done
if [ -z "$missing" ]; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then exit 0; fi
echo "installing$missing for the tests of alerts" >&2
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
# shellcheck disable=SC2086  a list of names
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
    >/dev/null 2>&1 || echo "apt-get could not install them: those tests will be left out" >&2
