#!/usr/bin/env bash
# Makes a private copy of the PostgreSQL server below the build folder and prints its pg_config.
#
#   scripts/server_copy.sh test|demo|bench
#
# Tests and demo install into that copy and leave the system's server as it is. PostgreSQL finds its
# libraries and share files relative to the executable, so a copied bin/ with the same neighbours works.
# Executables are copied (links are resolved before looking for neighbours), all else is linked.
set -euo pipefail
. "$(dirname "$0")/common.sh"

flavour=${1:?test, demo or bench}
[ -x "$system_pg_config" ] || die "no pg_config at $system_pg_config: set PG_CONFIG"
place=$(private_place "$flavour")
bin=$("$system_pg_config" --bindir)
lib=$("$system_pg_config" --pkglibdir)
share=$("$system_pg_config" --sharedir)

[ -x "$bin/postgres" ] || die "no server next to $system_pg_config ($bin/postgres is not here)"
stamp="$("$bin/postgres" --version) $(stat -c '%n %i %s %Y' "$bin/postgres")"
if [ "$(cat "$place/stamp" 2>/dev/null)" != "$stamp" ]; then
    # Told on stderr: stdout is for the path.
    say "copying the server of $bin to $place" >&2
    rm -rf "$place"
    mkdir -p "$place$bin" "$place$lib" "$place$share"
    cp -a --reflink=auto "$bin/." "$place$bin/"
    cp -as "$lib/." "$place$lib/"
    cp -as "$share/." "$place$share/"
    # What an installed credential_manager left there would stand in for ours.
    rm -f "$place$lib"/credential_manager.so "$place$share"/extension/credential_manager*
    printf '%s' "$stamp" >"$place/stamp"
fi
# For a build against the copy, as `make install PG_CONFIG=…` with a server in a place of its own.
headers=$("$system_pg_config" --includedir-server)
if [ -d "$headers" ] && [ ! -e "$place$headers" ]; then
    mkdir -p "$(dirname "$place$headers")"
    ln -s "$headers" "$place$headers"
fi
copied=$place$bin/pg_config
for word in --bindir --pkglibdir --sharedir; do
    case $("$copied" $word) in
        "$place"/*) ;;
        *) die "the copy in $place still points at the system ($word): this server cannot be relocated" ;;
    esac
done
# For the tests, which run these executables: a server of another version stands deeper in the copy.
printf '%s' "$place$bin" >"$place/executables"
mkdir -p "$target"
printf '%s' "$place" >"$target/server-$flavour"
echo "$copied"
