//! What can happen to the standby's worker.

use super::{ends_as_promised, is_followed, Pair};
use crate::harness::{wait_until, SOON};
use crate::held::people::{ends, lives};
use crate::scene::{run, wait_for_log};

#[test]
fn a_worker_that_was_ended_comes_back_and_remembers_whose_password_was_good() {
    let mut pair = Pair::new(&["c1", "c2"]);
    pair.replayed("SELECT credentials.rotate('c2', force => true)");
    pair.looked();
    let (mut old, mut kept) = (pair.session("c1"), pair.session("c2"));
    let worker = is_followed(&pair.standby);
    let mut superuser = pair.standby.superuser("postgres");
    run(
        &mut superuser,
        &format!("SELECT pg_terminate_backend({worker}, 10000)"),
    );
    pair.replayed("SELECT credentials.rotate('c1', force => true)");
    ends(&mut old, "c1");
    assert_ne!(is_followed(&pair.standby), worker);
    pair.looked();
    assert!(lives(&mut kept), "what was remembered was lost");
}

#[test]
fn a_home_database_that_is_dropped_on_the_primary_is_told_once_on_the_standby() {
    let pair = Pair::new(&[]);
    is_followed(&pair.standby);
    let mark = pair.standby.log().len();
    let mut superuser = pair.primary.cluster.superuser("postgres");
    drop((pair.primary.su, pair.primary.own));
    run(&mut superuser, "DROP DATABASE app WITH (FORCE)");
    wait_for_log(&pair.standby, "does not exist");
    wait_until("nobody is in it", SOON, || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'app'";
        crate::scene::ask(&mut pair.standby.superuser("postgres"), sql) == "0"
    });
    let log = pair.standby.log();
    let heard: Vec<&str> = log[mark..]
        .lines()
        .filter(|l| l.contains("FATAL") || l.contains("credential_manager"))
        .collect();
    assert!(heard.len() <= 4, "{heard:#?}");
    for cluster in [&pair.primary.cluster, &pair.standby] {
        cluster.without_invariants("they are asked in the database that was dropped");
    }
}

#[test]
fn a_worker_that_meets_a_lock_of_the_primary_is_quiet_and_goes_on_after_it() {
    let mut pair = Pair::new(&["c1"]);
    is_followed(&pair.standby);
    let mut old = pair.session("c1");
    let mark = pair.standby.log().len();
    let mut holder = pair.primary.cluster.superuser("app");
    run(
        &mut holder,
        "BEGIN; LOCK TABLE credentials.twin IN ACCESS EXCLUSIVE MODE; SELECT pg_switch_wal()",
    );
    pair.primary.cluster.wait_replayed(&pair.standby);
    wait_for_log(&pair.standby, "credential_manager: follower: ");
    run(&mut holder, "COMMIT");
    drop(holder);
    pair.replayed("SELECT credentials.rotate('c1', force => true)");
    ends(&mut old, "c1");
    let told = pair.standby.log()[mark..]
        .matches("credential_manager: follower: ")
        .count();
    assert_eq!(told, 1);
    let mut again = pair.session("c1");
    pair.replayed("SELECT credentials.rotate('c1', force => true)");
    ends_as_promised(&mut again, "c1");
}
