//! What each preset gives, tried as the real logins.

use super::{access, grant, groups, may, may_not, SHOP};
use crate::harness::expect_error;
use crate::scene::{ask, column, rows, run, Scene};

const READS: [&str; 5] = [
    "SELECT * FROM shop.orders",
    "SELECT * FROM shop.parts",
    "SELECT * FROM shop.parts_low",
    "SELECT * FROM shop.seen",
    "SELECT * FROM shop.kept",
];
const CALLS: [&str; 2] = ["SELECT shop.double_it(2)", "CALL shop.do_nothing()"];
const WRITES: [&str; 6] = [
    "INSERT INTO shop.orders VALUES (7, 'seven')",
    "UPDATE shop.orders SET note = 'x' WHERE id = 7",
    "DELETE FROM shop.orders WHERE id = 7",
    "INSERT INTO shop.parts VALUES (3)",
    "DELETE FROM shop.seen WHERE id = 99",
    "SELECT nextval('shop.numbers')",
];
const NEVER: [&str; 5] = [
    "TRUNCATE shop.orders",
    "CREATE TABLE shop.own (i int)",
    "DROP TABLE shop.orders",
    "REFRESH MATERIALIZED VIEW shop.kept",
    "SELECT shop.definer_secret()",
];

#[test]
fn read_only_reads_every_kind_of_relation_and_calls_what_is_safe_and_writes_nothing() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut analyst = scene.credential("analyst");
    may_not(&mut analyst, &READS);
    assert_eq!(
        grant(&mut scene.own, "analyst", "read_only", "{shop}"),
        ["analyst|shop|read_only"]
    );
    may(&mut analyst, &READS);
    may(&mut analyst, &CALLS);
    may(&mut analyst, &["SELECT last_value FROM shop.numbers"]);
    may_not(&mut analyst, &WRITES);
    may_not(&mut analyst, &NEVER);
    assert_eq!(
        access(&mut scene.own, "analyst"),
        r#"{"shop": "read_only"}"#
    );
}

#[test]
fn read_write_writes_rows_and_takes_numbers_and_changes_no_table() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut app = scene.credential("app_shop");
    grant(&mut scene.own, "app_shop", "read_write", "{shop}");
    may(&mut app, &READS);
    may(&mut app, &CALLS);
    may(&mut app, &WRITES);
    may_not(&mut app, &NEVER);
    may_not(&mut app, &["SELECT setval('shop.numbers', 9)"]);
}

#[test]
fn a_foreign_table_is_read_and_written_like_a_table() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
         GRANT USAGE ON FOREIGN SERVER far TO app_owner",
    );
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; CREATE FOREIGN TABLE shop.far (i int) SERVER far",
    );
    scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    let has = |right: &str| format!("SELECT has_table_privilege('analyst', 'shop.far', '{right}')");
    assert_eq!(ask(&mut scene.su, &has("SELECT")), "t");
    assert_eq!(ask(&mut scene.su, &has("INSERT")), "f");
    grant(&mut scene.own, "analyst", "read_write", "{shop}");
    assert_eq!(ask(&mut scene.su, &has("INSERT")), "t");
}

#[test]
fn a_routine_of_its_owners_rights_or_of_an_untrusted_language_is_nobodys_by_a_preset() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(
        &mut scene.su,
        "CREATE FUNCTION shop.in_c(int4, int4) RETURNS int4 LANGUAGE internal AS 'int4pl';
         REVOKE EXECUTE ON FUNCTION shop.in_c FROM PUBLIC;
         CREATE FUNCTION shop.hidden(int4, int4) RETURNS int4 LANGUAGE internal AS 'int4pl';
         CREATE AGGREGATE shop.opens(int4) (SFUNC = shop.hidden, STYPE = int4);
         REVOKE EXECUTE ON FUNCTION shop.hidden FROM PUBLIC;
         REVOKE EXECUTE ON FUNCTION shop.opens FROM PUBLIC;
         CREATE AGGREGATE shop.adds(int4) (SFUNC = int4pl, STYPE = int4);
         REVOKE EXECUTE ON FUNCTION shop.adds FROM PUBLIC",
    );
    scene.credential("analyst");
    grant(&mut scene.su, "analyst", "read_only", "{shop}");
    let mut can = |function: &str| {
        ask(
            &mut scene.su,
            &format!("SELECT has_function_privilege('analyst', 'shop.{function}'::regprocedure, 'EXECUTE')"),
        )
    };
    assert_eq!(can("in_c(int, int)"), "f");
    assert_eq!(can("hidden(int, int)"), "f");
    assert_eq!(can("opens(int)"), "f", "an aggregate is no way round");
    assert_eq!(can("adds(int)"), "t");
    assert_eq!(can("definer_secret()"), "f");
    assert_eq!(can("double_it(int)"), "t");
}

#[test]
fn a_preset_replaces_the_one_before_on_the_same_schema_and_no_other() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(&mut scene.own, "CREATE SCHEMA stock");
    scene.credential("analyst");
    assert_eq!(
        grant(&mut scene.own, "analyst", "read_only", "{stock,shop,shop}"),
        ["analyst|stock|read_only", "analyst|shop|read_only"]
    );
    assert_eq!(
        grant(&mut scene.own, "analyst", "read_write", "{shop}"),
        ["analyst|shop|read_write|read_only"]
    );
    assert_eq!(
        groups(&mut scene.su, "analyst"),
        ["db_reader_stock", "db_writer_shop"]
    );
    assert_eq!(
        grant(&mut scene.own, "analyst", "read_only", "{shop}"),
        ["analyst|shop|read_only|read_write"]
    );
    assert_eq!(
        groups(&mut scene.su, "analyst"),
        ["db_reader_shop", "db_reader_stock"]
    );
}

#[test]
fn revoke_takes_one_schema_one_preset_or_all() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(&mut scene.own, "CREATE SCHEMA stock");
    let mut analyst = scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{shop,stock,*}");
    let mut revoke = |arguments: &str| {
        rows(
            &mut scene.own,
            &format!("SELECT * FROM credentials.revoke('analyst'{arguments})"),
        )
    };
    assert_eq!(
        revoke(""),
        Vec::<String>::new(),
        "nothing was given on public"
    );
    assert_eq!(revoke(", 'read_write', '{shop}'"), Vec::<String>::new());
    assert_eq!(
        revoke(", 'read_only', '{shop}'"),
        ["analyst|shop|read_only"]
    );
    assert_eq!(revoke(", schemas => '{shop}'"), Vec::<String>::new());
    assert_eq!(revoke(", schemas => '{}'"), Vec::<String>::new());
    assert_eq!(
        revoke(", schemas => NULL"),
        ["analyst|*|read_only", "analyst|stock|read_only"]
    );
    assert_eq!(access(&mut scene.own, "analyst"), "{}");
    may_not(&mut analyst, &READS);
}

#[test]
fn every_schema_means_those_of_users_that_are_there_and_nothing_of_the_servers() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(
        &mut scene.own,
        "CREATE SCHEMA stock; CREATE TABLE stock.things (i int)",
    );
    let mut analyst = scene.credential("analyst");
    assert_eq!(
        grant(&mut scene.own, "analyst", "read_only", "{*}"),
        ["analyst|*|read_only"]
    );
    assert_eq!(groups(&mut scene.su, "analyst"), ["db_reader_all"]);
    may(&mut analyst, &READS);
    may(&mut analyst, &["SELECT * FROM stock.things"]);
    may_not(&mut analyst, &["SELECT * FROM credentials.secret"]);
    assert_eq!(access(&mut scene.own, "analyst"), r#"{"*": "read_only"}"#);
    // A hostile owner's traps stand in a schema of its own.
    let held = "SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a
                 WHERE a.grantee = 'db_reader_all'::regrole AND nspname <> 'evil' ORDER BY 1";
    assert_eq!(column(&mut scene.su, held), ["public", "shop", "stock"]);
}

#[test]
fn create_gives_a_preset_at_once() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(
        &mut scene.own,
        "SELECT credentials.create('analyst', 'read_only', '{shop}')",
    );
    let mut analyst = scene.login("analyst");
    may(&mut analyst, &READS);
    may_not(&mut analyst, &WRITES);
    let said =
        "SELECT detail->>'access' FROM credentials.events('analyst') WHERE action = 'create'";
    assert_eq!(ask(&mut scene.own, said), "read_only");
    let actions =
        "SELECT action FROM credentials.events('analyst') WHERE action <> 'url' ORDER BY id";
    assert_eq!(
        column(&mut scene.own, actions),
        ["create"],
        "one call, one event"
    );
    run(
        &mut scene.own,
        "SELECT credentials.create('analyst', 'read_write', '{shop}', if_not_exists => true)",
    );
    assert_eq!(
        access(&mut scene.own, "analyst"),
        r#"{"shop": "read_only"}"#,
        "untouched"
    );
    let refused = "SELECT credentials.create('another', 'read_only', '{nowhere}')";
    expect_error(&mut scene.own, refused, "3F000");
    assert_eq!(
        ask(&mut scene.su, "SELECT to_regrole('another') IS NULL"),
        "t"
    );
}

#[test]
fn what_default_and_the_owning_group_make_later_stands_in_ddp() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    scene.credential("analyst");
    scene.credential("app_shop");
    scene.credential("deploy_shop");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    grant(&mut scene.own, "deploy_shop", "owner", "{shop}");
    grant(&mut scene.own, "app_shop", "read_write", "{shop}");
    let shown = column(
        &mut scene.su,
        "SELECT concat_ws(' ', d.defaclrole::regrole, d.defaclobjtype, a.grantee::regrole,
                          string_agg(a.privilege_type, ',' ORDER BY a.privilege_type))
           FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE d.defaclnamespace = 'shop'::regnamespace
          GROUP BY d.defaclrole, d.defaclobjtype, a.grantee ORDER BY 1",
    );
    let mut expected = Vec::new();
    for creator in ["app_owner", "db_owner_shop"] {
        expected.push(format!("{creator} S db_reader_shop SELECT"));
        expected.push(format!("{creator} S db_writer_shop SELECT,USAGE"));
        expected.push(format!("{creator} r db_reader_shop SELECT"));
        expected.push(format!(
            "{creator} r db_writer_shop DELETE,INSERT,SELECT,UPDATE"
        ));
    }
    expected.sort();
    let mut shown = shown;
    shown.sort();
    assert_eq!(shown, expected);
}
