//! What ran with the rights of the one who goes does not run with default's for others (THREATS T33).

use postgres::Client;

use crate::estate;
use crate::harness::{expect_error, Cluster};

/// Default's own secret, which `leaver` could never read, and what `leaver` leaves to reach for it.
fn stage(cluster: &Cluster) -> (Client, Client) {
    for name in ["leaver", "stranger"] {
        estate::credential(cluster, name);
    }
    let mut own = estate::login(cluster, "default");
    estate::run(
        &mut own,
        "CREATE SCHEMA pay; CREATE TABLE pay.salaries AS SELECT 1 AS amount; GRANT USAGE ON SCHEMA pay TO leaver, stranger;
         CREATE SCHEMA inbox; GRANT USAGE ON SCHEMA inbox TO leaver, stranger; CREATE TABLE inbox.mail (q text);
         GRANT INSERT, TRIGGER ON inbox.mail TO leaver; GRANT INSERT ON inbox.mail TO stranger",
    );
    let mut leaver = estate::login(cluster, "leaver");
    estate::run(
        &mut leaver,
        "CREATE SCHEMA shared; GRANT USAGE ON SCHEMA shared TO PUBLIC;
         CREATE FUNCTION shared.run(q text) RETURNS void SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN EXECUTE q; END';
         CREATE PROCEDURE shared.walk(q text) SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN EXECUTE q; END';
         CREATE FUNCTION shared.fired() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN EXECUTE NEW.q; RETURN NEW; END';
         CREATE TRIGGER trap BEFORE INSERT ON inbox.mail FOR EACH ROW EXECUTE FUNCTION shared.fired();
         CREATE FUNCTION shared.step(int, int) RETURNS int SECURITY DEFINER LANGUAGE plpgsql AS
           'BEGIN EXECUTE ''INSERT INTO pay.salaries VALUES (3)''; RETURN 1; END';
         CREATE AGGREGATE shared.sneak(int) (SFUNC = shared.step, STYPE = int, INITCOND = '0');
         CREATE VIEW shared.peek AS SELECT * FROM pay.salaries; GRANT SELECT ON shared.peek TO PUBLIC;
         CREATE TABLE shared.open AS SELECT 7 AS seven; CREATE VIEW shared.fair AS SELECT * FROM shared.open;
         GRANT SELECT ON shared.open, shared.fair TO PUBLIC;
         CREATE TABLE shared.door (i int); GRANT INSERT ON shared.door TO PUBLIC;
         CREATE RULE through AS ON INSERT TO shared.door DO ALSO INSERT INTO pay.salaries VALUES (2);
         CREATE FUNCTION shared.harmless() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    (own, estate::login(cluster, "stranger"))
}

#[test]
fn definer_routines_views_and_rules_that_reach_further_with_default_are_closed_for_others_and_reported(
) {
    let cluster = estate::new();
    let (mut own, mut stranger) = stage(&cluster);
    let mut su = cluster.superuser("app");
    // What the plan says is what happens.
    let plan = "SELECT object FROM credentials.destroy_plan('leaver') WHERE action = 'neutralise' ORDER BY 1";
    let planned = estate::texts(&mut su, plan);
    estate::destroy(&cluster, "leaver", "default");

    let closed =
        "SELECT count(*) FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
                   WHERE prosecdef AND proowner = 'app_owner'::regrole AND a.grantee <> proowner";
    assert_eq!(estate::number(&mut su, closed), 0);
    for attempt in [
        "SELECT shared.run('INSERT INTO pay.salaries VALUES (9)')",
        "CALL shared.walk('INSERT INTO pay.salaries VALUES (9)')",
        "INSERT INTO inbox.mail VALUES ('INSERT INTO pay.salaries VALUES (9)')",
        "SELECT shared.sneak(1)",
        "SELECT * FROM shared.peek",
        "INSERT INTO shared.door VALUES (1)",
    ] {
        expect_error(&mut stranger, attempt, "42501");
    }
    assert_eq!(
        estate::number(&mut own, "SELECT sum(amount) FROM pay.salaries"),
        1
    );
    // What reached no further is as open as it was.
    estate::run(
        &mut stranger,
        "SELECT * FROM shared.fair; SELECT shared.harmless()",
    );
    // Default itself can look at all of it.
    estate::run(
        &mut own,
        "SELECT * FROM shared.peek; SELECT shared.run('SELECT 1')",
    );

    let told = "SELECT DISTINCT o->>'object' FROM credentials.events('leaver') e, jsonb_array_elements(e.detail->'objects') o
                 WHERE o->>'action' = 'neutralise' ORDER BY 1";
    let told = estate::texts(&mut su, told);
    assert_eq!(
        told,
        [
            "shared.door",
            "shared.fired()",
            "shared.peek",
            "shared.run(pg_catalog.text)",
            "shared.step(integer,integer)",
            "shared.walk(pg_catalog.text)"
        ]
    );
    assert_eq!(planned, told);
}

#[test]
fn what_is_closed_in_another_database_is_reported_at_home() {
    let cluster = estate::new();
    let url = estate::credential(&cluster, "leaver");
    estate::credential(&cluster, "stranger");
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE DATABASE second");
    estate::run(&mut su, "GRANT CREATE ON DATABASE second TO leaver");
    let mut there = cluster.connect(&url.replace("/app?", "/second?")).unwrap();
    for i in 0..60 {
        estate::run(
            &mut there,
            &format!("CREATE SCHEMA s{i}; CREATE FUNCTION s{i}.\"definer {i}\"() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'"),
        );
    }
    estate::destroy(&cluster, "leaver", "default");
    let told = "SELECT count(DISTINCT o->>'object') FROM credentials.events('leaver') e, jsonb_array_elements(e.detail->'objects') o
                 WHERE o->>'action' = 'neutralise' AND o->>'database' = 'second'";
    assert_eq!(estate::number(&mut su, told), 60);
    let mut second = cluster.superuser("second");
    let open =
        "SELECT count(*) FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
                 WHERE prosecdef AND proowner = 'app_owner'::regrole AND a.grantee <> proowner";
    assert_eq!(estate::number(&mut second, open), 0);
}

#[test]
fn a_busy_view_over_its_owners_own_tables_keeps_the_rights_of_its_readers() {
    let cluster = estate::new();
    let (_own, mut stranger) = stage(&cluster);
    let mut su = cluster.superuser("app");
    // The view alone is held, not the table below it.
    estate::run(&mut su, "BEGIN; ALTER VIEW shared.fair SET (security_barrier = true); ALTER VIEW shared.fair RESET (security_barrier)");
    let mut other = cluster.superuser("app");
    let job = estate::order(&mut other, "leaver", "default");
    estate::wait_job(&mut other, job, "waiting", "shared.fair");
    // What it reads waits for it: else a pass that begins anew could not tell what its owner could read.
    let owner = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'open'";
    assert_eq!(estate::texts(&mut other, owner), ["leaver"]);
    estate::run(&mut su, "COMMIT");
    estate::wait(&cluster, "leaver");
    estate::run(&mut stranger, "SELECT * FROM shared.fair");
}
