//! Rules 4 and 13: what runs with a superuser's rights calls nobody's code and waits for nobody's lock.

use crate::harness::{expect_error, Cluster};
use crate::scene::{ask, column, idle, run, Scene};

#[test]
fn rule_04_and_13_a_hostile_owner_springs_no_trap_on_calls_or_worker() {
    let mut scene = Scene::hostile();
    let mut c1 = scene.credential("c1");
    run(&mut scene.su, "GRANT CREATE ON SCHEMA public TO c1");
    // A session in front whose own path and temporary tables stand in for ours.
    run(
        &mut scene.own,
        "SET search_path = evil, pg_catalog, public;
         CREATE TEMP TABLE credential (role oid, name text); CREATE TEMP TABLE event (id bigint); CREATE TEMP TABLE job (id bigint);
         CREATE TEMP TABLE pg_authid (oid oid, rolname name); CREATE TEMP TABLE pg_database (oid oid)",
    );
    run(&mut c1, "CREATE TABLE public.t (n int)");
    for call in [
        "create('c2')",
        "list()",
        "url('c2')",
        "connection_info('c2')",
        "configure('c2', 3, '{\"work_mem\": \"4MB\"}')",
        "rotate('c1', force => true)",
        "set_password('c2')",
        "suspend('c2')",
        "resume('c2')",
        "usernames()",
        "jobs()",
        "events()",
        "repair_plan()",
        "destroy_plan('c1')",
        "destroy('c1', 'app')",
    ] {
        run(&mut scene.own, &format!("SELECT * FROM credentials.{call}"));
    }
    scene.settle();
    run(&mut scene.own, "SELECT credentials.repair_default()");
    scene.settle();
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
    assert_eq!(
        column(&mut scene.su, "SELECT rolname FROM pg_roles WHERE rolsuper"),
        ["postgres"]
    );
    // That no trap was sprung is an invariant of every test.
    scene.cluster.check_invariants();
}

#[test]
fn rule_13_the_worker_runs_as_the_bootstrap_superuser_whatever_its_role_is_set_to() {
    let mut scene = Scene::new();
    let c1 = scene.credential("c1");
    run(
        &mut scene.su,
        "ALTER DATABASE app SET role = 'app_owner'; ALTER DATABASE app SET default_transaction_read_only = on;
         ALTER DATABASE app SET statement_timeout = '1ms'; ALTER DATABASE app SET default_transaction_deferrable = on;
         ALTER DATABASE app SET default_transaction_isolation = 'serializable'; ALTER DATABASE app SET lock_timeout = '1ms';
         ALTER DATABASE app SET idle_in_transaction_session_timeout = '1ms'",
    );
    run(&mut scene.own, "SELECT credentials.destroy('c1', 'app')");
    drop(c1);
    scene.settle();
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
    run(&mut scene.su, "ALTER DATABASE app RESET ALL");
}

#[test]
fn rule_13_no_lock_that_a_user_can_take_stops_anything() {
    let mut scene = Scene::new();
    let c1 = scene.credential("c1");
    let mut svc = scene.stranger("svc", "");
    // All of ours that a stranger may try, and every advisory lock of a small space, exclusively.
    for table in ["credential", "job", "event", "secret", "installation"] {
        for client in [&mut svc, &mut scene.own] {
            run(client, "BEGIN");
            let lock = format!("LOCK TABLE credentials.{table} IN ACCESS SHARE MODE");
            expect_error(client, &lock, "42501");
            run(client, "ROLLBACK");
        }
        expect_error(
            &mut scene.own,
            &format!("SELECT * FROM credentials.{table} FOR UPDATE"),
            "42501",
        );
    }
    run(
        &mut svc,
        "BEGIN; SELECT pg_advisory_lock(n) FROM generate_series(0, 200) n;
         SELECT pg_advisory_lock(hashtext('credentials')); SELECT pg_advisory_lock(hashtext('credential_manager'))",
    );
    run(
        &mut scene.own,
        "SELECT credentials.create('c2'); SELECT credentials.destroy('c1', 'app')",
    );
    drop(c1);
    scene.settle();
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
}

#[test]
fn rule_13_a_forged_or_flooded_notification_does_nothing() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    run(&mut c1, "SELECT pg_catalog.pg_notify('credentials', 'destroy default ' || n) FROM pg_catalog.generate_series(1, 500) n");
    scene.settle();
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.list()"),
        "2"
    );
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.job"),
        "0"
    );
}

#[test]
fn rule_13_default_cannot_signal_the_worker() {
    let cluster = Cluster::builder()
        .setting("log_min_messages", "info")
        .start();
    let mut scene = Scene::on(cluster);
    idle(&mut scene.su);
    let workers = "SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'credential_manager%'";
    let pids = column(&mut scene.su, workers);
    assert!(!pids.is_empty(), "the launcher runs");
    for pid in &pids {
        expect_error(
            &mut scene.own,
            &format!("SELECT pg_catalog.pg_terminate_backend({pid})"),
            "42501",
        );
        expect_error(
            &mut scene.own,
            &format!("SELECT pg_catalog.pg_cancel_backend({pid})"),
            "42501",
        );
    }
    assert_eq!(column(&mut scene.su, workers), pids);
}
