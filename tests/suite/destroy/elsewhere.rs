//! Other databases: closed to connections, hostile, a template, several at once.

use crate::estate;
use crate::harness::Cluster;

/// Databases, each with a schema of objects of `leaver`.
fn stage(cluster: &Cluster, name: &str, databases: &[&str]) {
    let url = estate::credential(cluster, name);
    let mut su = cluster.superuser("app");
    for database in databases {
        if estate::number(
            &mut su,
            &format!("SELECT count(*) FROM pg_database WHERE datname = '{database}'"),
        ) == 0
        {
            estate::run(&mut su, &format!("CREATE DATABASE \"{database}\""));
        }
        estate::run(
            &mut su,
            &format!("GRANT CREATE ON DATABASE \"{database}\" TO {name}"),
        );
        let encoded = database
            .replace(' ', "%20")
            .replace('"', "%22")
            .replace('\'', "%27");
        let mut there = cluster
            .connect(&url.replace("/app?", &format!("/{encoded}?")))
            .unwrap();
        estate::run(
            &mut there,
            &format!(
                "CREATE SCHEMA of_{name}; CREATE TABLE of_{name}.t AS SELECT 1 AS i; CREATE VIEW of_{name}.v AS SELECT * FROM of_{name}.t;
                 CREATE FUNCTION of_{name}.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
                 ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; GRANT SELECT ON of_{name}.t TO PUBLIC"
            ),
        );
    }
}

/// What of `leaver`'s schema belongs to whom.
fn owner(cluster: &Cluster, database: &str, name: &str) -> Vec<String> {
    let sql = format!("SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'of_{name}'::regnamespace");
    estate::texts(&mut cluster.superuser(database), &sql)
}

#[test]
fn a_database_that_lets_nobody_in_a_template_and_one_with_a_hostile_owner_are_cleared_all_the_same()
{
    let cluster = estate::new();
    let databases = ["closed", "a 'template\"", "hostile"];
    stage(&cluster, "leaver", &["closed", "hostile"]);
    let mut su = cluster.superuser("app");
    estate::run(
        &mut su,
        "CREATE DATABASE \"a 'template\"\"\" TEMPLATE closed",
    );
    estate::run(
        &mut su,
        "ALTER DATABASE closed ALLOW_CONNECTIONS false; ALTER DATABASE \"a 'template\"\"\" IS_TEMPLATE true;
         ALTER DATABASE \"a 'template\"\"\" CONNECTION LIMIT 0; ALTER DATABASE hostile SET default_transaction_read_only = on;
         ALTER DATABASE hostile SET default_transaction_isolation = serializable; ALTER DATABASE hostile SET statement_timeout = 1;
         ALTER DATABASE hostile SET search_path = evil, pg_catalog; ALTER DATABASE hostile SET lock_timeout = 1;
         ALTER DATABASE hostile SET idle_session_timeout = 1; ALTER DATABASE hostile SET row_security = off;
         ALTER DATABASE hostile SET default_transaction_deferrable = on; ALTER DATABASE hostile SET exit_on_error = on;
         ALTER DATABASE hostile SET quote_all_identifiers = on; ALTER DATABASE hostile SET standard_conforming_strings = off;
         ALTER DATABASE hostile SET role = app_owner",
    );
    estate::destroy(&cluster, "leaver", "default");
    estate::run(
        &mut su,
        "ALTER DATABASE closed ALLOW_CONNECTIONS true; ALTER DATABASE hostile RESET ALL",
    );
    for database in databases {
        assert_eq!(
            owner(&cluster, database, "leaver"),
            ["app_owner"],
            "{database}"
        );
    }
    // Nothing of ours stays connected: each can be dropped at once.
    estate::run(&mut su, "DROP DATABASE closed");
    estate::run(&mut su, "DROP DATABASE hostile");
}

#[test]
fn two_destroys_with_work_in_the_same_other_databases_both_end_and_report_their_own() {
    let cluster = estate::new();
    for name in ["leaver", "second_leaver"] {
        stage(&cluster, name, &["one", "two"]);
    }
    let mut su = cluster.superuser("app");
    let mut reader = cluster.superuser("one");
    estate::run(&mut reader, "BEGIN; SELECT * FROM of_leaver.t");
    let first = estate::order(&mut su, "leaver", "default");
    estate::wait_job(&mut su, first, "waiting", "of_leaver.t");
    // The first waits; the second is not held up, and its report is not taken for the first one's.
    estate::order(&mut su, "second_leaver", "default");
    estate::wait(&cluster, "second_leaver");
    assert_ne!(estate::job(&mut su, first).0, "done");
    estate::run(&mut reader, "COMMIT");
    estate::wait(&cluster, "leaver");
    for database in ["one", "two"] {
        for name in ["leaver", "second_leaver"] {
            assert_eq!(owner(&cluster, database, name), ["app_owner"]);
            let told = estate::events(&mut su, name);
            assert!(
                told.contains(&format!("\"database\": \"{database}\"")),
                "{name}: {told}"
            );
        }
    }
    assert_eq!(
        estate::number(
            &mut su,
            "SELECT count(*) FROM pg_roles WHERE rolname ~ 'leaver'"
        ),
        0
    );
}

#[test]
fn a_destroy_that_is_cancelled_while_it_waits_in_another_database_stops_there() {
    let cluster = estate::new();
    stage(&cluster, "leaver", &["one"]);
    let mut reader = cluster.superuser("one");
    estate::run(&mut reader, "BEGIN; SELECT * FROM of_leaver.t");
    let mut su = cluster.superuser("app");
    let job = estate::order(&mut su, "leaver", "default");
    estate::wait_job(&mut su, job, "waiting", "of_leaver.t");
    estate::run(&mut su, &format!("SELECT credentials.cancel_job({job})"));
    estate::wait(&cluster, "leaver");
    let workers =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'credential_manager worker'";
    crate::harness::wait_until("no worker is left", crate::harness::SOON, || {
        estate::number(&mut su, workers) == 0
    });
    estate::run(&mut reader, "COMMIT");
    assert_eq!(estate::job(&mut su, job).0, "cancelled");
    let owner = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'of_leaver.t'::regclass";
    assert_eq!(estate::texts(&mut reader, owner), ["leaver"]);
    let state = "SELECT state FROM credentials.list() WHERE name = 'leaver'";
    assert_eq!(estate::texts(&mut su, state), ["suspended"]);
    estate::destroy(&cluster, "leaver", "default");
}
