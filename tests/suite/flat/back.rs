//! Back: an earlier stage after a later one takes back what came between.

use super::{apply, flat, is_long, owners, picture, works, writes_nothing, STAGES};
use crate::scene::{ask, column, run, Scene};

#[test]
fn from_every_stage_back_to_every_earlier_one_all_is_as_it_was_there() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    let mut pictures = Vec::new();
    let all = [STAGES.as_slice(), &["retire"]].concat();
    for stage in &all {
        apply(&mut scene.su, "shop", stage);
        scene.settle();
        pictures.push(picture(&mut scene.su));
    }
    for from in (1..all.len()).rev() {
        for to in (0..from).rev() {
            // A sample: one stage back, and all the way; observing alone changes no rights.
            let sampled = to + 1 == from || to == 0 && all[from] != "observe";
            if !sampled && !is_long() {
                continue;
            }
            apply(&mut scene.su, "shop", all[from]);
            scene.settle();
            assert_eq!(picture(&mut scene.su), pictures[from], "at {}", all[from]);
            apply(&mut scene.su, "shop", all[to]);
            works(&mut shop);
            scene.settle();
            works(&mut shop);
            let now = picture(&mut scene.su);
            assert_eq!(now, pictures[to], "{} to {}", all[from], all[to]);
            writes_nothing(&mut scene.su, "shop", all[to]);
        }
    }
}

#[test]
fn the_way_back_ends_the_sessions_of_the_new_logins_and_not_of_the_flat_role() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    let mut user = scene.login("shop_user");
    run(&mut user, "SELECT * FROM shop.orders");
    apply(&mut scene.su, "shop", "default_privileges");
    scene.settle();
    assert!(user.batch_execute("SELECT 1").is_err());
    works(&mut shop);
}

#[test]
fn what_the_migrator_made_goes_to_the_flat_role_on_the_way_back() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    let mut migrator = scene.login("shop_migrator");
    run(&mut migrator, "CREATE TABLE shop.new (i int)");
    apply(&mut scene.su, "shop", "prepare");
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["shop"]);
    run(&mut shop, "DROP TABLE shop.new");
    let groups = "SELECT role_name FROM credentials.access_group ORDER BY 1";
    let left = column(&mut scene.su, groups);
    assert_eq!(left, ["db_reader_shop", "db_writer_shop"]);
    let gone = "SELECT count(*) FROM pg_roles WHERE rolname = 'db_owner_shop'";
    assert_eq!(ask(&mut scene.su, gone), "0");
}

#[test]
fn a_credential_that_was_there_before_keeps_its_login_and_what_it_was_given() {
    let mut scene = Scene::new();
    let _shop = flat(&mut scene);
    run(&mut scene.su, "SELECT credentials.create('shop_readonly')");
    for stage in ["prepare", "login", "prepare"] {
        apply(&mut scene.su, "shop", stage);
        scene.settle();
        let state = "SELECT state FROM credentials.list() WHERE name = 'shop_readonly'";
        assert_eq!(ask(&mut scene.su, state), "active", "{stage}");
    }
    let mut reader = scene.login("shop_readonly");
    run(&mut reader, "SELECT * FROM shop.orders");
    let state = "SELECT state FROM credentials.list() WHERE name = 'shop_user'";
    assert_eq!(ask(&mut scene.su, state), "suspended");
}

#[test]
fn a_way_back_that_is_ordered_before_the_way_there_has_ended_ends_with_the_flat_role_as_the_owner()
{
    let mut scene = Scene::new();
    let mut store = scene.credential("store");
    run(&mut scene.su, "CREATE SCHEMA shop AUTHORIZATION store");
    run(&mut store, super::MADE);
    for stage in ["grant", "prepare"] {
        apply(&mut scene.own, "store", stage);
        works(&mut store);
    }
    scene.settle();
    let left = "SELECT count(*) FROM pg_roles WHERE rolname = 'db_owner_shop'";
    assert_eq!(ask(&mut scene.su, left), "0");
    assert_eq!(owners(&mut scene.su), ["store"]);
}

#[test]
fn what_is_there_at_each_stage_is_exported_as_a_spec_that_plans_to_nothing() {
    let mut scene = Scene::new();
    let _shop = flat(&mut scene);
    let planned = "SELECT string_agg(statement, ' ') FROM credentials.plan(credentials.export())";
    for stage in ["prepare", "login", "grant", "prepare"] {
        apply(&mut scene.su, "shop", stage);
        scene.settle();
        assert_eq!(ask(&mut scene.su, planned), "", "{stage}");
    }
}

#[test]
fn the_flat_role_that_is_destroyed_on_the_way_leaves_nothing_that_holds_it() {
    let mut scene = Scene::new();
    let mut store = scene.credential("store");
    run(&mut scene.su, "CREATE SCHEMA shop AUTHORIZATION store");
    run(&mut store, super::MADE);
    apply(&mut scene.own, "store", "login");
    scene.settle();
    drop(store);
    run(
        &mut scene.own,
        "SELECT credentials.destroy('store', confirm => 'app')",
    );
    scene.settle();
    let gone = "SELECT count(*) FROM pg_roles WHERE rolname = 'store'";
    assert_eq!(ask(&mut scene.su, gone), "0");
    let mut user = scene.login("shop_user");
    run(&mut user, "INSERT INTO shop.orders (word) VALUES ('x')");
    assert_eq!(owners(&mut scene.su), ["db_owner_shop"]);
}
