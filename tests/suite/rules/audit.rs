//! Rule 15: who did what stands in a table that nobody can write, and in the server log, refused or not.

use crate::harness::{expect_error, wait_until, SOON};
use crate::scene::{ask, call_lines, column, outcome, run, Scene};

#[test]
fn rule_15_nobody_but_the_extension_writes_the_audit_trail() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    for client in [&mut scene.own, &mut c1] {
        for statement in [
            "INSERT INTO credentials.event OVERRIDING SYSTEM VALUE SELECT * FROM credentials.event",
            "UPDATE credentials.event SET name = 'forged'",
            "DELETE FROM credentials.event",
            "TRUNCATE credentials.event",
            "SELECT * FROM credentials.event",
            "CREATE TRIGGER t BEFORE INSERT ON credentials.event FOR EACH ROW EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
            "CREATE RULE r AS ON INSERT TO credentials.event DO NOTHING",
            "ALTER TABLE credentials.event ADD COLUMN x int",
            "DROP TABLE credentials.event",
            "SELECT pg_catalog.nextval('credentials.event_id_seq')",
            "SELECT pg_catalog.setval('credentials.event_id_seq', 1)",
            "CREATE FUNCTION credentials.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP EXTENSION credential_manager",
            "ALTER EXTENSION credential_manager DROP TABLE credentials.event",
        ] {
            expect_error(client, statement, "42501");
        }
    }
}

#[test]
fn rule_15_each_call_leaves_one_line_and_only_what_took_place_leaves_an_event() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    let events = "SELECT count(*) FROM credentials.event";
    for (call, state, event, line) in [
        ("create('c2')", "", 1, 1),
        ("create('c2')", "42710", 0, 1),
        ("create('c2', if_not_exists => true)", "", 0, 0),
        ("create(NULL)", "22023", 0, 1),
        ("url('c2')", "", 1, 1),
        ("url('absent')", "42704", 0, 1),
        ("connection_info('c2')", "", 1, 1),
        ("set_password('c2')", "", 1, 1),
        ("set_password('c2', 'short')", "22023", 0, 1),
        ("suspend('c2')", "", 1, 1),
        ("suspend('c2')", "", 0, 0),
        ("resume('c2')", "", 1, 1),
        ("configure('c2', connection_limit => 3)", "", 1, 1),
        ("configure('c2')", "", 0, 0),
        ("extend('c2', '1 day')", "22023", 0, 1),
        ("rotate('c2', overlap => '0')", "", 1, 1),
        // Without EXECUTE the server's own error is the record.
        ("release('c2')", "42501", 0, 0),
        ("destroy('c2')", "22023", 0, 1),
        ("list()", "", 0, 0),
        ("usernames()", "", 0, 0),
        ("usernames('absent')", "42704", 0, 0),
        ("jobs()", "", 0, 0),
        ("events()", "", 0, 0),
        ("wait()", "", 0, 0),
        ("destroy_plan('c2')", "", 0, 0),
        ("destroy('c2', 'app')", "", 1, 1),
    ] {
        scene.settle();
        let (had, lines) = (ask(&mut scene.su, events), call_lines(&scene.cluster).len());
        let sql = format!("SELECT * FROM credentials.{call}");
        assert_eq!(outcome(&mut scene.own, &sql), state, "{sql}");
        let mine = ask(
            &mut scene.su,
            &format!("SELECT count(*) FROM (SELECT * FROM credentials.event ORDER BY id OFFSET {had}) e WHERE session_role = 'app_owner'"),
        );
        assert_eq!(mine, event.to_string(), "{sql}");
        wait_until(&format!("{line} lines: {sql}"), SOON, || {
            call_lines(&scene.cluster).len() >= lines + line
        });
        let new = call_lines(&scene.cluster).split_off(lines);
        assert_eq!(new.len(), line, "{sql}: {new:?}");
        if line == 1 {
            let word = if state.is_empty() {
                "done".to_owned()
            } else {
                format!("refused ({state})")
            };
            assert!(
                new[0].contains(&word) && new[0].contains("session role \"app_owner\""),
                "{new:?}"
            );
        }
    }
    scene.settle();
}

#[test]
fn rule_15_what_is_rolled_back_leaves_its_line_and_names_all_three_users() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    let events = ask(&mut scene.su, "SELECT count(*) FROM credentials.event");
    let lines = call_lines(&scene.cluster).len();
    run(
        &mut scene.su,
        "BEGIN; SET LOCAL ROLE app_owner; SELECT credentials.rotate('c1', true);
         DO $$ BEGIN PERFORM * FROM credentials.create('c1'); EXCEPTION WHEN OTHERS THEN NULL; END $$; ROLLBACK",
    );
    let new = call_lines(&scene.cluster).split_off(lines);
    assert_eq!(new.len(), 2, "{new:?}");
    let users = "outer role \"app_owner\", session role \"postgres\"";
    assert!(
        new[0].contains("rotate \"c1\": done") && new[0].contains(users),
        "{new:?}"
    );
    assert!(
        new[1].contains("create \"c1\": refused (42710)") && new[1].contains(users),
        "{new:?}"
    );
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.event"),
        events
    );
}

#[test]
fn rule_15_an_error_of_the_server_in_the_middle_of_a_call_leaves_its_line() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    let mut holder = scene.cluster.superuser("app");
    run(&mut holder, "BEGIN; LOCK TABLE credentials.credential");
    let lines = call_lines(&scene.cluster).len();
    run(&mut scene.own, "SET statement_timeout = '300ms'");
    expect_error(
        &mut scene.own,
        "SELECT credentials.rotate('c1', true)",
        "57014",
    );
    run(&mut holder, "COMMIT");
    let new = call_lines(&scene.cluster).split_off(lines);
    assert_eq!(new.len(), 1, "{new:?}");
    assert!(new[0].contains("rotate \"c1\": refused"), "{new:?}");
}

#[test]
fn rule_15_a_hundred_thousand_events_are_read_without_being_held_in_memory() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "INSERT INTO credentials.event (at, action, name, effective_role, outer_role, session_role, detail)
         SELECT now(), 'create', 'c' || n, 'app_owner', 'app_owner', 'app_owner', jsonb_build_object('filler', repeat('x', 1000))
           FROM generate_series(1, 100000) n",
    );
    let pid = ask(&mut scene.own, "SELECT pg_catalog.pg_backend_pid()");
    let peak = || {
        let status =
            std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the backend's status");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .expect("a high-water mark");
        line.split_whitespace()
            .nth(1)
            .and_then(|kb| kb.parse::<u64>().ok())
            .expect("a number")
            / 1024
    };
    run(&mut scene.own, "SELECT credentials.events(after => 99999)");
    let before = peak();
    assert_eq!(
        ask(
            &mut scene.own,
            "SELECT count(*) FROM credentials.events() WHERE action = 'create'"
        ),
        "100000"
    );
    let grown = peak() - before;
    // The rows are 100 MB; what is above work_mem lies in a temporary file.
    assert!(grown < 60, "{grown} MB more");
    let last = column(
        &mut scene.own,
        "SELECT name FROM credentials.events(name => 'c77')",
    );
    assert_eq!(last, ["c77"]);
}

#[test]
fn rule_15_retention_is_the_workers_and_events_of_that_age_go() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "INSERT INTO credentials.event (at, action, name, effective_role, outer_role, session_role)
         VALUES (now() - interval '2 days', 'create', 'ancient', 'x', 'x', 'x')",
    );
    scene
        .cluster
        .append_conf("credential_manager.event_retention = '1d'");
    run(&mut scene.su, "SELECT pg_reload_conf()");
    // Work wakes the worker, if nothing else does.
    run(
        &mut scene.own,
        "SELECT credentials.create('c1'); SELECT credentials.rotate('c1', force => true)",
    );
    wait_until("the old event is gone", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.event WHERE name = 'ancient'",
        ) == "0"
    });
    assert_ne!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.event"),
        "0"
    );
}
