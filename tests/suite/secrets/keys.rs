//! With a key file passwords are sealed and told by `url()` alone; without one they are shown once; keys can be changed.

use std::fs;

use postgres::Client;

use super::key_file::point_to;
use super::{fingerprint, one, psql, ready, set_up, steps, text};
use crate::harness::{expect_error, sqlstate, wait_until, Cluster, SOON};

/// Calls that make a password, each answering with a column `password`.
const MAKING: [&str; 5] = [
    "SELECT password FROM credentials.create('bob')",
    "SELECT password FROM credentials.rotate('alice', force => true)",
    "SELECT password FROM credentials.rotate('alice', overlap => '0')",
    "SELECT password FROM credentials.set_password('alice')",
    "SELECT password FROM credentials.rotate_all(force => true) WHERE name = 'alice'",
];

/// Waits until nobody is logged in as `alice`: a session that a client has left takes a moment to end.
fn alone(su: &mut Client) {
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'alice'";
    wait_until("alice's sessions have ended", SOON, || {
        text(su, sessions) == "0"
    });
}

fn name_in(sql: &str) -> &str {
    if sql.contains("bob") {
        "bob"
    } else {
        "alice"
    }
}

#[test]
fn with_a_key_file_no_result_has_the_password_and_the_url_logs_in() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let mut before = cluster.url("alice");
    for sql in MAKING {
        alone(&mut su);
        assert_eq!(one(&mut su, sql), None, "{sql}");
        let url = cluster.url(name_in(sql));
        assert_ne!(url, before);
        cluster.connect(&url).unwrap();
        if name_in(sql) == "alice" {
            assert_eq!(
                sqlstate(&cluster.connect(&before).err().unwrap()),
                "28P01",
                "{sql}"
            );
            before = url;
        }
    }
    let sealed = "SELECT count(*), count(DISTINCT s.role) FROM credentials.secret s";
    let counts = su.query_one(sealed, &[]).unwrap();
    assert_eq!(
        (counts.get::<_, i64>(0), counts.get::<_, i64>(1)),
        (3, 3),
        "older passwords are kept"
    );
}

#[test]
fn without_a_key_file_the_result_has_the_password_once_and_nothing_is_stored() {
    let (mut su, cluster) = set_up(Cluster::builder().key_file(false).start());
    let first = text(&mut su, "SELECT password FROM credentials.create('alice')");
    cluster.remember_secret(&first);
    cluster.login("alice", &first, "app").unwrap();
    for sql in MAKING {
        alone(&mut su);
        let password = text(&mut su, sql);
        cluster.remember_secret(&password);
        assert_eq!(password.len(), 65, "{sql}");
        cluster.login(name_in(sql), &password, "app").unwrap();
    }
    for sql in [
        "SELECT credentials.url('alice')",
        "SELECT url FROM credentials.connection_info('alice')",
    ] {
        let (url, said) = psql(&cluster, "app", sql);
        assert_eq!(
            url,
            format!(
                "postgres://alice@127.0.0.1:{}/app?sslmode=prefer",
                cluster.port()
            )
        );
        assert!(
            said.contains("no password of credential \"alice\" is stored"),
            "{said}"
        );
    }
    let (told, _) = psql(&cluster, "app", "SELECT password IS NULL FROM credentials.set_password('alice', 'a password that somebody chose')");
    assert_eq!(told, "t", "a chosen password was told");
    assert_eq!(
        text(&mut su, "SELECT count(*) FROM credentials.secret"),
        "0"
    );
    expect_error(&mut su, "SELECT credentials.reseal()", "55000");
}

#[test]
fn who_rotates_what_it_logged_in_as_is_told_the_password_with_a_key_file_too() {
    let (mut su, cluster) = ready();
    steps(
        &mut su,
        &[
            "SELECT credentials.rotate('default', force => true)",
            "SELECT credentials.wait('default')",
        ],
    );
    let mut own = cluster.connect(&cluster.url("default")).unwrap();
    let told = text(
        &mut own,
        "SELECT password FROM credentials.rotate('default', force => true)",
    );
    cluster.remember_secret(&told);
    cluster.login("app_owner", &told, "app").unwrap();
    wait_until("the caller's session ends with the others", SOON, || {
        own.simple_query("SELECT 1").is_err()
    });
    // As somebody else, under another's name, it is told nothing.
    let masked = "SET SESSION AUTHORIZATION app_owner; SELECT password FROM credentials.rotate('default', force => true)";
    assert_eq!(one(&mut su, masked), None);
}

#[test]
fn who_rotates_what_it_logged_in_as_gets_its_answer_and_no_more_time_than_for_that() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.set_password('default')")
        .unwrap();
    let rotate = |seconds: f32| {
        format!("BEGIN; SELECT credentials.rotate('default', force => true); COMMIT; SELECT pg_sleep({seconds})")
    };
    let mut own = cluster.connect(&cluster.url("default")).unwrap();
    own.simple_query(&rotate(0.4)).unwrap();
    wait_until("the caller's session ends with the others", SOON, || {
        own.simple_query("SELECT 1").is_err()
    });
    let mut own = cluster.connect(&cluster.url("default")).unwrap();
    let error = own.simple_query(&rotate(600.0)).unwrap_err();
    // The client reads the server's word, or finds the connection closed.
    let word = error.code().map(|code| code.code());
    assert!(word.is_none_or(|word| word == "57P01"), "{error:?}");
}

#[test]
fn sealed_passwords_become_unreadable_without_the_setting_and_come_back_with_it() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    point_to(&cluster, "");
    let mut su = cluster.superuser("app");
    let error = expect_error(&mut su, "SELECT credentials.url('alice')", "55000");
    assert!(
        error
            .as_db_error()
            .unwrap()
            .message()
            .contains("is not set"),
        "{error:?}"
    );
    let shown = text(
        &mut su,
        "SELECT password FROM credentials.rotate('alice', force => true)",
    );
    cluster.remember_secret(&shown);
    cluster.login("alice", &shown, "app").unwrap();
    point_to(&cluster, cluster.key_file().to_str().unwrap());
    let url = cluster.url("alice");
    assert!(
        !url.contains(&shown) && url.contains("//alice@"),
        "a password that is no longer good is told"
    );
}

#[test]
fn keys_are_exchanged_with_a_new_one_first_and_reseal() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice'); SELECT credentials.create('bob'); SELECT credentials.rotate('default', force => true)").unwrap();
    let urls = ["alice", "bob", "default"].map(|name| cluster.url(name));
    let old = fs::read(cluster.key_file()).unwrap();
    let new: Vec<u8> = old.iter().rev().map(|b| b ^ 0x5a).collect();
    let told = |what: &str| {
        let now = ["alice", "bob", "default"].map(|name| cluster.url(name));
        assert_eq!(now, urls, "{what}");
    };
    // Written over in place, so owner and mode stay.
    fs::write(cluster.key_file(), [new.clone(), old.clone()].concat()).unwrap();
    told("the second key opens");
    let resealed = "SELECT string_agg(name, ' ') FROM credentials.reseal()";
    assert_eq!(text(&mut su, resealed), "default alice bob");
    assert_eq!(
        one(&mut su, resealed),
        None,
        "a second time there is nothing to do"
    );
    told("after reseal");
    fs::write(cluster.key_file(), &new).unwrap();
    told("the old key is gone");
    cluster.connect(&urls[0]).unwrap();
    fs::write(cluster.key_file(), &old).unwrap();
    expect_error(&mut su, "SELECT credentials.url('alice')", "55000");
    fs::write(cluster.key_file(), &new).unwrap();
}

#[test]
fn reseal_without_the_old_key_changes_nothing() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice'); SELECT credentials.create('bob')")
        .unwrap();
    let old = fs::read(cluster.key_file()).unwrap();
    let new: Vec<u8> = old.iter().map(|b| b ^ 0x5a).collect();
    fs::write(cluster.key_file(), &new).unwrap();
    su.batch_execute("SELECT credentials.rotate('bob', force => true)")
        .unwrap();
    steps(&mut su, &["SELECT credentials.wait('bob')"]);
    let before = fingerprint(&mut su);
    expect_error(&mut su, "SELECT credentials.reseal()", "55000");
    assert_eq!(fingerprint(&mut su), before);
}

#[test]
fn reseal_reaches_the_password_of_a_rotation_that_still_waits() {
    let (mut su, cluster) = ready();
    su.batch_execute("CREATE ROLE plain LOGIN; SELECT credentials.create('alice')")
        .unwrap();
    // A superuser's transaction is ended by nobody, so the rotation waits.
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; ALTER ROLE alice CONNECTION LIMIT 7")
        .unwrap();
    su.batch_execute("SELECT credentials.rotate('alice', force => true)")
        .unwrap();
    assert_eq!(text(&mut su, "SELECT count(*) FROM credentials.secret s JOIN pg_roles r ON r.oid = s.role WHERE rolname = 'alice'"), "2");
    let old = fs::read(cluster.key_file()).unwrap();
    let new: Vec<u8> = old.iter().map(|b| b ^ 0x5a).collect();
    fs::write(cluster.key_file(), [new.clone(), old].concat()).unwrap();
    assert_eq!(
        text(
            &mut su,
            "SELECT string_agg(name, ' ') FROM credentials.reseal() WHERE name = 'alice'"
        ),
        "alice"
    );
    fs::write(cluster.key_file(), &new).unwrap();
    holder.batch_execute("ROLLBACK").unwrap();
    su.batch_execute("SELECT credentials.wait('alice')")
        .unwrap();
    cluster
        .connect(&cluster.url("alice"))
        .expect("the new password, with the new key alone");
}
