//! The old password goes only when every standby that lets people in knows the new one, or at the deadline.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use super::{ends_as_promised, login_at, user_and_password, Pair};
use crate::harness::{wait_until, Cluster, SOON};
use crate::held::people::logs_in;
use crate::scene::{ask, rows, run, Scene};

/// A program that is ended with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Running {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(quiet.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const NAMES: &str = "SELECT username, state FROM credentials.usernames('c1')";

#[test]
fn a_rotation_waits_for_a_standby_that_has_yet_to_replay_the_twin_and_no_longer() {
    let mut pair = Pair::new(&["c1"]);
    let former = user_and_password(&pair.primary.cluster.url("c1")).1;
    let mut standby = pair.standby.superuser("postgres");
    run(&mut standby, "SELECT pg_wal_replay_pause()");
    run(
        &mut pair.primary.own,
        "SELECT credentials.rotate('c1', overlap => '1 s', grace => '10 min')",
    );
    let told = "SELECT message FROM credentials.jobs() WHERE kind = 'rotate' AND state = 'waiting'";
    wait_until("it waits for the standby", SOON, || {
        ask(&mut pair.primary.su, told) == "a standby has yet to replay the new password"
    });
    let mut names = rows(&mut pair.primary.su, NAMES);
    names.sort();
    assert_eq!(names, ["c1-rotating|enabling", "c1|revoking"]);
    assert!(logs_in(&pair.primary.cluster, "c1", &former));
    run(&mut standby, "SELECT pg_wal_replay_resume()");
    pair.cut_over("c1");
    assert!(!logs_in(&pair.primary.cluster, "c1", &former));
    names = rows(&mut pair.primary.su, NAMES);
    names.sort();
    assert_eq!(names, ["c1-rotating|retiring", "c1|active"]);
}

#[test]
fn a_standby_that_does_not_replay_holds_a_rotation_up_to_the_deadline_and_catches_up_later() {
    let mut pair = Pair::new(&["c1"]);
    let (old_url, mut old) = (pair.primary.cluster.url("c1"), pair.session("c1"));
    let mut standby = pair.standby.superuser("postgres");
    run(&mut standby, "SELECT pg_wal_replay_pause()");
    run(
        &mut pair.primary.own,
        "SELECT credentials.rotate('c1', overlap => '1 s', grace => '4 s')",
    );
    let state = "SELECT state FROM credentials.list() WHERE name = 'c1'";
    wait_until("the cut-over", SOON, || {
        ask(&mut pair.primary.su, state) == "lingering"
    });
    let late = "SELECT extract(epoch FROM e.at - t.deadline)::text
                  FROM credentials.twin t, credentials.event e WHERE e.action = 'cutover'";
    let late: f64 = ask(&mut pair.primary.su, late).parse().unwrap();
    assert!((0.0..2.0).contains(&late), "{late} s after the deadline");
    drop(login_at(&pair.standby, &old_url));
    run(&mut standby, "SELECT pg_wal_replay_resume()");
    pair.primary.cluster.wait_replayed(&pair.standby);
    ends_as_promised(&mut old, "c1");
}

#[test]
fn pg_receivewal_and_pg_basebackup_replay_nothing_and_hold_nothing_up() {
    // The backup's checkpoint would remove what a slow pg_receivewal has yet to ask for.
    let cluster = Cluster::builder().setting("wal_keep_size", "64MB");
    let mut scene = Scene::on(cluster.start());
    drop(scene.credential("c1"));
    let (archive, backup) = (
        scene.cluster.home().join("archive"),
        scene.cluster.home().join("backup"),
    );
    std::fs::create_dir(&archive).unwrap();
    std::fs::set_permissions(&archive, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut receive = scene.cluster.client_command("pg_receivewal");
    receive.arg("-D").arg(&archive).env_remove("PGDATABASE");
    let _receiving = Running::start(&mut receive);
    let there = "SELECT count(*) FROM pg_stat_replication WHERE state IN ('streaming', 'backup')";
    let mut copy = scene.cluster.client_command("pg_basebackup");
    copy.args(["-X", "stream", "-c", "fast", "--max-rate=32k", "-D"]);
    copy.arg(&backup).env_remove("PGDATABASE");
    let _copying = Running::start(&mut copy);
    wait_until("all of them are at it", SOON, || {
        ask(&mut scene.su, there) == "3"
    });
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', overlap => '1 s', grace => '10 min')",
    );
    let state = "SELECT state FROM credentials.list() WHERE name = 'c1'";
    wait_until("the cut-over", SOON, || {
        ask(&mut scene.su, state) == "lingering"
    });
    assert_eq!(ask(&mut scene.su, there), "3", "one had ended before");
}
