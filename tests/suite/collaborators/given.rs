//! What is granted in the server with permissions, and taken with them: no more, no less.

use super::{
    add, collaborator, everything, listed, remove, rights, role, session, two_apps, update,
};
use crate::scene::{ask, column, outcome, run};

const VIEW: [&str; 8] = [
    "CONNECT",
    "USAGE",
    "attachments",
    "collaborators",
    "connection_info",
    "events",
    "list",
    "usernames",
];

/// What view takes, and these functions.
fn view_and(more: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = VIEW.iter().chain(more).map(|w| (*w).to_owned()).collect();
    all.sort_unstable();
    all
}

#[test]
fn execute_is_given_on_exactly_what_the_permissions_in_all_apps_need() {
    let mut scene = two_apps();
    role(&mut scene, "bob");
    assert_eq!(rights(&mut scene, "bob"), Vec::<String>::new());
    let operate = ["attach", "detach", "rotate"];
    let manage = [
        "add_collaborator",
        "attach",
        "create",
        "destroy",
        "remove_collaborator",
        "update_collaborator",
    ];
    add(&mut scene, "bob", "shop", "view");
    assert_eq!(rights(&mut scene, "bob"), view_and(&[]));
    for (permissions, more) in [
        ("deploy", &["config_vars"][..]),
        ("operate", &operate),
        ("manage", &manage),
        ("view", &[]),
    ] {
        update(&mut scene, "bob", "shop", permissions);
        assert_eq!(rights(&mut scene, "bob"), view_and(more), "{permissions}");
    }
    // Another app's permissions count as well, and attach is open by two of them.
    add(&mut scene, "bob", "stock", "manage");
    update(&mut scene, "bob", "shop", "operate");
    let both = [&manage[..], &["detach", "rotate"]].concat();
    assert_eq!(rights(&mut scene, "bob"), view_and(&both));
    remove(&mut scene, "bob", "stock");
    assert_eq!(rights(&mut scene, "bob"), view_and(&operate));
    remove(&mut scene, "bob", "shop");
    assert_eq!(rights(&mut scene, "bob"), Vec::<String>::new());
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.collaborator_right"
        ),
        "0"
    );
    run(&mut scene.su, "DROP ROLE bob");
}

#[test]
fn what_others_gave_stays_and_what_was_not_given_is_not_taken() {
    let mut scene = two_apps();
    role(&mut scene, "bob");
    run(
        &mut scene.su,
        "GRANT CONNECT ON DATABASE app TO bob;
         GRANT USAGE ON SCHEMA credentials TO bob WITH GRANT OPTION;
         GRANT EXECUTE ON FUNCTION credentials.list(), credentials.metrics() TO bob",
    );
    let lists = "SELECT string_agg(a, ' ' ORDER BY a) FROM (
        SELECT datacl::text FROM pg_database WHERE datname = 'app' UNION ALL
        SELECT nspacl::text FROM pg_namespace WHERE nspname = 'credentials' UNION ALL
        SELECT proacl::text FROM pg_proc WHERE pronamespace = 'credentials'::regnamespace) t(a)";
    let before = ask(&mut scene.su, lists);
    add(&mut scene, "bob", "shop", "deploy,operate,manage");
    assert_ne!(ask(&mut scene.su, lists), before);
    remove(&mut scene, "bob", "shop");
    assert_eq!(ask(&mut scene.su, lists), before);
}

#[test]
fn a_credential_has_connect_already_and_keeps_it() {
    let mut scene = two_apps();
    let mut web = scene.login("web");
    let before = rights(&mut scene, "web");
    add(&mut scene, "web", "stock", "view");
    assert_eq!(
        column(&mut web, "SELECT name FROM credentials.list()"),
        ["depot"]
    );
    remove(&mut scene, "web", "stock");
    assert_eq!(rights(&mut scene, "web"), before);
    assert_eq!(before, ["CONNECT"]);
}

#[test]
fn a_call_that_changes_nothing_writes_nothing() {
    let mut scene = two_apps();
    drop(collaborator(&mut scene, "bob", "deploy"));
    let before = everything(&mut scene);
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.update_collaborator('bob', 'shop', '{deploy,view,deploy}')",
    );
    let number = "SELECT pg_current_xact_id_if_assigned() IS NULL";
    assert_eq!(ask(&mut scene.own, number), "t");
    run(&mut scene.own, "COMMIT");
    assert_eq!(everything(&mut scene), before);
}

#[test]
fn an_update_to_the_same_gives_back_what_somebody_took() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy");
    run(&mut scene.su, "DROP OWNED BY bob");
    assert_eq!(
        outcome(&mut bob, "SELECT * FROM credentials.list()"),
        "42501"
    );
    update(&mut scene, "bob", "shop", "deploy");
    run(&mut bob, "SELECT * FROM credentials.config_vars('shop')");
    remove(&mut scene, "bob", "shop");
    assert_eq!(rights(&mut scene, "bob"), Vec::<String>::new());
}

#[test]
fn rollback_and_savepoints_leave_nothing() {
    let mut scene = two_apps();
    drop(collaborator(&mut scene, "bob", "view"));
    role(&mut scene, "eve");
    let before = everything(&mut scene);
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.add_collaborator('eve', 'shop', '{manage}');
         SELECT credentials.update_collaborator('bob', 'shop', '{operate}');
         SELECT credentials.remove_collaborator('bob', 'shop'); ROLLBACK",
    );
    let ids = |lines: Vec<String>| -> Vec<String> {
        let is_event = |line: &String| line.bytes().all(|b| b.is_ascii_digit());
        lines.into_iter().filter(|l| !is_event(l)).collect()
    };
    let before = ids(before);
    assert_eq!(ids(everything(&mut scene)), before);
    run(
        &mut scene.own,
        "BEGIN; SAVEPOINT s; SELECT credentials.remove_collaborator('bob', 'shop'); ROLLBACK TO s; COMMIT",
    );
    assert_eq!(ids(everything(&mut scene)), before);
    drop(session(&scene, "bob"));
    assert!(scene
        .cluster
        .login("eve", "a-person-called-eve", "app")
        .is_err());
}

#[test]
fn a_role_that_is_dropped_is_shown_to_nobody_and_its_rows_go_with_the_next_change() {
    let mut scene = two_apps();
    drop(collaborator(&mut scene, "bob", "manage"));
    assert_eq!(outcome(&mut scene.su, "DROP ROLE bob"), "2BP01");
    run(&mut scene.su, "DROP OWNED BY bob; DROP ROLE bob");
    assert_eq!(listed(&mut scene), Vec::<String>::new());
    role(&mut scene, "eve");
    add(&mut scene, "eve", "shop", "view");
    let rows = "SELECT DISTINCT role::regrole::text FROM credentials.collaborator
                  UNION SELECT DISTINCT role::regrole::text FROM credentials.collaborator_right";
    assert_eq!(column(&mut scene.su, rows), ["eve"]);
}

#[test]
fn a_destroyed_credential_is_no_collaborator_and_a_released_one_stays() {
    let mut scene = two_apps();
    add(&mut scene, "spare", "shop", "view");
    add(&mut scene, "gone", "shop", "view");
    run(&mut scene.own, "SELECT credentials.destroy('spare', 'app')");
    run(&mut scene.su, "SELECT credentials.release('gone')");
    scene.settle();
    let rows = "SELECT role_name FROM credentials.collaborator ORDER BY 1";
    assert_eq!(column(&mut scene.su, rows), ["gone"]);
    assert_eq!(listed(&mut scene), ["shop gone {view}"]);
    // What it was as a credential is forgotten.
    let former = "SELECT count(*) FROM credentials.former_app WHERE role = 'gone'::regrole";
    assert_eq!(ask(&mut scene.su, former), "0");
}
