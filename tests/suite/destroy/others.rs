//! What others had from the one who goes stays with them: rights passed on, memberships, policies, defaults.

use crate::estate;

/// The access lists of tables, columns, schemas, functions and databases that name a role, as text.
const RIGHTS: &str = "
  SELECT concat_ws(' ', what, a.grantee::regrole, a.privilege_type, a.is_grantable) FROM (
    SELECT oid::regclass::text, relacl FROM pg_class UNION ALL
    SELECT attrelid::regclass::text || '.' || attname, attacl FROM pg_attribute UNION ALL
    SELECT oid::regprocedure::text, proacl FROM pg_proc UNION ALL
    SELECT nspname::text, nspacl FROM pg_namespace UNION ALL
    SELECT datname::text, datacl FROM pg_database) o (what, acl), aclexplode(acl) a
   WHERE a.grantee::regrole::text IN ('reader', 'writer', 'third') ORDER BY 1";

#[test]
fn rights_that_it_passed_on_stay_with_those_who_have_them() {
    let cluster = estate::new();
    let mut su = cluster.superuser("app");
    estate::credential(&cluster, "leaver");
    estate::run(
        &mut su,
        "CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE third; CREATE ROLE holder;
         CREATE SCHEMA shop; CREATE TABLE shop.t (a int, b int); CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE SEQUENCE shop.s; CREATE TYPE shop.y AS ENUM ('y'); SELECT lo_create(4711);
         ALTER SCHEMA shop OWNER TO holder; ALTER TABLE shop.t OWNER TO holder; ALTER FUNCTION shop.f() OWNER TO holder;
         REVOKE ALL ON FUNCTION shop.f() FROM PUBLIC;
         GRANT ALL ON SCHEMA shop TO leaver WITH GRANT OPTION; GRANT ALL ON shop.t TO leaver WITH GRANT OPTION;
         GRANT UPDATE (b) ON shop.t TO leaver WITH GRANT OPTION; GRANT EXECUTE ON FUNCTION shop.f() TO leaver WITH GRANT OPTION;
         GRANT USAGE ON SEQUENCE shop.s TO leaver WITH GRANT OPTION; GRANT USAGE ON TYPE shop.y TO leaver WITH GRANT OPTION;
         GRANT SELECT ON LARGE OBJECT 4711 TO leaver WITH GRANT OPTION;
         GRANT CONNECT ON DATABASE app TO leaver WITH GRANT OPTION",
    );
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(
        &mut leaver,
        "GRANT SELECT ON shop.t TO reader WITH GRANT OPTION; GRANT INSERT ON shop.t TO reader; GRANT USAGE ON SCHEMA shop TO reader, writer;
         GRANT UPDATE (b) ON shop.t TO writer; GRANT EXECUTE ON FUNCTION shop.f() TO writer; GRANT USAGE ON SEQUENCE shop.s TO writer;
         GRANT USAGE ON TYPE shop.y TO reader; GRANT SELECT ON LARGE OBJECT 4711 TO reader; GRANT CONNECT ON DATABASE app TO third",
    );
    estate::run(
        &mut su,
        "SET ROLE reader; GRANT SELECT ON shop.t TO third; RESET ROLE",
    );
    let before = estate::texts(&mut su, RIGHTS);
    assert!(before.len() >= 9, "{before:#?}");
    estate::destroy(&cluster, "leaver", "default");
    assert_eq!(before, estate::texts(&mut su, RIGHTS));
    let grantors = "SELECT DISTINCT a.grantor::regrole::text FROM pg_class, aclexplode(relacl) a
                     WHERE oid = 'shop.t'::regclass ORDER BY 1";
    assert_eq!(estate::texts(&mut su, grantors), ["holder", "reader"]);
    let left = "SELECT count(*) FROM pg_class c, aclexplode(relacl) a
                 WHERE NOT EXISTS (SELECT FROM pg_authid r WHERE r.oid IN (a.grantee, 0)) AND a.grantee <> 0";
    assert_eq!(estate::number(&mut su, left), 0);
    let large = "SELECT lomacl::text FROM pg_largeobject_metadata WHERE oid = 4711";
    assert!(estate::texts(&mut su, large)[0].contains("reader=r/postgres"));
}

#[test]
fn memberships_policies_defaults_and_settings_of_others_stay_and_its_own_go() {
    let cluster = estate::new();
    let mut su = cluster.superuser("app");
    for name in ["leaver", "stayer"] {
        estate::credential(&cluster, name);
    }
    estate::run(
        &mut su,
        "CREATE ROLE team; CREATE ROLE friend; CREATE ROLE holder;
         GRANT team TO leaver WITH ADMIN OPTION; GRANT leaver TO friend;
         CREATE TABLE t (i int); ALTER TABLE t OWNER TO holder; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
         CREATE POLICY alone ON t TO leaver USING (true); CREATE POLICY shared ON t TO leaver, stayer USING (i > 1);
         CREATE POLICY of_stayer ON t TO stayer USING (true);
         ALTER DEFAULT PRIVILEGES FOR ROLE leaver GRANT SELECT ON TABLES TO stayer;
         ALTER DEFAULT PRIVILEGES FOR ROLE holder GRANT SELECT ON TABLES TO leaver, stayer;
         ALTER ROLE leaver SET work_mem = '8MB'; ALTER ROLE leaver IN DATABASE app SET work_mem = '9MB';
         COMMENT ON ROLE leaver IS 'goes'",
    );
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(
        &mut leaver,
        "GRANT team TO stayer WITH ADMIN OPTION; GRANT team TO friend",
    );
    estate::destroy(&cluster, "leaver", "default");

    let members =
        "SELECT concat_ws(' ', roleid::regrole, member::regrole, admin_option, grantor::regrole)
                     FROM pg_auth_members WHERE roleid = 'team'::regrole ORDER BY 1";
    assert_eq!(
        estate::texts(&mut su, members),
        ["team friend f postgres", "team stayer t postgres"]
    );
    let dangling = "SELECT count(*) FROM pg_auth_members m WHERE NOT EXISTS (SELECT FROM pg_authid a WHERE a.oid = m.grantor)
                       OR NOT EXISTS (SELECT FROM pg_authid a WHERE a.oid = m.member)";
    assert_eq!(estate::number(&mut su, dangling), 0);
    let policies = "SELECT polname || ' ' || polroles::regrole[]::text FROM pg_policy ORDER BY 1";
    assert_eq!(
        estate::texts(&mut su, policies),
        ["of_stayer {stayer}", "shared {stayer}"]
    );
    let defaults = "SELECT defaclrole::regrole || ' ' || defaclacl::text FROM pg_default_acl";
    let defaults = estate::texts(&mut su, defaults);
    assert_eq!(defaults.len(), 1, "{defaults:?}");
    assert!(
        defaults[0].starts_with("holder") && defaults[0].contains("stayer=r/holder"),
        "{defaults:?}"
    );
    let settings = "SELECT count(*) FROM pg_db_role_setting WHERE setrole <> 0
                       AND NOT EXISTS (SELECT FROM pg_authid a WHERE a.oid = setrole)";
    assert_eq!(estate::number(&mut su, settings), 0);
    assert_eq!(
        estate::number(
            &mut su,
            "SELECT count(*) FROM pg_shdescription WHERE description = 'goes'"
        ),
        0
    );
    // A policy for it alone is gone, and that was told.
    let told = estate::events(&mut su, "leaver");
    assert!(
        told.contains("alone on") && told.contains("policy"),
        "{told}"
    );
}
