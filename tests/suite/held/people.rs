//! The people of these suites: a default credential, credentials with sessions, and what they know.

use std::time::Duration;

use postgres::{Client, Config};

use crate::harness::{sqlstate, wait_until, Cluster, SOON};

/// A password that a role gives to itself, behind the extension's back.
pub const MINE: &str = "chosen by the one who logged in";

/// A cluster that is set up.
pub fn ready() -> Cluster {
    let cluster = Cluster::new();
    cluster.setup();
    cluster
}

/// The password that the extension tells now.
pub fn password(cluster: &Cluster, name: &str) -> String {
    let config: Config = cluster.url(name).parse().unwrap();
    String::from_utf8(config.get_password().expect("a stored password").to_vec()).unwrap()
}

/// Makes a credential and gives its password.
pub fn created(cluster: &Cluster, name: &str) -> String {
    cluster
        .superuser("app")
        .execute("SELECT credentials.create($1)", &[&name])
        .unwrap();
    password(cluster, name)
}

/// A session of the default credential.
pub fn owner(cluster: &Cluster) -> Client {
    cluster
        .login("app_owner", &password(cluster, "default"), "app")
        .unwrap()
}

/// Whether a session still answers.
pub fn lives(session: &mut Client) -> bool {
    session.simple_query("SELECT 1").is_ok()
}

/// Waits until the server has ended a session.
#[track_caller]
pub fn ends(session: &mut Client, whose: &str) {
    wait_until(&format!("the session of {whose} ends"), SOON, || {
        !lives(session)
    });
}

/// Waits for a credential's work to end, within seconds; gives the state that `wait` tells.
#[track_caller]
pub fn waited(cluster: &Cluster, name: &str) -> String {
    let mut client = cluster.superuser("app");
    let row = client.query_one("SELECT state FROM credentials.wait($1, '25 s')", &[&name]);
    match row {
        Ok(row) => row.get(0),
        Err(error) => {
            let jobs = client.query("SELECT kind || ' ' || state || ' ' || coalesce(message, '') FROM credentials.jobs()", &[]);
            let jobs: Vec<String> = jobs.unwrap().iter().map(|r| r.get(0)).collect();
            panic!("{:?}; jobs: {jobs:?}", error.as_db_error());
        }
    }
}

/// The managed password logs in; the former ones do not.
#[track_caller]
pub fn only_the_managed_password_logs_in(cluster: &Cluster, name: &str, former: &[&str]) {
    let now = password(cluster, name);
    for old in former {
        assert_ne!(*old, now, "the password was not changed");
        assert!(
            !logs_in(cluster, name, old),
            "a former password of {name} logs in"
        );
    }
    assert!(
        logs_in(cluster, name, &now),
        "the managed password of {name} is refused"
    );
}

/// Whether a login succeeds; anything but a refusal of the password or the role is a failure of the test.
#[track_caller]
pub fn logs_in(cluster: &Cluster, role: &str, password: &str) -> bool {
    match cluster.login(role, password, "app") {
        Ok(_) => true,
        Err(error) => {
            let state = sqlstate(&error);
            assert!(
                matches!(state.as_str(), "28P01" | "28000"),
                "a login failed for another reason: {error}: {state}"
            );
            false
        }
    }
}

/// What shall happen to a role, whoever holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    Rotate,
    Suspend,
    Destroy,
}

impl Force {
    pub const ALL: [Force; 3] = [Force::Rotate, Force::Suspend, Force::Destroy];

    /// The statement.
    pub fn sql(self, name: &str) -> String {
        match self {
            Force::Rotate => format!("SELECT credentials.rotate('{name}', force => true)"),
            Force::Suspend => format!("SELECT credentials.suspend('{name}')"),
            Force::Destroy => format!("SELECT credentials.destroy('{name}', confirm => 'app')"),
        }
    }

    /// Waits for the end and asserts that it came about.
    #[track_caller]
    pub fn has_come_about(self, cluster: &Cluster, name: &str, former: &[&str]) {
        let state = waited(cluster, name);
        match self {
            Force::Rotate => {
                assert_eq!(state, "active");
                only_the_managed_password_logs_in(cluster, name, former);
            }
            Force::Suspend => {
                assert_eq!(state, "suspended");
                for old in former {
                    assert!(!logs_in(cluster, name, old), "a suspended role logs in");
                }
            }
            Force::Destroy => {
                assert_eq!(state, "destroyed");
                let role = cluster
                    .superuser("app")
                    .query("SELECT FROM pg_roles WHERE rolname = $1", &[&name]);
                assert!(role.unwrap().is_empty(), "the role is still there");
            }
        }
        no_trouble_in_the_log(cluster);
    }
}

/// The log holds no sign of a worker that lost its way.
#[track_caller]
pub fn no_trouble_in_the_log(cluster: &Cluster) {
    let log = cluster.log();
    for sign in [
        "was not closed",
        "leak",
        "TRAP",
        "PANIC",
        "worker stopped",
        "panicked",
        "deadlock detected",
        "still referenced",
    ] {
        let found = log.lines().find(|line| line.contains(sign));
        assert!(
            found.is_none(),
            "the log says: {}",
            found.unwrap_or_default()
        );
    }
}

/// A deadline below the one of tests: what shall not take as long as a time-out.
pub const SECONDS: Duration = Duration::from_secs(10);
