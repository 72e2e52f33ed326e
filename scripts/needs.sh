#!/usr/bin/env bash
# Checks what a build needs and installs the Debian packages that are missing. Quiet when nothing is.
#
#   scripts/needs.sh            compiler, crates and the PostgreSQL 15 packages
#   scripts/needs.sh build      the same without the server: enough for `make install PG_CONFIG=…`
set -euo pipefail
. "$(dirname "$0")/common.sh"

wanted_rust=1.95

check_rust() {
    command -v cargo >/dev/null && command -v rustc >/dev/null || die \
        "cargo is not here. Install Rust $wanted_rust or newer for this user, then open a new shell:
       curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    local have
    have=$(rustc --version | cut -d' ' -f2) || die "rustc does not run (see above); try: rustup default stable"
    [ "$(printf '%s\n' "$wanted_rust" "$have" | sort -V | head -n1)" = "$wanted_rust" ] || die \
        "rustc $have is too old, $wanted_rust or newer is needed: rustup update stable"
}

missing_packages() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# The package postgresql-15 starts a cluster of its own on port 5432. Nobody asked for that one.
no_system_cluster() {
    local conf=/etc/postgresql-common/createcluster.conf
    as_root mkdir -p /etc/postgresql-common
    if ! grep -qs '^create_main_cluster' "$conf"; then
        say "no cluster of its own for the package postgresql-15 (create_main_cluster = false in $conf)"
        echo 'create_main_cluster = false' | as_root tee -a "$conf" >/dev/null
    fi
}

check_packages() {
    local packages=(clang libclang-dev pkg-config gcc libc6-dev make) missing
    [ "${1:-all}" = build ] || packages+=(postgresql-15 postgresql-server-dev-15)
    if ! command -v dpkg-query >/dev/null; then
        [ -x "$system_pg_config" ] || die "this is not Debian and $system_pg_config is not here; install PostgreSQL 15 with its server headers, clang and libclang, and set PG_CONFIG"
        return
    fi
    missing=$(missing_packages "${packages[@]}" | tr '\n' ' ')
    [ -n "${missing// /}" ] || return 0
    say "installing Debian packages: $missing"
    [[ " $missing" == *" postgresql-15 "* ]] && no_system_cluster
    local log
    log=$(mktemp)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 ||
        { cat "$log" >&2; die "apt-get update failed (see above): is there a way to the Debian mirrors from here?"; }
    # shellcheck disable=SC2086 # a list of package names
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "apt-get could not install: $missing(see above)"; }
    rm -f "$log"
}

check_crates() {
    # This machine's crates only: a plain fetch would load those of Windows and others as well.
    local here
    here=$(rustc -vV | sed -n 's/^host: //p')
    cd "$root"
    cargo fetch --locked --offline --target "$here" >/dev/null 2>&1 && return
    say "fetching crates from crates.io"
    cargo fetch --locked --target "$here" || die "the crates could not be fetched (see above): is there a way to crates.io from here, and is Cargo.lock that of Cargo.toml?"
}

check_rust
check_packages "${1:-all}"
check_crates
