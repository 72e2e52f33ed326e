//! The limit of credentials holds however many try at once, at any isolation level.

use std::sync::Barrier;
use std::thread;

use postgres::Client;

use crate::harness::{sqlstate, Cluster};
use crate::held::people::{owner, waited};

const LEVELS: [&str; 3] = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];
const SESSIONS: usize = 30;

fn with_limit(limit: usize) -> Cluster {
    let cluster = Cluster::builder()
        .setting("credential_manager.max_credentials", &limit.to_string())
        .start();
    cluster.setup();
    let filled = "SELECT count(*) FROM generate_series(1, $1::int) g, credentials.create('filler' || g, login => false)";
    let fillers = i32::try_from(limit - 2).unwrap();
    cluster
        .superuser("app")
        .query_one(filled, &[&fillers])
        .unwrap();
    cluster
}

/// All call at once, each in a transaction whose snapshot is older than the others' commits; gives how each ended.
fn at_once(
    sessions: &mut [Client],
    level: &str,
    call: impl Fn(usize) -> String + Sync,
) -> Vec<String> {
    let start = Barrier::new(sessions.len());
    thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .iter_mut()
            .enumerate()
            .map(|(number, session)| {
                let (start, call) = (&start, &call);
                scope.spawn(move || {
                    session
                        .batch_execute(&format!(
                            "BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM pg_class"
                        ))
                        .unwrap();
                    start.wait();
                    let ended = session
                        .batch_execute(&format!("SELECT credentials.{}; COMMIT", call(number)));
                    let state = ended.err().map(|e| sqlstate(&e));
                    session.batch_execute("ROLLBACK").unwrap();
                    state.unwrap_or_else(|| "made".to_owned())
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

fn one_of_thirty(cluster: &Cluster, limit: usize, rounds: usize) {
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| owner(cluster)).collect();
    let mut superuser = cluster.superuser("app");
    for round in 0..rounds {
        let level = LEVELS[round % 3];
        let mut ended = at_once(&mut sessions, level, |n| {
            format!("create('one{round}_{n}', login => false)")
        });
        ended.sort();
        let mut expected = vec!["53400".to_owned(); SESSIONS - 1];
        expected.push("made".to_owned());
        assert_eq!(ended, expected, "round {round} at {level}");
        let row = superuser.query_one(
            "SELECT count(*), min(name) FILTER (WHERE name LIKE 'one%') FROM credentials.list()",
            &[],
        );
        let row = row.unwrap();
        assert_eq!(row.get::<_, i64>(0), i64::try_from(limit).unwrap());
        let made: String = row.get(1);
        superuser
            .execute("SELECT credentials.destroy($1, confirm => 'app')", &[&made])
            .unwrap();
        assert_eq!(waited(cluster, &made), "destroyed");
    }
}

#[test]
fn of_thirty_sessions_that_create_the_hundred_and_twentieth_credential_exactly_one_succeeds() {
    let cluster = with_limit(120);
    one_of_thirty(&cluster, 120, 10);
}

#[test]
fn of_two_sessions_that_create_the_same_name_one_wins_and_the_other_is_told_that_it_exists() {
    let cluster = with_limit(20);
    let mut sessions: Vec<_> = (0..2).map(|_| owner(&cluster)).collect();
    let mut superuser = cluster.superuser("app");
    for round in 0..9 {
        let level = LEVELS[round % 3];
        let mut ended = at_once(&mut sessions, level, |_| "create('same')".to_owned());
        ended.sort();
        assert_eq!(ended, ["42710", "made"], "round {round} at {level}");
        superuser
            .batch_execute("SELECT credentials.destroy('same', confirm => 'app')")
            .unwrap();
        assert_eq!(waited(&cluster, "same"), "destroyed");
    }
    let mut plain: Vec<_> = (0..2).map(|_| cluster.superuser("app")).collect();
    for _ in 0..3 {
        let (mut ours, mut theirs) = (plain.pop().unwrap(), plain.pop().unwrap());
        theirs.batch_execute("BEGIN; CREATE ROLE same").unwrap();
        let made = thread::scope(|scope| {
            let made = scope.spawn(|| ours.batch_execute("SELECT credentials.create('same')"));
            theirs.batch_execute("COMMIT").unwrap();
            made.join().unwrap()
        });
        assert_eq!(
            sqlstate(&made.unwrap_err()),
            "42710",
            "a plain CREATE ROLE was faster"
        );
        theirs.batch_execute("DROP ROLE same").unwrap();
        plain = vec![ours, theirs];
    }
}
