//! Between a first grant and a CREATE nothing falls: one waits for the other, or is seen by it.

use super::Shop;
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, column, outcome, run};

/// How many wait for one of our locks on groups.
const WAITING: &str = "SELECT count(*) FROM pg_locks
     WHERE NOT granted AND locktype = 'object' AND classid = 'credentials.access_group'::regclass";

/// What the first grant on a schema may be a grant on.
const SCOPES: [&str; 2] = ["{stock}", "{*}"];

/// The shop, and a schema that nobody has been given rights on.
#[track_caller]
fn stock() -> Shop {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA stock; GRANT ALL ON SCHEMA stock TO stranger",
    );
    shop
}

fn grant(scope: &str) -> String {
    format!("SELECT credentials.grant('reader', 'read_only', '{scope}')")
}

#[test]
fn who_makes_something_waits_for_a_first_grant_and_lock_timeout_says_what_for() {
    for scope in SCOPES {
        let mut shop = stock();
        let mut granting = shop.scene.cluster.superuser("app");
        run(&mut granting, &format!("BEGIN; {}", grant(scope)));
        run(&mut shop.stranger, "SET lock_timeout = '50ms'");
        let error = shop
            .stranger
            .batch_execute("CREATE TABLE stock.t (id int)")
            .unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(error.code().code(), "55P03");
        assert_eq!(
            error.message(),
            "the rights on what was made could not be settled in time"
        );
        assert!(error.hint().is_some());
        // In another schema the first grant on this one holds nobody up.
        let elsewhere = outcome(&mut shop.stranger, "CREATE TABLE shop.t (id int)");
        assert_eq!(elsewhere, if scope == "{*}" { "55P03" } else { "" });
        run(&mut shop.stranger, "RESET lock_timeout");
        std::thread::scope(|threads| {
            threads.spawn(|| run(&mut shop.stranger, "CREATE TABLE stock.t (id int)"));
            wait_until("the maker waits", SOON, || {
                ask(&mut shop.scene.su, WAITING) == "1"
            });
            run(&mut granting, "COMMIT");
        });
        assert_eq!(shop.read("stock.t"), "", "{scope}");
    }
}

#[test]
fn a_first_grant_waits_for_who_has_made_something_and_sees_it() {
    for scope in SCOPES {
        let mut shop = stock();
        run(&mut shop.stranger, "BEGIN; CREATE TABLE stock.t (id int)");
        let mut granting = shop.scene.cluster.superuser("app");
        std::thread::scope(|threads| {
            threads.spawn(|| run(&mut granting, &grant(scope)));
            wait_until("the grant waits", SOON, || {
                ask(&mut shop.scene.su, WAITING) == "1"
            });
            run(&mut shop.stranger, "COMMIT");
        });
        assert_eq!(shop.read("stock.t"), "", "{scope}");
    }
}

#[test]
fn of_all_tables_that_are_made_while_the_first_grant_comes_each_is_readable() {
    let mut shop = stock();
    let sessions: Vec<_> = (0..3)
        .map(|_| shop.scene.cluster.superuser("app"))
        .collect();
    std::thread::scope(|threads| {
        for (number, mut session) in sessions.into_iter().enumerate() {
            threads.spawn(move || {
                for table in 0..20 {
                    run(
                        &mut session,
                        &format!("CREATE TABLE stock.t_{number}_{table} (id serial)"),
                    );
                }
            });
        }
        let begun = "SELECT count(*) > 5 FROM pg_class WHERE relnamespace = 'stock'::regnamespace";
        wait_until("some are there", SOON, || {
            ask(&mut shop.scene.su, begun) == "t"
        });
        run(&mut shop.scene.su, &grant("{stock}"));
    });
    let missed = column(
        &mut shop.scene.su,
        "SELECT relname FROM pg_class WHERE relnamespace = 'stock'::regnamespace AND relkind IN ('r', 'S')
            AND NOT has_table_privilege('db_reader_stock', oid, 'SELECT')",
    );
    assert_eq!(missed, [""; 0]);
    let made = "SELECT count(*) FROM pg_class WHERE relnamespace = 'stock'::regnamespace AND relkind = 'r'";
    assert_eq!(ask(&mut shop.scene.su, made), "60");
}
