//! Savepoints, caught errors, prepared transactions: what is made has its rights exactly where it is there.

use super::{relation_rights, Shop};
use crate::scene::{ask, outcome, run};

const BOTH: [&str; 2] = [
    "db_reader_shop SELECT",
    "db_writer_shop DELETE,INSERT,SELECT,UPDATE",
];

#[test]
fn what_is_made_can_be_read_by_the_groups_within_its_own_transaction() {
    let mut shop = Shop::new();
    for client in [&mut shop.migrator, &mut shop.stranger] {
        run(
            client,
            "BEGIN;
             DO $$ BEGIN
               CREATE TABLE shop.t (id serial);
               ASSERT has_table_privilege('db_reader_shop', 'shop.t', 'SELECT');
               ASSERT has_sequence_privilege('db_writer_shop', 'shop.t_id_seq', 'USAGE');
               INSERT INTO shop.t DEFAULT VALUES;
               CREATE TABLE shop.u AS SELECT * FROM shop.t;
               ASSERT has_table_privilege('db_writer_shop', 'shop.u', 'DELETE');
               ASSERT (SELECT count(*) FROM shop.u) = 1;
             END $$;
             ROLLBACK",
        );
    }
}

#[test]
fn a_function_makes_readable_tables_whoever_calls_it() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "CREATE FUNCTION shop.make(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
         BEGIN EXECUTE format('CREATE TABLE shop.%I (id serial)', name); END $$;
         GRANT EXECUTE ON FUNCTION shop.make(text) TO PUBLIC",
    );
    run(&mut shop.reader, "SELECT shop.make('by_function')");
    assert_eq!(shop.owner("shop.by_function"), "db_owner_shop");
    shop.is_open("shop.by_function");
}

#[test]
fn what_is_rolled_back_to_a_savepoint_is_forgotten_and_what_stays_is_readable() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "BEGIN; CREATE TABLE shop.kept (id int);
         SAVEPOINT a; CREATE TABLE shop.gone (id int); SAVEPOINT b; CREATE TABLE shop.gone_too (id int);
         RELEASE b; ROLLBACK TO a; CREATE TABLE shop.kept_too (id int); RELEASE a; COMMIT",
    );
    for table in ["shop.kept", "shop.kept_too"] {
        shop.is_open(table);
        assert_eq!(relation_rights(&mut shop.scene.su, table), BOTH);
    }
    run(
        &mut shop.stranger,
        "DO $$ BEGIN
           BEGIN CREATE TABLE shop.caught (id int); RAISE EXCEPTION 'x'; EXCEPTION WHEN OTHERS THEN NULL; END;
           CREATE TABLE shop.caught (id text);
         END $$",
    );
    shop.is_open("shop.caught");
}

#[test]
fn a_prepared_transaction_with_a_migration_in_it_is_committed_with_the_rights() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "BEGIN; CREATE TABLE shop.prepared (id serial); ALTER TABLE shop.prepared ADD COLUMN more int;
         PREPARE TRANSACTION 'migration'",
    );
    assert_eq!(shop.read("shop.prepared"), "42P01");
    run(&mut shop.migrator, "COMMIT PREPARED 'migration'");
    shop.is_open("shop.prepared");
    run(
        &mut shop.migrator,
        "BEGIN; CREATE TABLE shop.undone (id serial); PREPARE TRANSACTION 'undone'",
    );
    run(&mut shop.migrator, "ROLLBACK PREPARED 'undone'");
    assert_eq!(shop.read("shop.undone"), "42P01");
}

#[test]
fn at_every_isolation_level_the_groups_of_now_count() {
    let mut shop = Shop::new();
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        run(
            &mut shop.stranger,
            &format!("BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM pg_class"),
        );
        run(
            &mut shop.scene.su,
            "DELETE FROM credentials.access_group WHERE kind = 'writer'",
        );
        run(&mut shop.stranger, "CREATE TABLE shop.t (id int); COMMIT");
        let rights = relation_rights(&mut shop.scene.su, "shop.t");
        assert_eq!(rights, ["db_reader_shop SELECT"], "{level}");
        run(
            &mut shop.scene.su,
            "DROP TABLE shop.t; INSERT INTO credentials.access_group
             SELECT 'db_writer_shop'::regrole, 'db_writer_shop', 'writer', 'shop'::regnamespace, 'shop', now()",
        );
    }
}

#[test]
fn a_procedure_that_commits_between_its_tables_leaves_each_readable() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "CREATE PROCEDURE shop.migrate() LANGUAGE plpgsql AS $$
         BEGIN
           FOR i IN 1..3 LOOP
             EXECUTE format('CREATE TABLE shop.step_%s (id serial)', i);
             IF i = 2 THEN ROLLBACK; ELSE COMMIT; END IF;
           END LOOP;
         END $$;",
    );
    run(&mut shop.migrator, "CALL shop.migrate()");
    shop.is_open("shop.step_1");
    assert_eq!(shop.read("shop.step_2"), "42P01");
    shop.is_open("shop.step_3");
}

#[test]
fn a_failing_statement_fails_as_it_would_and_leaves_the_session_as_it_was() {
    let mut shop = Shop::new();
    for client in [&mut shop.migrator, &mut shop.stranger] {
        for (statement, sqlstate) in [
            ("CREATE TABLE shop.t (id int, id int)", "42701"),
            ("CREATE TABLE shop.t (id nothing_of_that_name)", "42704"),
            ("CREATE TABLE shop.t AS SELECT 1 / 0 AS id", "22012"),
            ("CREATE SCHEMA shop", "42P06"),
        ] {
            let found = outcome(client, statement);
            assert!(
                found == sqlstate || found == "42501",
                "{statement}: {found}"
            );
        }
        let error = client
            .batch_execute("CREATE TABLE shop.t (id nothing_of_that_name)")
            .unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(
            error.position(),
            Some(&postgres::error::ErrorPosition::Original(25))
        );
        assert_eq!(
            error.message(),
            "type \"nothing_of_that_name\" does not exist"
        );
        assert_eq!(error.where_(), None);
        run(client, "CREATE TABLE shop.fine (id int)");
        let me = ask(client, "SELECT current_user = session_user");
        assert_eq!(me, "t");
        run(&mut shop.scene.su, "DROP TABLE shop.fine");
    }
}
