//! Names and passwords that nobody thought of: taken exactly where the rules, written here a second time, say so.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::{Config, TestRunner};

use super::{Caller, Scene};
use crate::harness::{sqlstate, Cluster};

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases: if super::long() { cases * 10 } else { cases },
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    })
}

fn regex(pattern: &str) -> impl Strategy<Value = String> {
    string_regex(pattern).expect("a pattern")
}

/// Texts near the rules for names: of the right characters, with a reserved word in them, or anything at all.
fn name() -> impl Strategy<Value = String> {
    let words = "(rds|pg_|db_reader_|db_writer_|db_owner_|postgres|heroku|owner|default|admin|collectd|public|none\
                 |user|all|-rotating|RDS|Pg_|PostGres|OWNER|None|-Rotating)";
    prop_oneof![
        4 => "[A-Za-z0-9_-]{0,55}",
        2 => regex(&format!("[A-Za-z0-9_-]{{0,6}}{words}[A-Za-z0-9_-]{{0,6}}")),
        2 => regex(words),
        1 => "[ -~]{0,60}",
        1 => "\\PC{0,52}",
        1 => "[a-z\\n\\t\\u{1}\\u{7f}\\u{430}\\u{ff41}\\u{200b}]{1,12}",
    ]
}

/// SPEC section 4, Names, `heroku`: the SQLSTATE, or nothing where the name is good.
fn judged(name: &str) -> Option<&'static str> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 50 || !name.chars().all(good) {
        return Some("42602");
    }
    let folded = name.to_lowercase();
    let words = ["heroku", "owner", "default", "admin", "collectd"];
    let special = [
        "public",
        "none",
        "current_user",
        "current_role",
        "session_user",
        "user",
        "all",
        "replication",
        "samerole",
        "sameuser",
    ];
    let starts = ["rds", "pg_", "db_reader_", "db_writer_", "db_owner_"];
    let reserved = words.contains(&folded.as_str())
        || special.contains(&folded.as_str())
        || starts.iter().any(|start| folded.starts_with(start))
        || folded.ends_with("-rotating")
        || folded.contains("postgres");
    reserved.then_some("42939")
}

#[test]
fn a_random_name_is_taken_exactly_where_the_rules_say_so() {
    let scene = RefCell::new(Scene::new());
    let taken = RefCell::new(0);
    let outcome = runner(250).run(&name(), |name| {
        let own = &mut scene.borrow_mut().own;
        let mut transaction = own.transaction().unwrap();
        let made = transaction.query(
            "SELECT name, username FROM credentials.create($1)",
            &[&name],
        );
        match (made, judged(&name)) {
            (Ok(rows), None) => {
                prop_assert_eq!(rows[0].get::<_, String>(0), name.clone());
                prop_assert_eq!(rows[0].get::<_, String>(1), name.clone());
                *taken.borrow_mut() += 1;
            }
            (Err(error), Some(state)) => prop_assert_eq!(sqlstate(&error), state, "{:?}", name),
            (Ok(_), Some(state)) => prop_assert!(false, "taken, {state} expected: {name:?}"),
            (Err(error), None) => prop_assert!(false, "{error:?}: {name:?}"),
        }
        transaction.rollback().unwrap();
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(*taken.borrow() > 20, "few names were good");
}

/// Texts near the rules for passwords.
fn password() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{20,68}",
        3 => "[!#-&(-~]{24,64}",
        // The generator is fond of quotes.
        4 => "\\PC{20,68}".prop_map(|text| text.replace(['"', '\''], "x")),
        1 => "\\PC{20,68}",
        1 => "[a-z\\u{e9}\\u{2168}\\u{aa}\\u{a0}\\u{ad}\\u{5d0}\\u{627}\\u{1F600}]{24,64}",
        1 => "[a-z\\n\\u{0}-\\u{1f}\\u{80}-\\u{9f}]{24,30}".prop_map(|text| text.replace('\0', "\u{1}")),
        1 => "(md5|MD5)[0-9a-f]{21,35}",
        1 => "SCRAM-SHA-256\\$4096:[A-Za-z0-9+/=$:]{5,50}",
    ]
}

/// SPEC section 4, Passwords: whether the text may be one. What looks like a verifier, and no generator here makes a
/// whole one, is refused.
fn may_be(password: &str) -> bool {
    let folded = password.to_lowercase();
    let length = password.chars().count();
    let forbidden = |c: char| c == '"' || c == '\'' || c.is_control();
    (24..=64).contains(&length)
        && !password.contains(forbidden)
        && !folded.starts_with("md5")
        && !folded.contains("scram-sha-256")
}

/// Whether libpq logs in over TCP, which prepares a password with tables of its own.
fn libpq_logs_in(cluster: &Cluster, password: &str) -> bool {
    let mut psql = cluster.client_command("psql");
    psql.args([
        "-X",
        "-w",
        "-h",
        "127.0.0.1",
        "-U",
        "newcomer",
        "-c",
        "SELECT 1",
    ])
    .env("PGPASSWORD", password);
    psql.output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_random_password_is_taken_exactly_where_the_rules_say_so_and_then_logs_in() {
    let scene = RefCell::new(Scene::new());
    scene
        .borrow_mut()
        .accepted(Caller::Default, "create('newcomer')");
    let taken = RefCell::new(0);
    let outcome = runner(80).run(&password(), |password| {
        let scene = &mut *scene.borrow_mut();
        let set = scene.own.query(
            "SELECT password FROM credentials.set_password('newcomer', $1)",
            &[&password],
        );
        match (set, may_be(&password)) {
            (Ok(rows), true) => {
                prop_assert_eq!(rows[0].get::<_, Option<String>>(0), None);
                let login = scene.cluster.login("newcomer", &password, "app");
                prop_assert!(login.is_ok(), "{:?}: {:?}", password, login.err());
                prop_assert!(libpq_logs_in(&scene.cluster, &password), "{:?}", password);
                *taken.borrow_mut() += 1;
            }
            (Err(error), false) => {
                prop_assert_eq!(sqlstate(&error), "22023", "{:?}", password)
            }
            (Ok(_), false) => prop_assert!(false, "taken: {password:?}"),
            (Err(error), true) => prop_assert!(false, "{error:?}: {password:?}"),
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(
        *taken.borrow() > 15,
        "{} passwords were good",
        taken.borrow()
    );
}

#[test]
fn a_random_password_at_create_logs_in_and_no_other_does() {
    let scene = RefCell::new(Scene::new());
    let number = RefCell::new(0);
    let outcome = runner(16).run(&"[!#-&(-~]{24,64}", |password| {
        let scene = &mut *scene.borrow_mut();
        *number.borrow_mut() += 1;
        // A generator of printable characters may hit on what looks like a verifier; the rules refuse that.
        prop_assume!(may_be(&password));
        let name = format!("newcomer_{}", number.borrow());
        let made = scene.own.query(
            "SELECT password FROM credentials.create($1, password => $2)",
            &[&name, &password],
        );
        prop_assert!(made.is_ok(), "{:?}", made.err());
        let right = scene.cluster.login(&name, &password, "app");
        prop_assert!(right.is_ok(), "{:?}", right.err());
        let other = format!("{password}x");
        prop_assert!(scene.cluster.login(&name, &other, "app").is_err());
        scene
            .su
            .query("SELECT credentials.release($1)", &[&name])
            .unwrap();
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
