//! Rules 1, 3, 7, 8 and 14: what the functions are made of.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{expect_error, Cluster};
use crate::scene::{ask, column, fingerprint, run, Scene};

/// The settings that every function runs with.
const PINNED: &str = include_str!("../../../sql/pinned");

#[test]
fn rule_01_every_function_is_an_invoker_c_function_with_pinned_settings() {
    let mut scene = Scene::new();
    let wrong = column(
        &mut scene.su,
        "SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
          WHERE p.pronamespace = 'credentials'::regnamespace
            AND NOT (l.lanname = 'c' AND NOT p.prosecdef AND p.provolatile = 'v' AND p.proparallel = 'u'
                     AND NOT p.proisstrict AND NOT p.proleakproof AND p.prokind = 'f'
                     AND p.proconfig[1] = 'search_path=pg_catalog, pg_temp'
                     AND NOT 'name'::regtype = ANY (p.proargtypes::oid[]))",
    );
    assert_eq!(wrong, Vec::<String>::new());
    let pinned: Vec<String> = column(
        &mut scene.su,
        "SELECT DISTINCT array_length(proconfig, 1) FROM pg_proc WHERE pronamespace = 'credentials'::regnamespace",
    );
    assert_eq!(pinned, [PINNED.lines().count().to_string()]);
    let count = ask(
        &mut scene.su,
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'credentials'::regnamespace",
    );
    assert!(count.parse::<u32>().expect("a count") > 20);
}

#[test]
fn rule_01_nothing_is_for_public_after_install_setup_and_repair() {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    run(
        &mut su,
        "CREATE EXTENSION credential_manager; CREATE ROLE nobody_special LOGIN",
    );
    // A privilege that anybody but a superuser has on a relation, a function or a type of ours.
    let held = |su: &mut postgres::Client, but: &str| {
        column(
            su,
            &format!(
                "SELECT format('%s %s %s', r.rolname, p, c.oid::regclass) FROM pg_roles r, pg_class c,
                        unnest('{{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}}'::text[]) p
                  WHERE NOT r.rolsuper AND c.relnamespace = 'credentials'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
                    AND has_table_privilege(r.oid, c.oid, p)
                    AND r.rolname NOT IN ('pg_read_all_data', 'pg_write_all_data')
                 UNION ALL
                 SELECT format('%s %s', r.rolname, c.oid::regclass) FROM pg_roles r, pg_class c
                  WHERE NOT r.rolsuper AND c.relnamespace = 'credentials'::regnamespace AND c.relkind = 'S'
                    AND has_sequence_privilege(r.oid, c.oid, 'USAGE, SELECT, UPDATE')
                    AND r.rolname NOT IN ('pg_read_all_data', 'pg_write_all_data')
                 UNION ALL
                 SELECT format('%s %s', r.rolname, p.oid::regprocedure) FROM pg_roles r, pg_proc p
                  WHERE NOT r.rolsuper AND p.pronamespace = 'credentials'::regnamespace
                    AND has_function_privilege(r.oid, p.oid, 'EXECUTE') AND r.rolname <> '{but}'
                 UNION ALL
                 SELECT format('%s %s', r.rolname, t.oid::regtype) FROM pg_roles r, pg_type t
                  WHERE NOT r.rolsuper AND t.typnamespace = 'credentials'::regnamespace
                    AND has_type_privilege(r.oid, t.oid, 'USAGE')"
            ),
        )
    };
    assert_eq!(held(&mut su, ""), Vec::<String>::new());
    run(&mut su, "SELECT credentials.setup('app_owner')");
    assert_eq!(held(&mut su, "app_owner"), Vec::<String>::new());
    run(
        &mut su,
        "SELECT credentials.create('c1'); SELECT credentials.repair_default()",
    );
    run(&mut su, "SELECT credentials.wait()");
    assert_eq!(held(&mut su, "app_owner"), Vec::<String>::new());
    let open = "SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'credentials'::regnamespace
                   AND (p.proacl IS NULL OR p.proacl::text LIKE '%{=%' OR p.proacl::text LIKE '%,=%')";
    assert_eq!(ask(&mut su, open), "0");
}

#[test]
fn rule_03_superuser_rights_end_with_the_act_whatever_error_ends_it() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    for call in [
        "SELECT credentials.create('c1')",
        "SELECT credentials.create('pg_x')",
        "SELECT credentials.rotate('c1', overlap => '-1 s')",
        "SELECT credentials.destroy('c1', 'elsewhere')",
        "SELECT credentials.configure('c1', settings => '{\"statement_timeout\": \"soon\"}')",
        "SELECT credentials.set_password('c1', 'short')",
        "SELECT credentials.url('nobody')",
        "SELECT * FROM credentials.credential",
    ] {
        scene.own.batch_execute(call).expect_err(call);
        assert_eq!(
            ask(&mut scene.own, "SELECT current_user || ' ' || session_user"),
            "app_owner app_owner"
        );
        expect_error(&mut scene.own, "CREATE ROLE mine", "42501");
        expect_error(
            &mut scene.own,
            "SELECT rolpassword FROM pg_catalog.pg_authid",
            "42501",
        );
    }
}

#[test]
fn rule_07_names_with_quotes_and_newlines_survive_a_move_as_they_are() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    run(&mut scene.su, "GRANT CREATE ON DATABASE app TO c1");
    let names = [
        "x\"; ALTER ROLE app_owner SUPERUSER; --",
        "x'; ALTER ROLE app_owner SUPERUSER; --",
        "a\nb",
        "$$",
        "\\",
        "%s%n",
        "ééééééééééééééééééééééééééééééé",
    ];
    for name in names {
        let quoted = name.replace('"', "\"\"");
        run(
            &mut c1,
            &format!(
                "CREATE SCHEMA \"{quoted}\"; CREATE TABLE \"{quoted}\".\"{quoted}\" (\"{quoted}\" int);
                 CREATE FUNCTION \"{quoted}\".\"{quoted}\"() RETURNS int LANGUAGE sql AS 'SELECT 1';
                 CREATE TYPE \"{quoted}\".\"T{quoted}\" AS ENUM ('a')"
            ),
        );
    }
    let owners = "SELECT format('%s %s', n.nspname, r.relname) FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
                   WHERE r.relowner = (SELECT oid FROM pg_roles WHERE rolname = '{}') AND r.relkind = 'r' ORDER BY 1";
    let before = column(&mut scene.su, &owners.replace("{}", "c1"));
    assert_eq!(before.len(), names.len());
    drop(c1);
    run(&mut scene.own, "SELECT credentials.destroy('c1', 'app')");
    scene.settle();
    assert_eq!(
        column(&mut scene.su, &owners.replace("{}", "app_owner")),
        before
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT rolsuper FROM pg_roles WHERE rolname = 'app_owner'"
        ),
        "f"
    );
}

#[test]
fn rule_08_an_unsafe_key_file_stops_what_would_store_and_what_would_tell() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    let before = fingerprint(&mut scene.su);
    let file = scene.cluster.key_file();
    let mode =
        |bits| fs::set_permissions(&file, fs::Permissions::from_mode(bits)).expect("a new mode");
    mode(0o644);
    for call in [
        "create('c2')",
        "rotate('c1', force => true)",
        "set_password('c1')",
        "url('c1')",
        "connection_info('c1')",
        "reseal()",
    ] {
        let client = if call == "reseal()" {
            &mut scene.su
        } else {
            &mut scene.own
        };
        expect_error(client, &format!("SELECT credentials.{call}"), "55000");
    }
    assert_eq!(fingerprint(&mut scene.su), before);
    mode(0o600);
    run(&mut scene.own, "SELECT credentials.url('c1')");
}

#[test]
fn rule_08_the_server_holds_the_verifier_and_the_tables_hold_no_password() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    let verifier = ask(
        &mut scene.su,
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'c1'",
    );
    assert!(verifier.starts_with("SCRAM-SHA-256$4096:"), "{verifier}");
    let url = scene.cluster.url("c1");
    let password = url
        .split(['/', ':', '@'])
        .nth(4)
        .expect("a password in the URL")
        .to_owned();
    assert_eq!(password.len(), 65, "{url}");
    for table in ["credential", "secret", "job", "event", "installation"] {
        let rows = column(
            &mut scene.su,
            &format!("SELECT t::text FROM credentials.{table} t"),
        );
        assert!(
            rows.iter()
                .all(|row| !row.contains(&password) && !row.contains(&verifier)),
            "{table}"
        );
    }
}

#[test]
fn rule_14_the_script_makes_its_own_schema_and_refuses_one_that_is_there() {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    run(
        &mut su,
        "CREATE ROLE squatter; CREATE SCHEMA credentials AUTHORIZATION squatter",
    );
    expect_error(&mut su, "CREATE EXTENSION credential_manager", "42P06");
    run(
        &mut su,
        "DROP SCHEMA credentials; CREATE EXTENSION credential_manager",
    );
    let facts = ask(
        &mut su,
        "SELECT format('%s %s %s', (SELECT rolsuper FROM pg_roles WHERE oid = n.nspowner), e.extrelocatable,
                (SELECT deptype FROM pg_depend WHERE objid = n.oid AND classid = 'pg_namespace'::regclass AND refobjid = e.oid))
           FROM pg_namespace n, pg_extension e WHERE n.nspname = 'credentials' AND e.extname = 'credential_manager'",
    );
    assert_eq!(facts, "t f e");
    let available = "SELECT superuser::text || trusted::text || relocatable::text FROM pg_available_extension_versions
                      WHERE name = 'credential_manager'";
    assert_eq!(ask(&mut su, available), "truefalsefalse");
    // Rows about roles are not dumped, since the roles are not.
    assert_eq!(
        ask(
            &mut su,
            "SELECT extconfig FROM pg_extension WHERE extname = 'credential_manager'"
        ),
        ""
    );
    let strange = "SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'credentials'::regnamespace AND (c.relhastriggers OR c.relhasrules)";
    assert_eq!(ask(&mut su, strange), "0");
}
