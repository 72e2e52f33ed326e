//! Locks while something is made, and what event triggers do in the middle of it.

use super::{relation_rights, Shop};
use crate::scene::{ask, column, outcome, run};

#[test]
fn who_makes_something_takes_the_lock_of_its_schemas_groups_to_the_end_of_the_transaction() {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "GRANT TEMPORARY ON DATABASE app TO stranger",
    );
    run(&mut shop.stranger, "BEGIN; CREATE TABLE shop.t (id int)");
    let held = column(
        &mut shop.scene.su,
        "SELECT mode || ' ' || objid::regnamespace FROM pg_locks
          WHERE granted AND locktype = 'object' AND classid = 'credentials.access_group'::regclass ORDER BY 1",
    );
    assert_eq!(held, ["ShareLock -", "ShareLock shop"]);
    run(&mut shop.stranger, "COMMIT");
    // What gives no rights takes no lock.
    run(
        &mut shop.stranger,
        "BEGIN; CREATE TEMP TABLE t (id int); ALTER TABLE shop.t ADD COLUMN more int; CREATE INDEX ON shop.t (id)",
    );
    let held = "SELECT count(*) FROM pg_locks WHERE classid = 'credentials.access_group'::regclass";
    assert_eq!(ask(&mut shop.scene.su, held), "0");
    run(&mut shop.stranger, "ROLLBACK");
}

#[test]
fn a_superusers_event_triggers_run_before_the_rights_are_given_and_have_their_way() {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "CREATE FUNCTION at_end() RETURNS event_trigger LANGUAGE plpgsql AS $$
         BEGIN
           IF to_regclass('shop.by_trigger') IS NULL THEN CREATE TABLE shop.by_trigger (id serial); END IF;
           IF tg_tag = 'CREATE TABLE' AND to_regclass('shop.watched') IS NOT NULL THEN
             ALTER TABLE shop.watched OWNER TO stranger;
           END IF;
         END $$;
         CREATE FUNCTION at_rewrite() RETURNS event_trigger LANGUAGE plpgsql AS $$
         BEGIN DROP TABLE IF EXISTS shop.during; CREATE TABLE shop.during (id serial); END $$;
         CREATE TABLE shop.watching (id int);
         CREATE EVENT TRIGGER at_end ON ddl_command_end EXECUTE FUNCTION at_end();
         CREATE EVENT TRIGGER at_rewrite ON table_rewrite EXECUTE FUNCTION at_rewrite();
         SET ROLE migrator; CREATE TABLE shop.old (id int); INSERT INTO shop.old VALUES (1); RESET ROLE;
         ALTER EVENT TRIGGER at_end DISABLE",
    );
    for table in ["shop.old", "shop.by_trigger"] {
        shop.is_open(table);
    }
    run(&mut shop.scene.su, "ALTER EVENT TRIGGER at_end ENABLE");
    run(&mut shop.scene.su, "CREATE TABLE shop.watched (id int)");
    shop.is_open("shop.watched");
    assert_eq!(shop.owner("shop.watched"), "stranger");
    run(&mut shop.scene.su, "ALTER EVENT TRIGGER at_end DISABLE");
    // A serial column's sequence is made while the table is rewritten: it and its table stay together.
    run(
        &mut shop.migrator,
        "ALTER TABLE shop.old ADD COLUMN n serial",
    );
    shop.is_open("shop.during");
    assert_eq!(shop.owner("shop.old_n_seq"), "db_owner_shop");
    assert_eq!(
        relation_rights(&mut shop.scene.su, "shop.old_n_seq"),
        ["db_reader_shop SELECT", "db_writer_shop SELECT,USAGE"]
    );
    assert_eq!(
        outcome(&mut shop.writer, "INSERT INTO shop.old VALUES (2)"),
        ""
    );
}
