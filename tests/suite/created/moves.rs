//! What goes from one schema to another, and schemas that get another name.

use super::{relation_rights, routine_rights, Shop};
use crate::scene::{ask, outcome, run};

/// The shop, and a second schema with groups of its own; the migrator is a member of both owners.
#[track_caller]
fn two() -> Shop {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA store; SELECT credentials.grant('migrator', 'owner', '{store}');
         SELECT credentials.create('a', 'read_only', '{store}'); SELECT credentials.create('b', 'read_write', '{store}');
         GRANT USAGE ON SCHEMA shop TO PUBLIC; GRANT USAGE ON SCHEMA store TO PUBLIC;
         GRANT ALL ON SCHEMA store TO stranger",
    );
    shop
}

const OF_THE_STORE: [&str; 2] = [
    "db_reader_store SELECT",
    "db_writer_store DELETE,INSERT,SELECT,UPDATE",
];
const OF_THE_SHOP: [&str; 2] = [
    "db_reader_shop SELECT",
    "db_writer_shop DELETE,INSERT,SELECT,UPDATE",
];

#[test]
fn what_goes_to_another_schema_is_readable_there_and_no_longer_from_where_it_was() {
    let mut shop = two();
    run(
        &mut shop.migrator,
        "CREATE TABLE shop.t (id serial); CREATE VIEW shop.v AS SELECT 1 AS id;
         CREATE MATERIALIZED VIEW shop.m AS SELECT 1 AS id; CREATE SEQUENCE shop.s;
         CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    run(
        &mut shop.migrator,
        "ALTER TABLE shop.t SET SCHEMA store; ALTER VIEW shop.v SET SCHEMA store;
         ALTER MATERIALIZED VIEW shop.m SET SCHEMA store; ALTER SEQUENCE shop.s SET SCHEMA store;
         ALTER FUNCTION shop.f() SET SCHEMA store",
    );
    let su = &mut shop.scene.su;
    for relation in ["store.t", "store.v"] {
        assert_eq!(relation_rights(su, relation), OF_THE_STORE, "{relation}");
    }
    for sequence in ["store.s", "store.t_id_seq"] {
        assert_eq!(
            relation_rights(su, sequence),
            ["db_reader_store SELECT", "db_writer_store SELECT,USAGE"],
            "{sequence}"
        );
    }
    assert_eq!(
        relation_rights(su, "store.m"),
        ["db_reader_store SELECT", "db_writer_store SELECT"]
    );
    assert_eq!(
        routine_rights(su, "store.f()"),
        ["db_reader_store EXECUTE", "db_writer_store EXECUTE"]
    );
    for relation in ["store.t", "store.v", "store.m", "store.s", "store.t_id_seq"] {
        assert_eq!(shop.owner(relation), "db_owner_store", "{relation}");
    }
    assert_eq!(outcome(&mut shop.reader, "SELECT FROM store.t"), "42501");
    // And back.
    run(&mut shop.migrator, "ALTER TABLE store.t SET SCHEMA shop");
    assert_eq!(relation_rights(&mut shop.scene.su, "shop.t"), OF_THE_SHOP);
    assert_eq!(shop.owner("shop.t"), "db_owner_shop");
    shop.is_open("shop.t");
}

#[test]
fn what_somebody_gave_a_group_beyond_its_preset_goes_along() {
    let mut shop = two();
    run(
        &mut shop.stranger,
        "CREATE TABLE shop.t (id int); GRANT TRUNCATE ON shop.t TO db_writer_shop; GRANT SELECT ON shop.t TO PUBLIC;
         ALTER TABLE shop.t SET SCHEMA store",
    );
    assert_eq!(
        relation_rights(&mut shop.scene.su, "store.t"),
        [
            "PUBLIC SELECT",
            OF_THE_STORE[0],
            "db_writer_shop TRUNCATE",
            OF_THE_STORE[1]
        ]
    );
    assert_eq!(shop.owner("store.t"), "stranger");
}

#[test]
fn a_table_that_comes_from_a_schema_without_groups_is_readable_and_one_that_goes_there_is_not() {
    let mut shop = two();
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA plain AUTHORIZATION stranger; GRANT USAGE ON SCHEMA plain TO PUBLIC",
    );
    run(&mut shop.stranger, "CREATE TABLE plain.t (id int)");
    assert_eq!(shop.read("plain.t"), "42501");
    run(&mut shop.stranger, "ALTER TABLE plain.t SET SCHEMA shop");
    shop.is_open("shop.t");
    run(&mut shop.stranger, "ALTER TABLE shop.t SET SCHEMA plain");
    assert_eq!(shop.read("plain.t"), "42501");
    assert_eq!(outcome(&mut shop.writer, "DELETE FROM plain.t"), "42501");
}

#[test]
fn a_change_that_moves_nothing_gives_nothing_back() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "CREATE TABLE shop.t (id int); CREATE VIEW shop.v AS SELECT 1 AS id;
         REVOKE ALL ON shop.t, shop.v FROM db_reader_shop",
    );
    for statement in [
        "ALTER TABLE shop.t ADD COLUMN more text",
        "ALTER TABLE shop.t ALTER COLUMN id TYPE bigint",
        "ALTER TABLE shop.t RENAME TO u; ALTER TABLE shop.u RENAME TO t",
        "ALTER TABLE shop.t SET SCHEMA shop",
        "ALTER TABLE shop.t ADD COLUMN n serial",
        "CREATE INDEX ON shop.t (id)",
        "CREATE OR REPLACE VIEW shop.v AS SELECT 2 AS id, 3 AS more",
        "VACUUM FULL shop.t",
        "CLUSTER shop.t USING t_id_idx",
        "REINDEX TABLE CONCURRENTLY shop.t",
        "CREATE INDEX CONCURRENTLY ON shop.t (id)",
        "TRUNCATE shop.t",
        "COMMENT ON TABLE shop.t IS 'x'",
    ] {
        run(&mut shop.migrator, statement);
        assert_eq!(shop.read("shop.t"), "42501", "{statement}");
        assert_eq!(shop.read("shop.v"), "42501", "{statement}");
    }
}

#[test]
fn a_schema_with_another_name_keeps_its_groups_and_a_new_one_of_the_old_name_has_none() {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "ALTER SCHEMA shop RENAME TO \"the \"\"shop\"\"\"",
    );
    let seen = "SELECT string_agg(DISTINCT scope_name, '|') FROM credentials.access_group";
    assert_eq!(ask(&mut shop.scene.su, seen), "the \"shop\"");
    run(
        &mut shop.migrator,
        "CREATE TABLE \"the \"\"shop\"\"\".t (id int)",
    );
    shop.is_open("\"the \"\"shop\"\"\".t");
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO PUBLIC; CREATE TABLE shop.t (id int)",
    );
    assert_eq!(shop.read("shop.t"), "42501");
    // A rename that is undone is.
    run(
        &mut shop.scene.su,
        "BEGIN; ALTER SCHEMA \"the \"\"shop\"\"\" RENAME TO other; ROLLBACK",
    );
    assert_eq!(ask(&mut shop.scene.su, seen), "the \"shop\"");
}

#[test]
fn after_its_schema_is_gone_a_group_is_left_in_peace() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "CREATE TABLE shop.t (id serial); CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    run(
        &mut shop.scene.su,
        "DROP SCHEMA shop CASCADE; CREATE SCHEMA shop; GRANT ALL ON SCHEMA shop TO PUBLIC",
    );
    run(&mut shop.migrator, "CREATE TABLE shop.t (id int)");
    assert_eq!(shop.owner("shop.t"), "migrator");
    assert_eq!(shop.read("shop.t"), "42501");
}
