//! Apps: attachments, config variables, endpoints, and who hears of a change.

mod attaching;
mod endpoints;
mod going;
mod news;
mod specs;
mod values;

use postgres::Client;

use crate::scene::{column, rows, run, Scene};

/// A cluster with the credentials `one` and `two`.
fn scene() -> Scene {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SELECT credentials.create('one'); SELECT credentials.create('two')",
    );
    scene
}

#[track_caller]
fn attach(client: &mut Client, arguments: &str) -> String {
    column(
        client,
        &format!("SELECT config_var FROM credentials.attach({arguments})"),
    )
    .concat()
}

/// The attachments of an app: `variable|credential|endpoint`.
#[track_caller]
fn attached(client: &mut Client, app: &str) -> Vec<String> {
    rows(
        client,
        &format!("SELECT config_var, name, endpoint FROM credentials.attachments('{app}')"),
    )
}

/// The value of one config variable, remembered as a secret.
#[track_caller]
fn value(scene: &mut Scene, app: &str, variable: &str) -> String {
    let sql = format!(
        "SELECT value FROM credentials.config_vars('{app}') WHERE config_var = '{variable}'"
    );
    let value = column(&mut scene.own, &sql).concat();
    let password = value
        .split(':')
        .nth(2)
        .and_then(|rest| rest.split('@').next());
    scene
        .cluster
        .remember_secret(password.expect("a password in the URL"));
    value
}
