//! The settings, each with its unit and range. No other file knows that they are C variables.
//!
//! All are SIGHUP: they stand in postgresql.conf and nobody can SET them, not for a session, a role
//! or a database (THREATS T42).

use crate::pg::settings as fence;
use crate::pg::settings::{Text, Whole, Words};

static DATABASE: Text = Text::new();
static KEY_FILE: Text = Text::new();
static NAMING: Whole = Whole::new();
static HOST: Text = Text::new();
static SSLMODE: Whole = Whole::new();
static PORT: Whole = Whole::new();
static MAX_CREDENTIALS: Whole = Whole::new();
static ROTATION_GRACE: Whole = Whole::new();
static ROTATION_OVERLAP: Whole = Whole::new();
static ROTATION_LINGER: Whole = Whole::new();
static ROTATION_AGE: Whole = Whole::new();
static BATCH_SIZE: Whole = Whole::new();
static LOCK_TIMEOUT: Whole = Whole::new();
static EVENT_RETENTION: Whole = Whole::new();
static SUPPORTED_EXTENSIONS: Text = Text::new();

/// The naming rules' words, in the order of their values, and the end mark.
static NAMINGS: Words<3> = fence::words([Some(c"heroku"), Some(c"scalingo"), None]);
/// libpq's words for sslmode, likewise.
static SSLMODES: Words<7> = fence::words([
    Some(c"disable"),
    Some(c"allow"),
    Some(c"prefer"),
    Some(c"require"),
    Some(c"verify-ca"),
    Some(c"verify-full"),
    None,
]);
/// The place of `require`.
const REQUIRE: i32 = 3;

/// Defines the settings; only while libraries are preloaded.
pub fn define(server_port: i32) {
    use fence::Unit::{Milliseconds, None, Seconds};
    fence::text(
        &DATABASE,
        c"credential_manager.database",
        c"The home database: the one in which the extension is installed.",
        c"Empty: nothing acts, as for a copy of a cluster.",
        c"postgres",
    );
    fence::text(&KEY_FILE, c"credential_manager.key_file", c"File with the 32-byte keys that seal passwords, newest first.",
        c"Outside the data directory, mode 0600 or 0400, the same on every node. Empty: passwords are shown once and never stored.", c"");
    fence::choice(
        &NAMING,
        c"credential_manager.naming",
        c"Rules for names of credentials.",
        c"heroku: 1 to 50 letters, digits, _ and -. scalingo: 6 to 32, no -, starting with a letter.",
        0,
        &NAMINGS,
    );
    fence::text(
        &HOST,
        c"credential_manager.host",
        c"Host that URLs are built with.",
        c"Empty: URLs come without a host, with a NOTICE.",
        c"",
    );
    fence::choice(
        &SSLMODE,
        c"credential_manager.sslmode",
        c"sslmode that URLs are built with.",
        c"One of libpq's words: disable, allow, prefer, require, verify-ca, verify-full.",
        REQUIRE,
        &SSLMODES,
    );
    fence::whole(
        &PORT,
        c"credential_manager.port",
        c"Port that URLs are built with.",
        c"The server's own unless set.",
        server_port,
        1..=65535,
        None,
    );
    fence::whole(
        &MAX_CREDENTIALS,
        c"credential_manager.max_credentials",
        c"Most credentials at a time, default included.",
        c"Rotating twins and groups do not count.",
        120,
        1..=10_000,
        None,
    );
    fence::whole(
        &ROTATION_GRACE,
        c"credential_manager.rotation_grace",
        c"How long sessions of the old password may finish during a rotation.",
        c"Then they are ended, and the old password goes.",
        1_800,
        0..=31_536_000,
        Seconds,
    );
    fence::whole(
        &ROTATION_OVERLAP,
        c"credential_manager.rotation_overlap",
        c"How long the old password stays good at least during a rotation.",
        c"A pool may be empty for a moment, or a config on its way.",
        60,
        0..=31_536_000,
        Seconds,
    );
    fence::whole(
        &ROTATION_LINGER,
        c"credential_manager.rotation_linger",
        c"How long the rotating twin's username stays good after the cut-over.",
        c"A config that was told it may be slow to learn better.",
        86_400,
        0..=31_536_000,
        Seconds,
    );
    fence::whole(
        &ROTATION_AGE,
        c"credential_manager.rotation_age",
        c"Passwords older than this, and credentials unused or suspended for longer, are findings of check().",
        c"0: age is no finding.",
        7_776_000,
        0..=i32::MAX,
        Seconds,
    );
    fence::whole(
        &BATCH_SIZE,
        c"credential_manager.batch_size",
        c"Most objects that one transaction of an ownership transfer moves.",
        c"Batches are also capped by the locks they take.",
        100,
        1..=10_000,
        None,
    );
    fence::whole(
        &LOCK_TIMEOUT,
        c"credential_manager.lock_timeout",
        c"Longest wait of the worker for one lock before it backs off.",
        c"A reader or writer never waits longer for the worker than this and one batch's commit.",
        200,
        1..=60_000,
        Milliseconds,
    );
    fence::whole(
        &EVENT_RETENTION,
        c"credential_manager.event_retention",
        c"Age at which rows of the audit trail go.",
        c"0: they stay for ever.",
        0,
        0..=i32::MAX,
        Seconds,
    );
    fence::text(
        &SUPPORTED_EXTENSIONS,
        c"credential_manager.supported_extensions",
        c"Extensions that install_extension() installs by a superuser's right.",
        c"Names, separated by commas. Trusted extensions need not be named.",
        c"",
    );
    fence::reserve_prefix();
}

/// The home database's name; `None` where nothing is to act.
pub fn database() -> Option<String> {
    Some(DATABASE.get()).filter(|d| !d.is_empty())
}

/// The key file's path; `None` where passwords are not stored.
pub fn key_file() -> Option<String> {
    Some(KEY_FILE.get()).filter(|f| !f.is_empty())
}

/// The naming rules' word, `heroku` or `scalingo`.
pub fn naming() -> String {
    NAMINGS.word(NAMING.get())
}

/// The `leader` endpoint's host, where there is one.
pub fn host() -> Option<String> {
    Some(HOST.get()).filter(|h| !h.is_empty())
}

/// The `leader` endpoint's port, 1 to 65535.
pub fn port() -> u16 {
    u16::try_from(PORT.get()).unwrap_or(5432)
}

/// The `leader` endpoint's sslmode, one of libpq's words.
pub fn sslmode() -> String {
    SSLMODES.word(SSLMODE.get())
}

/// Most credentials at a time, 1 to 10,000.
pub fn max_credentials() -> i64 {
    i64::from(MAX_CREDENTIALS.get())
}

/// How long sessions of the old password may finish, in seconds.
pub fn rotation_grace() -> i64 {
    i64::from(ROTATION_GRACE.get())
}

/// How long the twin's username stays good after the cut-over, in seconds.
pub fn rotation_linger() -> i64 {
    i64::from(ROTATION_LINGER.get())
}

/// Age in seconds from which on `check()` complains; `None`: it never does.
pub fn rotation_age() -> Option<i64> {
    Some(i64::from(ROTATION_AGE.get())).filter(|s| *s > 0)
}

/// How long the old password stays good at least, in seconds.
pub fn rotation_overlap() -> i64 {
    i64::from(ROTATION_OVERLAP.get())
}

/// Objects a transaction of an ownership transfer at most, 1 to 10,000.
pub fn batch_size() -> i32 {
    BATCH_SIZE.get()
}

/// The worker's longest wait for one lock, in milliseconds, 1 to 60,000.
pub fn lock_timeout() -> i32 {
    LOCK_TIMEOUT.get()
}

/// Age in seconds at which events go; `None`: never.
pub fn event_retention() -> Option<i64> {
    Some(i64::from(EVENT_RETENTION.get())).filter(|s| *s > 0)
}

/// The list of extensions that are installed by a superuser's right, as it was written.
pub fn supported_extensions() -> String {
    SUPPORTED_EXTENSIONS.get()
}
