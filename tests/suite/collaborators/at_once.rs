//! A removal holds at once: in open sessions, open transactions, plans and cursors, and against calls on their way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{add, collaborator, listed, remove, rights, role, session, two_apps};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, outcome, run};

/// Calls of somebody who may do everything with shop.
const CALLS: [&str; 6] = [
    "list()",
    "config_vars('shop')",
    "rotate('web', force => true)",
    "create('x1')",
    "collaborators()",
    "add_collaborator('eve', 'shop', '{view}')",
];

#[test]
fn a_removal_holds_at_once_in_an_open_session() {
    let mut scene = two_apps();
    role(&mut scene, "eve");
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate,manage");
    run(&mut bob, "SELECT * FROM credentials.config_vars('shop')");
    remove(&mut scene, "bob", "shop");
    for call in CALLS {
        let sql = format!("SELECT * FROM credentials.{call}");
        assert_eq!(outcome(&mut bob, &sql), "42501", "{call}");
    }
}

#[test]
fn less_holds_at_once_in_an_open_session_too() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate");
    add(&mut scene, "bob", "stock", "deploy");
    let shop = "SELECT * FROM credentials.config_vars('shop')";
    run(&mut bob, shop);
    // EXECUTE stays, for stock.
    super::update(&mut scene, "bob", "shop", "operate");
    assert_eq!(outcome(&mut bob, shop), "42501");
    run(&mut bob, "SELECT * FROM credentials.config_vars('stock')");
}

#[test]
fn neither_a_snapshot_nor_a_plan_nor_a_cursor_outlives_a_removal() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate");
    run(
        &mut bob,
        "PREPARE vars AS SELECT * FROM credentials.config_vars('shop');
         PREPARE all_of_it AS SELECT * FROM credentials.list();
         EXECUTE vars; EXECUTE all_of_it; EXECUTE vars; EXECUTE vars; EXECUTE vars; EXECUTE vars; EXECUTE vars",
    );
    let prepared = bob.prepare("SELECT * FROM credentials.config_vars('shop')");
    let prepared = prepared.expect("a plan");
    run(
        &mut bob,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM pg_class LIMIT 1;
         DECLARE c CURSOR FOR SELECT * FROM credentials.config_vars('shop');
         DECLARE l CURSOR FOR SELECT * FROM credentials.list()",
    );
    remove(&mut scene, "bob", "shop");
    for sql in [
        "FETCH c",
        "FETCH l",
        "EXECUTE vars",
        "EXECUTE all_of_it",
        "SELECT * FROM credentials.rotate('web')",
    ] {
        run(&mut bob, "SAVEPOINT s");
        assert_eq!(outcome(&mut bob, sql), "42501", "{sql}");
        run(&mut bob, "ROLLBACK TO s");
    }
    run(&mut bob, "COMMIT");
    assert!(bob.query(&prepared, &[]).is_err());
}

#[test]
fn a_call_on_its_way_when_the_permissions_go_is_not_let_in_as_somebody_else() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "view");
    let mut other = session(&scene, "bob");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let done = &done;
        let callers: Vec<_> = [&mut bob, &mut other]
            .into_iter()
            .map(|client| {
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        match client.query("SELECT name FROM credentials.list()", &[]) {
                            Ok(rows) => seen.push(rows.len()),
                            Err(error) => assert_eq!(crate::harness::sqlstate(&error), "42501"),
                        }
                    }
                    seen
                })
            })
            .collect();
        for _ in 0..40 {
            remove(&mut scene, "bob", "shop");
            add(&mut scene, "bob", "shop", "view");
        }
        done.store(true, Ordering::Relaxed);
        for caller in callers {
            let seen = caller.join().expect("a caller");
            // Once let in, one credential; never all six.
            assert!(!seen.is_empty() && seen.iter().all(|n| *n == 1), "{seen:?}");
        }
    });
}

#[test]
fn two_managers_at_once_each_decide_on_what_the_other_left() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage");
    let mut ann = collaborator(&mut scene, "ann", "manage");
    role(&mut scene, "eve");
    // One takes the other's permissions while that one is about to give.
    run(
        &mut bob,
        "BEGIN; SELECT credentials.remove_collaborator('ann', 'shop')",
    );
    let second = thread::spawn(move || {
        let call = "SELECT credentials.add_collaborator('eve', 'shop', '{manage}')";
        outcome(&mut ann, call)
    });
    wait_until("Ann waits", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_locks WHERE NOT granted",
        ) != "0"
    });
    run(&mut bob, "COMMIT");
    assert_eq!(second.join().expect("Ann"), "42501");
    assert_eq!(listed(&mut scene), ["shop bob {view,manage}"]);
    // Both give the same role at once: one of them is second.
    add(&mut scene, "ann", "shop", "manage");
    let mut ann = session(&scene, "ann");
    let call = "SELECT credentials.add_collaborator('eve', 'shop', '{view}')";
    let outcomes = thread::scope(|scope| {
        let one = scope.spawn(|| outcome(&mut bob, call));
        let two = scope.spawn(|| outcome(&mut ann, call));
        let mut both = [one.join().expect("one"), two.join().expect("two")];
        both.sort();
        both
    });
    assert_eq!(outcomes, ["", "42710"]);
}

#[test]
fn a_manager_does_not_keep_himself_by_leaving_a_transaction_open() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,manage");
    role(&mut scene, "eve");
    run(
        &mut bob,
        "BEGIN; SELECT credentials.add_collaborator('eve', 'shop', '{view}');
         SELECT credentials.update_collaborator('bob', 'shop', '{manage,deploy}')",
    );
    remove(&mut scene, "bob", "shop");
    assert_eq!(listed(&mut scene), Vec::<String>::new());
    assert_eq!(rights(&mut scene, "bob"), Vec::<String>::new());
    assert!(bob.batch_execute("COMMIT").is_err());
    assert_eq!(rights(&mut scene, "eve"), Vec::<String>::new());
}

#[test]
fn a_grant_by_hand_at_the_same_time_is_waited_for_and_both_are_there() {
    let mut scene = two_apps();
    role(&mut scene, "bob");
    let mut hand = scene.cluster.superuser("app");
    run(
        &mut hand,
        "BEGIN; GRANT EXECUTE ON FUNCTION credentials.list() TO app_owner WITH GRANT OPTION",
    );
    let mut own = scene.login("default");
    let second = thread::spawn(move || {
        let call = "SELECT credentials.add_collaborator('bob', 'shop', '{view}')";
        outcome(&mut own, call)
    });
    wait_until("the call waits", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_locks WHERE NOT granted",
        ) != "0"
    });
    run(&mut hand, "COMMIT");
    // Both have written the same access list.
    assert_eq!(second.join().expect("the call"), "");
    assert_eq!(rights(&mut scene, "bob").len(), 8);
}
