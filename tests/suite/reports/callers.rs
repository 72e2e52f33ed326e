//! Who calls, and from where.

use super::same_rows;
use crate::harness::expect_error;
use crate::scene::{ask, rows, run, Scene};

const COUNTS: &str = "SELECT (SELECT count(*) FROM credentials.table_privileges()), (SELECT count(*) FROM credentials.schema_privileges())";

/// Some rights to report.
const SOME: &str = "CREATE SCHEMA shop AUTHORIZATION app_owner; CREATE TABLE shop.orders (n int); ALTER TABLE shop.orders OWNER TO app_owner;
  GRANT SELECT ON shop.orders TO pg_monitor; SELECT credentials.create('analyst'); GRANT INSERT ON shop.orders TO analyst";

#[test]
fn whoever_may_call_sees_the_same_rows() {
    let mut scene = Scene::new();
    run(&mut scene.su, SOME);
    let mut analyst = scene.login("analyst");
    expect_error(&mut analyst, COUNTS, "42501");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO analyst;
         GRANT EXECUTE ON FUNCTION credentials.table_privileges, credentials.schema_privileges, credentials.why TO analyst",
    );
    let all = rows(&mut scene.su, COUNTS);
    assert_eq!(rows(&mut scene.own, COUNTS), all);
    assert_eq!(rows(&mut analyst, COUNTS), all);
    same_rows(&mut analyst);
    same_rows(&mut scene.own);
    // A schema that the caller may not use is reported on like any other.
    let orders = "SELECT DISTINCT name FROM credentials.why('shop.orders', 'insert', 'analyst')";
    assert_eq!(ask(&mut analyst, orders), "analyst");
}

#[test]
fn a_standby_reports_what_its_primary_does() {
    let mut scene = Scene::new();
    run(&mut scene.su, SOME);
    let standby = scene.cluster.standby();
    scene.cluster.wait_replayed(&standby);
    let mut there = standby.superuser("app");
    same_rows(&mut there);
    assert_eq!(rows(&mut there, COUNTS), rows(&mut scene.su, COUNTS));
    let why = "SELECT * FROM credentials.why('shop.orders', 'INSERT', 'analyst')";
    assert_eq!(rows(&mut there, why), rows(&mut scene.su, why));
    let listed = "SELECT read_only FROM credentials.list() WHERE name = 'analyst'";
    assert_eq!(ask(&mut there, listed), "f");
}

#[test]
fn the_reports_can_stand_wherever_a_set_of_rows_can() {
    let mut scene = Scene::new();
    run(&mut scene.su, SOME);
    let count = ask(
        &mut scene.su,
        "SELECT count(*) FROM credentials.table_privileges()",
    );
    for query in [
        "SELECT count(*) FROM (SELECT credentials.table_privileges()) t",
        "SELECT count(*) FROM (SELECT (credentials.table_privileges()).*) t",
        "SELECT count(p) FROM (VALUES (NULL)) v(n), LATERAL credentials.table_privileges(v.n) p",
        "WITH a AS (SELECT * FROM credentials.table_privileges()) SELECT count(*) FROM a, (SELECT count(*) FROM a) b",
    ] {
        assert_eq!(ask(&mut scene.su, query), count, "{query}");
    }
    let one =
        "SELECT table_name, relkind, privilege_types FROM credentials.table_privileges('analyst')";
    assert_eq!(rows(&mut scene.su, one), ["orders|r|[\"INSERT\"]"]);
    // By name, as the query orders its rows.
    let unsorted = "SELECT count(*) FROM (SELECT user_name COLLATE \"C\" AS n, lag(user_name COLLATE \"C\") OVER () AS before FROM credentials.table_privileges()) t WHERE n < before";
    assert_eq!(ask(&mut scene.su, unsorted), "0");
    run(
        &mut scene.su,
        "BEGIN; DECLARE c CURSOR FOR SELECT * FROM credentials.table_privileges(); FETCH 3 FROM c; CLOSE c; COMMIT",
    );
}

#[test]
fn a_transaction_sees_in_the_reports_what_it_sees_elsewhere() {
    let mut scene = Scene::new();
    run(&mut scene.su, SOME);
    run(
        &mut scene.own,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1",
    );
    run(&mut scene.su, "CREATE TABLE shop.later (n int)");
    let later = "SELECT count(*) FROM credentials.table_privileges() WHERE table_name = 'later'";
    assert_eq!(ask(&mut scene.own, later), "0");
    same_rows(&mut scene.own);
    run(
        &mut scene.own,
        "COMMIT; BEGIN; CREATE TABLE shop.mine (n int); GRANT UPDATE ON shop.mine TO analyst",
    );
    let mine = "SELECT privilege_types FROM credentials.table_privileges('analyst') WHERE table_name = 'mine'";
    assert_eq!(ask(&mut scene.own, mine), "{UPDATE}");
    same_rows(&mut scene.own);
    run(&mut scene.own, "ROLLBACK");
    assert_eq!(ask(&mut scene.own, mine), "");
    assert_ne!(ask(&mut scene.own, later), "0");
}
