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

/// What readers of every schema, and of shop, have a right on.
#[track_caller]
fn given(shop: &mut Shop) -> Vec<String> {
    column(
        &mut shop.scene.su,
        "SELECT relname::text FROM pg_class, aclexplode(relacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE rolname IN ('db_reader_all', 'db_reader_shop')
         UNION ALL SELECT proname::text FROM pg_proc, aclexplode(proacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE rolname IN ('db_reader_all', 'db_reader_shop')",
    )
}

#[test]
fn the_servers_schemas_temporary_tables_and_the_extensions_own_are_nobodys() {
    let mut shop = everywhere();
    let before = given(&mut shop);
    run(
        &mut shop.scene.su,
        "SET allow_system_table_mods = on; CREATE TABLE pg_catalog.pg_mine (id int);
         CREATE TABLE information_schema.mine (id int); CREATE TABLE credentials.mine (id int);
         CREATE TEMP TABLE temporary (id serial); CREATE TEMP VIEW temporary_view AS SELECT 1 AS id;
         SELECT 1 AS id INTO TEMP temporary_too; CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    assert_eq!(given(&mut shop), before);
    run(
        &mut shop.scene.su,
        "DROP TABLE pg_catalog.pg_mine, information_schema.mine, credentials.mine",
    );
}

#[test]
fn what_an_extension_makes_is_the_extensions_to_give() {
    let mut shop = everywhere();
    let before = given(&mut shop);
    run(
        &mut shop.scene.su,
        "CREATE EXTENSION pg_stat_statements SCHEMA shop VERSION '1.4'; ALTER EXTENSION pg_stat_statements UPDATE;
         CREATE EXTENSION hstore SCHEMA shop",
    );
    assert_eq!(given(&mut shop), before);
    // Nor when the extension goes to another schema, and back.
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA ext; ALTER EXTENSION hstore SET SCHEMA ext; ALTER EXTENSION hstore SET SCHEMA shop",
    );
    assert_eq!(given(&mut shop), before);
}

#[test]
fn what_a_new_group_finds_and_what_an_older_one_was_given_object_by_object_is_the_same() {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA pair; SELECT credentials.grant('reader', 'read_only', '{pair}');
         GRANT CREATE, USAGE ON SCHEMA pair TO stranger, app_owner",
    );
    for (maker, language, body) in [
        ("su", "internal", "'int4pl'"),
        ("own", "sql", "'SELECT $1 + $2'"),
        ("stranger", "plpgsql", "'BEGIN RETURN $1 + $2; END'"),
    ] {
        let client = match maker {
            "su" => &mut shop.scene.su,
            "own" => &mut shop.scene.own,
            _ => &mut shop.stranger,
        };
        let sql = "CREATE FUNCTION pair.@_open(int, int) RETURNS int LANGUAGE {l} AS {b};
             CREATE FUNCTION pair.@_closed(int, int) RETURNS int LANGUAGE {l} AS {b};
             REVOKE ALL ON FUNCTION pair.@_closed(int, int) FROM PUBLIC;
             CREATE FUNCTION pair.@_definer(int, int) RETURNS int LANGUAGE {l} SECURITY DEFINER AS {b};
             REVOKE ALL ON FUNCTION pair.@_definer(int, int) FROM PUBLIC;
             CREATE AGGREGATE pair.@_sum (int) (SFUNC = pg_catalog.int4pl, STYPE = int);
             CREATE AGGREGATE pair.@_of_open (int) (SFUNC = pair.@_open, STYPE = int);
             CREATE AGGREGATE pair.@_of_closed (int) (SFUNC = pair.@_closed, STYPE = int);
             CREATE AGGREGATE pair.@_of_definer (int) (SFUNC = pair.@_definer, STYPE = int);
             CREATE OR REPLACE AGGREGATE pair.@_sum (int) (SFUNC = pair.@_definer, STYPE = int);
             CREATE PROCEDURE pair.@_procedure() LANGUAGE sql AS 'SELECT 1';
             CREATE TABLE pair.@_table (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY);
             CREATE TABLE pair.@_parts (id int) PARTITION BY LIST (id);
             CREATE TABLE pair.@_part PARTITION OF pair.@_parts DEFAULT; CREATE INDEX ON pair.@_parts (id);
             CREATE VIEW pair.@_view AS SELECT 1 AS id; CREATE MATERIALIZED VIEW pair.@_kept AS SELECT 1 AS id;
             CREATE SEQUENCE pair.@_sequence; CREATE TYPE pair.@_row AS (id int); CREATE TYPE pair.@_word AS ENUM ('a')";
        let sql = sql
            .replace('@', maker)
            .replace("{l}", language)
            .replace("{b}", body);
        run(client, &sql);
    }
    run(
        &mut shop.scene.su,
        "SELECT credentials.grant('writer', 'read_write', '{pair}')",
    );
    let given = |shop: &mut Shop, group: &str| {
        column(
            &mut shop.scene.su,
            &format!(
                "SELECT o.name FROM (
                    SELECT relname::text, relacl FROM pg_class WHERE relnamespace = 'pair'::regnamespace
                    UNION ALL SELECT proname::text, proacl FROM pg_proc WHERE pronamespace = 'pair'::regnamespace) o (name, acl)
                  WHERE EXISTS (SELECT FROM aclexplode(o.acl) a WHERE a.grantee = '{group}'::regrole) ORDER BY 1"
            ),
        )
    };
    let by_the_hook = given(&mut shop, "db_reader_pair");
    assert_eq!(by_the_hook, given(&mut shop, "db_writer_pair"));
    for (name, expected) in [
        ("own_of_open", true),
        ("own_of_definer", false),
        ("own_sum", false),
        ("su_of_closed", false),
        ("stranger_procedure", true),
        ("su_part", true),
        ("own_table_n_seq", true),
    ] {
        let found = by_the_hook.iter().any(|n| n == name);
        assert_eq!(found, expected, "{name}");
    }
}
