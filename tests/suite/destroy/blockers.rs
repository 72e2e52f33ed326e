//! What only a superuser may own keeps its owner from going: refused before, blocked when it turns up later.

use crate::estate;
use crate::harness::expect_error;

const SIX: &str = "
  CREATE FOREIGN DATA WRAPPER its_wrapper;
  CREATE FUNCTION noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
  CREATE EVENT TRIGGER its_trigger ON ddl_command_start EXECUTE FUNCTION noticed();
  CREATE SUBSCRIPTION its_subscription CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false);
  CREATE PUBLICATION its_publication FOR ALL TABLES;
  CREATE LANGUAGE its_language HANDLER plpgsql_call_handler;
  CREATE EXTENSION pg_stat_statements;
  ALTER ROLE leaver SUPERUSER;
  ALTER FOREIGN DATA WRAPPER its_wrapper OWNER TO leaver; ALTER EVENT TRIGGER its_trigger OWNER TO leaver;
  ALTER SUBSCRIPTION its_subscription OWNER TO leaver; ALTER PUBLICATION its_publication OWNER TO leaver;
  ALTER LANGUAGE its_language OWNER TO leaver; UPDATE pg_extension SET extowner = 'leaver'::regrole WHERE extname = 'pg_stat_statements';
  INSERT INTO pg_shdepend SELECT d.oid, 'pg_extension'::regclass, e.oid, 0, 'pg_authid'::regclass, 'leaver'::regrole, 'o'
    FROM pg_database d, pg_extension e WHERE datname = 'app' AND extname = 'pg_stat_statements';
  ALTER ROLE leaver NOSUPERUSER";

#[test]
fn each_known_blocker_refuses_a_destroy_with_nothing_changed_and_the_plan_shows_all() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut su = cluster.superuser("app");
    estate::run(&mut su, SIX);
    let mut session = estate::login(&cluster, "leaver");
    estate::run(&mut session, "CREATE SCHEMA s; CREATE TABLE s.t (i int)");
    let state = "SELECT md5(string_agg(a::text, ',' ORDER BY oid)) FROM pg_authid a";
    let (roles, owners) = (estate::texts(&mut su, state), estate::owners(&mut su));

    let error = expect_error(
        &mut su,
        "SELECT * FROM credentials.destroy('leaver', confirm => 'app')",
        "2BP01",
    );
    let detail = error.as_db_error().unwrap().detail().unwrap().to_owned();
    assert_eq!(
        detail.matches(" in database ").count(),
        5,
        "the first five: {detail}"
    );
    assert!(detail.contains("1 more"), "{detail}");
    let blocked =
        "SELECT kind FROM credentials.destroy_plan('leaver') WHERE action = 'block' ORDER BY 1";
    assert_eq!(
        estate::texts(&mut su, blocked),
        [
            "event trigger",
            "extension",
            "foreign-data wrapper",
            "language",
            "publication",
            "subscription"
        ]
    );
    assert_eq!(roles, estate::texts(&mut su, state));
    assert_eq!(owners, estate::owners(&mut su));
    assert_eq!(
        estate::number(
            &mut su,
            "SELECT count(*) FROM credentials.jobs() WHERE kind = 'destroy'"
        ),
        0
    );
    estate::run(&mut session, "SELECT * FROM s.t");

    // Each alone refuses as well; with the last one gone it goes through.
    for statement in [
        "ALTER FOREIGN DATA WRAPPER its_wrapper OWNER TO postgres",
        "ALTER EVENT TRIGGER its_trigger OWNER TO postgres",
        "ALTER SUBSCRIPTION its_subscription OWNER TO postgres",
        "ALTER PUBLICATION its_publication OWNER TO postgres",
        "ALTER LANGUAGE its_language OWNER TO postgres",
        "DROP EXTENSION pg_stat_statements",
    ] {
        expect_error(
            &mut su,
            "SELECT * FROM credentials.destroy('leaver', confirm => 'app')",
            "2BP01",
        );
        estate::run(&mut su, statement);
    }
    estate::destroy(&cluster, "leaver", "default");
    estate::run(&mut su, "ALTER SUBSCRIPTION its_subscription SET (slot_name = NONE); DROP SUBSCRIPTION its_subscription");
}

#[test]
fn a_blocker_that_turns_up_later_blocks_the_job_which_goes_on_when_it_is_gone() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut su = cluster.superuser("app");
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(
        &mut leaver,
        "CREATE SCHEMA s; CREATE TABLE s.t (i int); CREATE TABLE s.u (i int)",
    );
    estate::run(&mut su, "CREATE FOREIGN DATA WRAPPER late");
    estate::run(&mut su, "BEGIN; LOCK TABLE s.t IN ACCESS SHARE MODE");
    let mut other = cluster.superuser("app");
    let job = estate::order(&mut other, "leaver", "default");
    // While it waits for the table, a superuser gives it what only superusers may own.
    estate::wait_job(&mut other, job, "waiting", "s.t");
    estate::run(
        &mut other,
        "BEGIN; ALTER ROLE leaver SUPERUSER; ALTER FOREIGN DATA WRAPPER late OWNER TO leaver; ALTER ROLE leaver NOSUPERUSER; COMMIT",
    );
    estate::run(&mut su, "COMMIT");
    estate::wait_job(&mut other, job, "blocked", "late");
    let owner = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 's.t'::regclass";
    assert_eq!(estate::texts(&mut other, owner), ["app_owner"]);
    estate::run(
        &mut other,
        "ALTER FOREIGN DATA WRAPPER late OWNER TO postgres",
    );
    estate::wait(&cluster, "leaver");
    assert_eq!(
        estate::number(
            &mut other,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'"
        ),
        0
    );
}

#[test]
fn a_blocker_in_another_database_refuses_where_it_is_known_and_blocks_where_it_is_found_there() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE DATABASE second");
    let mut second = cluster.superuser("second");
    estate::run(
        &mut second,
        "CREATE FOREIGN DATA WRAPPER its_wrapper; CREATE PUBLICATION for_all FOR ALL TABLES; ALTER ROLE leaver SUPERUSER;
         ALTER FOREIGN DATA WRAPPER its_wrapper OWNER TO leaver; ALTER PUBLICATION for_all OWNER TO leaver; ALTER ROLE leaver NOSUPERUSER",
    );
    let error = expect_error(
        &mut su,
        "SELECT * FROM credentials.destroy('leaver', confirm => 'app')",
        "2BP01",
    );
    assert!(error
        .as_db_error()
        .unwrap()
        .detail()
        .unwrap()
        .contains("database second"));
    estate::run(
        &mut second,
        "ALTER FOREIGN DATA WRAPPER its_wrapper OWNER TO postgres",
    );
    // The catalogs that all databases share do not tell which publication is of that kind.
    let job = estate::order(&mut su, "leaver", "default");
    estate::wait_job(&mut su, job, "blocked", "for_all");
    estate::run(&mut second, "ALTER PUBLICATION for_all OWNER TO postgres");
    estate::wait(&cluster, "leaver");
    assert_eq!(
        estate::number(
            &mut su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'"
        ),
        0
    );
}
