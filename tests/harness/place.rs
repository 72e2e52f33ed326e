//! Where the private server lives, as whom it runs, and the template that clusters are copied from.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{chown, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The server copy made by `scripts/server_copy.sh` and the user that it runs as.
pub struct Place {
    /// Folder of the server's executables.
    pub bin: PathBuf,
    /// Folder that holds the copy and the template; this run's clusters are marked with it.
    pub root: PathBuf,
    /// The user of the servers where the tests run as root: PostgreSQL refuses root.
    server_user: Option<(u32, u32)>,
}

impl Place {
    /// The place of this build. `make test` and `make one` write where it is into the target folder.
    pub fn here() -> &'static Place {
        static PLACE: OnceLock<Place> = OnceLock::new();
        PLACE.get_or_init(Place::find)
    }

    fn find() -> Place {
        let note = target_folder().join(format!("server-{}", flavour()));
        let root = fs::read_to_string(&note)
            .map(PathBuf::from)
            .unwrap_or_else(|_| {
                panic!(
                    "no server for tests yet ({}): run `make test` or `make one T=…`",
                    note.display()
                )
            });
        let bin = fs::read_to_string(root.join("executables"))
            .map(PathBuf::from)
            .unwrap_or_else(|_| panic!("no server below {}: run `make test`", root.display()));
        Place {
            bin,
            root,
            server_user: server_user(),
        }
    }

    /// A command of the server's folder as the server's user, without the environment of the caller: no `PG*`, no
    /// `RUST_BACKTRACE` (a server that has it puts backtraces into DETAIL).
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/tmp");
        if let Some((uid, gid)) = self.server_user {
            command.uid(uid).gid(gid);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command of the server's folder to its end; panics with what it said when it fails.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, program: &str, args: &[S]) -> String {
        let output = self
            .command(program)
            .args(args)
            .output()
            .expect("to run a command");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} failed: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The server copy's own folder of control files and scripts.
    pub fn extension_folder(&self) -> PathBuf {
        let share = self.run("pg_config", &["--sharedir"]);
        Path::new(share.trim()).join("extension")
    }

    /// Gives a file or folder to the server's user.
    pub fn give(&self, path: &Path) {
        if let Some((uid, gid)) = self.server_user {
            chown(path, Some(uid), Some(gid)).expect("to give a file to the server's user");
        }
    }

    /// The data directory that clusters are copied from, made once for each server copy: `initdb` takes a second.
    pub fn template(&self) -> PathBuf {
        let home = self.root.join("template");
        let lock = File::create(self.root.join("template.lock")).expect("to make a lock file");
        lock.lock().expect("to lock the template");
        let data = home.join("data");
        if !home.join("ready").exists() {
            let _ = fs::remove_dir_all(&home);
            fs::create_dir_all(&home).expect("to make the template's folder");
            self.give(&home);
            self.initdb(&data);
            File::create(home.join("ready")).expect("to mark the template as ready");
        }
        data
    }

    /// Makes a data directory with a database `app`. Small WAL segments: a cluster is copied hundreds of times.
    pub fn initdb(&self, data: &Path) {
        let data_arg = data.to_str().expect("a path in UTF-8");
        self.run(
            "initdb",
            &[
                "-D",
                data_arg,
                "-U",
                "postgres",
                "-N",
                "--wal-segsize=1",
                "--locale=C",
                "--encoding=UTF8",
                "--auth=trust",
            ],
        );
        let mut single = self
            .command("postgres")
            .args(["--single", "-D", data_arg, "postgres"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("to start a single-user server");
        let mut input = single
            .stdin
            .take()
            .expect("a pipe to the single-user server");
        input
            .write_all(b"CREATE DATABASE app;\n")
            .expect("to talk to the single-user server");
        drop(input);
        assert!(
            single
                .wait()
                .expect("the end of the single-user server")
                .success(),
            "CREATE DATABASE app failed"
        );
    }
}

/// Cargo's target folder.
pub fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.ancestors().nth(3);
    folder
        .expect("a target folder around this test")
        .to_path_buf()
}

/// Which server copy: that of the tests, or the one that `make bench` puts a release build into.
fn flavour() -> String {
    std::env::var("CREDENTIAL_MANAGER_SERVER").unwrap_or_else(|_| "test".to_owned())
}

/// The user and group of servers: `postgres` where the tests run as root, else nobody but the caller.
fn server_user() -> Option<(u32, u32)> {
    let me = fs::metadata("/proc/self").expect("/proc/self").uid();
    if me != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line
        .expect("a user postgres, as root cannot run a server")
        .split(':')
        .skip(2);
    let mut number = || {
        fields
            .next()
            .and_then(|field| field.parse().ok())
            .expect("numbers in /etc/passwd")
    };
    Some((number(), number()))
}
