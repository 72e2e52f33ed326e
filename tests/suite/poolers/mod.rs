//! Poolers: what `pgbouncer_auth()` answers, and a real PgBouncer that asks it.

mod auth;
mod bouncer;
mod load;
mod logins;

use postgres::Client;

use crate::harness::{Builder, Cluster};
use crate::scene::{column, run, Scene};

/// Password of the pooler's own role.
const POOLER_PASSWORD: &str = "what-the-pooler-logs-in-with";

/// A builder with the three times of a rotation, in seconds.
fn timed(overlap: u32, grace: u32, linger: u32) -> Builder {
    Cluster::builder()
        .setting("credential_manager.rotation_overlap", &overlap.to_string())
        .setting("credential_manager.rotation_grace", &grace.to_string())
        .setting("credential_manager.rotation_linger", &linger.to_string())
}

/// A scene with the pooler's role as the manual makes it, and a session of that role.
#[track_caller]
fn scene(builder: Builder) -> (Scene, Client) {
    let mut s = Scene::on(builder.start());
    run(
        &mut s.su,
        &format!(
            "CREATE ROLE pgbouncer LOGIN PASSWORD '{POOLER_PASSWORD}';
             GRANT CONNECT ON DATABASE app TO pgbouncer;
             GRANT USAGE ON SCHEMA credentials TO pgbouncer;
             GRANT EXECUTE ON FUNCTION credentials.pgbouncer_auth(text) TO pgbouncer"
        ),
    );
    let pooler = s.cluster.login("pgbouncer", POOLER_PASSWORD, "app");
    (s, pooler.expect("a login of the pooler"))
}

/// The URL in the app's DATABASE_URL, remembered as a secret.
#[track_caller]
fn value(s: &mut Scene, app: &str) -> String {
    let asked = format!(
        "SELECT value FROM credentials.config_vars('{app}') WHERE config_var = 'DATABASE_URL'"
    );
    let url = column(&mut s.own, &asked).concat();
    let config: postgres::Config = url.parse().expect("a URL");
    let password = config.get_password().expect("a password");
    s.cluster
        .remember_secret(&String::from_utf8_lossy(password));
    url
}
