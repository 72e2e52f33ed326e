//! Tenants that go: with the spec, with the table, with the credential.

use super::{apply, mark, own_rows, planned, shop, spec, tenant, told};
use crate::harness::expect_error;
use crate::scene::{ask, run, Scene};

const STATE: &str = "SELECT (SELECT count(*) FROM pg_policy) || '|' || relrowsecurity || relforcerowsecurity || '|' ||
    (SELECT count(*) FROM credentials.tenant) || '|' || (SELECT count(*) FROM credentials.tenant_table) FROM pg_class WHERE relname = 'orders'";

#[test]
fn an_authoritative_schema_loses_the_tenants_that_its_spec_does_not_name() {
    let mut scene = shop(Scene::new(), 2, 5);
    assert_eq!(ask(&mut scene.su, STATE), "2|truetrue|2|1");
    let one: serde_json::Value =
        serde_json::from_str(&spec(&[(tenant(0), "shop.orders", mark(0))])).unwrap();
    let with = |tenants: &serde_json::Value| {
        serde_json::json!({"schemas": {"shop": {"authoritative": true}}, "tenants": tenants})
            .to_string()
    };
    assert_eq!(
        planned(&mut scene.own, &one.to_string()),
        Vec::<String>::new(),
        "additive"
    );
    run(
        &mut scene.own,
        &format!(
            "SELECT * FROM credentials.apply('{}')",
            with(&one["tenants"])
        ),
    );
    let mut gone = scene.login("t01");
    assert_eq!(
        told(&mut gone, "SELECT tenant FROM shop.orders")
            .unwrap()
            .len(),
        15
    );
    let mut left = scene.login("t00");
    assert_eq!(own_rows(&mut left, "SELECT tenant FROM shop.v", "m0"), 5);
    run(
        &mut scene.own,
        &format!(
            "SELECT * FROM credentials.apply('{}')",
            with(&serde_json::json!([]))
        ),
    );
    assert_eq!(ask(&mut scene.su, STATE), "0|falsefalse|0|0");
    assert_eq!(
        told(&mut left, "SELECT tenant FROM shop.orders")
            .unwrap()
            .len(),
        15
    );
}

#[test]
fn row_security_is_not_taken_away_under_a_policy_that_somebody_added() {
    let mut scene = shop(Scene::new(), 1, 5);
    run(
        &mut scene.own,
        "CREATE POLICY theirs ON shop.orders AS RESTRICTIVE USING (id > 1)",
    );
    let none = r#"{"schemas": {"shop": {"authoritative": true}}, "tenants": []}"#;
    expect_error(
        &mut scene.own,
        &format!("SELECT * FROM credentials.apply('{none}')"),
        "42710",
    );
    run(&mut scene.own, "DROP POLICY theirs ON shop.orders");
    run(
        &mut scene.own,
        &format!("SELECT * FROM credentials.apply('{none}')"),
    );
    assert_eq!(ask(&mut scene.su, STATE), "0|falsefalse|0|0");
}

#[test]
fn a_destroyed_tenant_opens_nothing_to_the_others_and_its_name_stays_shut() {
    let mut scene = shop(Scene::new(), 2, 5);
    run(
        &mut scene.own,
        "SELECT credentials.destroy('t00', confirm => 'app')",
    );
    scene.settle();
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 't00'"
        ),
        "0"
    );
    let mut left = scene.login("t01");
    assert_eq!(
        own_rows(&mut left, "SELECT tenant FROM shop.orders", "m1"),
        5
    );
    assert_eq!(
        told(&mut scene.own, "SELECT tenant FROM shop.orders")
            .unwrap()
            .len(),
        15
    );
    let rest = spec(&[(tenant(1), "shop.orders", mark(1))]);
    assert_eq!(planned(&mut scene.own, &rest), Vec::<String>::new());
    // Somebody else under the old name is not let in by it.
    let mut again = scene.credential("t00");
    run(&mut scene.su, "GRANT shop_group TO t00");
    assert_eq!(
        own_rows(&mut again, "SELECT tenant FROM shop.orders", "m0"),
        5
    );
    apply(&mut scene.own, &[(tenant(0), "shop.orders", mark(1))]);
    assert_eq!(
        own_rows(&mut again, "SELECT tenant FROM shop.orders", "m1"),
        5
    );
    assert_eq!(ask(&mut scene.su, STATE), "2|truetrue|2|1");
}

#[test]
fn a_dropped_table_leaves_nothing_that_a_new_one_of_its_name_inherits() {
    let mut scene = shop(Scene::new(), 1, 5);
    run(
        &mut scene.own,
        "DROP TABLE shop.orders CASCADE; CREATE TABLE shop.orders (id int, tenant text)",
    );
    let wanted = spec(&[(tenant(0), "shop.orders", mark(0))]);
    assert_ne!(planned(&mut scene.own, &wanted), Vec::<String>::new());
    apply(&mut scene.own, &[(tenant(0), "shop.orders", mark(0))]);
    let left = "SELECT count(*) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relname = 'orders'";
    assert_eq!(ask(&mut scene.su, left), "2");
}

#[test]
fn what_is_rolled_back_leaves_nothing() {
    let mut scene = shop(Scene::new(), 2, 5);
    let before = ask(&mut scene.su, STATE);
    let none = r#"{"schemas": {"shop": {"authoritative": true}}, "tenants": []}"#;
    run(
        &mut scene.own,
        &format!("BEGIN; SELECT * FROM credentials.apply('{none}'); ROLLBACK"),
    );
    assert_eq!(ask(&mut scene.su, STATE), before);
    let mut tenant = scene.login("t00");
    assert_eq!(
        own_rows(&mut tenant, "SELECT tenant FROM shop.orders", "m0"),
        5
    );
}
