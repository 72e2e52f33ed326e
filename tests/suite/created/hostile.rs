//! What a hostile owner of the database, of a schema or of a table makes of it.

use postgres::Client;

use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::run;

/// A function that tells the log as whom it runs, and a view of it.
fn trojan(view: &str, columns: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION public.trojan() RETURNS oid LANGUAGE plpgsql AS $$
         BEGIN RAISE LOG '%-trojan ran as %', 'our', current_user; RETURN 0; END $$;
         CREATE VIEW credentials.{view} AS SELECT {columns}"
    )
}

/// A database whose owner has made a schema `credentials` before the extension is there.
fn forged(views: &[(&str, &str)]) -> (Cluster, Client) {
    let cluster = Cluster::new();
    run(
        &mut cluster.superuser("app"),
        "CREATE ROLE evil LOGIN PASSWORD 'the-owner-of-the-home-database';
         ALTER DATABASE app OWNER TO evil; ALTER SCHEMA public OWNER TO evil",
    );
    let mut evil = owner(&cluster);
    run(&mut evil, "CREATE SCHEMA credentials");
    for (view, columns) in views {
        run(&mut evil, &trojan(view, columns));
    }
    (cluster, evil)
}

/// A session of that owner.
#[track_caller]
fn owner(cluster: &Cluster) -> Client {
    cluster
        .login("evil", "the-owner-of-the-home-database", "app")
        .expect("a login of the owner")
}

#[test]
fn a_forged_table_of_groups_is_never_read_with_a_superusers_rights() {
    let (cluster, mut evil) = forged(&[(
        "access_group",
        "public.trojan() AS role, ''::text AS role_name, 'reader'::text AS kind, 0::oid AS scope, '*'::text AS scope_name",
    )]);
    run(
        &mut evil,
        "CREATE TABLE t (id int); CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s; ALTER SCHEMA s RENAME TO r",
    );
    assert!(!cluster.log().contains("our-trojan"));
    // The trap is one.
    run(
        &mut evil,
        "SELECT FROM (SELECT role FROM credentials.access_group) g WHERE g.role = 0",
    );
    assert!(cluster.log().contains("our-trojan ran as evil"));
}

#[test]
fn a_forged_installation_is_never_read_by_the_worker() {
    let (cluster, evil) = forged(&[(
        "installation",
        "public.trojan()::bigint AS system_identifier, public.trojan() AS database",
    )]);
    drop(evil);
    cluster.append_conf("log_min_messages = debug1");
    cluster.restart();
    wait_until("the worker has looked", SOON, || {
        cluster
            .log()
            .lines()
            .any(|line| line.contains("credential_manager worker") && line.contains("exited"))
    });
    assert!(!cluster.log().contains("our-trojan"));
    let mut evil = owner(&cluster);
    run(
        &mut evil,
        "SELECT FROM (SELECT database FROM credentials.installation) i WHERE i.database = 0",
    );
    assert!(cluster.log().contains("our-trojan ran as evil"));
}
