//! The last stage: the flat role has nothing left and cannot log in, until an earlier stage gives it all back.

use postgres::Client;

use super::{apply, flat, owners, picture, plan, works, writes_nothing};
use crate::harness::{expect_error, sqlstate, wait_until, SOON};
use crate::scene::{ask, column, run, Scene};

/// Rights that a flat role may have besides owning: from several grantors, with the option to hand them on, on
/// columns, in default privileges, and handed on.
const ODD_RIGHTS: &str = "
    CREATE ROLE friend; CREATE ROLE other;
    CREATE SCHEMA \"Odd;\" AUTHORIZATION app_owner;
    SET ROLE app_owner;
    CREATE TABLE \"Odd;\".t (a int, \"B;\" int); CREATE SEQUENCE \"Odd;\".s;
    CREATE FUNCTION \"Odd;\".f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
    GRANT USAGE, CREATE ON SCHEMA \"Odd;\" TO shop; GRANT USAGE ON SCHEMA \"Odd;\" TO friend, other;
    GRANT SELECT ON \"Odd;\".t TO shop, friend WITH GRANT OPTION; GRANT INSERT ON \"Odd;\".t TO shop;
    GRANT UPDATE (\"B;\") ON \"Odd;\".t TO shop WITH GRANT OPTION; GRANT USAGE ON SEQUENCE \"Odd;\".s TO shop;
    GRANT EXECUTE ON FUNCTION \"Odd;\".f TO shop;
    ALTER DEFAULT PRIVILEGES IN SCHEMA \"Odd;\" GRANT SELECT ON TABLES TO shop WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES IN SCHEMA \"Odd;\" GRANT INSERT ON TABLES TO shop;
    ALTER DEFAULT PRIVILEGES IN SCHEMA \"Odd;\" GRANT EXECUTE ON FUNCTIONS TO shop;
    ALTER DEFAULT PRIVILEGES IN SCHEMA \"Odd;\" GRANT USAGE ON TYPES TO shop;
    SET ROLE friend; GRANT SELECT ON \"Odd;\".t TO shop;
    SET ROLE shop; GRANT SELECT ON \"Odd;\".t TO other; GRANT UPDATE (\"B;\") ON \"Odd;\".t TO other;
    RESET ROLE";

/// The four roles in `shop`, and the schema of odd rights beside it.
#[track_caller]
fn spec(client: &mut Client, stage: &str) -> String {
    let merged = super::spec(client, "shop", stage);
    ask(
        client,
        &format!("SELECT jsonb_set($s${merged}$s$, '{{schemas,Odd;}}', '{{}}')"),
    )
}

#[track_caller]
fn apply_spec(client: &mut Client, stage: &str) -> Vec<String> {
    let spec = spec(client, stage);
    column(
        client,
        &format!("SELECT statement FROM credentials.apply($spec${spec}$spec$)"),
    )
}

/// Every right in the schema of odd rights, and who is a member of whom.
#[track_caller]
fn odd(su: &mut Client) -> Vec<String> {
    column(
        su,
        "SELECT x FROM (
           SELECT 'n ' || unnest(nspacl) FROM pg_namespace WHERE nspname = 'Odd;'
           UNION ALL SELECT relname || ' ' || unnest(relacl) FROM pg_class WHERE relnamespace = to_regnamespace('\"Odd;\"')
           UNION ALL SELECT attname || ' ' || unnest(attacl) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = to_regnamespace('\"Odd;\"')
           UNION ALL SELECT proname || ' ' || unnest(proacl) FROM pg_proc WHERE pronamespace = to_regnamespace('\"Odd;\"')
           UNION ALL SELECT concat_ws(' ', defaclrole::regrole, defaclobjtype, unnest(defaclacl)) FROM pg_default_acl
           UNION ALL SELECT concat_ws(' ', roleid::regrole, member::regrole, grantor::regrole, admin_option) FROM pg_auth_members
         ) a (x) ORDER BY x",
    )
}

#[test]
fn a_retired_role_has_nothing_left_in_the_schemas_and_cannot_log_in() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "observe");
    scene.settle();
    let planned = plan(&mut scene.su, "shop", "retire");
    assert_eq!(
        planned,
        [
            "REVOKE db_owner_shop FROM shop;",
            "ALTER ROLE shop NOLOGIN;",
            "-- stage retire of leaving shop"
        ]
    );
    assert_eq!(apply(&mut scene.su, "shop", "retire"), planned);
    writes_nothing(&mut scene.su, "shop", "retire");
    // Who is still connected can do nothing, and nobody connects any more.
    expect_error(&mut shop, "SELECT * FROM shop.orders", "42501");
    expect_error(&mut shop, "CREATE TABLE shop.mine (i int)", "42501");
    let again = scene.cluster.login("shop", "a-stranger-called-shop", "app");
    assert_eq!(sqlstate(&again.map(|_| ()).unwrap_err()), "28000");
    let mut user = scene.login("shop_user");
    run(&mut user, "INSERT INTO shop.orders (word) VALUES ('z')");
    let mut migrator = scene.login("shop_migrator");
    run(&mut migrator, "CREATE TABLE shop.new (i int)");
    apply(&mut scene.su, "shop", "observe");
    works(&mut shop);
    scene
        .cluster
        .login("shop", "a-stranger-called-shop", "app")
        .unwrap();
    writes_nothing(&mut scene.su, "shop", "observe");
}

#[test]
fn rights_of_every_kind_come_back_with_their_grantors_and_options_and_others_keep_theirs() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    run(&mut scene.su, ODD_RIGHTS);
    apply_spec(&mut scene.su, "login");
    scene.settle();
    run(
        &mut scene.su,
        "REVOKE db_owner_shop FROM shop; GRANT db_owner_shop TO app_owner WITH ADMIN OPTION;
         SET ROLE app_owner; GRANT db_owner_shop TO shop WITH ADMIN OPTION; GRANT db_reader_shop TO shop; RESET ROLE",
    );
    let before = odd(&mut scene.su);
    let applied = apply_spec(&mut scene.su, "retire");
    assert!(
        applied
            .iter()
            .any(|s| s == "REVOKE UPDATE (\"B;\") ON TABLE \"Odd;\".t FROM shop;"),
        "{applied:#?}"
    );
    let left = odd(&mut scene.su)
        .into_iter()
        .filter(|x| x.contains(" shop=") || x.ends_with("/shop") || x.contains(" shop "))
        .collect::<Vec<_>>();
    let of_defaults = |x: &String| x.starts_with("shop ") && x.ends_with("/shop");
    assert!(left.iter().all(of_defaults), "{left:#?}");
    let kept = "SELECT has_table_privilege('other', '\"Odd;\".t', 'SELECT') AND has_column_privilege('other', '\"Odd;\".t', 'B;', 'UPDATE')";
    assert_eq!(ask(&mut scene.su, kept), "t");
    let spec = spec(&mut scene.su, "retire");
    let again = format!("SELECT statement FROM credentials.plan($spec${spec}$spec$)");
    assert_eq!(column(&mut scene.su, &again), [""; 0]);
    apply_spec(&mut scene.su, "login");
    assert_eq!(odd(&mut scene.su), before);
    works(&mut shop);
}

#[test]
fn what_is_gone_when_things_come_back_is_left_out() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    run(&mut scene.su, ODD_RIGHTS);
    apply_spec(&mut scene.su, "retire");
    scene.settle();
    run(
        &mut scene.su,
        "DROP FUNCTION \"Odd;\".f; ALTER TABLE \"Odd;\".t DROP COLUMN \"B;\"; DROP OWNED BY other; DROP ROLE other;
         REVOKE ALL ON \"Odd;\".t FROM friend CASCADE; DROP OWNED BY friend; DROP ROLE friend; ALTER SEQUENCE \"Odd;\".s RENAME TO r",
    );
    apply_spec(&mut scene.su, "login");
    scene.settle();
    works(&mut shop);
    run(
        &mut shop,
        "SELECT nextval('\"Odd;\".r'); SELECT a FROM \"Odd;\".t",
    );
    let sane = "SELECT count(*) FROM pg_class, aclexplode(relacl) a WHERE relnamespace = to_regnamespace('\"Odd;\"')
                  AND (pg_get_userbyid(a.grantee) LIKE 'unknown%' OR pg_get_userbyid(a.grantor) LIKE 'unknown%')";
    assert_eq!(ask(&mut scene.su, sane), "0");
}

#[test]
fn what_the_flat_role_still_owns_in_the_schema_goes_to_its_group() {
    let mut scene = Scene::new();
    let _shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    run(&mut scene.su, "ALTER TABLE shop.orders OWNER TO shop");
    apply(&mut scene.su, "shop", "retire");
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["db_owner_shop"]);
    writes_nothing(&mut scene.su, "shop", "retire");
    let mut user = scene.login("shop_user");
    run(&mut user, "INSERT INTO shop.orders (word) VALUES ('z')");
}

#[test]
fn retiring_that_is_rolled_back_takes_nothing() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    let before = picture(&mut scene.su);
    run(&mut scene.su, "BEGIN");
    apply(&mut scene.su, "shop", "retire");
    run(&mut scene.su, "ROLLBACK");
    assert_eq!(picture(&mut scene.su), before);
    works(&mut shop);
}

#[test]
fn a_role_that_is_retired_at_once_comes_back_at_once() {
    let mut scene = Scene::new();
    let mut shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "retire");
    scene.settle();
    expect_error(&mut shop, "SELECT * FROM shop.orders", "42501");
    apply(&mut scene.su, "shop", "prepare");
    works(&mut shop);
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["shop"]);
    works(&mut shop);
    scene
        .cluster
        .login("shop", "a-stranger-called-shop", "app")
        .unwrap();
}

#[test]
fn after_a_crash_a_retired_role_is_given_back_all_the_same() {
    let mut scene = Scene::new();
    let shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "observe");
    scene.settle();
    let before = picture(&mut scene.su);
    apply(&mut scene.su, "shop", "retire");
    drop(shop);
    scene.cluster.kill9();
    scene.cluster.start();
    let mut su = scene.cluster.superuser("app");
    writes_nothing(&mut su, "shop", "retire");
    apply(&mut su, "shop", "observe");
    assert_eq!(picture(&mut su), before);
    let mut shop = scene
        .cluster
        .login("shop", "a-stranger-called-shop", "app")
        .unwrap();
    works(&mut shop);
    wait_until("nothing is left to do", SOON, || {
        ask(
            &mut su,
            "SELECT count(*) FROM credentials.jobs() WHERE state <> 'done'",
        ) == "0"
    });
}
