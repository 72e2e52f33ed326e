//! Signals to the watch: it comes back and goes on, and default cannot send any.

use rustix::process::{kill_process, Pid, Signal};

use super::{is_idle, processes};
use crate::harness::{expect_error, wait_until, Cluster, SOON};
use crate::held::people::{
    created, no_trouble_in_the_log, only_the_managed_password_logs_in, owner, ready, waited,
    SECONDS,
};

/// A forced rotation that a superuser holds up, so that a worker is at it.
fn with_a_worker(cluster: &Cluster) -> (postgres::Client, String, i32) {
    let old = created(cluster, "analyst");
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute("BEGIN; ALTER ROLE analyst CONNECTION LIMIT 5")
        .unwrap();
    owner(cluster)
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    let mut found = Vec::new();
    wait_until("a worker is at it", SOON, || {
        found = processes(cluster, "worker");
        !found.is_empty()
    });
    (holder, old, found[0])
}

#[test]
fn a_worker_that_a_superuser_ends_comes_back_and_goes_on() {
    let cluster = ready();
    let (mut holder, old, worker) = with_a_worker(&cluster);
    let mut superuser = cluster.superuser("postgres");
    superuser
        .execute("SELECT pg_terminate_backend($1)", &[&worker])
        .unwrap();
    wait_until("another worker is at it", SOON, || {
        processes(&cluster, "worker")
            .iter()
            .any(|pid| *pid != worker)
    });
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old]);
    no_trouble_in_the_log(&cluster);
}

#[test]
fn nobody_is_besieged_in_the_name_of_a_worker_that_was_ended() {
    let cluster = ready();
    let (mut holder, _, worker) = with_a_worker(&cluster);
    let mut superuser = cluster.superuser("postgres");
    let in_the_queue = "SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'";
    wait_until("the worker stands in the queue", SOON, || {
        !superuser
            .query(in_the_queue, &[&worker])
            .unwrap()
            .is_empty()
    });
    let launcher = processes(&cluster, "launcher")[0];
    superuser
        .execute("SELECT pg_terminate_backend($1)", &[&worker])
        .unwrap();
    wait_until("the worker has ended", SOON, || {
        !processes(&cluster, "worker").contains(&worker)
    });
    // Between two workers the launcher sleeps: it does not look for blockers of one that is gone, whose
    // number may be another's by now.
    let before = looks(launcher);
    wait_until("another worker is at it", SOON, || {
        !processes(&cluster, "worker").is_empty()
    });
    let looked = looks(launcher) - before;
    assert!(looked < 50, "the launcher looked {looked} times");
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
}

/// How many times a process has gone to sleep.
fn looks(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn a_launcher_that_a_superuser_ends_comes_back_and_there_is_never_a_second_worker_at_the_jobs() {
    let cluster = Cluster::builder()
        .setting("log_min_messages", "debug1")
        .start();
    cluster.setup();
    let (mut holder, old, worker) = with_a_worker(&cluster);
    let launcher = processes(&cluster, "launcher")[0];
    let mark = cluster.log().len();
    cluster
        .superuser("postgres")
        .execute("SELECT pg_terminate_backend($1)", &[&launcher])
        .unwrap();
    wait_until("another launcher is there", SOON, || {
        processes(&cluster, "launcher")
            .iter()
            .any(|pid| *pid != launcher)
    });
    // Work is left again, so that the new launcher has reason to start a worker: each sees the first and leaves.
    created(&cluster, "reporter");
    owner(&cluster)
        .batch_execute("SELECT credentials.rotate('reporter', force => true)")
        .unwrap();
    wait_until("workers were started and have left", SOON, || {
        let started = "starting background worker process \"credential_manager worker\"";
        cluster.log()[mark..].matches(started).count() >= 3
    });
    assert_eq!(waited(&cluster, "reporter"), "active");
    assert!(
        processes(&cluster, "worker").contains(&worker),
        "the first worker left"
    );
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old]);
    is_idle(&cluster);
}

#[test]
fn kill_9_of_a_worker_restarts_the_server_and_the_job_goes_on() {
    let cluster = ready();
    let (_holder, old, worker) = with_a_worker(&cluster);
    kill_process(Pid::from_raw(worker).unwrap(), Signal::KILL).unwrap();
    wait_until("the server is back", SOON, || {
        cluster
            .log()
            .contains("all server processes terminated; reinitializing")
            && cluster.psql(&["-c", "SELECT 1"], "").status.success()
    });
    assert_eq!(waited(&cluster, "analyst"), "active");
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old]);
}

#[test]
fn default_cannot_end_or_cancel_the_watch() {
    let cluster = ready();
    let (mut holder, _, worker) = with_a_worker(&cluster);
    let launcher = processes(&cluster, "launcher")[0];
    let mut owner = owner(&cluster);
    for pid in [worker, launcher] {
        for function in ["pg_terminate_backend", "pg_cancel_backend"] {
            expect_error(&mut owner, &format!("SELECT {function}({pid})"), "42501");
        }
    }
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
}

#[test]
fn sessions_of_a_forced_rotation_end_while_a_long_move_is_under_way() {
    let cluster = Cluster::builder()
        .setting("credential_manager.batch_size", "1")
        .start();
    cluster.setup();
    created(&cluster, "big");
    let old = created(&cluster, "analyst");
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute(
            "CREATE SCHEMA s AUTHORIZATION big;
             DO $$ BEGIN FOR i IN 1..1500 LOOP EXECUTE format('CREATE TABLE s.t%s ()', i);
               EXECUTE format('ALTER TABLE s.t%s OWNER TO big', i); END LOOP; END $$",
        )
        .unwrap();
    let mut session = cluster.login("analyst", &old, "app").unwrap();
    superuser
        .batch_execute("SELECT credentials.destroy('big', confirm => 'app')")
        .unwrap();
    wait_until("the move is under way", SOON, || {
        let done = superuser
            .query_one("SELECT max(done) FROM credentials.jobs()", &[])
            .unwrap();
        done.get::<_, Option<i64>>(0).is_some_and(|done| done > 5)
    });
    superuser
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    wait_until("the session is ended", SECONDS, || {
        session.simple_query("SELECT 1").is_err()
    });
    let left = "SELECT count(*) FROM pg_class WHERE relowner = 'big'::regrole";
    let row = superuser.query_one(left, &[]);
    assert!(
        row.is_ok_and(|r| r.get::<_, i64>(0) > 0),
        "the move was over, so nothing was shown"
    );
    assert_eq!(waited(&cluster, "big"), "destroyed");
}
