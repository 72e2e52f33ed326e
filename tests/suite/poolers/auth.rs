//! `pgbouncer_auth()`: a verifier for who is good to log in, and no row for anybody else.

use postgres::Client;

use super::{scene, timed};
use crate::harness::{expect_error, wait_until, Cluster, SOON};
use crate::scene::{ask, call_lines, fingerprint, run};

/// What a pooler is told for a username.
#[track_caller]
fn told(pooler: &mut Client, username: &str) -> Option<String> {
    let rows = pooler
        .query(
            "SELECT username, password FROM credentials.pgbouncer_auth($1)",
            &[&username],
        )
        .unwrap_or_else(|error| panic!("{username}: {error:?}"));
    assert!(rows.len() < 2, "{username}");
    let row = rows.first()?;
    assert_eq!(row.get::<_, String>(0), username);
    Some(row.get(1))
}

#[track_caller]
fn stored(su: &mut Client, role: &str) -> String {
    let row = su.query_one(
        "SELECT rolpassword FROM pg_authid WHERE rolname = $1",
        &[&role],
    );
    row.expect("a role").get(0)
}

#[test]
fn a_credential_is_told_with_the_verifier_of_its_role_and_default_too() {
    let (mut s, mut pooler) = scene(Cluster::builder());
    drop(s.credential("shop"));
    for username in ["shop", "app_owner"] {
        let verifier = told(&mut pooler, username).expect("a verifier");
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:"), "{verifier}");
        assert_eq!(verifier, stored(&mut s.su, username));
    }
}

#[test]
fn whoever_is_not_managed_has_no_row_however_the_name_is_written() {
    let (mut s, mut pooler) = scene(Cluster::builder());
    drop(s.credential("shop"));
    drop(s.stranger("stranger", ""));
    run(&mut s.own, "SELECT credentials.grant('shop', 'read_only')");
    let long = "a".repeat(63) + "b";
    let names = [
        "postgres",
        "pgbouncer",
        "stranger",
        "db_reader_public",
        "pg_monitor",
        "nobody",
        "",
        "default",
        "SHOP",
        " shop",
        "\"shop\"",
        "shop-rotating",
        "shop' OR true --",
        "public",
        "current_user",
        "ü\n\u{1F600}",
        long.as_str(),
    ];
    for name in names {
        assert_eq!(told(&mut pooler, name), None, "{name}");
    }
    assert!(told(&mut pooler, "shop").is_some());
}

#[test]
fn whatever_closes_a_username_takes_its_row_away_and_opening_it_brings_it_back() {
    let (mut s, mut pooler) = scene(Cluster::builder());
    drop(s.credential("shop"));
    s.cluster.allow_superuser("shop");
    s.cluster.allow_superuser("root2");
    run(&mut s.su, "CREATE ROLE root2 SUPERUSER");
    let verifier = stored(&mut s.su, "shop");
    let again = format!("ALTER ROLE shop PASSWORD '{verifier}'");
    let closed_and_opened = [
        (
            "SELECT credentials.suspend('shop')",
            "SELECT credentials.resume('shop')",
        ),
        ("ALTER ROLE shop NOLOGIN", "ALTER ROLE shop LOGIN"),
        (
            "ALTER ROLE shop VALID UNTIL '2001-01-01'",
            "ALTER ROLE shop VALID UNTIL '2101-01-01'",
        ),
        (
            "ALTER ROLE shop VALID UNTIL '-infinity'",
            "ALTER ROLE shop VALID UNTIL 'infinity'",
        ),
        ("ALTER ROLE shop SUPERUSER", "ALTER ROLE shop NOSUPERUSER"),
        (
            "ALTER ROLE shop REPLICATION",
            "ALTER ROLE shop NOREPLICATION",
        ),
        ("ALTER ROLE shop BYPASSRLS", "ALTER ROLE shop NOBYPASSRLS"),
        ("ALTER ROLE shop CREATEROLE", "ALTER ROLE shop NOCREATEROLE"),
        ("GRANT root2 TO shop", "REVOKE root2 FROM shop"),
        (
            "UPDATE credentials.credential SET role_name = 'other' WHERE name = 'shop'",
            "UPDATE credentials.credential SET role_name = 'shop' WHERE name = 'shop'",
        ),
        ("ALTER ROLE shop PASSWORD NULL", again.as_str()),
        (
            "SET password_encryption = 'md5'; ALTER ROLE shop PASSWORD 'an-md5-password-of-old'",
            again.as_str(),
        ),
    ];
    for (close, open) in closed_and_opened {
        assert!(told(&mut pooler, "shop").is_some(), "before {close}");
        run(&mut s.su, close);
        assert_eq!(told(&mut pooler, "shop"), None, "{close}");
        run(&mut s.su, open);
        s.settle();
        assert!(told(&mut pooler, "shop").is_some(), "{open}");
    }
    assert_eq!(told(&mut pooler, "shop"), Some(stored(&mut s.su, "shop")));
}

#[test]
fn a_credential_that_was_made_closed_or_goes_has_no_row() {
    let (mut s, mut pooler) = scene(Cluster::builder());
    run(
        &mut s.own,
        "SELECT credentials.create('later', login => false); SELECT credentials.create('going')",
    );
    assert_eq!(told(&mut pooler, "later"), None);
    // Its worker cannot drop the role while a prepared transaction depends on it.
    run(
        &mut s.su,
        "BEGIN; CREATE TABLE kept (); GRANT SELECT ON kept TO going; PREPARE TRANSACTION 'kept'",
    );
    run(&mut s.own, "SELECT credentials.destroy('going', 'app')");
    assert_eq!(told(&mut pooler, "going"), None);
    run(&mut s.su, "ROLLBACK PREPARED 'kept'");
    s.settle();
    assert_eq!(told(&mut pooler, "going"), None);
    run(&mut s.own, "SELECT credentials.resume('later')");
    assert!(told(&mut pooler, "later").is_some());
}

#[test]
fn in_a_rotation_both_usernames_are_told_and_afterwards_the_first_alone() {
    let (mut s, mut pooler) = scene(timed(3, 3, 3));
    drop(s.credential("shop"));
    s.cluster.allow_superuser("shop-rotating");
    let old = told(&mut pooler, "shop").expect("a verifier");
    run(&mut s.own, "SELECT credentials.rotate('shop')");
    assert_eq!(told(&mut pooler, "shop").as_ref(), Some(&old));
    let new = told(&mut pooler, "shop-rotating").expect("the twin's verifier");
    assert_eq!(new, stored(&mut s.su, "shop-rotating"));
    run(&mut s.su, "ALTER ROLE \"shop-rotating\" SUPERUSER");
    assert_eq!(told(&mut pooler, "shop"), None);
    assert_eq!(told(&mut pooler, "shop-rotating"), None);
    run(&mut s.su, "ALTER ROLE \"shop-rotating\" NOSUPERUSER");
    wait_until("the cut-over", SOON, || {
        told(&mut pooler, "shop").is_some_and(|verifier| verifier != old)
    });
    assert!(told(&mut pooler, "shop-rotating").is_some());
    wait_until("the twin's name closes", SOON, || {
        told(&mut pooler, "shop-rotating").is_none()
    });
    assert_eq!(told(&mut pooler, "shop"), Some(stored(&mut s.su, "shop")));
}

#[test]
fn only_who_was_given_execute_asks_and_null_is_refused() {
    let (mut s, mut pooler) = scene(Cluster::builder());
    let mut shop = s.credential("shop");
    let call = "SELECT * FROM credentials.pgbouncer_auth('shop')";
    expect_error(&mut shop, call, "42501");
    assert!(told(&mut s.own, "shop").is_some());
    expect_error(
        &mut pooler,
        "SELECT * FROM credentials.pgbouncer_auth(NULL)",
        "22023",
    );
    for other in ["list()", "url()", "metrics()", "connection_info()"] {
        expect_error(&mut pooler, &format!("SELECT credentials.{other}"), "42501");
    }
    expect_error(&mut pooler, "SELECT * FROM credentials.credential", "42501");
}

#[test]
fn asking_leaves_no_trace_and_goes_on_in_a_read_only_transaction_and_on_a_follower() {
    let (mut s, mut pooler) = scene(Cluster::builder());
    drop(s.credential("shop"));
    let events = "SELECT count(*) FROM credentials.event";
    let before = (fingerprint(&mut s.su), ask(&mut s.su, events));
    let lines = call_lines(&s.cluster).len();
    let verifier = told(&mut pooler, "shop").expect("a verifier");
    let mut reading = pooler.build_transaction().read_only(true).start().unwrap();
    let row = reading.query_one(
        "SELECT password FROM credentials.pgbouncer_auth('shop')",
        &[],
    );
    assert_eq!(row.expect("a row").get::<_, String>(0), verifier);
    reading.rollback().unwrap();
    let standby = s.cluster.standby();
    s.cluster.wait_replayed(&standby);
    let mut there = standby
        .login("pgbouncer", super::POOLER_PASSWORD, "app")
        .expect("a login on the follower");
    assert_eq!(told(&mut there, "shop"), Some(verifier));
    assert_eq!(told(&mut there, "postgres"), None);
    assert_eq!((fingerprint(&mut s.su), ask(&mut s.su, events)), before);
    assert_eq!(call_lines(&s.cluster).len(), lines);
}

#[test]
fn a_schema_of_traps_in_the_poolers_path_changes_nothing() {
    let (mut s, _) = scene(Cluster::builder().hostile());
    drop(s.credential("shop"));
    run(
        &mut s.own,
        "CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC;
         CREATE FUNCTION trap.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
         CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq);
         CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END';
         ALTER DATABASE app SET search_path = trap, pg_catalog",
    );
    let mut pooler = s
        .cluster
        .login("pgbouncer", super::POOLER_PASSWORD, "app")
        .expect("a login");
    assert_eq!(told(&mut pooler, "shop"), Some(stored(&mut s.su, "shop")));
}
