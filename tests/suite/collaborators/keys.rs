//! Passwords: a collaborator is told none that deploy does not tell him, with a key file and without.

use super::{add, collaborator, two_apps, update};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, outcome, run, Scene};

/// The key file is set no more; sessions that are there know it.
fn without_key_file(scene: &mut Scene, sessions: &mut [&mut postgres::Client]) {
    scene
        .cluster
        .append_conf("credential_manager.key_file = ''");
    run(&mut scene.su, "SELECT pg_reload_conf()");
    for client in sessions.iter_mut() {
        wait_until("the setting is read", SOON, || {
            ask(client, "SHOW credential_manager.key_file").is_empty()
        });
    }
}

#[test]
fn connection_info_leaves_the_password_out_whatever_the_caller_has_and_records_nothing() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate,manage");
    let count = "SELECT count(*) FROM credentials.event";
    let before = ask(&mut scene.su, count);
    let url = ask(
        &mut bob,
        "SELECT url FROM credentials.connection_info('web')",
    );
    let told = ask(
        &mut bob,
        "SELECT row(c)::text FROM credentials.connection_info('web') c",
    );
    assert!(url.starts_with("postgres://web@127.0.0.1:"), "{url}");
    assert!(!told.contains("password="), "{told}");
    assert_eq!(ask(&mut scene.su, count), before);
    // What deploy tells is recorded, with the app.
    let value = ask(
        &mut bob,
        "SELECT value FROM credentials.config_vars('shop')",
    );
    drop(scene.cluster.connect(&value).expect("a login"));
    let event = "SELECT concat_ws(' ', action, app, effective_role) FROM credentials.event ORDER BY id DESC LIMIT 1";
    assert_eq!(ask(&mut scene.su, event), "config_vars shop bob");
}

#[test]
fn no_result_of_a_collaborators_call_has_a_password() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "operate,manage");
    for call in [
        "SELECT password FROM credentials.create('x1')",
        "SELECT password FROM credentials.rotate('web')",
        "SELECT password FROM credentials.rotate('web', force => true)",
    ] {
        assert_eq!(ask(&mut bob, call), "", "{call}");
    }
}

#[test]
fn without_a_key_file_nothing_that_would_tell_a_password_is_done() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "operate,manage");
    let mut ann = collaborator(&mut scene, "ann", "operate,deploy");
    without_key_file(&mut scene, &mut [&mut bob, &mut ann]);
    for call in [
        "rotate('web')",
        "rotate('web', force => true)",
        "create('x1')",
    ] {
        let sql = format!("SELECT * FROM credentials.{call}");
        assert_eq!(outcome(&mut bob, &sql), "55000", "{call}");
    }
    // Who has deploy is told what it would tell.
    let password = ask(
        &mut ann,
        "SELECT password FROM credentials.rotate('web', force => true)",
    );
    assert_eq!(password.len(), 65);
    scene.cluster.remember_secret(&password);
}

#[test]
fn who_logged_in_as_the_credential_is_told_and_code_that_it_calls_is_not() {
    let mut scene = two_apps();
    add(&mut scene, "web", "shop", "operate");
    let mut web = scene.login("web");
    let mut bob = collaborator(&mut scene, "bob", "operate");
    run(
        &mut scene.su,
        "CREATE SCHEMA code; GRANT ALL ON SCHEMA code TO PUBLIC",
    );
    run(
        &mut bob,
        "CREATE FUNCTION code.trap() RETURNS text LANGUAGE sql SECURITY DEFINER AS
         'SELECT password FROM credentials.rotate(''web'', force => true)'",
    );
    assert_eq!(
        ask(&mut web, "SELECT coalesce(code.trap(), 'nothing')"),
        "nothing"
    );
    let mut web = scene.login("web");
    let password = ask(
        &mut web,
        "SELECT password FROM credentials.rotate('web', force => true)",
    );
    assert_eq!(password.len(), 65);
    scene.cluster.remember_secret(&password);
    // Without a key file as well: the login is told, the code is refused.
    let mut web = scene
        .cluster
        .login("web", &password, "app")
        .expect("a login");
    without_key_file(&mut scene, &mut [&mut web]);
    assert_eq!(outcome(&mut web, "SELECT code.trap()"), "55000");
    let password = ask(
        &mut web,
        "SELECT password FROM credentials.rotate('web', force => true)",
    );
    assert_eq!(password.len(), 65);
    scene.cluster.remember_secret(&password);
    update(&mut scene, "web", "shop", "view");
}
