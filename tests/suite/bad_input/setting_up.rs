//! Before there is a default credential.

use super::{fingerprint, Argument};
use crate::harness::{expect_error, Cluster};

#[test]
fn a_role_that_cannot_be_default_is_refused_by_setup_and_its_plan() {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    su.batch_execute("CREATE EXTENSION credential_manager; CREATE ROLE managed LOGIN")
        .unwrap();
    let before = fingerprint(&mut su);
    for (role, state) in [
        ("''", "42602"),
        ("repeat('a', 55)", "42602"),
        ("repeat('a', 20000000)", "42602"),
        ("E'new\\nline'", "42602"),
        ("U&'bell\\0007'", "42602"),
        ("'x-rotating'", "42602"),
        ("'X-Rotating'", "42602"),
        ("'postgres'", "42501"),
        ("'pg_monitor'", "42939"),
        ("'PG_x'", "42939"),
        ("'public'", "42939"),
        ("'None'", "42939"),
    ] {
        for call in ["setup", "setup_plan"] {
            let sql = format!("SELECT * FROM credentials.{call}({role})");
            expect_error(&mut su, &sql, state);
        }
        assert_eq!(fingerprint(&mut su), before, "{role}");
    }
    let sql = "SELECT * FROM credentials.setup('app_owner')";
    su.batch_execute(sql).unwrap();
    for other in [
        "'managed'",
        "'app_owner2'",
        "'App_owner'",
        "''",
        "'postgres'",
    ] {
        let sql = format!("SELECT * FROM credentials.setup({other})");
        expect_error(&mut su, &sql, "42710");
    }
}

#[test]
fn before_setup_everything_but_setup_claim_events_and_jobs_says_so() {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    su.batch_execute("CREATE EXTENSION credential_manager; CREATE ROLE stranger LOGIN")
        .unwrap();
    let mut calls: Vec<String> = Argument::all(&mut su)
        .iter()
        .filter(|argument| argument.default.is_none() && argument.name != "valid_for")
        .filter(|argument| !matches!(argument.function.as_str(), "claim"))
        .map(|argument| {
            argument.call(match argument.name.as_str() {
                "job" => "1",
                "spec" => "'{}'",
                "permissions" => "'{view}'",
                _ => "'newcomer'",
            })
        })
        .collect();
    assert!(calls.len() >= 10, "{calls:?}");
    let without = [
        "rotate()",
        "rotate_all()",
        "repair_default()",
        "repair_plan()",
        "wait()",
        "reseal()",
        "list()",
        "attachments()",
        "collaborators()",
        "usernames()",
        "url()",
        "connection_info()",
        "check()",
        "export()",
        "diagram()",
        "table_privileges()",
        "schema_privileges()",
    ];
    calls.extend(without.map(str::to_owned));
    for call in calls {
        let sql = format!("SELECT * FROM credentials.{call}");
        let error = expect_error(&mut su, &sql, "55000");
        let hint = error
            .as_db_error()
            .unwrap()
            .hint()
            .unwrap_or_default()
            .to_owned();
        assert!(hint.contains("credentials.setup()"), "{call}: {hint}");
    }
}
