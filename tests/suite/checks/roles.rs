//! Roles that are more than they should be, or other than they were bound.

use postgres::NoTls;

use super::{about, case, findings, gone, make, mend, seen_and_mended, the};
use crate::scene::{ask, run, Scene};

/// A name that needs every kind of care.
const ODD: &str = "o\"d'd\n\\;--";

/// The same as SQL has it in quotes.
fn quoted() -> String {
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

#[test]
fn predefined_roles_of_a_credential_are_found_and_taken() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    case(
        &mut scene,
        "GRANT pg_read_all_data TO c1",
        "high",
        "all_data",
        "credential c1",
    );
    case(
        &mut scene,
        "GRANT pg_signal_backend TO c1",
        "medium",
        "predefined_role",
        "credential c1",
    );
    // By way of a group: the group's own membership is what goes.
    run(
        &mut scene.su,
        &format!("CREATE ROLE {0}; GRANT {0} TO c1", quoted()),
    );
    case(
        &mut scene,
        &format!("GRANT pg_write_all_data TO {}", quoted()),
        "high",
        "all_data",
        "credential c1",
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_auth_members WHERE member = 'c1'::regrole"
        ),
        "1"
    );
    case(
        &mut scene,
        "GRANT pg_read_all_data TO app_owner",
        "high",
        "all_data",
        "credential default",
    );
    case(
        &mut scene,
        "GRANT pg_checkpoint TO app_owner",
        "medium",
        "predefined_role",
        "credential default",
    );
}

#[test]
fn a_credential_that_watches_the_server_and_nothing_else_is_no_finding() {
    let mut scene = Scene::new();
    drop(scene.credential("monitor"));
    run(&mut scene.su, "GRANT pg_monitor TO monitor");
    assert_eq!(
        about(&mut scene.su, "predefined_role", "credential monitor"),
        []
    );
    // With a right on anything else it is no monitor any more.
    run(
        &mut scene.su,
        "CREATE TABLE public.t (i int); GRANT SELECT ON public.t TO monitor",
    );
    seen_and_mended(
        &mut scene,
        "medium",
        "predefined_role",
        "credential monitor",
    );
}

#[test]
fn who_may_act_as_a_credential_is_found_and_shut_out() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    let odd = quoted();
    case(
        &mut scene,
        &format!("CREATE ROLE {odd}; GRANT c1 TO {odd}"),
        "medium",
        "credential_shared",
        "credential c1",
    );
    // Default is a member of every credential, and people are members of default.
    run(&mut scene.su, &format!("GRANT app_owner TO {odd}"));
    assert!(!findings(&mut scene.su)
        .iter()
        .any(|f| f.code == "credential_shared"));
}

#[test]
fn a_credential_that_owns_tables_is_found_and_default_takes_them() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    run(&mut scene.own, "GRANT USAGE, CREATE ON SCHEMA public TO c1");
    run(&mut c1, "CREATE TABLE public.\"Its; own\" (i int)");
    let found = the(&mut scene.su, "owns_tables", "credential c1");
    assert!(found.sentence.contains("\"Its; own\""), "{found:?}");
    seen_and_mended(&mut scene, "medium", "owns_tables", "credential c1");
    scene.settle();
    // It goes on as before.
    run(&mut c1, "INSERT INTO public.\"Its; own\" VALUES (1)");
    run(&mut scene.own, "DROP TABLE public.\"Its; own\"");
}

#[test]
fn a_monitor_that_may_make_or_own_is_found_and_mended() {
    let mut scene = Scene::new();
    let odd = quoted();
    run(
        &mut scene.su,
        &format!(
            "CREATE ROLE {odd} LOGIN IN ROLE pg_monitor; CREATE SCHEMA \"S;\"; CREATE ROLE makers"
        ),
    );
    let object = format!("role {odd}");
    assert_eq!(about(&mut scene.su, "monitor_ddl", &object), []);
    for sql in [
        format!("GRANT CREATE ON SCHEMA \"S;\" TO {odd}"),
        format!("GRANT CREATE ON DATABASE app TO {odd}"),
        format!("ALTER SCHEMA \"S;\" OWNER TO {odd}"),
        format!("GRANT CREATE ON SCHEMA public TO makers; GRANT makers TO {odd}"),
        format!("CREATE TABLE public.t (i int); ALTER TABLE public.t OWNER TO {odd}"),
    ] {
        case(&mut scene, &sql, "medium", "monitor_ddl", &object);
    }
    // Default watches the server too, and is there to make things; so are who has default's rights.
    assert_eq!(about(&mut scene.su, "monitor_ddl", "role app_owner"), []);
    run(&mut scene.su, "CREATE ROLE dba LOGIN IN ROLE app_owner");
    assert_eq!(about(&mut scene.su, "monitor_ddl", "role dba"), []);
}

#[test]
fn what_default_lacks_is_found_and_given_back() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    for sql in [
        "REVOKE pg_monitor FROM app_owner",
        "REVOKE c1 FROM app_owner",
        "ALTER SCHEMA public OWNER TO postgres",
        "REVOKE EXECUTE ON FUNCTION credentials.check() FROM app_owner",
    ] {
        make(&mut scene, sql, "default_incomplete", "role app_owner");
        let found = the(&mut scene.su, "default_incomplete", "role app_owner");
        assert_eq!(found.severity, "medium");
        mend(&scene.cluster, &found.remedy);
        scene.settle();
        gone(&mut scene.su, "default_incomplete", "role app_owner");
    }
}
