#!/usr/bin/env bash
# Checks what a build needs and installs the Debian packages that are missing. Quiet when nothing is.
#
#   scripts/needs.sh            compiler, crates and the PostgreSQL 15 packages
#   scripts/needs.sh build      the same without the server: enough for `make install PG_CONFIG=…`
#   scripts/needs.sh clients    what the tests of real clients, poolers, monitoring and migrations run
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

apt_install() {
    local log
    log=$(mktemp)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 ||
        { cat "$log" >&2; die "apt-get update failed (see above): is there a way to the Debian mirrors from here?"; }
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "apt-get could not install: $* (see above)"; }
    rm -f "$log"
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
    # shellcheck disable=SC2086 # a list of package names
    apt_install $missing
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

# ---- clients: what the tests run besides the server ----

clients=$target/clients

# Debian starts the service of a package that it installs, unless this file says no. One that is there already is
# put aside meanwhile, and back.
policy=/usr/sbin/policy-rc.d
aside=$policy.before-credential_manager

start_no_services() {
    [ ! -e "$policy" ] || [ -e "$aside" ] || as_root mv "$policy" "$aside"
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 0755 "$policy"
}

services_as_before() {
    if [ -e "$aside" ]; then as_root mv -f "$aside" "$policy"; else as_root rm -f "$policy"; fi
}

check_client_packages() {
    local packages=(pgbouncer sqitch libdbd-pg-perl prometheus-postgres-exporter openssl) missing program
    if ! command -v dpkg-query >/dev/null; then
        for program in pgbouncer sqitch prometheus-postgres-exporter openssl npm; do
            PATH=$PATH:/usr/sbin command -v "$program" >/dev/null ||
                die "$program is not here, and this is not Debian: install it, so that the tests can run it"
        done
        return
    fi
    if [ -x /usr/bin/python3 ]; then packages+=(python3-venv); else python >/dev/null || packages+=(python3 python3-venv); fi
    [ "$(node_major)" -ge 18 ] && command -v npm >/dev/null || packages+=(nodejs npm)
    missing=$(missing_packages "${packages[@]}" | tr '\n' ' ')
    [ -n "${missing// /}" ] || return 0
    say "installing Debian packages for tests with real clients (no service is started): $missing"
    trap services_as_before EXIT
    start_no_services
    # shellcheck disable=SC2086 # a list of package names
    apt_install $missing
    services_as_before
    trap - EXIT
    # Nor at the next boot: nobody asked for the services.
    for program in pgbouncer prometheus-postgres-exporter; do
        [[ " $missing" != *" $program "* ]] || ! command -v systemctl >/dev/null ||
            as_root systemctl disable "$program" >/dev/null 2>&1 || true
    done
}

node_major() {
    local version
    version=$(node --version 2>/dev/null) || { echo 0; return; }
    version=${version#v}
    echo "${version%%.*}"
}

# The system's own Python where there is one: a version manager's may go with its next update.
python() {
    local candidate
    for candidate in /usr/bin/python3 python3; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null && { echo "$candidate"; return; }
    done
    return 1
}

check_python_clients() {
    local wanted=$root/tests/clients/requirements.txt log=$clients/pip.log python
    python=$(python) || die "no Python 3.9 or newer is here: apt-get install python3 python3-venv"
    say "installing Python clients from PyPI into $clients/venv"
    "$python" -m venv --clear "$clients/venv" >"$log" 2>&1 ||
        { cat "$log" >&2; die "no virtual environment could be made (see above): apt-get install python3-venv"; }
    "$clients/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps \
        -r "$wanted" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "pip could not install what $wanted names (see above): is there a way to pypi.org from here?"; }
}

check_node_clients() {
    local log=$clients/npm.log
    say "installing Node clients from the npm registry into $clients/node_modules"
    cp "$root/tests/clients/package.json" "$root/tests/clients/package-lock.json" "$clients/"
    (cd "$clients" && npm ci --no-audit --no-fund --ignore-scripts) >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "npm ci failed (see above): is there a way to registry.npmjs.org from here?"; }
}

# All is as this checkout wants it where the stamp says so, and nothing was removed since.
clients_are_here() {
    [ "$(cat "$clients/stamp" 2>/dev/null)" = "$1" ] || return 1
    [ -x "$clients/venv/bin/python" ] && [ -d "$clients/node_modules/pg" ] || return 1
    PATH=$PATH:/usr/sbin command -v pgbouncer sqitch prometheus-postgres-exporter >/dev/null
}

check_clients() {
    local wanted
    wanted=$(cat "$root/scripts/needs.sh" "$root"/tests/clients/{requirements.txt,package-lock.json} | cksum)
    clients_are_here "$wanted" && return
    mkdir -p "$clients"
    # Two suites may be started at once in one checkout.
    exec 9>"$clients/lock"
    flock 9
    clients_are_here "$wanted" && return
    check_client_packages
    check_python_clients
    check_node_clients
    echo "$wanted" >"$clients/stamp"
}

case ${1:-all} in
clients) check_clients ;;
all | build)
    check_rust
    check_packages "${1:-all}"
    check_crates
    ;;
*) die "unknown word: $1 (nothing, build or clients)" ;;
esac
