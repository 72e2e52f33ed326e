//! One object of every class, in three schemas and two databases.

use std::collections::BTreeSet;

use postgres::Client;

use crate::estate;
use crate::harness::{expect_error, Cluster};

/// `leaver` owns one of everything, in `app` and in database `second`; the foreign-data wrapper is a superuser's.
fn stage(cluster: &Cluster) {
    let url = estate::credential(cluster, "leaver");
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE DATABASE second");
    estate::run(&mut su, "GRANT CREATE ON DATABASE second TO leaver");
    for (database, schemas) in [
        ("app", vec!["one", "two", "The \"third\""]),
        ("second", vec!["fourth"]),
    ] {
        let mut su = cluster.superuser(database);
        estate::run(&mut su, "CREATE FOREIGN DATA WRAPPER wrapper; GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO leaver");
        let mut leaver = cluster
            .connect(&url.replace("/app?", &format!("/{database}?")))
            .unwrap();
        for schema in &schemas {
            let quoted = schema.replace('"', "\"\"");
            estate::run(&mut leaver, &estate::everything(&quoted));
            estate::run(&mut su, &estate::made_by_superuser(&quoted, "leaver"));
        }
        estate::run(
            &mut leaver,
            &format!("CREATE EXTENSION citext SCHEMA {}", schemas[0]),
        );
        estate::run(
            &mut su,
            "CREATE TRUSTED LANGUAGE talk HANDLER plpgsql_call_handler; ALTER LANGUAGE talk OWNER TO leaver",
        );
    }
    estate::run(&mut su, "CREATE DATABASE \"its own\" OWNER leaver");
    estate::run(&mut su, "CREATE TABLESPACE place OWNER leaver LOCATION ''");
}

/// Identities of what a role owns here and in shared catalogs, with what the plan must say of each: the server's own
/// dependencies, without what follows its table.
fn owned(su: &mut Client, role: &str) -> BTreeSet<(String, String)> {
    let sql = "SELECT i.identity, CASE WHEN s.classid IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)
                                       THEN 'drop' ELSE 'move' END
                 FROM pg_shdepend s, LATERAL pg_identify_object(s.classid, s.objid, 0) i
                WHERE s.refobjid = $1::text::regrole AND s.deptype = 'o'
                  AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = s.classid AND d.objid = s.objid
                                     AND s.classid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))";
    let rows = su.query(sql, &[&role]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn one_of_every_class_in_two_databases_goes_to_default_with_all_data_as_the_plan_had_listed() {
    let cluster = estate::new();
    stage(&cluster);
    let mut su = cluster.superuser("app");
    let mut second = cluster.superuser("second");
    let mut sessions = [
        estate::login(&cluster, "leaver"),
        estate::login(&cluster, "leaver"),
    ];
    estate::run(
        &mut sessions[1],
        "BEGIN; CREATE TEMPORARY TABLE mine (i int)",
    );

    let before = [estate::owners(&mut su), estate::owners(&mut second)];
    let contents = [estate::contents(&mut su), estate::contents(&mut second)];
    let classes: BTreeSet<&str> = estate::of(&before[0], "leaver")
        .iter()
        .map(|o| o.0.as_str())
        .collect();
    // All 22 but what only a superuser may own: wrapper, event trigger, subscription.
    assert_eq!(classes.len(), 19, "{classes:?}");

    let planned: BTreeSet<(String, String)> = su
        .query("SELECT object, action FROM credentials.destroy_plan('leaver') WHERE database IN ('app', '')", &[])
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let owned = owned(&mut su, "leaver");
    assert!(owned.len() > 100);
    let unplanned: Vec<_> = owned.difference(&planned).collect();
    let invented: Vec<_> = planned.difference(&owned).collect();
    assert!(
        unplanned.is_empty() && invented.is_empty(),
        "not in the plan: {unplanned:?}; only there: {invented:?}"
    );
    let there = "SELECT count(*) FROM credentials.destroy_plan('leaver') WHERE database = 'second'";
    assert!(estate::number(&mut su, there) > 10);

    estate::destroy(&cluster, "leaver", "default");

    let after = [estate::owners(&mut su), estate::owners(&mut second)];
    for (before, after) in before.iter().zip(&after) {
        estate::assert_moved(before, after, "leaver", "app_owner");
    }
    assert_eq!(
        contents,
        [estate::contents(&mut su), estate::contents(&mut second)]
    );
    for session in &mut sessions {
        assert!(
            session.batch_execute("SELECT 1").is_err(),
            "a session outlived its role"
        );
    }
    let dangling = "SELECT count(*) FROM pg_shdepend s WHERE refclassid = 'pg_authid'::regclass
                       AND NOT EXISTS (SELECT FROM pg_authid a WHERE a.oid = s.refobjid)";
    assert_eq!(estate::number(&mut su, dangling), 0);
    let comment = "SELECT obj_description('one.plain'::regclass)";
    assert_eq!(estate::texts(&mut su, comment), ["of one"]);
    // What moved is of use to its new owner.
    let mut own = estate::login(&cluster, "default");
    estate::run(
        &mut own,
        "INSERT INTO one.plain (word) VALUES ('new'); SELECT * FROM two.seen_twice; REFRESH MATERIALIZED VIEW one.kept;
         ALTER TYPE one.mood ADD VALUE 'fair'; DROP SCHEMA \"The \"\"third\"\"\" CASCADE; DROP SERVER \"server of one\" CASCADE",
    );
    expect_error(
        &mut su,
        "SELECT * FROM credentials.destroy('leaver', 'app')",
        "42704",
    );
}

#[test]
fn another_credential_can_be_the_heir_and_gets_everything() {
    let cluster = estate::new();
    stage(&cluster);
    estate::credential(&cluster, "heir");
    let (mut su, mut second) = (cluster.superuser("app"), cluster.superuser("second"));
    let before = [estate::owners(&mut su), estate::owners(&mut second)];
    let contents = [estate::contents(&mut su), estate::contents(&mut second)];
    estate::destroy(&cluster, "leaver", "heir");
    let after = [estate::owners(&mut su), estate::owners(&mut second)];
    for (before, after) in before.iter().zip(&after) {
        estate::assert_moved(before, after, "leaver", "heir");
    }
    assert_eq!(
        contents,
        [estate::contents(&mut su), estate::contents(&mut second)]
    );
    let mut heir = estate::login(&cluster, "heir");
    estate::run(
        &mut heir,
        "INSERT INTO one.plain (word) VALUES ('of the heir')",
    );
    // And what came by inheritance goes on to the next.
    estate::destroy(&cluster, "heir", "default");
    estate::assert_moved(&before[0], &estate::owners(&mut su), "leaver", "app_owner");
}
