//! Roles that are more than they should be, or other than they were bound.

use postgres::NoTls;

use super::{about, case, make, seen_and_mended, the};
use crate::scene::{ask, run, Scene};

/// A name that needs every kind of care.
pub const ODD: &str = "o\"d'd\n\\;--";

/// The same as SQL has it in quotes.
pub fn quoted() -> String {
    format!("\"{}\"", ODD.replace('"', "\"\""))
}

#[test]
fn logins_with_more_than_a_login_should_have_are_found_and_mended() {
    let mut scene = Scene::new();
    scene.cluster.allow_superuser(ODD);
    let odd = quoted();
    case(
        &mut scene,
        &format!("CREATE ROLE {odd} LOGIN SUPERUSER"),
        "high",
        "superuser_login",
        &format!("role {odd}"),
    );
    case(
        &mut scene,
        &format!("ALTER ROLE {odd} CREATEROLE"),
        "high",
        "createrole_login",
        &format!("role {odd}"),
    );
    // Who cannot log in is nobody to worry about.
    run(
        &mut scene.su,
        &format!("ALTER ROLE {odd} NOLOGIN CREATEROLE SUPERUSER"),
    );
    assert_eq!(
        about(&mut scene.su, "superuser_login", &format!("role {odd}")),
        []
    );
    run(&mut scene.su, &format!("ALTER ROLE {odd} NOSUPERUSER"));
    assert_eq!(
        about(&mut scene.su, "createrole_login", &format!("role {odd}")),
        []
    );
}

#[test]
fn one_superuser_who_logs_in_is_none_too_many() {
    let mut scene = Scene::new();
    assert_eq!(about(&mut scene.su, "superuser_login", "role postgres"), []);
    // Where that of initdb is closed, the next one is the one there is to be.
    scene.cluster.allow_superuser("dba");
    run(
        &mut scene.su,
        "CREATE ROLE dba LOGIN SUPERUSER; ALTER ROLE postgres NOLOGIN",
    );
    assert_eq!(about(&mut scene.su, "superuser_login", "role dba"), []);
    run(&mut scene.su, "ALTER ROLE postgres LOGIN");
    seen_and_mended(&mut scene, "high", "superuser_login", "role dba");
}

#[test]
fn a_superuser_from_another_machine_is_found_and_ended() {
    // The machine's own address on its network: as far as the server can tell, another machine's.
    let Some(address) = crate::checks::server::network_address() else {
        eprintln!("no network address on this machine: nothing can come from elsewhere");
        return;
    };
    let cluster = crate::harness::Cluster::builder()
        .setting("listen_addresses", "*")
        .hba(&format!("host all far {address}/32 trust"))
        .start();
    let mut scene = Scene::on(cluster);
    scene.cluster.allow_superuser("far");
    run(&mut scene.su, "CREATE ROLE far LOGIN SUPERUSER");
    let far = format!(
        "host={address} port={} user=far dbname=app",
        scene.cluster.port()
    );
    let mut far = postgres::Client::connect(&far, NoTls).expect("a login over the network");
    let pid = ask(&mut far, "SELECT pg_backend_pid()");
    let found = the(
        &mut scene.own,
        "superuser_session",
        &format!("session {pid}"),
    );
    assert!(found.sentence.contains(&address), "{found:?}");
    seen_and_mended(
        &mut scene,
        "high",
        "superuser_session",
        &format!("session {pid}"),
    );
    assert!(far.simple_query("SELECT 1").is_err());
    // The same over the loopback interface or the socket is nothing.
    let local = ask(&mut scene.su, "SELECT pg_backend_pid()");
    assert_eq!(
        about(
            &mut scene.su,
            "superuser_session",
            &format!("session {local}")
        ),
        []
    );
}

#[test]
fn an_event_trigger_with_code_of_no_superuser_is_found_and_disabled() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE FUNCTION public.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
    );
    case(
        &mut scene,
        "CREATE EVENT TRIGGER \"On; \"\"it\" ON ddl_command_start EXECUTE FUNCTION public.f()",
        "high",
        "event_trigger",
        "event trigger \"On; \"\"it\"",
    );
}

#[test]
fn what_the_role_of_a_credential_must_not_have_is_found_and_taken() {
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    for word in [
        "SUPERUSER",
        "CREATEROLE",
        "CREATEDB",
        "REPLICATION",
        "BYPASSRLS",
    ] {
        case(
            &mut scene,
            &format!("ALTER ROLE c1 {word}"),
            "high",
            "role_elevated",
            "role c1",
        );
    }
    run(&mut scene.su, "CREATE ROLE admins SUPERUSER NOLOGIN; CREATE ROLE between NOLOGIN; GRANT admins TO between");
    scene.cluster.allow_superuser("admins");
    case(
        &mut scene,
        "GRANT between TO c1",
        "high",
        "role_elevated",
        "role c1",
    );
    // Default has every credential by its office, and is not blamed for what one of them is.
    run(&mut scene.su, "ALTER ROLE c1 SUPERUSER");
    assert_eq!(about(&mut scene.su, "role_elevated", "role app_owner"), []);
    case(
        &mut scene,
        "ALTER ROLE c1 NOSUPERUSER; ALTER ROLE app_owner CREATEDB",
        "high",
        "role_elevated",
        "role app_owner",
    );
}

#[test]
fn a_credential_whose_role_was_renamed_or_dropped_is_found_and_mended() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    let odd = quoted();
    case(
        &mut scene,
        &format!("ALTER ROLE c1 RENAME TO {odd}"),
        "high",
        "role_renamed",
        &format!("role {odd}"),
    );
    // Somebody else took the name meanwhile.
    make(
        &mut scene,
        "ALTER ROLE c1 RENAME TO c2; CREATE ROLE c1",
        "role_renamed",
        "role c2",
    );
    seen_and_mended(&mut scene, "high", "role_renamed", "role c2");
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'stray%'"
        ),
        "1"
    );
    case(
        &mut scene,
        "REVOKE ALL ON DATABASE app FROM c1; DROP ROLE c1",
        "high",
        "role_gone",
        "role c1",
    );
}

#[test]
fn doors_that_are_not_as_the_state_says_are_found_and_mended() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    case(
        &mut scene,
        "ALTER ROLE c1 NOLOGIN",
        "medium",
        "role_closed",
        "role c1",
    );
    for sql in [
        "ALTER ROLE c1 VALID UNTIL 'yesterday'",
        "REVOKE CONNECT ON DATABASE app FROM c1",
    ] {
        case(&mut scene, sql, "medium", "role_closed", "role c1");
    }
    drop(scene.login("c1"));
    case(
        &mut scene,
        "ALTER ROLE c1 NOINHERIT",
        "medium",
        "role_noinherit",
        "role c1",
    );
    run(&mut scene.own, "SELECT credentials.suspend('c1')");
    scene.settle();
    assert_eq!(about(&mut scene.su, "role_closed", "role c1"), []);
    case(
        &mut scene,
        "ALTER ROLE c1 LOGIN",
        "high",
        "role_open",
        "role c1",
    );
}

#[test]
fn a_role_in_a_twins_name_is_found_and_set_aside() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    scene
        .cluster
        .without_invariants("a twin of nobody is what is to be found");
    make(
        &mut scene,
        "CREATE ROLE \"c1-rotating\" LOGIN",
        "twin_stray",
        "role \"c1-rotating\"",
    );
    seen_and_mended(&mut scene, "high", "twin_stray", "role \"c1-rotating\"");
    // It may be somebody's: the login stays.
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT rolcanlogin FROM pg_roles WHERE rolname LIKE 'stray%'"
        ),
        "t"
    );
    run(&mut scene.su, "DO $$ BEGIN EXECUTE format('DROP ROLE %I', (SELECT rolname FROM pg_roles WHERE rolname LIKE 'stray%')); END $$");
    // One that is a member of the credential is a twin that was left over: it is closed.
    make(
        &mut scene,
        "CREATE ROLE \"c1-rotating\" LOGIN IN ROLE c1",
        "twin_stray",
        "role \"c1-rotating\"",
    );
    assert_eq!(
        about(&mut scene.su, "credential_shared", "credential c1"),
        []
    );
    seen_and_mended(&mut scene, "high", "twin_stray", "role \"c1-rotating\"");
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT rolcanlogin FROM pg_roles WHERE rolname LIKE 'stray%'"
        ),
        "f"
    );
    // The real twin of a rotation is none.
    run(&mut scene.own, "SELECT credentials.rotate('c1')");
    assert_eq!(
        about(&mut scene.su, "twin_stray", "role \"c1-rotating\""),
        []
    );
}
