//! What members of the group that owns a schema make there and carries no preset's rights: types, operators,
//! statistics. It is the group's all the same, so that the next member can change it.

use super::Shop;
use crate::scene::{column, run, Scene};

const MADE: &str = "
    CREATE TYPE @.mood AS ENUM ('glad'); CREATE TYPE @.pair AS (a int, b int); CREATE DOMAIN @.small AS int CHECK (VALUE < 9);
    CREATE TYPE @.span AS RANGE (SUBTYPE = int4);
    CREATE TABLE @.t (id serial, m @.mood, a int, b int); CREATE STATISTICS @.together ON a, b FROM @.t;
    CREATE FUNCTION @.same(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
    CREATE OPERATOR @.=== (FUNCTION = @.same, LEFTARG = int, RIGHTARG = int);
    CREATE COLLATION @.plain (LOCALE = 'C');
    CREATE TEXT SEARCH DICTIONARY @.words (TEMPLATE = simple);
    CREATE TEXT SEARCH CONFIGURATION @.search (COPY = pg_catalog.simple)";

/// Owners of everything that has one in a schema, each once; of relations and routines too.
fn owners(scene: &mut Scene, schema: &str) -> Vec<String> {
    let each = [
        ("pg_class", "rel", "relkind <> 'i'"),
        ("pg_type", "typ", "true"),
        ("pg_statistic_ext", "stx", "true"),
        ("pg_operator", "opr", "true"),
        ("pg_collation", "coll", "true"),
        ("pg_ts_dict", "dict", "true"),
        ("pg_ts_config", "cfg", "true"),
    ];
    let parts = each.map(|(catalog, prefix, which)| {
        format!("SELECT {prefix}owner::regrole || ' ' || '{catalog}' FROM {catalog} WHERE {prefix}namespace = '{schema}'::regnamespace AND {which}")
    });
    column(
        &mut scene.su,
        &format!("{} ORDER BY 1", parts.join(" UNION ")),
    )
}

/// The same, where one role owns all of it.
fn all_of(owner: &str) -> Vec<String> {
    [
        "pg_class",
        "pg_collation",
        "pg_operator",
        "pg_statistic_ext",
        "pg_ts_config",
        "pg_ts_dict",
        "pg_type",
    ]
    .map(|catalog| format!("{owner} {catalog}"))
    .to_vec()
}

#[test]
fn types_operators_and_statistics_that_a_member_makes_are_the_owner_groups() {
    let mut shop = Shop::new();
    run(&mut shop.migrator, &MADE.replace('@', "shop"));
    assert_eq!(owners(&mut shop.scene, "shop"), all_of("db_owner_shop"));
    // Another member goes on with them.
    run(
        &mut shop.scene.own,
        "ALTER TYPE shop.mood ADD VALUE 'sad'; ALTER TYPE shop.pair ADD ATTRIBUTE c int;
         ALTER DOMAIN shop.small DROP CONSTRAINT small_check; DROP STATISTICS shop.together;
         DROP TYPE shop.span; DROP OPERATOR shop.=== (int, int); DROP TEXT SEARCH DICTIONARY shop.words",
    );
}

#[test]
fn types_operators_and_statistics_of_others_stay_theirs_and_those_that_come_in_are_the_groups() {
    let mut shop = Shop::new();
    run(&mut shop.stranger, &MADE.replace('@', "shop"));
    assert_eq!(owners(&mut shop.scene, "shop"), all_of("stranger"));
    run(&mut shop.scene.su, "DROP OWNED BY stranger CASCADE");
    run(&mut shop.migrator, "CREATE SCHEMA own");
    run(&mut shop.migrator, &MADE.replace('@', "own"));
    assert_eq!(owners(&mut shop.scene, "own"), all_of("migrator"));
    run(
        &mut shop.migrator,
        "ALTER TABLE own.t SET SCHEMA shop; ALTER TYPE own.mood SET SCHEMA shop; ALTER TYPE own.pair SET SCHEMA shop;
         ALTER TYPE own.small SET SCHEMA shop; ALTER TYPE own.span SET SCHEMA shop; ALTER STATISTICS own.together SET SCHEMA shop;
         ALTER OPERATOR own.=== (int, int) SET SCHEMA shop; ALTER COLLATION own.plain SET SCHEMA shop;
         ALTER TEXT SEARCH DICTIONARY own.words SET SCHEMA shop; ALTER TEXT SEARCH CONFIGURATION own.search SET SCHEMA shop",
    );
    assert_eq!(owners(&mut shop.scene, "shop"), all_of("db_owner_shop"));
}
