//! A rule of pg_hba.conf that has a role's exact name is met before a rotation begins, not by its clients.

use std::fs;

use postgres::Client;

use crate::harness::{expect_error, wait_until, Cluster, SOON};
use crate::scene::{ask, fingerprint, run, Scene};

const BY_PASSWORD: &str = "127.0.0.1/32 scram-sha-256";

/// A server with these lines at the top of pg_hba.conf, and a credential `c1`.
fn with_rules(lines: &str) -> Scene {
    let mut scene = Scene::on(Cluster::builder().hba(lines).start());
    run(&mut scene.own, "SELECT credentials.create('c1')");
    scene
}

/// Asserts that a soft rotation is refused and changes nothing; gives DETAIL and HINT.
#[track_caller]
fn refused(scene: &mut Scene, name: &str) -> (String, String) {
    let before = fingerprint(&mut scene.su);
    let call = format!("SELECT * FROM credentials.rotate('{name}')");
    let error = expect_error(&mut scene.own, &call, "55000");
    assert_eq!(fingerprint(&mut scene.su), before);
    let db = error.as_db_error().unwrap();
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    (text(db.detail()), text(db.hint()))
}

#[track_caller]
fn rotates(scene: &mut Scene, name: &str) {
    run(
        &mut scene.own,
        &format!("SELECT * FROM credentials.rotate('{name}')"),
    );
}

/// Who is logged in with what `url()` tells.
#[track_caller]
fn logged_in(scene: &Scene, name: &str) -> String {
    let mut client = scene.login(name);
    ask(&mut client, "SELECT session_user")
}

#[test]
fn a_rule_for_the_exact_name_is_refused_and_what_the_hint_says_to_write_lets_the_twin_in() {
    // Line 1 lets the role in from this machine, and nobody else gets in under its twin's name.
    let exact = format!("host all c1 {BY_PASSWORD}\nhost all \"c1-rotating\",x all reject");
    let mut scene = with_rules(&exact);
    let (detail, hint) = refused(&mut scene, "c1");
    assert_eq!(
        detail,
        "Line 1 of pg_hba.conf holds for \"c1\" and not for \"c1-rotating\". So it is with line 2."
    );
    assert!(
        hint.starts_with("Write c1,\"c1-rotating\" there as the user"),
        "{hint}"
    );
    let file = scene.cluster.data_dir().join("pg_hba.conf");
    let text = fs::read_to_string(&file).unwrap();
    let mended = text
        .replacen("all c1 ", "all c1,\"c1-rotating\" ", 1)
        .replacen("\"c1-rotating\",x all", "x all", 1);
    fs::write(&file, mended).unwrap();
    run(&mut scene.su, "SELECT pg_reload_conf()");
    rotates(&mut scene, "c1");
    let url = scene.cluster.url("c1");
    wait_until("the twin logs in under the new rules", SOON, || {
        scene.cluster.connect(&url).is_ok()
    });
    assert_eq!(logged_in(&scene, "c1"), "c1-rotating");
}

#[test]
fn rules_with_both_names_let_both_in() {
    let mut scene = with_rules(&format!(
        "host all c1,\"c1-rotating\" {BY_PASSWORD}\nhost all app_owner {BY_PASSWORD}\nhost all all all reject"
    ));
    let old = scene.cluster.url("c1");
    rotates(&mut scene, "c1");
    assert_eq!(logged_in(&scene, "c1"), "c1-rotating");
    let mut base = scene.cluster.connect(&old).unwrap();
    assert_eq!(ask(&mut base, "SELECT session_user"), "c1");
}

#[test]
fn a_rule_that_turns_one_of_the_names_away_is_refused() {
    for (rule, holds_for) in [
        ("hostnossl app c1 10.0.0.0/8 reject", "\"c1\" and"),
        (
            "host app \"c1-rotating\" 10.0.0.0/8 reject",
            "\"c1-rotating\" and",
        ),
    ] {
        let mut scene = with_rules(rule);
        let (detail, _) = refused(&mut scene, "c1");
        assert!(detail.contains(holds_for), "{rule}: {detail}");
    }
}

#[test]
fn default_is_looked_for_under_the_name_of_its_role() {
    let mut scene = with_rules(&format!("host app app_owner {BY_PASSWORD}"));
    let (_, hint) = refused(&mut scene, "default");
    assert!(hint.contains("app_owner,\"app_owner-rotating\""), "{hint}");
    rotates(&mut scene, "c1");
}

#[test]
fn a_database_of_the_roles_own_name_makes_sameuser_a_rule_for_the_exact_name() {
    let mut scene = with_rules("host sameuser all 10.0.0.0/8 scram-sha-256");
    run(&mut scene.own, "SELECT credentials.create('c2')");
    run(&mut scene.su, "CREATE DATABASE c2");
    let (_, hint) = refused(&mut scene, "c2");
    assert!(
        hint.contains("c2 as the database and c2,\"c2-rotating\" as the user"),
        "{hint}"
    );
    rotates(&mut scene, "c1");
}

#[test]
fn a_rule_for_a_group_of_the_role_lets_the_twin_in_too() {
    let mut scene = with_rules(&format!(
        "host all +staff {BY_PASSWORD}\nhost all app_owner {BY_PASSWORD}\nhost all c1,+staff all reject"
    ));
    run(
        &mut scene.su,
        "CREATE ROLE staff; CREATE ROLE everybody; GRANT staff TO everybody; GRANT everybody TO c1",
    );
    rotates(&mut scene, "c1");
    assert_eq!(logged_in(&scene, "c1"), "c1-rotating");
}

#[test]
fn who_changes_the_password_in_place_is_not_asked_for_rules() {
    let mut scene = with_rules(&format!("host all c1 {BY_PASSWORD}"));
    refused(&mut scene, "c1");
    for how in ["overlap => '0'", "force => true"] {
        let before = scene.cluster.url("c1");
        run(
            &mut scene.own,
            &format!("SELECT * FROM credentials.rotate('c1', {how})"),
        );
        assert_ne!(scene.cluster.url("c1"), before, "{how}");
        assert_eq!(logged_in(&scene, "c1"), "c1", "{how}");
        scene.settle();
        no_session(&mut scene.su);
    }
}

/// Waits until a client that hung up has left the server too.
#[track_caller]
fn no_session(su: &mut Client) {
    wait_until("no session of c1 is left", SOON, || {
        ask(
            su,
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'c1'",
        ) == "0"
    });
}
