//! What apply does, what it leaves alone, and that it is one transaction.

use super::{apply, layout, plan, writes_nothing};
use crate::harness::{expect_error, Cluster};
use crate::scene::{ask, column, fingerprint, rows, run, Scene};

#[test]
fn what_was_adopted_keeps_all_that_the_spec_does_not_name() {
    let mut scene = Scene::new();
    scene.stranger("old_app", "CONNECTION LIMIT 7");
    run(
        &mut scene.su,
        "ALTER ROLE old_app IN DATABASE app SET work_mem = '7MB'; ALTER ROLE old_app SET lock_timeout = '7s';
         CREATE SCHEMA shop AUTHORIZATION app_owner; CREATE SCHEMA stock AUTHORIZATION app_owner;
         CREATE TABLE stock.t (i int); GRANT USAGE ON SCHEMA stock TO old_app; GRANT SELECT ON stock.t TO old_app;
         CREATE ROLE team; GRANT team TO old_app; SELECT credentials.adopt('old_app', 'app');
         SELECT credentials.grant('app', 'read_write', '{stock}')",
    );
    let hangs_on_it = "SELECT t FROM (
        SELECT to_jsonb(a)::text FROM pg_authid a WHERE rolname = 'old_app'
        UNION ALL SELECT s::text FROM pg_db_role_setting s WHERE setrole = 'old_app'::regrole
        UNION ALL SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'old_app'::regrole
        UNION ALL SELECT relacl::text FROM pg_class WHERE oid = 'stock.t'::regclass) x(t) ORDER BY 1";
    let before = column(&mut scene.su, hangs_on_it);
    let spec = r#"{"credentials": {"app": {"access": {"shop": "read_only"}, "settings": {"statement_timeout": "9s"}}}}"#;
    assert_eq!(
        apply(&mut scene.own, spec),
        [
            "SELECT * FROM credentials.configure('app', settings => '{\"statement_timeout\":\"9s\"}');",
            "SELECT * FROM credentials.grant('app', 'read_only', '{shop}');"
        ]
    );
    let after = column(&mut scene.su, hangs_on_it);
    let lost: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
    assert!(
        lost.iter().all(|line| line.contains("work_mem=7MB")),
        "{lost:?}"
    );
    let settings = "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = 'old_app'::regrole ORDER BY 1";
    assert_eq!(
        column(&mut scene.su, settings),
        ["lock_timeout=7s", "statement_timeout=9s", "work_mem=7MB"]
    );
    writes_nothing(&mut scene.su, &mut scene.own, spec);
    writes_nothing(
        &mut scene.su,
        &mut scene.own,
        r#"{"credentials": {"app": {}}}"#,
    );
}

#[test]
fn a_spec_that_is_refused_changes_nothing_and_neither_does_one_that_is_rolled_back() {
    let mut scene = Scene::new();
    let _app = scene.credential("app");
    run(
        &mut scene.su,
        "CREATE ROLE stranger; CREATE SCHEMA shop AUTHORIZATION app_owner",
    );
    let rest = r#""schemas": {"new": {"owner": "db_owner_new"}, "shop": {"owner": "db_owner_shop"}}, "groups": ["db_reader_new"]"#;
    let before = fingerprint(&mut scene.su);
    for (credentials, state) in [
        (r#""stranger": {}"#, "42710"),
        (r#""APP": {}"#, "42602"),
        (r#""x": {"access": {"nowhere": "read_only"}}"#, "3F000"),
        (r#""x": {"tables": {"shop.gone": ["SELECT"]}}"#, "42704"),
        (r#""x": {"roles": ["nobody"]}"#, "42704"),
        (r#""x": {"roles": ["postgres"]}"#, "42501"),
        (r#""x": {"roles": ["pg_read_all_data"]}"#, "42501"),
        (r#""x": {"settings": {"no_such_setting": "1"}}"#, "22023"),
        (r#""x": {"settings": {"log_statement": "all"}}"#, "22023"),
        (
            r#""app": {"settings": {"statement_timeout": "soon"}}"#,
            "22023",
        ),
        (r#""x": {"acess": {}}"#, "22023"),
    ] {
        let spec = format!(r#"{{{rest}, "credentials": {{"a": {{}}, {credentials}}}}}"#);
        for function in ["plan", "apply"] {
            let call = format!("SELECT * FROM credentials.{function}('{spec}')");
            let told = expect_error(&mut scene.own, &call, state);
            let hint = told
                .as_db_error()
                .and_then(|e| e.hint())
                .unwrap_or_default();
            assert!(
                state != "42710" || hint.contains("credentials.adopt('stranger')"),
                "{hint}"
            );
        }
    }
    let spec = format!(r#"{{{rest}, "credentials": {{"a": {{"access": {{"new": "owner"}}}}}}}}"#);
    run(&mut scene.own, "BEGIN");
    assert!(apply(&mut scene.own, &spec).len() > 5);
    assert_eq!(plan(&mut scene.own, &spec), [""; 0]);
    run(&mut scene.own, "ROLLBACK");
    assert_eq!(fingerprint(&mut scene.su), before);
    let groups = "SELECT count(*) FROM credentials.access_group";
    assert_eq!(ask(&mut scene.su, groups), "0");
    assert!(apply(&mut scene.own, &spec).len() > 5);
}

#[test]
fn a_schema_that_is_there_goes_to_its_group_with_all_that_is_in_it() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE SCHEMA app; CREATE TABLE app.orders (id serial, word text); CREATE VIEW app.seen AS SELECT 1;
         CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    run(&mut scene.su, "GRANT ALL ON SCHEMA app TO PUBLIC");
    let spec = layout(&mut scene.own, "'four_roles', 'app'");
    let done = apply(&mut scene.own, &spec);
    assert!(
        done.contains(&"ALTER SCHEMA app OWNER TO db_owner_app;".to_owned()),
        "{done:?}"
    );
    assert!(
        done.contains(&"REVOKE ALL ON SCHEMA app FROM PUBLIC;".to_owned()),
        "{done:?}"
    );
    scene.settle();
    let owners = "SELECT DISTINCT o::regrole::text FROM (
        SELECT relowner FROM pg_class WHERE relnamespace = 'app'::regnamespace
        UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'app'::regnamespace
        UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname = 'app') x(o)";
    assert_eq!(column(&mut scene.su, owners), ["db_owner_app"]);
    let mut migrator = scene.login("app_migrator");
    run(&mut migrator, "ALTER TABLE app.orders ADD COLUMN i int");
    let mut reader = scene.login("app_readonly");
    run(&mut reader, "SELECT i FROM app.orders");
    expect_error(
        &mut reader,
        "INSERT INTO app.orders DEFAULT VALUES",
        "42501",
    );
    writes_nothing(&mut scene.su, &mut scene.own, &spec);
}

#[test]
fn without_a_key_file_the_passwords_are_in_the_rows_of_the_credentials_that_were_made_and_log_in() {
    let mut scene = Scene::on_without_key();
    let spec = r#"{"credentials": {"one": {"connection_limit": 3}, "two": {"login": false}, "three": {}}}"#;
    let done = rows(
        &mut scene.su,
        &format!("SELECT object, password FROM credentials.apply('{spec}') WHERE password IS NOT NULL ORDER BY 1"),
    );
    let told: Vec<(&str, &str)> = done.iter().filter_map(|row| row.split_once('|')).collect();
    let names: Vec<&str> = told.iter().map(|(object, _)| *object).collect();
    assert_eq!(
        names,
        ["credential one", "credential three", "credential two"]
    );
    for (object, password) in &told {
        scene.cluster.remember_secret(password);
        let name = object.strip_prefix("credential ").unwrap();
        let login = scene.cluster.login(name, password, "app");
        assert_eq!(login.is_ok(), name != "two", "{name}");
    }
    let again = format!("SELECT count(*) FROM credentials.apply('{spec}')");
    assert_eq!(ask(&mut scene.su, &again), "0");
}

impl Scene {
    /// A scene whose passwords are shown once and never stored.
    fn on_without_key() -> Scene {
        let cluster = Cluster::builder().key_file(false).start();
        let setup = cluster.setup();
        let own = cluster
            .login(&setup.username, &setup.password.unwrap(), "app")
            .unwrap();
        Scene {
            su: cluster.superuser("app"),
            own,
            cluster,
        }
    }
}

#[test]
fn settings_and_states_are_set_once_whatever_the_way_they_are_written() {
    let mut scene = Scene::new();
    let spec = r#"{"credentials": {"a": {"login": false, "connection_limit": 0,
        "settings": {"search_path": "\"Shop\",public , \"$user\"", "TimeZone": "UTC", "WORK_MEM": 1024, "jit": false, "DateStyle": "ISO, DMY"}}}}"#;
    apply(&mut scene.own, spec);
    writes_nothing(&mut scene.su, &mut scene.own, spec);
    let state = "SELECT state || ' ' || connection_limit FROM credentials.list() WHERE name = 'a'";
    assert_eq!(ask(&mut scene.own, state), "suspended 0");
    let open = spec.replace("false, \"connection_limit\": 0", "true");
    assert_eq!(
        apply(&mut scene.own, &open),
        ["SELECT * FROM credentials.resume('a');"]
    );
    assert_eq!(ask(&mut scene.own, state), "active 0");
    let reset = r#"{"credentials": {"a": {"connection_limit": -1, "settings": {"search_path": null, "timezone": null}}}}"#;
    assert_eq!(apply(&mut scene.own, reset).len(), 1);
    writes_nothing(&mut scene.su, &mut scene.own, reset);
    let left =
        "SELECT count(*) FROM pg_db_role_setting s, unnest(setconfig) WHERE setrole = 'a'::regrole";
    assert_eq!(ask(&mut scene.su, left), "3");
    assert_eq!(
        apply(
            &mut scene.own,
            r#"{"credentials": {"a": {"login": false}}}"#
        ),
        ["SELECT * FROM credentials.suspend('a');"]
    );
    scene.settle();
    assert_eq!(ask(&mut scene.own, state), "suspended -1");
}
