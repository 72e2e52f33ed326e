//! What is refused, with nothing changed.

use postgres::Client;

use super::{apply, flat, picture, works};
use crate::harness::expect_error;
use crate::scene::{run, told, Scene};

/// Tries a stage; gives what the error says.
#[track_caller]
fn refused(client: &mut Client, role: &str, stage: &str, state: &str) -> String {
    let spec = super::spec(client, role, stage);
    let mut last = String::new();
    for function in ["plan", "apply"] {
        let sql = format!("SELECT * FROM credentials.{function}($spec${spec}$spec$)");
        last = told(&expect_error(client, &sql, state));
    }
    last
}

#[test]
fn a_flat_role_that_is_absent_reserved_or_not_the_callers_is_refused() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    run(
        &mut scene.su,
        "CREATE ROLE boss SUPERUSER; CREATE ROLE friend LOGIN IN ROLE boss",
    );
    scene.cluster.allow_superuser("boss");
    run(
        &mut scene.su,
        "SELECT credentials.create('twinned'); SELECT credentials.grant('twinned', 'read_only')",
    );
    run(&mut scene.su, "SELECT credentials.rotate('twinned')");
    let before = picture(&mut scene.su);
    refused(&mut scene.su, "nobody_is_this", "prepare", "42704");
    for role in [
        "boss",
        "friend",
        "postgres",
        "pg_monitor",
        "db_reader_public",
        "twinned-rotating",
    ] {
        refused(&mut scene.su, role, "prepare", "42501");
    }
    // An unmanaged role is a superuser's to change.
    let why = refused(&mut scene.own, "shop", "prepare", "42501");
    assert!(why.contains("superuser"), "{why}");
    assert_eq!(picture(&mut scene.su), before);
    works(&mut shop);
}

#[test]
fn what_could_not_be_taken_back_does_not_go_with_from() {
    let mut scene = Scene::new();
    let _shop = flat(&mut scene);
    let from = r#""from": {"role": "shop", "stage": "grant"}"#;
    for rest in [
        r#""schemas": {"shop": {"owner": "db_owner_shop", "authoritative": true}}"#,
        r#""tenants": [{"credential": "a", "tables": ["shop.orders"], "column": "word", "value": "a"}], "credentials": {"a": {}}"#,
        r#""schemas": {"shop": {}}, "credentials": {"app": {"access": {"shop": "owner"}}}"#,
        r#""schemas": {"shop": {}}, "credentials": {"app": {"access": {"shop": "read_only"}}}"#,
        r#""credentials": {"shop": {}}"#,
    ] {
        let sql = format!("SELECT * FROM credentials.plan('{{{rest}, {from}}}')");
        expect_error(&mut scene.su, &sql, "22023");
    }
    let sql = r#"SELECT * FROM credentials.plan('{"from": {"role": "shop", "stage": "done"}}')"#;
    let why = told(&expect_error(&mut scene.su, sql, "22023"));
    assert!(why.contains("from.stage"), "{why}");
}

#[test]
fn a_flat_role_that_does_not_inherit_is_told_before_anything_is_taken_from_it() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    run(&mut scene.su, "ALTER ROLE shop NOINHERIT");
    let why = refused(&mut scene.su, "shop", "grant", "55000");
    assert!(why.contains("ALTER ROLE shop INHERIT"), "{why}");
    apply(&mut scene.su, "shop", "prepare");
    works(&mut shop);
    run(&mut scene.su, "ALTER ROLE shop INHERIT");
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    works(&mut shop);
}

#[test]
fn a_credential_that_may_call_apply_does_not_make_itself_a_member_of_a_group_by_from() {
    let mut scene = Scene::new();
    let _shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    let mut mallory = scene.credential("mallory");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO mallory;
         GRANT EXECUTE ON FUNCTION credentials.plan(jsonb), credentials.apply(jsonb), credentials.layout(text, text, text, text) TO mallory",
    );
    let before = picture(&mut scene.su);
    for stage in [
        "prepare",
        "grant",
        "default_privileges",
        "login",
        "observe",
        "retire",
    ] {
        let sql = format!(
            r#"SELECT * FROM credentials.apply('{{"schemas": {{"shop": {{"owner": "db_owner_shop"}}}},
               "from": {{"role": "mallory", "stage": "{stage}"}}}}')"#
        );
        // The first stage has nothing to do for a role that owns nothing there.
        if stage == "prepare" {
            run(&mut mallory, &sql);
        } else {
            expect_error(&mut mallory, &sql, "42501");
        }
        refused(&mut mallory, "shop", stage, "42501");
    }
    assert_eq!(picture(&mut scene.su), before);
}
