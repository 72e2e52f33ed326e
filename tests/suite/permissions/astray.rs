//! Groups, schemas and locks that are not as they were: nothing is taken or given in silence.

use super::{access, grant, groups, may, may_not, SHOP};
use crate::harness::expect_error;
use crate::scene::{ask, column, rows, run, Scene};

const RENAMED: &str = "ALTER ROLE db_reader_shop RENAME TO \"Read er\"";
const BACK: &str = "ALTER ROLE \"Read er\" RENAME TO db_reader_shop;";

#[test]
fn access_by_a_group_that_was_renamed_is_not_said_to_be_revoked_while_it_is_there() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut analyst = scene.credential("analyst");
    scene.credential("second");
    run(&mut scene.own, "CREATE SCHEMA stock");
    grant(&mut scene.own, "analyst", "read_only", "{shop,stock}");
    run(&mut scene.su, RENAMED);
    for call in [
        "SELECT credentials.revoke('analyst', schemas => '{shop}')",
        "SELECT credentials.revoke('analyst', 'read_only', '{shop}')",
        "SELECT credentials.revoke('analyst', schemas => NULL)",
        "SELECT credentials.grant('analyst', 'read_write', '{shop}')",
    ] {
        let error = expect_error(&mut scene.own, call, "55000");
        let said = error.as_db_error().unwrap();
        assert!(said.hint().unwrap_or_default().contains(BACK), "{call}");
    }
    may(&mut analyst, &["SELECT * FROM shop.orders"]);
    assert_eq!(
        groups(&mut scene.su, "analyst"),
        ["Read er", "db_reader_stock"]
    );
    // What the renamed group has no part in goes on.
    grant(&mut scene.own, "second", "read_write", "{shop}");
    run(
        &mut scene.own,
        "SELECT credentials.revoke('analyst', 'read_write', '{shop}'); SELECT credentials.revoke('analyst', schemas => '{stock}');
         SELECT credentials.revoke('second', schemas => NULL)",
    );
    run(&mut scene.su, BACK);
    run(
        &mut scene.own,
        "SELECT credentials.revoke('analyst', schemas => NULL)",
    );
    may_not(&mut analyst, &["SELECT * FROM shop.orders"]);
}

#[test]
fn a_schema_that_comes_to_be_called_a_star_is_not_taken_for_every_schema() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    run(&mut scene.own, "ALTER SCHEMA shop RENAME TO \"*\"");
    assert_eq!(
        access(&mut scene.own, "analyst"),
        r#"{"\"*\"": "read_only"}"#
    );
    assert_eq!(
        column(
            &mut scene.own,
            "SELECT statement FROM credentials.plan(credentials.export())"
        ),
        [""; 0]
    );
    let exported = "SELECT credentials.export() -> 'credentials' -> 'analyst' ->> 'access'";
    assert_eq!(ask(&mut scene.own, exported), "");
    // Every schema is another scope.
    assert_eq!(
        rows(
            &mut scene.own,
            "SELECT * FROM credentials.revoke('analyst', schemas => '{*}')"
        ),
        [""; 0]
    );
    assert_eq!(
        rows(
            &mut scene.own,
            "SELECT * FROM credentials.revoke('analyst', schemas => NULL)"
        ),
        ["analyst|\"*\"|read_only"]
    );
    assert_eq!(access(&mut scene.own, "analyst"), "{}");
}

#[test]
fn a_first_grant_that_waits_in_vain_says_for_what() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    scene.credential("analyst");
    run(
        &mut scene.own,
        "BEGIN; CREATE TABLE shop.late (i int); PREPARE TRANSACTION 'late'",
    );
    let call = "SELECT credentials.grant('analyst', 'read_only', '{shop}')";
    let error = expect_error(&mut scene.own, call, "55P03");
    let said = error.as_db_error().unwrap();
    assert!(said.message().contains("\"shop\""), "{}", said.message());
    assert!(said
        .hint()
        .unwrap_or_default()
        .contains("pg_prepared_xacts"));
    run(&mut scene.own, "ROLLBACK PREPARED 'late'");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
}

#[test]
fn a_credential_that_its_group_is_a_member_of_is_refused_with_what_goes_in_a_circle() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    scene.credential("analyst");
    scene.credential("second");
    grant(&mut scene.own, "second", "read_only", "{shop}");
    run(&mut scene.own, "GRANT analyst TO db_reader_shop");
    let call = "SELECT credentials.grant('analyst', 'read_only', '{shop}')";
    let error = expect_error(&mut scene.own, call, "42501");
    let hint = error.as_db_error().unwrap().hint().unwrap_or_default();
    let remedy = "REVOKE analyst FROM db_reader_shop;";
    assert!(hint.contains(remedy), "{hint}");
    run(&mut scene.own, remedy);
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
}
