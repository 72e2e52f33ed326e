//! Groups of every schema, the ones that are and will be.

use super::{relation_rights, Shop};
use crate::scene::{column, outcome, run};

/// The shop, with a reader of everything.
#[track_caller]
fn everywhere() -> Shop {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "SELECT credentials.grant('reader', 'read_only', '{*}'); GRANT CREATE ON DATABASE app TO stranger",
    );
    shop
}

#[test]
fn a_new_schema_and_what_is_made_in_it_is_readable_at_once_whoever_made_it() {
    let mut shop = everywhere();
    for maker in ["postgres", "app_owner", "migrator", "stranger"] {
        let client = &mut shop.makers().into_iter().find(|m| m.0 == maker).unwrap().1;
        run(
            client,
            &format!(
                "CREATE SCHEMA new_{maker}; CREATE TABLE new_{maker}.t (id serial);
                 CREATE SCHEMA whole_{maker} CREATE TABLE t (id serial) CREATE VIEW v AS SELECT 1 AS id"
            ),
        );
        for table in ["new_{m}.t", "whole_{m}.t", "whole_{m}.v"] {
            let table = table.replace("{m}", maker);
            assert_eq!(shop.read(&table), "", "{table}");
            if table.ends_with('t') {
                let delete = format!("DELETE FROM {table}");
                assert_eq!(outcome(&mut shop.reader, &delete), "42501", "{table}");
            }
            assert_eq!(
                outcome(&mut shop.writer, &format!("SELECT FROM {table}")),
                "42501"
            );
        }
    }
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA AUTHORIZATION stranger CREATE TABLE t (id int)",
    );
    assert_eq!(shop.read("stranger.t"), "");
}

#[test]
fn a_schema_of_a_group_has_both_its_own_readers_and_those_of_every_schema() {
    let mut shop = everywhere();
    run(&mut shop.migrator, "CREATE TABLE shop.t (id int)");
    assert_eq!(
        relation_rights(&mut shop.scene.su, "shop.t"),
        [
            "db_reader_all SELECT",
            "db_reader_shop SELECT",
            "db_writer_shop DELETE,INSERT,SELECT,UPDATE"
        ]
    );
    // What its owner takes from the readers of every schema a move does not give back.
    run(
        &mut shop.migrator,
        "REVOKE ALL ON shop.t FROM db_reader_all; CREATE SCHEMA other; ALTER TABLE shop.t SET SCHEMA other",
    );
    assert_eq!(relation_rights(&mut shop.scene.su, "other.t"), [""; 0]);
}

#[test]
fn the_servers_schemas_temporary_tables_and_the_extensions_own_are_nobodys() {
    let mut shop = everywhere();
    run(
        &mut shop.scene.su,
        "SET allow_system_table_mods = on; CREATE TABLE pg_catalog.pg_mine (id int);
         CREATE TABLE information_schema.mine (id int); CREATE TABLE credentials.mine (id int);
         CREATE TEMP TABLE temporary (id serial); CREATE TEMP VIEW temporary_view AS SELECT 1 AS id;
         SELECT 1 AS id INTO TEMP temporary_too; CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    let given = column(
        &mut shop.scene.su,
        "SELECT relname::text FROM pg_class, aclexplode(relacl) WHERE grantee = 'db_reader_all'::regrole
         UNION ALL SELECT proname::text FROM pg_proc, aclexplode(proacl) WHERE grantee = 'db_reader_all'::regrole",
    );
    assert_eq!(given, [""; 0]);
    run(
        &mut shop.scene.su,
        "DROP TABLE pg_catalog.pg_mine, information_schema.mine, credentials.mine",
    );
}

#[test]
fn what_an_extension_makes_is_the_extensions_to_give() {
    let mut shop = everywhere();
    run(
        &mut shop.scene.su,
        "CREATE EXTENSION pg_stat_statements SCHEMA shop VERSION '1.4'; ALTER EXTENSION pg_stat_statements UPDATE;
         CREATE EXTENSION hstore SCHEMA shop",
    );
    let given = column(
        &mut shop.scene.su,
        "SELECT relname::text FROM pg_class, aclexplode(relacl) WHERE grantee IN ('db_reader_all'::regrole, 'db_reader_shop'::regrole)
         UNION ALL SELECT proname::text FROM pg_proc, aclexplode(proacl) WHERE grantee IN ('db_reader_all'::regrole, 'db_reader_shop'::regrole)",
    );
    assert_eq!(given, [""; 0]);
    // Nor when the extension goes to another schema, and back.
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA ext; ALTER EXTENSION hstore SET SCHEMA ext; ALTER EXTENSION hstore SET SCHEMA shop",
    );
    let given = column(
        &mut shop.scene.su,
        "SELECT proname::text FROM pg_proc, aclexplode(proacl) WHERE grantee IN ('db_reader_all'::regrole, 'db_reader_shop'::regrole)",
    );
    assert_eq!(given, [""; 0]);
}
