//! T70: what a hostile owner of the database has made beforehand is in no position to be called by a script that
//! runs with a superuser's rights.

use super::{install, offer, scene_with, state, whose};
use crate::harness::expect_error;
use crate::scene::{ask, column, outcome, run, Scene};

/// Each call of a trap counts, also where it is rolled back, and tries to make its maker a superuser.
const TRAP: &str = "
    CREATE SCHEMA snare; CREATE SEQUENCE snare.calls; GRANT USAGE ON SCHEMA snare TO PUBLIC; GRANT ALL ON SEQUENCE snare.calls TO PUBLIC;
    CREATE FUNCTION snare.pwn() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_catalog.nextval('snare.calls');
      IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user) THEN
        EXECUTE 'ALTER ROLE app_owner SUPERUSER'; END IF; END $$;";

/// A script as careless as they come: bare names, and types that an exact match of somebody else's would win.
const CARELESS: &str = "
    CREATE TABLE probe (what text, value text);
    INSERT INTO probe VALUES ('lower', lower('X'::varchar)), ('format', format('%s', 'a'::text)),
      ('equal', ('a'::varchar = 'a'::varchar)::text), ('concat', 'a'::varchar || 'b'::varchar),
      ('small', (1::smallint = 1::bigint)::text), ('user', current_user);
    INSERT INTO probe SELECT name, setting FROM pg_settings;
    INSERT INTO probe VALUES ('nulls', array_length('{NULL}'::text[], 1)::text), ('is null', ('{NULL}'::text[])[1]);
    CREATE FUNCTION probe_lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT lower($1)';
    INSERT INTO probe SELECT 'called', probe_lower('X');
    GRANT SELECT ON probe TO PUBLIC;";

fn calls(scene: &mut Scene) -> String {
    ask(&mut scene.su, "SELECT is_called FROM snare.calls")
}

#[track_caller]
fn nothing_sprang(scene: &mut Scene) {
    assert_eq!(calls(scene), "f", "a trap was called");
    let superusers = "SELECT rolname FROM pg_roles WHERE rolsuper";
    assert_eq!(column(&mut scene.su, superusers), ["postgres"]);
}

/// Takes the traps away, which the checks at the end of a test would step on.
fn disarm(scene: &mut Scene) {
    run(
        &mut scene.su,
        "ALTER DATABASE app RESET search_path; ALTER ROLE app_owner RESET search_path;
         DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION app_owner",
    );
}

/// Functions and operators that fit better than the server's own, in a schema.
fn shadows(schema: &str) -> String {
    let mut sql = String::new();
    for (name, arguments, result, value) in [
        ("lower", "varchar", "text", "'trap'"),
        ("format", "text, text", "text", "'trap'"),
        ("array_length", "text[], int", "int", "7"),
        ("same", "varchar, varchar", "bool", "false"),
        ("same", "smallint, bigint", "bool", "false"),
        ("joined", "varchar, varchar", "text", "'trap'"),
    ] {
        sql += &format!(
            "CREATE FUNCTION {schema}.{name}({arguments}) RETURNS {result} LANGUAGE plpgsql AS
             $$ BEGIN PERFORM snare.pwn(); RETURN {value}; END $$;"
        );
    }
    for (operator, function, left, right) in [
        ("=", "same", "varchar", "varchar"),
        ("=", "same", "smallint", "bigint"),
        ("||", "joined", "varchar", "varchar"),
    ] {
        sql += &format!(
            "CREATE OPERATOR {schema}.{operator} (FUNCTION = {schema}.{function}, LEFTARG = {left}, RIGHTARG = {right});"
        );
    }
    sql
}

#[test]
fn a_careless_script_calls_nothing_that_stands_in_for_the_servers_own() {
    offer("cm_careless", "", CARELESS);
    let mut scene = scene_with("cm_careless");
    let sql = format!("{TRAP}{}{}", shadows("snare"), shadows("public"));
    run(&mut scene.own, &sql);
    run(
        &mut scene.own,
        "CREATE TYPE snare.text AS (a int); ALTER DATABASE app SET search_path = snare, public, pg_catalog;
         ALTER ROLE app_owner SET search_path = snare, public, pg_catalog; SET search_path = snare, public, pg_catalog",
    );
    install(&mut scene, "'cm_careless'");
    nothing_sprang(&mut scene);
    let probe = "SELECT string_agg(what OPERATOR(pg_catalog.||) '=' OPERATOR(pg_catalog.||) value, ' ' ORDER BY what) FROM cm_careless.probe
                  WHERE what = ANY ('{lower,format,equal,concat,small,user,called}'::pg_catalog.text[])";
    assert_eq!(
        ask(&mut scene.su, probe),
        "called=x concat=ab equal=true format=a lower=x small=true user=postgres"
    );
    // The traps work: the owner itself steps on them.
    run(&mut scene.own, "SELECT lower('X'::pg_catalog.varchar)");
    assert_eq!(calls(&mut scene), "t");
    disarm(&mut scene);
}

#[test]
fn a_script_runs_with_settings_of_ours_and_the_session_keeps_its_own() {
    offer("cm_settings", "", CARELESS);
    let mut scene = scene_with("cm_settings");
    run(
        &mut scene.su,
        "CREATE ROLE place; SET allow_in_place_tablespaces = on",
    );
    run(&mut scene.su, "CREATE TABLESPACE aside LOCATION ''");
    run(
        &mut scene.su,
        "GRANT CREATE ON TABLESPACE aside TO app_owner; DROP ROLE place",
    );
    let theirs = [
        ("array_nulls", "off", "on"),
        ("backslash_quote", "on", "safe_encoding"),
        ("check_function_bodies", "on", "off"),
        ("datestyle", "SQL, DMY", "ISO, MDY"),
        ("default_tablespace", "aside", ""),
        ("temp_tablespaces", "aside", ""),
        (
            "default_text_search_config",
            "pg_catalog.german",
            "pg_catalog.simple",
        ),
        ("extra_float_digits", "-5", "1"),
        ("lc_numeric", "C.UTF-8", "C"),
        ("row_security", "off", "on"),
        ("search_path", "snare, public", "cm_settings, pg_temp"),
        ("standard_conforming_strings", "off", "on"),
        ("timezone", "Asia/Kolkata", "UTC"),
        ("transform_null_equals", "on", "off"),
        ("xmloption", "document", "content"),
        // Last, since what is set after it is shown otherwise.
        ("quote_all_identifiers", "on", "off"),
    ];
    run(&mut scene.own, "SET quote_all_identifiers = off");
    for (name, value, _) in theirs {
        let value = match name {
            "search_path" | "datestyle" => value.to_owned(),
            _ => format!("'{value}'"),
        };
        run(&mut scene.own, &format!("SET {name} = {value}"));
    }
    install(&mut scene, "'cm_settings'");
    for (name, value, pinned) in theirs {
        let shown = ask(&mut scene.own, &format!("SHOW {name}"));
        assert_eq!(shown, value, "{name} of the session");
        let in_script = "SELECT value FROM cm_settings.probe WHERE lower(what) = ";
        let in_script = ask(&mut scene.su, &format!("{in_script} '{name}'"));
        assert_eq!(in_script, pinned, "{name} in the script");
    }
    let place = "SELECT reltablespace FROM pg_class WHERE relname = 'probe'";
    assert_eq!(ask(&mut scene.su, place), "0");
}

#[test]
fn temporary_objects_that_a_script_could_take_for_its_own_are_refused() {
    offer("cm_temp", "", "INSERT INTO cm_notes VALUES ('installed');");
    let mut scene = scene_with("cm_temp");
    run(&mut scene.own, TRAP);
    let call = "SELECT credentials.install_extension('cm_temp')";
    let table = "CREATE TEMP TABLE cm_notes (note text);
         CREATE FUNCTION pg_temp.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM snare.pwn(); RETURN NEW; END $$;
         CREATE TRIGGER t BEFORE INSERT ON cm_notes FOR EACH ROW EXECUTE FUNCTION pg_temp.fired()";
    for made in [
        table,
        "CREATE TEMP VIEW cm_notes AS SELECT 'x' AS note FROM snare.pwn()",
        "CREATE TYPE pg_temp.cm_notes AS (note text)",
        "CREATE DOMAIN pg_temp.cm_note AS text CHECK (snare.pwn() IS NULL)",
    ] {
        run(&mut scene.own, made);
        let before = state(&mut scene);
        let error = expect_error(&mut scene.own, call, "55000");
        assert_eq!(error.as_db_error().unwrap().hint(), Some("DISCARD TEMP;"));
        assert_eq!(state(&mut scene), before);
        // Made in the same transaction, too.
        run(&mut scene.own, "DISCARD TEMP");
        run(&mut scene.own, &format!("BEGIN; {made}"));
        expect_error(&mut scene.own, call, "55000");
        run(&mut scene.own, "ROLLBACK");
    }
    // Without them the script fails by itself: it was the session's table that it would have met.
    expect_error(&mut scene.own, call, "42P01");
    nothing_sprang(&mut scene);
}

#[test]
fn a_schema_that_a_user_had_a_hand_in_is_refused_and_one_of_superusers_alone_is_taken() {
    offer("cm_placed", "", CARELESS);
    let mut scene = scene_with("cm_placed");
    run(&mut scene.own, TRAP);
    let c1 = scene.credential("c1");
    let call = "SELECT credentials.install_extension('cm_placed')";
    run(
        &mut scene.su,
        "CREATE FUNCTION public.nobody() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    for (made, undone) in [
        ("SET ROLE app_owner; CREATE SCHEMA cm_placed; RESET ROLE", "DROP SCHEMA cm_placed CASCADE"),
        // Planted while it was the owner's, or while the owner could create there.
        (
            "SET ROLE app_owner; CREATE SCHEMA cm_placed; CREATE FUNCTION cm_placed.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT snare.pwn(); SELECT $1::text';
             RESET ROLE; ALTER SCHEMA cm_placed OWNER TO postgres",
            "DROP SCHEMA cm_placed CASCADE",
        ),
        ("CREATE SCHEMA cm_placed; GRANT CREATE ON SCHEMA cm_placed TO app_owner", "DROP SCHEMA cm_placed"),
        ("CREATE SCHEMA cm_placed; GRANT CREATE ON SCHEMA cm_placed TO PUBLIC", "DROP SCHEMA cm_placed"),
        (
            "CREATE SCHEMA cm_placed; GRANT CREATE ON SCHEMA cm_placed TO c1; SET ROLE c1; CREATE TABLE cm_placed.probe (n int);
             RESET ROLE; REVOKE CREATE ON SCHEMA cm_placed FROM c1",
            "DROP SCHEMA cm_placed CASCADE",
        ),
    ] {
        run(&mut scene.su, made);
        let before = state(&mut scene);
        expect_error(&mut scene.own, call, "42710");
        expect_error(&mut scene.su, call, "42710");
        assert_eq!(state(&mut scene), before, "{made}");
        run(&mut scene.su, undone);
    }
    drop(c1);
    run(
        &mut scene.su,
        "CREATE SCHEMA cm_placed; GRANT USAGE ON SCHEMA cm_placed TO PUBLIC",
    );
    install(&mut scene, "'cm_placed'");
    nothing_sprang(&mut scene);
}

#[test]
fn a_script_that_would_fill_a_schema_of_the_owners_is_refused_by_the_server_and_leaves_nothing() {
    let script =
        "CREATE SCHEMA IF NOT EXISTS cm_second; CREATE TABLE IF NOT EXISTS cm_second.t (n int);";
    offer("cm_second_schema", "", script);
    let mut scene = scene_with("cm_second_schema");
    run(&mut scene.own, "CREATE SCHEMA cm_second");
    let before = state(&mut scene);
    expect_error(
        &mut scene.own,
        "SELECT credentials.install_extension('cm_second_schema')",
        "55000",
    );
    assert_eq!(state(&mut scene), before);
}

#[test]
fn a_required_extension_in_a_schema_of_the_owners_is_refused_until_it_has_one_of_its_own() {
    let mut scene = scene_with("earthdistance");
    run(&mut scene.own, TRAP);
    // What a careless script of earthdistance would call, next to the extension that it requires.
    run(&mut scene.own, "CREATE EXTENSION cube SCHEMA public");
    run(&mut scene.own, &shadows("public"));
    let call = "SELECT * FROM credentials.install_extension('earthdistance')";
    let before = state(&mut scene);
    let error = expect_error(&mut scene.own, call, "55000");
    let detail = error.as_db_error().unwrap().detail().unwrap().to_owned();
    assert!(
        detail.contains("\"cube\"") && detail.contains("\"public\""),
        "{detail}"
    );
    expect_error(&mut scene.su, call, "55000");
    assert_eq!(state(&mut scene), before);
    run(
        &mut scene.own,
        "DROP EXTENSION cube; SELECT credentials.install_extension('cube')",
    );
    // Nobody moves it while the script runs: a move waits for the end of the transaction.
    run(&mut scene.own, &format!("BEGIN; {call}"));
    let mut other = scene.login("default");
    run(
        &mut other,
        "CREATE SCHEMA moved; SET lock_timeout = '200ms'",
    );
    expect_error(&mut other, "ALTER EXTENSION cube SET SCHEMA moved", "55P03");
    run(&mut scene.own, "COMMIT");
    assert_eq!(whose(&mut scene, "earthdistance"), "postgres, postgres");
    nothing_sprang(&mut scene);
    disarm(&mut scene);
}

#[test]
fn an_event_trigger_that_is_not_a_superusers_does_not_fire_in_a_script() {
    let mut scene = scene_with("dblink");
    run(&mut scene.own, TRAP);
    run(
        &mut scene.own,
        "CREATE FUNCTION snare.on_event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM snare.pwn(); END $$;
         GRANT EXECUTE ON FUNCTION snare.on_event() TO PUBLIC",
    );
    let call = "SELECT credentials.install_extension('dblink')";
    for event in [
        "ddl_command_start",
        "ddl_command_end",
        "sql_drop",
        "table_rewrite",
    ] {
        let made =
            format!("CREATE EVENT TRIGGER hostile ON {event} EXECUTE FUNCTION snare.on_event()");
        run(&mut scene.su, &made);
        let error = expect_error(&mut scene.own, call, "55000");
        let hint = error.as_db_error().unwrap().hint().unwrap().to_owned();
        assert_eq!(
            hint,
            "A superuser: ALTER EVENT TRIGGER \"hostile\" DISABLE;"
        );
        run(&mut scene.su, "ALTER EVENT TRIGGER hostile ENABLE ALWAYS");
        expect_error(&mut scene.own, call, "55000");
        run(&mut scene.su, "DROP EVENT TRIGGER hostile");
    }
    nothing_sprang(&mut scene);
    // A superuser's own see the extension come, as they see any other.
    run(
        &mut scene.su,
        "CREATE TABLE public.seen (tag text);
         CREATE FUNCTION public.see() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog AS
           $$ BEGIN INSERT INTO public.seen VALUES (tg_tag); END $$;
         CREATE EVENT TRIGGER honest ON ddl_command_end EXECUTE FUNCTION public.see();
         CREATE EVENT TRIGGER asleep ON ddl_command_end EXECUTE FUNCTION snare.on_event()",
    );
    run(
        &mut scene.su,
        "ALTER EVENT TRIGGER asleep DISABLE; TRUNCATE public.seen",
    );
    run(&mut scene.own, call);
    let seen =
        "SELECT count(*) > 1 FROM public.seen WHERE tag IN ('CREATE EXTENSION', 'CREATE FUNCTION')";
    assert_eq!(ask(&mut scene.su, seen), "t");
    run(
        &mut scene.su,
        "DROP EVENT TRIGGER honest; DROP EVENT TRIGGER asleep",
    );
}

#[test]
fn a_script_that_fails_leaves_the_caller_as_it_was_caught_or_not() {
    let script = "CREATE TABLE cm_t (n int); SET LOCAL timezone = 'Asia/Tokyo'; SELECT 1/0;";
    offer("cm_fails", "", script);
    let mut scene = scene_with("cm_fails");
    let before = state(&mut scene);
    run(&mut scene.own, "SET timezone = 'Asia/Kolkata'");
    let call = "SELECT credentials.install_extension('cm_fails')";
    expect_error(&mut scene.own, call, "22012");
    let caught = "DO $$ BEGIN
        BEGIN PERFORM credentials.install_extension('cm_fails'); RAISE 'it did not fail';
        EXCEPTION WHEN division_by_zero THEN NULL; END;
        ASSERT current_user = 'app_owner' AND session_user = 'app_owner' AND current_setting('timezone') = 'Asia/Kolkata';
        ASSERT current_setting('search_path') = '\"$user\", public';
        BEGIN CREATE ROLE made_by_default; RAISE 'it has kept the rights';
        EXCEPTION WHEN insufficient_privilege THEN NULL; END; END $$";
    run(
        &mut scene.own,
        "SET quote_all_identifiers = off; SET search_path = \"$user\", public",
    );
    run(&mut scene.own, caught);
    run(&mut scene.own, "BEGIN; SAVEPOINT s");
    expect_error(&mut scene.own, call, "22012");
    run(&mut scene.own, "ROLLBACK TO s");
    expect_error(&mut scene.own, "CREATE ROLE made_by_default", "42501");
    run(&mut scene.own, "ROLLBACK");
    assert_eq!(ask(&mut scene.own, "SHOW timezone"), "Asia/Kolkata");
    assert_eq!(outcome(&mut scene.own, "SET ROLE postgres"), "42501");
    assert_eq!(state(&mut scene), before);
}
