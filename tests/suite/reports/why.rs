//! `why()` tells the ways by which the server finds a privilege, and nobody for whom it finds none.

use crate::scene::{ask, column, rows, run, Scene};

/// Objects of every kind, and rights on them by every way.
const PLACE: &str = "
  CREATE ROLE keeper; CREATE ROLE low; CREATE ROLE middle; CREATE ROLE high; CREATE ROLE shut NOINHERIT; CREATE ROLE reads IN ROLE pg_read_all_data;
  CREATE ROLE writes IN ROLE pg_write_all_data; CREATE ROLE boss SUPERUSER; CREATE ROLE passes BYPASSRLS; CREATE ROLE none_at_all;
  GRANT high TO middle; GRANT middle TO low; GRANT high TO shut;
  CREATE SCHEMA shop AUTHORIZATION keeper; GRANT USAGE ON SCHEMA shop TO high; GRANT CREATE ON SCHEMA shop TO passes;
  CREATE TABLE shop.orders (n int); CREATE VIEW shop.seen AS SELECT 1 AS n; CREATE SEQUENCE shop.numbers; CREATE TABLE shop.\"Odd \"\"name\" (n int);
  CREATE MATERIALIZED VIEW shop.kept AS SELECT 1 AS n;
  CREATE FUNCTION shop.total(n integer, t text) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION shop.total() RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION shop.closed(shop.orders[]) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION shop.closed FROM PUBLIC; GRANT EXECUTE ON FUNCTION shop.closed TO low;
  ALTER TABLE shop.orders OWNER TO keeper; ALTER SEQUENCE shop.numbers OWNER TO keeper; REVOKE ALL ON shop.numbers FROM keeper;
  GRANT SELECT ON shop.orders TO high WITH GRANT OPTION; SET ROLE high; GRANT SELECT ON shop.orders TO passes; RESET ROLE;
  GRANT INSERT ON shop.orders TO PUBLIC; GRANT UPDATE ON shop.numbers TO shut; GRANT SELECT (n) ON shop.orders TO none_at_all;
  GRANT ALL ON pg_catalog.pg_class TO low; CREATE TABLE public.plain (n int);
  ALTER TABLE public.plain OWNER TO keeper; GRANT SELECT ON public.plain TO low";

/// From PostgreSQL 16 on each membership says whether it inherits; MAINTAIN came with 17.
const OPTIONS: &str = "
  CREATE ROLE withheld; CREATE ROLE allowed NOINHERIT; CREATE ROLE maintains IN ROLE pg_maintain; CREATE ROLE two_ways;
  GRANT high TO withheld WITH INHERIT FALSE; GRANT high TO allowed WITH INHERIT TRUE, SET FALSE; GRANT MAINTAIN ON shop.orders TO low;
  GRANT high TO two_ways WITH INHERIT FALSE, ADMIN TRUE; GRANT high TO middle WITH ADMIN TRUE; GRANT high TO two_ways WITH INHERIT TRUE GRANTED BY middle";

/// What can be granted on a table.
pub(super) const TABLES: &[&str] = if cfg!(feature = "pg15") {
    &[
        "DELETE",
        "INSERT",
        "REFERENCES",
        "SELECT",
        "TRIGGER",
        "TRUNCATE",
        "UPDATE",
    ]
} else {
    &[
        "DELETE",
        "INSERT",
        "MAINTAIN",
        "REFERENCES",
        "SELECT",
        "TRIGGER",
        "TRUNCATE",
        "UPDATE",
    ]
};

pub(super) fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.cluster.allow_superuser("boss");
    run(&mut scene.su, PLACE);
    if !cfg!(feature = "pg15") {
        run(&mut scene.su, OPTIONS);
    }
    scene
}

#[test]
fn who_is_told_is_who_the_server_lets() {
    let mut scene = scene();
    let asked: [(&str, &str, &[&str], &str); 14] = [
        ("shop.orders", "table", TABLES, "shop.orders"),
        ("Table shop.Orders", "table", TABLES, "shop.orders"),
        ("shop.seen", "table", TABLES, "shop.seen"),
        ("shop.kept", "table", TABLES, "shop.kept"),
        (
            "shop . \"Odd \"\"name\"",
            "table",
            TABLES,
            "shop.\"Odd \"\"name\"",
        ),
        ("plain", "table", &["SELECT"], "public.plain"),
        (
            "pg_catalog.pg_class",
            "table",
            TABLES,
            "pg_catalog.pg_class",
        ),
        (
            "pg_catalog.pg_settings",
            "table",
            TABLES,
            "pg_catalog.pg_settings",
        ),
        (
            "shop.numbers",
            "sequence",
            &["SELECT", "UPDATE", "USAGE"],
            "shop.numbers",
        ),
        (
            "shop.total(int, pg_catalog.text)",
            "function",
            &["EXECUTE"],
            "shop.total(int, text)",
        ),
        (
            "shop.closed",
            "function",
            &["execute"],
            "shop.closed(shop.orders[])",
        ),
        ("shop", "schema", &["USAGE", "CREATE"], "shop"),
        ("schema public", "schema", &["USAGE", "CREATE"], "public"),
        (
            "app",
            "database",
            &["CONNECT", "CREATE", "TEMPORARY", "temp"],
            "app",
        ),
    ];
    for (object, kind, privileges, exact) in asked {
        for privilege in privileges {
            let told = column(
                &mut scene.su,
                &format!("SELECT DISTINCT name FROM credentials.why('{object}', '{privilege}') ORDER BY 1"),
            );
            let lets = column(
                &mut scene.su,
                &format!(
                    "SELECT coalesce(c.name, r.rolname::text) FROM pg_roles r LEFT JOIN credentials.credential c ON c.role = r.oid
                      WHERE has_{kind}_privilege(r.oid, '{exact}', '{privilege}') ORDER BY 1"
                ),
            );
            assert_eq!(told, lets, "{privilege} on {object}");
            assert!(!lets.is_empty());
        }
    }
    // Who lacks the schema is told so, and nobody else.
    let missing = "SELECT name FROM credentials.why('shop.orders', 'INSERT') WHERE via = 'missing' ORDER BY 1";
    let lacking = "SELECT coalesce(c.name, r.rolname::text) FROM pg_roles r LEFT JOIN credentials.credential c ON c.role = r.oid
                    WHERE has_table_privilege(r.oid, 'shop.orders', 'INSERT') AND NOT has_schema_privilege(r.oid, 'shop', 'USAGE') ORDER BY 1";
    assert_eq!(
        column(&mut scene.su, missing),
        column(&mut scene.su, lacking)
    );
}

#[test]
fn a_chain_is_told_step_by_step() {
    let mut scene = scene();
    run(
        &mut scene.su,
        "SELECT credentials.create('analyst'); GRANT low TO analyst; CREATE ROLE legacy LOGIN IN ROLE middle; SELECT credentials.adopt('legacy', 'old_one');
         GRANT DELETE ON shop.orders TO legacy",
    );
    let why = |scene: &mut Scene, rest: &str| {
        rows(
            &mut scene.own,
            &format!("SELECT step, via, detail FROM credentials.why({rest})"),
        )
    };
    assert_eq!(
        why(&mut scene, "'shop.orders', name => 'analyst'"),
        [
            "1|membership|analyst is a member of low and inherits what it may",
            "2|membership|low is a member of middle and inherits what it may",
            "3|membership|middle is a member of high and inherits what it may",
            "4|grant|keeper granted SELECT on table shop.orders to high WITH GRANT OPTION",
        ]
    );
    // Default administers every credential, and up to PostgreSQL 15 that is a membership as any other.
    assert_eq!(
        why(&mut scene, "'shop.orders', 'delete', 'default'"),
        [
            "1|membership|app_owner is a member of legacy and inherits what it may",
            "2|grant|keeper granted DELETE on table shop.orders to legacy",
        ]
    );
    assert_eq!(
        why(&mut scene, "'shop.orders', 'delete', 'old_one'"),
        ["1|grant|keeper granted DELETE on table shop.orders to legacy"]
    );
    let of_one = |role: &str, object: &str, privilege: &str| {
        format!("SELECT via || ': ' || detail FROM credentials.why('{object}', '{privilege}') WHERE name = '{role}' ORDER BY step")
    };
    assert_eq!(
        column(&mut scene.su, &of_one("none_at_all", "shop.orders", "insert")),
        [
            "PUBLIC: keeper granted INSERT on table shop.orders to PUBLIC",
            "missing: none_at_all has no USAGE on schema shop, without which it cannot name what is in it",
        ]
    );
    assert_eq!(
        column(&mut scene.su, &of_one("none_at_all", "shop.total()", "execute")),
        [
            "PUBLIC: PUBLIC has EXECUTE on function shop.total() from the start: nobody has revoked it",
            "missing: none_at_all has no USAGE on schema shop, without which it cannot name what is in it",
        ]
    );
    assert_eq!(
        column(&mut scene.su, &of_one("keeper", "shop.orders", "trigger")),
        ["ownership: keeper owns table shop.orders"]
    );
    assert_eq!(
        why(&mut scene, "'database app', 'create', 'default'"),
        ["1|ownership|app_owner owns database app"]
    );
    let of = |name: &str| {
        format!("SELECT via || ': ' || detail FROM credentials.why('shop.orders') WHERE name = '{name}' ORDER BY step")
    };
    assert_eq!(
        column(&mut scene.su, &of("boss")),
        ["superuser: boss is a superuser, who is asked for no privilege"]
    );
    assert_eq!(
        column(&mut scene.su, &of("reads")),
        [
            "membership: reads is a member of pg_read_all_data and inherits what it may",
            "predefined role: pg_read_all_data has SELECT wherever it is, without a grant",
        ]
    );
    assert_eq!(
        column(&mut scene.su, &of("passes"))[0],
        "grant: high granted SELECT on table shop.orders to passes"
    );
    // What a role has not got is not explained away.
    assert_eq!(
        why(&mut scene, "'shop.orders', 'TRUNCATE', 'analyst'"),
        [""; 0]
    );
}

#[test]
fn the_policies_that_filter_are_told_where_row_security_is_active() {
    let mut scene = scene();
    run(
        &mut scene.su,
        "GRANT SELECT, UPDATE ON shop.orders TO low, passes, shut; GRANT USAGE ON SCHEMA shop TO PUBLIC; GRANT keeper TO writes; GRANT SELECT ON shop.orders TO writes;
         ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
         CREATE POLICY of_high ON shop.orders FOR SELECT TO high USING (true); CREATE POLICY \"All of them\" ON shop.orders AS RESTRICTIVE USING (true);
         CREATE POLICY to_write ON shop.orders FOR UPDATE TO shut USING (true)",
    );
    let of = |name: &str, privilege: &str| {
        format!("SELECT detail FROM credentials.why('shop.orders', '{privilege}') WHERE name = '{name}' AND via IN ('row policy', 'row security') ORDER BY step")
    };
    assert_eq!(
        column(&mut scene.su, &of("low", "SELECT")),
        [
            "restrictive policy \"All of them\" filters the rows to SELECT",
            "permissive policy of_high filters the rows to SELECT",
        ]
    );
    // A member that does not inherit is not met by the group's policies.
    assert_eq!(
        column(&mut scene.su, &of("shut", "SELECT")),
        [
            "restrictive policy \"All of them\" filters the rows to SELECT",
            "no policy lets shut SELECT any row, so there is none",
        ]
    );
    assert_eq!(
        column(&mut scene.su, &of("low", "UPDATE")),
        [
            "restrictive policy \"All of them\" filters the rows to UPDATE",
            "no policy lets low UPDATE any row, so there is none",
            "permissive policy of_high filters the rows to SELECT",
        ]
    );
    for forced in ["NO FORCE", "FORCE"] {
        run(
            &mut scene.su,
            &format!("ALTER TABLE shop.orders {forced} ROW LEVEL SECURITY"),
        );
        for role in ["keeper", "writes", "low", "passes", "shut", "boss", "reads"] {
            run(&mut scene.su, &format!("SET ROLE {role}"));
            let active = ask(&mut scene.su, "SELECT row_security_active('shop.orders')");
            run(&mut scene.su, "RESET ROLE");
            let told = column(&mut scene.su, &of(role, "SELECT")).join("\n");
            let passes = told.starts_with("no row is filtered");
            assert_eq!(passes, active == "f", "{forced} {role}: {told}");
            assert!(!told.is_empty());
        }
    }
}
