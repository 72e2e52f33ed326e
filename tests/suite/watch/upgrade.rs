//! A cluster that is another one: after pg_upgrade everything goes on; anything else is foreign until it is claimed.

use std::fs;
use std::process::Command;

use postgres::Client;

use crate::harness::{expect_error, wait_until, Cluster, SOON};
use crate::held::people::{created, logs_in, owner, password, ready, waited};

/// The real pg_upgrade, to the same version: another cluster, the same roles and databases.
fn upgraded(old: &Cluster) -> Cluster {
    let new = Cluster::builder().own_initdb().start();
    new.superuser("postgres")
        .batch_execute("DROP DATABASE app")
        .unwrap();
    new.stop();
    old.stop();
    let version = new
        .client_command("pg_upgrade")
        .arg("--version")
        .output()
        .unwrap();
    assert!(version.status.success());
    let program = new.client_command("pg_upgrade");
    let bin = std::path::Path::new(program.get_program())
        .parent()
        .unwrap()
        .to_owned();
    let mut command: Command = new.client_command("pg_upgrade");
    command
        .env_remove("PGHOST")
        .env_remove("PGPORT")
        .env_remove("PGUSER")
        .env_remove("PGDATABASE")
        .current_dir(new.home())
        .arg("-b")
        .arg(&bin)
        .arg("-B")
        .arg(&bin)
        .arg("-d")
        .arg(old.data_dir())
        .arg("-D")
        .arg(new.data_dir())
        .args([
            "-U",
            "postgres",
            "-p",
            &old.port().to_string(),
            "-P",
            &new.port().to_string(),
        ]);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let key = fs::read(old.key_file()).unwrap();
    fs::write(new.key_file(), key).unwrap();
    new.start();
    new
}

/// Waits until the worker has bound the rows to the new cluster. A session of a superuser there.
#[track_caller]
fn bound_anew(new: &Cluster) -> Client {
    let mut superuser = new.superuser("app");
    wait_until("the rows are bound anew", SOON, || {
        let events = superuser.query(
            "SELECT FROM credentials.events() WHERE action = 'claim' AND detail->>'reason' = 'pg_upgrade'",
            &[],
        );
        events.is_ok_and(|rows| rows.len() == 1)
    });
    superuser
}

#[test]
fn after_pg_upgrade_the_rows_are_bound_anew_and_everything_goes_on() {
    let old = ready();
    created(&old, "analyst");
    let known = password(&old, "analyst");
    let new = upgraded(&old);
    drop(bound_anew(&new));
    assert_eq!(password(&new, "analyst"), known);
    assert!(logs_in(&new, "analyst", &known));
    owner(&new)
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    assert_eq!(waited(&new, "analyst"), "active");
    assert!(!logs_in(&new, "analyst", &known));
}

#[test]
fn after_pg_upgrade_groups_are_of_their_schemas_though_these_have_other_numbers_and_names() {
    let old = ready();
    created(&old, "analyst");
    let mut before = owner(&old);
    // Numbers that are used up here and not in the new cluster.
    let mut filler = String::new();
    for i in 0..50 {
        filler.push_str(&format!("CREATE SCHEMA f{i}; DROP SCHEMA f{i};"));
    }
    before.batch_execute(&filler).unwrap();
    before
        .batch_execute(
            "CREATE SCHEMA shop; CREATE TABLE shop.t (i int); CREATE SCHEMA stock; CREATE TABLE stock.t (i int);
             SELECT credentials.grant('analyst', 'read_only', '{shop,*}');
             SELECT credentials.grant('analyst', 'owner', '{stock}');
             ALTER SCHEMA shop RENAME TO store; CREATE SCHEMA shop; CREATE TABLE shop.t (i int)",
        )
        .unwrap();
    old.superuser("app")
        .batch_execute("SELECT credentials.wait(); UPDATE credentials.access_group SET scope_name = 'shop' WHERE scope_name = 'store'")
        .unwrap();
    let new = upgraded(&old);
    let mut superuser = bound_anew(&new);
    let bound = "SELECT string_agg(concat_ws(' ', role_name, kind, scope_name, n.nspname), ',' ORDER BY role_name)
                   FROM credentials.access_group g LEFT JOIN pg_namespace n ON n.oid = g.scope";
    let bound: String = superuser.query_one(bound, &[]).unwrap().get(0);
    assert_eq!(
        bound,
        "db_owner_stock owner stock stock,db_reader_all reader *,db_reader_shop reader store store"
    );
    let access = "SELECT access::text FROM credentials.list() WHERE name = 'analyst'";
    let access: String = superuser.query_one(access, &[]).unwrap().get(0);
    assert_eq!(
        access,
        r#"{"*": "read_only", "stock": "owner", "store": "read_only"}"#
    );
    let new_shop = "SELECT has_table_privilege('db_reader_shop', 'shop.t', 'SELECT')";
    assert!(!superuser
        .query_one(new_shop, &[])
        .unwrap()
        .get::<_, bool>(0));
}

#[test]
fn after_pg_upgrade_tenants_are_kept_to_their_rows_and_can_be_given_others() {
    let old = ready();
    created(&old, "tenant_a");
    let spec = |value: &str| {
        let tenant = format!(
            r#"{{"credential": "tenant_a", "tables": ["shop.t"], "column": "tenant", "value": "{value}"}}"#
        );
        format!(r#"'{{"tenants": [{tenant}]}}'"#)
    };
    owner(&old)
        .batch_execute(&format!(
            "CREATE SCHEMA shop; CREATE TABLE shop.t (tenant text) PARTITION BY LIST (tenant);
             CREATE TABLE shop.t_a PARTITION OF shop.t FOR VALUES IN ('a', 'b');
             INSERT INTO shop.t VALUES ('a'), ('b'), ('b');
             SELECT credentials.grant('tenant_a', 'read_only', '{{shop}}');
             SELECT * FROM credentials.apply({})",
            spec("a")
        ))
        .unwrap();
    let known = password(&old, "tenant_a");
    let new = upgraded(&old);
    drop(bound_anew(&new));
    let seen = || -> i64 {
        let mut tenant = new.login("tenant_a", &known, "app").unwrap();
        tenant.batch_execute("SET row_security = on").unwrap();
        let rows = tenant.query_one("SELECT count(*) FROM shop.t", &[]);
        rows.unwrap().get(0)
    };
    assert_eq!(seen(), 1);
    let mut own = owner(&new);
    let planned = own
        .query("SELECT FROM credentials.plan(credentials.export())", &[])
        .unwrap();
    assert_eq!(planned.len(), 0, "the policies are known for ours");
    own.batch_execute(&format!("SELECT * FROM credentials.apply({})", spec("b")))
        .unwrap();
    assert_eq!(seen(), 2);
}

#[test]
fn rows_of_another_cluster_whose_roles_do_not_agree_are_foreign_and_nothing_is_done_with_them() {
    let cluster = ready();
    created(&cluster, "analyst");
    cluster
        .superuser("app")
        .batch_execute("SELECT credentials.create('lease', valid_for => '2 s')")
        .unwrap();
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute(
            "UPDATE credentials.installation SET system_identifier = system_identifier + 1;
             ALTER ROLE analyst RENAME TO stranger",
        )
        .unwrap();
    for call in [
        "url('default')",
        "create('new')",
        "rotate('default', force => true)",
        "repair_default()",
        "extend('lease', '1 h')",
    ] {
        let error = expect_error(
            &mut superuser,
            &format!("SELECT credentials.{call}"),
            "55000",
        );
        let hint = error
            .as_db_error()
            .unwrap()
            .hint()
            .unwrap_or_default()
            .to_owned();
        assert!(
            hint.contains("credentials.claim(confirm => 'app')"),
            "{call}: {hint}"
        );
    }
    wait_until("the lease is over", SOON, || {
        let over = "SELECT clock_timestamp() > rolvaliduntil + interval '1 s' FROM pg_roles WHERE rolname = 'lease'";
        superuser.query_one(over, &[]).unwrap().get(0)
    });
    superuser
        .batch_execute(
            "UPDATE credentials.installation SET system_identifier = system_identifier - 1;
             ALTER ROLE stranger RENAME TO analyst",
        )
        .unwrap();
    assert!(!password(&cluster, "analyst").is_empty());
}
