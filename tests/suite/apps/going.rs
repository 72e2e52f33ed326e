//! Credentials that go: what keeps an attached one, and what happens to a lease.

use super::{attach, attached, scene};
use crate::harness::{expect_error, wait_until, SOON};
use crate::scene::{ask, outcome, run};

#[test]
fn destroy_and_release_refuse_an_attached_credential_and_name_the_apps() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    attach(&mut scene.own, "'one', 'billing', as_name => 'SHOP'");
    let error = expect_error(&mut scene.own, "SELECT credentials.destroy('one')", "22023");
    let detail = error.as_db_error().unwrap().detail().unwrap().to_owned();
    assert!(detail.contains("attached to 2 apps"), "{detail}");
    for (client, call) in [
        (&mut scene.own, "destroy('one', confirm => 'app')"),
        (&mut scene.su, "release('one')"),
    ] {
        let error = expect_error(client, &format!("SELECT credentials.{call}"), "55006");
        let error = error.as_db_error().unwrap();
        assert!(
            error
                .detail()
                .unwrap()
                .contains("billing::SHOP_URL, shop::DATABASE_URL"),
            "{error:?}"
        );
        assert!(
            error
                .hint()
                .unwrap()
                .contains("credentials.detach('SHOP_URL', 'billing')"),
            "{error:?}"
        );
    }
    run(&mut scene.own, "SELECT credentials.detach('SHOP', 'billing'); SELECT credentials.detach('DATABASE', 'shop')");
    run(
        &mut scene.own,
        "SELECT credentials.destroy('one', confirm => 'app')",
    );
    run(&mut scene.own, "SELECT credentials.wait('one')");
}

#[test]
fn what_is_being_destroyed_is_not_attached_and_who_holds_it_by_attaching_it_does_not_stop_that() {
    let mut scene = scene();
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.destroy('two', confirm => 'app')",
    );
    let refused = outcome(&mut scene.own, "SELECT credentials.attach('two', 'shop')");
    assert_eq!(refused, "55006");
    run(&mut scene.own, "ROLLBACK");
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.attach('one', 'shop')",
    );
    run(
        &mut scene.su,
        "SELECT credentials.destroy('one', confirm => 'app')",
    );
    run(&mut scene.su, "SELECT credentials.wait('one')");
    assert_ne!(
        outcome(&mut scene.own, "COMMIT"),
        "",
        "its session was ended"
    );
    let left = ask(
        &mut scene.su,
        "SELECT count(*) FROM credentials.attachments()",
    );
    assert_eq!(left, "0");
}

#[test]
fn a_lease_that_ends_leaves_its_apps() {
    let mut scene = scene();
    run(
        &mut scene.own,
        "SELECT credentials.create('guest', valid_for => '2 seconds')",
    );
    attach(&mut scene.own, "'guest', 'shop'");
    attach(&mut scene.own, "'one', 'shop'");
    wait_until("the lease is gone", SOON, || {
        ask(
            &mut scene.own,
            "SELECT count(*) FROM credentials.list() WHERE name = 'guest'",
        ) == "0"
    });
    let left = attached(&mut scene.own, "shop");
    assert_eq!(left.len(), 1, "{left:?}");
    let told = ask(&mut scene.own, "SELECT name || ' ' || app || ' ' || (detail ->> 'config_var') FROM credentials.events() WHERE action = 'detach'");
    assert_eq!(told, "guest shop DATABASE_URL");
}
