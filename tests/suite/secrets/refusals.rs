//! The part of a life in which everything goes wrong.

use std::fs;

use postgres::Config;

use super::life::{Life, CALLS};
use crate::harness::expect_error;

impl Life<'_> {
    /// Each call in a read-only transaction, rolled back, cancelled, held up, with a name that is taken, without keys.
    pub fn with_errors(&mut self) {
        for call in CALLS {
            if !call.contains("url(") && !call.contains("_info(") {
                self.refused(&format!("BEGIN READ ONLY; {call}"), "25006");
            }
            let sql = self.filled(call);
            self.own
                .batch_execute(&format!("BEGIN; SAVEPOINT s; {sql}; ROLLBACK TO s; {sql}"))
                .unwrap();
            self.inside();
            self.own.batch_execute("ROLLBACK").unwrap();
            if call.contains("create") {
                self.refused(&call.replace("another", "alice"), "42710");
            }
            let nested = format!(
                "DO $$ BEGIN {}; EXCEPTION WHEN OTHERS THEN RAISE WARNING '%', SQLERRM; END $$",
                call.replace("SELECT", "PERFORM").replace("alice", "nobody")
            );
            self.done(&nested.replace("another", "alice"));
            self.come_back();
            self.refused(
                &format!(
                    "DO $$ BEGIN {}; END $$",
                    call.replace("SELECT", "PERFORM")
                        .replace("alice", "nobody")
                        .replace("another", "alice")
                ),
                if call.contains("create") {
                    "42710"
                } else if call.contains("_all") {
                    continue;
                } else {
                    "42704"
                },
            );
        }
        self.come_back();
        self.held_up();
        self.without_keys();
        let typed = self.type_one();
        assert!(self
            .own
            .query("SELECT credentials.set_password('nobody', $1)", &[&typed])
            .is_err());
        self.refused(
            "BEGIN; SELECT credentials.set_password('alice', '{typed}'); PREPARE TRANSACTION 'p'",
            "0A000",
        );
        self.refused(
            "SELECT credentials.set_password('alice', '{typed}' || repeat('x', 99))",
            "22023",
        );
        self.refused(
            "SELECT credentials.set_password('alice', '{typed}', 1)",
            "42883",
        );
        self.refused(
            "SELECT credentials.set_password('alice', 'SCRAM-SHA-256$4096:{typed}')",
            "22023",
        );
    }

    #[track_caller]
    fn refused(&mut self, sql: &str, state: &str) {
        let sql = self.filled(sql);
        expect_error(&mut self.own, &sql, state);
        self.own.batch_execute("ROLLBACK").unwrap();
    }

    /// Notes what an open transaction of default would have told.
    fn inside(&mut self) {
        for name in ["alice", "another"] {
            let sql = format!("SELECT credentials.url('{name}') FROM credentials.list() WHERE name = '{name}' AND state <> 'destroying'");
            self.own.batch_execute("SAVEPOINT t").unwrap();
            let told = self.own.simple_query(&sql);
            let Ok(messages) = told else {
                panic!("{name}: {told:?}")
            };
            for message in messages {
                if let postgres::SimpleQueryMessage::Row(row) = message {
                    let url: Config = row.get(0).unwrap().parse().unwrap();
                    if let Some(password) = url.get_password() {
                        let password = String::from_utf8_lossy(password).into_owned();
                        self.note_made(&password);
                    }
                }
            }
        }
    }

    /// Somebody holds the role: time is up, a cancel, a lock_timeout of one's own, a rotation that is left to the worker.
    fn held_up(&mut self) {
        let mut holder = self.cluster.superuser("app");
        holder
            .batch_execute("BEGIN; ALTER ROLE alice CONNECTION LIMIT 7")
            .unwrap();
        self.own
            .batch_execute("SET statement_timeout = '300ms'")
            .unwrap();
        self.refused(
            "SELECT credentials.set_password('alice', '{typed}')",
            "57014",
        );
        self.refused(
            "SELECT credentials.rotate('alice', overlap => '0')",
            "57014",
        );
        self.refused("SELECT credentials.set_password('alice')", "57014");
        self.own.batch_execute("RESET statement_timeout").unwrap();
        self.refused(
            "SELECT credentials.set_password('alice', '{typed}')",
            "55P03",
        );
        self.done("SELECT credentials.rotate('alice', force => true)");
        holder.batch_execute("ROLLBACK").unwrap();
        self.come_back();
        self.note();
    }

    fn without_keys(&mut self) {
        let kept = self.cluster.key_file().with_extension("kept");
        fs::rename(self.cluster.key_file(), &kept).unwrap();
        for call in CALLS {
            if !["suspend", "configure", "destroy"]
                .iter()
                .any(|word| call.contains(word))
            {
                self.refused(call, "55000");
            }
        }
        fs::rename(&kept, self.cluster.key_file()).unwrap();
    }
}
