//! Soft rotation, seen from outside: who logs in with what at which moment, what is lost (nothing), what is left over
//! (nothing). SPEC 4, "rotate".

mod all;
mod any_state;
mod at_work;
mod closing;
mod drift;
mod end;
mod holders;
mod late;
mod makes;
mod nothing_lost;
mod pools;
mod refusals;
mod superusers;
mod words;

use std::time::Duration;

use postgres::Client;

use crate::harness::{wait_until, Builder, Cluster, SOON};
use crate::scene::{ask, column, run, Scene};

/// What is promised to happen within two seconds of a deadline, on a machine that others share.
const SLACK: Duration = Duration::from_secs(2);

/// A builder with the three times of a rotation, in seconds.
fn timed(overlap: u32, grace: u32, linger: u32) -> Builder {
    Cluster::builder()
        .setting("credential_manager.rotation_overlap", &overlap.to_string())
        .setting("credential_manager.rotation_grace", &grace.to_string())
        .setting("credential_manager.rotation_linger", &linger.to_string())
}

/// A scene with these times.
#[track_caller]
fn scene(overlap: u32, grace: u32, linger: u32) -> Scene {
    Scene::on(timed(overlap, grace, linger).start())
}

/// Orders a soft rotation, as the default credential.
#[track_caller]
fn rotate(scene: &mut Scene, name: &str) {
    run(
        &mut scene.own,
        &format!("SELECT credentials.rotate('{name}')"),
    );
}

/// A credential and the URL that it has first.
#[track_caller]
fn created(scene: &mut Scene, name: &str) -> String {
    run(
        &mut scene.su,
        &format!("SELECT credentials.create('{name}')"),
    );
    scene.cluster.url(name)
}

/// The state that `list()` tells.
#[track_caller]
fn state(su: &mut Client, name: &str) -> String {
    ask(
        su,
        &format!("SELECT state FROM credentials.list() WHERE name = '{name}'"),
    )
}

/// Waits until `list()` tells a state.
#[track_caller]
fn becomes(su: &mut Client, name: &str, wanted: &str) {
    let mut seen = String::new();
    wait_until(&format!("{name} becomes {wanted}"), SOON, || {
        seen = state(su, name);
        seen == wanted
    });
}

/// `usernames()` as `username state connections`, in its order.
#[track_caller]
fn usernames(su: &mut Client, name: &str) -> Vec<String> {
    column(
        su,
        &format!(
            "SELECT concat_ws(' ', username, state, connections) FROM credentials.usernames('{name}')"
        ),
    )
}

/// The username in a URL.
#[track_caller]
fn user_of(url: &str) -> String {
    let config: postgres::Config = url.parse().unwrap();
    config.get_user().unwrap().to_owned()
}

/// The password in a URL.
#[track_caller]
fn password_of(url: &str) -> String {
    let config: postgres::Config = url.parse().unwrap();
    String::from_utf8(config.get_password().unwrap().to_vec()).unwrap()
}

/// Whether a URL logs in; anything but a refusal of name or password is a failure of the test.
#[track_caller]
fn works(cluster: &Cluster, url: &str) -> bool {
    crate::held::people::logs_in(cluster, &user_of(url), &password_of(url))
}

/// Roles of the cluster with the name of a twin.
#[track_caller]
fn twins(su: &mut Client) -> Vec<String> {
    column(
        su,
        "SELECT rolname FROM pg_roles WHERE rolname LIKE '%-rotating'",
    )
}

/// Waits until no twin is left anywhere, and what goes with one.
#[track_caller]
fn twins_go(su: &mut Client) {
    wait_until("the twin goes", SOON, || twins(su).is_empty());
    assert_eq!(
        ask(
            su,
            "SELECT (SELECT count(*) FROM credentials.twin)
                  + (SELECT count(*) FROM pg_auth_members m WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = m.member))
                  + (SELECT count(*) FROM pg_db_role_setting s WHERE s.setrole <> 0
                       AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = s.setrole))",
        ),
        "0",
        "a twin has gone and left something"
    );
}

/// OID of a role as text; empty where there is none.
#[track_caller]
fn oid(su: &mut Client, role: &str) -> String {
    ask(
        su,
        &format!("SELECT oid FROM pg_roles WHERE rolname = '{role}'"),
    )
}

/// How many client sessions have logged in under a name, in all databases.
#[track_caller]
fn sessions(su: &mut Client, role: &str) -> String {
    ask(
        su,
        &format!(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND backend_type = 'client backend'"
        ),
    )
}

/// Whether the long forms are wanted.
fn long() -> bool {
    std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some()
}
