//! Memberships in a circle, which the server refuses to complete (THREATS T84).

use crate::estate;

#[test]
fn a_credential_that_is_a_member_of_default_loses_that_and_default_gets_its_admin_option() {
    let cluster = estate::new();
    for name in ["one", "two"] {
        estate::credential(&cluster, name);
    }
    let mut su = cluster.superuser("app");
    estate::run(
        &mut su,
        "REVOKE one FROM app_owner; GRANT app_owner TO one; REVOKE two FROM app_owner",
    );
    estate::run(&mut su, "CREATE SCHEMA s; ALTER SCHEMA s OWNER TO two");
    let planned = "SELECT note FROM credentials.repair_plan() WHERE action = 'revoke'";
    assert!(estate::texts(&mut su, planned).concat().contains("\"one\""));
    estate::repair(&cluster, "");
    let admin = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'app_owner'::regrole AND admin_option ORDER BY 1";
    assert_eq!(estate::texts(&mut su, admin), ["one", "two"]);
    assert_eq!(
        estate::number(
            &mut su,
            "SELECT count(*) FROM pg_auth_members WHERE roleid = 'app_owner'::regrole"
        ),
        0
    );
    let told = estate::events(&mut su, "default");
    assert!(
        told.contains("is a member of it") && told.contains("revoke"),
        "{told}"
    );
}

#[test]
fn a_circle_through_a_group_is_named_and_all_else_is_repaired() {
    let cluster = estate::new();
    for name in ["one", "two"] {
        estate::credential(&cluster, name);
    }
    let mut su = cluster.superuser("app");
    estate::run(
        &mut su,
        "CREATE ROLE team; REVOKE one, two FROM app_owner; GRANT app_owner TO team; GRANT team TO one;
         CREATE SCHEMA s; ALTER SCHEMA s OWNER TO two; REVOKE pg_monitor FROM app_owner",
    );
    estate::repair(&cluster, "");
    let members = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'app_owner'::regrole ORDER BY 1";
    let members = estate::texts(&mut su, members);
    assert!(
        members.contains(&"two".to_owned()) && members.contains(&"pg_monitor".to_owned()),
        "{members:?}"
    );
    assert!(!members.contains(&"one".to_owned()));
    assert_eq!(
        estate::texts(
            &mut su,
            "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 's'"
        ),
        ["app_owner"]
    );
    let told = estate::events(&mut su, "default");
    assert!(told.contains("role one") && told.contains("team"), "{told}");
    // The group is nobody's business; when a superuser has opened the circle, the rest follows.
    estate::run(&mut su, "REVOKE app_owner FROM team");
    estate::repair(&cluster, "");
    let admin = "SELECT count(*) FROM pg_auth_members WHERE member = 'app_owner'::regrole AND roleid = 'one'::regrole AND admin_option";
    assert_eq!(estate::number(&mut su, admin), 1);
}
