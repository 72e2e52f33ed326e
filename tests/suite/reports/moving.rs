//! Roles and tables that come and go while a report is made.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::scene::{ask, column, outcome, run, Scene};

#[test]
fn what_is_dropped_while_a_report_is_made_is_no_error() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE SCHEMA shop; CREATE TABLE shop.orders (n int); CREATE ROLE stays; GRANT SELECT ON shop.orders TO stays; SELECT credentials.create('c')",
    );
    let done = AtomicBool::new(false);
    let reports = [
        "SELECT count(*) FROM credentials.table_privileges()",
        "SELECT count(*) FROM credentials.schema_privileges()",
        "SELECT count(*) FROM credentials.table_privileges('c')",
        "SELECT count(*) FROM credentials.why('shop.orders')",
        "SELECT count(*) FROM credentials.why('s.t')",
        "SELECT count(*) FROM credentials.why('s.f(int)', 'EXECUTE')",
        "SELECT count(*) FROM credentials.list() WHERE read_only",
    ];
    thread::scope(|scope| {
        let moving = scope.spawn(|| {
            let mut su = scene.cluster.superuser("app");
            let mut rounds = 0;
            while !done.load(Ordering::Relaxed) {
                run(
                    &mut su,
                    "CREATE ROLE comes; CREATE SCHEMA s AUTHORIZATION comes; CREATE TABLE s.t (n int); CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
                     ALTER TABLE s.t OWNER TO comes; GRANT stays TO comes; GRANT SELECT ON shop.orders TO comes; GRANT SELECT ON s.t TO PUBLIC, c;
                     ALTER TABLE s.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON s.t TO comes USING (true)",
                );
                run(&mut su, "DROP SCHEMA s CASCADE; REVOKE SELECT ON shop.orders FROM comes; DROP ROLE comes");
                rounds += 1;
            }
            rounds
        });
        for _ in 0..40 {
            for report in reports {
                let told = outcome(&mut scene.own, report);
                let gone = report.contains("'s.") && told == "42704";
                if !(told.is_empty() || gone) {
                    done.store(true, Ordering::Relaxed);
                    panic!("{report}: {told}");
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(moving.join().unwrap() > 0, "nothing moved");
    });
    assert_ne!(ask(&mut scene.own, reports[0]), "0");
}

#[test]
fn rows_come_in_the_order_of_names_whatever_order_the_catalog_has_them_in() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE SCHEMA zoo; CREATE SCHEMA ark; CREATE TABLE zoo.b (i int); CREATE TABLE zoo.a (i int);
         CREATE TABLE ark.z (i int); CREATE TABLE ark.\"B\" (i int); ALTER TABLE zoo.b ADD COLUMN j int",
    );
    let order = "SELECT schema_name || '.' || table_name FROM credentials.table_privileges('default') WHERE schema_name IN ('ark', 'zoo')";
    assert_eq!(
        column(&mut scene.own, order),
        ["ark.B", "ark.z", "zoo.a", "zoo.b"]
    );
    let order = "SELECT schema_name FROM credentials.schema_privileges('default') WHERE schema_name IN ('ark', 'zoo')";
    assert_eq!(column(&mut scene.own, order), ["ark", "zoo"]);
}
