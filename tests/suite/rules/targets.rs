//! Rule 5: a target is a managed row whose OID and name agree and whose role holds nothing that it may not.

use crate::harness::expect_error;
use crate::scene::{column, fingerprint, outcome, run, Scene};

/// Each call that acts on a credential, with `{}` for its name.
pub const ACTS: [&str; 12] = [
    "configure('{}', connection_limit => 5)",
    "suspend('{}')",
    "resume('{}')",
    "destroy('{}', 'app')",
    "destroy_plan('{}')",
    "rotate('{}', force => true)",
    "rotate('{}', overlap => '0')",
    "set_password('{}')",
    "extend('{}', '1 hour')",
    "url('{}')",
    "connection_info('{}')",
    "destroy('bystander', 'app', reassign_to => '{}')",
];

#[test]
fn rule_05_what_is_not_managed_is_unknown_to_every_function_and_every_caller() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    let _bystander = scene.credential("bystander");
    let mut delegate = scene.stranger("delegate", "");
    let _svc = scene.stranger("svc", "");
    run(
        &mut scene.su,
        "CREATE ROLE su2 SUPERUSER LOGIN; CREATE ROLE repl REPLICATION LOGIN;
         GRANT USAGE ON SCHEMA credentials TO delegate; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA credentials TO delegate",
    );
    scene.cluster.allow_superuser("su2");
    let before = fingerprint(&mut scene.su);
    let mut texts = Vec::new();
    let mut targets = column(
        &mut scene.su,
        "SELECT rolname FROM pg_roles WHERE rolname NOT IN ('c1', 'bystander') ORDER BY 1",
    );
    assert!(targets.len() > 15, "{targets:?}");
    targets.extend(
        [
            "absent",
            "public",
            "current_user",
            "session_user",
            "none",
            "",
            "c1-rotating",
            "C1",
            "*",
        ]
        .map(str::to_owned),
    );
    for target in &targets {
        for act in ACTS {
            let sql = format!("SELECT * FROM credentials.{}", act.replace("{}", target));
            for client in [&mut scene.own, &mut delegate, &mut scene.su] {
                let error = expect_error(client, &sql, "42704");
                let said = error.as_db_error().expect("an answer");
                let said_of = if target.is_empty() {
                    "\"\""
                } else {
                    target.as_str()
                };
                texts.push(format!(
                    "{} {:?} {:?}",
                    said.message().replace(said_of, "x"),
                    said.detail(),
                    said.hint()
                ));
            }
        }
        for sql in [
            format!("SELECT * FROM credentials.create('{target}')"),
            format!("SELECT * FROM credentials.create('{target}', if_not_exists => true)"),
        ] {
            for client in [&mut scene.own, &mut delegate] {
                if target == "absent" {
                    continue;
                }
                let state = outcome(client, &sql);
                assert!(
                    ["42710", "42602", "42939"].contains(&state.as_str()),
                    "{sql}: {state:?}"
                );
            }
        }
        for call in ["adopt('{}')", "release('{}')"] {
            let sql = format!("SELECT * FROM credentials.{}", call.replace("{}", target));
            expect_error(&mut scene.own, &sql, "42501");
            expect_error(&mut delegate, &sql, "42501");
        }
    }
    // An unmanaged role and an absent one cannot be told apart.
    texts.sort();
    texts.dedup();
    assert!(
        texts.len() <= 2,
        "one text, and one for the empty name: {texts:?}"
    );
    assert_eq!(fingerprint(&mut scene.su), before);
}

#[test]
fn rule_05_default_is_no_target_of_what_would_end_it() {
    let mut scene = Scene::new();
    let mut delegate = scene.stranger("delegate", "");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO delegate; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA credentials TO delegate",
    );
    let before = fingerprint(&mut scene.su);
    for name in ["default", "owner", "DEFAULT", "Owner"] {
        for (act, own, su) in [
            ("suspend('{}')", "42501", "42501"),
            ("destroy('{}', 'app')", "42501", "42501"),
            ("release('{}')", "42501", "42501"),
            (
                "set_password('{}', 'a-password-of-24-letters')",
                "42501",
                "",
            ),
            ("configure('{}', connection_limit => 5)", "42501", ""),
            ("extend('{}', '1 hour')", "22023", "22023"),
            ("create('{}')", "42939", "42939"),
        ] {
            let sql = format!("SELECT * FROM credentials.{}", act.replace("{}", name));
            if !su.is_empty() {
                expect_error(&mut scene.su, &sql, su);
            }
            expect_error(&mut scene.own, &sql, own);
            expect_error(&mut delegate, &sql, own);
        }
    }
    assert_eq!(fingerprint(&mut scene.su), before);
}
