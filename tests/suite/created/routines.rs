//! Functions and procedures: callable where they reach no further than their caller, and what their owner took
//! away stays away.

use super::{routine_rights, Shop, BOTH_EXECUTE};
use crate::scene::{ask, outcome, run};

const NOBODY: [&str; 0] = [];

#[test]
fn functions_and_procedures_are_callable_at_once_whoever_made_them() {
    let mut shop = Shop::new();
    for maker in ["postgres", "app_owner", "migrator", "stranger"] {
        let client = &mut shop.makers().into_iter().find(|m| m.0 == maker).unwrap().1;
        run(
            client,
            &format!(
                "BEGIN;
                 CREATE FUNCTION shop.f_{maker}() RETURNS int LANGUAGE sql AS 'SELECT 1';
                 REVOKE ALL ON FUNCTION shop.f_{maker}() FROM PUBLIC;
                 CREATE PROCEDURE shop.p_{maker}() LANGUAGE plpgsql AS 'BEGIN END';
                 REVOKE ALL ON PROCEDURE shop.p_{maker}() FROM PUBLIC;
                 COMMIT"
            ),
        );
        run(
            &mut shop.reader,
            &format!("SELECT shop.f_{maker}(); CALL shop.p_{maker}()"),
        );
        for routine in ["f", "p"] {
            let routine = format!("shop.{routine}_{maker}()");
            assert_eq!(routine_rights(&mut shop.scene.su, &routine), BOTH_EXECUTE);
        }
    }
}

#[test]
fn a_routine_that_reaches_further_than_its_caller_is_its_owners_to_give() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "CREATE FUNCTION shop.definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    );
    run(
        &mut shop.scene.su,
        "CREATE FUNCTION shop.in_c() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
    );
    for routine in ["shop.definer()", "shop.in_c()"] {
        assert_eq!(
            routine_rights(&mut shop.scene.su, routine),
            NOBODY,
            "{routine}"
        );
    }
}

#[test]
fn replacing_or_altering_a_routine_does_not_give_back_what_its_owner_took() {
    let mut shop = Shop::new();
    let define = |what: &str, body: &str| {
        format!("{what} FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT {body}'")
    };
    run(&mut shop.migrator, &define("CREATE", "1"));
    run(
        &mut shop.migrator,
        "REVOKE ALL ON FUNCTION shop.f() FROM PUBLIC, db_reader_shop",
    );
    for statement in [
        define("CREATE OR REPLACE", "2").as_str(),
        "ALTER FUNCTION shop.f() COST 7",
        "ALTER FUNCTION shop.f() RENAME TO g; ALTER FUNCTION shop.g() RENAME TO f",
        "BEGIN; DROP FUNCTION shop.f(); ROLLBACK",
        &format!(
            "DO $$ BEGIN EXECUTE $x${}$x$; END $$",
            define("CREATE OR REPLACE", "3")
        ),
    ] {
        run(&mut shop.migrator, statement);
        let rights = routine_rights(&mut shop.scene.su, "shop.f()");
        assert_eq!(rights, ["db_writer_shop EXECUTE"], "{statement}");
    }
    assert_eq!(outcome(&mut shop.reader, "SELECT shop.f()"), "42501");
    // One that is made anew is a new one.
    run(
        &mut shop.migrator,
        &format!(
            "DROP FUNCTION shop.f(); {}",
            define("CREATE OR REPLACE", "4")
        ),
    );
    assert_eq!(routine_rights(&mut shop.scene.su, "shop.f()"), BOTH_EXECUTE);
}

#[test]
fn a_routine_that_comes_to_run_with_its_owners_rights_is_closed_and_stays_as_its_owner_then_has_it()
{
    let mut shop = Shop::new();
    let define = |security: &str| {
        format!("CREATE OR REPLACE FUNCTION shop.f() RETURNS int LANGUAGE sql SECURITY {security} AS 'SELECT 1'")
    };
    for becoming in [
        "ALTER FUNCTION shop.f() SECURITY DEFINER",
        &define("DEFINER"),
    ] {
        run(&mut shop.migrator, &define("INVOKER"));
        run(
            &mut shop.migrator,
            "REVOKE ALL ON FUNCTION shop.f() FROM PUBLIC",
        );
        assert_eq!(routine_rights(&mut shop.scene.su, "shop.f()"), BOTH_EXECUTE);
        run(&mut shop.migrator, becoming);
        assert_eq!(
            routine_rights(&mut shop.scene.su, "shop.f()"),
            NOBODY,
            "{becoming}"
        );
        assert_eq!(outcome(&mut shop.reader, "SELECT shop.f()"), "42501");
        // What its owner decides from here on holds, also when it is replaced once more.
        run(
            &mut shop.migrator,
            "GRANT EXECUTE ON FUNCTION shop.f() TO db_reader_shop",
        );
        run(&mut shop.migrator, &define("DEFINER"));
        assert_eq!(outcome(&mut shop.reader, "SELECT shop.f()"), "");
        run(&mut shop.migrator, "DROP FUNCTION shop.f()");
    }
}

#[test]
fn a_routine_that_a_superuser_turns_into_c_is_closed() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    run(
        &mut shop.scene.su,
        "CREATE OR REPLACE FUNCTION shop.f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
    );
    assert_eq!(routine_rights(&mut shop.scene.su, "shop.f()"), NOBODY);
    let owner = ask(
        &mut shop.scene.su,
        "SELECT proowner::regrole FROM pg_proc WHERE proname = 'f'",
    );
    assert_eq!(owner, "db_owner_shop");
}
