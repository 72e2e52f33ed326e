//! Presets stand whatever becomes of the credential: rotated, suspended, released, destroyed.

use super::{access, grant, groups, may, may_not, SHOP};
use crate::scene::{ask, column, fingerprint, run, Scene};

#[test]
fn a_rotating_credential_has_its_presets_under_both_names_and_may_be_given_more() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut old = scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    run(
        &mut scene.own,
        "SELECT credentials.rotate('analyst', grace => '1 h', overlap => '1 h')",
    );
    let mut new = scene.login("analyst");
    assert_eq!(ask(&mut new, "SELECT session_user"), "analyst-rotating");
    let insert = "INSERT INTO shop.orders VALUES (5)";
    for client in [&mut old, &mut new] {
        may(client, &["SELECT * FROM shop.orders"]);
        may_not(client, &[insert]);
    }
    grant(&mut scene.own, "analyst", "read_write", "{shop}");
    may(&mut new, &[insert, "DELETE FROM shop.orders WHERE id = 5"]);
    may(&mut old, &[insert]);
    assert_eq!(
        access(&mut scene.own, "analyst"),
        r#"{"shop": "read_write"}"#
    );
    run(
        &mut scene.own,
        "SELECT credentials.revoke('analyst', schemas => NULL)",
    );
    may_not(&mut new, &["SELECT * FROM shop.orders"]);
}

#[test]
fn a_suspended_credential_may_be_given_a_preset_for_the_time_after() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(
        &mut scene.own,
        "SELECT credentials.create('later', login => false)",
    );
    grant(&mut scene.own, "later", "read_only", "{shop}");
    run(&mut scene.own, "SELECT credentials.resume('later')");
    let mut later = scene.login("later");
    may(&mut later, &["SELECT * FROM shop.orders"]);
}

#[test]
fn a_member_that_owns_tables_is_destroyed_and_its_groups_stay() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut deploy = scene.credential("deploy_shop");
    scene.credential("second");
    grant(&mut scene.own, "deploy_shop", "owner", "{shop}");
    grant(&mut scene.own, "deploy_shop", "read_write", "{public,*}");
    run(&mut deploy, "CREATE TABLE shop.made (i int)");
    scene.settle();
    run(
        &mut scene.own,
        "SELECT credentials.destroy('deploy_shop', 'app')",
    );
    scene.settle();
    assert_eq!(
        ask(&mut scene.su, "SELECT to_regrole('deploy_shop') IS NULL"),
        "t"
    );
    let left = "SELECT count(*) FROM credentials.access_group";
    assert_eq!(ask(&mut scene.su, left), "3");
    grant(&mut scene.own, "second", "owner", "{shop}");
    assert_eq!(groups(&mut scene.su, "second"), ["db_owner_shop"]);
}

#[test]
fn a_released_role_keeps_what_it_had() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut analyst = scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    run(&mut scene.su, "SELECT credentials.release('analyst')");
    may(&mut analyst, &["SELECT * FROM shop.orders"]);
    assert_eq!(groups(&mut scene.su, "analyst"), ["db_reader_shop"]);
}

#[test]
fn what_changed_nothing_writes_nothing_and_leaves_no_event() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(&mut scene.own, "SELECT credentials.create('analyst', 'read_only', '{shop}'), credentials.create('deploy_shop')");
    grant(&mut scene.own, "deploy_shop", "owner", "{shop}");
    scene.settle();
    let events = "SELECT count(*) FROM credentials.events()";
    let before = (fingerprint(&mut scene.su), ask(&mut scene.su, events));
    for call in [
        "grant('analyst', 'read_only', '{shop}')",
        "grant('deploy_shop', 'owner', '{shop}')",
        "revoke('analyst', 'read_write', '{shop}')",
        "revoke('analyst', schemas => '{public}')",
        "create('analyst', 'read_only', '{shop}', if_not_exists => true)",
    ] {
        let sql = format!("BEGIN; SELECT credentials.{call}");
        run(&mut scene.own, &sql);
        let wrote = ask(
            &mut scene.own,
            "SELECT pg_current_xact_id_if_assigned() IS NOT NULL",
        );
        assert_eq!(wrote, "f", "{call}");
        run(&mut scene.own, "COMMIT");
    }
    assert_eq!(
        (fingerprint(&mut scene.su), ask(&mut scene.su, events)),
        before
    );
}

#[test]
fn each_change_is_one_event_with_the_schemas_and_a_rollback_leaves_nothing() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    scene.credential("analyst");
    let before = fingerprint(&mut scene.su);
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.grant('analyst', 'owner', '{shop}'); SELECT credentials.revoke('analyst', schemas => NULL);
         SELECT credentials.create('second', 'read_only', '{*}'); ROLLBACK",
    );
    assert_eq!(fingerprint(&mut scene.su), before);
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.access_group"
        ),
        "0"
    );
    grant(&mut scene.own, "analyst", "read_only", "{shop,public}");
    run(
        &mut scene.own,
        "SELECT credentials.revoke('analyst', schemas => NULL)",
    );
    let events = "SELECT concat_ws(' ', action, detail->>'access', detail->>'schemas', effective_role)
                    FROM credentials.events('analyst') WHERE action IN ('grant', 'revoke') ORDER BY id";
    assert_eq!(
        column(&mut scene.own, events),
        [
            r#"grant read_only ["shop", "public"] app_owner"#,
            r#"revoke ["public", "shop"] app_owner"#
        ]
    );
}
