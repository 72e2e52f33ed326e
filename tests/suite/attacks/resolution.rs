//! Section A: names that are resolved to somebody else's code.

use postgres::Client;

use crate::scene::{ask, column, run, Scene};

/// Calls of every kind, in an order in which each can do its work.
pub const ALL_CALLS: [&str; 24] = [
    "create('t1')",
    "create('t2', valid_for => '1 day', connection_limit => 3)",
    "list()",
    "usernames()",
    "usernames('t1')",
    "url('t1')",
    "connection_info('t1')",
    "configure('t1', 5, '{\"statement_timeout\": \"30s\", \"search_path\": \"a, b\"}')",
    "extend('t2', '2 days')",
    "set_password('t1')",
    "rotate('t1', overlap => '0')",
    "rotate('t1', force => true)",
    "rotate_all(force => true, older_than => '1 day')",
    "suspend('t1')",
    "resume('t1')",
    "destroy_plan('t1')",
    "repair_plan()",
    "jobs()",
    "events()",
    "events('t1', since => '-infinity', after => 0)",
    "wait('t1')",
    "destroy('t1', 'app')",
    "wait()",
    "repair_default()",
];

/// Makes every call; those that a superuser alone may make, as one.
pub fn call_everything(scene: &mut Scene) {
    for call in ALL_CALLS {
        run(&mut scene.own, &format!("SELECT * FROM credentials.{call}"));
    }
    run(
        &mut scene.su,
        "CREATE ROLE taken LOGIN; SELECT credentials.adopt('taken'); SELECT credentials.reseal()",
    );
    run(&mut scene.su, "SELECT credentials.setup_plan(); SELECT credentials.setup(); SELECT credentials.claim('app')");
    scene.settle();
    run(
        &mut scene.su,
        "SELECT credentials.release('taken'); SELECT credentials.destroy('t2', 'app')",
    );
    scene.settle();
}

fn superusers(su: &mut Client) -> Vec<String> {
    column(su, "SELECT rolname FROM pg_roles WHERE rolsuper")
}

#[test]
fn t01_and_t04_shadowing_functions_operators_and_casts_are_not_called() {
    let mut scene = Scene::new();
    // A sequence survives what rolls back.
    run(
        &mut scene.own,
        "CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC; CREATE SEQUENCE trap.calls; GRANT ALL ON SEQUENCE trap.calls TO PUBLIC;
         CREATE FUNCTION trap.pwn() RETURNS void LANGUAGE plpgsql SECURITY INVOKER AS $$
         BEGIN
           PERFORM pg_catalog.nextval('trap.calls');
           IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user) THEN
             EXECUTE 'ALTER ROLE app_owner SUPERUSER';
           END IF;
         END $$",
    );
    let mut sql = String::new();
    for (name, arguments, result, value) in [
        ("lower", "text", "text", "$1"),
        ("upper", "text", "text", "$1"),
        ("count", "text", "bigint", "1"),
        ("format", "text, text", "text", "$1"),
        ("format", "text, text, text", "text", "$1"),
        ("encode", "bytea, text", "text", "'x'"),
        ("left", "text, int", "text", "$1"),
        ("now", "", "timestamptz", "pg_catalog.now()"),
        ("nextval", "regclass", "bigint", "1"),
        ("aclexplode", "aclitem[]", "text", "'x'"),
        ("has_table_privilege", "oid, oid, text", "bool", "true"),
        ("pg_show_all_settings", "", "text", "'x'"),
        ("current_database", "", "name", "'app'::name"),
        (
            "acldefault",
            "\"char\", oid",
            "aclitem[]",
            "'{}'::aclitem[]",
        ),
        ("unnest", "text[]", "text", "'x'"),
    ] {
        sql.push_str(&format!(
            "CREATE FUNCTION trap.{name}({arguments}) RETURNS {result} LANGUAGE plpgsql AS
             $$ BEGIN PERFORM trap.pwn(); RETURN {value}; END $$;"
        ));
    }
    for (number, (operator, left, right)) in [
        ("=", "text", "text"),
        ("=", "oid", "oid"),
        ("=", "name", "text"),
        ("=", "bigint", "bigint"),
        ("=", "\"char\"", "\"char\""),
        ("<>", "oid", "oid"),
        ("<>", "text", "text"),
        ("<=", "timestamptz", "timestamptz"),
        (">", "bool", "bool"),
        ("<", "bigint", "bigint"),
        ("<", "text", "text"),
    ]
    .iter()
    .enumerate()
    {
        sql.push_str(&format!(
            "CREATE FUNCTION trap.op{number}({left}, {right}) RETURNS bool LANGUAGE plpgsql AS
             $$ BEGIN PERFORM trap.pwn(); RETURN true; END $$;
             CREATE OPERATOR trap.{operator} (FUNCTION = trap.op{number}, LEFTARG = {left}, RIGHTARG = {right});"
        ));
    }
    // Types of the names that ours have, and a cast of one of them.
    sql.push_str(
        "CREATE TYPE trap.text AS (x int); CREATE DOMAIN trap.oid AS pg_catalog.int4; CREATE TYPE trap.name AS ENUM ('a');
         CREATE FUNCTION trap.cast_it(trap.text) RETURNS pg_catalog.text LANGUAGE plpgsql AS
           $$ BEGIN PERFORM trap.pwn(); RETURN 'x'; END $$;
         CREATE CAST (trap.text AS pg_catalog.text) WITH FUNCTION trap.cast_it(trap.text) AS IMPLICIT;
         SET search_path = trap, pg_catalog",
    );
    run(&mut scene.own, &sql);
    call_everything(&mut scene);
    assert_eq!(ask(&mut scene.su, "SELECT is_called FROM trap.calls"), "f");
    assert_eq!(superusers(&mut scene.su), ["postgres"]);
    // The trap works: default itself steps on it.
    run(&mut scene.own, "SELECT trap.lower('x'::pg_catalog.text)");
    assert_eq!(ask(&mut scene.su, "SELECT is_called FROM trap.calls"), "t");
}

#[test]
fn t02_public_is_not_on_the_path_of_our_functions() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE SEQUENCE public.calls;
         CREATE FUNCTION public.format(text, text, text) RETURNS text LANGUAGE plpgsql AS
           $$ BEGIN PERFORM nextval('public.calls'); RETURN 'x'; END $$;
         CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE plpgsql AS
           $$ BEGIN PERFORM nextval('public.calls'); RETURN 'x'; END $$",
    );
    call_everything(&mut scene);
    assert_eq!(
        ask(&mut scene.su, "SELECT is_called FROM public.calls"),
        "f"
    );
}

#[test]
fn t03b_temporary_tables_of_our_names_capture_nothing() {
    let mut scene = Scene::new();
    run(&mut scene.own, "CREATE SEQUENCE public.calls; CREATE FUNCTION public.caught() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_catalog.nextval('public.calls'); RETURN NEW; END $$");
    for table in [
        "installation",
        "credential",
        "secret",
        "job",
        "event",
        "pg_authid",
        "pg_database",
        "pg_auth_members",
        "pg_shdepend",
    ] {
        run(
            &mut scene.own,
            &format!(
                "CREATE TEMP TABLE {table} (role oid, name text, id bigint, oid oid, rolname name);
                 CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON pg_temp.{table} FOR EACH ROW EXECUTE FUNCTION public.caught()"
            ),
        );
    }
    run(&mut scene.own, "SET search_path = pg_temp, pg_catalog");
    call_everything(&mut scene);
    for table in ["credential", "secret", "job", "event"] {
        assert_eq!(
            ask(
                &mut scene.own,
                &format!("SELECT pg_catalog.count(*) FROM pg_temp.{table}")
            ),
            "0"
        );
    }
    assert_eq!(
        ask(&mut scene.su, "SELECT is_called FROM public.calls"),
        "f"
    );
}

#[test]
fn t05_there_is_no_helper_in_sql_and_t07_no_argument_that_cuts_names() {
    let mut scene = Scene::new();
    let languages = "SELECT DISTINCT l.lanname FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_language l ON l.oid = p.prolang
                      WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
                        AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'credential_manager')";
    assert_eq!(column(&mut scene.su, languages), ["c"]);
    let schemas = "SELECT DISTINCT p.pronamespace::regnamespace FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
                    WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
                      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'credential_manager')";
    assert_eq!(column(&mut scene.su, schemas), ["credentials"]);
    let names = "SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'credentials'::regnamespace
                    AND ('name'::regtype = ANY (p.proargtypes::oid[]) OR 'regrole'::regtype = ANY (p.proargtypes::oid[]))";
    assert_eq!(ask(&mut scene.su, names), "0");
}
