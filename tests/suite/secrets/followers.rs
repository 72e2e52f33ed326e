//! URLs are told where nothing can be written, and the log says so alone.

use super::{ready, row, text};
use crate::harness::expect_error;

#[test]
fn in_a_read_only_transaction_urls_are_told_and_only_the_log_says_so() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let url = cluster.url("alice");
    let events = text(&mut su, "SELECT count(*) FROM credentials.event");
    let lines = || {
        cluster
            .log()
            .matches(": url \"alice\": done; effective role \"postgres\"")
            .count()
    };
    let before = lines();
    assert_eq!(
        text(
            &mut su,
            "BEGIN READ ONLY; SELECT credentials.url('alice'); COMMIT"
        ),
        url
    );
    assert_eq!(
        text(
            &mut su,
            "BEGIN READ ONLY; SELECT url FROM credentials.connection_info('alice'); COMMIT"
        ),
        url
    );
    assert_eq!(lines(), before + 1);
    assert_eq!(
        cluster
            .log()
            .matches(": connection_info \"alice\": done;")
            .count(),
        1
    );
    assert_eq!(
        text(&mut su, "SELECT count(*) FROM credentials.event"),
        events
    );
}

#[test]
fn on_a_hot_standby_urls_are_told_log_in_there_and_stand_in_its_log() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let url = cluster.url("alice");
    let standby = cluster.standby();
    cluster.wait_replayed(&standby);
    let mut there = standby.superuser("app");
    let told = row(
        &mut there,
        "SELECT url, username, conninfo FROM credentials.connection_info('alice')",
    );
    // The port is that of the leader that is set; a standby's own server listens elsewhere.
    let (_, password_and_rest) = url.split_once("alice:").unwrap();
    let password = password_and_rest.split('@').next().unwrap();
    assert!(
        told[0]
            .as_deref()
            .unwrap()
            .starts_with(&format!("postgres://alice:{password}@")),
        "{told:?}"
    );
    assert_eq!(
        text(&mut there, "SELECT credentials.url('alice')"),
        told[0].clone().unwrap()
    );
    standby.login("alice", password, "app").unwrap();
    let log = standby.log();
    for function in ["url", "connection_info"] {
        assert_eq!(
            log.matches(&format!(
                "credential_manager: {function} \"alice\": done; effective role \"postgres\""
            ))
            .count(),
            1
        );
    }
    let refused = expect_error(
        &mut there,
        "SELECT credentials.rotate('alice', force => true)",
        "25006",
    );
    assert_eq!(
        refused.as_db_error().unwrap().message(),
        "This operation is not supported for follower databases."
    );
    assert!(standby.log().contains(
        "credential_manager: rotate \"alice\": refused (25006); effective role \"postgres\""
    ));
    assert_eq!(
        text(
            &mut there,
            "SELECT count(*) FROM credentials.events('alice') WHERE action = 'url'"
        ),
        "1"
    );
}
