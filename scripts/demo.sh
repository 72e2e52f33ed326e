#!/usr/bin/env bash
# The main job, on a throwaway server, statement by statement with real output.
#
#   scripts/demo.sh start     make the server, walk through, leave it running
#   scripts/demo.sh stop      stop it and remove its files
#
# Run through `make demo`, which builds first.
set -euo pipefail
. "$(dirname "$0")/common.sh"

home=/tmp/credential_manager-demo-$(id -u)-$(printf %s "$root" | cksum | cut -d' ' -f1)
data=$home/data
step="making the server"

stop_server() {
    if [ -f "$data/postmaster.pid" ]; then
        as_server_user "$bin/pg_ctl" stop -s -m fast -D "$data" || true
    fi
}

# The folder's name can be known to anyone, so it must be ours before anything in it is touched.
check_home() {
    [ -e "$home" ] || return 0
    [ ! -L "$home" ] && [ "$(stat -c %U "$home")" = "$(as_server_user id -un)" ] ||
        die "$home belongs to somebody else: remove it and try again"
}

on_error() {
    printf '\nerror: the demo stopped at: %s\n' "$step" >&2
    if [ -f "$home/server.log" ]; then
        echo "the last lines of the server log ($home/server.log):" >&2
        tail -n 15 "$home/server.log" >&2
    fi
    stop_server
}

free_port() {
    local port
    for port in $(seq 15432 15532); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    die "no free port between 15432 and 15532"
}

start_server() {
    rm -rf "$home"
    mkdir -m 0700 "$home"
    [ "$(id -u)" -ne 0 ] || chown postgres: "$home"
    as_server_user "$bin/initdb" -D "$data" -U postgres --auth-local=trust --auth-host=scram-sha-256 \
        --locale=C --encoding=UTF8 --no-sync >/dev/null
    as_server_user bash -c "umask 077; head -c 32 /dev/urandom >'$home/credential_manager.key'"
    as_server_user tee -a "$data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$home'
fsync = off
shared_preload_libraries = 'credential_manager'
credential_manager.database = 'app'
credential_manager.key_file = '$home/credential_manager.key'
credential_manager.host = '127.0.0.1'
credential_manager.sslmode = 'prefer'
CONF
    as_server_user "$bin/pg_ctl" start -s -w -D "$data" -l "$home/server.log" </dev/null
    "$bin/createdb" -h "$home" -p "$port" -U postgres app
}

# ---- how the walk speaks ----

title() {
    step=$1
    printf '\n\n---- %s\n' "$1"
}

# Statements from standard input, echoed, with their output; ends the demo at the first error.
# $1: whose session the heading tells; $2: how psql connects.
run() {
    printf '\n-- as %s\n' "$1"
    "$bin/psql" -X -e -v ON_ERROR_STOP=1 -P pager=off -P null=- "$2" 2>&1
}
as_superuser() { run "superuser postgres" "host=$home port=$port user=postgres dbname=app"; }
as_default() { run "the default credential" "$default_url"; }

# Shows what a call of credentials.url() tells and keeps it in $url.
show_url() {
    local shown
    shown=$("$1" <<<"SELECT credentials.url('$2');")
    printf '%s\n' "$shown"
    url=$(grep -o 'postgres://[^ ]*' <<<"$shown" | tail -n 1)
}

# One statement as a user types it in a shell; $1 is the URL, $2 the statement.
shell_psql() {
    printf '\n$ psql "%s" -c "%s"\n' "$1" "$2"
    "$bin/psql" -X -P pager=off "$1" -c "$2"
}

# The same where a refusal is what has to be shown.
shell_psql_refused() {
    if shell_psql "$@" 2>&1; then
        echo "error: this should have been refused" >&2
        return 1
    fi
}

# ---- the walk ----

walk() {
    title "Install: preloaded, a key file outside the data directory, one CREATE EXTENSION"
    as_superuser <<'SQL'
SHOW shared_preload_libraries;
CREATE EXTENSION credential_manager;
SELECT * FROM credentials.setup_plan('app_owner');
SELECT * FROM credentials.setup('app_owner');
SQL
    show_url as_superuser default
    default_url=$url

    title "An application with data: pgbench, and two schemas of its own, owned by the default credential"
    echo "\$ pgbench -i (as the default credential)"
    "$bin/pgbench" -i -q "$default_url" 2>&1
    as_default <"$root/scripts/demo_schema.sql"

    title "Create a credential and log in with its URL"
    as_default <<<"SELECT * FROM credentials.create('analyst');"
    local old_url new_url
    show_url as_default analyst
    old_url=$url
    shell_psql "$old_url" "SELECT current_user, inet_server_port() AS port, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

    title "A new credential may connect and nothing else; plain GRANT gives it more"
    shell_psql_refused "$old_url" "SELECT count(*) FROM shop.orders"
    as_default <<'SQL'
GRANT USAGE, CREATE ON SCHEMA shop TO analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO analyst;
SQL
    shell_psql "$old_url" "SELECT count(*) AS orders FROM shop.orders"

    title "List the credentials"
    as_default <<'SQL'
SELECT name, username, state, connections, connection_limit, password_encryption, created_at FROM credentials.list();
SQL

    title "Rotate: a new password at once, the old one is good for nothing"
    as_default <<'SQL'
SELECT name, username, state, deadline FROM credentials.rotate('analyst', force => true);
SELECT * FROM credentials.wait('analyst');
SQL
    show_url as_default analyst
    new_url=$url
    [ "$new_url" != "$old_url" ] || { echo "error: the URL is the same as before" >&2; return 1; }
    shell_psql_refused "$old_url" "SELECT 1"
    shell_psql "$new_url" "SELECT current_user, count(*) AS orders FROM shop.orders GROUP BY 1"

    title "The credential makes objects of its own"
    run "analyst" "$new_url" <<'SQL'
CREATE TABLE shop.best_customers AS
  SELECT customer, sum(amount) AS revenue FROM shop.orders GROUP BY customer ORDER BY revenue DESC LIMIT 10;
CREATE VIEW shop.best_customer AS SELECT * FROM shop.best_customers ORDER BY revenue DESC LIMIT 1;
CREATE SEQUENCE shop.report_number;
SQL

    title "Destroy it: first the plan, then with the database's name as confirmation; its data stays"
    as_default <<'SQL'
SELECT step, database, kind, object, action FROM credentials.destroy_plan('analyst');
SELECT * FROM credentials.destroy('analyst', confirm => 'app');
SELECT * FROM credentials.wait('analyst');
SELECT c.relname, c.relkind, c.relowner::regrole AS owner
  FROM pg_class c WHERE c.relname IN ('best_customers', 'best_customer', 'report_number') ORDER BY 1;
SELECT count(*) AS rows_kept FROM shop.best_customers;
SQL
    shell_psql_refused "$new_url" "SELECT 1"

    title "Repair the default credential after somebody worked as superuser"
    as_superuser <<'SQL'
CREATE TABLE billing.made_by_superuser (id integer PRIMARY KEY, note text);
ALTER VIEW billing.open_invoices OWNER TO postgres;
REVOKE pg_monitor FROM app_owner;
SQL
    as_default <<'SQL'
SELECT step, database, kind, object, action FROM credentials.repair_plan();
SELECT * FROM credentials.repair_default();
SELECT * FROM credentials.wait('default');
SELECT c.relname, c.relowner::regrole AS owner
  FROM pg_class c WHERE c.relname IN ('made_by_superuser', 'open_invoices') ORDER BY 1;
SELECT pg_has_role('app_owner', 'pg_monitor', 'MEMBER') AS monitors_again;
SQL

    title "What happened: jobs and the audit trail"
    as_default <<'SQL'
SELECT job, kind, name, state, done, total, message FROM credentials.jobs();
SELECT id, action, name, effective_role, session_role FROM credentials.events() ORDER BY id;
SQL
}

farewell() {
    cat <<END


The server goes on running, for you to try more:

  as the default credential:  psql '$default_url'
  as superuser:               $bin/psql -h $home -p $port -U postgres app
  manual:                     \\df+ credentials.*
  server log:                 $home/server.log
  stop and remove it:         make demo-stop
END
}

case ${1:-} in
start)
    pg_config=$("$root/scripts/server_copy.sh" demo)
    bin=$("$pg_config" --bindir)
    check_home
    stop_server
    "$root/scripts/install.sh" "$pg_config" "$target/release/libcredential_manager.so"
    port=$(free_port)
    trap on_error ERR
    set -E
    say "starting a throwaway server on 127.0.0.1:$port, files in $home"
    start_server
    walk
    farewell
    ;;
stop)
    check_home
    if [ ! -e "$home" ]; then
        say "no demo is running"
        exit 0
    fi
    bin=$(echo "$(private_place demo)"/usr/lib/postgresql/*/bin)
    stop_server
    rm -rf "$home"
    say "the demo's server is stopped, its files are removed"
    ;;
*) die "scripts/demo.sh start or stop" ;;
esac
