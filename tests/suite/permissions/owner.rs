//! The owner preset: a group owns the schema at the commit, and what is in it as soon as the worker has moved it.

use super::{access, grant, may, may_not, SHOP};
use crate::harness::expect_error;
use crate::scene::{ask, column, run, Scene};

/// Who owns what in schema shop, `kind name owner`, without what the server makes along.
const OWNERS: &str = "SELECT concat_ws(' ', c.relname, c.relowner::regrole) FROM pg_class c
  WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('r','p','v','m','S')
 UNION ALL SELECT concat_ws(' ', p.proname, p.proowner::regrole) FROM pg_proc p
  WHERE p.pronamespace = 'shop'::regnamespace ORDER BY 1";

#[test]
fn an_owner_has_the_schema_at_once_and_all_that_is_in_it_when_the_job_is_done() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut deploy = scene.credential("deploy_shop");
    assert_eq!(
        grant(&mut scene.own, "deploy_shop", "owner", "{shop}"),
        ["deploy_shop|shop|owner"]
    );
    let owner = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'shop'";
    assert_eq!(ask(&mut scene.su, owner), "db_owner_shop");
    let kinds = "SELECT kind || ' ' || name FROM credentials.jobs() WHERE kind = 'move'";
    assert_eq!(ask(&mut scene.own, kinds), "move deploy_shop");
    let waited = "SELECT state FROM credentials.wait('deploy_shop')";
    assert_eq!(ask(&mut scene.own, waited), "active");
    for line in column(&mut scene.su, OWNERS) {
        assert!(line.ends_with(" db_owner_shop"), "{line}");
    }
    may(
        &mut deploy,
        &[
            "CREATE TABLE shop.new (i int)",
            "ALTER TABLE shop.orders ADD COLUMN more int",
            "TRUNCATE shop.parts",
            "DROP VIEW shop.seen",
        ],
    );
    may(
        &mut scene.own,
        &["SELECT * FROM shop.orders", "DROP TABLE shop.parts"],
    );
    let callable =
        "SELECT has_function_privilege('deploy_shop', 'shop.definer_secret()', 'EXECUTE')";
    assert_eq!(ask(&mut scene.su, callable), "t");
    assert_eq!(
        access(&mut scene.own, "deploy_shop"),
        r#"{"shop": "owner"}"#
    );
}

#[test]
fn what_superusers_and_strangers_own_goes_along_only_where_a_superuser_says_so() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(
        &mut scene.su,
        "CREATE ROLE stranger; GRANT USAGE, CREATE ON SCHEMA shop TO stranger;
         CREATE TABLE shop.of_su (i int);
         CREATE FUNCTION shop.su_code() RETURNS int LANGUAGE sql AS 'SELECT 1';
         SET ROLE stranger; CREATE TABLE shop.of_stranger (i int); RESET ROLE",
    );
    scene.credential("deploy_shop");
    grant(&mut scene.own, "deploy_shop", "owner", "{shop}");
    scene.settle();
    let others = |scene: &mut Scene| {
        let mut lines = column(&mut scene.su, OWNERS);
        lines.retain(|line| !line.ends_with(" db_owner_shop"));
        lines
    };
    assert_eq!(
        others(&mut scene),
        ["of_stranger stranger", "of_su postgres", "su_code postgres"]
    );
    run(
        &mut scene.own,
        "SELECT credentials.revoke('deploy_shop', schemas => '{shop}')",
    );
    grant(&mut scene.su, "deploy_shop", "owner", "{shop}");
    scene.settle();
    assert_eq!(
        others(&mut scene),
        ["su_code postgres"],
        "never a superuser's code"
    );
}

#[test]
fn a_view_of_what_the_group_may_not_read_stays_and_goes_on_working() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(
        &mut scene.own,
        "CREATE TABLE public.elsewhere (i int);
         CREATE VIEW shop.reaches_out AS SELECT i FROM public.elsewhere;
         CREATE VIEW shop.reaches_in AS SELECT id FROM shop.orders",
    );
    scene.credential("deploy_shop");
    grant(&mut scene.own, "deploy_shop", "owner", "{shop}");
    scene.settle();
    let lines = column(&mut scene.su, OWNERS);
    assert!(
        lines.contains(&"reaches_out app_owner".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"reaches_in db_owner_shop".to_owned()),
        "{lines:?}"
    );
    run(
        &mut scene.own,
        "SELECT * FROM shop.reaches_out; SELECT * FROM shop.reaches_in",
    );
}

#[test]
fn the_last_owner_taken_away_leaves_the_group_as_the_owner() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut deploy = scene.credential("deploy_shop");
    grant(&mut scene.own, "deploy_shop", "owner", "{shop}");
    scene.settle();
    run(
        &mut scene.own,
        "SELECT credentials.revoke('deploy_shop', 'owner', '{shop}')",
    );
    let owner = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'shop'";
    assert_eq!(ask(&mut scene.su, owner), "db_owner_shop");
    may_not(&mut deploy, &["SELECT * FROM shop.orders"]);
    may(&mut scene.own, &["SELECT * FROM shop.orders"]);
}

#[test]
fn a_repair_gives_to_the_group_what_stands_in_its_schema_and_default_its_admin_option() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    scene.credential("deploy_shop");
    scene.credential("analyst");
    grant(&mut scene.own, "deploy_shop", "owner", "{shop,public}");
    scene.settle();
    run(
        &mut scene.su,
        "CREATE TABLE shop.of_su (i int); CREATE TABLE public.of_su (i int);
         CREATE SCHEMA other; CREATE TABLE other.of_su (i int);
         ALTER TABLE shop.orders OWNER TO analyst; ALTER SCHEMA shop OWNER TO app_owner;
         REVOKE db_owner_shop FROM app_owner",
    );
    let plan = column(
        &mut scene.own,
        "SELECT concat_ws(' ', kind, object, action, note) FROM credentials.repair_plan() WHERE kind <> 'type'",
    );
    for line in [
        "right role db_owner_shop grant with ADMIN OPTION",
        "schema shop move to \"db_owner_shop\"",
        "table shop.of_su move to \"db_owner_shop\"",
        "table shop.orders move to \"db_owner_shop\"",
        "table public.of_su move to \"db_owner_public\"",
        "table other.of_su move",
    ] {
        assert!(
            plan.iter().any(|l| l.trim_end() == line),
            "{line}: {plan:#?}"
        );
    }
    run(&mut scene.own, "SELECT credentials.repair_default()");
    scene.settle();
    for line in column(&mut scene.su, OWNERS) {
        assert!(line.ends_with(" db_owner_shop"), "{line}");
    }
    let owner = |what: &str| {
        format!("SELECT concat_ws(' ', (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = '{what}'), (SELECT relowner::regrole FROM pg_class WHERE relname = 'of_su' AND relnamespace = '{what}'::regnamespace))")
    };
    assert_eq!(
        ask(&mut scene.su, &owner("shop")),
        "db_owner_shop db_owner_shop"
    );
    assert_eq!(
        ask(&mut scene.su, &owner("public")),
        "db_owner_public db_owner_public"
    );
    assert_eq!(ask(&mut scene.su, &owner("other")), "app_owner app_owner");
    let admin = "SELECT admin_option FROM pg_auth_members WHERE roleid = 'db_owner_shop'::regrole AND member = 'app_owner'::regrole";
    assert_eq!(ask(&mut scene.su, admin), "t");
    let left = "SELECT count(*) FROM credentials.repair_plan()";
    assert_eq!(ask(&mut scene.own, left), "0");
}

#[test]
fn nobody_is_given_the_ownership_of_every_schema() {
    let mut scene = Scene::new();
    scene.credential("deploy_shop");
    for client in [&mut scene.own, &mut scene.su] {
        expect_error(
            client,
            "SELECT credentials.grant('deploy_shop', 'owner', '{public,*}')",
            "0A000",
        );
    }
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.access_group"
        ),
        "0"
    );
}
