//! The clients that talk to a cluster: libpq's psql, the `postgres` crate, and the extension's first two calls.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use postgres::{Client, Config, Error, NoTls};

use super::cluster::Cluster;
use super::hostile;
use super::place::Place;

/// The row that `credentials.setup()` answered with.
pub struct Setup {
    /// Username of the default credential.
    pub username: String,
    /// Its password where there is no key file to keep it.
    pub password: Option<String>,
}

impl Cluster {
    /// `CREATE EXTENSION` in `app` and `credentials.setup('app_owner')`; sets the traps of a hostile owner where asked.
    #[track_caller]
    pub fn setup(&self) -> Setup {
        let mut client = self.superuser("app");
        client
            .batch_execute("CREATE EXTENSION credential_manager")
            .expect("CREATE EXTENSION");
        let row = client
            .query_one(
                "SELECT username, password FROM credentials.setup('app_owner')",
                &[],
            )
            .expect("credentials.setup()");
        let setup = Setup {
            username: row.get(0),
            password: row.get(1),
        };
        if let Some(password) = &setup.password {
            self.remember_secret(password);
        }
        if self.hostile {
            self.set_traps(&setup.username);
        }
        setup
    }

    /// Sets the traps of a hostile database owner in `app`, made by `owner`.
    #[track_caller]
    pub fn set_traps(&self, owner: &str) {
        hostile::set_traps(&mut self.superuser("app"), owner);
    }

    /// What `credentials.url(name)` tells, asked by a superuser; the password in it is remembered as a secret.
    #[track_caller]
    pub fn url(&self, name: &str) -> String {
        let row = self
            .superuser("app")
            .query_one("SELECT credentials.url($1)", &[&name]);
        let url: String = row.expect("credentials.url()").get(0);
        if let Some(password) = url
            .parse::<Config>()
            .ok()
            .as_ref()
            .and_then(Config::get_password)
        {
            self.remember_secret(&String::from_utf8_lossy(password));
        }
        url
    }

    /// The superuser `postgres`, over the socket. In a hostile database its session has the server's own settings, so
    /// that no trap of the owner springs on the test itself.
    #[track_caller]
    pub fn superuser(&self, database: &str) -> Client {
        self.superuser_config(database)
            .connect(NoTls)
            .unwrap_or_else(|error| panic!("superuser in {database}: {error}\n{}", self.log_tail()))
    }

    /// How the superuser connects, for a test that wants to hear notices.
    pub fn superuser_config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(self.home())
            .port(self.port())
            .user("postgres")
            .dbname(database);
        config
            .application_name("harness")
            .options(if self.hostile { hostile::UNDO } else { "" });
        config
    }

    /// A login over TCP with SCRAM, as an application does it.
    pub fn login(&self, user: &str, password: &str, database: &str) -> Result<Client, Error> {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(self.port())
            .user(user)
            .password(password)
            .dbname(database);
        config.application_name("harness").connect(NoTls)
    }

    /// A login with a URL that the extension told.
    pub fn connect(&self, url: &str) -> Result<Client, Error> {
        url.parse::<Config>()?.connect(NoTls)
    }

    /// The real psql: by default as the superuser in `app`; a URL or `-U`, `-d` among `args` say otherwise.
    pub fn psql<S: AsRef<OsStr>>(&self, args: &[S], input: &str) -> Output {
        let mut child = self
            .client_command("psql")
            .arg("-X")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("to start psql");
        let mut stdin = child.stdin.take().expect("a pipe to psql");
        // Written from a thread of its own: psql may fill its output before it has read all.
        std::thread::scope(|scope| {
            // A psql that ends early closes the pipe; its exit code tells why.
            scope.spawn(move || stdin.write_all(input.as_bytes()).ok());
            child.wait_with_output().expect("the output of psql")
        })
    }

    /// The text of `pg_dumpall`, as the superuser.
    #[track_caller]
    pub fn pg_dumpall(&self) -> String {
        let output = self
            .client_command("pg_dumpall")
            .output()
            .expect("to start pg_dumpall");
        assert!(
            output.status.success(),
            "pg_dumpall: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A client program of the server's folder that finds this cluster by default.
    pub fn client_command(&self, program: &str) -> Command {
        let mut command = Place::here().command(program);
        command
            .env("PGHOST", self.home())
            .env("PGPORT", self.port().to_string());
        command
            .env("PGUSER", "postgres")
            .env("PGDATABASE", "app")
            .env("PGPASSFILE", "/dev/null");
        command
    }
}
