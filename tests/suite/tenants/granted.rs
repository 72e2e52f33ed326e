//! What a tenant is given later leads it round its policies in no call of ours.

use super::{own_rows, shop, told};
use crate::harness::expect_error;
use crate::scene::{ask, outcome, run, Scene};

/// A schema in which the rows of all tenants stand in a materialized view.
const REPORTS: &str = "
    CREATE SCHEMA reports; CREATE VIEW reports.plain AS SELECT * FROM shop.orders;
    CREATE MATERIALIZED VIEW reports.kept AS SELECT * FROM shop.orders;
    CREATE MATERIALIZED VIEW reports.of_it AS SELECT * FROM reports.kept;
    SELECT credentials.create('analyst', 'read_only', '{reports}')";

/// A scene with two tenants, and the schema.
fn ready() -> Scene {
    let mut scene = shop(Scene::new(), 2, 5);
    run(&mut scene.own, REPORTS);
    scene
}

#[track_caller]
fn refused(scene: &mut Scene, call: &str) {
    let error = expect_error(&mut scene.own, call, "42501");
    let said = error.as_db_error().unwrap();
    assert!(said.message().contains("t00"), "{}", said.message());
    assert!(said.hint().is_some());
}

#[test]
fn a_preset_that_would_show_a_tenant_what_was_read_past_row_security_is_refused() {
    let mut scene = ready();
    for access in ["read_only", "read_write"] {
        for schemas in ["{reports}", "{*}", "{shop,reports}"] {
            refused(
                &mut scene,
                &format!("SELECT credentials.grant('t00', '{access}', '{schemas}')"),
            );
        }
    }
    let mut tenant = scene.login("t00");
    assert_eq!(
        outcome(&mut tenant, "SELECT FROM reports.kept"),
        "42501",
        "nothing was given"
    );
    // What is not read past row security is given as to anybody.
    run(
        &mut scene.own,
        "DROP MATERIALIZED VIEW reports.kept CASCADE;
         SELECT credentials.grant('t00', 'read_only', '{reports}')",
    );
    assert_eq!(
        own_rows(&mut tenant, "SELECT tenant FROM reports.plain", "m0"),
        5
    );
}

#[test]
fn a_spec_that_would_give_a_tenant_a_way_round_its_policies_is_refused() {
    let mut scene = ready();
    for given in [
        r#"{"access": {"reports": "read_only"}}"#,
        r#"{"tables": {"reports.of_it": ["SELECT"]}}"#,
        r#"{"tables": {"shop.orders": ["TRUNCATE"]}}"#,
        r#"{"tables": {"shop.orders": ["TRIGGER"]}}"#,
    ] {
        let spec = format!(r#"{{"credentials": {{"t00": {given}}}}}"#);
        refused(
            &mut scene,
            &format!("SELECT * FROM credentials.apply('{spec}')"),
        );
    }
    // For others it is nothing but a right.
    run(
        &mut scene.own,
        r#"SELECT * FROM credentials.apply('{"credentials": {"analyst": {"tables": {"shop.orders": ["TRUNCATE"]}}}}')"#,
    );
}

#[test]
fn who_makes_a_tenant_an_owner_of_its_table_is_told_what_that_means() {
    let scene = ready();
    let call = "SELECT credentials.grant('t00', 'owner', '{shop}')";
    let said = scene
        .cluster
        .psql(&[&scene.cluster.url("default"), "-c", call], "");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("can act as the owner"), "{said}");
}

#[test]
fn a_tenant_that_is_none_any_more_is_given_what_everybody_is() {
    let mut scene = ready();
    run(
        &mut scene.own,
        r#"SELECT * FROM credentials.apply('{"schemas": {"shop": {"authoritative": true}}}')"#,
    );
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.tenant"),
        "0"
    );
    run(
        &mut scene.own,
        "SELECT credentials.grant('t00', 'read_only', '{reports}')",
    );
    let mut tenant = scene.login("t00");
    assert_eq!(
        told(&mut tenant, "SELECT tenant FROM reports.kept")
            .unwrap()
            .len(),
        15
    );
}
