//! A follower ends the sessions of a password that its primary has retired, and goes on by itself when it is promoted.

mod promotion;
mod replay;
mod sessions;
mod soft;
mod stages;
mod trouble;

use std::time::{Duration, Instant};

use postgres::Client;

use crate::harness::{wait_until, Cluster, SOON};
use crate::held::people::lives;
use crate::scene::{run, Scene};

/// What is promised is 2 s after the replay; the rest is for a machine that is busy.
const PROMISED: Duration = Duration::from_secs(4);

/// A primary and its standby, with a credential whose cuts show that the standby has looked.
struct Pair {
    primary: Scene,
    standby: Cluster,
}

impl Pair {
    /// With these credentials.
    fn new(names: &[&str]) -> Pair {
        Pair::with(names, "")
    }

    /// The same, with lines of its own in the standby's postgresql.conf.
    fn with(names: &[&str], lines: &str) -> Pair {
        let mut primary = Scene::new();
        for name in names.iter().chain(&["fence"]) {
            drop(primary.credential(name));
        }
        let standby = primary.cluster.standby_with(lines);
        primary.cluster.wait_replayed(&standby);
        Pair { primary, standby }
    }

    /// A session on the standby with the password that `url()` tells now.
    #[track_caller]
    fn session(&self, name: &str) -> Client {
        let url = self.primary.cluster.url(name);
        self.primary.cluster.wait_replayed(&self.standby);
        login_at(&self.standby, &url)
    }

    /// Runs statements as default on the primary, and waits until the standby has replayed them.
    #[track_caller]
    fn replayed(&mut self, sql: &str) {
        run(&mut self.primary.own, sql);
        self.primary.cluster.wait_replayed(&self.standby);
    }

    /// Returns when the standby has looked after all that is committed now.
    #[track_caller]
    fn looked(&mut self) {
        let mut session = self.session("fence");
        self.replayed("SELECT credentials.rotate('fence', force => true)");
        ends_as_promised(&mut session, "fence");
    }
}

/// A login on `cluster` with the username and password of a URL that another node told.
#[track_caller]
fn login_at(cluster: &Cluster, url: &str) -> Client {
    let (user, password) = user_and_password(url);
    cluster
        .login(&user, &password, "app")
        .unwrap_or_else(|error| panic!("{user}: {}", crate::scene::told(&error)))
}

fn user_and_password(url: &str) -> (String, String) {
    let config: postgres::Config = url.parse().unwrap();
    let password = config.get_password().expect("a password").to_vec();
    (
        config.get_user().expect("a username").to_owned(),
        String::from_utf8(password).unwrap(),
    )
}

/// The session ends within the time that is promised.
#[track_caller]
fn ends_as_promised(session: &mut Client, whose: &str) {
    let start = Instant::now();
    wait_until(&format!("the session of {whose} ends"), SOON, || {
        !lives(session)
    });
    let took = start.elapsed();
    assert!(took < PROMISED, "the session of {whose} lived for {took:?}");
}

/// Nobody looks, as where no worker is free.
const OFF: &str = "credential_manager.database = ''";

/// Ends that.
fn switch_on(standby: &Cluster) {
    standby.append_conf("credential_manager.database = 'app'");
    run(
        &mut standby.superuser("postgres"),
        "SELECT pg_reload_conf()",
    );
}

/// The worker that looks is there.
#[track_caller]
fn is_followed(standby: &Cluster) -> i32 {
    let mut client = standby.superuser("postgres");
    let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'credential_manager worker'";
    let mut found = None;
    wait_until("the standby's worker is there", SOON, || {
        found = client.query_opt(sql, &[]).unwrap().map(|row| row.get(0));
        found.is_some()
    });
    found.unwrap()
}
