//! What a hostile owner of the database, of a schema or of a table makes of it.

use postgres::Client;

use super::{routine_rights, Shop};
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

#[test]
fn what_is_made_among_the_traps_of_the_databases_owner_is_readable_and_springs_none() {
    let mut shop = Shop::on(Cluster::builder().hostile().start());
    for maker in ["app_owner", "migrator", "stranger"] {
        let client = &mut shop.makers().into_iter().find(|m| m.0 == maker).unwrap().1;
        run(
            client,
            &format!(
                "SET search_path = evil, pg_temp, pg_catalog; SET row_security = off; SET enable_indexscan = off;
                 SET plan_cache_mode = force_custom_plan; SET client_min_messages = debug5; SET debug_print_plan = on;
                 SET default_transaction_isolation = 'serializable'; SET transform_null_equals = on;
                 SET quote_all_identifiers = on; SET standard_conforming_strings = off;
                 BEGIN; CREATE TABLE shop.t_{maker} (id serial); ALTER TABLE shop.t_{maker} ADD COLUMN more serial;
                 CREATE FUNCTION shop.f_{maker}() RETURNS int LANGUAGE sql AS 'SELECT 1';
                 ALTER FUNCTION shop.f_{maker}() SECURITY DEFINER; COMMIT"
            ),
        );
        shop.is_open(&format!("shop.t_{maker}"));
    }
    let rights = routine_rights(&mut shop.scene.su, "shop.f_migrator()");
    assert_eq!(rights, [""; 0]);
}

#[test]
fn no_code_of_a_maker_runs_as_anybody_else() {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "CREATE SCHEMA store; SELECT credentials.grant('migrator', 'owner', '{store}')",
    );
    run(
        &mut shop.migrator,
        "CREATE FUNCTION shop.tell(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
         BEGIN RAISE LOG '%-trojan ran as %', 'our', current_user; RETURN 1; END $$;
         CREATE FUNCTION shop.on_change() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM shop.tell(1); RETURN NEW; END $$;
         CREATE DOMAIN shop.checked AS int CHECK (shop.tell(VALUE) = 1);
         CREATE TABLE shop.t (id int DEFAULT shop.tell(1) CHECK (shop.tell(id) = 1), d shop.checked,
                              g int GENERATED ALWAYS AS (shop.tell(id)) STORED);
         CREATE INDEX ON shop.t (shop.tell(id));
         CREATE TRIGGER t BEFORE INSERT ON shop.t FOR EACH ROW EXECUTE FUNCTION shop.on_change();
         CREATE RULE r AS ON DELETE TO shop.t DO ALSO SELECT shop.tell(1);
         CREATE POLICY p ON shop.t USING (shop.tell(id) = 1);
         CREATE VIEW shop.v AS SELECT shop.tell(1) AS id; CREATE MATERIALIZED VIEW shop.m AS SELECT shop.tell(1) AS id;
         INSERT INTO shop.t VALUES (1, 1);
         CREATE TABLE shop.u (LIKE shop.t INCLUDING ALL); CREATE TABLE shop.w AS TABLE shop.t;
         ALTER TABLE shop.t SET SCHEMA store; ALTER VIEW shop.v SET SCHEMA store;
         ALTER MATERIALIZED VIEW shop.m SET SCHEMA store",
    );
    let log = shop.scene.cluster.log();
    let mut ran: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split("our-trojan ran as ").nth(1))
        .collect();
    ran.sort_unstable();
    ran.dedup();
    assert_eq!(ran, ["migrator"]);
}
