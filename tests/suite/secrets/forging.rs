//! Nobody forges a line of the log, and a call that ends badly leaves its session as it was.

use super::{ready, text};
use crate::harness::expect_error;

#[test]
fn nobody_forges_a_line_of_the_log_with_a_name() {
    let (mut su, cluster) = ready();
    let forged = "x\n2000-01-01 00:00:00.000 UTC [1] LOG:  credential_manager: destroy \"ceo\": done; effective role \"ceo\"";
    let role = "eve\nLOG:  credential_manager: url \"ceo\": done; effective role \"ceo\" (7)";
    su.batch_execute(&format!(
        "CREATE ROLE \"{0}\"; GRANT USAGE ON SCHEMA credentials TO \"{0}\"; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA credentials TO \"{0}\"",
        role.chars().take(50).collect::<String>().replace('"', "\"\"")
    ))
    .unwrap();
    let shortened: String = text(
        &mut su,
        "SELECT rolname FROM pg_roles WHERE rolname LIKE E'eve\\n%'",
    );
    assert!(shortened.contains('\n'));
    let as_eve = format!(
        "SET SESSION AUTHORIZATION \"{}\"",
        shortened.replace('"', "\"\"")
    );
    for session in ["RESET SESSION AUTHORIZATION", as_eve.as_str()] {
        su.batch_execute(session).unwrap();
        for call in [
            "url($1)",
            "suspend($1)",
            "create($1)",
            "adopt($1)",
            "rotate($1, force => true)",
            "set_password($1, $1)",
            "destroy($1)",
        ] {
            assert!(
                su.execute(&format!("SELECT credentials.{call}"), &[&forged])
                    .is_err(),
                "{call}"
            );
        }
        assert!(su
            .batch_execute(&format!(
                "SET application_name = E'{}'",
                forged.replace('\n', "\\n")
            ))
            .is_ok());
    }
    let log = cluster.log();
    assert!(
        log.lines()
            .filter(|line| line.contains("refused ("))
            .count()
            >= 14
    );
    for line in log.lines().filter(|line| line.contains("ceo")) {
        assert!(
            !line.starts_with("2000-01-01") && !line.starts_with("LOG:"),
            "forged: {line}"
        );
    }
}

#[test]
fn a_call_that_was_cancelled_leaves_its_session_and_its_transaction_usable() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; ALTER ROLE alice CONNECTION LIMIT 7")
        .unwrap();
    su.batch_execute("SET statement_timeout = '100ms'").unwrap();
    // Alone, in a block, and behind a savepoint; the server itself would say FATAL at the next ROLLBACK.
    expect_error(&mut su, "SELECT credentials.set_password('alice')", "57014");
    assert_eq!(text(&mut su, "SELECT 'idle'"), "idle");
    su.batch_execute("BEGIN; SAVEPOINT s").unwrap();
    expect_error(&mut su, "SELECT credentials.set_password('alice')", "57014");
    su.batch_execute("ROLLBACK TO s").unwrap();
    assert_eq!(text(&mut su, "SELECT current_user"), "postgres");
    su.batch_execute("COMMIT").unwrap();
    let caught = "DO $$ BEGIN PERFORM credentials.set_password('alice'); EXCEPTION WHEN query_canceled THEN NULL; END $$";
    su.batch_execute(&format!("BEGIN; {caught}; COMMIT"))
        .unwrap();
    holder.batch_execute("ROLLBACK").unwrap();
    su.batch_execute("RESET statement_timeout; SELECT credentials.set_password('alice')")
        .unwrap();
}
