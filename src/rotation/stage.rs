//! What comes next in a soft rotation: pure, from where it stands and what is known.

use crate::catalog::Phase;
use crate::pg::value::Time;

/// Shortest and longest pause between two looks, in microseconds. A rotation is looked at after a tenth
/// of the time that it has taken, so that short ones end at once and long ones cost nothing.
const SHORTEST: Time = 100_000;
const LONGEST: Time = 5_000_000;

/// What is known of a rotation.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// How far it is.
    pub phase: Phase,
    /// The clock.
    pub now: Time,
    /// When it was ordered.
    pub begun_at: Time,
    /// The old password stays good at least until here.
    pub overlap_until: Time,
    /// The old password goes here at the latest.
    pub deadline: Time,
    /// The twin's name is closed here; known from the cut-over on.
    pub linger_until: Option<Time>,
    /// Sessions that logged in with the old password.
    pub old_sessions: usize,
    /// Sessions of the twin.
    pub twin_sessions: usize,
    /// Whether a standby has yet to replay the twin.
    pub behind: bool,
}

/// What keeps a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The overlap is not over.
    Overlap,
    /// So many sessions of the old password are left.
    OldSessions(usize),
    /// A standby has yet to replay the twin.
    Standby,
    /// The twin's name is still good.
    Linger,
    /// So many sessions of the twin are left.
    TwinSessions(usize),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before the time.
    Wait(Time, Why),
    /// The new password comes into force under the role's own name, and the old one goes.
    CutOver,
    /// The twin is closed.
    Close,
    /// The twin's sessions are ended.
    EndTwin,
    /// What the twin owns goes to the role, and the twin goes.
    Retire,
}

/// The step that comes next.
///
/// The old password goes at the deadline whatever is left; before it only when the overlap is over, no
/// session of it is left, and every standby knows the new one (SPEC 4).
pub fn next(facts: &Facts) -> Step {
    let look = facts.now + ((facts.now - facts.begun_at) / 10).clamp(SHORTEST, LONGEST);
    match facts.phase {
        Phase::Draining if facts.now >= facts.deadline => Step::CutOver,
        Phase::Draining => {
            let why = if facts.now < facts.overlap_until {
                Why::Overlap
            } else if facts.old_sessions > 0 {
                Why::OldSessions(facts.old_sessions)
            } else if facts.behind {
                Why::Standby
            } else {
                return Step::CutOver;
            };
            let boundary = match why {
                Why::Overlap => facts.overlap_until,
                _ => facts.deadline,
            };
            Step::Wait(look.min(boundary).min(facts.deadline), why)
        }
        Phase::Lingering => match facts.linger_until {
            Some(until) if facts.now < until => Step::Wait(until, Why::Linger),
            _ => Step::Close,
        },
        Phase::Retiring if facts.twin_sessions > 0 => {
            Step::Wait(look, Why::TwinSessions(facts.twin_sessions))
        }
        Phase::Ended if facts.twin_sessions > 0 => Step::EndTwin,
        Phase::Retiring | Phase::Ended => Step::Retire,
    }
}

/// What a waiting rotation says.
pub fn words(why: Why) -> String {
    match why {
        Why::Overlap => "the old password stays good for a while".to_owned(),
        Why::OldSessions(1) => "1 session of the old password has yet to end".to_owned(),
        Why::OldSessions(n) => format!("{n} sessions of the old password have yet to end"),
        Why::Standby => "a standby has yet to replay the new password".to_owned(),
        Why::Linger => "the twin's username stays good for a while".to_owned(),
        Why::TwinSessions(1) => "1 session of the twin's username has yet to end".to_owned(),
        Why::TwinSessions(n) => format!("{n} sessions of the twin's username have yet to end"),
    }
}

#[cfg(test)]
mod tests;
