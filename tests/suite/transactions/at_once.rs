//! Two calls on one credential at once: each ends in order or with an error of the contract, and the credential is
//! whole afterwards.

use std::sync::Barrier;
use std::thread;

use crate::harness::{sqlstate, wait_until, Cluster, SOON};
use crate::held::people::{logs_in, no_trouble_in_the_log, owner, password, ready, waited};

const CALLS: [&str; 8] = [
    "create('shared')",
    "rotate('shared', force => true)",
    "set_password('shared')",
    "suspend('shared')",
    "resume('shared')",
    "destroy('shared', confirm => 'app')",
    "repair_default()",
    "configure('shared', connection_limit => 7)",
];

/// Exists, does not exist, in use, lock not to be had.
const ALLOWED: [&str; 4] = ["42710", "42704", "55006", "55P03"];

#[test]
fn any_two_calls_on_one_credential_at_once_end_in_order_at_any_isolation_level() {
    let cluster = ready();
    let mut first = owner(&cluster);
    let mut second = owner(&cluster);
    let levels = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];
    let long = std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some();
    let mut number = 0;
    for (i, one) in CALLS.iter().enumerate() {
        for other in &CALLS[i..] {
            for level in levels {
                number += 1;
                if !long && levels[(number / 3) % 3] != level {
                    continue;
                }
                there_is_one(&cluster);
                let start = Barrier::new(2);
                thread::scope(|scope| {
                    for (client, call) in [(&mut first, one), (&mut second, other)] {
                        let start = &start;
                        scope.spawn(move || {
                            client
                                .batch_execute(&format!(
                                    "BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM pg_class"
                                ))
                                .unwrap();
                            start.wait();
                            let ended =
                                client.batch_execute(&format!("SELECT credentials.{call}; COMMIT"));
                            if let Err(error) = ended {
                                let state = sqlstate(&error);
                                let allowed = ALLOWED.contains(&state.as_str())
                                    || (state == "40001" && level == "SERIALIZABLE");
                                assert!(
                                    allowed,
                                    "{one} with {other} at {level}: {call}: {error:?}"
                                );
                                client.batch_execute("ROLLBACK").unwrap();
                            }
                        });
                    }
                });
                is_whole(&cluster, &format!("{one} with {other} at {level}"));
            }
        }
    }
    no_trouble_in_the_log(&cluster);
}

fn there_is_one(cluster: &Cluster) {
    cluster
        .superuser("app")
        .batch_execute("SELECT credentials.create('shared', if_not_exists => true); SELECT credentials.resume('shared')")
        .unwrap();
}

/// Nothing is left to do, and what the catalog says of the credential is so.
fn is_whole(cluster: &Cluster, after: &str) {
    let mut superuser = cluster.superuser("app");
    let all = superuser.query_one("SELECT state FROM credentials.wait(timeout => '25 s')", &[]);
    assert!(all.is_ok(), "{after}: work does not end: {all:?}");
    let row = superuser
        .query_opt(
            "SELECT l.state, r.rolcanlogin FROM credentials.list() l JOIN pg_roles r ON r.rolname = l.username
              WHERE l.name = 'shared'",
            &[],
        )
        .unwrap();
    let Some(row) = row else {
        let role = superuser.query("SELECT FROM pg_roles WHERE rolname = 'shared'", &[]);
        assert!(
            role.unwrap().is_empty(),
            "{after}: a role without a credential"
        );
        assert_eq!(waited(cluster, "shared"), "destroyed", "{after}");
        return;
    };
    let (state, login): (String, bool) = (row.get(0), row.get(1));
    assert_eq!(login, state == "active", "{after}: {state}");
    if login {
        assert!(
            logs_in(cluster, "shared", &password(cluster, "shared")),
            "{after}"
        );
    }
    let kept = "SELECT count(*) FROM credentials.secret s JOIN credentials.credential c USING (role) WHERE c.name = 'shared'";
    wait_until("one password is kept", SOON, || {
        superuser.query_one(kept, &[]).unwrap().get::<_, i64>(0) == 1
    });
}

#[test]
fn a_create_that_meets_a_grant_on_the_database_waits_and_leaves_both() {
    let cluster = ready();
    let mut own = owner(&cluster);
    let mut hand = cluster.superuser("app");
    hand.batch_execute(
        "CREATE ROLE visitor LOGIN; BEGIN; GRANT CONNECT ON DATABASE app TO visitor",
    )
    .expect("a grant by hand");
    let second = thread::spawn(move || {
        own.batch_execute("SELECT credentials.create('late')")
            .map_err(|error| sqlstate(&error))
    });
    let mut watcher = cluster.superuser("app");
    let waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted";
    wait_until("the call waits", SOON, || {
        watcher.query_one(waits, &[]).expect("locks").get(0)
    });
    hand.batch_execute("COMMIT").expect("a commit");
    assert_eq!(second.join().expect("the call"), Ok(()));
    let both = "SELECT has_database_privilege('visitor', 'app', 'CONNECT')
                   AND has_database_privilege('late', 'app', 'CONNECT')";
    let both: bool = hand.query_one(both, &[]).expect("rights").get(0);
    assert!(both);
}
