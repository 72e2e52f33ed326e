//! Section E: settings that somebody else may set.

use std::fs;

use super::resolution::call_everything;
use crate::harness::{expect_error, wait_until, Cluster, SOON};
use crate::scene::{ask, column, outcome, run, Scene};

#[test]
fn t40_the_owners_path_does_not_reach_calls_or_worker() {
    let mut scene = Scene::hostile();
    let c1 = scene.credential("c1");
    let mut own = scene.login("default");
    std::mem::swap(&mut own, &mut scene.own);
    drop(own);
    call_everything(&mut scene);
    run(&mut scene.own, "SELECT credentials.destroy('c1', 'app')");
    drop(c1);
    scene.settle();
    assert_eq!(
        column(&mut scene.su, "SELECT rolname FROM pg_roles WHERE rolsuper"),
        ["postgres"]
    );
    scene.cluster.check_invariants();
}

#[test]
fn t42_our_settings_are_set_in_files_alone() {
    let mut scene = Scene::new();
    let ours = column(
        &mut scene.su,
        "SELECT name FROM pg_settings WHERE name LIKE 'credential_manager.%'",
    );
    assert!(ours.len() >= 10, "{ours:?}");
    assert_eq!(
        ask(&mut scene.su, "SELECT string_agg(DISTINCT context, ',') FROM pg_settings WHERE name LIKE 'credential_manager.%'"),
        "sighup"
    );
    for setting in &ours {
        for client in [&mut scene.own, &mut scene.su] {
            for statement in [
                format!("SET {setting} = '1'"),
                format!("SET LOCAL {setting} = '1'"),
                format!("SELECT pg_catalog.set_config('{setting}', '1', false)"),
                format!("ALTER DATABASE app SET {setting} = '1'"),
                format!("ALTER ROLE app_owner SET {setting} = '1'"),
                format!("ALTER ROLE app_owner IN DATABASE app SET {setting} = '1'"),
                format!("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET {setting} = '1' AS 'SELECT 1'"),
            ] {
                let state = outcome(client, &statement);
                assert!(["55P02", "42501"].contains(&state.as_str()), "{statement}: {state}");
            }
        }
    }
    let unknown = "credential_manager.group_role";
    for statement in [
        format!("SET {unknown} = 'su2'"),
        format!("ALTER DATABASE app SET {unknown} = 'su2'"),
        format!("SELECT pg_catalog.set_config('{unknown}', 'su2', false)"),
    ] {
        expect_error(&mut scene.own, &statement, "42602");
    }
    // What can be read is a path; the key is in no setting.
    let key = fs::read(scene.cluster.key_file()).expect("the key");
    let all = column(&mut scene.own, "SELECT setting FROM pg_settings").join("\n");
    assert!(!all.as_bytes().windows(key.len()).any(|part| part == key));
}

#[test]
fn t42_a_placeholder_from_before_the_library_counts_for_nothing() {
    let cluster = Cluster::builder().preload(false).start();
    let mut su = cluster.superuser("app");
    // As somebody would have set it while the library was not there.
    run(
        &mut su,
        "ALTER DATABASE app SET credential_manager.database = 'elsewhere'",
    );
    run(
        &mut su,
        "ALTER ROLE postgres SET credential_manager.max_credentials = '9999'",
    );
    run(
        &mut su,
        "SET credential_manager.key_file = '/dev/null'; LOAD 'credential_manager'",
    );
    expect_error(&mut su, "CREATE EXTENSION credential_manager", "55000");
    cluster.append_conf(
        "shared_preload_libraries = 'credential_manager'\ncredential_manager.database = 'app'",
    );
    drop(su);
    cluster.restart();
    let mut su = cluster.superuser("app");
    assert_eq!(ask(&mut su, "SHOW credential_manager.database"), "app");
    assert_eq!(
        ask(&mut su, "SHOW credential_manager.max_credentials"),
        "120"
    );
    run(
        &mut su,
        "CREATE EXTENSION credential_manager; SELECT credentials.setup('app_owner')",
    );
    run(
        &mut su,
        "SELECT credentials.create('c1'); SELECT credentials.rotate('c1', force => true)",
    );
    run(&mut su, "SELECT credentials.wait()");
    run(
        &mut su,
        "ALTER DATABASE app RESET ALL; ALTER ROLE postgres RESET ALL",
    );
}

#[test]
fn t45_lists_stay_lists_and_the_settings_of_a_role_survive_a_rotation() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(&mut scene.own, "CREATE SCHEMA s1; CREATE SCHEMA \"Odd, one\"; GRANT USAGE ON SCHEMA s1, public, \"Odd, one\" TO c1");
    let stored = "SELECT setconfig[1] FROM pg_db_role_setting WHERE setrole = 'c1'::regrole";
    for (value, kept, schemas) in [
        ("s1, public", "search_path=s1, public", "{s1,public}"),
        ("S1,PUBLIC", "search_path=s1, public", "{s1,public}"),
        (
            "\\\"$user\\\", \\\"Odd, one\\\", s1",
            "search_path=\"$user\", \"Odd, one\", s1",
            "{\"Odd, one\",s1}",
        ),
        ("", "search_path=\"\"", "{}"),
    ] {
        let call = format!(
            "SELECT credentials.configure('c1', settings => $j${{\"search_path\": \"{value}\"}}$j$)"
        );
        run(&mut scene.own, &call);
        assert_eq!(ask(&mut scene.su, stored), kept);
        let mut c1 = scene.login("c1");
        assert_eq!(
            ask(&mut c1, "SELECT pg_catalog.current_schemas(false)"),
            schemas
        );
    }
    expect_error(
        &mut scene.own,
        "SELECT credentials.configure('c1', settings => '{\"search_path\": \"a,,b\"}')",
        "22023",
    );
    expect_error(
        &mut scene.own,
        "SELECT credentials.configure('c1', settings => $j${\"search_path\": \"\\\"open\"}$j$)",
        "22023",
    );
    run(
        &mut scene.own,
        "SELECT credentials.configure('c1', settings => '{\"search_path\": \"s1, public\", \"DateStyle\": \"ISO, DMY\", \"temp_tablespaces\": \"\"}')",
    );
    let all = "SELECT string_agg(s::text, ';') FROM pg_db_role_setting s";
    let before = ask(&mut scene.su, all);
    assert!(before.contains("DateStyle=ISO, DMY"), "{before}");
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', force => true)",
    );
    scene.settle();
    assert_eq!(ask(&mut scene.su, all), before);
}

#[test]
fn t46_a_sessions_own_settings_show_it_no_secret() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SET client_min_messages = debug5; SET debug_print_parse = on; SET debug_print_rewritten = on; SET debug_print_plan = on;
         SET default_transaction_isolation = serializable; SET exit_on_error = off; SET quote_all_identifiers = on",
    );
    let url = scene.cluster.url("default");
    let said = scene.cluster.psql(
        &[url.as_str()],
        "SET client_min_messages = debug5; SET debug_print_parse = on; SET debug_print_plan = on;
         SELECT credentials.create('c1'); SELECT credentials.rotate('c1', force => true); SELECT credentials.set_password('c1');",
    );
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    assert!(said.status.success(), "{text}");
    let url = scene.cluster.url("c1");
    let password = url.split([':', '@']).nth(2).expect("a password").to_owned();
    let verifier = ask(
        &mut scene.su,
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'c1'",
    );
    assert!(
        !text.contains(&password)
            && !text.contains(&verifier)
            && !text.contains("SCRAM-SHA-256$4096:")
    );
    let log = scene.cluster.log();
    let leaks: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(&password) || line.contains("SCRAM-SHA-256$4096:"))
        .collect();
    assert!(leaks.is_empty(), "{leaks:?}");
    // A call under a timeout that ends it changes nothing.
    run(&mut scene.own, "SET statement_timeout = 1");
    expect_error(
        &mut scene.own,
        "SELECT credentials.wait('c1', timeout => '1 min'), pg_catalog.pg_sleep(1)",
        "57014",
    );
    run(&mut scene.own, "RESET statement_timeout");
    wait_until("the work is done", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.job WHERE state <> 'done'",
        ) == "0"
    });
}

#[test]
fn no_statement_of_a_call_or_of_the_hook_is_compiled_whatever_jit_says() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; SET jit = on; SET jit_above_cost = 20",
    );
    let pid = ask(&mut scene.own, "SELECT pg_backend_pid()");
    let compiles = || {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        maps.contains("llvmjit")
    };
    call_everything(&mut scene);
    run(
        &mut scene.own,
        "SELECT credentials.create('c2', 'owner', '{shop}'); CREATE TABLE shop.t (i int);
         SELECT count(*) FROM credentials.table_privileges(); SELECT credentials.repair_plan()",
    );
    assert!(!compiles());
    // A statement of the session's own is.
    run(
        &mut scene.own,
        "SELECT count(*) FROM generate_series(1, 100000)",
    );
    assert!(compiles());
    assert_eq!(ask(&mut scene.own, "SHOW jit"), "on");
}
