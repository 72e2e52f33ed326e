//! What apply() would refuse plan() refuses too, in the same words: a plan that can be seen can be carried out.

use crate::scene::{column, fingerprint, outcome, run, told, Scene};
use postgres::Client;

/// The error of plan() and of apply(), which must be the same one.
#[track_caller]
fn both(scene: &mut Scene, as_superuser: bool, spec: &str) -> String {
    let before = fingerprint(&mut scene.su);
    let client: &mut Client = match as_superuser {
        true => &mut scene.su,
        false => &mut scene.own,
    };
    let mut says = ["plan", "apply"].map(|function| {
        let call = format!("SELECT * FROM credentials.{function}($spec${spec}$spec$)");
        match client.batch_execute(&call) {
            Ok(()) => panic!("{function} takes {spec}"),
            Err(error) => told(&error),
        }
    });
    assert_eq!(says[0], says[1], "{spec}");
    assert_eq!(fingerprint(&mut scene.su), before, "{spec}");
    std::mem::take(&mut says[0])
}

#[test]
fn a_tenant_that_is_no_credential_or_is_default_is_refused_before_anything_is_shown() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SELECT credentials.create('gone'); CREATE TABLE public.t (i int, tenant text)",
    );
    let spec = |name: &str| {
        format!(
            r#"{{"tenants": [{{"credential": "{name}", "tables": ["public.t"], "column": "tenant", "value": "a"}}]}}"#
        )
    };
    for (name, code) in [
        ("nobody", "42704"),
        ("default", "42501"),
        ("Owner", "42501"),
    ] {
        let said = both(&mut scene, false, &spec(name));
        assert!(said.starts_with(code), "{name}: {said}");
    }
    run(&mut scene.su, "ALTER ROLE gone RENAME TO went");
    let said = both(&mut scene, false, &spec("gone"));
    assert!(said.starts_with("55000"), "{said}");
    run(&mut scene.su, "ALTER ROLE went RENAME TO gone");
}

#[test]
fn memberships_that_cannot_be_are_refused_before_anything_is_shown() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SELECT credentials.create(n) FROM unnest('{a1,b1,c1}'::text[]) n",
    );
    run(&mut scene.su, "CREATE ROLE team; GRANT team TO c1");
    let member = |pairs: &[(&str, &str)]| {
        let all: Vec<String> = pairs
            .iter()
            .map(|(name, role)| format!(r#""{name}": {{"roles": ["{role}"]}}"#))
            .collect();
        format!(r#"{{"credentials": {{{}}}}}"#, all.join(", "))
    };
    for (pairs, what) in [
        (&[("a1", "a1")][..], "itself"),
        (&[("a1", "b1"), ("b1", "a1")], "each other"),
        (&[("a1", "app_owner"), ("b1", "a1")], "default has b1"),
        (&[("a1", "pg_database_owner")], "the server's own"),
    ] {
        let said = both(&mut scene, true, &member(pairs));
        assert!(said.starts_with("22023"), "{what}: {said}");
    }
    run(&mut scene.su, "GRANT a1 TO team");
    let said = both(&mut scene, true, &member(&[("a1", "c1")]));
    assert!(said.starts_with("22023"), "by a role between: {said}");
    // What is no circle is done.
    for pairs in [&[("b1", "app_owner")][..], &[("b1", "c1")]] {
        let call = format!("SELECT credentials.apply('{}')", member(pairs));
        run(&mut scene.su, &format!("BEGIN; {call}; ROLLBACK"));
    }
}

#[test]
fn a_group_that_was_renamed_or_has_become_more_is_refused_before_anything_is_shown() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SELECT credentials.create('a1'); CREATE SCHEMA shop;
         SELECT credentials.create('b1', 'read_only', '{shop}')",
    );
    let give = r#"{"credentials": {"a1": {"access": {"shop": "read_only"}}}}"#;
    let list = r#"{"groups": ["db_reader_shop"]}"#;
    run(&mut scene.su, "ALTER ROLE db_reader_shop CREATEROLE");
    assert!(both(&mut scene, false, give).starts_with("42501"));
    run(
        &mut scene.su,
        "ALTER ROLE db_reader_shop NOCREATEROLE; ALTER ROLE db_reader_shop RENAME TO moved",
    );
    for spec in [give, list] {
        assert!(both(&mut scene, false, spec).starts_with("55000"), "{spec}");
    }
}

#[test]
fn an_attachment_that_would_tell_what_is_not_the_callers_is_refused_before_anything_is_shown() {
    let mut scene = Scene::new();
    run(&mut scene.own, "SELECT credentials.create('a1')");
    run(&mut scene.su, "GRANT pg_read_all_data TO a1");
    let spec = r#"{"attachments": {"shop": {"DATABASE_URL": "a1"}}}"#;
    assert!(both(&mut scene, false, spec).starts_with("42501"));
    assert_eq!(
        column(
            &mut scene.su,
            &format!("SELECT action FROM credentials.plan('{spec}')")
        ),
        ["attach"]
    );
}

#[test]
fn a_setting_that_is_none_is_told_with_its_path() {
    let mut scene = Scene::new();
    for (setting, value) in [
        ("statement_timeout", "\"soon\""),
        ("nothing", "1"),
        ("log_statement", "\"all\""),
    ] {
        let spec = format!(
            r#"{{"credentials": {{"fine": {{}}, "a1": {{"settings": {{"{setting}": {value}}}}}}}}}"#
        );
        let said = both(&mut scene, false, &spec);
        assert!(said.starts_with("22023"), "{said}");
        assert!(said.contains("credentials.a1.settings"), "{said}");
    }
    assert_eq!(outcome(&mut scene.own, "SELECT credentials.plan('{}')"), "");
}
