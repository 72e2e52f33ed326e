//! What a server can run out of, and who can stand in the way: the state stays true, the log says once what is wrong,
//! and the rotation goes on when it can.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;

use postgres::Client;

use super::ends;
use crate::harness::{sqlstate, wait_until, Builder, Cluster, SOON};
use crate::scene::{ask, idle, run};

fn quick() -> Builder {
    Cluster::builder().setting("credential_manager.rotation_linger", "0")
}

/// A cluster with the credential, and its first URL.
fn created(builder: Builder) -> (Cluster, String) {
    let cluster = builder.start();
    cluster.setup();
    run(
        &mut cluster.superuser("app"),
        "SELECT credentials.create('worked')",
    );
    let url = cluster.url("worked");
    (cluster, url)
}

/// Orders a rotation that is due at once where nobody is connected.
fn order(cluster: &Cluster) {
    run(
        &mut cluster.superuser("app"),
        "SELECT credentials.rotate('worked', overlap => '1 ms', grace => '1 ms')",
    );
}

#[track_caller]
fn ended(cluster: &Cluster, old: &str) {
    ends(&mut cluster.superuser("app"), "when it can");
    assert!(cluster.connect(&cluster.url("worked")).is_ok());
    assert!(cluster.connect(old).is_err(), "the old password is good");
}

fn times(cluster: &Cluster, words: &str) -> usize {
    cluster.log().matches(words).count()
}

#[test]
fn without_a_free_worker_process_it_waits_the_log_says_so_once_and_it_goes_on_when_there_is_one() {
    // One for the server's own launcher, one for ours, and one that somebody else takes.
    let (cluster, old) = created(quick().setting("max_worker_processes", "3"));
    run(&mut cluster.superuser("app"), "SELECT credentials.wait()");
    idle(&mut cluster.superuser("app"));
    let (pid, hog) = hog(&cluster);
    order(&cluster);
    let words = "no background worker is free";
    wait_until("the log says what is wrong", SOON, || {
        times(&cluster, words) > 0
    });
    // Both passwords are good, each under its own name.
    assert!(cluster.connect(&old).is_ok() && cluster.connect(&cluster.url("worked")).is_ok());
    order_of_another(&cluster);
    assert_eq!(times(&cluster, words), 1, "it is said once");
    run(
        &mut cluster.superuser("app"),
        &format!("SELECT pg_cancel_backend({pid})"),
    );
    hog.join().unwrap();
    ended(&cluster, &old);
    assert_eq!(times(&cluster, words), 1, "it is said once");
}

/// One more commit that leaves work, so that the launcher looks again.
fn order_of_another(cluster: &Cluster) {
    let mut su = cluster.superuser("app");
    run(
        &mut su,
        "SELECT credentials.create('other'); SELECT credentials.rotate('other', force => true)",
    );
}

/// A session whose query runs in a parallel worker, and so takes the last free slot. The postmaster lets go of the
/// slot of a worker that ended when it comes to it: a query that found none is begun anew.
fn hog(cluster: &Cluster) -> (String, thread::JoinHandle<()>) {
    let mut client = cluster.superuser("app");
    let pid = ask(&mut client, "SELECT pg_backend_pid()");
    let has_slot = Arc::new(AtomicBool::new(false));
    let seen = has_slot.clone();
    let hog = thread::spawn(move || {
        // The setting has another name from PostgreSQL 16 on.
        let force = if cfg!(feature = "pg15") {
            "force_parallel_mode"
        } else {
            "debug_parallel_query"
        };
        let query = &format!(
            "SET {force} = on; SET max_parallel_workers_per_gather = 1; SELECT pg_sleep(600)"
        );
        loop {
            let ended = client
                .batch_execute(query)
                .expect_err("it is to be cancelled");
            assert_eq!(sqlstate(&ended), "57014");
            if seen.load(Ordering::SeqCst) {
                break;
            }
        }
    });
    let mut su = cluster.superuser("app");
    let taken = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'";
    let anew = format!(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
          WHERE pid = {pid} AND state = 'active' AND query_start < clock_timestamp() - interval '1 s'
            AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'parallel worker')"
    );
    wait_until("the last slot is taken", SOON, || {
        run(&mut su, &anew);
        ask(&mut su, taken) == "1"
    });
    has_slot.store(true, Ordering::SeqCst);
    (pid, hog)
}

#[test]
fn with_the_home_database_closed_to_connections_it_ends_all_the_same() {
    let (cluster, old) = created(quick());
    let mut elsewhere = cluster.superuser("postgres");
    let mut worked = cluster.connect(&old).unwrap();
    run(
        &mut cluster.superuser("app"),
        "SELECT credentials.rotate('worked', overlap => '1 ms', grace => '700 ms')",
    );
    run(
        &mut elsewhere,
        "ALTER DATABASE app ALLOW_CONNECTIONS false CONNECTION LIMIT 0",
    );
    wait_until("the twin goes", SOON, || {
        ask(
            &mut elsewhere,
            "SELECT count(*) FROM pg_roles WHERE rolname ~ '-rotating$'",
        ) == "0"
    });
    assert!(worked.batch_execute("SELECT 1").is_err(), "an old session");
    run(
        &mut elsewhere,
        "ALTER DATABASE app ALLOW_CONNECTIONS true CONNECTION LIMIT -1",
    );
    ended(&cluster, &old);
}

#[test]
fn with_a_full_lock_table_the_state_stays_true_and_it_goes_on_when_there_is_room() {
    let small = quick()
        .setting("max_connections", "20")
        .setting("max_locks_per_transaction", "10");
    let (cluster, old) = created(small);
    let mut su = cluster.superuser("app");
    let mut hog = cluster.superuser("app");
    run(
        &mut su,
        "SELECT credentials.rotate('worked', overlap => '300 ms', grace => '300 ms')",
    );
    let full = hog
        .batch_execute("SELECT pg_advisory_lock(i) FROM generate_series(1, 100000) i")
        .expect_err("the lock table is full");
    assert_eq!(sqlstate(&full), "53200");
    wait_until("the worker has met it, or was through before", SOON, || {
        times(&cluster, "out of shared memory") > 1 || cluster.connect(&old).is_err()
    });
    // Whatever the worker could do by then: one of the two is told, and it logs in.
    let mut told = None;
    wait_until("there is room for a login", SOON, || {
        let _ = hog.batch_execute("SELECT pg_advisory_unlock(i) FROM generate_series(1, 200) i");
        told = std::panic::catch_unwind(|| cluster.url("worked")).ok();
        told.is_some()
    });
    assert!(cluster.connect(&told.unwrap()).is_ok());
    run(&mut hog, "SELECT pg_advisory_unlock_all()");
    ended(&cluster, &old);
}

#[test]
fn a_call_that_is_cancelled_changes_nothing_and_a_worker_that_is_ended_is_followed_by_another() {
    let (cluster, old) = created(quick());
    let mut su = cluster.superuser("app");
    let mut holder = cluster.superuser("app");
    run(
        &mut holder,
        "BEGIN; SELECT credentials.configure('worked', 7)",
    );
    let mut caller = cluster.superuser("app");
    let pid = ask(&mut caller, "SELECT pg_backend_pid()");
    let call = thread::spawn(move || caller.batch_execute("SELECT credentials.rotate('worked')"));
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'"
    );
    wait_until("the call waits", SOON, || ask(&mut su, &waits) == "1");
    run(&mut su, &format!("SELECT pg_cancel_backend({pid})"));
    let cancelled = call.join().unwrap().expect_err("it was cancelled");
    assert_eq!(sqlstate(&cancelled), "57014");
    run(&mut holder, "ROLLBACK");
    assert_eq!(state(&mut su), "active");
    assert_eq!(cluster.url("worked"), old);

    let _held = cluster.connect(&old).unwrap();
    run(
        &mut su,
        "SELECT credentials.rotate('worked', overlap => '1 ms', grace => '2 s')",
    );
    let worker =
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'credential_manager worker'";
    let mut ended_one = String::new();
    wait_until("a worker is at it", SOON, || {
        ended_one = ask(&mut su, worker);
        !ended_one.is_empty()
    });
    run(
        &mut su,
        &format!("SELECT pg_terminate_backend({ended_one})"),
    );
    ended(&cluster, &old);
}

fn state(su: &mut Client) -> String {
    ask(
        su,
        "SELECT state FROM credentials.list() WHERE name = 'worked'",
    )
}

/// A small file system for the write-ahead log, unmounted at the end.
struct Small(std::path::PathBuf);

impl Small {
    /// Nothing where this machine does not let one be mounted.
    fn mount(at: &std::path::Path) -> Option<Small> {
        fs::create_dir(at).expect("a folder to mount on");
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=100m,mode=0777", "tmpfs"])
            .arg(at)
            .status();
        done.is_ok_and(|status| status.success())
            .then(|| Small(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn with_a_full_disk_for_the_log_nobody_is_locked_out_and_it_goes_on_when_there_is_room() {
    let (cluster, old) = created(quick().setting("max_wal_size", "64MB"));
    let at = cluster.home().join("small");
    let Some(_small) = Small::mount(&at) else {
        eprintln!("SKIPPED: this machine lets no tmpfs be mounted, so a full disk was not tried");
        cluster.without_invariants("nothing was done");
        return;
    };
    move_log(&cluster, &at);
    // Both rotate when the disk is full: one by now with its twin, one with a session of the old password.
    run(
        &mut cluster.superuser("app"),
        "SELECT credentials.rotate('worked', overlap => '1 s', grace => '20 s')",
    );
    let told = cluster.url("worked");
    let filler = at.join("filler");
    let _ = Command::new("dd")
        .args(["if=/dev/zero", "bs=1M"])
        .arg(format!("of={}", filler.display()))
        .output();
    // The log that is there already takes some more; then the server cannot write.
    let mut su = cluster.superuser("app");
    let write = "CREATE TABLE IF NOT EXISTS filler (x text); INSERT INTO filler SELECT repeat(md5(i::text), 100) FROM generate_series(1, 20000) i";
    wait_until("the disk is full", SOON, || {
        su.batch_execute(write).is_err()
    });
    assert!(cluster.log().contains("No space left on device"));
    fs::remove_file(&filler).expect("the filler");
    if !answers(&cluster) {
        cluster.kill9();
        cluster.wait_crashed(None);
    }
    assert!(
        cluster.connect(&told).is_ok() || cluster.connect(&cluster.url("worked")).is_ok(),
        "what was told does not log in"
    );
    ended(&cluster, &old);
    cluster.stop();
    move_log_back(&cluster, &at);
    cluster.start();
}

fn answers(cluster: &Cluster) -> bool {
    let log = cluster.log();
    let last = |words: &str| log.rfind(words);
    cluster.is_running() && last("PANIC") < last("ready to accept connections")
}

/// The log's folder stands in the small file system from here on.
fn move_log(cluster: &Cluster, at: &std::path::Path) {
    cluster.stop();
    let (log, moved) = (cluster.data_dir().join("pg_wal"), at.join("pg_wal"));
    let done = Command::new("cp").arg("-a").args([&log, &moved]).status();
    assert!(done.unwrap().success());
    fs::rename(&log, cluster.data_dir().join("pg_wal.before")).unwrap();
    std::os::unix::fs::symlink(&moved, &log).unwrap();
    cluster.start();
}

fn move_log_back(cluster: &Cluster, at: &std::path::Path) {
    let log = cluster.data_dir().join("pg_wal");
    fs::remove_file(&log).unwrap();
    let done = Command::new("cp")
        .arg("-a")
        .args([&at.join("pg_wal"), &log])
        .status();
    assert!(done.unwrap().success());
}
