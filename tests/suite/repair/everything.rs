//! Every class in wrong hands, and every right of default's taken away.

use std::collections::BTreeSet;

use postgres::Client;

use super::{vanish, versions};
use crate::estate::{self, Owners};
use crate::harness::Cluster;

/// `one` and `two` are credentials, `root` a superuser, `ghost` vanishes, `tenant` is nobody's business. Each owns one
/// of everything in a schema of its name.
const HANDS: [&str; 5] = ["one", "two", "root", "ghost", "tenant"];

fn stage(cluster: &Cluster) {
    let mut su = cluster.superuser("app");
    cluster.allow_superuser("root");
    estate::credential(cluster, "one");
    estate::credential(cluster, "two");
    estate::run(
        &mut su,
        "CREATE ROLE root SUPERUSER; CREATE ROLE ghost; CREATE ROLE tenant;
         GRANT CREATE, CONNECT ON DATABASE app TO ghost, tenant; CREATE FOREIGN DATA WRAPPER wrapper;
         GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO one, two, ghost, tenant;
         CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION dblink; CREATE EXTENSION file_fdw;
         CREATE EXTENSION postgres_fdw; CREATE EXTENSION pg_stat_statements",
    );
    for owner in HANDS {
        estate::run(&mut su, &format!("SET ROLE {owner}"));
        estate::run(&mut su, &estate::everything(owner));
        estate::run(
            &mut su,
            &format!("RESET ROLE; {}", estate::made_by_superuser(owner, owner)),
        );
    }
    vanish(&mut su, "ghost");
}

const DAMAGE: &str = "
  ALTER DATABASE app OWNER TO root; ALTER SCHEMA public OWNER TO one;
  REVOKE ALL ON DATABASE app FROM app_owner; REVOKE ALL ON SCHEMA public FROM app_owner;
  ALTER ROLE app_owner NOLOGIN NOINHERIT CREATEDB CREATEROLE REPLICATION BYPASSRLS;
  REVOKE pg_monitor, pg_read_all_settings, pg_read_all_stats, pg_signal_backend FROM app_owner;
  REVOKE one FROM app_owner; REVOKE ADMIN OPTION FOR two FROM app_owner;
  REVOKE USAGE ON SCHEMA credentials FROM app_owner; REVOKE ALL ON ALL FUNCTIONS IN SCHEMA credentials FROM app_owner";

/// What default must be and have, a line each; the same lines before and after a repair.
fn standing(su: &mut Client) -> Vec<String> {
    let sql = "
      SELECT rolcanlogin::text || rolinherit || rolsuper || rolcreatedb || rolcreaterole || rolreplication || rolbypassrls
        FROM pg_authid WHERE rolname = 'app_owner'
      UNION ALL SELECT 'database of ' || datdba::regrole FROM pg_database WHERE datname = 'app'
      UNION ALL SELECT 'public of ' || nspowner::regrole FROM pg_namespace WHERE nspname = 'public'
      UNION ALL SELECT 'database ' || privilege_type FROM pg_database, aclexplode(datacl)
                 WHERE datname = 'app' AND grantee = 'app_owner'::regrole
      UNION ALL SELECT 'public ' || privilege_type FROM pg_namespace, aclexplode(nspacl)
                 WHERE nspname = 'public' AND grantee = 'app_owner'::regrole
      UNION ALL SELECT 'member of ' || roleid::regrole || admin_option FROM pg_auth_members WHERE member = 'app_owner'::regrole
      UNION ALL SELECT 'credentials ' || privilege_type FROM pg_namespace, aclexplode(nspacl)
                 WHERE nspname = 'credentials' AND grantee = 'app_owner'::regrole
      UNION ALL SELECT 'calls ' || oid::regprocedure FROM pg_proc
                 WHERE pronamespace = 'credentials'::regnamespace AND has_function_privilege('app_owner', oid, 'EXECUTE')
      ORDER BY 1";
    estate::texts(su, sql)
}

/// What a superuser's objects are that stay its own: code, and what reads with a superuser's rights.
fn stays_with_root(su: &mut Client, object: &(String, u32)) -> bool {
    match object.0.as_str() {
        "pg_proc" | "pg_operator" | "pg_opclass" | "pg_opfamily" | "pg_conversion"
        | "pg_foreign_server" => true,
        "pg_class" => {
            let foreign = format!(
                "SELECT count(*) FROM pg_class WHERE oid = {} AND relkind = 'f'",
                object.1
            );
            estate::number(su, &foreign) == 1
        }
        // The row type of that table.
        "pg_type" => {
            let foreign = format!(
                "SELECT count(*) FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem JOIN pg_class c
                     ON c.oid IN (t.typrelid, e.typrelid) AND c.relkind = 'f' WHERE t.oid = {}",
                object.1
            );
            estate::number(su, &foreign) == 1
        }
        _ => false,
    }
}

fn assert_repaired(su: &mut Client, before: &Owners, after: &Owners) {
    for (object, owner) in before {
        let now = &after[object];
        let of_the_server = matches!(owner.as_str(), "postgres" | "tenant" | "app_owner");
        let expected = match owner.as_str() {
            "root" if stays_with_root(su, object) => "root",
            _ if of_the_server => owner,
            _ => "app_owner",
        };
        assert_eq!(now, expected, "{object:?} of {owner}");
    }
}

/// Kinds and names of what changed hands, without what follows its table or range. A multirange follows from
/// PostgreSQL 17 on.
fn changed(su: &mut Client, before: &Owners, after: &Owners) -> BTreeSet<String> {
    before
        .iter()
        .filter(|(object, owner)| after[*object] != **owner)
        .filter_map(|((catalog, oid), _)| {
            let class = if catalog == "pg_largeobject_metadata" { "pg_largeobject" } else { catalog };
            let alone = if cfg!(feature = "pg15") { "m" } else { "" };
            let sql = format!(
                "SELECT i.type || ' ' || i.identity FROM pg_identify_object('{class}'::regclass, {oid}, 0) i
                  WHERE NOT ('{class}' = 'pg_class' AND i.type IN ('index', 'toast table', 'composite type')) AND NOT EXISTS (
                    SELECT FROM pg_depend d WHERE d.classid = '{class}'::regclass AND d.objid = {oid}
                       AND ('{class}' = 'pg_class' AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
                         OR '{class}' = 'pg_type' AND d.deptype = 'i'
                            AND NOT EXISTS (SELECT FROM pg_type m WHERE m.oid = {oid} AND m.typtype::text = '{alone}')
                            AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
                                             WHERE t.oid = {oid})))"
            );
            estate::texts(su, &sql).pop()
        })
        .collect()
}

#[test]
fn everything_in_wrong_hands_comes_home_as_planned_all_rights_are_back_and_a_second_run_writes_nothing(
) {
    let cluster = estate::new();
    stage(&cluster);
    let mut su = cluster.superuser("app");
    let sound = standing(&mut su);
    let contents = estate::contents(&mut su);
    estate::run(&mut su, DAMAGE);
    assert!(standing(&mut su).len() < sound.len() / 2);
    let before = estate::owners(&mut su);
    let plan = "SELECT kind || ' ' || object FROM credentials.repair_plan() WHERE action IN ('move', 'neutralise')";
    let planned: BTreeSet<String> = estate::texts(&mut su, plan).into_iter().collect();
    let rights = "SELECT count(*) FROM credentials.repair_plan() WHERE kind = 'right'";
    assert!(estate::number(&mut su, rights) > 10);

    estate::repair(&cluster, "");

    let after = estate::owners(&mut su);
    assert_repaired(&mut su, &before, &after);
    assert_eq!(sound, standing(&mut su));
    assert_eq!(contents, estate::contents(&mut su));
    // The database and schema public are among the rights.
    let mut changed = changed(&mut su, &before, &after);
    changed.remove("database app");
    changed.remove("schema public");
    let planned: BTreeSet<String> = planned
        .into_iter()
        .filter(|p| p != "database app" && p != "schema public")
        .collect();
    let (unplanned, undone): (Vec<_>, Vec<_>) = (
        changed.difference(&planned).collect(),
        planned.difference(&changed).collect(),
    );
    assert!(
        unplanned.is_empty() && undone.is_empty(),
        "not in the plan: {unplanned:#?}; only there: {undone:#?}"
    );
    // What moved is of use.
    let mut own = estate::login(&cluster, "default");
    estate::run(
        &mut own,
        "INSERT INTO ghost.plain (word) VALUES ('new'); SELECT * FROM root.seen_twice; REFRESH MATERIALIZED VIEW root.kept;
         DROP SCHEMA one CASCADE; SELECT credentials.create('fresh')",
    );

    let versions_before = versions(&mut su);
    estate::repair(&cluster, "");
    assert_eq!(versions_before, versions(&mut su));
    let plan = "SELECT count(*) FROM credentials.repair_plan() WHERE action <> 'skip'";
    assert_eq!(estate::number(&mut su, plan), 0);
}

#[test]
fn the_database_of_a_vanished_owner_and_a_default_that_became_a_superuser_are_repaired() {
    let cluster = estate::new();
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE ROLE ghost; CREATE SCHEMA g; ALTER SCHEMA g OWNER TO ghost; CREATE TABLE g.t AS SELECT 1 AS i");
    estate::run(&mut su, "ALTER TABLE g.t OWNER TO ghost; ALTER DATABASE app OWNER TO ghost; ALTER SCHEMA public OWNER TO ghost");
    estate::run(
        &mut su,
        "SELECT lo_from_bytea(4711, 'large'); ALTER LARGE OBJECT 4711 OWNER TO ghost",
    );
    vanish(&mut su, "ghost");
    estate::run(&mut su, "ALTER ROLE app_owner SUPERUSER");
    estate::repair(&cluster, "");
    let owners = "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'app'
                  UNION ALL SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname IN ('public', 'g')
                  UNION ALL SELECT relowner::regrole::text FROM pg_class WHERE oid = 'g.t'::regclass
                  UNION ALL SELECT lomowner::regrole::text FROM pg_largeobject_metadata";
    assert_eq!(estate::texts(&mut su, owners), ["app_owner"; 5]);
    assert_eq!(
        estate::number(&mut su, "SELECT count(*) FROM pg_roles WHERE rolsuper"),
        1
    );
}
