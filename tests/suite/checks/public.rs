//! What lies open.

use super::{about, case, findings};
use crate::scene::{run, Scene};

#[test]
fn rights_of_public_are_found_and_revoked_whoever_granted_them() {
    let mut scene = Scene::new();
    for (sql, severity, code, object) in [
        ("GRANT CONNECT ON DATABASE app TO PUBLIC", "medium", "public_database", "database app"),
        ("GRANT TEMPORARY ON DATABASE app TO PUBLIC", "medium", "public_database", "database app"),
        ("GRANT USAGE ON SCHEMA public TO PUBLIC", "medium", "public_schema", "schema public"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "high", "public_create", "schema public"),
        (
            "CREATE SCHEMA \"O'\"\"pen\"; GRANT CREATE ON SCHEMA \"O'\"\"pen\" TO PUBLIC",
            "high",
            "public_create",
            "schema \"O'\"\"pen\"",
        ),
        // Granted by somebody with grant option: a superuser's plain REVOKE would not touch it.
        (
            "CREATE ROLE \"An\nother\"; GRANT CONNECT ON DATABASE app TO \"An\nother\" WITH GRANT OPTION;
             SET ROLE \"An\nother\"; GRANT CONNECT ON DATABASE app TO PUBLIC; RESET ROLE",
            "medium",
            "public_database",
            "database app",
        ),
    ] {
        case(&mut scene, sql, severity, code, object);
    }
    // To use a schema of one's own is what GRANT is for.
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA \"O'\"\"pen\" TO PUBLIC",
    );
    assert!(!findings(&mut scene.su)
        .iter()
        .any(|f| f.code.starts_with("public_")));
}

#[test]
fn rights_on_what_is_ours_are_found_and_revoked() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    for (sql, object) in [
        (
            "GRANT SELECT ON credentials.secret TO c1",
            "table credentials.secret",
        ),
        (
            "GRANT USAGE ON SEQUENCE credentials.secret_id_seq TO PUBLIC",
            "sequence credentials.secret_id_seq",
        ),
        (
            "GRANT CREATE ON SCHEMA credentials TO app_owner",
            "schema credentials",
        ),
        (
            "GRANT USAGE ON SCHEMA credentials TO PUBLIC",
            "schema credentials",
        ),
        (
            "GRANT EXECUTE ON FUNCTION credentials.url(text, text) TO PUBLIC",
            "function credentials.url(text,text)",
        ),
    ] {
        case(&mut scene, sql, "high", "credentials_granted", object);
    }
    // Default's share, and a delegate's, are none.
    run(&mut scene.su, "GRANT USAGE ON SCHEMA credentials TO c1; GRANT EXECUTE ON FUNCTION credentials.list() TO c1");
    for object in ["schema credentials", "function credentials.list()"] {
        assert_eq!(about(&mut scene.su, "credentials_granted", object), []);
    }
}
