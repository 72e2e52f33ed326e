//! Whoever makes it.

use super::{relation_rights, Shop};
use crate::scene::{column, outcome, run};

#[test]
fn a_table_is_readable_at_once_whoever_made_it() {
    let mut shop = Shop::new();
    for maker in ["postgres", "app_owner", "migrator", "stranger"] {
        let table = format!("shop.of_{maker}");
        let client = &mut shop.makers().into_iter().find(|m| m.0 == maker).unwrap().1;
        run(client, &format!("CREATE TABLE {table} (id int)"));
        shop.is_open(&table);
        assert_eq!(
            relation_rights(&mut shop.scene.su, &table),
            [
                "db_reader_shop SELECT",
                "db_writer_shop DELETE,INSERT,SELECT,UPDATE"
            ],
            "{maker}"
        );
    }
}

#[test]
fn what_members_of_the_owner_group_make_is_the_groups_and_what_others_make_is_theirs() {
    let mut shop = Shop::new();
    for (maker, owner) in [
        ("postgres", "postgres"),
        ("app_owner", "db_owner_shop"),
        ("migrator", "db_owner_shop"),
        ("stranger", "stranger"),
    ] {
        let client = &mut shop.makers().into_iter().find(|m| m.0 == maker).unwrap().1;
        run(
            client,
            &format!(
                "CREATE TABLE shop.t_{maker} (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, t text);
                 INSERT INTO shop.t_{maker} (t) VALUES ('x');
                 CREATE VIEW shop.v_{maker} AS SELECT 1 AS one;
                 CREATE SEQUENCE shop.s_{maker};
                 CREATE FUNCTION shop.f_{maker}() RETURNS int LANGUAGE sql AS 'SELECT 1'"
            ),
        );
        let owners = column(
            &mut shop.scene.su,
            &format!(
                "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'shop'::regnamespace
                    AND (relname LIKE '%_{maker}' OR relname LIKE 't_{maker}%')
                 UNION SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'f_{maker}'"
            ),
        );
        assert_eq!(owners, [owner], "{maker}");
    }
    // The members share what is the group's.
    run(
        &mut shop.migrator,
        "ALTER TABLE shop.t_app_owner ADD COLUMN more int",
    );
    run(
        &mut shop.scene.own,
        "DROP TABLE shop.t_migrator; DROP FUNCTION shop.f_migrator()",
    );
    assert_eq!(
        outcome(
            &mut shop.migrator,
            "ALTER TABLE shop.t_stranger ADD more int"
        ),
        "42501"
    );
}

#[test]
fn a_member_that_does_not_inherit_keeps_what_it_makes_and_it_is_readable() {
    let mut shop = Shop::new();
    let mut loner = shop.scene.stranger("loner", "NOINHERIT");
    run(
        &mut shop.scene.su,
        "GRANT db_owner_shop TO loner; GRANT CREATE, USAGE ON SCHEMA shop TO loner",
    );
    run(
        &mut loner,
        "CREATE TABLE shop.t (id int); INSERT INTO shop.t VALUES (1)",
    );
    assert_eq!(shop.owner("shop.t"), "loner");
    shop.is_open("shop.t");
    run(
        &mut loner,
        "SET ROLE db_owner_shop; CREATE TABLE shop.u (id int)",
    );
    assert_eq!(shop.owner("shop.u"), "db_owner_shop");
    shop.is_open("shop.u");
}
