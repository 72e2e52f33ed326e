//! `"login"` in a spec, while a suspension is still on its way.

use super::{apply, plan};
use crate::scene::{ask, column, run, Scene};

const OPEN: &str = r#"{"credentials": {"a1": {"login": true}}}"#;
const SHUT: &str = r#"{"credentials": {"a1": {"login": false}}}"#;

#[test]
fn a_suspension_that_waits_for_the_role_is_called_off_by_a_spec_that_opens_it() {
    let mut scene = Scene::new();
    drop(scene.credential("a1"));
    let mut holder = scene.cluster.superuser("app");
    run(&mut holder, "BEGIN; ALTER ROLE a1 CONNECTION LIMIT 3");
    run(&mut scene.own, "SELECT credentials.suspend('a1')");
    let state = "SELECT state FROM credentials.list() WHERE name = 'a1'";
    assert_eq!(ask(&mut scene.su, state), "active");
    // It is on its way out already, so a spec that shuts it has nothing to add, and its export says so.
    assert_eq!(plan(&mut scene.own, SHUT), [""; 0]);
    let exported = ask(&mut scene.own, "SELECT credentials.export()");
    assert!(exported.contains("\"login\": false"), "{exported}");
    assert_eq!(plan(&mut scene.own, &exported), [""; 0]);
    let resume = ["SELECT * FROM credentials.resume('a1');"];
    assert_eq!(plan(&mut scene.own, OPEN), resume);
    run(&mut holder, "ROLLBACK; BEGIN; SELECT 1");
    // The worker may have been quicker; either way it is open at the end, and stays so.
    assert_eq!(apply(&mut scene.own, OPEN), resume);
    scene.settle();
    assert_eq!(ask(&mut scene.su, state), "active");
    drop(scene.login("a1"));
    assert_eq!(plan(&mut scene.own, OPEN), [""; 0]);
}

#[test]
fn what_a_spec_resumes_keeps_the_sessions_that_come_after() {
    let mut scene = Scene::new();
    drop(scene.credential("a1"));
    run(
        &mut scene.own,
        &format!(
            "BEGIN; SELECT credentials.suspend('a1'); SELECT credentials.apply('{OPEN}'); COMMIT"
        ),
    );
    let ended = "SELECT state || ' ' || message FROM credentials.jobs() WHERE kind = 'suspend'";
    assert_eq!(column(&mut scene.su, ended), ["cancelled resumed"]);
    drop(scene.login("a1"));
}
