# Shared by the scripts of this folder: how to speak, how to fail, where the private server lives.
# Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
system_pg_config=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}

# A server that inherits RUST_BACKTRACE puts a Rust backtrace into DETAIL of every error; PG* would
# send psql and friends elsewhere.
unset RUST_BACKTRACE PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGPASSFILE PGDATABASE PGSERVICE PGOPTIONS PGSSLMODE PGDATA

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# PostgreSQL refuses to run as root: there it runs as the user postgres, elsewhere as whoever calls.
as_server_user() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root and there is no sudo here; as root, run: $*"
    fi
}

# The folder of a private server copy ("test", "demo" or "bench"). It must be open to the user that the server
# runs as; a checkout below a closed folder such as /root is not, and then a folder in /tmp is taken.
private_place() {
    local inside=$target/server outside
    mkdir -p "$inside"
    if as_server_user test -r "$inside" -a -x "$inside"; then
        echo "$inside/$1"
        return
    fi
    outside=/tmp/credential_manager-$(id -u)-$(printf %s "$root" | cksum | cut -d' ' -f1)
    mkdir -m 0755 "$outside" 2>/dev/null || true
    # Anyone may make a folder of that name in /tmp; what lies in a stranger's folder is not run.
    if [ -L "$outside" ] || [ "$(stat -c %u "$outside")" != "$(id -u)" ]; then
        die "$outside belongs to somebody else; remove it, or set CARGO_TARGET_DIR to a folder that the server's user can read"
    fi
    echo "$outside/$1"
}
