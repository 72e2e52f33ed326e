//! NOTIFY credentials: who listens hears of every change after its commit, by the event's number alone.

use std::time::Duration;

use postgres::fallible_iterator::FallibleIterator;
use postgres::Client;

use super::{attach, scene};
use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::{ask, column, run, wait_for_log, Scene};

/// The numbers that a listener has heard of by now.
fn heard(listener: &mut Client) -> Vec<i64> {
    let mut notifications = listener.notifications();
    let mut waiting = notifications.timeout_iter(Duration::from_millis(20));
    let mut numbers = Vec::new();
    while let Some(notification) = waiting.next().unwrap() {
        assert_eq!(notification.channel(), "credentials");
        numbers.push(
            notification
                .payload()
                .parse()
                .expect("a number and nothing else"),
        );
    }
    numbers
}

/// The number of the latest event of an action; 0 where there is none.
fn latest(client: &mut Client, action: &str) -> i64 {
    let sql =
        format!("SELECT coalesce(max(id), 0) FROM credentials.events() WHERE action = '{action}'");
    ask(client, &sql).parse().unwrap()
}

#[test]
fn who_listens_hears_of_each_change_once_and_of_no_telling() {
    let mut scene = scene();
    let mut listener = scene.stranger("agent", "");
    run(&mut listener, "LISTEN credentials");
    attach(&mut scene.own, "'one', 'shop'");
    run(
        &mut scene.own,
        "SELECT * FROM credentials.config_vars('shop'); SELECT credentials.url('one')",
    );
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.create('three'); ROLLBACK",
    );
    run(
        &mut scene.own,
        "SELECT credentials.rotate('one', overlap => '100 ms')",
    );
    scene.settle();
    let wanted: Vec<i64> = column(&mut scene.own, "SELECT id FROM credentials.events() WHERE action IN ('attach', 'rotate', 'cutover') ORDER BY 1")
        .iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(wanted.len(), 3);
    let mut all = Vec::new();
    wait_until("the listener hears of the cut-over", SOON, || {
        all.extend(heard(&mut listener));
        all.contains(&wanted[2])
    });
    for id in &wanted {
        assert_eq!(
            all.iter().filter(|heard| *heard == id).count(),
            1,
            "{id} in {all:?}"
        );
    }
    let tellings: Vec<i64> = column(
        &mut scene.own,
        "SELECT id FROM credentials.events() WHERE action IN ('config_vars', 'url')",
    )
    .iter()
    .map(|id| id.parse().unwrap())
    .collect();
    assert!(!tellings.is_empty() && tellings.iter().all(|id| !all.contains(id)));
}

#[test]
fn an_event_whose_transaction_commits_late_is_told_though_later_numbers_were() {
    let mut scene = scene();
    let mut listener = scene.stranger("agent", "");
    run(&mut listener, "LISTEN credentials");
    let mut slow = scene.cluster.superuser("app");
    run(&mut slow, "BEGIN; SELECT credentials.attach('one', 'slow')");
    attach(&mut scene.own, "'two', 'quick'");
    let quick = latest(&mut scene.own, "attach");
    let mut all = Vec::new();
    wait_until("the quick one is told", SOON, || {
        all.extend(heard(&mut listener));
        all.contains(&quick)
    });
    run(&mut slow, "COMMIT");
    let late: i64 = ask(
        &mut scene.own,
        "SELECT id FROM credentials.events() WHERE action = 'attach' AND app = 'slow'",
    )
    .parse()
    .unwrap();
    assert!(late < quick);
    wait_until("the late one is told", SOON, || {
        all.extend(heard(&mut listener));
        all.contains(&late)
    });
}

#[test]
fn what_was_not_told_before_a_crash_is_told_after_it() {
    let mut scene = scene();
    untold(&mut scene.su, 0);
    scene.cluster.crash_at("notify");
    attach(&mut scene.own, "'one', 'shop'");
    scene.cluster.wait_crashed(None);
    let mut su = scene.cluster.superuser("app");
    assert_eq!(
        ask(&mut su, "SELECT count(*) FROM credentials.attachments()"),
        "1"
    );
    untold(&mut su, 0);
}

/// Waits until so many events wait to be told.
fn untold(su: &mut Client, wanted: usize) {
    let wanted = wanted.to_string();
    wait_until("events are told", SOON, || {
        ask(su, "SELECT count(*) FROM credentials.news") == wanted
    });
}

#[test]
fn where_nothing_can_be_told_because_the_queue_is_full_everything_else_goes_on() {
    let cluster = Cluster::builder()
        .env("CREDENTIAL_MANAGER_BROKEN", "notifications")
        .start();
    let mut scene = Scene::on(cluster);
    run(
        &mut scene.own,
        "SELECT credentials.create('one'); SELECT credentials.attach('one', 'shop')",
    );
    let session = scene.login("one");
    run(
        &mut scene.own,
        "SELECT credentials.rotate('one', force => true)",
    );
    scene.settle();
    assert!(
        {
            let mut session = session;
            session.batch_execute("SELECT 1").is_err()
        },
        "it was ended"
    );
    scene.login("one");
    wait_for_log(&scene.cluster, "worker, notify: ");
    assert_ne!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.news"),
        "0"
    );
}
