//! Who reaches further by a membership or by owning.

use super::roles::quoted;
use super::{about, case, findings, gone, make, mend, seen_and_mended, the};
use crate::scene::{ask, run, Scene};

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

#[test]
fn a_rotating_twin_is_no_monitor_of_its_own_since_the_remedy_would_end_its_rotation() {
    let mut scene = Scene::new();
    drop(scene.credential("monitor"));
    run(
        &mut scene.su,
        "GRANT pg_monitor TO monitor; GRANT CREATE ON SCHEMA public TO monitor",
    );
    for name in ["default", "monitor"] {
        run(
            &mut scene.own,
            &format!("SELECT credentials.rotate('{name}', overlap => '10 min', grace => '1 hour')"),
        );
    }
    let told: Vec<String> = findings(&mut scene.su)
        .into_iter()
        .filter(|f| f.code == "monitor_ddl")
        .map(|f| f.remedy)
        .collect();
    assert_eq!(told, ["REVOKE CREATE ON SCHEMA public FROM monitor;"]);
}

#[test]
fn a_monitor_that_may_end_sessions_keeps_what_it_watches_with() {
    let mut scene = Scene::new();
    drop(scene.credential("monitor"));
    run(
        &mut scene.su,
        "GRANT pg_monitor, pg_signal_backend TO monitor",
    );
    let told = about(&mut scene.su, "predefined_role", "credential monitor");
    let remedies: Vec<&str> = told.iter().map(|f| f.remedy.as_str()).collect();
    assert_eq!(remedies, ["REVOKE pg_signal_backend FROM monitor;"]);
    seen_and_mended(
        &mut scene,
        "medium",
        "predefined_role",
        "credential monitor",
    );
}
