//! Partitions and child tables that come later get the policies with the statement that brings them.

use super::{own_rows, planned, shop, told};
use crate::harness::expect_error;
use crate::scene::{ask, outcome, run, Scene};

/// Two tables with partitions or children, their tenants, and a right of the group on all that will be.
fn ready() -> Scene {
    let mut scene = shop(Scene::new(), 2, 1);
    run(
        &mut scene.own,
        "CREATE TABLE shop.events (id int, tenant text) PARTITION BY RANGE (id);
         CREATE TABLE shop.base (id int, tenant text);
         GRANT SELECT, INSERT ON shop.events, shop.base TO shop_group;
         ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, INSERT ON TABLES TO shop_group",
    );
    let apply = format!("SELECT * FROM credentials.apply('{}')", wanted());
    run(&mut scene.own, &apply);
    scene
}

fn wanted() -> String {
    let on = |credential: &str, mark: &str| serde_json::json!({"credential": credential, "tables": ["shop.events", "shop.base"], "column": "tenant", "value": mark});
    serde_json::json!({"tenants": [on("t00", "m0"), on("t01", "m1")]}).to_string()
}

#[test]
fn partitions_and_children_that_are_made_or_attached_later_are_filtered_at_once() {
    let mut scene = ready();
    run(
        &mut scene.own,
        "CREATE TABLE shop.e1 PARTITION OF shop.events FOR VALUES FROM (0) TO (10);
         CREATE TABLE shop.e2 (tenant text, id int) PARTITION BY RANGE (id);
         CREATE TABLE shop.e21 PARTITION OF shop.e2 FOR VALUES FROM (10) TO (20);
         INSERT INTO shop.e21 VALUES ('m0', 12), ('m1', 13);
         ALTER TABLE shop.events ATTACH PARTITION shop.e2 FOR VALUES FROM (10) TO (20);
         CREATE TABLE shop.e22 PARTITION OF shop.events DEFAULT;
         CREATE TABLE shop.child (more text) INHERITS (shop.base);
         CREATE TABLE shop.joined (id int, tenant text);
         ALTER TABLE shop.joined INHERIT shop.base;
         CREATE TABLE shop.grandchild () INHERITS (shop.child);
         DO $$ BEGIN EXECUTE 'CREATE TABLE shop.deep () INHERITS (shop.joined)'; END $$;
         INSERT INTO shop.events SELECT i, 'm' || i % 2 FROM generate_series(0, 3) i;
         INSERT INTO shop.events VALUES (99, 'm0'), (99, 'm1');
         INSERT INTO shop.base VALUES (1, 'm0'), (1, 'm1'); INSERT INTO shop.child VALUES (1, 'm0'), (1, 'm1');
         INSERT INTO shop.joined VALUES (1, 'm0'), (1, 'm1'); INSERT INTO shop.grandchild VALUES (1, 'm0'), (1, 'm1');
         INSERT INTO shop.deep VALUES (1, 'm0'), (1, 'm1')",
    );
    for (name, mark) in [("t00", "m0"), ("t01", "m1")] {
        let mut tenant = scene.login(name);
        for (table, count) in [
            ("events", 4),
            ("e1", 2),
            ("e2", 1),
            ("e21", 1),
            ("e22", 1),
            ("base", 5),
            ("child", 2),
            ("grandchild", 1),
            ("joined", 2),
            ("deep", 1),
        ] {
            let sql = format!("SELECT tenant FROM shop.{table}");
            assert_eq!(own_rows(&mut tenant, &sql, mark), count, "{name}: {table}");
        }
        assert_eq!(
            outcome(&mut tenant, "INSERT INTO shop.deep VALUES (2, 'other')"),
            "42501"
        );
    }
    assert_eq!(
        told(&mut scene.own, "SELECT tenant FROM shop.base")
            .unwrap()
            .len(),
        10
    );
    assert_eq!(planned(&mut scene.own, &wanted()), Vec::<String>::new());
}

#[test]
fn whoever_makes_the_partition_it_has_the_policies() {
    let mut scene = ready();
    run(
        &mut scene.su,
        "CREATE TABLE shop.by_root PARTITION OF shop.events FOR VALUES FROM (0) TO (10);
         INSERT INTO shop.by_root VALUES (1, 'm0'), (2, 'm1'); GRANT SELECT ON shop.by_root TO PUBLIC;
         CREATE ROLE builder IN ROLE app_owner; GRANT CREATE ON SCHEMA shop TO builder; SET ROLE builder;
         CREATE TABLE shop.by_builder PARTITION OF shop.events FOR VALUES FROM (10) TO (20);
         INSERT INTO shop.by_builder VALUES (11, 'm0'), (12, 'm1'); GRANT SELECT ON shop.by_builder TO PUBLIC; RESET ROLE",
    );
    let mut tenant = scene.login("t01");
    for table in ["by_root", "by_builder"] {
        let sql = format!("SELECT tenant FROM shop.{table}");
        assert_eq!(own_rows(&mut tenant, &sql, "m1"), 1, "{table}");
    }
}

#[test]
fn what_cannot_be_filtered_does_not_come_below_a_table_with_tenants() {
    let mut scene = ready();
    run(
        &mut scene.own,
        "CREATE TABLE shop.guarded (id int, tenant text); ALTER TABLE shop.guarded ENABLE ROW LEVEL SECURITY;
         CREATE TABLE shop.free (id int, tenant text)",
    );
    for sql in [
        "ALTER TABLE shop.events ATTACH PARTITION shop.guarded FOR VALUES FROM (0) TO (10)",
        "ALTER TABLE shop.guarded INHERIT shop.base",
        "CREATE TABLE shop.both () INHERITS (shop.base, shop.free)",
    ] {
        expect_error(&mut scene.own, sql, "42501");
    }
    let below = "SELECT count(*) FROM pg_inherits WHERE inhparent IN ('shop.base'::regclass, 'shop.events'::regclass)";
    assert_eq!(ask(&mut scene.su, below), "0");
    run(
        &mut scene.own,
        "CREATE TABLE shop.plain () INHERITS (shop.free)",
    );
    run(
        &mut scene.su,
        "CREATE TEMP TABLE t () INHERITS (shop.base); DROP TABLE t",
    );
}

#[test]
fn what_reads_past_row_security_is_not_opened_to_a_tenant_by_the_groups_of_its_schema() {
    let mut scene = shop(Scene::new(), 1, 5);
    run(
        &mut scene.own,
        "SELECT credentials.create('analyst', 'read_only', '{shop}'); SELECT credentials.grant('t00', 'read_only', '{shop}');
         CREATE MATERIALIZED VIEW shop.all_orders AS SELECT * FROM shop.vv;
         CREATE MATERIALIZED VIEW shop.other AS SELECT 1 AS tenant;
         CREATE VIEW shop.later AS SELECT * FROM shop.orders",
    );
    run(
        &mut scene.su,
        "CREATE VIEW shop.by_root AS SELECT tenant FROM shop.orders",
    );
    let mut tenant = scene.login("t00");
    for table in ["all_orders", "by_root"] {
        assert_eq!(
            told(&mut tenant, &format!("SELECT tenant FROM shop.{table}")),
            Err("42501".to_owned())
        );
    }
    assert_eq!(
        told(&mut tenant, "SELECT tenant FROM shop.other")
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        own_rows(&mut tenant, "SELECT tenant FROM shop.later", "m0"),
        5
    );
    assert_eq!(
        planned(
            &mut scene.own,
            &super::spec(&[("t00".to_owned(), "shop.orders", "m0".to_owned())])
        ),
        Vec::<String>::new()
    );
}
