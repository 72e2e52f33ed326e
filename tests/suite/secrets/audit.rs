//! Each call that changes something or tells a secret: one event, one line, with the three roles of the caller. What is
//! refused, rolled back or read-only: the line. Reads: neither. And nobody writes the trail but the extension.

use postgres::Client;

use super::{one, ready, row, steps, text};
use crate::harness::{expect_error, Cluster};

/// Events that sessions of the test left, not those of the worker.
fn events(client: &mut Client) -> i64 {
    let sql = "SELECT count(*) FROM credentials.event WHERE application_name = 'harness'";
    client.query_one(sql, &[]).unwrap().get(0)
}

/// The lines that calls left in the server log.
fn lines(cluster: &Cluster) -> Vec<String> {
    let log = cluster.log();
    let calls = log.lines().filter(|line| {
        line.contains("LOG:  credential_manager: ") && line.contains("; effective role")
    });
    calls
        .map(|line| {
            line.split("credential_manager: ")
                .nth(1)
                .unwrap()
                .to_owned()
        })
        .collect()
}

/// Runs `sql` in `session`, expects as many events and one line that says `ended`, and gives the line.
#[track_caller]
fn leaves(
    cluster: &Cluster,
    session: &mut Client,
    sql: &str,
    state: Option<&str>,
    made: i64,
) -> Option<String> {
    let mut su = cluster.superuser("app");
    let (events_before, lines_before) = (events(&mut su), lines(cluster).len());
    match state {
        None => session
            .batch_execute(sql)
            .unwrap_or_else(|e| panic!("{sql}: {e:?}")),
        Some(state) => drop(expect_error(session, sql, state)),
    }
    assert_eq!(events(&mut su) - events_before, made, "events of: {sql}");
    let all = lines(cluster);
    assert!(
        all.len() - lines_before <= 1,
        "{sql}: {:?}",
        &all[lines_before..]
    );
    all.get(lines_before).cloned()
}

#[test]
fn a_call_that_changes_something_or_tells_a_secret_leaves_one_event_and_one_line() {
    let (mut su, cluster) = ready();
    su.batch_execute("CREATE ROLE known LOGIN PASSWORD 'a password that is known already'")
        .unwrap();
    for (sql, function, made) in [
        ("SELECT credentials.create('alice')", "create \"alice\"", 1),
        ("SELECT credentials.create('bob', valid_for => '1 h', password => 'a password that somebody chose')", "create \"bob\"", 1),
        ("SELECT credentials.configure('alice', 5, '{\"statement_timeout\": \"30s\"}')", "configure \"alice\"", 1),
        ("SELECT credentials.rotate('alice', force => true)", "rotate \"alice\"", 1),
        ("SELECT credentials.wait('alice'); SELECT credentials.rotate('alice', overlap => '0')", "rotate \"alice\"", 1),
        ("SELECT credentials.set_password('alice')", "set_password \"alice\"", 1),
        ("SELECT credentials.set_password('alice', 'a password that somebody chose')", "set_password \"alice\"", 1),
        ("SELECT credentials.extend('bob', '2 h')", "extend \"bob\"", 1),
        ("SELECT credentials.url('alice')", "url \"alice\"", 1),
        ("SELECT credentials.connection_info('alice')", "connection_info \"alice\"", 1),
        ("SELECT credentials.suspend('alice')", "suspend \"alice\"", 1),
        ("SELECT credentials.resume('alice')", "resume \"alice\"", 1),
        ("SELECT credentials.adopt('known')", "adopt \"known\"", 1),
        ("SELECT credentials.release('known')", "release \"known\"", 1),
        ("SELECT credentials.repair_default()", "repair_default", 1),
        ("SELECT credentials.rotate_all(force => true)", "rotate_all", 3),
        ("SELECT credentials.destroy('bob', confirm => 'app')", "destroy \"bob\"", 1),
    ] {
        let line = leaves(&cluster, &mut su, sql, None, made).unwrap_or_else(|| panic!("no line: {sql}"));
        assert!(line.starts_with(&format!("{function}: done; effective role \"postgres\" (10), outer role \"postgres\", session role \"postgres\"")), "{line}");
        // The latest event says the same.
        let told = row(&mut su, "SELECT action, effective_role, outer_role, session_role FROM credentials.event WHERE application_name = 'harness' ORDER BY id DESC LIMIT 1");
        let action = function.split(' ').next().unwrap();
        assert_eq!(told, [action, "postgres", "postgres", "postgres"].map(|t| Some(t.to_owned())), "{sql}");
    }
    assert_eq!(
        text(&mut su, "SELECT state FROM credentials.wait('bob')"),
        "destroyed"
    );
}

#[test]
fn what_changes_nothing_and_what_reads_leaves_neither() {
    let (mut su, cluster) = ready();
    steps(
        &mut su,
        &[
            "SELECT credentials.create('alice')",
            "SELECT credentials.suspend('alice')",
            "SELECT credentials.wait()",
        ],
    );
    su.batch_execute("CREATE ROLE known LOGIN; SELECT credentials.adopt('known')")
        .unwrap();
    for sql in [
        "SELECT credentials.list()",
        "SELECT credentials.usernames()",
        "SELECT credentials.jobs()",
        "SELECT credentials.events()",
        "SELECT credentials.setup_plan()",
        "SELECT credentials.destroy_plan('alice')",
        "SELECT credentials.repair_plan()",
        "SELECT credentials.wait()",
        "SELECT credentials.setup()",
        "SELECT credentials.create('alice', if_not_exists => true)",
        "SELECT credentials.suspend('alice')",
        "SELECT credentials.resume('known')",
        "SELECT credentials.reseal()",
        "SELECT credentials.configure('alice')",
        "SELECT credentials.claim('app')",
        "SELECT credentials.url('known')",
        "SELECT credentials.rotate_all(force => true, older_than => '1 day')",
    ] {
        assert_eq!(leaves(&cluster, &mut su, sql, None, 0), None, "{sql}");
    }
    expect_error(&mut su, "SELECT credentials.usernames('nobody')", "42704");
    assert!(!lines(&cluster)
        .iter()
        .any(|line| line.starts_with("usernames")));
}

#[test]
fn what_is_refused_rolled_back_or_read_only_leaves_the_line_alone() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    for (sql, state, line) in [
        (
            "SELECT credentials.create('alice')",
            "42710",
            "create \"alice\": refused (42710)",
        ),
        (
            "SELECT credentials.create(NULL)",
            "22023",
            "create: refused (22023)",
        ),
        (
            "SELECT credentials.create('pg_x')",
            "42939",
            "create \"pg_x\": refused (42939)",
        ),
        (
            "SELECT credentials.rotate('nobody', force => true)",
            "42704",
            "rotate \"nobody\": refused (42704)",
        ),
        (
            "SELECT credentials.set_password('alice', 'short')",
            "22023",
            "set_password \"alice\": refused (22023)",
        ),
        (
            "SELECT credentials.destroy('alice')",
            "22023",
            "destroy \"alice\": refused (22023)",
        ),
        (
            "SELECT credentials.suspend('default')",
            "42501",
            "suspend \"default\": refused (42501)",
        ),
        (
            "SELECT credentials.url('nobody')",
            "42704",
            "url \"nobody\": refused (42704)",
        ),
        (
            "SELECT credentials.cancel_job(0)",
            "42704",
            "cancel_job: refused (42704)",
        ),
        (
            "SELECT credentials.claim('not the home')",
            "22023",
            "claim: refused (22023)",
        ),
        (
            "BEGIN READ ONLY; SELECT credentials.rotate('alice', force => true)",
            "25006",
            "rotate \"alice\": refused (25006)",
        ),
    ] {
        let left = leaves(&cluster, &mut su, sql, Some(state), 0)
            .unwrap_or_else(|| panic!("no line: {sql}"));
        assert!(
            left.starts_with(&format!("{line}; effective role \"postgres\"")),
            "{left}"
        );
        su.batch_execute("ROLLBACK").unwrap();
    }
    for sql in [
        "SELECT credentials.create('bob')",
        "SELECT credentials.url('alice')",
        "SELECT credentials.suspend('alice')",
    ] {
        let left = leaves(
            &cluster,
            &mut su,
            &format!("BEGIN; {sql}; ROLLBACK"),
            None,
            0,
        )
        .unwrap();
        assert!(left.contains(": done; "), "{left}");
        let inside = format!("BEGIN; SAVEPOINT s; {sql}; ROLLBACK TO s; COMMIT");
        assert!(
            leaves(&cluster, &mut su, &inside, None, 0).is_some(),
            "{inside}"
        );
    }
    // The server's own error: a cancel while a call waits for its turn.
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; SELECT credentials.set_password('alice')")
        .unwrap();
    su.batch_execute("SET statement_timeout = '100ms'").unwrap();
    let left = leaves(
        &cluster,
        &mut su,
        "SELECT credentials.set_password('alice')",
        Some("57014"),
        0,
    )
    .unwrap();
    assert!(
        left.starts_with("set_password \"alice\": refused (57014); effective role \"postgres\""),
        "{left}"
    );
    holder.batch_execute("ROLLBACK").unwrap();
}

#[test]
fn the_trail_has_effective_outer_and_session_role_of_every_kind_of_caller() {
    let (mut su, cluster) = ready();
    su.batch_execute(
        "SELECT credentials.create('c1'); SELECT credentials.create('target'); SELECT credentials.rotate('default', force => true);
         GRANT USAGE ON SCHEMA credentials TO c1; GRANT EXECUTE ON FUNCTION credentials.url(text, text) TO c1;
         CREATE SCHEMA c1 AUTHORIZATION c1; GRANT USAGE ON SCHEMA c1 TO PUBLIC;
         SET ROLE c1;
         CREATE FUNCTION c1.wrapper() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT credentials.url('target') $$;
         CREATE TABLE c1.t (i int); GRANT ALL ON c1.t TO PUBLIC;
         CREATE FUNCTION c1.fired() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM credentials.url('target'); RETURN NEW; END $$;
         CREATE TRIGGER t BEFORE INSERT ON c1.t FOR EACH ROW EXECUTE FUNCTION c1.fired(); RESET ROLE",
    )
    .unwrap();
    steps(&mut su, &["SELECT credentials.wait()"]);
    let mut own = cluster.connect(&cluster.url("default")).unwrap();
    own.batch_execute("SET application_name = 'harness'")
        .unwrap();
    let call = "SELECT credentials.url('target')";
    for (as_own, before, sql, who) in [
        (
            true,
            "RESET ROLE",
            call,
            ["app_owner", "app_owner", "app_owner"],
        ),
        (true, "SET ROLE c1", call, ["c1", "c1", "app_owner"]),
        (
            true,
            "RESET ROLE",
            "SELECT c1.wrapper()",
            ["c1", "app_owner", "app_owner"],
        ),
        (
            false,
            "RESET ROLE",
            "SELECT c1.wrapper()",
            ["c1", "postgres", "postgres"],
        ),
        (false, "SET ROLE c1", call, ["c1", "c1", "postgres"]),
        (
            false,
            "SET SESSION AUTHORIZATION c1",
            call,
            ["c1", "c1", "c1"],
        ),
    ] {
        let session = if as_own { &mut own } else { &mut su };
        session.batch_execute(before).unwrap();
        let line = leaves(&cluster, session, sql, None, 1).unwrap();
        let [effective, outer, session_role] = who;
        assert!(
            line.starts_with(&format!(
                "url \"target\": done; effective role \"{effective}\" ("
            )),
            "{line}"
        );
        assert!(
            line.ends_with(&format!(
                "outer role \"{outer}\", session role \"{session_role}\""
            )),
            "{line}"
        );
        let told = row(&mut cluster.superuser("app"), "SELECT effective_role, outer_role, session_role FROM credentials.event ORDER BY id DESC LIMIT 1");
        assert_eq!(
            told,
            who.map(|role| Some(role.to_owned())),
            "{before}; {sql}"
        );
    }
    // A trigger of somebody else's: refused, and its author is in the line.
    own.batch_execute("RESET ROLE").unwrap();
    let line = leaves(
        &cluster,
        &mut own,
        "INSERT INTO c1.t VALUES (1)",
        Some("42501"),
        0,
    )
    .unwrap();
    assert!(
        line.starts_with("url \"target\": refused (42501); effective role \"c1\" (")
            && line.ends_with("outer role \"app_owner\", session role \"app_owner\""),
        "{line}"
    );
}

#[test]
fn nobody_but_superusers_reads_or_writes_our_tables() {
    let (mut su, cluster) = ready();
    steps(
        &mut su,
        &[
            "SELECT credentials.create('alice')",
            "SELECT credentials.rotate('default', force => true)",
            "SELECT credentials.wait()",
            "SELECT credentials.repair_default()",
            "SELECT credentials.wait()",
            "CREATE ROLE stranger LOGIN",
            "CREATE ROLE reader IN ROLE pg_read_all_data",
            "CREATE ROLE writer IN ROLE pg_read_all_data, pg_write_all_data",
            "GRANT CONNECT ON DATABASE app TO stranger",
        ],
    );
    let allowed = "SELECT r.rolname, c.relname, p FROM pg_roles r, pg_class c,
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
         WHERE c.relnamespace = 'credentials'::regnamespace AND c.relkind = 'r' AND NOT r.rolsuper
           AND r.rolname NOT IN ('pg_read_all_data', 'pg_write_all_data', 'reader', 'writer')
           AND has_table_privilege(r.oid, c.oid, p)";
    assert_eq!(row(&mut su, allowed), []);
    let tables: Vec<String> = su.query("SELECT relname::text FROM pg_class WHERE relnamespace = 'credentials'::regnamespace AND relkind = 'r' ORDER BY 1", &[])
        .unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(
        tables,
        ["credential", "event", "installation", "job", "secret"]
    );
    let mut own = cluster.connect(&cluster.url("default")).unwrap();
    own.batch_execute("CREATE SCHEMA mine; CREATE FUNCTION mine.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$").unwrap();
    let mut alice = cluster.connect(&cluster.url("alice")).unwrap();
    for table in &tables {
        let table = format!("credentials.{table}");
        for act in [
            format!("SELECT 1 FROM {table}"),
            format!("INSERT INTO {table} DEFAULT VALUES"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("BEGIN; LOCK TABLE {table}"),
            format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
            format!("DROP TABLE {table}"),
            format!("CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION mine.f()"),
            format!("COPY {table} TO STDOUT"),
            format!("CREATE RULE r AS ON INSERT TO {table} DO NOTHING"),
            format!("CREATE POLICY p ON {table} USING (true)"),
            format!("GRANT SELECT ON {table} TO alice"),
        ] {
            for session in [&mut own, &mut alice] {
                expect_error(session, &act, "42501");
                session.batch_execute("ROLLBACK").unwrap();
            }
        }
        // Roles that reach all data without a grant reach nothing here.
        for role in ["reader", "writer"] {
            su.batch_execute(&format!("SET ROLE {role}")).unwrap();
            assert_eq!(
                one(&mut su, &format!("SELECT t::text FROM {table} t")),
                None,
                "{role} reads {table}"
            );
            su.batch_execute("RESET ROLE").unwrap();
        }
        su.batch_execute("SET ROLE writer").unwrap();
        assert_eq!(su.execute(&format!("DELETE FROM {table}"), &[]).unwrap(), 0);
        expect_error(&mut su, &format!("TRUNCATE {table}"), "42501");
        su.batch_execute("RESET ROLE").unwrap();
    }
    su.batch_execute("SET ROLE writer").unwrap();
    for forged in [
        "INSERT INTO credentials.event (at, action, name, effective_role, outer_role, session_role) VALUES (now(), 'destroy', 'ceo', 'x', 'x', 'x')",
        "INSERT INTO credentials.job (kind, role, name, state, stage, verifier, requested_by, created_at, updated_at, due_at)
         VALUES ('rotate', 10, 'postgres', 'queued', 'apply', 'x', 'x', now(), now(), now())",
        "INSERT INTO credentials.credential (role, name, role_name, state, created_at) VALUES (10, 'ceo', 'postgres', 'active', now())",
    ] {
        expect_error(&mut su, forged, "42501");
    }
    assert_eq!(
        su.execute("UPDATE credentials.credential SET role = 10", &[])
            .unwrap(),
        0
    );
    su.batch_execute("RESET ROLE").unwrap();
}

#[test]
fn nobody_forges_a_line_of_the_log_with_a_name() {
    let (mut su, cluster) = ready();
    let forged = "x\n2000-01-01 00:00:00.000 UTC [1] LOG:  credential_manager: destroy \"ceo\": done; effective role \"ceo\"";
    let role = "eve\nLOG:  credential_manager: url \"ceo\": done; effective role \"ceo\" (7)";
    su.batch_execute(&format!(
        "CREATE ROLE \"{0}\"; GRANT USAGE ON SCHEMA credentials TO \"{0}\"; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA credentials TO \"{0}\"",
        role.chars().take(50).collect::<String>().replace('"', "\"\"")
    ))
    .unwrap();
    let shortened: String = text(
        &mut su,
        "SELECT rolname FROM pg_roles WHERE rolname LIKE E'eve\\n%'",
    );
    assert!(shortened.contains('\n'));
    let as_eve = format!(
        "SET SESSION AUTHORIZATION \"{}\"",
        shortened.replace('"', "\"\"")
    );
    for session in ["RESET SESSION AUTHORIZATION", as_eve.as_str()] {
        su.batch_execute(session).unwrap();
        for call in [
            "url($1)",
            "suspend($1)",
            "create($1)",
            "adopt($1)",
            "rotate($1, force => true)",
            "set_password($1, $1)",
            "destroy($1)",
        ] {
            assert!(
                su.execute(&format!("SELECT credentials.{call}"), &[&forged])
                    .is_err(),
                "{call}"
            );
        }
        assert!(su
            .batch_execute(&format!(
                "SET application_name = E'{}'",
                forged.replace('\n', "\\n")
            ))
            .is_ok());
    }
    let log = cluster.log();
    assert!(
        log.lines()
            .filter(|line| line.contains("refused ("))
            .count()
            >= 14
    );
    for line in log.lines().filter(|line| line.contains("ceo")) {
        assert!(
            !line.starts_with("2000-01-01") && !line.starts_with("LOG:"),
            "forged: {line}"
        );
    }
}

#[test]
fn a_call_that_was_cancelled_leaves_its_session_and_its_transaction_usable() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; ALTER ROLE alice CONNECTION LIMIT 7")
        .unwrap();
    su.batch_execute("SET statement_timeout = '100ms'").unwrap();
    // Alone, in a block, and behind a savepoint; the server itself would say FATAL at the next ROLLBACK.
    expect_error(&mut su, "SELECT credentials.set_password('alice')", "57014");
    assert_eq!(text(&mut su, "SELECT 'idle'"), "idle");
    su.batch_execute("BEGIN; SAVEPOINT s").unwrap();
    expect_error(&mut su, "SELECT credentials.set_password('alice')", "57014");
    su.batch_execute("ROLLBACK TO s").unwrap();
    assert_eq!(text(&mut su, "SELECT current_user"), "postgres");
    su.batch_execute("COMMIT").unwrap();
    let caught = "DO $$ BEGIN PERFORM credentials.set_password('alice'); EXCEPTION WHEN query_canceled THEN NULL; END $$";
    su.batch_execute(&format!("BEGIN; {caught}; COMMIT"))
        .unwrap();
    holder.batch_execute("ROLLBACK").unwrap();
    su.batch_execute("SELECT credentials.set_password('alice')")
        .unwrap();
}
