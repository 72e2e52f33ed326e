//! A streaming hot standby of a cluster.

use std::fs;
use std::sync::Arc;

use super::builder::{new_home, write_owned};
use super::cluster::Cluster;
use super::place::Place;
use super::wait::{wait_until, SOON};

impl Cluster {
    /// A hot standby from `pg_basebackup -R`, streaming when this returns; a cluster of its own with the same key file.
    #[track_caller]
    pub fn standby(&self) -> Cluster {
        self.standby_with("")
    }

    /// The same with lines of its own in postgresql.conf.
    #[track_caller]
    pub fn standby_with(&self, lines: &str) -> Cluster {
        let place = Place::here();
        let home = new_home(place);
        let data = home.join("data");
        let output = self
            .client_command("pg_basebackup")
            .args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-D"])
            .arg(&data)
            .env_remove("PGDATABASE")
            .output()
            .expect("to start pg_basebackup");
        assert!(
            output.status.success(),
            "pg_basebackup: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let standby = Cluster::assemble(home, Vec::new(), self.hostile, Arc::clone(&self.shared));
        let key = fs::read(self.key_file()).expect("the key file");
        write_owned(place, &standby.key_file(), &key, 0o600);
        let conf = fs::read_to_string(standby.data_dir().join("postgresql.conf"))
            .expect("postgresql.conf");
        if conf.contains("credential_manager.key_file") {
            standby.append_conf(&format!(
                "credential_manager.key_file = '{}'",
                standby.key_file().display()
            ));
        }
        standby.append_conf(lines);
        standby.start();
        let mut client = self.superuser("postgres");
        wait_until("the standby streams", SOON, || {
            let row = client.query_one(
                "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'",
                &[],
            );
            row.is_ok_and(|row| row.get::<_, i64>(0) > 0)
        });
        standby
    }

    /// From here on nothing is committed here that the standby has not written to its disk.
    #[track_caller]
    pub fn wait_for_standby(&self) {
        self.append_conf("synchronous_standby_names = '*'");
        let mut client = self.superuser("postgres");
        client
            .batch_execute("SELECT pg_reload_conf()")
            .expect("pg_reload_conf()");
        wait_until("the standby is waited for", SOON, || {
            let row = client.query_one(
                "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'",
                &[],
            );
            row.is_ok_and(|row| row.get::<_, i64>(0) == 1)
        });
    }

    /// Waits until `standby` has replayed all that is committed here.
    #[track_caller]
    pub fn wait_replayed(&self, standby: &Cluster) {
        let row = self
            .superuser("postgres")
            .query_one("SELECT pg_current_wal_lsn()::text", &[]);
        let written: String = row.expect("the position of the log").get(0);
        let mut client = standby.superuser("postgres");
        wait_until("the standby has replayed", SOON, || {
            let row = client.query_one(
                "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn",
                &[&written],
            );
            row.is_ok_and(|row| row.get(0))
        });
    }

    /// Makes a standby a primary; returns when it takes writes.
    #[track_caller]
    pub fn promote(&self) {
        let mut client = self.superuser("postgres");
        client
            .batch_execute("SELECT pg_promote()")
            .expect("pg_promote()");
        wait_until("the promoted server takes writes", SOON, || {
            let row = client.query_one("SELECT NOT pg_is_in_recovery()", &[]);
            row.is_ok_and(|row| row.get(0))
        });
    }
}
