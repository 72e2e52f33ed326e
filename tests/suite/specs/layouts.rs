//! The two set-ups, applied and used.

use postgres::Client;

use super::{apply, layout, writes_nothing};
use crate::harness::expect_error;
use crate::scene::{ask, column, run, Scene};

#[test]
fn the_second_apply_of_every_layout_writes_nothing() {
    let mut scene = Scene::new();
    for arguments in [
        "'owner_writer_reader', 'shop'",
        "'owner_writer_reader', 'shop', environment => 'prod'",
        "'owner_writer_reader', 'my-app', schema => 'The \"Store\"'",
        "'four_roles', 'app'",
        "'four_roles', 'blog', environment => 'stage'",
    ] {
        let spec = layout(&mut scene.own, arguments);
        assert!(apply(&mut scene.own, &spec).len() > 10, "{arguments}");
        scene.settle();
        writes_nothing(&mut scene.su, &mut scene.own, &spec);
    }
    // A superuser's has a dba as well.
    let spec = layout(&mut scene.su, "'four_roles', 'app'");
    let done = apply(&mut scene.su, &spec);
    assert_eq!(done.len(), 3, "{done:?}");
    let Scene { su, own, .. } = &mut scene;
    writes_nothing(su, own, &spec);
}

/// Statements that a login may run, and those it may not.
#[track_caller]
fn tries(client: &mut Client, may: &[&str], may_not: &[&str]) {
    for statement in may {
        run(client, statement);
    }
    for statement in may_not {
        expect_error(client, statement, "42501");
    }
}

const READ: &str = "SELECT * FROM shop.orders";
const READ_SEEN: &str = "SELECT * FROM shop.seen";
const WRITE: &str = "INSERT INTO shop.orders (word) VALUES ('x'); UPDATE shop.orders SET word = 'y'; DELETE FROM shop.orders WHERE id = -1";
const NEXT: &str = "SELECT nextval('shop.orders_id_seq')";
const CALL: &str = "SELECT shop.twice(2)";
const CREATE: &str = "CREATE TABLE shop.more (i int); DROP TABLE shop.more";
const ALTER: &str =
    "ALTER TABLE shop.orders ADD COLUMN extra int; ALTER TABLE shop.orders DROP COLUMN extra";
const EMPTY: &str = "TRUNCATE shop.orders";
const PUBLIC: &str = "CREATE TABLE public.mine (i int)";

#[test]
fn the_logins_of_owner_writer_reader_do_what_they_should_and_nothing_else() {
    let mut scene = Scene::new();
    let spec = layout(&mut scene.own, "'owner_writer_reader', 'shop'");
    apply(&mut scene.own, &spec);
    let mut deploy = scene.login("deploy_shop");
    run(
        &mut deploy,
        "CREATE TABLE shop.orders (id serial, word text); CREATE VIEW shop.seen AS SELECT word FROM shop.orders;
         CREATE FUNCTION shop.twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 2 * i'; REVOKE ALL ON FUNCTION shop.twice FROM PUBLIC",
    );
    tries(
        &mut deploy,
        &[READ, WRITE, NEXT, CALL, CREATE, ALTER, EMPTY],
        &[PUBLIC],
    );
    let mut app = scene.login("app_shop");
    tries(
        &mut app,
        &[READ, READ_SEEN, WRITE, NEXT, CALL],
        &[CREATE, ALTER, EMPTY, PUBLIC],
    );
    let mut analyst = scene.login("analyst_shop");
    tries(
        &mut analyst,
        &[READ, READ_SEEN, CALL],
        &[WRITE, NEXT, CREATE, ALTER, EMPTY, PUBLIC],
    );
    let mut monitor = scene.login("monitor");
    let looks = "SELECT * FROM pg_stat_activity; SELECT pg_ls_waldir()";
    tries(&mut monitor, &[looks], &[READ, WRITE, CREATE, PUBLIC]);
    // A login that is nobody's gets nothing from PUBLIC.
    let mut stranger = scene.stranger("stranger", "");
    tries(&mut stranger, &[], &[READ, CALL, CREATE]);
    let limits = "SELECT name || ' ' || connection_limit FROM credentials.list() WHERE name <> 'default' ORDER BY 1";
    assert_eq!(
        column(&mut scene.own, limits),
        [
            "analyst_shop 10",
            "app_shop 50",
            "deploy_shop 5",
            "monitor 5"
        ]
    );
    for (client, setting, value) in [
        (&mut app, "statement_timeout", "30s"),
        (&mut analyst, "statement_timeout", "5min"),
        (&mut deploy, "lock_timeout", "5s"),
    ] {
        assert_eq!(ask(client, &format!("SHOW {setting}")), value);
    }
}

#[test]
fn the_dba_of_four_roles_stands_one_step_below_superuser_and_survives_a_repair() {
    let mut scene = Scene::new();
    let spec = layout(&mut scene.su, "'four_roles', 'app'");
    apply(&mut scene.su, &spec);
    let mut migrator = scene.login("app_migrator");
    run(
        &mut migrator,
        "CREATE TABLE app.orders (i int); INSERT INTO app.orders VALUES (1)",
    );
    let mut user = scene.login("app_user");
    tries(
        &mut user,
        &["UPDATE app.orders SET i = 2"],
        &["DROP TABLE app.orders", "TRUNCATE app.orders"],
    );
    let mut reader = scene.login("app_readonly");
    tries(
        &mut reader,
        &["SELECT * FROM app.orders"],
        &["DELETE FROM app.orders"],
    );
    let mut dba = scene.login("dba");
    let member = "SELECT credentials.create('made_by_dba'); SELECT * FROM app.orders; CREATE SCHEMA dbas; DROP TABLE app.orders";
    tries(
        &mut dba,
        &[member],
        &[
            "CREATE ROLE x",
            "ALTER ROLE dba SUPERUSER",
            "SELECT * FROM pg_authid",
        ],
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT rolsuper FROM pg_roles WHERE rolname = 'dba'"
        ),
        "f"
    );
    // Default has no ADMIN OPTION on who is its member, and a repair finds nothing wrong with that.
    let circle = "SELECT count(*) FROM credentials.repair_plan() WHERE object LIKE '%dba%' AND kind = 'right'";
    assert_eq!(ask(&mut scene.own, circle), "0");
    run(&mut scene.own, "SELECT credentials.repair_default()");
    scene.settle();
    let members =
        "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'app_owner'::regrole";
    assert_eq!(column(&mut scene.su, members), ["dba"]);
    run(
        &mut dba,
        "SELECT credentials.rotate('app_user', force => true)",
    );
    scene.settle();
    // Its password is changed like any other.
    run(&mut scene.own, "SELECT credentials.rotate('dba')");
    let mut again = scene.login("dba");
    run(&mut again, "SELECT count(*) FROM credentials.list()");
}

#[test]
fn a_layout_for_an_app_that_cannot_be_is_refused_and_without_a_superuser_there_is_no_dba() {
    let mut scene = Scene::new();
    for (arguments, state) in [
        ("'three_roles', 'app'", "22023"),
        ("NULL, 'app'", "22023"),
        ("'four_roles', NULL", "22023"),
        ("'four_roles', 'App'", "42602"),
        ("'four_roles', 'a', environment => ''", "42602"),
        ("'four_roles', 'rds'", "42939"),
        ("'four_roles', repeat('x', 60)", "42602"),
        ("'four_roles', 'app', schema => 'pg_app'", "42939"),
        ("'four_roles', 'app', schema => ''", "42602"),
    ] {
        let call = format!("SELECT credentials.layout({arguments})");
        expect_error(&mut scene.own, &call, state);
    }
    assert!(!layout(&mut scene.own, "'four_roles', 'app'").contains("dba"));
    assert!(layout(&mut scene.su, "'four_roles', 'app'").contains("dba"));
}
