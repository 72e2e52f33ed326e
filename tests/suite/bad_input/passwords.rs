//! Passwords that are none, and verifiers that are damaged.

use super::{Caller, Scene};

/// A verifier that the server itself made, of `a-password-of-24-letters`.
fn verifier(scene: &mut Scene) -> String {
    scene
        .su
        .batch_execute("CREATE ROLE sample PASSWORD 'a-password-of-24-letters'")
        .unwrap();
    let row = scene.su.query_one(
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'sample'",
        &[],
    );
    let verifier = row.unwrap().get(0);
    // A verifier that is in force must stand in no log; this one is typed into statements that are logged.
    scene.su.batch_execute("DROP ROLE sample").unwrap();
    verifier
}

/// Bad passwords as texts.
fn bad(scene: &mut Scene) -> Vec<String> {
    let good = verifier(scene);
    let mut all = vec![
        String::new(),
        "short".to_owned(),
        "p".repeat(23),
        "p".repeat(65),
        "é".repeat(23),
        "é".repeat(65),
        "with-a-quote-'-and-more-letters".to_owned(),
        "with-a-quote-\"-and-more-letters".to_owned(),
        "with-a-newline-\n-and-more-letters".to_owned(),
        "with-a-tab-\t-and-more-of-letters".to_owned(),
        "with-a-bell-\u{7}-and-more-letters".to_owned(),
        "with-a-delete-\u{7f}-and-more-letters".to_owned(),
        "with-a-next-line-\u{85}-and-more-letters".to_owned(),
        format!("md5{}", "0123456789abcdef".repeat(2)),
        format!("MD5{}", "0123456789ABCDEF".repeat(2)),
        "SCRAM-SHA-256$4096:".to_owned(),
        "SCRAM-SHA-256".to_owned(),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}$"),
        good.to_lowercase(),
        good.replace("$4096:", "$0:"),
        good.replace("$4096:", "$-1:"),
        good.replace("$4096:", "$4294967296:"),
        good.replace("$4096:", "$99999999999999999999:"),
        good.replace("SCRAM-SHA-256", "SCRAM-SHA-1"),
        good.replace("SCRAM-SHA-256", "SCRAM-SHA-512"),
    ];
    all.extend(
        (1..good.len())
            .step_by(9)
            .map(|length| good[..length].to_owned()),
    );
    // One character exchanged, in the scheme, the count, the separators; and one that is not base64.
    for at in [0, 5, 13, 14, 18, 43, 88] {
        let mut damaged = good.clone().into_bytes();
        damaged[at] = b'!';
        all.push(String::from_utf8(damaged).unwrap());
    }
    all
}

#[test]
fn a_bad_password_is_refused_and_repeated_nowhere() {
    let mut scene = Scene::new();
    let passwords = bad(&mut scene);
    assert!(passwords.len() > 40);
    for password in &passwords {
        let literal = format!("'{}'", password.replace('\'', "''"));
        for caller in [Caller::Default, Caller::Superuser] {
            for call in [
                "create('newcomer', password => {})",
                "set_password('analyst', {})",
                "set_password(password => {}, name => 'analyst')",
            ] {
                let said = scene.refused_to(caller, &call.replace("{}", &literal), "22023");
                let start: String = password.chars().take(12).collect();
                if start.len() >= 12 && !start.contains("SCRAM-SHA-") {
                    assert!(!said.contains(&start), "{said}");
                }
            }
        }
    }
    // Made by the server: as a literal it would stand in the log, whole.
    for call in [
        "create('newcomer', password => {})",
        "set_password('analyst', {})",
    ] {
        for long in [
            "repeat('p', 20000000)",
            "'SCRAM-SHA-256$4096:' || repeat('p', 20000000)",
        ] {
            scene.refused(&call.replace("{}", long), "22023");
        }
    }
    scene.refused_to(
        Caller::Superuser,
        "set_password('default', 'short')",
        "22023",
    );
    scene.refused_to(Caller::Default, "set_password('default', 'short')", "42501");
}

#[test]
fn what_the_server_itself_calls_a_verifier_is_taken_and_its_password_logs_in() {
    let mut scene = Scene::new();
    let good = verifier(&mut scene);
    scene.accepted(
        Caller::Default,
        &format!("set_password('analyst', '{good}')"),
    );
    scene.accepted(
        Caller::Default,
        &format!("create('newcomer', password => '{good}')"),
    );
    for role in ["analyst", "newcomer"] {
        scene
            .cluster
            .login(role, "a-password-of-24-letters", "app")
            .unwrap();
    }
}
