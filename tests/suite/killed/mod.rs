//! kill -9 of the server at any moment of a rotation: what `url()` tells logs in at once after the restart, the rotation
//! ends by itself, and nothing that hangs on the role is lost.

mod moments;
mod trouble;

use std::time::Duration;

use postgres::Client;

use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::{ask, run};
use crate::snapshot;

/// The credential that is rotated.
const NAME: &str = "worked";

/// What is held against the state before after each crash.
struct Before {
    url: String,
    all: Vec<String>,
}

/// A cluster with a credential that has something of everything, and rotates within a second.
fn rich() -> Cluster {
    let cluster = Cluster::builder()
        .setting("credential_manager.rotation_overlap", "1")
        .setting("credential_manager.rotation_linger", "0")
        .setting("max_prepared_transactions", "5")
        .setting("autovacuum", "off")
        .start();
    cluster.setup();
    let mut su = cluster.superuser("app");
    run(
        &mut su,
        "SELECT credentials.create('worked', connection_limit => 30); SELECT credentials.create('friend');
         CREATE SCHEMA s; CREATE TABLE s.t (i int, who text DEFAULT current_user);
         GRANT USAGE, CREATE ON SCHEMA s TO worked; GRANT SELECT ON s.t TO worked WITH GRANT OPTION;
         ALTER DEFAULT PRIVILEGES FOR ROLE worked IN SCHEMA s GRANT SELECT ON TABLES TO friend;
         CREATE ROLE readers; GRANT readers TO worked WITH ADMIN OPTION; GRANT worked TO friend;
         ALTER TABLE s.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON s.t FOR SELECT TO worked USING (i > 0);
         ALTER ROLE worked SET search_path = \"$user\", \"we,ird\", public; ALTER ROLE worked IN DATABASE app SET work_mem = '8MB';
         COMMENT ON ROLE worked IS 'it works'; ALTER ROLE worked VALID UNTIL '2100-01-01';",
    );
    let mut worked = cluster.connect(&cluster.url(NAME)).unwrap();
    run(
        &mut worked,
        "CREATE TABLE s.own AS SELECT 1 AS i; GRANT SELECT ON s.t TO friend",
    );
    cluster
}

impl Before {
    fn of(cluster: &Cluster) -> Before {
        Before {
            url: cluster.url(NAME),
            all: snapshot::of(cluster, NAME),
        }
    }

    /// After a restart: what is told logs in at once; the rotation, if it began, ends; all is as it was.
    #[track_caller]
    fn holds(&self, cluster: &Cluster, moment: &str) {
        logs_in(cluster, moment);
        let mut su = cluster.superuser("app");
        ends(&mut su, moment);
        let told = cluster.url(NAME);
        assert!(cluster.connect(&told).is_ok(), "{moment}: at the end");
        if told != self.url {
            assert!(
                cluster.connect(&self.url).is_err(),
                "{moment}: the old password is good at the end"
            );
        }
        let twins = "SELECT count(*) FROM pg_roles WHERE rolname ~ '-rotating$'";
        assert_eq!(ask(&mut su, twins), "0", "{moment}");
        snapshot::same(&self.all, &snapshot::of(cluster, NAME));
    }
}

/// What is told logs in, unless it has been told anew meanwhile: without a linger a name may close in between.
#[track_caller]
fn logs_in(cluster: &Cluster, moment: &str) {
    let mut told = cluster.url(NAME);
    while let Err(error) = cluster.connect(&told) {
        let now = cluster.url(NAME);
        assert_ne!(now, told, "{moment}: it does not log in: {error}");
        told = now;
    }
}

/// Waits until the rotation has come to its end.
#[track_caller]
fn ends(su: &mut Client, moment: &str) {
    let sql = format!("SELECT state FROM credentials.list() WHERE name = '{NAME}'");
    let jobs = "SELECT count(*) FROM credentials.jobs() WHERE state NOT IN ('done', 'cancelled')";
    wait_until(&format!("{moment}: the rotation ends"), SOON, || {
        ask(su, &sql) == "active" && ask(su, jobs) == "0"
    });
}

/// Kills the postmaster as a machine that loses power does, and starts the server again.
#[track_caller]
fn kill_and_start(cluster: &Cluster) {
    cluster.kill9();
    cluster.wait_crashed(None);
}

/// Orders a rotation that takes about a second where sessions of the old password are there, less else.
#[track_caller]
fn order(cluster: &Cluster) -> Result<(), postgres::Error> {
    cluster.superuser("app").batch_execute(
        "SELECT credentials.rotate('worked', overlap => '150 ms', grace => '500 ms')",
    )
}

/// The longest that such a rotation takes, from its order to the drop of the twin.
const WHOLE: Duration = Duration::from_millis(1_200);
