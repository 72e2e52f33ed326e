//! The way back while others are at it: a crash, a slow reader, somebody who makes a table, a change of mind.

use postgres::Client;

use super::{apply, flat, owners, works, writes_nothing};
use crate::harness::{expect_error, wait_until, Cluster, SOON};
use crate::scene::{ask, run, Scene};

#[test]
fn turning_round_while_things_still_move_ends_with_the_owner_of_the_last_stage() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    for (last, owner) in [("grant", "db_owner_shop"), ("prepare", "shop")] {
        for stage in ["prepare", "grant", "prepare", "grant", last] {
            apply(&mut scene.su, "shop", stage);
            works(&mut shop);
        }
        scene.settle();
        assert_eq!(owners(&mut scene.su), [owner]);
        writes_nothing(&mut scene.su, "shop", last);
        works(&mut shop);
    }
}

#[test]
fn a_table_that_is_being_made_when_things_go_back_is_given_back_too() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    let mut maker = scene.stranger("maker", "");
    run(&mut scene.su, "GRANT db_owner_shop TO maker");
    run(&mut maker, "BEGIN; CREATE TABLE shop.slow (i int)");
    // The way back waits for whoever makes something in the schema, and says so.
    let spec = super::spec(&mut scene.su, "shop", "prepare");
    let sql = format!("SELECT * FROM credentials.apply($spec${spec}$spec$)");
    run(&mut scene.su, "SET lock_timeout = '100ms'");
    expect_error(&mut scene.su, &sql, "55P03");
    run(&mut maker, "COMMIT");
    run(&mut scene.su, &sql);
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["shop"]);
    works(&mut shop);
}

#[test]
fn a_crash_while_things_go_back_ends_with_all_of_them_back() {
    let mut scene = Scene::on(
        Cluster::builder()
            .setting("credential_manager.batch_size", "1")
            .start(),
    );
    let shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    drop(shop);
    scene.cluster.crash_at("batch_commit");
    apply(&mut scene.su, "shop", "prepare");
    scene.cluster.wait_crashed(None);
    let mut su = scene.cluster.superuser("app");
    run(&mut su, "SELECT credentials.wait()");
    assert_eq!(owners(&mut su), ["shop"]);
    let left = "SELECT count(*) FROM pg_roles WHERE rolname = 'db_owner_shop'";
    assert_eq!(ask(&mut su, left), "0");
    let unfinished = "SELECT count(*) FROM credentials.jobs() WHERE state <> 'done'";
    assert_eq!(ask(&mut su, unfinished), "0");
}

#[test]
fn a_table_that_somebody_reads_for_long_goes_back_when_it_is_free_and_holds_nobody_up() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    run(&mut shop, "CREATE TABLE shop.other (i int)");
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    let mut slow = scene.stranger("slow", "");
    run(&mut scene.su, "GRANT db_reader_shop TO slow");
    run(&mut slow, "BEGIN; SELECT * FROM shop.orders");
    apply(&mut scene.su, "shop", "prepare");
    let other = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'shop.other'::regclass";
    wait_until("the free table is back", SOON, || {
        ask(&mut scene.su, other) == "shop"
    });
    let busy = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'shop.orders'::regclass";
    assert_eq!(ask(&mut scene.su, busy), "db_owner_shop");
    // What is made from now on is its maker's at once.
    run(&mut shop, "CREATE TABLE shop.kept (i int)");
    let kept = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'shop.kept'::regclass";
    assert_eq!(ask(&mut scene.su, kept), "shop");
    works_beside(&mut shop);
    run(&mut slow, "COMMIT");
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["shop"]);
    works(&mut shop);
}

/// What the app does that needs no lock on the table that is being read.
#[track_caller]
fn works_beside(app: &mut Client) {
    run(
        app,
        "INSERT INTO shop.orders (word) VALUES ('x'); ALTER TABLE shop.other ADD COLUMN j int;
         CREATE TABLE shop.made (i int); DROP TABLE shop.made",
    );
}

#[test]
fn the_owner_group_stays_until_whoever_makes_something_in_its_schema_has_ended() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    let mut slow = scene.stranger("slow", "");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA shop TO slow; GRANT SELECT ON shop.orders TO slow",
    );
    run(&mut slow, "BEGIN; SELECT * FROM shop.orders");
    apply(&mut scene.su, "shop", "prepare");
    // The schema is back, one table is not: what is made now is its maker's, and holds the end up.
    run(&mut shop, "BEGIN; CREATE TABLE shop.mine (i int)");
    run(&mut slow, "COMMIT");
    let back = "SELECT count(*) FROM pg_class WHERE relowner = to_regrole('db_owner_shop')";
    wait_until("everything is back", SOON, || {
        ask(&mut scene.su, back) == "0"
    });
    let waits = "SELECT string_agg(state, ',') FROM credentials.jobs() WHERE message LIKE 'something was made%'";
    wait_until("the job says what it waits for", SOON, || {
        ask(&mut scene.su, waits) == "waiting"
    });
    run(&mut shop, "COMMIT");
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["shop"]);
    let left = "SELECT count(*) FROM pg_roles WHERE rolname = 'db_owner_shop'";
    assert_eq!(ask(&mut scene.su, left), "0");
}

#[test]
fn an_owner_group_that_somebody_gave_rights_stays_takes_nothing_and_has_no_member_by_us() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    let mut slow = scene.stranger("slow", "");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA shop TO slow; GRANT SELECT ON shop.orders TO slow",
    );
    run(&mut slow, "BEGIN; SELECT * FROM shop.orders");
    apply(&mut scene.su, "shop", "prepare");
    run(
        &mut scene.su,
        "GRANT CREATE ON SCHEMA shop TO db_owner_shop",
    );
    // A member made it, and the group could own it; yet the schema is not the group's any more.
    run(&mut shop, "CREATE TABLE shop.kept (i int)");
    let kept = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'shop.kept'::regclass";
    assert_eq!(ask(&mut scene.su, kept), "shop");
    run(&mut slow, "COMMIT");
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["shop"]);
    let members = "SELECT string_agg(member::regrole::text, ' ') FROM pg_auth_members WHERE roleid = 'db_owner_shop'::regrole";
    assert_eq!(ask(&mut scene.su, members), "app_owner");
    works(&mut shop);
    writes_nothing(&mut scene.su, "shop", "prepare");
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["db_owner_shop"]);
    works(&mut shop);
}
