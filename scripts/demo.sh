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

# By the system's pg_ctl, which is there even where `cargo clean` has taken the demo's own away.
stop_server() {
    local pg_ctl
    pg_ctl=$("$system_pg_config" --bindir)/pg_ctl
    if as_server_user "$pg_ctl" status -D "$data" >/dev/null 2>&1; then
        as_server_user "$pg_ctl" stop -s -m fast -D "$data"
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
    stop_server || true
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
    "$bin/psql" -X -e -v ON_ERROR_STOP=1 -P pager=off "$2" 2>&1
}
as_superuser() { run "superuser postgres" "host=$home port=$port user=postgres dbname=app"; }
as_default() { run "the default credential" "$default_url"; }

# Shows what a call of credentials.url() tells and keeps it in $url. $1: who asks; $2: the call.
show_url() {
    local shown
    shown=$("$1" <<<"$2")
    printf '%s\n' "$shown"
    url=$(grep -o 'postgres://[^ ]*' <<<"$shown" | tail -n 1)
}

# A statement that has to be refused, for the words of the refusal.
refused() {
    if "$@"; then
        echo "error: this should have been refused" >&2
        return 1
    fi
}

# One statement as a user types it in a shell; $1 is the URL, $2 the statement.
shell_psql() {
    printf '\n$ psql "%s" -c "%s"\n' "$1" "$2"
    "$bin/psql" -X -P pager=off "$1" -c "$2" 2>&1
}

# Leaves a session of the credential open, as a forgotten psql or a thief would. $1: its URL.
open_session() {
    printf '\n$ psql "%s" -c "SELECT pg_sleep(600)" &\n' "$1"
    "$bin/psql" -X "$1" -c "SELECT pg_sleep(600)" >"$home/session.out" 2>&1 &
    session=$!
    until [ "$("$bin/psql" -XAt -h "$home" -p "$port" -U postgres app \
        -c "SELECT connections FROM credentials.list() WHERE name = 'analyst'")" = 1 ]; do
        kill -0 "$session" || { cat "$home/session.out"; return 1; }
        sleep 0.05
    done
}

# What became of it.
closed_session() {
    wait "$session" || true
    printf '\nThe session that was open got:\n'
    head -n 1 "$home/session.out"
    rm "$home/session.out"
}

# ---- the walk ----

walk() {
    title "A server with the extension: five lines of postgresql.conf and a key file"
    grep -E '^(shared_preload_libraries|credential_manager\.)' "$data/postgresql.conf"
    printf '\n$ head -c 32 /dev/urandom > credential_manager.key   (outside the data directory)\n'
    ls -l "$home/credential_manager.key"

    title "Install and set up: what setup would do first, then setup"
    as_superuser <<'SQL'
CREATE EXTENSION credential_manager;
SELECT step, action, object, note FROM credentials.setup_plan('app_owner') WHERE object NOT LIKE 'function %';
SELECT * FROM credentials.setup('app_owner');
SQL
    show_url as_superuser "SELECT credentials.url('default');"
    default_url=$url

    title "An application with data: pgbench, and two schemas of its own, owned by the default credential"
    printf '\n$ pgbench -i "%s"\n' "$default_url"
    "$bin/pgbench" -i -q "$default_url" 2>&1 | tail -n 1
    printf '\n$ psql "%s" -f scripts/demo_schema.sql\n' "$default_url"
    "$bin/psql" -X -q -v ON_ERROR_STOP=1 "$default_url" -f - <"$root/scripts/demo_schema.sql" 2>&1
    as_default <<'SQL'
SELECT table_schema AS schema, count(*) AS relations FROM information_schema.tables
 WHERE table_schema IN ('public', 'shop', 'billing') GROUP BY 1 ORDER BY 1;
SQL

    title "Create a credential and log in with its URL"
    as_default <<<"SELECT * FROM credentials.create('analyst', access => 'read_only', schemas => '{shop}');"
    local old_url new_url
    show_url as_default "SELECT credentials.url('analyst');"
    old_url=$url
    shell_psql "$old_url" "SELECT current_user, current_database()"

    title "It reads its schema, what is there and what anybody makes there later; plain GRANT gives it more"
    shell_psql "$old_url" "SELECT count(*) AS orders FROM shop.orders"
    refused shell_psql "$old_url" "DELETE FROM shop.orders"
    as_default <<'SQL'
CREATE TABLE shop.returns (id integer PRIMARY KEY, reason text);
GRANT CREATE ON SCHEMA shop TO analyst;
SQL
    shell_psql "$old_url" "SELECT count(*) AS returns FROM shop.returns"
    as_default <<'SQL'
SELECT user_name, schema_name, table_name, privilege_types FROM credentials.table_privileges('analyst');
SELECT * FROM credentials.why('shop.orders', 'SELECT', 'analyst');
SQL

    title "Set up an app from one document: what would be done, then the same for good; the second time nothing"
    as_default <<'SQL'
SELECT step, action, object, statement FROM credentials.plan(credentials.layout('owner_writer_reader', 'blog'));
SELECT count(*) AS steps FROM credentials.apply(credentials.layout('owner_writer_reader', 'blog'));
SELECT count(*) AS steps FROM credentials.apply(credentials.layout('owner_writer_reader', 'blog'));
SELECT name, access, read_only, connection_limit FROM credentials.list();
SQL

    title "List the credentials"
    open_session "$old_url"
    as_default <<'SQL'
SELECT name, username, state, connections, connection_limit, password_encryption FROM credentials.list();
SELECT * FROM credentials.list() WHERE name = 'analyst' \gx
SQL

    title "Rotate without downtime: the new password logs in under a second username, the old one goes on for a while"
    as_default <<'SQL'
SELECT name, username, state, deadline - now() AS "at the latest in" FROM credentials.rotate('analyst');
SELECT username, state, connections FROM credentials.usernames('analyst');
SQL
    shell_psql "$old_url" "SELECT session_user, current_user"
    show_url as_default "SELECT credentials.url('analyst');"
    shell_psql "$url" "SELECT session_user, current_user, count(*) AS orders FROM shop.orders GROUP BY 1, 2"

    title "Rotate after a leak: a new password at once, old sessions ended, the old password good for nothing"
    as_default <<'SQL'
SELECT name, username, state FROM credentials.rotate('analyst', force => true);
SELECT * FROM credentials.wait('analyst');
SQL
    closed_session
    refused shell_psql "$old_url" "SELECT 1"
    show_url as_default "SELECT credentials.url('analyst');"
    new_url=$url
    [ "$new_url" != "$old_url" ] || { echo "error: the URL is the same as before" >&2; return 1; }
    shell_psql "$new_url" "SELECT current_user, count(*) AS orders FROM shop.orders GROUP BY 1"

    title "An app gets the URL as a config variable, which follows each rotation"
    as_default <<'SQL'
SELECT * FROM credentials.attach('analyst', 'dashboard');
SELECT * FROM credentials.config_vars('dashboard');
SELECT name, username, state FROM credentials.rotate('analyst');
SELECT * FROM credentials.config_vars('dashboard');
SELECT name, username, state FROM credentials.rotate('analyst', force => true);
SELECT * FROM credentials.wait('analyst');
SQL
    show_url as_default "SELECT value FROM credentials.config_vars('dashboard');"
    new_url=$url
    shell_psql "$new_url" "SELECT current_user, count(*) AS orders FROM shop.orders GROUP BY 1"
    refused as_default <<'SQL'
SELECT * FROM credentials.destroy('analyst', confirm => 'app');
SQL
    as_default <<'SQL'
SELECT * FROM credentials.detach('DATABASE_URL', 'dashboard');
SQL

    title "The credential makes objects of its own"
    run "analyst" "$new_url" <<'SQL'
CREATE TABLE shop.best_customers AS
  SELECT customer, sum(amount) AS revenue FROM shop.orders GROUP BY customer ORDER BY revenue DESC LIMIT 10;
CREATE VIEW shop.best_customer AS SELECT * FROM shop.best_customers ORDER BY revenue DESC LIMIT 1;
CREATE SEQUENCE shop.report_number;
SQL

    title "Destroy it: the plan, a call without confirmation, then the real one; its data stays"
    as_default <<'SQL'
SELECT step, database, kind, object, action, note FROM credentials.destroy_plan('analyst');
SQL
    refused as_default <<'SQL'
SELECT * FROM credentials.destroy('analyst');
SQL
    as_default <<'SQL'
SELECT * FROM credentials.destroy('analyst', confirm => 'app');
SELECT * FROM credentials.wait('analyst');
SELECT relname, relowner::regrole AS owner FROM pg_class
 WHERE relname IN ('best_customers', 'best_customer', 'report_number') ORDER BY 1;
SELECT count(*) AS rows_kept FROM shop.best_customers;
SQL
    refused shell_psql "$new_url" "SELECT 1"

    title "Repair the default credential after somebody worked as superuser"
    as_superuser <<'SQL'
CREATE TABLE billing.made_by_superuser (id integer PRIMARY KEY, note text);
ALTER VIEW billing.open_invoices OWNER TO postgres;
REVOKE pg_monitor FROM app_owner;
SQL
    as_default <<'SQL'
SELECT step, database, kind, object, action, note FROM credentials.repair_plan();
SELECT * FROM credentials.repair_default();
SELECT * FROM credentials.wait('default');
SELECT relname, relowner::regrole AS owner FROM pg_class
 WHERE relname IN ('made_by_superuser', 'open_invoices') ORDER BY 1;
SELECT * FROM credentials.repair_plan();
SQL

    title "What a careful DBA would look at, with the statement that mends it"
    as_superuser <<'SQL'
SELECT severity, code, object, remedy FROM credentials.check();
SQL

    title "What happened: jobs, the audit trail, and a line of the server log"
    as_default <<'SQL'
SELECT job, kind, name, state, done, total FROM credentials.jobs();
SELECT id, action, name, effective_role, application_name, detail FROM credentials.events();
SQL
    printf '\n$ grep destroy server.log | tail -n 1\n'
    grep 'credential_manager: destroy' "$home/server.log" | tail -n 1
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
    trap 'on_error; exit 130' INT TERM
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
    stop_server
    rm -rf "$home"
    say "the demo's server is stopped, its files are removed"
    ;;
*) die "scripts/demo.sh start or stop" ;;
esac
