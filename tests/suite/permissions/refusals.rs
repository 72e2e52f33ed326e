//! What grant and revoke refuse, and that nothing is changed then.

use super::{access, grant, said_to_default};
use crate::harness::expect_error;
use crate::scene::{ask, fingerprint, run, Scene};

#[test]
fn whatever_is_wrong_is_told_before_anything_is_changed() {
    let mut scene = Scene::new();
    scene.credential("analyst");
    scene.credential("doomed");
    run(
        &mut scene.su,
        "CREATE ROLE stranger LOGIN; CREATE TABLE public.t (i int)",
    );
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.destroy('doomed', 'app')",
    );
    expect_error(
        &mut scene.own,
        "SELECT credentials.grant('doomed', 'read_only')",
        "55006",
    );
    run(&mut scene.own, "ROLLBACK");
    let before = fingerprint(&mut scene.su);
    for (call, state) in [
        ("grant('analyst', 'read_only', '{public,nowhere}')", "3F000"),
        ("grant('analyst', 'read_only', '{Public}')", "3F000"),
        ("grant('analyst', 'read_only', '{\"\"}')", "3F000"),
        (
            "grant('analyst', 'read_only', ARRAY[repeat('x', 20000000)])",
            "3F000",
        ),
        (
            "grant('analyst', 'read_only', '{public,pg_catalog}')",
            "42501",
        ),
        ("grant('analyst', 'read_only', '{pg_toast}')", "42501"),
        (
            "grant('analyst', 'read_only', '{information_schema}')",
            "42501",
        ),
        ("grant('analyst', 'read_only', '{credentials}')", "42501"),
        ("grant('analyst', 'dba')", "22023"),
        ("grant('analyst', NULL)", "22023"),
        ("grant(NULL, 'read_only')", "22023"),
        ("grant('analyst', 'read_only', NULL)", "22023"),
        ("grant('analyst', 'read_only', '{public,NULL}')", "22023"),
        ("grant('stranger', 'read_only')", "42704"),
        ("grant('nobody', 'read_only')", "42704"),
        ("grant('default', 'read_only')", "42501"),
        ("grant('owner', 'read_only')", "42501"),
        ("revoke('default')", "42501"),
        ("revoke('analyst', schemas => '{public,nowhere}')", "3F000"),
        ("revoke('analyst', schemas => '{NULL}')", "22023"),
        ("revoke('analyst', 'dba')", "22023"),
        ("revoke(NULL)", "22023"),
    ] {
        expect_error(&mut scene.su, &format!("SELECT credentials.{call}"), state);
    }
    assert_eq!(fingerprint(&mut scene.su), before);
    let none = "SELECT count(*) FROM credentials.access_group";
    assert_eq!(ask(&mut scene.su, none), "0");
    assert!(grant(&mut scene.own, "analyst", "read_only", "{}").is_empty());
    assert_eq!(ask(&mut scene.su, none), "0", "an empty list is no schema");
}

#[test]
fn a_group_that_a_superuser_renamed_is_refused_with_the_statement_that_mends_it() {
    let mut scene = Scene::new();
    scene.credential("analyst");
    scene.credential("second");
    grant(&mut scene.own, "analyst", "read_only", "{public}");
    run(
        &mut scene.su,
        "ALTER ROLE db_reader_public RENAME TO \"Read er\"",
    );
    let call = "SELECT credentials.grant('second', 'read_only', '{public}')";
    let error = expect_error(&mut scene.own, call, "55000");
    let hint = error
        .as_db_error()
        .unwrap()
        .hint()
        .unwrap_or_default()
        .to_owned();
    let remedy = "ALTER ROLE \"Read er\" RENAME TO db_reader_public;";
    assert!(hint.contains(remedy), "{hint}");
    assert_eq!(
        access(&mut scene.own, "analyst"),
        "{}",
        "it is no group of ours now"
    );
    run(&mut scene.su, remedy);
    grant(&mut scene.own, "second", "read_only", "{public}");
    assert_eq!(
        access(&mut scene.own, "analyst"),
        r#"{"public": "read_only"}"#
    );
}

#[test]
fn a_group_that_a_superuser_dropped_is_made_anew() {
    let mut scene = Scene::new();
    scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{public}");
    run(
        &mut scene.su,
        "DROP OWNED BY db_reader_public; DROP ROLE db_reader_public",
    );
    assert_eq!(access(&mut scene.own, "analyst"), "{}");
    grant(&mut scene.own, "analyst", "read_only", "{public}");
    assert_eq!(
        access(&mut scene.own, "analyst"),
        r#"{"public": "read_only"}"#
    );
    let held = "SELECT has_schema_privilege('db_reader_public', 'public', 'USAGE')";
    assert_eq!(ask(&mut scene.su, held), "t");
}

#[test]
fn a_group_that_became_more_than_a_group_gives_nobody_what_it_became() {
    let mut scene = Scene::new();
    scene.cluster.allow_superuser("db_reader_public");
    scene.credential("analyst");
    scene.credential("second");
    grant(&mut scene.own, "analyst", "read_only", "{public}");
    run(&mut scene.own, "SELECT credentials.revoke('analyst')");
    for (made, mended) in [
        (
            "ALTER ROLE db_reader_public SUPERUSER",
            "ALTER ROLE db_reader_public NOSUPERUSER",
        ),
        (
            "ALTER ROLE db_reader_public CREATEROLE",
            "ALTER ROLE db_reader_public NOCREATEROLE",
        ),
        (
            "REVOKE db_reader_public FROM app_owner; GRANT app_owner TO db_reader_public",
            "REVOKE app_owner FROM db_reader_public",
        ),
    ] {
        run(&mut scene.su, made);
        let call = "SELECT credentials.grant('second', 'read_only', '{public}')";
        let error = expect_error(&mut scene.own, call, "42501");
        let message = error.as_db_error().unwrap().message().to_owned();
        assert!(message.contains("more than a group"), "{made}: {message}");
        run(&mut scene.su, mended);
    }
    grant(&mut scene.own, "second", "read_only", "{public}");
}

#[test]
fn a_notice_says_what_comes_next_and_only_where_something_was_done() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; CREATE TABLE shop.t (i int)",
    );
    scene.credential("analyst");
    let call = "SELECT credentials.grant('analyst', 'read_only', '{shop}')";
    let said = said_to_default(&scene, call);
    assert!(
        said.contains("credentials.table_privileges('analyst')"),
        "{said}"
    );
    let again = said_to_default(&scene, call);
    assert!(!again.contains("NOTICE"), "{again}");
    let owner = said_to_default(
        &scene,
        "SELECT credentials.grant('analyst', 'owner', '{shop}')",
    );
    assert!(owner.contains("credentials.wait('analyst')"), "{owner}");
}
