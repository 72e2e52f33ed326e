//! Passwords change here: with a twin, so that old and new are good side by side for a while ([`soft`]); or
//! in place, by force, where no session is left, or with `set_password`.
//!
//! A forced change waits for nobody. Where somebody holds the role (an open `ALTER ROLE`, a prepared
//! transaction, another call of ours) the intent is committed as a job with the verifier, and the
//! worker ends the holders and applies it.

pub mod api;
pub mod hba;
pub mod many;
pub mod soft;
pub mod stage;
pub mod supply;
pub mod twin;

use crate::catalog::{self, Credential, State};
use crate::core::password::Chosen;
use crate::core::scram::Verifier;
use crate::core::secret::{self, Secret};
use crate::error::{shown, Error, Kind, Result};
use crate::jobs::{self, Ended, Job, Order, Stage};
use crate::pg::role::Options;
use crate::pg::xact::Caught;
use crate::pg::{lock, role, xact, Oid};
use crate::vault;

pub use crate::access::refuse_destroying;

/// How long a forced act tries by itself before it leaves the rest to the worker, in milliseconds.
const FORCED_PATIENCE: i32 = 300;

/// A password that is about to come into force.
pub struct Fresh {
    /// What the server is handed.
    pub verifier: Verifier,
    /// The password, unless the caller gave a verifier.
    secret: Option<Secret>,
    /// Whether the caller chose it: then nobody needs to be told.
    chosen: bool,
}

impl Fresh {
    /// A generated password.
    pub fn generate() -> Result<Fresh> {
        let secret = secret::generate()?;
        Ok(Fresh {
            verifier: Verifier::compute(&secret)?,
            secret: Some(secret),
            chosen: false,
        })
    }

    /// The caller's password or verifier, or a generated one.
    pub fn chosen_or_generated(password: Option<String>) -> Result<Fresh> {
        match password.map(Chosen::parse).transpose()? {
            None => Fresh::generate(),
            Some(Chosen::Verifier(verifier)) => Ok(Fresh {
                verifier,
                secret: None,
                chosen: true,
            }),
            Some(Chosen::Plain(secret)) => Ok(Fresh {
                verifier: Verifier::compute(&secret)?,
                secret: Some(secret),
                chosen: true,
            }),
        }
    }

    /// Whether the verifier was computed here, so that its password is known: it is never empty.
    pub fn is_known(&self) -> bool {
        self.secret.is_some()
    }

    /// Seals and stores the password for a role, where there is one and a key file.
    pub fn store(&self, role: Oid) -> Result<Option<i64>> {
        match &self.secret {
            Some(secret) => vault::put(role, secret),
            None => Ok(None),
        }
    }

    /// The password where the result of the call is the only place that ever shows it: it was made
    /// here and is not stored.
    pub fn shown_once(self, stored: Option<i64>) -> Option<Secret> {
        self.secret.filter(|_| !self.chosen && stored.is_none())
    }

    /// The password for a caller who logged in as the credential, stored or not.
    pub fn into_secret(self) -> Option<Secret> {
        self.secret.filter(|_| !self.chosen)
    }
}

/// What a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It comes into force with the caller's commit.
    AtCommit,
    /// The role is held: the worker applies it after the caller's commit.
    ByWorker,
}

/// Gives a role a password by force: never waits longer than a moment.
pub fn force(credential: &Credential, fresh: &Fresh, by: Oid) -> Result<(Applied, Option<i64>)> {
    let stored = fresh.store(credential.role)?;
    let applied = attempt(credential, |now| {
        overrule(now, &login_options(&fresh.verifier))
    })?;
    let mut order = Order::new(
        jobs::Kind::Rotate,
        credential.role,
        &credential.name,
        Stage::Apply,
    );
    order.secret = stored;
    match applied {
        Applied::AtCommit => {
            note_in_force(credential.role, stored, None)?;
            order.stage = Stage::EndSessions;
        }
        Applied::ByWorker => {}
    }
    order.verifier = Some(fresh.verifier.expose());
    order.place(by)?;
    Ok((applied, stored))
}

/// Gives a role a password, waiting for its turn; sessions go on.
pub fn replace(credential: &Credential, fresh: &Fresh) -> Result<Option<i64>> {
    let stored = fresh.store(credential.role)?;
    let options = login_options(&fresh.verifier);
    xact::subtransaction(|| {
        role::alter(credential.role, &credential.role_name, &options)?;
        twin::follow(credential, &options)
    })
    .map_err(|caught| held(&caught, credential))??;
    note_in_force(credential.role, stored, None)?;
    Ok(stored)
}

/// Changes a role whatever rotation runs: that one is over, and its twin is closed.
pub fn overrule(credential: &Credential, options: &Options) -> Result<()> {
    role::alter(credential.role, &credential.role_name, options)?;
    if let Some(job) = jobs::draining(credential.role)? {
        jobs::close(job.id, Ended::Cancelled, Some("ended by a later order"))?;
    }
    if twin::end(credential)? && matches!(credential.state, State::Rotating | State::Lingering) {
        catalog::set_state(credential.role, State::Active)?;
    }
    Ok(())
}

/// Closes a role. A rotation that runs ends in favour of the new password: it is the one that is told.
pub fn shut(credential: &Credential) -> Result<()> {
    let running = jobs::draining(credential.role)?;
    let verifier = running.and_then(|job| job.verifier);
    let options = Options {
        login: Some(false),
        verifier: verifier.as_deref().map(Some),
        ..Options::default()
    };
    overrule(credential, &options)
}

/// Tries an act on a role that must not wait; what stands in its way is left to the worker.
pub fn attempt(
    credential: &Credential,
    act: impl FnOnce(&Credential) -> Result<()>,
) -> Result<Applied> {
    let _patience = xact::lock_timeout(FORCED_PATIENCE);
    match xact::subtransaction(|| {
        lock::credential(credential.role)?;
        // Who held the lock may have ordered its end.
        let now = catalog::reread(credential)?;
        refuse_destroying(&now)?;
        act(&now)
    }) {
        Ok(done) => done.map(|()| Applied::AtCommit),
        Err(caught) if is_contention(&caught) => Ok(Applied::ByWorker),
        Err(caught) => Err(unexpected(&caught)),
    }
}

/// The worker applies a forced rotation that had to wait. Errors of the server unwind.
pub fn apply_waiting(job: &Job, credential: &Credential) -> Result<()> {
    let Some(verifier) = job.verifier.as_deref() else {
        return Err(Kind::Internal.error("a rotation without its verifier"));
    };
    let options = Options {
        verifier: Some(Some(verifier)),
        ..Options::default()
    };
    overrule(credential, &options)?;
    note_in_force(job.role, job.secret, Some(job.id))
}

/// Whether the role still has the verifier that a forced rotation gave it; `None` of the job: nobody asks.
pub fn is_as_rotated(job: &Job) -> Result<bool> {
    match job.verifier.as_deref() {
        Some(given) => Ok(role::stored_verifier(job.role)?.as_deref() == Some(given)),
        None => Ok(true),
    }
}

/// Gives the role again what a forced rotation gave it: somebody changed it while older sessions could.
pub fn put_back(job: &Job, credential: &Credential) -> Result<()> {
    let options = Options {
        verifier: Some(job.verifier.as_deref()),
        ..Options::default()
    };
    role::alter(job.role, &credential.role_name, &options)?;
    catalog::cut(job.role)?;
    xact::force_sync_commit();
    Ok(())
}

/// A password is in force: the catalog says so, and older ones are forgotten.
///
/// Forced rotations that wait and were ordered before this one (before `job`, or before now) would put
/// an older password back: they only end sessions from here on. The passwords of later ones are kept.
fn note_in_force(role: Oid, stored: Option<i64>, job: Option<i64>) -> Result<()> {
    catalog::set_rotated(role, stored, None)?;
    let superseded = jobs::supersede_rotations(role, job)?;
    if superseded.waited {
        catalog::cut(role)?;
    }
    let mut keep = superseded.still_wanted;
    keep.extend(stored);
    vault::forget_others(role, &keep)?;
    xact::force_sync_commit();
    Ok(())
}

fn login_options(verifier: &Verifier) -> Options<'_> {
    Options {
        verifier: Some(Some(verifier.expose())),
        ..Options::default()
    }
}

/// Whether an error says that somebody else is at the role: time for a lock is up, a deadlock, or
/// `tuple concurrently updated`, which the server raises without a code of its own.
pub fn is_contention(caught: &Caught) -> bool {
    caught.is_contention()
}

/// The error for a role that somebody holds.
pub fn held(caught: &Caught, credential: &Credential) -> Error {
    if !is_contention(caught) {
        return unexpected(caught);
    }
    Kind::Timeout
        .error(format!(
            "the role of credential \"{}\" is held by another transaction",
            shown(&credential.name)
        ))
        .hint(format!(
            "Call again, or: SELECT * FROM credentials.rotate('{}', force => true);",
            shown(&credential.name)
        ))
}

/// An error of the server that has no case of its own; its text is escaped, since it may hold names.
pub fn unexpected(caught: &Caught) -> Error {
    Kind::Internal
        .error("the server refused an act on a role")
        .detail(format!(
            "SQLSTATE {}: {}.",
            caught.sqlstate,
            shown(&caught.message)
        ))
}
