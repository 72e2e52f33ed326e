//! A real PgBouncer with the ini file of examples/pgbouncer, in front of a cluster.

use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::{kill_process, Pid, Signal};

use super::POOLER_PASSWORD;
use crate::harness::programs::checkout;
use crate::harness::{free_port, wait_until, Cluster, Place, SOON};

/// A running PgBouncer; it ends with the value.
pub struct Bouncer {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Bouncer {
    /// In front of `cluster`, with other values of the ini file's settings, such as `pool_mode`.
    #[track_caller]
    pub fn start(cluster: &Cluster, settings: &[(&str, &str)]) -> Bouncer {
        let port = free_port();
        let file = |name: &str| cluster.home().join(name);
        let (ini, users, log) = (
            file("pgbouncer.ini"),
            file("userlist.txt"),
            file("pooler.log"),
        );
        let mut text = example();
        replace(&mut text, "port=5432", &format!("port={}", cluster.port()));
        set(&mut text, "listen_port", &port.to_string());
        set(&mut text, "auth_file", &users.display().to_string());
        for (name, value) in settings {
            set(&mut text, name, value);
        }
        write(&users, &format!("\"pgbouncer\" \"{POOLER_PASSWORD}\"\n"));
        write(&ini, &text);
        let output = File::create(&log).expect("the pooler's log");
        let child = Place::here()
            .command("/usr/sbin/pgbouncer")
            .arg(&ini)
            .stdout(output.try_clone().expect("the log twice"))
            .stderr(output)
            .spawn()
            .expect("pgbouncer: run `make one T=…`, which installs it");
        let mut bouncer = Bouncer { child, port, log };
        wait_until("PgBouncer takes connections", SOON, || {
            let ended = bouncer.child.try_wait().ok().flatten();
            assert!(ended.is_none(), "PgBouncer ended: {}", bouncer.log());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        bouncer
    }

    /// The port that clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- the pooler's log\n{}", self.log());
        }
    }
}

/// The ini file that the manual shows.
pub fn example() -> String {
    fs::read_to_string(checkout("examples/pgbouncer/pgbouncer.ini")).expect("the example")
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("to write a file of the pooler");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("to set its mode");
    Place::here().give(path);
}

#[track_caller]
fn replace(text: &mut String, old: &str, new: &str) {
    assert_eq!(text.matches(old).count(), 1, "{old} in the example");
    *text = text.replace(old, new);
}

/// Gives a setting of the ini file another value.
#[track_caller]
fn set(text: &mut String, name: &str, value: &str) {
    let start = format!("\n{name} = ");
    let at = text
        .find(&start)
        .unwrap_or_else(|| panic!("{name} is not in the example"));
    let from = at + start.len();
    let to = from + text[from..].find('\n').expect("an end of the line");
    text.replace_range(from..to, value);
}
