//! Who may have which spec applied, and documents that are none.

use super::apply;
use crate::harness::expect_error;
use crate::scene::{ask, column, run, Scene};

#[test]
fn a_document_that_is_no_spec_is_refused_with_the_path_of_what_is_wrong() {
    let mut scene = Scene::new();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (document, state, told) in [
        (
            r#"{"credentials": {"app_shop": {"acess": {}}}}"#,
            "22023",
            "unknown key \"credentials.app_shop.acess\"",
        ),
        (
            r#"{"schemas": {"shop": {"owner": 1}}}"#,
            "22023",
            "\"schemas.shop.owner\" must be a text",
        ),
        (r#"[]"#, "22023", "a spec must be an object"),
        (
            r#"{"credentials": {"a": {"connection_limit": 1e400}}}"#,
            "22023",
            "",
        ),
        (deep.as_str(), "22023", ""),
        (
            r#"{"attachments": {"shop": {"DATABASE_URL": "app_shop"}}}"#,
            "42704",
            "app_shop",
        ),
        (r#"{"credentials": {"default": {}}}"#, "42501", "default"),
    ] {
        for function in ["plan", "apply"] {
            let call = format!("SELECT * FROM credentials.{function}('{document}')");
            let error = expect_error(&mut scene.own, &call, state);
            let message = error.as_db_error().unwrap().message();
            assert!(message.contains(told), "{document}: {message}");
        }
    }
    for function in ["plan", "apply"] {
        expect_error(
            &mut scene.own,
            &format!("SELECT * FROM credentials.{function}(NULL)"),
            "22023",
        );
    }
}

#[test]
fn rights_on_a_table_are_its_owners_to_give() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE SCHEMA shop AUTHORIZATION app_owner; CREATE TABLE shop.theirs (i int); CREATE ROLE maker;
         CREATE TABLE shop.made (i int); ALTER TABLE shop.made OWNER TO maker",
    );
    run(
        &mut scene.own,
        "CREATE TABLE shop.ours (i int); SELECT credentials.create('audit')",
    );
    let asks = |table: &str| {
        format!(r#"{{"credentials": {{"audit": {{"tables": {{"shop.{table}": ["SELECT"]}}}}}}}}"#)
    };
    for table in ["theirs", "made"] {
        let call = format!("SELECT * FROM credentials.apply('{}')", asks(table));
        expect_error(&mut scene.own, &call, "42501");
    }
    apply(&mut scene.own, &asks("ours"));
    for table in ["theirs", "made"] {
        assert_eq!(apply(&mut scene.su, &asks(table)).len(), 1);
    }
    // Each by its owner's own hand.
    let grantors = "SELECT relname || ' ' || grantor::regrole FROM pg_class, aclexplode(relacl) WHERE grantee = 'audit'::regrole ORDER BY 1";
    assert_eq!(
        column(&mut scene.su, grantors),
        ["made maker", "ours app_owner", "theirs postgres"]
    );
    let mut audit = scene.login("audit");
    run(
        &mut audit,
        "SELECT * FROM shop.ours, shop.theirs, shop.made",
    );
    expect_error(&mut audit, "INSERT INTO shop.ours VALUES (1)", "42501");
}

#[test]
fn who_was_given_the_function_alone_gives_away_nothing_of_others() {
    let mut scene = Scene::new();
    let mut helper = scene.stranger("helper", "");
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; CREATE TABLE shop.t (i int); SELECT credentials.create('audit')",
    );
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO helper; GRANT EXECUTE ON FUNCTION credentials.apply, credentials.plan TO helper;
         CREATE EXTENSION citext SCHEMA shop",
    );
    for spec in [
        r#"{"schemas": {"new": {}}}"#,
        r#"{"schemas": {"shop": {"owner": "db_owner_shop"}}}"#,
        r#"{"groups": ["db_reader_shop"]}"#,
        r#"{"groups": ["db_reader_all"]}"#,
        r#"{"credentials": {"audit": {"access": {"shop": "read_only"}}}}"#,
        r#"{"credentials": {"audit": {"access": {"*": "read_only"}}}}"#,
        r#"{"credentials": {"audit": {"tables": {"shop.t": ["SELECT"]}}}}"#,
        r#"{"credentials": {"audit": {"roles": ["app_owner"]}}}"#,
    ] {
        for function in ["plan", "apply"] {
            let call = format!("SELECT * FROM credentials.{function}('{spec}')");
            expect_error(&mut helper, &call, "42501");
        }
    }
    // Default makes nobody its equal.
    let equal = r#"{"credentials": {"audit": {"roles": ["app_owner"]}}}"#;
    expect_error(
        &mut scene.own,
        &format!("SELECT * FROM credentials.apply('{equal}')"),
        "42501",
    );
    // Nor does a superuser make a credential more than credentials are.
    run(
        &mut scene.su,
        "CREATE ROLE root SUPERUSER; CREATE ROLE deputy_root; GRANT root TO deputy_root",
    );
    scene.cluster.allow_superuser("root");
    for role in ["root", "deputy_root", "postgres"] {
        let spec = format!(r#"{{"credentials": {{"audit": {{"roles": ["{role}"]}}}}}}"#);
        expect_error(
            &mut scene.su,
            &format!("SELECT * FROM credentials.apply('{spec}')"),
            "42501",
        );
    }
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_auth_members WHERE member = 'audit'::regrole"
        ),
        "0"
    );
}

#[test]
fn monitoring_roles_are_defaults_to_give_and_others_a_superusers() {
    let mut scene = Scene::new();
    let spec = r#"{"credentials": {"monitor": {"roles": ["pg_monitor", "pg_signal_backend", "pg_stat_scan_tables"]}}}"#;
    assert_eq!(apply(&mut scene.own, spec).len(), 4);
    let reads = r#"{"credentials": {"monitor": {"roles": ["pg_read_all_data"]}}}"#;
    expect_error(
        &mut scene.own,
        &format!("SELECT * FROM credentials.apply('{reads}')"),
        "42501",
    );
    assert_eq!(
        apply(&mut scene.su, reads),
        ["GRANT pg_read_all_data TO monitor;"]
    );
    assert_eq!(apply(&mut scene.own, reads), [""; 0]);
}
