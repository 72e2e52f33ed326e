//! What the old role still does, and the new credentials could not: seen at the stage `observe`, told by check().

use std::io::Read;

use postgres::Client;

use super::{apply, flat, works};
use crate::harness::{expect_error, wait_until, SOON};
use crate::scene::{column, rows, run, Scene};

/// What is found of statements of old roles: object and remedy.
#[track_caller]
fn found(su: &mut Client) -> Vec<String> {
    rows(
        su,
        "SELECT object, remedy FROM credentials.check() WHERE code = 'flat_role_statement' ORDER BY 1",
    )
}

#[track_caller]
pub(super) fn objects(su: &mut Client) -> Vec<String> {
    let sql =
        "SELECT object FROM credentials.check() WHERE code = 'flat_role_statement' ORDER BY 1";
    column(su, sql)
}

/// Brings a role to the stage `observe`, and waits until all processes know. What is found then is that COMMENT is
/// for owners.
#[track_caller]
pub(super) fn observe(scene: &mut Scene, role: &str, app: &mut Client) {
    apply(&mut scene.su, role, "observe");
    scene.settle();
    watched(&mut scene.su, app);
}

#[track_caller]
pub(super) fn watched(su: &mut Client, app: &mut Client) {
    wait_until("statements are watched", SOON, || {
        run(app, "COMMENT ON TABLE shop.orders IS 'probe'");
        objects(su).iter().any(|o| o.ends_with("with COMMENT"))
    });
}

pub(super) const PROBE: &str = "role shop with COMMENT";

/// Tables beside the schema that the old role may read, and one behind a view of somebody else.
const BESIDE: &str = "
    CREATE SCHEMA beside; GRANT USAGE ON SCHEMA beside TO shop;
    CREATE TABLE beside.read (i int); CREATE TABLE beside.copied (i int); CREATE TABLE beside.planned (i int);
    CREATE TABLE beside.undone (i int); CREATE TABLE beside.called (i int); CREATE TABLE beside.switched (i int);
    CREATE TABLE beside.behind (i int); CREATE VIEW beside.before AS SELECT * FROM beside.behind;
    CREATE TABLE beside.everybodys (i int); GRANT USAGE ON SCHEMA beside TO db_writer_shop;
    GRANT SELECT ON ALL TABLES IN SCHEMA beside TO shop; REVOKE SELECT ON beside.behind FROM shop;
    GRANT SELECT ON beside.everybodys TO PUBLIC; GRANT USAGE ON SCHEMA beside TO PUBLIC;
    CREATE TABLE beside.definers (i int);
    CREATE FUNCTION beside.definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT max(i) FROM beside.definers'";

#[test]
fn what_the_writers_may_do_is_not_found_however_it_is_done() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    run(&mut scene.su, BESIDE);
    observe(&mut scene, "shop", &mut shop);
    run(
        &mut shop,
        "INSERT INTO shop.orders (word) VALUES ('x') RETURNING id; UPDATE shop.orders SET word = 'y';
         SELECT * FROM shop.seen FOR UPDATE; SELECT shop.twice(2); DELETE FROM shop.orders WHERE id < 0;
         SELECT count(*) FROM pg_class; SELECT * FROM information_schema.tables; SELECT * FROM beside.everybodys;
         SELECT beside.definer(); EXPLAIN SELECT * FROM shop.orders; LOCK TABLE shop.orders IN ROW EXCLUSIVE MODE;
         BEGIN; SAVEPOINT a; ROLLBACK TO a; SET LOCAL work_mem = '1MB'; DECLARE c CURSOR FOR SELECT 1; COMMIT;
         ALTER ROLE CURRENT_USER SET work_mem = '2MB'; DO $$ BEGIN PERFORM 1 FROM shop.orders; END $$",
    );
    // What others do is nobody's matter here.
    run(
        &mut scene.su,
        "TRUNCATE shop.orders; CREATE TABLE shop.by_others (i int)",
    );
    let mut migrator = scene.login("shop_migrator");
    run(
        &mut migrator,
        "CREATE TABLE shop.migrated (i int); TRUNCATE shop.migrated; DROP TABLE shop.migrated",
    );
    assert_eq!(objects(&mut scene.su), [PROBE]);
}

#[test]
fn what_is_read_beside_the_schemas_is_found_however_it_is_read() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    run(&mut scene.su, BESIDE);
    // Planned before it is watched.
    run(&mut shop, "SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT * FROM beside.planned; EXECUTE p");
    observe(&mut scene, "shop", &mut shop);
    run(
        &mut shop,
        "SELECT 1 FROM beside.read LIMIT 1; EXECUTE p; EXECUTE p;
         BEGIN; SELECT * FROM beside.undone; ROLLBACK; SELECT * FROM beside.before;
         DO $$ BEGIN EXECUTE 'SELECT * FROM beside.called'; END $$",
    );
    let mut copied = shop.copy_out("COPY beside.copied TO STDOUT").unwrap();
    copied.read_to_end(&mut Vec::new()).unwrap();
    drop(copied);
    expect_error(
        &mut shop,
        "SELECT 1 / count(*) FROM beside.everybodys, shop.nothing",
        "42P01",
    );
    run(
        &mut scene.su,
        "SET ROLE shop; SELECT * FROM beside.switched; RESET ROLE",
    );
    let on = |names: &[&str]| -> Vec<String> {
        let on = names
            .iter()
            .map(|name| format!("role shop on table beside.{name}"));
        on.chain([PROBE.to_owned()]).collect()
    };
    let all = [
        "before", "called", "copied", "planned", "read", "switched", "undone",
    ];
    assert_eq!(objects(&mut scene.su), on(&all));
    // What a superuser sees, default sees too.
    assert_eq!(objects(&mut scene.own), on(&all));
    run(&mut scene.su, "GRANT SELECT ON beside.before, beside.called, beside.copied, beside.planned TO db_writer_shop; DROP TABLE beside.undone");
    assert_eq!(objects(&mut scene.su), on(&["read", "switched"]));
}

#[test]
fn a_remedy_gives_the_right_that_was_missing() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    run(&mut shop, "CREATE TABLE shop.\"T;\" (i int)");
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    run(&mut scene.su, "CREATE SCHEMA \"B;\"; CREATE TABLE \"B;\".\"t'\" (i int); GRANT USAGE ON SCHEMA \"B;\" TO shop; GRANT INSERT, SELECT ON \"B;\".\"t'\" TO shop");
    observe(&mut scene, "shop", &mut shop);
    run(
        &mut shop,
        "INSERT INTO \"B;\".\"t'\" VALUES (1); SELECT * FROM \"B;\".\"t'\"",
    );
    let found = found(&mut scene.su);
    assert_eq!(
        found,
        [
            "role shop on table \"B;\".\"t'\"|GRANT USAGE ON SCHEMA \"B;\" TO db_writer_shop;\nGRANT INSERT, SELECT ON TABLE \"B;\".\"t'\" TO db_writer_shop;",
            "role shop with COMMENT|SELECT credentials.url('shop_migrator');",
        ]
    );
    run(&mut scene.su, "GRANT USAGE ON SCHEMA \"B;\" TO db_writer_shop; GRANT INSERT, SELECT ON TABLE \"B;\".\"t'\" TO db_writer_shop");
    assert_eq!(objects(&mut scene.su), [PROBE]);
    let mut user = scene.login("shop_user");
    run(&mut user, "INSERT INTO \"B;\".\"t'\" VALUES (1)");
}

#[test]
fn statements_of_an_owner_are_found_by_their_tag() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    observe(&mut scene, "shop", &mut shop);
    run(&mut scene.su, "GRANT TEMPORARY ON DATABASE app TO shop");
    works(&mut shop);
    run(
        &mut shop,
        "TRUNCATE shop.orders; CREATE INDEX i ON shop.orders (word); REINDEX INDEX shop.i; CREATE TEMPORARY TABLE t (i serial);
         BEGIN; DROP INDEX shop.i; ROLLBACK; DO $$ BEGIN CREATE VIEW shop.w AS SELECT 1 AS i; END $$; SELECT 1 INTO pg_temp.u",
    );
    let with = |tags: &[&str]| -> Vec<String> {
        tags.iter()
            .map(|tag| format!("role shop with {tag}"))
            .collect()
    };
    assert_eq!(
        objects(&mut scene.su),
        with(&[
            "ALTER TABLE",
            "COMMENT",
            "CREATE INDEX",
            "CREATE TABLE",
            "CREATE TEMPORARY TABLE",
            "CREATE VIEW",
            "DROP INDEX",
            "DROP TABLE",
            "REINDEX",
            "TRUNCATE TABLE",
        ])
    );
    run(&mut scene.su, "GRANT TEMPORARY ON DATABASE app TO db_writer_shop; SELECT credentials.revoke('shop_migrator', schemas => '{shop}')");
    let found = found(&mut scene.su);
    assert!(!found.iter().any(|f| f.contains("TEMPORARY")), "{found:#?}");
    let remedy = "SELECT * FROM credentials.create('migrator', access => 'owner', schemas => ARRAY['shop']);";
    assert!(found.iter().all(|f| f.ends_with(remedy)), "{found:#?}");
}

#[test]
fn a_schema_without_writers_is_found_and_they_are_made() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    let spec = r#"{"schemas": {"shop": {"owner": "db_owner_shop"}}, "from": {"role": "shop", "stage": "observe"}}"#;
    run(
        &mut scene.su,
        &format!("SELECT credentials.apply('{spec}')"),
    );
    scene.settle();
    watched(&mut scene.su, &mut shop);
    run(&mut shop, "SELECT * FROM shop.orders");
    let remedy = "SELECT * FROM credentials.create('app', access => 'read_write', schemas => ARRAY['shop']);";
    assert_eq!(
        found(&mut scene.su)[0],
        format!("role shop on table shop.orders|{remedy}")
    );
}
