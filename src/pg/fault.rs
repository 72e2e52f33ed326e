//! Named points at which a test makes the server crash, and parts that it makes look broken. Without the feature `fault` they are nothing.

/// Kills this process with SIGKILL where the file named by `CREDENTIAL_MANAGER_FAULT` says `name`.
/// The file is removed first, so that the server crashes once. A killed worker makes the postmaster
/// restart every backend, as after a crash.
#[cfg(feature = "fault")]
pub fn point(name: &str) {
    let Ok(path) = std::env::var("CREDENTIAL_MANAGER_FAULT") else {
        return;
    };
    if std::fs::read_to_string(&path).is_ok_and(|wanted| wanted.trim() == name) {
        let _ = std::fs::remove_file(&path);
        // SAFETY: kills the postmaster and this process, which is the point of it.
        unsafe {
            libc::kill(libc::getppid(), libc::SIGKILL);
            libc::kill(libc::getpid(), libc::SIGKILL);
        }
    }
}

/// Nothing, in a build for use.
#[cfg(not(feature = "fault"))]
pub fn point(_name: &str) {}

/// Whether a test wants a part to look broken: `CREDENTIAL_MANAGER_BROKEN` names it.
#[cfg(feature = "fault")]
pub fn broken(name: &str) -> bool {
    std::env::var("CREDENTIAL_MANAGER_BROKEN").is_ok_and(|part| part == name)
}

/// Nothing is, in a build for use.
#[cfg(not(feature = "fault"))]
pub fn broken(_name: &str) -> bool {
    false
}
