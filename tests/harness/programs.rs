//! Programs of others that the tests run: what `scripts/needs.sh clients` installs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::place::target_folder;

/// A folder of this checkout.
pub fn checkout(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The folder with the Python environment and the Node modules.
fn installed() -> PathBuf {
    target_folder().join("clients")
}

/// A command without the caller's environment: no `PG*` sends a client elsewhere.
pub fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path.as_ref());
    command
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("PGPASSFILE", "/dev/null")
        .env("HOME", "/nonexistent");
    command
}

/// A program of the Python environment, such as `python` or `alembic`.
pub fn python(name: &str) -> Command {
    program(installed().join("venv/bin").join(name))
}

/// Node with the modules that the tests use; wherever the caller's `node` is.
pub fn node() -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let node = std::env::split_paths(&path)
        .map(|folder| folder.join("node"))
        .find(|node| node.exists());
    let mut command = program(node.expect("node: run `make one T=…`, which installs it"));
    command.env("NODE_PATH", installed().join("node_modules"));
    command
}

/// A script of a Node module.
pub fn node_module(script: &str) -> PathBuf {
    installed().join("node_modules").join(script)
}

/// Runs a command to its end with `input`.
#[track_caller]
pub fn run_with(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    // Written from a thread of its own: the program may fill its output before it has read all.
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()).ok());
        child.wait_with_output().expect("the program's output")
    })
}

/// What a command that must succeed prints.
#[track_caller]
pub fn output_of(command: &mut Command, input: &str) -> String {
    let output = run_with(command, input);
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
