//! A call that waited for a lock is judged by what stands when it has it; and nobody waits long for a collaborator.

use std::thread;

use postgres::Client;

use super::{add, collaborator, remove, role, two_apps, update};
use crate::harness::{expect_error, wait_until, SOON};
use crate::scene::{ask, column, outcome, run, Scene};

/// What comes of a call that waits for `first`, which default begins before it and commits then.
#[track_caller]
fn after(scene: &mut Scene, caller: &mut Client, first: &str, call: &str) -> String {
    run(&mut scene.own, &format!("BEGIN; {first}"));
    let call = format!("SELECT * FROM credentials.{call}");
    thread::scope(|scope| {
        let late = scope.spawn(|| outcome(caller, &call));
        wait_until("the call waits", SOON, || {
            let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'object'";
            ask(&mut scene.su, waiting) != "0"
        });
        run(&mut scene.own, "COMMIT");
        late.join().expect("the call")
    })
}

#[test]
fn what_another_app_was_given_meanwhile_is_not_attached_nor_destroyed_by_who_made_it() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,manage");
    run(
        &mut bob,
        "SELECT credentials.create('mine'); SELECT credentials.create('own')",
    );
    let first = "SELECT credentials.attach('mine', 'stock', 'MINE')";
    let told = after(&mut scene, &mut bob, first, "attach('mine', 'shop')");
    assert_eq!(told, "42501");
    let seen = "SELECT config_var FROM credentials.config_vars('shop')";
    assert_eq!(column(&mut bob, seen), ["DATABASE_URL"]);
    let first = "SELECT credentials.attach('own', 'stock'); SELECT credentials.detach('POSTGRESQL_AMBER', 'stock')";
    let told = after(&mut scene, &mut bob, first, "destroy('own', 'app')");
    assert_eq!(told, "42501");
}

#[test]
fn a_variable_that_came_to_hold_default_meanwhile_is_not_detached() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "operate");
    let first = "SELECT credentials.detach('DATABASE', 'shop');
                 SELECT credentials.attach('default', 'shop', 'DATABASE')";
    let told = after(&mut scene, &mut bob, first, "detach('DATABASE', 'shop')");
    assert_eq!(told, "42501");
    let held = "SELECT name FROM credentials.attachments('shop') WHERE config_var = 'DATABASE_URL'";
    assert_eq!(ask(&mut scene.own, held), "default");
}

#[test]
fn what_was_taken_from_the_app_or_from_the_caller_meanwhile_counts() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "operate");
    let gone = "SELECT credentials.detach('DATABASE', 'shop')";
    let told = after(&mut scene, &mut bob, gone, "rotate('web')");
    assert_eq!(told, "42501");
    run(&mut scene.own, "SELECT credentials.attach('web', 'shop')");
    for call in [
        "rotate('web')",
        "attach('web', 'shop')",
        "detach('DATABASE', 'shop')",
    ] {
        let gone = "SELECT credentials.configure('web', 7);
                    SELECT credentials.remove_collaborator('bob', 'shop')";
        assert_eq!(after(&mut scene, &mut bob, gone, call), "42501", "{call}");
        add(&mut scene, "bob", "shop", "operate");
    }
    update(&mut scene, "bob", "shop", "manage");
    let less = "SELECT credentials.create('x1'); SELECT credentials.update_collaborator('bob', 'shop', '{view}')";
    assert_eq!(after(&mut scene, &mut bob, less, "create('x2')"), "42501");
}

#[test]
fn a_manager_who_leaves_a_create_open_keeps_no_others_from_theirs() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage");
    let mut ann = collaborator(&mut scene, "ann", "manage");
    for does in [
        "SELECT credentials.create('open')",
        "SELECT credentials.create('web', if_not_exists => true)",
    ] {
        let mut bob = super::session(&scene, "bob");
        run(&mut bob, &format!("BEGIN; {does}"));
        run(&mut scene.own, "SELECT credentials.create('other'); ");
        assert!(bob.batch_execute("COMMIT").is_err(), "{does}");
        run(&mut scene.su, "SELECT credentials.destroy('other', 'app')");
        scene.settle();
    }
    // Another manager ends nobody, and is told why he waited.
    run(&mut bob, "BEGIN; SELECT credentials.create('open')");
    let told = expect_error(&mut ann, "SELECT credentials.create('other')", "55P03");
    let message = told.as_db_error().map(|e| e.message().to_owned());
    assert_eq!(
        message.as_deref(),
        Some("somebody else is making a credential")
    );
    run(&mut bob, "COMMIT");
    run(&mut ann, "SELECT credentials.create('other')");
}

#[test]
fn nobody_keeps_a_lock_in_a_prepared_transaction_by_a_call_that_changes_nothing() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage");
    role(&mut scene, "ann");
    add(&mut scene, "ann", "shop", "view");
    for call in [
        "update_collaborator('ann', 'shop', '{view}')",
        "create('web', if_not_exists => true)",
    ] {
        run(&mut bob, &format!("BEGIN; SELECT credentials.{call}"));
        assert_eq!(
            outcome(&mut bob, "PREPARE TRANSACTION 'kept'"),
            "0A000",
            "{call}"
        );
    }
    let own = &mut scene.own;
    run(own, "SELECT credentials.set_endpoint('pool', 'h')");
    for call in [
        "resume('web')",
        "configure('web')",
        "set_endpoint('pool', 'h')",
        "repair_default()",
    ] {
        run(own, &format!("BEGIN; SELECT credentials.{call}"));
        assert_eq!(
            outcome(own, "PREPARE TRANSACTION 'kept'"),
            "0A000",
            "{call}"
        );
    }
    // What only reads keeps nothing, and may be prepared.
    run(
        own,
        "BEGIN; SELECT credentials.list(); PREPARE TRANSACTION 'read'",
    );
    run(own, "ROLLBACK PREPARED 'read'");
    remove(&mut scene, "bob", "shop");
}
