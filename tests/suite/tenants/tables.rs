//! Partitions, child tables, columns of all types, and tables that belong to whom one would not expect.

use super::{apply, apply_spec, own_rows, planned, shop, told};
use crate::harness::expect_error;
use crate::scene::{ask, outcome, run, Scene};

fn entry(credential: &str, table: &'static str, value: &str) -> (String, &'static str, String) {
    (credential.to_owned(), table, value.to_owned())
}

#[test]
fn partitions_and_child_tables_that_are_asked_directly_are_filtered_too() {
    let mut scene = shop(Scene::new(), 2, 1);
    run(
        &mut scene.own,
        "CREATE TABLE shop.events (id int, tenant text) PARTITION BY RANGE (id);
         CREATE TABLE shop.e1 PARTITION OF shop.events FOR VALUES FROM (0) TO (10);
         CREATE TABLE shop.e2 (tenant text, id int) PARTITION BY RANGE (id);
         ALTER TABLE shop.events ATTACH PARTITION shop.e2 FOR VALUES FROM (10) TO (20);
         CREATE TABLE shop.e21 PARTITION OF shop.e2 FOR VALUES FROM (10) TO (20);
         CREATE TABLE shop.base (id int, tenant text);
         CREATE TABLE shop.child (more text) INHERITS (shop.base);
         INSERT INTO shop.events SELECT i, 'm' || i % 2 FROM generate_series(0, 19) i;
         INSERT INTO shop.base SELECT i, 'm' || i % 2 FROM generate_series(0, 3) i;
         INSERT INTO shop.child SELECT i, 'm' || i % 2 FROM generate_series(0, 5) i;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO shop_group",
    );
    apply(
        &mut scene.own,
        &[
            entry("t00", "shop.events", "m0"),
            entry("t01", "shop.events", "m1"),
            entry("t00", "shop.base", "m0"),
            entry("t01", "shop.base", "m1"),
        ],
    );
    for (name, mark) in [("t00", "m0"), ("t01", "m1")] {
        let mut tenant = scene.login(name);
        for (table, count) in [
            ("shop.events", 10),
            ("shop.e1", 5),
            ("shop.e2", 5),
            ("shop.e21", 5),
            ("shop.base", 5),
            ("ONLY shop.base", 2),
            ("shop.child", 3),
        ] {
            let sql = format!("SELECT tenant FROM {table}");
            assert_eq!(own_rows(&mut tenant, &sql, mark), count, "{name}: {table}");
        }
        assert_eq!(
            outcome(&mut tenant, "INSERT INTO shop.events VALUES (3, 'other')"),
            "42501"
        );
        assert_eq!(
            outcome(&mut tenant, "INSERT INTO shop.e1 VALUES (3, 'other')"),
            "42501"
        );
    }
    assert_eq!(
        told(&mut scene.own, "SELECT tenant FROM shop.events")
            .unwrap()
            .len(),
        20
    );
}

#[test]
fn a_partition_alone_cannot_have_tenants_since_its_rows_are_read_through_what_is_above() {
    let mut scene = shop(Scene::new(), 1, 1);
    run(
        &mut scene.own,
        "CREATE TABLE shop.events (id int, tenant text) PARTITION BY RANGE (id);
         CREATE TABLE shop.e1 PARTITION OF shop.events FOR VALUES FROM (0) TO (10);
         CREATE TABLE shop.a (tenant text); CREATE TABLE shop.b (tenant text);
         CREATE TABLE shop.ab () INHERITS (shop.a, shop.b)",
    );
    for table in ["shop.e1", "shop.ab", "shop.a"] {
        let sql = format!(
            "SELECT * FROM credentials.apply('{}')",
            super::spec(&[entry("t00", table, "m0")])
        );
        expect_error(&mut scene.own, &sql, "22023");
    }
}

#[test]
fn the_value_is_one_of_the_columns_type_whatever_that_is() {
    let mut scene = shop(Scene::new(), 2, 1);
    for (number, (kind, one, two)) in [
        ("integer", "7", "8"),
        (
            "uuid",
            "11111111-1111-1111-1111-111111111111",
            "21111111-1111-1111-1111-111111111111",
        ),
        ("varchar(3)", "abc", "abd"),
        ("char(5)", "a", "b"),
        ("name", "x", "y"),
        ("bigint", "-1", "9007199254740993"),
        ("numeric(5,2)", "1.50", "2"),
        ("date", "2020-01-01", "2020-01-02"),
        ("bytea", "\\x00ff", "\\x"),
        ("shop.colour", "dark \"red'\\", "NULL"),
        ("shop.small", "3", "4"),
        ("jsonb", "{\"a\": 1}", "null"),
        ("boolean", "true", "f"),
        ("text", "", "'; DROP TABLE shop.orders; --"),
    ]
    .into_iter()
    .enumerate()
    {
        if number == 0 {
            run(&mut scene.own, "CREATE TYPE shop.colour AS ENUM ('dark \"red''\\', 'NULL'); CREATE DOMAIN shop.small AS int CHECK (VALUE < 10)");
        }
        let (first, second) = (one.replace('\'', "''"), two.replace('\'', "''"));
        run(
            &mut scene.own,
            &format!(
                "SET standard_conforming_strings = on;
                 CREATE TABLE shop.k{number} (\"the \"\"mark\" {kind}, who text);
                 INSERT INTO shop.k{number} VALUES ('{first}', 'm0'), ('{second}', 'm1'), (NULL, 'nobody');
                 GRANT SELECT, INSERT ON shop.k{number} TO shop_group"
            ),
        );
        let tables = [format!("shop.k{number}")];
        let spec = serde_json::json!({"tenants": [
            {"credential": "t00", "tables": tables, "column": "the \"mark", "value": one},
            {"credential": "t01", "tables": tables, "column": "the \"mark", "value": two}]});
        apply_spec(&mut scene.own, &spec.to_string());
        for (name, mark) in [("t00", "m0"), ("t01", "m1")] {
            let mut tenant = scene.login(name);
            run(&mut tenant, "SET standard_conforming_strings = on");
            let sql = format!("SELECT who FROM shop.k{number}");
            assert_eq!(own_rows(&mut tenant, &sql, mark), 1, "{kind}");
            let foreign = if name == "t00" { &second } else { &first };
            let sql = format!("INSERT INTO shop.k{number} VALUES ('{foreign}')");
            assert_eq!(outcome(&mut tenant, &sql), "42501", "{kind}");
        }
    }
}

#[test]
fn tenants_of_one_table_can_be_told_by_different_columns() {
    let mut scene = shop(Scene::new(), 3, 1);
    run(
        &mut scene.own,
        "CREATE TABLE shop.two (org int, team text, who text);
         INSERT INTO shop.two VALUES (1, 'a', 'm0'), (1, 'b', 'm0'), (2, 'c', 'm1'), (3, 'c', 'm1'), (4, 'd', 'm2');
         GRANT SELECT ON shop.two TO shop_group",
    );
    let on = |credential: &str, column: &str, value: &str| serde_json::json!({"credential": credential, "tables": ["shop.two"], "column": column, "value": value});
    let spec = serde_json::json!({"tenants": [on("t00", "org", "1"), on("t01", "team", "c"), on("t02", "team", "d")]});
    apply_spec(&mut scene.own, &spec.to_string());
    for (name, mark, count) in [("t00", "m0", 2), ("t01", "m1", 2), ("t02", "m2", 1)] {
        let mut tenant = scene.login(name);
        assert_eq!(
            own_rows(&mut tenant, "SELECT who FROM shop.two", mark),
            count
        );
    }
}

#[test]
fn a_tenant_that_owns_the_table_is_filtered_until_it_changes_its_table() {
    let mut scene = shop(Scene::new(), 2, 1);
    run(&mut scene.own, "GRANT CREATE ON SCHEMA shop TO t00");
    let mut tenant = scene.login("t00");
    run(
        &mut tenant,
        "CREATE TABLE shop.mine (id int, tenant text);
         INSERT INTO shop.mine VALUES (1, 'm0'), (2, 'm1'); GRANT SELECT ON shop.mine TO shop_group",
    );
    apply(
        &mut scene.own,
        &[
            entry("t00", "shop.mine", "m0"),
            entry("t01", "shop.mine", "m1"),
        ],
    );
    assert_eq!(
        own_rows(&mut tenant, "SELECT tenant FROM shop.mine", "m0"),
        1
    );
    let mut second = scene.login("t01");
    assert_eq!(
        own_rows(&mut second, "SELECT tenant FROM shop.mine", "m1"),
        1
    );
    assert_eq!(
        told(&mut scene.own, "SELECT tenant FROM shop.mine")
            .unwrap()
            .len(),
        2,
        "default"
    );
    let owner = "SELECT pg_get_userbyid(relowner) || relforcerowsecurity FROM pg_class WHERE relname = 'mine'";
    assert_eq!(ask(&mut scene.su, owner), "t00true");
}

#[test]
fn a_plan_mends_what_an_owner_changed_by_hand_and_leaves_what_is_named_otherwise() {
    let mut scene = shop(Scene::new(), 2, 5);
    let spec = super::spec(&[
        entry("t00", "shop.orders", "m0"),
        entry("t01", "shop.orders", "m1"),
    ]);
    for act in [
        "ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE shop.orders NO FORCE ROW LEVEL SECURITY",
        "ALTER POLICY tenants_rows ON shop.orders USING (true)",
        "ALTER POLICY tenants_rows ON shop.orders TO t01",
        "ALTER POLICY tenants_rows ON shop.orders RENAME TO x",
        "DROP POLICY tenants_others ON shop.orders",
        "DROP POLICY tenants_rows ON shop.orders; DROP POLICY tenants_others ON shop.orders",
    ] {
        assert_eq!(planned(&mut scene.own, &spec), Vec::<String>::new());
        run(&mut scene.own, act);
        assert_ne!(
            planned(&mut scene.own, &spec),
            Vec::<String>::new(),
            "{act}"
        );
        apply_spec(&mut scene.own, &spec);
        let mut tenant = scene.login("t00");
        assert_eq!(
            own_rows(&mut tenant, "SELECT tenant FROM shop.v", "m0"),
            5,
            "{act}"
        );
        assert_eq!(
            told(&mut scene.own, "SELECT tenant FROM shop.v")
                .unwrap()
                .len(),
            15,
            "{act}"
        );
    }
}

#[test]
fn a_table_and_a_column_may_be_renamed_under_the_tenants() {
    let mut scene = shop(Scene::new(), 1, 5);
    run(&mut scene.own, "ALTER TABLE shop.orders RENAME TO \"Or\"\"ders\"; ALTER TABLE shop.\"Or\"\"ders\" RENAME tenant TO org");
    let spec = r#"{"tenants": [{"credential": "t00", "tables": ["shop.\"Or\"\"ders\""], "column": "org", "value": "m0"}]}"#;
    assert_eq!(planned(&mut scene.own, spec), Vec::<String>::new());
    let mut tenant = scene.login("t00");
    assert_eq!(own_rows(&mut tenant, "SELECT tenant FROM shop.v", "m0"), 5);
}
