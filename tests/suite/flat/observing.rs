//! An observation begins, ends, outlives what it may outlive, and is bounded.

use super::observed::{objects, observe, watched, PROBE};
use super::{apply, flat, works, writes_nothing, MADE};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, run, Scene};

#[test]
fn what_was_seen_is_counted_when_the_role_is_retired_and_told_again_when_it_comes_back() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    observe(&mut scene, "shop", &mut shop);
    run(&mut shop, "TRUNCATE shop.orders");
    let both = [PROBE, "role shop with TRUNCATE TABLE"];
    assert_eq!(objects(&mut scene.su), both);
    let spec = super::spec(&mut scene.su, "shop", "retire");
    let said = scene.cluster.psql(
        &[
            "-c",
            &format!("SELECT FROM credentials.apply($spec${spec}$spec$)"),
        ],
        "",
    );
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("2 kinds of statements"), "{said}");
    // Its sessions are a person's to end, since it is no credential.
    assert!(said.contains("that are still open: 1"), "{said}");
    scene.settle();
    assert_eq!(objects(&mut scene.su), [""; 0]);
    apply(&mut scene.su, "shop", "observe");
    scene.settle();
    assert_eq!(objects(&mut scene.su), both);
    // Before it, nothing is watched, and what was seen is forgotten.
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    assert_eq!(objects(&mut scene.su), [""; 0]);
    works(&mut shop);
    observe(&mut scene, "shop", &mut shop);
    assert_eq!(objects(&mut scene.su), [PROBE]);
}

#[test]
fn a_credential_is_observed_under_its_twin_s_name_too() {
    let mut scene = Scene::new();
    let mut store = scene.credential("store");
    run(&mut scene.su, "CREATE SCHEMA shop AUTHORIZATION store");
    run(&mut store, MADE);
    apply(&mut scene.own, "store", "observe");
    scene.settle();
    run(&mut scene.own, "SELECT credentials.rotate('store')");
    let mut twin = scene.login("store");
    assert_eq!(ask(&mut twin, "SELECT session_user"), "store-rotating");
    wait_until("the twin is watched", SOON, || {
        run(&mut twin, "TRUNCATE shop.orders");
        objects(&mut scene.su)
            .iter()
            .any(|o| o == "role store with TRUNCATE TABLE")
    });
    works(&mut store);
}

#[test]
fn default_is_observed_like_any_other_until_it_is_retired() {
    let mut scene = Scene::new();
    run(&mut scene.own, "CREATE SCHEMA shop");
    run(&mut scene.own, MADE);
    apply(&mut scene.su, "default", "observe");
    scene.settle();
    watched(&mut scene.su, &mut scene.own);
    assert_eq!(objects(&mut scene.su), ["role app_owner with COMMENT"]);
    apply(&mut scene.own, "default", "retire");
    scene.settle();
    assert_eq!(objects(&mut scene.su), [""; 0]);
}

#[test]
fn after_a_crash_it_is_watched_anew() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    observe(&mut scene, "shop", &mut shop);
    drop(shop);
    scene.cluster.kill9();
    scene.cluster.start();
    let mut su = scene.cluster.superuser("app");
    assert_eq!(objects(&mut su), [""; 0]);
    let mut shop = scene
        .cluster
        .login("shop", "a-stranger-called-shop", "app")
        .unwrap();
    watched(&mut su, &mut shop);
    writes_nothing(&mut su, "shop", "observe");
}

#[test]
fn more_kinds_than_there_is_room_for_are_said_to_be_more() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    run(
        &mut scene.su,
        "CREATE SCHEMA beside; GRANT USAGE ON SCHEMA beside TO shop;
         DO $$ BEGIN FOR i IN 1..520 LOOP EXECUTE format('CREATE TABLE beside.t%s (); GRANT SELECT ON beside.t%1$s TO shop', i); END LOOP; END $$",
    );
    observe(&mut scene, "shop", &mut shop);
    run(&mut shop, "DO $$ BEGIN FOR i IN 1..520 LOOP EXECUTE format('SELECT FROM beside.t%s', i); END LOOP; END $$");
    let told = objects(&mut scene.su);
    assert!(told.iter().any(|o| o.ends_with(" more")), "{told:?}");
    let sentences = "SELECT count(*) FROM credentials.check() WHERE code = 'flat_role_statement'";
    assert_eq!(ask(&mut scene.su, sentences), "101");
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    observe(&mut scene, "shop", &mut shop);
    assert_eq!(objects(&mut scene.su), [PROBE]);
}
