//! Two applies at once.

use super::{apply, layout, plan};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, column, run, Scene};

#[test]
fn of_two_applies_at_once_the_second_waits_and_finds_nothing_left_to_do_at_any_isolation_level() {
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let mut scene = Scene::new();
        let spec = layout(&mut scene.own, "'owner_writer_reader', 'shop'");
        run(&mut scene.own, "BEGIN");
        assert!(apply(&mut scene.own, &spec).len() > 10);
        let mut second = scene.login("default");
        let theirs = spec.clone();
        let waiter = std::thread::spawn(move || {
            run(
                &mut second,
                &format!("BEGIN ISOLATION LEVEL {level}; SELECT 1"),
            );
            let done = apply(&mut second, &theirs);
            run(&mut second, "COMMIT");
            done
        });
        wait_until("the second apply stands in the queue", SOON, || {
            ask(
                &mut scene.su,
                "SELECT count(*) FROM pg_locks WHERE NOT granted",
            ) == "1"
        });
        run(&mut scene.own, "COMMIT");
        assert_eq!(waiter.join().unwrap(), [""; 0], "{level}");
        assert_eq!(plan(&mut scene.own, &spec), [""; 0]);
    }
}

#[test]
fn a_rotation_that_runs_is_no_hindrance_and_the_twin_has_what_its_credential_is_given() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SELECT credentials.create('app'); CREATE SCHEMA shop; CREATE TABLE shop.t (i int); SELECT credentials.rotate('app', overlap => '2 s')",
    );
    let spec = r#"{"credentials": {"app": {"access": {"shop": "read_write"}, "connection_limit": 9,
                   "settings": {"statement_timeout": "9s"}, "tables": {"shop.t": ["TRUNCATE"]}}}}"#;
    apply(&mut scene.own, spec);
    assert_eq!(plan(&mut scene.own, spec), [""; 0]);
    let mut twin = scene.login("app");
    assert_eq!(ask(&mut twin, "SELECT session_user"), "app-rotating");
    run(&mut twin, "INSERT INTO shop.t VALUES (1); TRUNCATE shop.t");
    assert_eq!(ask(&mut twin, "SHOW statement_timeout"), "9s");
    drop(twin);
    let exported = ask(&mut scene.own, "SELECT credentials.export()");
    assert!(!exported.contains("rotating"), "{exported}");
    scene.settle();
    assert_eq!(plan(&mut scene.own, &exported), [""; 0]);
}

#[test]
fn apply_leaves_an_event_for_each_credential_one_for_the_rest_and_one_line() {
    let mut scene = Scene::new();
    let _kept = scene.credential("kept");
    let last = ask(&mut scene.su, "SELECT max(id) FROM credentials.event");
    let spec = r#"{"schemas": {"shop": {"owner": "db_owner_shop"}}, "credentials": {"kept": {}, "new": {"access": {"shop": "owner"}}}}"#;
    apply(&mut scene.own, spec);
    apply(&mut scene.own, spec);
    plan(&mut scene.own, spec);
    let told = format!(
        "SELECT coalesce(name, 'nobody') || ' ' || effective_role || ' ' || (detail ->> 'steps') FROM credentials.events(after => {last}) WHERE action = 'apply' ORDER BY id"
    );
    assert_eq!(
        column(&mut scene.su, &told),
        [
            r#"nobody app_owner ["create role db_owner_shop", "grant role db_owner_shop", "create schema shop"]"#,
            r#"new app_owner ["create credential new", "grant credential new"]"#,
        ]
    );
    let lines = scene
        .cluster
        .log()
        .matches("credential_manager: apply: done")
        .count();
    assert_eq!(lines, 1);
}
