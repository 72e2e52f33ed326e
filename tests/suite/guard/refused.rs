//! Whoever is no superuser is refused, whatever rights they have and however they say it.

use super::{roles, watched, At, Stage, OTHER, PAIR, TYPED};
use crate::harness::{expect_error, Cluster};
use crate::scene::{outcome, run, wait_for_log};

/// Everybody who could think of it.
const PEOPLE: [&str; 4] = ["analyst", "analyst-rotating", "app_owner", "chief"];

/// Each statement of each of these people in each database.
#[track_caller]
fn everybody_is_refused(at: At) {
    let mut stage = Stage::at(at);
    let before = roles(&mut stage.scene.su);
    for database in ["app", OTHER] {
        for who in PEOPLE {
            let mut client = stage.session(who, database);
            for statement in PAIR.iter().flat_map(|role| watched(role)) {
                let state = outcome(&mut client, &statement);
                assert_eq!(state, "55006", "{who} in {database}: {statement}");
            }
        }
    }
    assert_eq!(roles(&mut stage.scene.su), before);
    assert_eq!(Stage::recorded(&mut stage.scene.su), 0);
    assert_eq!(stage.state(), at.state());
}

#[test]
fn before_the_cut_over_nobody_changes_either_role_in_any_database() {
    everybody_is_refused(At::Rotating);
}

#[test]
fn after_the_cut_over_nobody_changes_either_role_in_any_database() {
    everybody_is_refused(At::Lingering);
}

#[test]
fn a_role_that_is_named_by_a_special_word_is_the_one_that_the_server_means() {
    let mut stage = Stage::at(At::Rotating);
    let refused = [
        ("analyst", "", "ALTER USER CURRENT_USER PASSWORD NULL"),
        ("analyst", "", "ALTER ROLE CURRENT_ROLE PASSWORD NULL"),
        ("analyst", "", "ALTER ROLE SESSION_USER PASSWORD NULL"),
        ("analyst", "", "GRANT crowd TO CURRENT_USER"),
        ("analyst", "", "GRANT crowd TO bystander, SESSION_USER"),
        (
            "analyst",
            "SET ROLE crowd",
            "ALTER USER SESSION_USER PASSWORD NULL",
        ),
        (
            "analyst-rotating",
            "",
            "ALTER USER CURRENT_USER PASSWORD NULL",
        ),
        (
            "analyst-rotating",
            "",
            "ALTER USER SESSION_USER PASSWORD NULL",
        ),
        (
            "analyst-rotating",
            "SET ROLE NONE",
            "ALTER USER CURRENT_USER PASSWORD NULL",
        ),
        (
            "app_owner",
            "SET ROLE analyst",
            "ALTER USER CURRENT_USER PASSWORD NULL",
        ),
        (
            "chief",
            "",
            "CREATE ROLE newcomer IN ROLE bystander ADMIN CURRENT_USER, analyst",
        ),
    ];
    for (who, first, statement) in refused {
        let mut client = stage.session(who, "app");
        run(&mut client, first);
        let state = outcome(&mut client, statement);
        assert_eq!(state, "55006", "{who}: {first}: {statement}");
    }
    // The same words where they mean somebody else.
    let passes = [
        ("chief", "", "ALTER USER CURRENT_USER PASSWORD NULL"),
        (
            "chief",
            "SET ROLE analyst",
            "ALTER USER SESSION_USER CONNECTION LIMIT 9",
        ),
        ("app_owner", "", "ALTER USER SESSION_USER PASSWORD NULL"),
        ("chief", "", "GRANT crowd TO SESSION_USER"),
        // Of the server, not of ours.
        (
            "analyst",
            "SET ROLE crowd",
            "ALTER USER CURRENT_USER PASSWORD NULL",
        ),
    ];
    for (who, first, statement) in passes {
        let mut client = stage.session(who, "app");
        run(&mut client, first);
        run(&mut client, "BEGIN");
        let state = outcome(&mut client, statement);
        assert_ne!(state, "55006", "{who}: {first}: {statement}");
    }
}

#[test]
fn a_refusal_says_why_and_what_to_type_and_leaves_no_password_in_the_log() {
    let mut stage = Stage::at(At::Rotating);
    let typed = "this must never be found anywhere";
    stage.scene.cluster.remember_secret(typed);
    let ways = [
        format!("ALTER ROLE analyst PASSWORD '{typed}'"),
        format!("DO $do$BEGIN ALTER ROLE analyst PASSWORD '{typed}'; END$do$"),
    ];
    for way in &ways {
        let error = expect_error(&mut stage.scene.own, way, "55006");
        let told = error.as_db_error().unwrap();
        assert_eq!(told.message(), "role \"analyst\" is being rotated");
        assert!(told.detail().unwrap().contains("\"analyst-rotating\""));
        let hint = told.hint().unwrap();
        assert!(hint.contains("credentials.wait('analyst')"), "{hint}");
        assert!(
            hint.contains("credentials.set_password('analyst')"),
            "{hint}"
        );
    }
    wait_for_log(
        &stage.scene.cluster,
        "guard, password of \"analyst\": refused (55006); effective role \"app_owner\"",
    );
    let mut elsewhere = stage.session("app_owner", OTHER);
    let error = expect_error(&mut elsewhere, "DROP ROLE analyst", "55006");
    let hint = error.as_db_error().unwrap().hint().unwrap().to_owned();
    assert!(hint.contains("In database \"app\""), "{hint}");
    let own = &mut stage.scene.own;
    let error = expect_error(own, "ALTER ROLE analyst RENAME TO x", "55006");
    let hint = error.as_db_error().unwrap().hint().unwrap().to_owned();
    let statement = hint.split_inclusive(';').next().unwrap();
    run(own, statement);
    run(own, "SELECT credentials.wait('analyst', '25 s')");
    assert_eq!(stage.state(), "active");
}

#[test]
fn what_a_refusal_after_the_cut_over_says_to_type_does_what_was_meant() {
    let mut stage = Stage::at(At::Lingering);
    let own = &mut stage.scene.own;
    for (statement, begins) in [
        (
            format!("ALTER ROLE analyst PASSWORD '{TYPED}'"),
            "SELECT * FROM credentials.set_password(",
        ),
        (
            "DROP ROLE analyst".to_owned(),
            "SELECT * FROM credentials.destroy(",
        ),
    ] {
        let error = expect_error(own, &statement, "55006");
        let hint = error.as_db_error().unwrap().hint().unwrap().to_owned();
        assert!(hint.starts_with(begins), "{hint}");
        let state = outcome(own, &hint);
        // destroy() wants its confirmation, and says how to give it.
        assert!(["", "22023"].contains(&state.as_str()), "{hint}: {state}");
    }
}

#[test]
fn a_cluster_in_a_hostile_database_refuses_all_the_same() {
    let mut stage = Stage::on(Cluster::builder().hostile().start());
    stage.rotate(At::Rotating);
    for who in PEOPLE {
        let mut client = stage.session(who, "app");
        for role in PAIR {
            let statement = format!("ALTER ROLE {role} PASSWORD '{TYPED}'");
            assert_eq!(outcome(&mut client, &statement), "55006", "{who}: {role}");
        }
    }
}
