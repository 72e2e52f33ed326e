//! Crashes at the named points of a build with the feature `fault`: the postmaster and the process that came there
//! are killed with SIGKILL, as a machine that loses power does it.

use std::fs;

use super::builder::write_owned;
use super::cluster::Cluster;
use super::place::Place;
use super::process::is_alive;
use super::wait::{wait_until, SOON};

impl Cluster {
    /// The server crashes when it next comes to the point of this name, once.
    #[track_caller]
    pub fn crash_at(&self, point: &str) {
        write_owned(Place::here(), &self.fault_file(), point.as_bytes(), 0o600);
    }

    /// Waits until the server has crashed at the point that was named, and leaves it so.
    #[track_caller]
    pub fn wait_killed(&self) {
        let postmaster = self.pid();
        wait_until(
            "the server crashes at the point that was named",
            SOON,
            || !is_alive(postmaster),
        );
        self.kill9();
        assert!(!self.fault_file().exists(), "it crashed elsewhere");
    }

    /// Waits until the server has crashed at the point that was named, and starts it again; `next` is the point at
    /// which it is to crash once more.
    #[track_caller]
    pub fn wait_crashed(&self, next: Option<&str>) {
        // It may have come to the point before it answered at its last start.
        if self.is_running() {
            let postmaster = self.pid();
            wait_until(
                "the server crashes at the point that was named",
                SOON,
                || !is_alive(postmaster),
            );
            self.kill9();
        }
        assert!(!self.fault_file().exists(), "it crashed elsewhere");
        let data = self.data_dir();
        // Backends see the death of their postmaster when they next wait.
        wait_until("no process of the crashed server is left", SOON, || {
            !processes_in(&data)
        });
        let Some(point) = next else {
            return self.start();
        };
        self.crash_at(point);
        if let Err(status) = self.try_start() {
            assert!(!self.fault_file().exists(), "it did not start: {status}");
        }
    }

    fn fault_file(&self) -> std::path::PathBuf {
        self.home().join("fault")
    }
}

/// Whether a process works in this folder, as every process of a server works in its data directory.
fn processes_in(folder: &std::path::Path) -> bool {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .any(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
}
