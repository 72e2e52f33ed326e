//! Rule 6: names are judged as bytes, never repeated raw, unique whatever the case.

use crate::harness::expect_error;
use crate::scene::{call_lines, column, run, Scene};

#[test]
fn rule_06_hostile_names_are_refused_and_never_repeated_raw() {
    let mut scene = Scene::new();
    let long = "a".repeat(51);
    let huge = "b".repeat(2_000_000);
    for (name, state) in [
        ("", "42602"),
        (" ", "42602"),
        ("ok\n", "42602"),
        ("a\"b", "42602"),
        ("a''b", "42602"),
        ("\u{430}nalyst", "42602"),
        ("+grp", "42602"),
        ("@file", "42602"),
        ("../../x", "42602"),
        ("%s%n", "42602"),
        (long.as_str(), "42602"),
        (huge.as_str(), "42602"),
        ("x-rotating", "42939"),
        ("X-ROTATING", "42939"),
        ("PG_monitor", "42939"),
        ("rdsadmin", "42939"),
        ("my_Postgres_role", "42939"),
        ("Heroku", "42939"),
        ("owner", "42939"),
        ("DEFAULT", "42939"),
        ("admin", "42939"),
        ("collectd", "42939"),
        ("current_user", "42939"),
        ("SESSION_USER", "42939"),
        ("user", "42939"),
        ("all", "42939"),
        ("replication", "42939"),
        ("public", "42939"),
        ("none", "42939"),
        ("db_reader_x", "42939"),
    ] {
        let error = expect_error(
            &mut scene.own,
            &format!("SELECT credentials.create('{name}')"),
            state,
        );
        let said = error.as_db_error().expect("an answer").message().to_owned();
        assert!(said.bytes().all(|b| (32..127).contains(&b)), "{said:?}");
    }
    let lines = call_lines(&scene.cluster);
    assert!(
        lines.iter().all(|line| line.len() < 600),
        "a log line that repeats what was typed"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("create \"ok\\n\": refused (42602)")),
        "{lines:?}"
    );
}

#[test]
fn rule_06_no_two_credentials_differ_only_in_case_and_no_twin_name_is_taken() {
    let mut scene = Scene::new();
    run(&mut scene.own, "SELECT credentials.create('Analyst')");
    for (name, state) in [
        ("analyst", "42602"),
        ("ANALYST", "42602"),
        ("Analyst", "42710"),
    ] {
        expect_error(
            &mut scene.own,
            &format!("SELECT credentials.create('{name}')"),
            state,
        );
    }
    // A role that stands where a twin would: nothing of ours touches it.
    run(
        &mut scene.su,
        "CREATE ROLE \"Analyst-rotating\" LOGIN PASSWORD 'not-ours-at-all-but-long'",
    );
    for call in [
        "rotate('Analyst-rotating', true)",
        "destroy('Analyst-rotating', 'app')",
        "url('Analyst-rotating')",
    ] {
        expect_error(
            &mut scene.own,
            &format!("SELECT credentials.{call}"),
            "42704",
        );
    }
    expect_error(
        &mut scene.su,
        "SELECT credentials.adopt('Analyst-rotating')",
        "42602",
    );
    run(
        &mut scene.own,
        "SELECT credentials.rotate('Analyst', force => true)",
    );
    scene.settle();
    run(&mut scene.su, "DROP ROLE \"Analyst-rotating\"");
    assert_eq!(
        column(&mut scene.su, "SELECT name FROM credentials.list()"),
        ["default", "Analyst"]
    );
}
