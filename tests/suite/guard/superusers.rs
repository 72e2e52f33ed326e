//! A superuser is let through, with a WARNING, an event in the home database, and a line in the server log.

use super::{watched, At, Said, Stage, OTHER, PAIR, TYPED};
use crate::scene::{outcome, rows, run};

/// Each statement, taken back again: what is recorded goes with it, what was said stays said.
#[track_caller]
fn is_warned_and_recorded(at: At) {
    let stage = Stage::at(at);
    let cluster = &stage.scene.cluster;
    for database in ["app", OTHER] {
        let (mut su, said) = Said::superuser(cluster, database);
        for statement in PAIR.iter().flat_map(|role| watched(role)) {
            run(&mut su, "BEGIN");
            let state = outcome(&mut su, &statement);
            // What owns something or is a member in a circle the server keeps.
            assert!(
                ["", "2BP01", "0LP01"].contains(&state.as_str()),
                "{statement}: {state}"
            );
            assert_eq!(said.warnings().len(), 1, "in {database}: {statement}");
            if state.is_empty() && database == "app" {
                assert_eq!(Stage::recorded(&mut su), 1, "{statement}");
            }
            run(&mut su, "ROLLBACK");
        }
    }
    let (mut su, _) = Said::superuser(cluster, "app");
    assert_eq!(Stage::recorded(&mut su), 0, "what was rolled back");
}

#[test]
fn before_the_cut_over_a_superuser_is_warned_and_recorded() {
    is_warned_and_recorded(At::Rotating);
}

#[test]
fn after_the_cut_over_a_superuser_is_warned_and_recorded() {
    is_warned_and_recorded(At::Lingering);
}

#[test]
fn the_event_says_what_was_changed_and_the_log_says_it_in_any_database_without_the_password() {
    let stage = Stage::at(At::Lingering);
    let cluster = &stage.scene.cluster;
    let typed = "this must never be found anywhere";
    cluster.remember_secret(typed);
    for database in ["app", OTHER] {
        let (mut su, said) = Said::superuser(cluster, database);
        run(&mut su, "SET log_min_messages = 'warning'");
        run(
            &mut su,
            &format!("ALTER ROLE \"analyst-rotating\" PASSWORD '{typed}'"),
        );
        assert_eq!(
            said.warnings(),
            ["WARNING: role \"analyst-rotating\" is being rotated, and its password is changed outside credential_manager"]
        );
    }
    let (mut su, said) = Said::superuser(cluster, "app");
    run(
        &mut su,
        "GRANT crowd TO bystander, analyst, \"analyst-rotating\"",
    );
    run(&mut su, "REVOKE crowd FROM \"analyst-rotating\", bystander");
    assert_eq!(said.warnings().len(), 2, "once a rotation and statement");
    let events = rows(
        &mut su,
        "SELECT name, effective_role, detail FROM credentials.events() WHERE action = 'guard' ORDER BY id",
    );
    assert_eq!(
        events,
        [
            r#"analyst|postgres|{"role": "analyst-rotating", "change": "password"}"#,
            r#"analyst|postgres|{"role": "analyst", "change": "membership"}"#,
            r#"analyst|postgres|{"role": "analyst-rotating", "change": "membership"}"#,
        ]
    );
    let log = cluster.log();
    let lines = |database: &str| {
        let end = format!("@{database} LOG:  credential_manager: guard, password of \"analyst-rotating\": let through;");
        log.lines().filter(|line| line.contains(&end)).count()
    };
    assert_eq!((lines("app"), lines(OTHER)), (1, 1));
}

#[test]
fn a_superuser_whose_statement_fails_or_cannot_write_is_told_by_the_server() {
    let stage = Stage::at(At::Rotating);
    let (mut su, said) = Said::superuser(&stage.scene.cluster, "app");
    let change = format!("ALTER ROLE analyst PASSWORD '{TYPED}'");
    run(&mut su, "BEGIN READ ONLY");
    assert_eq!(outcome(&mut su, &change), "25006");
    run(&mut su, "ROLLBACK");
    assert_eq!(said.warnings().len(), 0);
    assert_eq!(Stage::recorded(&mut su), 0);
    // A prepared transaction takes its event with it.
    run(
        &mut su,
        &format!("BEGIN; {change}; PREPARE TRANSACTION 'guarded'"),
    );
    assert_eq!(Stage::recorded(&mut su), 0);
    run(&mut su, "COMMIT PREPARED 'guarded'");
    assert_eq!(Stage::recorded(&mut su), 1);
}
