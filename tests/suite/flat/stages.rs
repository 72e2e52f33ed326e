//! Forward: each stage its own apply.

use super::{apply, flat, owners, plan, works, writes_nothing, STAGES};
use crate::harness::{expect_error, sqlstate};
use crate::scene::{ask, column, run, Scene};

const STATES: &str =
    "SELECT name || ' ' || state FROM credentials.list() WHERE name <> 'default' ORDER BY 1";

#[test]
fn the_app_works_as_its_flat_role_at_every_stage_and_a_second_apply_writes_nothing() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    for stage in STAGES {
        let planned = plan(&mut scene.su, "shop", stage);
        assert!(!planned.is_empty(), "{stage}");
        assert_eq!(apply(&mut scene.su, "shop", stage), planned, "{stage}");
        // While what it owns is on its way to the group, and when it has come there.
        works(&mut shop);
        scene.settle();
        works(&mut shop);
        writes_nothing(&mut scene.su, "shop", stage);
    }
    assert_eq!(owners(&mut scene.su), ["db_owner_shop"]);
}

#[test]
fn prepare_makes_roles_that_cannot_log_in_and_leaves_every_owner() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "prepare");
    scene.settle();
    let states = column(&mut scene.su, STATES);
    let suspended = [
        "dba suspended",
        "shop_migrator suspended",
        "shop_readonly suspended",
        "shop_user suspended",
    ];
    assert_eq!(states, suspended);
    assert_eq!(owners(&mut scene.su), ["shop"]);
    let members = "SELECT count(*) FROM pg_auth_members WHERE member::regrole::text LIKE 'shop%'";
    assert_eq!(ask(&mut scene.su, members), "0");
    // The groups have their rights already, on what comes later too.
    run(&mut shop, "CREATE TABLE shop.later (i int)");
    let reads = "SELECT has_table_privilege('db_reader_shop', 'shop.orders', 'SELECT')
                    AND has_table_privilege('db_reader_shop', 'shop.later', 'SELECT')";
    assert_eq!(ask(&mut scene.su, reads), "t");
}

#[test]
fn grant_gives_the_new_roles_their_rights_and_no_login() {
    let mut scene = Scene::new();
    let _shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    let can = "SELECT has_table_privilege('shop_user', 'shop.orders', 'INSERT')
                  AND has_table_privilege('shop_readonly', 'shop.orders', 'SELECT')
                  AND NOT has_table_privilege('shop_readonly', 'shop.orders', 'INSERT')
                  AND pg_has_role('shop_migrator', 'db_owner_shop', 'USAGE')
                  AND NOT (SELECT bool_or(rolcanlogin) FROM pg_roles WHERE rolname LIKE 'shop\\_%')";
    assert_eq!(ask(&mut scene.su, can), "t");
    let url = ask(&mut scene.su, "SELECT credentials.url('shop_user')");
    let refused = scene.cluster.connect(&url).map(|_| ()).unwrap_err();
    assert_eq!(sqlstate(&refused), "28000");
}

#[test]
fn default_privileges_of_the_flat_role_are_shown_where_a_dump_shows_them() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    let shown = "SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM pg_default_acl d, unnest(defaclacl) a
                  WHERE defaclrole = 'shop'::regrole AND defaclobjtype = 'r'";
    apply(&mut scene.su, "shop", "grant");
    assert_eq!(ask(&mut scene.su, shown), "");
    apply(&mut scene.su, "shop", "default_privileges");
    assert_eq!(
        ask(&mut scene.su, shown),
        "db_reader_shop=r/shop db_writer_shop=arwd/shop"
    );
    scene.settle();
    works(&mut shop);
}

#[test]
fn the_new_logins_do_exactly_theirs_and_what_the_flat_role_makes_is_theirs_to_use() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    run(&mut shop, "CREATE TABLE shop.later (i int)");
    let mut user = scene.login("shop_user");
    run(
        &mut user,
        "INSERT INTO shop.orders (word) VALUES ('z'); INSERT INTO shop.later VALUES (1)",
    );
    expect_error(&mut user, "CREATE TABLE shop.mine (i int)", "42501");
    expect_error(&mut user, "DROP TABLE shop.later", "42501");
    let mut reader = scene.login("shop_readonly");
    run(&mut reader, "SELECT * FROM shop.orders, shop.later");
    expect_error(&mut reader, "INSERT INTO shop.later VALUES (2)", "42501");
    let mut migrator = scene.login("shop_migrator");
    run(
        &mut migrator,
        "ALTER TABLE shop.later ADD COLUMN j int; CREATE TABLE shop.new (i int)",
    );
    run(
        &mut shop,
        "INSERT INTO shop.new VALUES (1); DROP TABLE shop.new",
    );
    assert_eq!(owners(&mut scene.su), ["db_owner_shop"]);
}

#[test]
fn login_at_once_is_the_same_as_stage_by_stage() {
    let mut steps = Scene::new();
    let _shop = flat(&mut steps);
    for stage in STAGES {
        apply(&mut steps.su, "shop", stage);
    }
    steps.settle();
    let mut once = Scene::new();
    let _shop = flat(&mut once);
    apply(&mut once.su, "shop", "login");
    once.settle();
    assert_eq!(super::picture(&mut steps.su), super::picture(&mut once.su));
}

#[test]
fn a_stage_that_is_rolled_back_leaves_nothing() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    let before = super::picture(&mut scene.su);
    run(&mut scene.su, "BEGIN");
    apply(&mut scene.su, "shop", "login");
    run(&mut scene.su, "ROLLBACK");
    assert_eq!(super::picture(&mut scene.su), before);
    let rows = "SELECT count(*) FROM credentials.flat";
    assert_eq!(ask(&mut scene.su, rows), "0");
    works(&mut shop);
}

#[test]
fn each_stage_leaves_one_event_that_says_what_was_done_for_the_flat_role() {
    let mut scene = Scene::new();
    let _shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "grant");
    let told = "SELECT count(*) FROM credentials.events() WHERE action = 'apply' AND name IS NULL
                   AND detail::text LIKE '%stage role shop%' AND detail::text LIKE '%grant role db_owner_shop%'";
    assert_eq!(ask(&mut scene.su, told), "1");
    let stage = "SELECT role_name || ' ' || stage FROM credentials.flat";
    assert_eq!(ask(&mut scene.su, stage), "shop grant");
}
