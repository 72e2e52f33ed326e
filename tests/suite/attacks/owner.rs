//! T72, T73: what the owner of the database may do to the database, and what users build on our functions.

use crate::harness::{expect_error, Cluster};
use crate::scene::{ask, column, fingerprint, outcome, run, Scene};

#[test]
fn t72_the_owner_of_the_database_changes_nothing_of_ours() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    // All that makes up the extension, but the figures that VACUUM and ANALYZE keep.
    let ours = "SELECT md5(string_agg(t, ',' ORDER BY t)) FROM (
        SELECT (to_jsonb(c) - '{relpages,reltuples,relallvisible,relfrozenxid,relminmxid,relfilenode}'::text[])::text
          FROM pg_class c WHERE relnamespace = 'credentials'::regnamespace
        UNION ALL SELECT p::text FROM pg_proc p WHERE pronamespace = 'credentials'::regnamespace
        UNION ALL SELECT t::text FROM pg_type t WHERE typnamespace = 'credentials'::regnamespace
        UNION ALL SELECT n::text FROM pg_namespace n WHERE nspname = 'credentials'
        UNION ALL SELECT d::text FROM pg_description d WHERE classoid = 'pg_proc'::regclass) x(t)";
    let (before, rows) = (ask(&mut scene.su, ours), fingerprint(&mut scene.su));
    for statement in [
        "DROP EXTENSION credential_manager",
        "DROP EXTENSION credential_manager CASCADE",
        "ALTER EXTENSION credential_manager UPDATE",
        "ALTER EXTENSION credential_manager SET SCHEMA public",
        "DROP SCHEMA credentials CASCADE",
        "ALTER SCHEMA credentials OWNER TO app_owner",
        "ALTER SCHEMA credentials RENAME TO mine",
        "GRANT USAGE ON SCHEMA credentials TO PUBLIC; SELECT 1/0",
        "COMMENT ON SCHEMA credentials IS 'mine'",
        "COMMENT ON EXTENSION credential_manager IS 'mine'",
        "COMMENT ON TABLE credentials.event IS 'mine'",
        "COMMENT ON FUNCTION credentials.list() IS 'mine'",
        "ALTER FUNCTION credentials.list() OWNER TO app_owner",
        "ALTER FUNCTION credentials.list() SET search_path = public",
        "ALTER FUNCTION credentials.list() SECURITY DEFINER",
        "CREATE OR REPLACE FUNCTION credentials.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE credentials.mine (n int)",
        "CREATE PUBLICATION p FOR TABLE credentials.secret",
        "CREATE PUBLICATION p FOR TABLES IN SCHEMA credentials",
        "CREATE PUBLICATION p FOR ALL TABLES",
        "CREATE STATISTICS s ON role, name FROM credentials.credential",
        "CREATE INDEX ON credentials.event (at)",
        "CREATE POLICY p ON credentials.event",
        "REINDEX TABLE credentials.event",
        "REINDEX SCHEMA credentials",
        "CLUSTER credentials.event USING event_pkey",
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
        "COPY credentials.secret TO STDOUT",
        "SELECT * FROM credentials.secret",
        "CREATE TABLE public.child () INHERITS (credentials.secret)",
        "CREATE TABLE public.fk (r oid REFERENCES credentials.credential (role))",
        "ALTER DATABASE app RENAME TO mine",
        "SECURITY LABEL ON SCHEMA credentials IS 'mine'",
    ] {
        let state = outcome(&mut scene.own, statement);
        let harmless = ["42501", "22012", "0A000", "22023", "42P17"].contains(&state.as_str());
        assert!(harmless, "{statement}: {state:?}");
    }
    // These are allowed, and change nothing that counts.
    run(
        &mut scene.own,
        "ALTER DEFAULT PRIVILEGES IN SCHEMA credentials GRANT ALL ON TABLES TO PUBLIC;
         ALTER DEFAULT PRIVILEGES IN SCHEMA credentials GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
         ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
    );
    run(&mut scene.own, "VACUUM");
    run(&mut scene.own, "ANALYZE");
    run(
        &mut scene.own,
        "CREATE PUBLICATION p; GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC",
    );
    assert_eq!(ask(&mut scene.su, ours), before);
    assert_eq!(fingerprint(&mut scene.su), rows);
    let secrets = "SELECT count(*) FROM pg_stats WHERE schemaname = 'credentials' AND tablename = 'secret' AND attname IN ('sealed', 'role')";
    assert_eq!(ask(&mut scene.su, secrets), "0");
}

#[test]
fn t72_the_worker_survives_what_the_owner_does_to_the_database() {
    let mut scene = Scene::new();
    let c1 = scene.credential("c1");
    let mut elsewhere = scene.cluster.superuser("postgres");
    run(&mut scene.own, "ALTER DATABASE app CONNECTION LIMIT 0; ALTER DATABASE app SET default_transaction_read_only = on");
    run(&mut elsewhere, "ALTER DATABASE app ALLOW_CONNECTIONS false");
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', force => true)",
    );
    scene.settle();
    run(&mut scene.own, "SELECT credentials.destroy('c1', 'app')");
    scene.settle();
    drop(c1);
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
    run(&mut elsewhere, "ALTER DATABASE app ALLOW_CONNECTIONS true");
    run(&mut elsewhere, "ALTER DATABASE app CONNECTION LIMIT -1");
    run(
        &mut elsewhere,
        "ALTER DATABASE app RESET default_transaction_read_only",
    );
}

#[test]
fn t72_the_database_can_be_dropped_and_the_log_stays_quiet() {
    let cluster = Cluster::new();
    cluster.setup();
    let mut su = cluster.superuser("postgres");
    crate::harness::wait_until("nobody holds the database", crate::harness::SOON, || {
        su.batch_execute("DROP DATABASE app").is_ok()
    });
    let lines = cluster.log().lines().count();
    run(&mut su, "SELECT pg_sleep(3)");
    let new = cluster.log().lines().count() - lines;
    assert!(new < 5, "{new} lines in three seconds");
    run(&mut su, "CREATE DATABASE app");
}

#[test]
fn t73_views_and_functions_over_every_function_work_and_our_types_are_no_columns() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    for (name, call) in [
        ("v_list", "list()"),
        ("v_usernames", "usernames()"),
        ("v_jobs", "jobs()"),
        ("v_events", "events()"),
        ("v_info", "connection_info()"),
        ("v_plan", "repair_plan()"),
        ("v_destroy_plan", "destroy_plan('c1')"),
    ] {
        run(&mut scene.own, &format!("CREATE VIEW public.{name} AS SELECT * FROM credentials.{call}; SELECT * FROM public.{name}"));
    }
    run(
        &mut scene.own,
        "CREATE VIEW public.v_url AS SELECT credentials.url('c1') AS url; SELECT * FROM public.v_url;
         CREATE FUNCTION public.f_names() RETURNS SETOF text LANGUAGE sql AS 'SELECT name FROM credentials.list()';
         CREATE FUNCTION public.f_state(n text) RETURNS text LANGUAGE plpgsql AS
           $$ DECLARE s text; BEGIN SELECT state INTO s FROM credentials.list() WHERE name OPERATOR(pg_catalog.=) n; RETURN s; END $$",
    );
    assert_eq!(
        column(&mut scene.own, "SELECT public.f_names()"),
        ["default", "c1"]
    );
    assert_eq!(ask(&mut scene.own, "SELECT public.f_state('c1')"), "active");
    let types = column(&mut scene.su, "SELECT t.oid::regtype FROM pg_type t WHERE typnamespace = 'credentials'::regnamespace AND typtype = 'c'");
    assert!(types.len() > 15, "{types:?}");
    for name in types {
        for statement in [
            format!("CREATE TABLE public.t (c {name})"),
            format!("CREATE TABLE public.t (c {name}[])"),
            format!("CREATE DOMAIN public.d AS {name}"),
            format!("CREATE FUNCTION public.f() RETURNS SETOF {name} LANGUAGE sql AS 'SELECT NULL::{name}'"),
            format!("CREATE FUNCTION public.f(a {name}) RETURNS int LANGUAGE sql AS 'SELECT 1'"),
            format!("CREATE TYPE public.y AS (c {name})"),
        ] {
            expect_error(&mut scene.own, &statement, "42501");
        }
    }
    expect_error(
        &mut scene.own,
        "CREATE TABLE public.t AS SELECT l FROM credentials.list() l",
        "42501",
    );
    expect_error(
        &mut scene.own,
        "CREATE VIEW public.v AS SELECT l FROM credentials.list() l",
        "42501",
    );
}
