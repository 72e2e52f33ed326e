//! The whole life of credentials, with every way to go wrong, and all passwords and verifiers that came up in it.

use std::collections::BTreeSet;
use std::fs;

use postgres::{Client, Config};

use super::key_file::point_to;
use super::{one, row, steps, verifier};
use crate::harness::{wait_until, Cluster, SOON};

pub struct Life<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) su: Client,
    pub(super) own: Client,
    made: BTreeSet<String>,
    typed: Vec<String>,
    in_blocks: Vec<String>,
    verifiers: BTreeSet<String>,
}

/// What came up in a life.
pub struct Over {
    /// Passwords that the extension made.
    pub made: Vec<String>,
    /// Passwords that a caller typed.
    pub typed: Vec<String>,
    /// Those of them that stood in the text of a DO block, which pg_stat_statements keeps as it is.
    pub in_blocks: Vec<String>,
    /// Verifiers that the extension made.
    pub verifiers: Vec<String>,
}

/// Calls that change something or tell a secret, each refused for a reason that a test makes up.
pub const CALLS: [&str; 12] = [
    "SELECT credentials.create('another')",
    "SELECT credentials.create('another', password => '{typed}')",
    "SELECT credentials.rotate('alice', force => true)",
    "SELECT credentials.rotate('alice', overlap => '0')",
    "SELECT credentials.rotate_all(force => true)",
    "SELECT credentials.set_password('alice')",
    "SELECT credentials.set_password('alice', '{typed}')",
    "SELECT credentials.suspend('alice')",
    "SELECT credentials.configure('alice', 5)",
    "SELECT credentials.destroy('alice', confirm => 'app')",
    "SELECT credentials.url('alice')",
    "SELECT credentials.connection_info('alice')",
];

impl<'a> Life<'a> {
    pub fn new(cluster: &'a Cluster) -> Life<'a> {
        let mut su = cluster.superuser("app");
        steps(
            &mut su,
            &[
                "SELECT credentials.rotate('default', force => true)",
                "SELECT credentials.wait()",
            ],
        );
        let own = cluster.connect(&cluster.url("default")).unwrap();
        Life {
            cluster,
            su,
            own,
            made: BTreeSet::new(),
            typed: Vec::new(),
            in_blocks: Vec::new(),
            verifiers: BTreeSet::new(),
        }
    }

    /// A password that nobody has typed before.
    pub(super) fn type_one(&mut self) -> String {
        let salt = verifier(&mut self.su, "app_owner");
        let letters: String = salt
            .chars()
            .rev()
            .filter(char::is_ascii_alphanumeric)
            .take(12)
            .collect();
        self.typed
            .push(format!("typed number {:03} {letters}", self.typed.len()));
        self.typed.last().unwrap().clone()
    }

    /// Puts a new typed password where a statement asks for one.
    pub(super) fn filled(&mut self, sql: &str) -> String {
        if !sql.contains("{typed}") {
            return sql.to_owned();
        }
        let typed = self.type_one();
        if sql.starts_with("DO ") {
            self.in_blocks.push(typed.clone());
        }
        sql.replace("{typed}", &typed)
    }

    /// Runs a statement as default and notes what is in force then.
    #[track_caller]
    pub(super) fn done(&mut self, sql: &str) {
        let sql = self.filled(sql);
        self.own
            .batch_execute(&sql)
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        self.note();
    }

    /// Notes every password that is told and every verifier that the server holds, but those that were typed.
    pub(super) fn note(&mut self) {
        let names = "SELECT c.name, r.rolpassword FROM credentials.credential c JOIN pg_authid r ON r.oid = c.role";
        for row in self.su.query(names, &[]).unwrap() {
            self.verifiers.extend(row.get::<_, Option<String>>(1));
            let url = one(
                &mut self.su,
                &format!("SELECT credentials.url('{}')", row.get::<_, String>(0)),
            );
            let url: Config = url.unwrap().parse().unwrap();
            if let Some(password) = url.get_password() {
                self.note_made(&String::from_utf8_lossy(password));
            }
        }
        // A rotation that waits has a verifier that no role has yet.
        let waiting = "SELECT verifier FROM credentials.job WHERE verifier IS NOT NULL";
        self.verifiers.extend(
            self.su
                .query(waiting, &[])
                .unwrap()
                .iter()
                .map(|row| row.get::<_, String>(0)),
        );
    }

    pub(super) fn note_made(&mut self, password: &str) {
        if !self.typed.iter().any(|typed| typed == password) {
            self.cluster.remember_secret(password);
            self.made.insert(password.to_owned());
        }
    }

    /// Every function once, as it should go, and the typed ones in each way to type.
    pub fn with_sealed_passwords(&mut self) {
        for sql in [
            "SELECT credentials.create('alice')",
            "SELECT credentials.create('bob', valid_for => '1 hour', connection_limit => 3, password => '{typed}')",
            "SELECT * FROM credentials.create('carol', login => false)",
            "SELECT credentials.rotate('alice', force => true)",
            "SELECT credentials.wait('alice'); SELECT credentials.rotate('alice', overlap => '0')",
            "SELECT credentials.set_password('alice')",
            "SELECT credentials.set_password('alice', '{typed}')",
            "SELECT * FROM credentials.set_password(password => '{typed}', name => 'bob')",
            "DO $$ BEGIN PERFORM credentials.set_password('alice', '{typed}'); END $$",
            "DO $$ BEGIN EXECUTE 'SELECT credentials.set_password(''alice'', ''{typed}'')'; END $$",
            "CREATE TEMP TABLE t AS SELECT * FROM generate_series(1, 3) i; SELECT credentials.set_password('bob', '{typed}') FROM t LIMIT 1",
            "SELECT credentials.rotate_all(force => true)",
            "SELECT credentials.suspend('bob')",
            "SELECT credentials.resume('bob')",
            "SELECT credentials.resume('carol')",
            "SELECT credentials.configure('alice', 9, '{\"statement_timeout\": \"30s\"}')",
            "SELECT credentials.extend('bob', '2 hours')",
            "SELECT * FROM credentials.connection_info('alice')",
        ] {
            self.done(sql);
            self.come_back();
        }
        let typed = self.type_one();
        self.own
            .query("SELECT credentials.set_password('alice', $1)", &[&typed])
            .unwrap();
        self.note();
        self.adopted();
        self.typed_verifier();
        self.done("SELECT credentials.destroy('carol', confirm => 'app')");
        self.come_back();
    }

    /// A rotation of all has ended the default credential's session too. What is looked after a rotation is over
    /// when this returns: it ends whoever holds the role's row meanwhile.
    pub(super) fn come_back(&mut self) {
        let at_work = "SELECT count(*) FROM credentials.job WHERE state NOT IN ('done', 'failed', 'cancelled') OR stage = 'sweep'";
        wait_until("the worker has nothing to do", SOON, || {
            one(&mut self.su, at_work).as_deref() == Some("0")
        });
        if self.own.simple_query("SELECT 1").is_err() {
            self.own = self.cluster.connect(&self.cluster.url("default")).unwrap();
        }
    }

    fn adopted(&mut self) {
        self.su
            .batch_execute("CREATE ROLE known LOGIN; SELECT credentials.adopt('known')")
            .unwrap();
        self.done("SELECT credentials.rotate('known', force => true)");
        self.su
            .batch_execute("SELECT credentials.release('known')")
            .unwrap();
    }

    /// A verifier that a caller hands in is the caller's to type; the next rotation replaces it.
    fn typed_verifier(&mut self) {
        self.su
            .execute(
                "SELECT credentials.set_password('known_verifier', NULL)",
                &[],
            )
            .unwrap_err();
        let given = verifier(&mut self.su, "alice");
        let (head, tail) = given.rsplit_once(':').unwrap();
        let other = format!("{head}:{}A{}", &tail[..4], &tail[5..]);
        self.own
            .query("SELECT credentials.set_password('bob', $1)", &[&other])
            .unwrap();
        self.typed.push(other);
        self.done("SELECT credentials.set_password('bob')");
    }

    pub fn with_new_keys(&mut self) {
        let old = fs::read(self.cluster.key_file()).unwrap();
        let new: Vec<u8> = old.iter().map(|b| b ^ 0x5a).collect();
        fs::write(self.cluster.key_file(), [new.clone(), old].concat()).unwrap();
        self.su
            .batch_execute(
                "BEGIN; SELECT credentials.reseal(); ROLLBACK; SELECT credentials.reseal()",
            )
            .unwrap();
        fs::write(self.cluster.key_file(), &new).unwrap();
        self.note();
    }

    /// Passwords in results: shown once, and so told to the client alone.
    pub fn without_a_key_file(&mut self) {
        point_to(self.cluster, "");
        wait_until("default's session sees it", SOON, || {
            one(&mut self.own, "SHOW credential_manager.key_file").as_deref() == Some("")
        });
        for sql in [
            "SELECT password FROM credentials.create('dave')",
            "SELECT password FROM credentials.rotate('dave', force => true)",
            "SELECT credentials.wait('dave'); SELECT password FROM credentials.rotate('dave', overlap => '0')",
            "SELECT password FROM credentials.set_password('dave')",
            "BEGIN; SELECT password FROM credentials.set_password('dave'); ROLLBACK",
            "SELECT string_agg(password, ' ') FROM credentials.rotate_all(force => true)",
        ] {
            self.come_back();
            let told = row(&mut self.own, sql).into_iter().flatten().next_back();
            let told = told.unwrap_or_else(|| panic!("no password: {sql}"));
            told.split(' ').filter(|word| word.len() == 65).for_each(|password| self.note_made(password));
            let verifiers = self.su.query("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL", &[]).unwrap();
            self.verifiers.extend(verifiers.iter().map(|row| row.get::<_, String>(0)));
        }
        point_to(self.cluster, self.cluster.key_file().to_str().unwrap());
        steps(
            &mut self.su,
            &[
                "SELECT credentials.wait()",
                "SELECT credentials.rotate_all(force => true)",
                "SELECT credentials.wait()",
            ],
        );
    }

    /// The end, and what came up.
    pub fn over(mut self) -> Over {
        self.note();
        let typed = self.typed;
        let verifiers = self.verifiers.into_iter();
        Over {
            made: self.made.into_iter().collect(),
            verifiers: verifiers.filter(|v| !typed.contains(v)).collect(),
            in_blocks: self.in_blocks,
            typed,
        }
    }
}
