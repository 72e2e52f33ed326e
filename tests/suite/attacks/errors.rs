//! T22: no error, wherever it is raised and whoever catches it, leaves a superuser's rights behind.

use postgres::Client;

use crate::harness::{expect_error, sqlstate, wait_until, SOON};
use crate::scene::{ask, fingerprint, outcome, run, Scene};

/// Every function that does something, as default may call it.
const CALLS: [&str; 16] = [
    "create('c9')",
    "configure('c1', 5, '{\"work_mem\": \"4MB\"}')",
    "suspend('c1')",
    "resume('c2')",
    "extend('lease', '1 day')",
    "destroy('c1', 'app')",
    "destroy_plan('c1')",
    "rotate('c1', force => true)",
    "rotate('c1', overlap => '0')",
    "rotate_all(force => true)",
    "set_password('c1')",
    "repair_default()",
    "repair_plan()",
    "url('c1')",
    "list()",
    "events()",
];

fn scene() -> Scene {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(&mut scene.own, "SELECT credentials.create('c2', login => false); SELECT credentials.create('lease', valid_for => '9 days')");
    scene
}

/// What a session that still had a superuser's rights could do, and this one must not.
fn has_no_rights_left(client: &mut Client) {
    assert_eq!(
        ask(
            client,
            "SELECT current_user || ' ' || session_user || ' ' || current_setting('is_superuser')"
        ),
        "app_owner app_owner off"
    );
    expect_error(client, "CREATE ROLE mine", "42501");
    expect_error(client, "SET ROLE postgres", "42501");
    expect_error(client, "SET SESSION AUTHORIZATION postgres", "42501");
    expect_error(
        client,
        "SELECT rolpassword FROM pg_catalog.pg_authid",
        "42501",
    );
    expect_error(client, "SELECT * FROM credentials.secret", "42501");
}

#[test]
fn t22_a_caught_error_leaves_no_rights_inside_or_after_the_block() {
    let mut scene = scene();
    let before = fingerprint(&mut scene.su);
    for call in [
        "create('c1')",
        "create('c9', password => 'short')",
        "configure('c1', settings => '{\"work_mem\": \"lots\"}')",
        "configure('c1', settings => '{\"search_path\": \"a,,b\"}')",
        "rotate('absent', force => true)",
        "rotate('c1', grace => '-1 s')",
        "destroy('c1', 'nope')",
        "extend('c1', '1 day')",
        "suspend('default')",
        "url('absent')",
        "wait('absent')",
        "cancel_job(4711)",
    ] {
        run(
            &mut scene.own,
            &format!(
                "DO $do$
                 DECLARE state text;
                 BEGIN
                   BEGIN
                     PERFORM * FROM credentials.{call};
                     RAISE EXCEPTION 'accepted';
                   EXCEPTION WHEN OTHERS THEN state := SQLSTATE; IF SQLERRM = 'accepted' THEN RAISE; END IF;
                   END;
                   IF current_user <> 'app_owner' THEN RAISE EXCEPTION 'user is %', current_user; END IF;
                   BEGIN EXECUTE 'CREATE ROLE mine'; RAISE EXCEPTION 'made'; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
                   BEGIN EXECUTE 'SET ROLE postgres'; RAISE EXCEPTION 'set'; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
                   BEGIN PERFORM rolpassword FROM pg_catalog.pg_authid; RAISE EXCEPTION 'read'; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
                 END $do$"
            ),
        );
        has_no_rights_left(&mut scene.own);
    }
    assert_eq!(fingerprint(&mut scene.su), before);
}

#[test]
fn t22_errors_of_the_server_in_every_function_leave_nothing_and_no_rights() {
    let mut scene = scene();
    let before = fingerprint(&mut scene.su);
    let mut holder = scene.cluster.superuser("app");
    for table in ["credential", "installation"] {
        for (setting, state) in [
            ("statement_timeout", "57014"),
            ("transaction_read_only", "25006"),
        ] {
            for call in CALLS {
                // The audit trail is read without asking for the default credential.
                if call == "events()" && table == "credential" {
                    continue;
                }
                if setting == "statement_timeout" {
                    run(
                        &mut holder,
                        &format!("BEGIN; LOCK TABLE credentials.{table}"),
                    );
                    run(&mut scene.own, "SET statement_timeout = '40ms'");
                } else {
                    run(&mut scene.own, "SET default_transaction_read_only = on");
                }
                let got = outcome(&mut scene.own, &format!("SELECT * FROM credentials.{call}"));
                run(
                    &mut scene.own,
                    "RESET statement_timeout; RESET default_transaction_read_only",
                );
                run(&mut holder, "ROLLBACK");
                let reads = ["destroy_plan", "repair_plan", "url", "list", "events"]
                    .iter()
                    .any(|name| call.starts_with(name));
                if setting == "transaction_read_only" && reads {
                    assert_eq!(got, "", "{call}");
                } else {
                    assert_eq!(got, state, "{call} {setting}");
                }
                has_no_rights_left(&mut scene.own);
            }
        }
    }
    assert_eq!(fingerprint(&mut scene.su), before);
}

#[test]
fn t22_a_lock_that_is_not_to_be_had_and_a_cancel_leave_nothing_and_no_rights() {
    let mut scene = scene();
    let before = fingerprint(&mut scene.su);
    let mut holder = scene.cluster.superuser("app");
    // An open ALTER ROLE on the role: what must not wait for ever gives up.
    run(&mut holder, "BEGIN; ALTER ROLE c1 PASSWORD NULL");
    for call in [
        "set_password('c1')",
        "configure('c1', 5)",
        "rotate('c1', overlap => '0')",
    ] {
        run(&mut scene.own, "BEGIN; SAVEPOINT s");
        expect_error(
            &mut scene.own,
            &format!("SELECT credentials.{call}"),
            "55P03",
        );
        run(&mut scene.own, "ROLLBACK TO s");
        has_no_rights_left_in(&mut scene.own);
        run(&mut scene.own, "ROLLBACK");
    }
    let pid = ask(&mut scene.own, "SELECT pg_backend_pid()");
    let cancel = scene.cluster.superuser("app");
    let waits = std::thread::spawn(move || {
        let mut client = cancel;
        let asleep = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'"
        );
        wait_until("the call waits for the role", SOON, || {
            ask(&mut client, &asleep) == "1"
        });
        run(&mut client, &format!("SELECT pg_cancel_backend({pid})"));
    });
    let error = scene
        .own
        .batch_execute("SELECT credentials.set_password('c1')")
        .expect_err("a cancel");
    assert_eq!(sqlstate(&error), "57014");
    waits.join().expect("the one who cancels");
    has_no_rights_left(&mut scene.own);
    run(&mut holder, "ROLLBACK");
    assert_eq!(fingerprint(&mut scene.su), before);
}

fn has_no_rights_left_in(client: &mut Client) {
    run(client, "SAVEPOINT t");
    expect_error(client, "CREATE ROLE mine", "42501");
    run(client, "ROLLBACK TO t");
    expect_error(
        client,
        "SELECT rolpassword FROM pg_catalog.pg_authid",
        "42501",
    );
    run(client, "ROLLBACK TO t");
    assert_eq!(ask(client, "SELECT current_user"), "app_owner");
}
