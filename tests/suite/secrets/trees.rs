//! `debug_print_plan`, which anybody may SET, shows the parameters of nested statements byte by byte: not those of ours.

use std::sync::{Arc, Mutex};

use postgres::{Client, Config, NoTls};

use super::{ready, steps, text, verifier};
use crate::harness::Cluster;

/// A session of a role that hears whatever the server says, and what it heard.
fn listening(cluster: &Cluster, url: &str) -> (Client, Arc<Mutex<String>>) {
    let heard = Arc::new(Mutex::new(String::new()));
    let ear = Arc::clone(&heard);
    let mut config: Config = url.parse().unwrap();
    config.notice_callback(move |notice| {
        ear.lock()
            .unwrap()
            .push_str(&format!("{} {:?}\n", notice.message(), notice.detail()))
    });
    let client = config
        .connect(NoTls)
        .unwrap_or_else(|e| panic!("{e}: {}", cluster.log()));
    (client, heard)
}

/// What was said, in one line: the server folds what it prints.
fn unfolded(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How the server prints a text inside a tree.
fn printed(text: &str) -> String {
    text.bytes()
        .map(|byte| byte.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

const LISTEN: &str =
    "SET client_min_messages = debug5; SET debug_pretty_print = off; SET debug_print_plan = on; \
     SET debug_print_parse = on; SET debug_print_rewritten = on";

#[test]
fn no_tree_of_our_statements_reaches_the_caller_or_the_log() {
    let (mut su, cluster) = ready();
    steps(
        &mut su,
        &[
            "SELECT credentials.create('alice')",
            "SELECT credentials.rotate('default', force => true)",
            "SELECT credentials.wait()",
        ],
    );
    let (mut own, heard) = listening(&cluster, &cluster.url("default"));
    own.batch_execute(LISTEN).unwrap();
    // Held by a superuser, so that the verifier waits in a row.
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; ALTER ROLE alice CONNECTION LIMIT 7")
        .unwrap();
    own.batch_execute("SELECT credentials.rotate('alice', force => true)")
        .unwrap();
    let waiting = text(
        &mut su,
        "SELECT verifier FROM credentials.job WHERE verifier IS NOT NULL",
    );
    holder.batch_execute("ROLLBACK").unwrap();
    su.batch_execute("SELECT credentials.wait('alice')")
        .unwrap();
    own.batch_execute("SELECT credentials.url('alice'); SELECT credentials.set_password('alice'); SELECT credentials.create('bob')").unwrap();
    let heard = unfolded(&heard.lock().unwrap());
    let log = unfolded(&cluster.log());
    assert!(
        heard.contains("{PLANNEDSTMT") || heard.contains("plan"),
        "the caller heard nothing at all"
    );
    for (whose, verifier) in [
        ("the waiting rotation's", waiting),
        ("alice's", verifier(&mut su, "alice")),
        ("bob's", verifier(&mut su, "bob")),
    ] {
        for (place, said) in [("the caller heard", &heard), ("the log has", &log)] {
            // A part behind the scheme, which is a word of our statements too.
            assert!(
                !said.contains(&printed(&verifier[14..60])),
                "{place} {whose} verifier, printed"
            );
            assert!(!said.contains(&verifier), "{place} {whose} verifier");
        }
    }
}

#[test]
fn a_tree_of_the_callers_own_statement_would_be_seen() {
    let (mut su, cluster) = ready();
    steps(
        &mut su,
        &[
            "SELECT credentials.rotate('default', force => true)",
            "SELECT credentials.wait()",
        ],
    );
    let (mut own, heard) = listening(&cluster, &cluster.url("default"));
    own.batch_execute(LISTEN).unwrap();
    own.batch_execute("SELECT 'SCRAM-SHA-256$'").unwrap();
    assert!(unfolded(&heard.lock().unwrap()).contains(&printed("SCRAM-SHA-256$")));
}
