#!/usr/bin/env bash
# Installs a build into the server that a pg_config describes.
#
#   scripts/install.sh PG_CONFIG LIBRARY
#
# The extension's install script is what scripts/install_script prints; upgrade scripts
# (sql/credential_manager--A--B.sql) are copied as they are. The version is that of Cargo.toml.
set -euo pipefail
. "$(dirname "$0")/common.sh"

pg_config=${1:?pg_config}
library=${2:?shared library}
[ -x "$pg_config" ] || die "no pg_config at $pg_config: make install PG_CONFIG=/path/to/pg_config"
[ -f "$library" ] || die "no library at $library: build first"
pkglibdir=$("$pg_config" --pkglibdir)
extension=$("$pg_config" --sharedir)/extension
version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' "$root/Cargo.toml" | head -n1)
[ -n "$version" ] || die "no version in Cargo.toml"
cd "$root"

as_owner() { "$@"; }
if ! [ -w "$pkglibdir" ] || ! [ -w "$extension" ]; then
    say "writing to $pkglibdir needs root"
    as_owner() { as_root "$@"; }
fi

# New file, then rename: a running server keeps the inode that it has mapped.
put() {
    local mode=$1 from=$2 to=$3
    as_owner install -m "$mode" "$from" "$to.new"
    as_owner mv -f "$to.new" "$to"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed "s/@CARGO_VERSION@/$version/g" credential_manager.control >"$work/control"
scripts/install_script >"$work/script"

put 0755 "$library" "$pkglibdir/credential_manager.so"
put 0644 "$work/script" "$extension/credential_manager--$version.sql"
for upgrade in sql/credential_manager--*--*.sql; do
    [ -f "$upgrade" ] && put 0644 "$upgrade" "$extension/$(basename "$upgrade")"
done
put 0644 "$work/control" "$extension/credential_manager.control"
say "credential_manager $version installed for $("$pg_config" --version) ($pkglibdir)"
