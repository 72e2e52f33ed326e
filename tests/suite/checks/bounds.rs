//! Who may call it, how much it tells, and that it changes nothing.

use super::{findings, mend};
use crate::harness::expect_error;
use crate::scene::{ask, call_lines, fingerprint, run, Scene};

#[test]
fn default_and_superusers_call_it_and_others_do_not() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    expect_error(&mut c1, "SELECT credentials.check()", "42501");
    let told = |found: Vec<super::Finding>| {
        found
            .into_iter()
            .map(|f| (f.severity, f.code, f.object))
            .collect::<Vec<_>>()
    };
    let by_default = told(findings(&mut scene.own));
    assert!(!by_default.is_empty());
    assert_eq!(by_default, told(findings(&mut scene.su)));
}

#[test]
fn a_hundred_of_a_code_are_told_and_the_rest_counted_the_worst_first() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "DO $$ BEGIN FOR i IN 1..130 LOOP EXECUTE 'CREATE ROLE \"m' || i || '\" CREATEROLE LOGIN'; END LOOP; END $$;
         CREATE SCHEMA many; CREATE ROLE db_reader_many; GRANT USAGE ON SCHEMA many TO db_reader_many;
         INSERT INTO credentials.access_group (role, role_name, kind, scope, scope_name, created_at)
         SELECT 'db_reader_many'::regrole, 'db_reader_many', 'reader', 'many'::regnamespace, 'many', now();
         DO $$ BEGIN FOR i IN 1..150 LOOP EXECUTE 'CREATE TABLE many.t' || i || ' (i int); REVOKE ALL ON many.t' || i || ' FROM PUBLIC, db_reader_many'; END LOOP; END $$",
    );
    let found = findings(&mut scene.own);
    for (code, rest) in [("createrole_login", "30 more"), ("group_rights", "50 more")] {
        let told: Vec<&str> = found
            .iter()
            .filter(|f| f.code == code)
            .map(|f| f.object.as_str())
            .collect();
        assert_eq!(told.len(), 101, "{code}");
        assert_eq!(told[100], rest);
    }
    let place = |word: &str| ["high", "medium", "low"].iter().position(|w| *w == word);
    let order: Vec<_> = found.iter().map(|f| place(&f.severity)).collect();
    assert!(order.is_sorted() && !order.contains(&None));
    mend(
        &scene.cluster,
        &found
            .iter()
            .find(|f| f.object == "30 more")
            .expect("it")
            .remedy,
    );
}

#[test]
fn it_changes_nothing_records_nothing_and_runs_read_only() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    run(
        &mut c1,
        "ALTER ROLE c1 PASSWORD 'a-password-of-my-own-choice'",
    );
    let before = fingerprint(&mut scene.su);
    let events = ask(&mut scene.su, "SELECT count(*) FROM credentials.event");
    let lines = call_lines(&scene.cluster).len();
    run(
        &mut scene.own,
        "BEGIN READ ONLY; SELECT credentials.check(); COMMIT",
    );
    run(
        &mut scene.own,
        "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT credentials.check(); ROLLBACK",
    );
    assert_eq!(fingerprint(&mut scene.su), before);
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.event"),
        events
    );
    assert_eq!(call_lines(&scene.cluster).len(), lines);
    // Nor does it write a transaction's number into the log.
    let none = "SELECT credentials.check(); SELECT coalesce(pg_current_xact_id_if_assigned()::text, 'none')";
    run(&mut scene.own, "BEGIN");
    let told = scene.own.simple_query(none).expect("both statements");
    let last = told.iter().rev().find_map(|m| match m {
        postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    assert_eq!(last.as_deref(), Some("none"));
    run(&mut scene.own, "ROLLBACK");
}

#[test]
fn no_secret_is_told_and_none_of_a_hostile_owners_names_is_called() {
    let mut scene = Scene::hostile();
    let _c1 = scene.credential("c1");
    run(
        &mut scene.su,
        "SET password_encryption = 'md5'; ALTER ROLE c1 PASSWORD 'an-old-kind-of-password'",
    );
    let secrets = crate::scene::column(
        &mut scene.su,
        "SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL",
    );
    for client in [&mut scene.own, &mut scene.su] {
        let told = format!("{:?}", findings(client));
        assert!(told.contains("password_md5"));
        assert!(!secrets.iter().any(|secret| told.contains(secret.as_str())));
    }
}

#[test]
fn a_remedy_names_every_function_and_operator_with_its_schema() {
    // A superuser runs it in a database whose owner may have set any search_path.
    let sources = concat!(
        include_str!("../../../src/checks/roles.rs"),
        include_str!("../../../src/checks/members.rs"),
        include_str!("../../../src/checks/public.rs"),
        include_str!("../../../src/checks/credentials.rs"),
        include_str!("../../../src/checks/groups.rs"),
        include_str!("../../../src/checks/hba.rs"),
        include_str!("../../../src/checks/server.rs"),
        include_str!("../../../src/checks/finding.rs"),
    );
    let mut calls = 0;
    for (at, _) in sources.match_indices("SELECT ") {
        let rest = &sources[at + "SELECT ".len()..];
        let qualified = ["pg_catalog.", "* FROM credentials."];
        if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '*') {
            calls += 1;
            assert!(
                qualified.iter().any(|q| rest.starts_with(q)),
                "{}",
                &rest[..60.min(rest.len())]
            );
        }
    }
    assert!(calls >= 8, "{calls}");
    assert!(!sources.contains("WHERE role ="));
}

#[test]
fn every_code_of_the_papers_is_made_seen_and_mended_somewhere_here() {
    let tests = concat!(
        include_str!("roles.rs"),
        include_str!("members.rs"),
        include_str!("public.rs"),
        include_str!("collaborators.rs"),
        include_str!("credentials.rs"),
        include_str!("flat.rs"),
        include_str!("groups.rs"),
        include_str!("hba.rs"),
        include_str!("server.rs"),
        include_str!("keys.rs"),
        include_str!("tenants.rs"),
    );
    let papers = include_str!("../../../docs/checks.md");
    let codes: Vec<&str> = papers
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(codes.len() > 40);
    for code in codes {
        assert!(
            tests.contains(&format!("\"{code}\"")),
            "no test makes {code}"
        );
    }
}
