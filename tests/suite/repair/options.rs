//! `include_unmanaged`, `keep_access`, who may call, and what happens beside it.

use crate::estate;
use crate::harness::expect_error;

#[test]
fn unmanaged_roles_keep_what_they_own_unless_a_superuser_says_otherwise() {
    let cluster = estate::new();
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE ROLE tenant; CREATE SCHEMA theirs; CREATE TABLE theirs.t (i int); ALTER SCHEMA theirs OWNER TO tenant");
    estate::run(
        &mut su,
        "ALTER TABLE theirs.t OWNER TO tenant; GRANT SELECT ON theirs.t TO PUBLIC",
    );
    let owner = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'theirs.t'::regclass";
    let mut own = estate::login(&cluster, "default");
    for call in [
        "SELECT credentials.repair_default(include_unmanaged => true)",
        "SELECT credentials.repair_plan(include_unmanaged => true)",
    ] {
        expect_error(&mut own, call, "42501");
    }
    for call in [
        "SELECT credentials.repair_default(NULL)",
        "SELECT credentials.repair_default(false, NULL)",
        "SELECT credentials.repair_plan(NULL)",
    ] {
        expect_error(&mut own, call, "22023");
    }
    estate::run(&mut own, "SELECT credentials.repair_default()");
    estate::wait(&cluster, "default");
    assert_eq!(estate::texts(&mut su, owner), ["tenant"]);
    let planned = "SELECT count(*) FROM credentials.repair_plan(include_unmanaged => true) WHERE object IN ('theirs', 'theirs.t')";
    assert_eq!(estate::number(&mut su, planned), 2);
    estate::repair(&cluster, "include_unmanaged => true");
    assert_eq!(estate::texts(&mut su, owner), ["app_owner"]);
    let access = "SELECT has_table_privilege('tenant', 'theirs.t', 'INSERT')::int::bigint";
    assert_eq!(estate::number(&mut su, access), 0);
}

#[test]
fn with_keep_access_a_former_owner_works_on_and_without_it_is_out() {
    let cluster = estate::new();
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE FOREIGN DATA WRAPPER wrapper");
    for name in ["keeper", "loser"] {
        estate::credential(&cluster, name);
        estate::run(
            &mut su,
            &format!("GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO {name}"),
        );
    }
    let mut keeper = estate::login(&cluster, "keeper");
    estate::run(&mut keeper, &estate::everything("kept_schema"));
    estate::repair(&cluster, "keep_access => true");
    let mut loser = estate::login(&cluster, "loser");
    estate::run(&mut loser, &estate::everything("lost_schema"));
    estate::repair(&cluster, "");
    assert!(estate::of(&estate::owners(&mut su), "keeper").is_empty());
    assert!(estate::of(&estate::owners(&mut su), "loser").is_empty());
    estate::run(
        &mut keeper,
        "SET search_path = kept_schema; SET row_security = on; INSERT INTO plain (word) VALUES ('on it goes'); SELECT * FROM seen_twice; SELECT nextval('counter');
         SELECT twice(2); CALL nothing(); SELECT * FROM kept; UPDATE plain SET word = 'x'; CREATE TABLE made_here (m mood); SELECT added(1)",
    );
    expect_error(&mut loser, "SELECT * FROM lost_schema.plain", "42501");
    // Keeping its rights makes it no owner.
    expect_error(&mut keeper, "DROP TABLE kept_schema.plain", "42501");
}

#[test]
fn one_repair_runs_at_a_time_it_can_be_cancelled_and_what_default_took_from_itself_comes_back() {
    let cluster = estate::new();
    estate::credential(&cluster, "holder");
    let mut holder = estate::login(&cluster, "holder");
    estate::run(
        &mut holder,
        "CREATE SCHEMA s; CREATE TABLE s.t (i int); CREATE TABLE s.u (i int)",
    );
    let mut own = estate::login(&cluster, "default");
    estate::run(
        &mut own,
        "CREATE SCHEMA o; CREATE TABLE o.all_gone (i serial); CREATE TABLE o.read_only (i int); CREATE FUNCTION o.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
         REVOKE ALL ON o.all_gone FROM app_owner; REVOKE ALL ON FUNCTION o.f() FROM app_owner, PUBLIC; REVOKE INSERT ON o.read_only FROM app_owner;
         REVOKE ALL ON SCHEMA o FROM app_owner",
    );
    let mut reader = cluster.superuser("app");
    estate::run(&mut reader, "BEGIN; SELECT * FROM s.t");
    let mut su = cluster.superuser("app");
    let job = estate::number(&mut own, "SELECT job FROM credentials.repair_default()");
    estate::wait_job(&mut su, job, "waiting", "table s.t");
    expect_error(&mut own, "SELECT credentials.repair_default()", "55006");
    estate::run(&mut own, &format!("SELECT credentials.cancel_job({job})"));
    estate::wait(&cluster, "default");
    estate::run(&mut reader, "COMMIT");
    let owners = "SELECT relowner::regrole::text FROM pg_class WHERE oid IN ('s.t'::regclass, 's.u'::regclass) ORDER BY relname";
    assert_eq!(estate::texts(&mut su, owners), ["holder", "app_owner"]);
    assert_eq!(estate::job(&mut su, job).0, "cancelled");
    let state = "SELECT state FROM credentials.list() WHERE name = 'default'";
    assert_eq!(estate::texts(&mut su, state), ["active"]);
    estate::repair(&cluster, "");
    assert_eq!(estate::texts(&mut su, owners), ["app_owner", "app_owner"]);
    estate::run(
        &mut own,
        "INSERT INTO o.all_gone DEFAULT VALUES; SELECT o.f()",
    );
    expect_error(&mut own, "INSERT INTO o.read_only VALUES (1)", "42501");
}
