//! A throwaway cluster: its files, its server, and what it is asked at the end.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::builder::Builder;
use super::invariants;
use super::place::Place;
use super::process::Postmaster;

/// What a test told the invariant checker; a standby shares it with its primary.
#[derive(Default)]
pub struct Shared {
    /// Passwords that must be in no log and no file.
    pub secrets: Vec<String>,
    /// Superusers that the test made on purpose.
    pub superusers: Vec<String>,
}

/// A throwaway cluster. Dropping it checks the invariants (unless the test fails anyway), stops the server and removes
/// all files.
pub struct Cluster {
    home: PathBuf,
    environment: Vec<(String, String)>,
    pub(super) hostile: bool,
    pub(super) shared: Arc<Mutex<Shared>>,
    port: AtomicU16,
    postmaster: Mutex<Option<Postmaster>>,
    unchecked: Mutex<Option<String>>,
}

impl Cluster {
    /// A cluster as a user has it: preloaded, home database `app`, key file; neither created nor set up yet.
    #[track_caller]
    pub fn new() -> Cluster {
        Cluster::builder().start()
    }

    /// Switches for what a test wants otherwise.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Wraps a folder with a data directory in it; nothing is started.
    pub(super) fn assemble(
        home: PathBuf,
        environment: Vec<(String, String)>,
        hostile: bool,
        shared: Arc<Mutex<Shared>>,
    ) -> Cluster {
        Cluster {
            home,
            environment,
            hostile,
            shared,
            port: AtomicU16::new(0),
            postmaster: Mutex::new(None),
            unchecked: Mutex::new(None),
        }
    }

    // ---- the server ----

    /// The port on 127.0.0.1; stays the same when the server is started again.
    pub fn port(&self) -> u16 {
        self.port.load(Ordering::Relaxed)
    }

    /// Folder of the socket, the key file and the log; not part of the data directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.home.join("data")
    }

    /// The key file of the builder; it is there even when the server was not told of it.
    pub fn key_file(&self) -> PathBuf {
        self.home.join("credential_manager.key")
    }

    /// Adds lines to postgresql.conf; a reload or restart makes the server see them.
    pub fn append_conf(&self, lines: &str) {
        let conf = self.data_dir().join("postgresql.conf");
        let mut file = OpenOptions::new()
            .append(true)
            .open(conf)
            .expect("postgresql.conf");
        writeln!(file, "{lines}").expect("to write postgresql.conf");
    }

    /// Starts the server. A port that another process took in the meantime is exchanged, on the first start only.
    #[track_caller]
    pub fn start(&self) {
        if let Err(status) = self.try_start() {
            panic!("the server did not start ({status}):\n{}", self.log_tail());
        }
    }

    /// As [`Cluster::start`]; a server that ends before it answers is an error, told with its exit status.
    #[track_caller]
    pub fn try_start(&self) -> Result<(), String> {
        let mut running = self.postmaster();
        assert!(running.is_none(), "the server runs already");
        for _ in 0..5 {
            let first = self.port() == 0;
            if first {
                self.port.store(free_port(), Ordering::Relaxed);
            }
            match Postmaster::start(self.server_command(), &self.data_dir()) {
                Ok(postmaster) => {
                    *running = Some(postmaster);
                    return Ok(());
                }
                Err(_) if first && self.log().contains("Address already in use") => {
                    self.port.store(0, Ordering::Relaxed)
                }
                Err(status) => return Err(status),
            }
        }
        Err("no free port found".to_owned())
    }

    fn server_command(&self) -> std::process::Command {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("the log file");
        let mut command = Place::here().command("postgres");
        command
            .arg("-D")
            .arg(self.data_dir())
            .arg("-k")
            .arg(&self.home)
            .arg("-p")
            .arg(self.port().to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .stdout(log.try_clone().expect("the log file twice"))
            .stderr(log);
        command
    }

    /// Stops the server in good order; a stopped one stays so.
    pub fn stop(&self) {
        if let Some(postmaster) = self.postmaster().take() {
            postmaster.stop();
        }
    }

    /// Stops and starts.
    #[track_caller]
    pub fn restart(&self) {
        self.stop();
        self.start();
    }

    /// kill -9 of the postmaster and every process it started.
    #[track_caller]
    pub fn kill9(&self) {
        self.postmaster().take().expect("a running server").kill9();
    }

    /// True between start and stop.
    pub fn is_running(&self) -> bool {
        self.postmaster().is_some()
    }

    /// Process id of the postmaster.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.postmaster().as_ref().expect("a running server").pid()
    }

    fn postmaster(&self) -> MutexGuard<'_, Option<Postmaster>> {
        self.postmaster
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole server log, files of a logging collector included.
    pub fn log(&self) -> String {
        let mut files = vec![self.log_file()];
        let collected = fs::read_dir(self.data_dir().join("log"))
            .into_iter()
            .flatten()
            .flatten();
        files.extend(collected.map(|entry| entry.path()));
        files
            .iter()
            .map(|file| String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned())
            .collect()
    }

    fn log_file(&self) -> PathBuf {
        self.home.join("server.log")
    }

    pub(super) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    // ---- invariants ----

    /// Registers a password that the extension made: it must be found in no log and no file.
    pub fn remember_secret(&self, secret: &str) {
        assert!(secret.len() >= 8, "too short to be looked for");
        let mut shared = self.shared();
        if !shared.secrets.iter().any(|known| known == secret) {
            shared.secrets.push(secret.to_owned());
        }
    }

    /// Declares a superuser that the test makes on purpose.
    pub fn allow_superuser(&self, role: &str) {
        self.shared().superusers.push(role.to_owned());
    }

    /// Leaves out the check at the end, for a test that breaks an invariant to see it found.
    pub fn without_invariants(&self, why: &str) {
        *self
            .unchecked
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that must hold after every test and does not, a sentence each.
    pub fn violations(&self) -> Vec<String> {
        invariants::violations(self)
    }

    /// Panics with every violated invariant.
    #[track_caller]
    pub fn check_invariants(&self) {
        let found = self.violations();
        assert!(
            found.is_empty(),
            "invariants violated:\n- {}",
            found.join("\n- ")
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let failing = std::thread::panicking();
        let unchecked = self
            .unchecked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        let violated = if failing || unchecked {
            Vec::new()
        } else {
            self.violations()
        };
        self.stop();
        if failing || !violated.is_empty() {
            eprintln!(
                "---- last lines of the server log of {}\n{}",
                self.home.display(),
                self.log_tail()
            );
        }
        let _ = fs::remove_dir_all(&self.home);
        assert!(
            violated.is_empty(),
            "invariants violated:\n- {}",
            violated.join("\n- ")
        );
    }
}

/// A free port below those that the kernel gives to outgoing connections: a stopped server finds it free again.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(7, Ordering::Relaxed) % 10_000) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
