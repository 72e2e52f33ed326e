//! Retiring what the flat role may be: a credential, default, and one whose rights are in part not the caller's.

use super::{apply, picture, works, writes_nothing, MADE};
use crate::harness::expect_error;
use crate::scene::{ask, run, Scene};

#[test]
fn a_credential_is_retired_by_its_suspension_and_its_sessions_end() {
    let mut scene = Scene::new();
    let mut store = scene.credential("store");
    run(&mut scene.su, "CREATE SCHEMA shop AUTHORIZATION store");
    run(&mut store, MADE);
    for stage in ["login", "observe"] {
        apply(&mut scene.own, "store", stage);
        scene.settle();
        works(&mut store);
    }
    run(&mut scene.own, "SELECT credentials.rotate('store')");
    let mut twin = scene.login("store");
    works(&mut twin);
    apply(&mut scene.own, "store", "retire");
    scene.settle();
    for session in [&mut store, &mut twin] {
        assert!(session.batch_execute("SELECT 1").is_err());
    }
    let state = "SELECT state FROM credentials.list() WHERE name = 'store'";
    assert_eq!(ask(&mut scene.su, state), "suspended");
    writes_nothing(&mut scene.own, "store", "retire");
    apply(&mut scene.own, "store", "observe");
    scene.settle();
    let mut store = scene.login("store");
    works(&mut store);
    assert_eq!(ask(&mut scene.su, state), "active");
    writes_nothing(&mut scene.own, "store", "observe");
}

#[test]
fn a_credential_that_was_suspended_before_stays_so_on_the_way_back() {
    let mut scene = Scene::new();
    let mut store = scene.credential("store");
    run(&mut scene.su, "CREATE SCHEMA shop AUTHORIZATION store");
    run(&mut store, MADE);
    apply(&mut scene.own, "store", "observe");
    run(&mut scene.own, "SELECT credentials.suspend('store')");
    scene.settle();
    for stage in ["retire", "observe"] {
        apply(&mut scene.own, "store", stage);
        scene.settle();
        let state = "SELECT state FROM credentials.list() WHERE name = 'store'";
        assert_eq!(ask(&mut scene.su, state), "suspended", "{stage}");
    }
}

#[test]
fn default_keeps_its_login_and_its_rights() {
    let mut scene = Scene::new();
    run(&mut scene.own, "CREATE SCHEMA shop");
    run(&mut scene.own, MADE);
    apply(&mut scene.own, "default", "observe");
    scene.settle();
    let before = picture(&mut scene.su);
    let applied = apply(&mut scene.own, "default", "retire");
    assert_eq!(applied, ["-- stage retire of leaving app_owner"]);
    scene.settle();
    works(&mut scene.own);
    scene.login("default");
    assert_eq!(picture(&mut scene.su), before);
    writes_nothing(&mut scene.own, "default", "retire");
    apply(&mut scene.own, "default", "login");
    works(&mut scene.own);
}

#[test]
fn what_the_caller_has_no_say_over_stays_with_a_role_that_cannot_log_in() {
    let mut scene = Scene::new();
    let mut store = scene.credential("store");
    run(
        &mut scene.su,
        "CREATE SCHEMA shop AUTHORIZATION store; GRANT CREATE ON SCHEMA shop TO postgres",
    );
    run(&mut store, MADE);
    apply(&mut scene.own, "store", "login");
    scene.settle();
    run(
        &mut scene.su,
        "CREATE TABLE shop.superusers (i int); ALTER TABLE shop.superusers OWNER TO postgres;
         GRANT SELECT ON shop.superusers, shop.orders TO store;
         ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA shop GRANT SELECT ON TABLES TO store",
    );
    apply(&mut scene.own, "store", "retire");
    scene.settle();
    let has =
        |table: &str| format!("SELECT has_table_privilege('store', 'shop.{table}', 'SELECT')");
    assert_eq!(ask(&mut scene.su, &has("superusers")), "t");
    assert_eq!(ask(&mut scene.su, &has("orders")), "f");
    writes_nothing(&mut scene.own, "store", "retire");
    // A superuser takes that too, and then it is a superuser's to give back.
    apply(&mut scene.su, "store", "retire");
    assert_eq!(ask(&mut scene.su, &has("superusers")), "f");
    let spec = super::spec(&mut scene.own, "store", "login");
    let sql = format!("SELECT * FROM credentials.apply($spec${spec}$spec$)");
    expect_error(&mut scene.own, &sql, "42501");
    apply(&mut scene.su, "store", "login");
    assert_eq!(ask(&mut scene.su, &has("superusers")), "t");
}
