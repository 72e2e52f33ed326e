#!/usr/bin/env bash
# Fetches a PostgreSQL that this system has no package of, to test with, and prints its pg_config.
#
#   scripts/other_server.sh 17|18
#
# The server comes from a newer Debian, unpacked below /var/lib/credential_manager-<version> (1.6 GB; another
# place: CREDENTIAL_MANAGER_SERVERS). It runs without a chroot: each executable is exchanged for a line that
# calls it with the newer Debian's loader and libraries. Those lines find themselves by their own path, so
# that scripts/server_copy.sh can copy them as it copies a server. Nothing outside of that folder is changed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

version=${1:?17 or 18}
case $version in
    17) suite=trixie ;;
    18) suite=forky ;;
    *) die "no Debian is known here that has PostgreSQL $version: 17 or 18" ;;
esac
mirror=${CREDENTIAL_MANAGER_MIRROR:-http://deb.debian.org/debian}
place=${CREDENTIAL_MANAGER_SERVERS:-/var/lib/credential_manager}-$version
bin=$place/usr/lib/postgresql/$version/bin

fetch() {
    command -v debootstrap >/dev/null || die "debootstrap is not here: apt-get install debootstrap"
    local log=$place.log known=()
    # debootstrap may be older than the suite; the suites after bookworm are all made alike.
    [ -e "/usr/share/debootstrap/scripts/$suite" ] || known=(/usr/share/debootstrap/scripts/sid)
    say "fetching PostgreSQL $version of Debian $suite to $place (a minute or two)" >&2
    as_root nice debootstrap --variant=minbase \
        --include="postgresql-$version,postgresql-server-dev-$version" \
        "$suite" "$place" "$mirror" "${known[@]}" >"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; die "debootstrap failed, see $log; remove $place once nothing is mounted below it"; }
}

# The executables move to bin/own; in their place stand the lines that call them.
wrap() {
    local own=$bin/own program
    as_root mkdir -p "$own"
    for program in "$bin"/*; do
        [ -f "$program" ] && head -c 4 "$program" | grep -q ELF || continue
        as_root cp -aL "$program" "$own/"
        printf '#!/bin/sh\nexec %q --library-path %q --argv0 "$0" %q "$@"\n' \
            "$place/usr/lib64/ld-linux-x86-64.so.2" "$place/usr/lib/x86_64-linux-gnu" \
            "$own/${program##*/}" | as_root tee "$program.line" >/dev/null
        as_root chmod 0755 "$program.line"
        as_root mv -f "$program.line" "$program"
    done
}

if [ ! -e "$place/ready" ]; then
    [ -x "$bin/postgres" ] || fetch
    wrap
    "$bin/postgres" --version | grep -q " $version\." || die "$bin/postgres is not a PostgreSQL $version"
    as_root touch "$place/ready"
fi
echo "$bin/pg_config"
