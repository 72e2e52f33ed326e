//! Row for row what the queries return.

use postgres::Client;

use super::generated::SCHEMAS;
use super::{generated, of_role, same, same_rows};
use crate::harness::expect_error;
use crate::scene::{ask, column, run, Scene};

fn long() -> bool {
    std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some()
}

#[test]
fn the_reports_have_the_rows_of_the_queries_on_a_generated_estate() {
    let mut scene = Scene::new();
    let (relations, roles) = if long() { (10_000, 120) } else { (300, 40) };
    scene.cluster.allow_superuser("su2");
    generated::roles(&mut scene.su, roles);
    run(&mut scene.su, "ALTER DATABASE app OWNER TO g_owner");
    generated::relations(&mut scene.su, relations, roles);
    let (tables, schemas) = same_rows(&mut scene.su);
    assert!(
        tables > relations * roles / 4,
        "{tables} rows are too few to tell"
    );
    assert!(schemas > roles, "{schemas} rows are too few to tell");
}

#[test]
fn the_reports_have_the_rows_of_the_queries_whatever_things_are_called() {
    let mut scene = Scene::new();
    run(&mut scene.su, "CREATE SCHEMA odd");
    let names = [
        "PUBLIC",
        "Public ",
        "a\"b",
        "a'b",
        "a\nb\tc",
        "a.b",
        "größe",
        "\u{1F600} ",
        "ＡＢＣ",
        "\\",
        "{a,b}",
        "NULL",
        "select",
        "-",
        " ",
        "%s",
        "$1",
        "\u{202e}x",
        &"é".repeat(31),
        &"z".repeat(63),
    ];
    for name in names {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        run(
            &mut scene.su,
            &format!(
                "CREATE ROLE {quoted}; CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.{quoted} ({quoted} int);
                 CREATE TABLE odd.{quoted} ({quoted} int);
                 GRANT USAGE ON SCHEMA {quoted} TO {quoted}; GRANT INSERT, SELECT ON {quoted}.{quoted} TO {quoted} WITH GRANT OPTION;
                 GRANT SELECT ON odd.{quoted} TO PUBLIC; ALTER TABLE odd.{quoted} OWNER TO {quoted}"
            ),
        );
    }
    same_rows(&mut scene.su);
    let own = "SELECT count(*) FROM credentials.table_privileges() WHERE user_name = schema_name AND schema_name = table_name AND privilege_types = '{INSERT,SELECT}'";
    assert_eq!(ask(&mut scene.su, own), names.len().to_string());
}

/// Every kind of relation and every way to a privilege that is not an ordinary grant.
const WAYS: &str = "
  CREATE ROLE owner1; CREATE ROLE owner2; CREATE ROLE plain; CREATE ROLE closed NOINHERIT; CREATE ROLE middle NOINHERIT; CREATE ROLE low;
  CREATE ROLE boss SUPERUSER NOINHERIT; CREATE ROLE of_boss IN ROLE boss; CREATE ROLE reads IN ROLE pg_read_all_data;
  CREATE ROLE reads_not NOINHERIT IN ROLE pg_read_all_data; CREATE ROLE writes IN ROLE pg_write_all_data;
  CREATE ROLE two IN ROLE reads, writes; CREATE ROLE monitor IN ROLE pg_monitor; CREATE ROLE dbo_child IN ROLE app_owner;
  GRANT owner1 TO middle; GRANT middle TO low; GRANT owner1, owner2 TO plain; GRANT owner2 TO closed;
  CREATE SCHEMA w AUTHORIZATION owner1; CREATE SCHEMA locked; CREATE SCHEMA made; GRANT CREATE ON SCHEMA made TO owner2; GRANT USAGE ON SCHEMA made TO PUBLIC;
  REVOKE ALL ON SCHEMA w FROM owner1; GRANT USAGE ON SCHEMA w TO owner1;
  ALTER SCHEMA locked OWNER TO owner2; REVOKE ALL ON SCHEMA locked FROM owner2;
  CREATE FOREIGN DATA WRAPPER f; CREATE SERVER s FOREIGN DATA WRAPPER f;
  CREATE TABLE w.r (i serial PRIMARY KEY, t text); CREATE VIEW w.v AS SELECT 1 AS i; CREATE MATERIALIZED VIEW w.m AS SELECT 1 AS i;
  CREATE FOREIGN TABLE w.f (i int) SERVER s; CREATE TABLE w.p (i int) PARTITION BY LIST (i); CREATE TABLE w.p1 PARTITION OF w.p FOR VALUES IN (1);
  CREATE UNLOGGED TABLE w.u (i int); CREATE SEQUENCE w.s; CREATE TYPE w.c AS (i int); CREATE INDEX ON w.u (i);
  ALTER TABLE w.r OWNER TO owner1; ALTER VIEW w.v OWNER TO owner1; ALTER TABLE w.p OWNER TO owner2;
  GRANT SELECT ON w.r TO plain; REVOKE ALL ON w.r FROM owner1;
  REVOKE SELECT, TRUNCATE ON w.p FROM owner2; GRANT ALL ON w.m TO closed WITH GRANT OPTION; GRANT DELETE ON w.f TO PUBLIC;
  GRANT SELECT (i), UPDATE (t) ON w.r TO monitor; GRANT SELECT ON w.v TO pg_monitor; GRANT INSERT ON w.u TO pg_database_owner;
  GRANT TRIGGER ON w.u TO boss; GRANT REFERENCES ON w.u TO middle;
  REVOKE ALL ON w.s FROM postgres; REVOKE ALL ON w.p1 FROM postgres;
  GRANT USAGE ON SCHEMA pg_toast TO plain; GRANT SELECT ON ALL SEQUENCES IN SCHEMA w TO plain;
  REVOKE TEMPORARY ON DATABASE app FROM PUBLIC; GRANT TEMPORARY ON DATABASE app TO owner1";

#[test]
fn the_reports_have_the_rows_of_the_queries_for_every_kind_and_every_way() {
    let mut scene = Scene::new();
    scene.cluster.allow_superuser("boss");
    run(&mut scene.su, WAYS);
    // Temporary objects: this session's own schema is judged by the right to make temporary objects.
    run(
        &mut scene.su,
        "CREATE TEMPORARY TABLE mine (i int); GRANT SELECT ON mine TO plain; 
         DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %s TO reads', pg_my_temp_schema()::regnamespace); END $$",
    );
    let mut other = scene.cluster.superuser("app");
    run(&mut other, "CREATE TEMPORARY TABLE theirs (i int)");
    same_rows(&mut scene.su);
    same_rows(&mut other);
    same_rows(&mut scene.cluster.superuser("app"));
    // What only a superuser who asks for it can make: a table among the system's.
    run(
        &mut scene.su,
        "SET allow_system_table_mods = on; CREATE TABLE pg_toast.among (i int); GRANT ALL ON pg_toast.among TO plain, reads, writes;
         GRANT ALL ON pg_catalog.pg_statistic TO plain",
    );
    let (tables, _) = same_rows(&mut scene.su);
    assert!(tables > 100, "{tables}");
    run(
        &mut scene.su,
        "SET allow_system_table_mods = on; DROP TABLE pg_toast.among",
    );
}

#[test]
fn lists_that_are_stored_compressed_and_more_roles_than_a_block_come_out_whole() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE SCHEMA wide; CREATE TABLE wide.t (i int); CREATE TABLE wide.same (i int); CREATE TABLE wide.few (i int);
         DO $$ BEGIN FOR i IN 1..600 LOOP
           EXECUTE format('CREATE ROLE %s', 'many_' || i);
           EXECUTE format('GRANT SELECT, UPDATE ON wide.t, wide.same TO %s; GRANT USAGE ON SCHEMA wide TO %1$s', 'many_' || i);
         END LOOP; END $$;
         GRANT INSERT ON wide.few TO PUBLIC",
    );
    let (tables, schemas) = same_rows(&mut scene.su);
    assert!(tables > 1800 && schemas > 600, "{tables} {schemas}");
    let sizes =
        "SELECT pg_column_size(relacl) < 600 * 12 FROM pg_class WHERE oid = 'wide.t'::regclass";
    assert_eq!(ask(&mut scene.su, sizes), "t", "nothing was compressed");
}

#[test]
fn a_report_of_one_credential_has_its_rows_and_no_others() {
    let mut scene = Scene::new();
    scene.cluster.allow_superuser("boss");
    run(&mut scene.su, WAYS);
    run(
        &mut scene.su,
        "CREATE ROLE legacy LOGIN IN ROLE owner2; SELECT credentials.adopt('legacy', 'taken_over'); SELECT credentials.create('fresh');
         GRANT SELECT ON w.u TO fresh",
    );
    let query = generated::tables(&mut scene.su);
    for (name, role) in [
        ("default", "app_owner"),
        ("owner", "app_owner"),
        ("taken_over", "legacy"),
        ("fresh", "fresh"),
    ] {
        let tables = format!("credentials.table_privileges('{name}')");
        assert!(same(&mut scene.su, &of_role(&query, role), &tables) > 0);
        let schemas = format!("credentials.schema_privileges('{name}')");
        assert!(same(&mut scene.su, &of_role(SCHEMAS, role), &schemas) > 0);
    }
    // A role that is no credential is not told from one that is not there.
    for name in ["plain", "legacy", "nobody", "", &"x".repeat(100)] {
        for report in ["table_privileges", "schema_privileges"] {
            let call = format!("SELECT * FROM credentials.{report}('{name}')");
            expect_error(&mut scene.own, &call, "42704");
        }
    }
}

#[test]
fn the_reports_have_the_rows_of_the_queries_on_databases_that_chance_has_made() {
    let mut scene = Scene::new();
    let seeds = if long() { 40 } else { 4 };
    for seed in 1..=seeds {
        by_chance(&mut scene.su, seed);
        same_rows(&mut scene.su);
    }
}

/// Roles, memberships, owners and grants at random; what was refused, as a membership that would close a ring, is
/// left out.
fn by_chance(su: &mut Client, seed: u32) {
    let version = "SELECT current_setting('server_version_num')::int >= 170000";
    let (maintain, maintainer) = match ask(su, version).as_str() {
        "t" => ("'MAINTAIN'", "'pg_maintain'"),
        _ => ("'ALL'", "'pg_monitor'"),
    };
    let version = "SELECT current_setting('server_version_num')::int >= 160000";
    let withheld = match ask(su, version).as_str() {
        "t" => "format(' WITH INHERIT %s, SET %s, ADMIN %s', (random() < 0.6)::text, (random() < 0.6)::text, (random() < 0.2)::text)",
        _ => "CASE WHEN random() < 0.2 THEN ' WITH ADMIN OPTION' ELSE '' END",
    };
    run(
        su,
        &format!(
            "SELECT setseed({seed} / 1000.0);
             DO $$ DECLARE r text[] := ARRAY['pg_database_owner', 'pg_read_all_data', 'pg_write_all_data', {maintainer}, 'app_owner']; s text; BEGIN
               FOR i IN 1..12 LOOP
                 s := format('c{seed}_%s', i); r := r || s;
                 EXECUTE format('CREATE ROLE %I %s', s, CASE WHEN random() < 0.3 THEN 'NOINHERIT' ELSE '' END);
               END LOOP;
               FOR i IN 1..30 LOOP
                 BEGIN
                   EXECUTE format('GRANT %I TO %I%s', r[2 + floor(random() * 16)], r[6 + floor(random() * 12)], {withheld});
                 EXCEPTION WHEN invalid_grant_operation OR feature_not_supported OR invalid_parameter_value THEN NULL;
                 END;
               END LOOP;
               FOR i IN 1..5 LOOP
                 s := format('c{seed}_%s', i);
                 EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', s, r[6 + floor(random() * 12)]);
                 FOR j IN 1..6 LOOP
                   EXECUTE format('CREATE TABLE %I.%I (a int)', s, 't' || j);
                   EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', s, 't' || j, r[5 + floor(random() * 13)]);
                 END LOOP;
                 FOR j IN 1..15 LOOP
                   EXECUTE format('GRANT %s ON %I.%I TO %s',
                     (ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'ALL', {maintain}])[1 + floor(random() * 9)],
                     s, 't' || 1 + floor(random() * 6),
                     CASE WHEN random() < 0.1 THEN 'PUBLIC' ELSE quote_ident(r[1 + floor(random() * 17)]) END);
                 END LOOP;
                 EXECUTE format('GRANT %s ON SCHEMA %I TO %I', (ARRAY['USAGE', 'CREATE'])[1 + floor(random() * 2)], s, r[1 + floor(random() * 17)]);
               END LOOP;
             END $$"
        ),
    );
    // Owners take rights from themselves and others.
    let revoked = column(
        su,
        &format!(
            "SELECT format('REVOKE %s ON %s FROM %I CASCADE', a.privilege_type, c.oid::regclass, coalesce(g.rolname, r.rolname))
               FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee, pg_roles r
              WHERE r.oid = c.relowner AND c.relnamespace::regnamespace::text LIKE 'c{seed}\\_%' AND random() < 0.2"
        ),
    );
    for statement in revoked {
        run(su, &statement);
    }
}
