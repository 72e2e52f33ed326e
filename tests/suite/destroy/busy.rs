//! Objects in use: nobody waits for a destroy longer than it waits for them, and people see what it waits for
//! (THREATS T82).

use std::thread;
use std::time::{Duration, Instant};

use crate::estate;
use crate::harness::{wait_until, SOON};

/// The setting's default, and generous slack for a loaded machine: without it every reader would wait for the first.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);
const SLACK: Duration = Duration::from_secs(4);

#[test]
fn while_one_reads_a_table_other_readers_go_on_the_rest_moves_and_the_end_comes_when_the_reader_leaves(
) {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(&mut leaver, "CREATE SCHEMA s");
    for i in 0..30 {
        estate::run(
            &mut leaver,
            &format!(
                "CREATE TABLE s.t{i} (i serial PRIMARY KEY); INSERT INTO s.t{i} DEFAULT VALUES"
            ),
        );
    }
    let mut reader = cluster.superuser("app");
    estate::run(&mut reader, "BEGIN; SELECT * FROM s.t7");
    let over = estate::Over::default();
    let mut su = cluster.superuser("app");
    let (slowest, reads) = thread::scope(|scope| {
        let guard = over.when_dropped();
        let others: Vec<_> = (0..3)
            .map(|_| {
                let (over, cluster) = (&over, &cluster);
                scope.spawn(move || {
                    let mut client = cluster.superuser("app");
                    let (mut slowest, mut reads) = (Duration::ZERO, 0);
                    while !over.yet() {
                        let start = Instant::now();
                        client
                            .batch_execute("SELECT * FROM s.t7; SELECT * FROM s.t8")
                            .expect("a read");
                        slowest = slowest.max(start.elapsed());
                        reads += 1;
                        thread::yield_now();
                    }
                    (slowest, reads)
                })
            })
            .collect();
        let job = estate::order(&mut su, "leaver", "default");
        estate::wait_job(&mut su, job, "waiting", "table s.t7");
        // All else has moved, the figures say so, and the role waits.
        let left =
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relowner = 'leaver'::regrole";
        wait_until("all but one have moved", SOON, || {
            estate::number(&mut su, left) == 1
        });
        let progress = format!("SELECT total - done FROM credentials.jobs() WHERE job = {job}");
        wait_until("one is left by the figures", SOON, || {
            estate::number(&mut su, &progress) == 1
        });
        estate::run(&mut reader, "COMMIT");
        estate::wait(&cluster, "leaver");
        drop(guard);
        let seen: Vec<(Duration, u32)> = others
            .into_iter()
            .map(|other| other.join().expect("a reader"))
            .collect();
        (
            seen.iter().map(|s| s.0).max().unwrap(),
            seen.iter().map(|s| s.1).sum::<u32>(),
        )
    });
    assert!(reads > 10, "{reads} reads");
    assert!(
        slowest < LOCK_TIMEOUT + SLACK,
        "a reader waited {slowest:?}"
    );
}

#[test]
fn a_busy_destroy_does_not_hold_up_a_forced_rotation_a_suspension_or_another_destroy() {
    let cluster = estate::new();
    for name in ["leaver", "rotated", "suspended", "second"] {
        estate::credential(&cluster, name);
    }
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(&mut leaver, "CREATE SCHEMA s; CREATE TABLE s.t (i int)");
    let mut reader = cluster.superuser("app");
    estate::run(&mut reader, "BEGIN; SELECT * FROM s.t");
    let mut su = cluster.superuser("app");
    let job = estate::order(&mut su, "leaver", "default");
    estate::wait_job(&mut su, job, "waiting", "table s.t");

    let (mut stolen, mut other) = (
        estate::login(&cluster, "rotated"),
        estate::login(&cluster, "suspended"),
    );
    estate::run(&mut su, "SELECT credentials.rotate('rotated', force => true); SELECT credentials.suspend('suspended')");
    estate::wait(&cluster, "suspended");
    assert!(
        stolen.batch_execute("SELECT 1").is_err(),
        "a session of the old password goes on"
    );
    assert!(
        other.batch_execute("SELECT 1").is_err(),
        "a session of a suspended credential goes on"
    );
    estate::destroy(&cluster, "second", "default");
    assert_eq!(estate::job(&mut su, job).0, "waiting");
    estate::run(&mut reader, "COMMIT");
    estate::wait(&cluster, "leaver");
}

#[test]
fn a_table_in_use_in_another_database_is_named_with_its_database() {
    let cluster = estate::new();
    let url = estate::credential(&cluster, "leaver");
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE DATABASE second");
    estate::run(&mut su, "GRANT CREATE ON DATABASE second TO leaver");
    let mut leaver = cluster.connect(&url.replace("/app?", "/second?")).unwrap();
    estate::run(
        &mut leaver,
        "CREATE SCHEMA there; CREATE TABLE there.t (i int); CREATE TABLE there.u (i int)",
    );
    let mut reader = cluster.superuser("second");
    estate::run(&mut reader, "BEGIN; SELECT * FROM there.t");
    let job = estate::order(&mut su, "leaver", "default");
    estate::wait_job(&mut su, job, "waiting", "table there.t");
    let database = format!("SELECT database FROM credentials.jobs() WHERE job = {job}");
    assert_eq!(estate::texts(&mut su, &database), ["second"]);
    estate::run(&mut reader, "COMMIT");
    estate::wait(&cluster, "leaver");
}
