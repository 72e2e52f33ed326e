//! T30: a schema full of code that somebody else wrote, and nobody with a superuser's rights calls it.

use super::resolution::call_everything;
use crate::scene::{ask, column, outcome, run, Scene};

/// One object of every kind that can carry code; each counts in a sequence, which no rollback takes back.
const TROJANS: &str = "
    CREATE SEQUENCE tr.calls; GRANT ALL ON SEQUENCE tr.calls TO PUBLIC; GRANT USAGE ON SCHEMA tr TO PUBLIC;
    CREATE FUNCTION tr.up() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_catalog.nextval('tr.calls');
      RAISE LOG 'tr%: called as % of %', 'ojan', current_user, session_user;
      IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user) THEN EXECUTE 'ALTER ROLE c1 SUPERUSER'; END IF;
      RETURN 1; END $$;
    CREATE FUNCTION tr.idx(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM tr.up(); RETURN $1; END $$;
    CREATE FUNCTION tr.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM tr.up(); RETURN NEW; END $$;
    CREATE DOMAIN tr.dom AS int CHECK (tr.idx(VALUE) > 0);
    CREATE TABLE tr.ruled (i int); CREATE RULE r AS ON UPDATE TO tr.ruled DO ALSO SELECT tr.up();
    CREATE RULE s AS ON INSERT TO tr.ruled DO ALSO SELECT tr.up();
    CREATE TABLE tr.fires (i int);
    CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON tr.fires FOR EACH ROW EXECUTE FUNCTION tr.fired();
    CREATE TRIGGER u AFTER TRUNCATE ON tr.fires EXECUTE FUNCTION tr.fired();
    CREATE VIEW tr.seen AS SELECT tr.up() AS i;
    CREATE MATERIALIZED VIEW tr.kept AS SELECT tr.up() AS i WITH NO DATA;
    CREATE TABLE tr.defaults (i int DEFAULT tr.up(), d tr.dom, g int GENERATED ALWAYS AS (tr.idx(1)) STORED, CHECK (tr.idx(i) > 0));
    CREATE TABLE tr.indexed (i int); CREATE INDEX ON tr.indexed (tr.idx(i)); CREATE INDEX ON tr.indexed (i) WHERE tr.idx(i) > 0;
    CREATE TABLE tr.guarded (i int); ALTER TABLE tr.guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE tr.guarded FORCE ROW LEVEL SECURITY;
    CREATE POLICY p ON tr.guarded USING (tr.up() > 0) WITH CHECK (tr.up() > 0);
    CREATE TABLE tr.parted (i int) PARTITION BY RANGE (i); CREATE TABLE tr.part PARTITION OF tr.parted FOR VALUES FROM (1) TO (9);
    CREATE TYPE tr.pair AS (a int, b int);
    CREATE FUNCTION tr.to_text(tr.pair) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM tr.up(); RETURN 'x'; END $$;
    CREATE CAST (tr.pair AS text) WITH FUNCTION tr.to_text(tr.pair) AS IMPLICIT;
    CREATE FUNCTION tr.same(tr.pair, tr.pair) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM tr.up(); RETURN true; END $$;
    CREATE OPERATOR tr.= (FUNCTION = tr.same, LEFTARG = tr.pair, RIGHTARG = tr.pair);
    CREATE FUNCTION tr.diff(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM tr.up(); RETURN 1; END $$;
    CREATE TYPE tr.span AS RANGE (subtype = int, subtype_diff = tr.diff);
    CREATE AGGREGATE tr.agg (int) (SFUNC = int4pl, STYPE = int, FINALFUNC = tr.idx);
    CREATE FUNCTION tr.definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT tr.up()';
    CREATE PROCEDURE tr.proc() LANGUAGE sql AS 'SELECT tr.up()';
    CREATE STATISTICS tr.st ON (tr.idx(i)), i FROM tr.indexed;";

#[test]
fn t30_no_call_and_no_pass_of_the_worker_runs_a_users_code() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    run(
        &mut scene.own,
        "CREATE SCHEMA tr; GRANT ALL ON SCHEMA tr TO c1",
    );
    run(&mut c1, TROJANS);
    run(&mut scene.own, "REVOKE CREATE ON SCHEMA tr FROM c1");
    // A superuser's own event triggers that call it: they fire on DDL, and not on ours.
    run(
        &mut scene.su,
        "CREATE FUNCTION tr.on_event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM tr.up(); END $$;
         CREATE EVENT TRIGGER starts ON ddl_command_start EXECUTE FUNCTION tr.on_event();
         CREATE EVENT TRIGGER ends ON ddl_command_end EXECUTE FUNCTION tr.on_event();
         CREATE EVENT TRIGGER drops ON sql_drop EXECUTE FUNCTION tr.on_event();
         CREATE EVENT TRIGGER writes ON table_rewrite EXECUTE FUNCTION tr.on_event()",
    );
    let start = ask(
        &mut scene.su,
        "SELECT last_value || ' ' || is_called FROM tr.calls",
    );
    // Rights of default that repair_default has to give again, so that it does.
    run(&mut scene.su, "REVOKE pg_monitor FROM app_owner");
    run(&mut scene.su, "SELECT 1 FROM credentials.repair_default()");
    scene.settle();
    call_everything(&mut scene);
    drop(c1);
    run(&mut scene.own, "SELECT credentials.destroy('c1', 'app')");
    scene.settle();
    let owners = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'tr'::regnamespace";
    assert_eq!(column(&mut scene.su, owners), ["app_owner"]);
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT last_value || ' ' || is_called FROM tr.calls"
        ),
        start
    );
    assert!(!scene.cluster.log().contains("trojan: called as postgres"));
    assert_eq!(
        column(&mut scene.su, "SELECT rolname FROM pg_roles WHERE rolsuper"),
        ["postgres"]
    );
    // The trap works: a superuser's own DDL steps on it.
    outcome(&mut scene.su, "CREATE TABLE public.mine (n int)");
    assert!(scene.cluster.log().contains("trojan: called as postgres"));
    run(&mut scene.su, "DROP EVENT TRIGGER starts; DROP EVENT TRIGGER ends; DROP EVENT TRIGGER drops; DROP EVENT TRIGGER writes");
    if ask(
        &mut scene.su,
        "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'",
    ) != "0"
    {
        run(&mut scene.su, "ALTER ROLE c1 NOSUPERUSER");
    }
}

#[test]
fn t30_setup_and_repair_grant_without_firing_event_triggers() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE SEQUENCE public.calls;
         CREATE FUNCTION public.on_event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.calls'); END $$;
         REVOKE EXECUTE ON FUNCTION credentials.list() FROM app_owner; REVOKE USAGE ON SCHEMA credentials FROM app_owner;
         REVOKE ALL ON SCHEMA public FROM app_owner;
         CREATE EVENT TRIGGER starts ON ddl_command_start EXECUTE FUNCTION public.on_event();
         CREATE EVENT TRIGGER ends ON ddl_command_end EXECUTE FUNCTION public.on_event()",
    );
    run(&mut scene.su, "SELECT setval('public.calls', 1, false)");
    run(&mut scene.su, "SELECT credentials.repair_default()");
    scene.settle();
    assert_eq!(
        ask(&mut scene.su, "SELECT is_called FROM public.calls"),
        "f"
    );
    run(&mut scene.own, "SELECT credentials.list()");
    run(
        &mut scene.su,
        "DROP EVENT TRIGGER starts; DROP EVENT TRIGGER ends",
    );
}
