//! A soft rotation's two acts that change a password: it begins with a twin that has the new one, and at the
//! cut-over the role gets it too (docs/rotation.md).

use super::{twin as roles, Fresh};
use crate::catalog::{self, twin, Credential, Phase, State, Twin};
use crate::error::{shown, Kind, Result};
use crate::jobs::{self, Job, Order, Stage};
use crate::pg::role::{self, Options};
use crate::pg::value::{Span, Time};
use crate::pg::{ident, session, time, xact, Oid};
use crate::{settings, vault};

/// The longest overlap or grace, in microseconds: as long as the settings allow.
const LONGEST: i128 = 366 * 86_400_000_000;

/// How long the old password stays good.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// At least; nothing for the setting.
    pub overlap: Option<Span>,
    /// At most, or as long as the overlap where that is longer; nothing for the setting.
    pub grace: Option<Span>,
}

impl Terms {
    /// Refuses what is negative or longer than a year.
    pub fn check(&self) -> Result<()> {
        for (argument, span) in [("grace", self.grace), ("overlap", self.overlap)] {
            let length = span.map_or(0, |span| span.nominal_micros());
            if !(0..=LONGEST).contains(&length) {
                return Err(Kind::BadArgument
                    .error(format!(
                        "argument \"{argument}\" must not be negative or longer than a year"
                    ))
                    .hint("SELECT * FROM credentials.rotate('analyst', overlap => '5 min');"));
            }
        }
        Ok(())
    }

    /// Whether the caller, or the setting, asks for the old password to end at once.
    pub fn without_overlap(&self) -> bool {
        match self.overlap {
            Some(overlap) => overlap.nominal_micros() == 0,
            None => settings::rotation_overlap() == 0,
        }
    }

    /// When the overlap ends, and the deadline, counted from `now`.
    fn ends(&self, now: Time) -> Result<(Time, Time)> {
        let end = |span: Option<Span>, setting: i64| match span {
            Some(span) => time::after(now, span),
            None => Ok(now + setting * 1_000_000),
        };
        let overlap_until = end(self.overlap, settings::rotation_overlap())?;
        let grace_until = end(self.grace, settings::rotation_grace())?;
        Ok((overlap_until, grace_until.max(overlap_until)))
    }
}

/// What a soft rotation began with.
pub struct Begun {
    /// When the old password goes at the latest.
    pub deadline: Time,
    /// The row of the stored password.
    pub stored: Option<i64>,
}

/// Begins a soft rotation: from the commit on the twin logs in with the new password, and is told. To be
/// called under the credential's lock.
pub fn begin(credential: &Credential, fresh: &Fresh, terms: &Terms, by: Oid) -> Result<Begun> {
    refuse_waiting(credential)?;
    let now = time::now();
    let (overlap_until, deadline) = terms.ends(now)?;
    let verifier = fresh.verifier.expose();
    let former = role::stored_verifier(credential.role)?;
    let (twin, renewed) = match xact::subtransaction(|| roles::open(credential, verifier)) {
        Ok(made) => made?,
        Err(caught) => return Err(super::held(&caught, credential)),
    };
    let stored = fresh.store(credential.role)?;
    if renewed {
        // Its older sessions are told apart by when this commits; nobody is ended yet.
        xact::mark_cutover(twin);
    }
    let caller = session::by_pid(session::own_pid()).map(|s| (s.pid, s.started));
    twin::put(&Twin {
        base: credential.role,
        role: twin,
        phase: Phase::Draining,
        former,
        begun_at: now,
        overlap_until,
        deadline,
        caller,
        renewed,
        cut: None,
        committed: None,
        linger_until: None,
    })?;
    jobs::call_off_retirements(credential.role)?;
    catalog::set_rotated(credential.role, stored, Some(State::Rotating))?;
    vault::forget_others(credential.role, &stored.into_iter().collect::<Vec<_>>())?;
    let mut order = Order::new(
        jobs::Kind::Rotate,
        credential.role,
        &credential.name,
        Stage::Drain,
    );
    order.secret = stored;
    order.verifier = Some(verifier);
    order.place(by)?;
    crate::pg::fault::point("begin_commit");
    xact::force_sync_commit();
    Ok(Begun { deadline, stored })
}

/// Refuses while a forced rotation waits for the role: it would end this one at once.
fn refuse_waiting(credential: &Credential) -> Result<()> {
    if !jobs::live_for(Some(credential.role))?
        .iter()
        .any(|job| job.stage == Stage::Apply)
    {
        return Ok(());
    }
    Err(Kind::InUse
        .error(format!(
            "credential \"{}\" is being changed",
            shown(&credential.name)
        ))
        .detail("An order for it waits for the role.")
        .hint("SELECT * FROM credentials.jobs();"))
}

/// The cut-over: the role gets the new password, whoever holds it, and the old one is gone with the commit.
/// The twin `lingers`, unless it is not there under its name any more. Tells whether somebody had changed
/// the old password in between. Errors of the server unwind.
pub fn cut_over(job: &Job, credential: &Credential, twin: &Twin, lingers: bool) -> Result<bool> {
    let verifier = job
        .verifier
        .as_deref()
        .ok_or_else(|| Kind::Internal.error("a rotation without its verifier"))?;
    let drifted = role::stored_verifier(job.role)? != twin.former;
    let options = Options {
        verifier: Some(Some(verifier)),
        ..Options::default()
    };
    role::alter(job.role, &credential.role_name, &options)?;
    put_back_twin(job, twin)?;
    let linger = if lingers {
        settings::rotation_linger() * 1_000_000
    } else {
        0
    };
    let linger_until = time::now() + linger;
    catalog::set_state(job.role, State::Lingering)?;
    twin::set_phase(job.role, Phase::Lingering, Some(linger_until))?;
    jobs::supersede_rotations(job.role, Some(job.id))?;
    catalog::cut(job.role)?;
    jobs::set_stage(job.id, job.stage.next(job.kind))?;
    xact::force_sync_commit();
    Ok(drifted)
}

/// Gives the twin the new password again where somebody changed it; tells whether somebody had.
pub fn put_back_twin(job: &Job, twin: &Twin) -> Result<bool> {
    let Some(name) = ident::role_name(twin.role) else {
        return Ok(false);
    };
    if job.verifier.is_none() || role::stored_verifier(twin.role)? == job.verifier {
        return Ok(false);
    }
    let options = Options {
        verifier: Some(job.verifier.as_deref()),
        ..Options::default()
    };
    role::alter(twin.role, &name, &options)?;
    xact::force_sync_commit();
    Ok(true)
}

/// Orders what is left to do for a twin, unless somebody is at it: `stage` says where to begin.
pub fn order_retirement(twin: &Twin, stage: Stage, by: Oid) -> Result<()> {
    let Some(credential) = catalog::by_role(twin.base)? else {
        return Ok(());
    };
    let at_it = |job: &Job| job.kind == jobs::Kind::Retire || job.stage.is_before_retirement();
    if jobs::live_for(Some(twin.base))?.iter().any(at_it) {
        return Ok(());
    }
    Order::new(jobs::Kind::Retire, twin.base, &credential.name, stage).place(by)?;
    Ok(())
}
