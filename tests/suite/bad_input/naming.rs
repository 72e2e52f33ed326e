//! The two sets of naming rules, the limit, and `if_not_exists`.

use super::{Caller, Scene, CALLERS};
use crate::harness::{expect_error, wait_until, Cluster, SOON};

/// Writes a setting and waits until the caller's session sees it.
fn reload(scene: &mut Scene, name: &str, value: &str) {
    scene.cluster.append_conf(&format!("{name} = '{value}'"));
    scene.su.batch_execute("SELECT pg_reload_conf()").unwrap();
    for caller in CALLERS {
        let client = scene.client(caller);
        wait_until("the session sees the setting", SOON, || {
            let row = client.query_one("SELECT current_setting($1)", &[&name]);
            row.is_ok_and(|row| row.get::<_, String>(0) == value)
        });
    }
}

#[test]
fn scalingos_rules_hold_from_a_reload_on_and_for_new_names_alone() {
    let mut scene = Scene::new();
    scene.accepted(Caller::Default, "create('ab-c')");
    reload(&mut scene, "credential_manager.naming", "scalingo");
    for (name, state) in [
        ("''", "42602"),
        ("'abcde'", "42602"),
        ("repeat('a', 33)", "42602"),
        ("'1abcdef'", "42602"),
        ("'_abcdef'", "42602"),
        ("'abc-def'", "42602"),
        ("'abcdef '", "42602"),
        ("U&'\\0430bcdef'", "42602"),
        ("'default'", "42939"),
        ("'HEROKU'", "42939"),
        ("'collectd'", "42939"),
        ("'pg_abcdef'", "42939"),
        ("'db_owner_a'", "42939"),
        ("'session_user'", "42939"),
        ("'mypostgres'", "42939"),
        ("'LEASED'", "42602"),
        ("'leased'", "42710"),
    ] {
        scene.refused(&format!("create({name})"), state);
    }
    scene.refused("adopt('stranger', 'abc')", "42602");
    for name in ["abcdef", "Abc_def1", &"b".repeat(32)] {
        scene.accepted(Caller::Default, &format!("create('{name}')"));
    }
    // What was made under the other rules is found all the same.
    scene.accepted(Caller::Default, "usernames('ab-c')");
    scene.accepted(Caller::Default, "rotate('ab-c', force => true)");
    reload(&mut scene, "credential_manager.naming", "heroku");
    scene.accepted(Caller::Default, "create('a-b')");
}

#[test]
fn naming_takes_its_two_words_and_no_other() {
    let mut scene = Scene::new();
    for value in ["", "Herokuu", "none"] {
        expect_error(
            &mut scene.su,
            &format!("ALTER SYSTEM SET credential_manager.naming = '{value}'"),
            "22023",
        );
    }
}

#[test]
fn names_that_differ_only_in_case_are_one_name_to_make_and_two_to_look_up() {
    let mut scene = Scene::new();
    scene.accepted(Caller::Default, "create('Mixed-Case')");
    for name in ["mixed-case", "MIXED-CASE", "Mixed-case"] {
        scene.refused(&format!("create('{name}')"), "42602");
        scene.refused(&format!("create('{name}', if_not_exists => true)"), "42602");
        scene.refused(&format!("adopt('stranger', '{name}')"), "42602");
        scene.refused(&format!("url('{name}')"), "42704");
        scene.refused(&format!("suspend('{name}')"), "42704");
    }
    scene.refused("create('Mixed-Case')", "42710");
    scene.accepted(Caller::Default, "url('Mixed-Case')");
}

#[test]
fn the_limit_is_reached_only_by_a_call_that_is_right_otherwise() {
    let cluster = Cluster::builder()
        .setting("credential_manager.max_credentials", "3")
        .start();
    let mut scene = Scene::on(cluster);
    for (call, state) in [
        ("create('newcomer')", "53400"),
        ("create('newcomer', if_not_exists => true)", "53400"),
        ("create('bad name')", "42602"),
        ("create('heroku')", "42939"),
        ("create('ANALYST')", "42602"),
        ("create('analyst')", "42710"),
        ("create('stranger')", "42710"),
        ("create('newcomer', password => 'short')", "22023"),
        ("create('newcomer', connection_limit => -2)", "22023"),
        ("create('newcomer', valid_for => '-1 day')", "22023"),
        ("adopt('stranger')", "53400"),
        ("adopt('stranger', 'bad name')", "42602"),
        ("adopt('nobody_knows')", "42704"),
    ] {
        scene.refused(call, state);
    }
    scene.accepted(Caller::Default, "create('analyst', if_not_exists => true)");
    reload(&mut scene, "credential_manager.max_credentials", "4");
    scene.accepted(Caller::Default, "create('newcomer')");
    scene.refused("create('one_more')", "53400");
    // A limit set below what is there takes nothing away.
    reload(&mut scene, "credential_manager.max_credentials", "1");
    scene.refused("create('one_more')", "53400");
    scene.accepted(Caller::Default, "rotate('newcomer', force => true)");
}

#[test]
fn if_not_exists_gives_back_the_credential_that_is_there_untouched() {
    let mut scene = Scene::new();
    scene.accepted(Caller::Default, "suspend('analyst')");
    scene.accepted(Caller::Superuser, "wait('analyst')");
    let before = super::fingerprint(&mut scene.watcher);
    for caller in CALLERS {
        let row = scene.client(caller).query_one(
            "SELECT name, username, state, password FROM credentials.create('analyst', if_not_exists => true,
                    connection_limit => 7, valid_for => '1 day', password => 'a-password-of-24-letters')",
            &[],
        );
        let row = row.unwrap();
        assert_eq!(row.get::<_, String>(0), "analyst");
        assert_eq!(row.get::<_, String>(1), "analyst");
        assert_eq!(row.get::<_, String>(2), "suspended");
        assert_eq!(row.get::<_, Option<String>>(3), None);
    }
    assert_eq!(super::fingerprint(&mut scene.watcher), before);
    for (name, state) in [
        ("stranger", "42710"),
        ("app_owner", "42710"),
        ("default", "42939"),
        ("postgres", "42939"),
    ] {
        scene.refused(&format!("create('{name}', if_not_exists => true)"), state);
    }
    scene.accepted(Caller::Default, "create('newcomer', if_not_exists => true)");
}
