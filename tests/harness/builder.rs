//! What a cluster is to be like.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock};

use rustix::process::Signal;

use super::cluster::{Cluster, Shared};
use super::place::Place;
use super::process::signal;
use super::wait::{wait_until, SOON};

/// Local superuser without a password, everybody else by SCRAM, as a server in production has it.
const PG_HBA: &str = "\
local all         postgres trust
local all         all      scram-sha-256
local replication postgres trust
host  all         all      127.0.0.1/32 scram-sha-256
host  replication all      127.0.0.1/32 scram-sha-256
";

/// Small and quick, and the limits that tests reach for.
const BASE_SETTINGS: [(&str, &str); 12] = [
    ("listen_addresses", "127.0.0.1"),
    ("shared_buffers", "16MB"),
    ("fsync", "off"),
    ("max_prepared_transactions", "10"),
    ("max_wal_senders", "5"),
    ("jit", "off"),
    ("password_encryption", "scram-sha-256"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_line_prefix", "%m [%p] %q%u@%d "),
    ("lc_messages", "C"),
    ("timezone", "UTC"),
];

/// Collects what a cluster is to be like; [`Builder::start`] makes it.
pub struct Builder {
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    pg_hba: String,
    key_file: bool,
    preload: Vec<String>,
    own_initdb: bool,
    hostile: bool,
}

impl Builder {
    /// The extension preloaded, its home `app`, a key file, fsync off.
    pub fn new() -> Builder {
        Builder {
            settings: Vec::new(),
            environment: Vec::new(),
            pg_hba: PG_HBA.to_owned(),
            key_file: true,
            preload: vec!["credential_manager".to_owned()],
            own_initdb: false,
            hostile: std::env::var_os("CREDENTIAL_MANAGER_HOSTILE").is_some(),
        }
    }

    /// A line of postgresql.conf; stands after those of the harness, so it wins.
    pub fn setting(mut self, name: &str, value: &str) -> Builder {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A variable in the server's environment, such as the name of a fault point.
    pub fn env(mut self, name: &str, value: &str) -> Builder {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A line at the top of pg_hba.conf.
    pub fn hba(mut self, line: &str) -> Builder {
        self.pg_hba = format!("{line}\n{}", self.pg_hba);
        self
    }

    /// Whether there is a key file (outside the data directory) that seals passwords.
    pub fn key_file(mut self, wanted: bool) -> Builder {
        self.key_file = wanted;
        self
    }

    /// Whether the extension is preloaded.
    pub fn preload(mut self, wanted: bool) -> Builder {
        self.preload
            .retain(|library| library != "credential_manager");
        if wanted {
            self.preload.insert(0, "credential_manager".to_owned());
        }
        self
    }

    /// One more library to preload, such as `pg_stat_statements` or `auto_explain`.
    pub fn preload_also(mut self, library: &str) -> Builder {
        self.preload.push(library.to_owned());
        self
    }

    /// A data directory of its own from initdb instead of a copy: another system identifier, for a second more.
    pub fn own_initdb(mut self) -> Builder {
        self.own_initdb = true;
        self
    }

    /// Sets the traps of a hostile database owner once the extension is set up. `CREDENTIAL_MANAGER_HOSTILE=1` does
    /// it for every cluster of a run.
    pub fn hostile(mut self) -> Builder {
        self.hostile = true;
        self
    }

    /// Makes the cluster and starts its server.
    #[track_caller]
    pub fn start(self) -> Cluster {
        let place = Place::here();
        let home = new_home(place);
        let data = home.join("data");
        if self.own_initdb {
            place.initdb(&data);
        } else {
            copy(&place.template(), &data);
        }
        let key_file = home.join("credential_manager.key");
        write_owned(place, &key_file, &random_bytes::<32>(), 0o600);
        write_owned(
            place,
            &data.join("pg_hba.conf"),
            self.pg_hba.as_bytes(),
            0o600,
        );
        // Where a fault point looks whether it is meant; nobody writes the file unless a test does.
        let fault = home.join("fault").display().to_string();
        let mut environment = vec![("CREDENTIAL_MANAGER_FAULT".to_owned(), fault)];
        environment.extend(self.environment.iter().cloned());
        let cluster = Cluster::assemble(
            home,
            environment,
            self.hostile,
            Arc::new(Mutex::new(Shared::default())),
        );
        cluster.append_conf(&self.conf(&key_file));
        cluster.start();
        cluster
    }

    fn conf(&self, key_file: &Path) -> String {
        let mut all: Vec<(&str, String)> = BASE_SETTINGS
            .iter()
            .map(|(n, v)| (*n, (*v).to_owned()))
            .collect();
        all.push(("shared_preload_libraries", self.preload.join(",")));
        if self
            .preload
            .iter()
            .any(|library| library == "credential_manager")
        {
            all.push(("credential_manager.database", "app".to_owned()));
            all.push(("credential_manager.host", "127.0.0.1".to_owned()));
            all.push(("credential_manager.sslmode", "prefer".to_owned()));
            if self.key_file {
                all.push((
                    "credential_manager.key_file",
                    key_file.display().to_string(),
                ));
            }
        }
        all.extend(self.settings.iter().map(|(n, v)| (n.as_str(), v.clone())));
        all.iter().fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
            text
        })
    }
}

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

/// Where clusters live: in memory where there is room and programs may run, since eight hundred of them are some
/// thirty gigabytes to write; else in /tmp. Short, as a socket's path may have 107 characters and no more.
fn homes() -> &'static str {
    static HOMES: OnceLock<&str> = OnceLock::new();
    HOMES.get_or_init(|| {
        let fits = Command::new("/bin/sh")
            .args(["-c", ROOM_IN_MEMORY])
            .status();
        match fits.is_ok_and(|status| status.success()) {
            true => "/dev/shm",
            false => "/tmp",
        }
    })
}

/// Eight gigabytes free, and a script there runs.
const ROOM_IN_MEMORY: &str = r#"
    [ "$(df --output=avail -k /dev/shm | tail -n 1)" -ge 8388608 ] || exit 1
    script=$(mktemp /dev/shm/cm.XXXXXX) && printf '#!/bin/sh\n' >"$script" && chmod +x "$script" && "$script"
    fits=$?; rm -f "$script"; exit "$fits""#;

/// A new folder of its own for a cluster.
pub fn new_home(place: &Place) -> PathBuf {
    static SWEPT: Once = Once::new();
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    SWEPT.call_once(|| sweep(place));
    let home = PathBuf::from(format!(
        "{}/cm-{}-{}",
        homes(),
        process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    ));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&home)
        .expect("to make a cluster's folder");
    fs::write(home.join("place"), place.root.display().to_string())
        .expect("to mark a cluster's folder");
    place.give(&home);
    home
}

/// Ends and removes what a killed run of this same build left behind.
fn sweep(place: &Place) {
    for entry in fs::read_dir(homes()).into_iter().flatten().flatten() {
        let home = entry.path();
        let name = entry.file_name();
        let Some(owner) = name
            .to_str()
            .and_then(|name| name.strip_prefix("cm-")?.split('-').next())
        else {
            continue;
        };
        let ours =
            fs::read_to_string(home.join("place")).is_ok_and(|root| Path::new(&root) == place.root);
        if !ours || Path::new("/proc").join(owner).exists() {
            continue;
        }
        if let Some(pid) = postmaster_of(&home.join("data")) {
            signal(pid, Signal::QUIT);
            wait_until("a left-over server stops", SOON, || {
                postmaster_of(&home.join("data")).is_none()
            });
        }
        let _ = fs::remove_dir_all(&home);
    }
}

/// The postmaster that runs on a data directory, asked of /proc: the number in postmaster.pid may be another's now.
fn postmaster_of(data: &Path) -> Option<u32> {
    let file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: u32 = file.lines().next()?.trim().parse().ok()?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    String::from_utf8_lossy(&command)
        .contains(data.to_str()?)
        .then_some(pid)
}

/// Copies a data directory with owners and modes.
fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp")
        .args(["-a", "--reflink=auto"])
        .arg(from)
        .arg(to)
        .status();
    assert!(
        done.is_ok_and(|status| status.success()),
        "cp -a {} failed",
        from.display()
    );
}

/// Writes a file that belongs to the server's user.
pub fn write_owned(place: &Place, path: &Path, content: &[u8], mode: u32) {
    fs::write(path, content).expect("to write a file");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("to set a file's mode");
    place.give(path);
}

/// Bytes from the operating system.
fn random_bytes<const N: usize>() -> [u8; N] {
    use std::io::Read;
    let mut bytes = [0; N];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("random bytes");
    bytes
}
