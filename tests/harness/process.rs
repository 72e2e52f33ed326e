//! A server process: started as a child of the test, so that it can be waited for even after kill -9.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use rustix::process::{kill_process, Pid, Signal};

use super::wait::{wait_until, SOON};

/// Sends `signal` to a process; one that is gone already is no error.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// True while the process runs; a zombie does not.
pub fn is_alive(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// The processes whose parent is `parent`.
pub fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| state_and_parent(*pid).is_some_and(|(_, of)| of == parent))
        .collect()
}

/// State letter and parent from /proc; the name before them may hold anything, so it is cut at its last bracket.
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// A running postmaster.
pub struct Postmaster {
    child: Child,
}

impl Postmaster {
    /// Starts `command` and waits until it takes connections. Gives back the reason when it ends instead.
    pub fn start(mut command: Command, data: &Path) -> Result<Postmaster, String> {
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (pid, mut ended) = (child.id(), None);
        wait_until("the server takes connections", SOON * 2, || {
            ended = child.try_wait().ok().flatten();
            ended.is_some() || is_ready(data, pid)
        });
        match ended {
            Some(status) => Err(status.to_string()),
            None => Ok(Postmaster { child }),
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server in good order: fast, after 30 s immediate.
    pub fn stop(mut self) {
        signal(self.pid(), Signal::INT);
        let end = std::time::Instant::now() + SOON;
        let mut told = false;
        wait_until("the server stops", SOON * 2, || {
            if !told && std::time::Instant::now() > end {
                signal(self.child.id(), Signal::QUIT);
                told = true;
            }
            matches!(self.child.try_wait(), Ok(Some(_)))
        });
    }

    /// kill -9 of the postmaster and all it started, as a machine that loses power does.
    pub fn kill9(mut self) {
        // Halted first, so that it starts nothing while its children are counted.
        signal(self.pid(), Signal::STOP);
        let all = children(self.pid());
        signal(self.pid(), Signal::KILL);
        for pid in &all {
            signal(*pid, Signal::KILL);
        }
        let _ = self.child.wait();
        wait_until("killed backends are gone", SOON, || {
            !all.iter().any(|pid| is_alive(*pid))
        });
    }
}

/// The eighth line of postmaster.pid says when the server takes connections; the first one whose file it is.
fn is_ready(data: &Path, pid: u32) -> bool {
    let Ok(file) = fs::read_to_string(data.join("postmaster.pid")) else {
        return false;
    };
    let lines: Vec<&str> = file.lines().collect();
    lines
        .first()
        .is_some_and(|first| first.trim() == pid.to_string())
        && lines
            .get(7)
            .is_some_and(|state| matches!(state.trim(), "ready" | "standby"))
}
