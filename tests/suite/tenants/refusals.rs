//! What cannot be made safe is refused, with the statement that mends it, and nothing is changed.

use super::{apply, shop, spec};
use crate::harness::expect_error;
use crate::scene::{ask, run, Scene};

fn call(credential: &str, table: &'static str, value: &str) -> String {
    let spec = spec(&[(credential.to_owned(), table, value.to_owned())]);
    format!("SELECT * FROM credentials.apply('{spec}')")
}

/// What a refusal must leave as it was.
fn print(scene: &mut Scene) -> String {
    ask(
        &mut scene.su,
        "SELECT md5(string_agg(t, '|' ORDER BY t)) FROM (
           SELECT p::text FROM pg_policy p UNION ALL SELECT c.oid::text || c.relrowsecurity || c.relforcerowsecurity FROM pg_class c
           UNION ALL SELECT t::text FROM credentials.tenant t UNION ALL SELECT t::text FROM credentials.tenant_table t
           UNION ALL SELECT e::text FROM credentials.event e) x(t)",
    )
}

/// Refused with `state`; the statement of the hint helps, where one is given.
#[track_caller]
fn refused(scene: &mut Scene, sql: &str, state: &str, hint: &str) {
    let before = print(scene);
    let error = expect_error(&mut scene.own, sql, state);
    let db = error.as_db_error().unwrap();
    assert!(db.hint().unwrap_or_default().contains(hint), "{db:?}");
    assert_eq!(print(scene), before);
}

#[test]
fn what_reads_past_row_security_within_a_tenants_reach_is_refused() {
    let mut scene = shop(Scene::new(), 2, 5);
    run(
        &mut scene.own,
        "CREATE TABLE shop.t (tenant text); GRANT SELECT ON shop.t TO shop_group",
    );
    let sql = call("t00", "shop.t", "m0");
    for (make, hint, mend) in [
        ("CREATE MATERIALIZED VIEW shop.m AS SELECT * FROM shop.t; GRANT SELECT ON shop.m TO shop_group", "Revoke", "DROP MATERIALIZED VIEW shop.m"),
        ("CREATE VIEW shop.sv AS SELECT * FROM shop.t; ALTER VIEW shop.sv OWNER TO postgres; GRANT SELECT (tenant) ON shop.sv TO PUBLIC",
         "ALTER VIEW shop.sv SET (security_invoker = true);", "ALTER VIEW shop.sv SET (security_invoker = true); GRANT DELETE ON shop.sv TO t00"),
        ("CREATE VIEW shop.sv1 AS SELECT * FROM shop.t; ALTER VIEW shop.sv1 OWNER TO postgres; GRANT SELECT ON shop.sv1 TO app_owner;
          CREATE VIEW shop.sv2 AS SELECT * FROM shop.sv1; ALTER VIEW shop.sv2 OWNER TO app_owner; GRANT SELECT ON shop.sv2 TO t00",
         "ALTER VIEW shop.sv2", "REVOKE SELECT ON shop.sv2 FROM t00"),
        ("GRANT TRUNCATE ON shop.t TO shop_group", "REVOKE TRUNCATE ON shop.t FROM shop_group;", "REVOKE TRUNCATE ON shop.t FROM shop_group"),
        ("GRANT TRIGGER ON shop.t TO PUBLIC", "REVOKE TRIGGER ON shop.t FROM PUBLIC;", "REVOKE TRIGGER ON shop.t FROM PUBLIC"),
        ("GRANT REFERENCES (tenant) ON shop.t TO t00", "REVOKE REFERENCES", "REVOKE REFERENCES (tenant) ON shop.t FROM t00"),
        ("CREATE ROLE wide BYPASSRLS; GRANT wide TO shop_group", "REVOKE wide FROM t00;", "REVOKE wide FROM shop_group"),
    ] {
        run(&mut scene.su, make);
        refused(&mut scene, &sql, "42501", hint);
        run(&mut scene.su, mend);
        run(&mut scene.own, &format!("BEGIN; {sql}; ROLLBACK"));
    }
    run(&mut scene.su, "GRANT t01 TO t00");
    let both = spec(&[
        ("t00".to_owned(), "shop.t", "m0".to_owned()),
        ("t01".to_owned(), "shop.t", "m1".to_owned()),
    ]);
    refused(
        &mut scene,
        &format!("SELECT * FROM credentials.apply('{both}')"),
        "42501",
        "REVOKE t01 FROM t00;",
    );
}

#[test]
fn what_cannot_have_tenants_is_refused_with_its_reason() {
    let mut scene = shop(Scene::new(), 1, 5);
    run(
        &mut scene.su,
        "CREATE TABLE public.of_superuser (tenant text);
         CREATE SCHEMA hidden; CREATE TABLE hidden.t (tenant text)",
    );
    run(
        &mut scene.own,
        "CREATE TABLE shop.guarded (tenant text); ALTER TABLE shop.guarded ENABLE ROW LEVEL SECURITY;
         CREATE TABLE shop.sleeping (tenant text); CREATE POLICY tenants_others ON shop.sleeping USING (true);
         CREATE TABLE shop.t (id int, tenant text, b box, a text[])",
    );
    for (credential, table, state) in [
        ("t00", "shop.nothing", "42704"),
        ("t00", "nowhere.t", "42704"),
        ("t00", "shop.v", "22023"),
        ("t00", "shop.orders_pkey", "22023"),
        ("t00", "pg_catalog.pg_class", "42939"),
        ("t00", "credentials.event", "42939"),
        ("t00", "shop.guarded", "42710"),
        ("t00", "shop.sleeping", "42710"),
        ("t00", "public.of_superuser", "42501"),
        ("nobody", "shop.t", "42704"),
        ("default", "shop.t", "42501"),
    ] {
        refused(&mut scene, &call(credential, table, "m0"), state, "");
    }
    for (column, value) in [
        ("nothing", "x"),
        ("id", "seven"),
        ("ctid", "(0,1)"),
        ("tenant\\u0000", "x"),
        ("", "x"),
        ("tenant", "a\\u0000b"),
        ("b", "(1,1)"),
        ("a", "{x}"),
    ] {
        let spec = format!(
            r#"{{"tenants": [{{"credential": "t00", "tables": ["shop.t"], "column": "{column}", "value": "{value}"}}]}}"#
        );
        let sql = format!("SELECT * FROM credentials.apply('{spec}')");
        let state = if spec.contains("u0000") {
            "22P05"
        } else {
            "22023"
        };
        refused(&mut scene, &sql, state, "");
    }
}

#[test]
fn only_who_has_the_owners_rights_sets_the_tenants_of_a_table() {
    let mut scene = shop(Scene::new(), 1, 5);
    let mut other = scene.stranger("other", "");
    run(
        &mut scene.own,
        "GRANT USAGE, CREATE ON SCHEMA shop TO other",
    );
    run(&mut other, "CREATE TABLE shop.theirs (tenant text)");
    refused(&mut scene, &call("t00", "shop.theirs", "m0"), "42501", "");
    apply(
        &mut scene.su,
        &[("t00".to_owned(), "shop.theirs", "m0".to_owned())],
    );
    let policies = "SELECT count(*) FROM pg_policy WHERE polrelid = 'shop.theirs'::regclass";
    assert_eq!(ask(&mut scene.su, policies), "2");
}
