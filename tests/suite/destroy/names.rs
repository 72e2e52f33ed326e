//! Objects with hostile names survive with their names (THREATS T08b).

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::estate;
use crate::harness::Cluster;

const HOSTILE: [&str; 14] = [
    "plain",
    "x\"; alter role app_owner superuser; --",
    "'; DROP TABLE users; --",
    "new\nline",
    "carriage\rreturn\ttab",
    "$$ $body$ $1",
    "back\\slash",
    "/* comment",
    "a.b.c",
    "%s%n%I",
    "🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀",
    "äääääääääääääääääääääääääääääääx",
    " ",
    "SELECT",
];

/// One object of several classes by this name, in a schema by this name, made by the session's role.
fn objects(name: &str) -> String {
    let n = format!("\"{}\"", name.replace('"', "\"\""));
    format!(
        "CREATE SCHEMA {n}; SET search_path = {n}; CREATE TABLE {n} ({n} serial PRIMARY KEY);
         CREATE VIEW \"v\" AS SELECT * FROM {n}; CREATE FUNCTION {n}() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
         CREATE TYPE \"e\" AS ENUM ($label${name}$label$); CREATE DOMAIN \"d\" AS int CONSTRAINT {n} CHECK (VALUE > 0);
         CREATE COLLATION {n} (provider = libc, locale = 'C'); CREATE TEXT SEARCH DICTIONARY {n} (TEMPLATE = simple);
         CREATE STATISTICS {n} ON (1 + {n}), (2 + {n}) FROM {n}; CREATE PUBLICATION {n} FOR TABLE {n};
         ALTER TABLE {n} ENABLE ROW LEVEL SECURITY; CREATE POLICY {n} ON {n} TO leaver USING (true);
         CREATE TRIGGER {n} AFTER UPDATE ON {n} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
         GRANT SELECT ON {n} TO PUBLIC; COMMENT ON TABLE {n} IS $label${name}$label$; RESET search_path"
    )
}

/// Every name in the database, by catalog and OID; policies are not asked for, since those for a role go with it.
fn names(cluster: &Cluster) -> Vec<String> {
    let mut su = cluster.superuser("app");
    let catalogs = "pg_class.rel pg_proc.pro pg_type.typ pg_collation.coll pg_ts_dict.dict pg_statistic_ext.stx \
        pg_namespace.nsp pg_publication.pub pg_trigger.tg pg_constraint.con";
    let selects: Vec<String> = catalogs
        .split_whitespace()
        .map(|pair| {
            let (table, prefix) = pair.split_once('.').expect("table.prefix");
            format!("SELECT '{table}' || oid || {prefix}name FROM {table} WHERE oid >= 16384")
        })
        .collect();
    estate::texts(
        &mut su,
        &format!("{} ORDER BY 1", selects.join(" UNION ALL ")),
    )
}

fn survive(cluster: &Cluster, wanted: &[String]) {
    estate::credential(cluster, "leaver");
    let mut leaver = estate::login(cluster, "leaver");
    for name in wanted {
        estate::run(&mut leaver, &objects(name));
    }
    let mut su = cluster.superuser("app");
    let (before, owners) = (names(cluster), estate::owners(&mut su));
    let planned = "SELECT count(*) FROM credentials.destroy_plan('leaver')";
    assert!(estate::number(&mut su, planned) >= 10 * i64::try_from(wanted.len()).unwrap());
    estate::destroy(cluster, "leaver", "default");
    assert_eq!(before, names(cluster));
    estate::assert_moved(&owners, &estate::owners(&mut su), "leaver", "app_owner");
    assert!(!estate::events(&mut su, "leaver").is_empty());
    let superuser = "SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname <> 'postgres'";
    assert_eq!(estate::number(&mut su, superuser), 0);
}

#[test]
fn objects_with_hostile_names_move_with_their_names() {
    let cluster = estate::new();
    let wanted: Vec<String> = HOSTILE.iter().map(|name| (*name).to_owned()).collect();
    survive(&cluster, &wanted);
}

#[test]
fn objects_with_random_names_move_with_their_names() {
    let cluster = estate::new();
    let rounds = if std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some() {
        50
    } else {
        3
    };
    let mut runner = TestRunner::new(Config {
        cases: rounds,
        max_shrink_iters: 0,
        ..Config::default()
    });
    let number = std::cell::Cell::new(0);
    runner
        .run(&prop::collection::hash_set("[^\0]{1,15}", 8), |names| {
            // At most 63 bytes, which the server would cut; no `$label$`, which quotes them here; no system's names.
            number.set(number.get() + 1);
            let wanted: Vec<String> = names
                .into_iter()
                .filter(|name| !name.contains("$label$") && !name.starts_with("pg_"))
                .map(|name| format!("{}{name}", number.get()))
                .filter(|name| name.len() <= 63)
                .collect();
            survive(&cluster, &wanted);
            Ok(())
        })
        .unwrap();
}
