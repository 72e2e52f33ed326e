//! What comes from outside: foreign tables, dumps; and where nothing is to happen.

use std::io::Write;
use std::process::Stdio;

use super::{relation_rights, Shop};
use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::{ask, run};

#[test]
fn foreign_tables_are_readable_made_one_by_one_and_imported() {
    let mut shop = Shop::new();
    let port = shop.scene.cluster.port();
    run(
        &mut shop.scene.su,
        &format!(
            "CREATE SCHEMA far; CREATE TABLE far.one (id int); CREATE TABLE far.two (id int);
             CREATE EXTENSION postgres_fdw;
             CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', port '{port}', dbname 'app');
             GRANT USAGE ON FOREIGN SERVER itself TO migrator;
             CREATE USER MAPPING FOR PUBLIC SERVER itself OPTIONS (user 'postgres', password_required 'false')",
            shop.scene.cluster.home().display()
        ),
    );
    run(
        &mut shop.migrator,
        "CREATE FOREIGN TABLE shop.single (id int) SERVER itself OPTIONS (schema_name 'far', table_name 'one');
         IMPORT FOREIGN SCHEMA far FROM SERVER itself INTO shop",
    );
    for table in ["shop.single", "shop.one", "shop.two"] {
        shop.is_open(table);
        assert_eq!(shop.owner(table), "db_owner_shop");
    }
}

#[test]
fn a_dump_is_restored_with_the_rights_that_it_had_and_those_that_its_schemas_groups_have() {
    let mut shop = Shop::new();
    run(
        &mut shop.migrator,
        "CREATE TABLE shop.orders (id serial PRIMARY KEY); CREATE VIEW shop.seen AS SELECT * FROM shop.orders;
         CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE shop.secret (id int);
         REVOKE ALL ON shop.secret FROM db_reader_shop; GRANT SELECT ON shop.secret TO stranger",
    );
    let before = acls(&mut shop);
    let dump = shop
        .scene
        .cluster
        .client_command("pg_dump")
        .args(["-n", "shop", "-Fc"])
        .output()
        .expect("pg_dump");
    assert!(dump.status.success());
    run(
        &mut shop.scene.su,
        "DROP TABLE shop.orders, shop.secret CASCADE; DROP FUNCTION shop.f()",
    );
    let mut restore = shop
        .scene
        .cluster
        .client_command("pg_restore")
        .args(["-d", "app"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pg_restore");
    restore
        .stdin
        .take()
        .unwrap()
        .write_all(&dump.stdout)
        .unwrap();
    let said = restore.wait_with_output().expect("the end of pg_restore");
    // The schema itself is there already; nothing else may fail.
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.matches("error:").count(), 1, "{said}");
    shop.is_open("shop.orders");
    assert_eq!(shop.read("shop.seen"), "");
    let after = acls(&mut shop);
    let without_secret = |acls: &[String]| -> Vec<String> {
        acls.iter()
            .filter(|a| !a.starts_with("secret"))
            .cloned()
            .collect()
    };
    assert_eq!(without_secret(&before), without_secret(&after));
    // A dump names what is given, not what was taken before it: the reader's right on this table comes back.
    assert_eq!(
        relation_rights(&mut shop.scene.su, "shop.secret"),
        [
            "db_reader_shop SELECT",
            "db_writer_shop DELETE,INSERT,SELECT,UPDATE",
            "stranger SELECT"
        ]
    );
}

/// What everybody may do with what is in the shop.
#[track_caller]
fn acls(shop: &mut Shop) -> Vec<String> {
    crate::scene::column(
        &mut shop.scene.su,
        "SELECT o.name || ': ' || o.owner::regrole::text || ' ' || string_agg(a::text, ', ' ORDER BY a::text)
           FROM (SELECT relname::text, relowner, relacl FROM pg_class WHERE relnamespace = 'shop'::regnamespace
                 UNION ALL SELECT proname::text, proowner, proacl FROM pg_proc WHERE pronamespace = 'shop'::regnamespace)
                o (name, owner, acl), unnest(o.acl) a GROUP BY o.name, o.owner ORDER BY 1",
    )
}

#[test]
fn in_another_database_and_where_the_extension_is_switched_off_nothing_happens() {
    let mut shop = Shop::new();
    let mut other = shop.scene.cluster.superuser("postgres");
    run(
        &mut other,
        "CREATE SCHEMA shop; CREATE TABLE shop.t (id int); CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    assert_eq!(relation_rights(&mut other, "shop.t"), [""; 0]);
    shop.scene
        .cluster
        .append_conf("credential_manager.database = ''");
    run(&mut shop.scene.su, "SELECT pg_reload_conf()");
    wait_until("the setting is seen", SOON, || {
        ask(&mut shop.scene.su, "SHOW credential_manager.database").is_empty()
    });
    run(&mut shop.scene.su, "CREATE TABLE shop.t (id int)");
    assert_eq!(relation_rights(&mut shop.scene.su, "shop.t"), [""; 0]);
}

#[test]
fn before_create_extension_and_after_drop_extension_everything_is_made_as_ever() {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    let make = "CREATE SCHEMA s; CREATE TABLE s.t (id serial); CREATE VIEW s.v AS SELECT 1; ALTER SCHEMA s RENAME TO r;
                DROP SCHEMA r CASCADE";
    run(&mut su, make);
    cluster.setup();
    run(&mut su, make);
    run(&mut su, "CREATE SCHEMA kept; CREATE TABLE kept.t (id int)");
    run(&mut su, "DROP EXTENSION credential_manager CASCADE");
    run(&mut su, make);
    run(&mut su, "CREATE TABLE kept.u (id int)");
}

#[test]
fn rows_of_another_clusters_groups_give_nothing() {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "UPDATE credentials.installation SET system_identifier = system_identifier + 1, database = 1",
    );
    run(&mut shop.migrator, "CREATE TABLE shop.t (id int)");
    assert_eq!(shop.owner("shop.t"), "migrator");
    assert_eq!(relation_rights(&mut shop.scene.su, "shop.t"), [""; 0]);
}

#[test]
fn a_group_whose_role_bears_another_name_gets_nothing_more() {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "ALTER ROLE db_reader_shop RENAME TO somebody; ALTER ROLE db_owner_shop RENAME TO somebody_else",
    );
    run(&mut shop.migrator, "CREATE TABLE shop.t (id int)");
    assert_eq!(shop.owner("shop.t"), "migrator");
    assert_eq!(
        relation_rights(&mut shop.scene.su, "shop.t"),
        ["db_writer_shop DELETE,INSERT,SELECT,UPDATE"]
    );
}
