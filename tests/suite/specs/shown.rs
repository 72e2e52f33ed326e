//! What plan() shows is what apply() does: typed by hand, its statements end in the same rights.

use super::{apply, plan};
use crate::scene::{column, run, Scene};

/// Rights, owners, memberships and default privileges of all that is a user's.
const STATE: &str = "SELECT x FROM (
    SELECT 'role ' || r.rolname FROM pg_roles r WHERE r.oid >= 16384
    UNION ALL SELECT 'member ' || m.member::regrole || ' of ' || m.roleid::regrole || ' ' || m.admin_option FROM pg_auth_members m
    UNION ALL SELECT 'schema ' || n.nspname || ' ' || n.nspowner::regrole || ' ' || a.grantee::regrole || ' ' || a.privilege_type
                FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE n.oid >= 16384 AND n.nspname <> 'credentials'
    UNION ALL SELECT 'relation ' || c.oid::regclass || ' ' || a.grantee::regrole || ' ' || a.privilege_type
                FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner))) a WHERE c.relnamespace IN (SELECT n.oid FROM pg_namespace n WHERE n.oid >= 16384 AND n.nspname <> 'credentials')
    UNION ALL SELECT concat_ws(' ', 'future', d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype, a.grantee::regrole, a.privilege_type)
                FROM pg_default_acl d, aclexplode(d.defaclacl) a) t(x) ORDER BY 1";

#[test]
fn groups_and_schemas_typed_by_hand_end_in_the_same_rights() {
    let mut scene = Scene::new();
    // Both sessions are to write names alike.
    let alike = "SET quote_all_identifiers = off; SET search_path = public";
    run(&mut scene.own, alike);
    run(&mut scene.su, alike);
    run(
        &mut scene.own,
        "CREATE SCHEMA \"Old One\"; CREATE TABLE \"Old One\".t (id serial); CREATE SCHEMA taken; CREATE TABLE taken.t (id serial)",
    );
    run(&mut scene.su, "CREATE SCHEMA theirs");
    apply(&mut scene.own, r#"{"groups": ["db_reader_taken"]}"#);
    // A schema that is made, one that gets readers, one that gets an owner, and every schema.
    let spec = r#"{"schemas": {"shop": {"owner": "db_owner_app"}, "taken": {"owner": "db_owner_taken"}, "plain": {}, "Old One": {}},
                   "groups": ["db_reader_app", "db_writer_app", "db_writer_Old One", "db_writer_taken", "db_reader_all"]}"#;
    let shown = plan(&mut scene.own, spec);
    run(&mut scene.own, "BEGIN");
    assert_eq!(apply(&mut scene.own, spec), shown);
    let applied = column(&mut scene.own, STATE);
    run(&mut scene.own, "ROLLBACK");
    for statement in &shown {
        run(&mut scene.su, statement);
    }
    let typed = column(&mut scene.su, STATE);
    let beside = |some: &[String], other: &[String]| -> Vec<String> {
        some.iter()
            .filter(|x| !other.contains(x))
            .cloned()
            .collect()
    };
    assert_eq!(beside(&applied, &typed), [""; 0], "not shown: {shown:#?}");
    assert_eq!(beside(&typed, &applied), [""; 0], "not done: {shown:#?}");
}
