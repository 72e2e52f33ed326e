//! What must never be default's: code of superusers, members of extensions, what reads with a superuser's rights
//! (THREATS T35, T36).

use crate::estate;
use crate::harness::expect_error;

#[test]
fn superuser_code_extension_members_and_views_of_secrets_stay_and_the_plan_says_why() {
    let cluster = estate::new();
    let mut su = cluster.superuser("app");
    estate::credential(&cluster, "coder");
    estate::run(
        &mut su,
        "CREATE EXTENSION dblink; CREATE EXTENSION citext; CREATE EXTENSION file_fdw; CREATE SCHEMA s;
         CREATE FUNCTION s.elevated() RETURNS text SECURITY DEFINER LANGUAGE sql AS 'SELECT current_user::text';
         CREATE FUNCTION s.native(text) RETURNS text LANGUAGE internal AS 'upper';
         CREATE FUNCTION s.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         CREATE EVENT TRIGGER watcher ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION s.on_ddl();
         CREATE FUNCTION s.fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TABLE s.with_trigger (i int); CREATE TRIGGER t BEFORE INSERT ON s.with_trigger FOR EACH ROW EXECUTE FUNCTION s.fired();
         CREATE VIEW s.passwords AS SELECT rolname, rolpassword FROM pg_authid; GRANT SELECT ON s.passwords TO PUBLIC;
         CREATE MATERIALIZED VIEW s.kept_passwords AS SELECT rolname FROM pg_authid;
         CREATE VIEW s.plain AS SELECT * FROM s.with_trigger;
         CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE s.passwd (line text) SERVER files OPTIONS (filename '/etc/passwd');
         CREATE SERVER mapped FOREIGN DATA WRAPPER dblink_fdw; CREATE USER MAPPING FOR PUBLIC SERVER mapped OPTIONS (password 'kept-for-nobody');
         CREATE FUNCTION s.of_coder(text) RETURNS text LANGUAGE internal AS 'lower'; ALTER FUNCTION s.of_coder(text) OWNER TO coder;
         CREATE FUNCTION s.definer() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION s.definer() OWNER TO coder;
         CREATE PUBLICATION everything FOR ALL TABLES",
    );
    let before = estate::owners(&mut su);
    let skipped = "SELECT object FROM credentials.repair_plan() WHERE action = 'skip' AND note <> '' ORDER BY 1";
    assert_eq!(
        estate::texts(&mut su, skipped),
        [
            "citext",
            "dblink",
            "everything",
            "file_fdw",
            "mapped",
            "s.elevated()",
            "s.fired()",
            "s.kept_passwords",
            "s.native(pg_catalog.text)",
            "s.of_coder(pg_catalog.text)",
            "s.on_ddl()",
            "s.passwd",
            "s.passwords",
            "watcher",
        ]
    );
    estate::repair(&cluster, "");
    let after = estate::owners(&mut su);
    let moved: Vec<String> = before
        .iter()
        .filter(|(object, owner)| after[*object] != **owner)
        .filter(|(object, _)| {
            matches!(
                object.0.as_str(),
                "pg_class" | "pg_proc" | "pg_namespace" | "pg_foreign_server"
            )
        })
        .map(|((catalog, oid), _)| {
            estate::texts(
                &mut su,
                &format!(
                    "SELECT identity FROM pg_identify_object('{catalog}'::regclass, {oid}, 0)"
                ),
            )
            .concat()
        })
        .collect();
    let mut moved = moved;
    moved.sort();
    assert_eq!(
        moved,
        ["files", "s", "s.definer()", "s.plain", "s.with_trigger"]
    );
    // A definer's routine of a credential moved, and is nobody's but default's.
    let open = "SELECT has_function_privilege('coder', 's.definer()', 'EXECUTE')::int::bigint";
    assert_eq!(estate::number(&mut su, open), 0);
    assert!(estate::events(&mut su, "default").contains("s.definer()"));
    let members = "SELECT count(*) FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' WHERE proowner <> 10";
    assert_eq!(estate::number(&mut su, members), 0);
    let mut own = estate::login(&cluster, "default");
    expect_error(&mut own, "CREATE OR REPLACE FUNCTION s.fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", "42501");
    expect_error(&mut own, "CREATE OR REPLACE FUNCTION s.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", "42501");
}

#[test]
fn no_code_of_a_user_runs_in_a_repair_or_a_destroy() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(
        &mut leaver,
        "CREATE SCHEMA trap; CREATE TABLE trap.sprung (who text); GRANT ALL ON SCHEMA trap TO PUBLIC; GRANT ALL ON trap.sprung TO PUBLIC;
         CREATE FUNCTION trap.tell(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
           'BEGIN RAISE LOG ''a trap was sprung as %'', current_user; RETURN $1; END';
         CREATE TABLE trap.t (i int DEFAULT trap.tell(1) CHECK (trap.tell(i) > 0), g int GENERATED ALWAYS AS (i + 1) STORED);
         CREATE INDEX ON trap.t (trap.tell(i)); CREATE STATISTICS trap.s ON trap.tell(i), i FROM trap.t;
         CREATE VIEW trap.v AS SELECT trap.tell(i) FROM trap.t; CREATE MATERIALIZED VIEW trap.m AS SELECT trap.tell(i) FROM trap.t WITH NO DATA;
         CREATE DOMAIN trap.d AS int CHECK (trap.tell(VALUE) > 0); CREATE RULE r AS ON INSERT TO trap.t DO ALSO SELECT trap.tell(2);
         ALTER TABLE trap.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON trap.t USING (trap.tell(i) > 0)",
    );
    let mut su = cluster.superuser("app");
    estate::run(
        &mut su,
        "SELECT * FROM credentials.destroy_plan('leaver'); SELECT * FROM credentials.repair_plan()",
    );
    estate::repair(&cluster, "");
    estate::credential(&cluster, "second");
    estate::run(&mut su, "ALTER TABLE trap.t OWNER TO second; ALTER VIEW trap.v OWNER TO second; ALTER MATERIALIZED VIEW trap.m OWNER TO second");
    estate::destroy(&cluster, "second", "default");
    assert!(!cluster.log().contains("a trap was sprung"));
}
