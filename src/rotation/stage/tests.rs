use super::*;
use proptest::prelude::*;

const SECOND: Time = 1_000_000;
/// Begun at 0, overlap to 60 s, deadline at 30 min.
const DEADLINE: Time = 1_800 * SECOND;
const OVERLAP: Time = 60 * SECOND;
const LINGER: Time = 10_000 * SECOND;

fn facts(phase: Phase, now: Time) -> Facts {
    Facts {
        phase,
        now,
        begun_at: 0,
        overlap_until: OVERLAP,
        deadline: DEADLINE,
        linger_until: (phase != Phase::Draining).then_some(LINGER),
        old_sessions: 0,
        twin_sessions: 0,
        behind: false,
    }
}

/// Every phase with every fact that counts in it.
#[test]
fn each_phase_with_each_fact_has_its_step() {
    let late = DEADLINE + 1;
    let in_between = OVERLAP + SECOND;
    let sessions = [0, 3];
    for (old, twin, behind) in sessions
        .iter()
        .flat_map(|old| sessions.map(|twin| (*old, twin)))
        .flat_map(|(old, twin)| [(old, twin, false), (old, twin, true)])
    {
        let at = |phase, now| {
            next(&Facts {
                old_sessions: old,
                twin_sessions: twin,
                behind,
                ..facts(phase, now)
            })
        };
        let why = |step| match step {
            Step::Wait(_, why) => Some(why),
            _ => None,
        };
        // Before the overlap is over nothing ends it, from the deadline on nothing keeps it.
        assert_eq!(why(at(Phase::Draining, SECOND)), Some(Why::Overlap));
        assert_eq!(at(Phase::Draining, DEADLINE), Step::CutOver);
        assert_eq!(at(Phase::Draining, late), Step::CutOver);
        let between = at(Phase::Draining, in_between);
        match (old, behind) {
            (0, false) => assert_eq!(between, Step::CutOver),
            (0, true) => assert_eq!(why(between), Some(Why::Standby)),
            _ => assert_eq!(why(between), Some(Why::OldSessions(3))),
        }
        assert_eq!(
            at(Phase::Lingering, LINGER - 1),
            Step::Wait(LINGER, Why::Linger)
        );
        assert_eq!(at(Phase::Lingering, LINGER), Step::Close);
        match twin {
            0 => assert_eq!(at(Phase::Retiring, late), Step::Retire),
            _ => assert_eq!(why(at(Phase::Retiring, late)), Some(Why::TwinSessions(3))),
        }
        match twin {
            0 => assert_eq!(at(Phase::Ended, late), Step::Retire),
            _ => assert_eq!(at(Phase::Ended, late), Step::EndTwin),
        }
    }
}

#[test]
fn the_deadline_is_never_slept_over() {
    for now in (0..DEADLINE).step_by(777_777) {
        let busy = Facts {
            old_sessions: 1,
            ..facts(Phase::Draining, now)
        };
        let step = next(&busy);
        let in_time = |until| until > now && until <= DEADLINE;
        assert!(
            matches!(step, Step::Wait(until, _) if in_time(until)),
            "{step:?} at {now}"
        );
    }
}

#[test]
fn a_grace_shorter_than_the_overlap_ends_the_overlap_with_it() {
    let short = Facts {
        deadline: SECOND,
        ..facts(Phase::Draining, SECOND)
    };
    assert_eq!(next(&short), Step::CutOver);
}

/// The server's side of a rotation, as far as passwords go: what logs in under which name.
#[derive(Clone, Copy, Debug)]
struct Server {
    phase: Option<Phase>,
    /// The role's own name takes the new password; the old one else.
    base_is_new: bool,
    /// The twin's name takes the new password.
    twin_logs_in: bool,
    old_sessions: usize,
    twin_sessions: usize,
    linger_until: Option<Time>,
}

impl Server {
    fn begun(old_sessions: usize, twin_sessions: usize) -> Server {
        Server {
            phase: Some(Phase::Draining),
            base_is_new: false,
            twin_logs_in: true,
            old_sessions,
            twin_sessions,
            linger_until: None,
        }
    }

    /// What `url()` tells: the twin's name up to the cut-over, the role's after it.
    fn told_password_logs_in(&self) -> bool {
        match self.phase {
            Some(Phase::Draining) => self.twin_logs_in,
            _ => self.base_is_new,
        }
    }

    fn facts(&self, now: Time, behind: bool) -> Option<Facts> {
        Some(Facts {
            linger_until: self.linger_until,
            old_sessions: self.old_sessions,
            twin_sessions: self.twin_sessions,
            behind,
            ..facts(self.phase?, now)
        })
    }

    /// One transaction: all of it, or, where the server crashed, nothing.
    fn act(&mut self, step: Step, now: Time) {
        match step {
            Step::Wait(..) => {}
            Step::CutOver => {
                self.base_is_new = true;
                self.old_sessions = 0;
                self.phase = Some(Phase::Lingering);
                self.linger_until = Some(now + LINGER);
            }
            Step::Close => {
                self.twin_logs_in = false;
                self.phase = Some(Phase::Retiring);
            }
            Step::EndTwin => self.twin_sessions = 0,
            Step::Retire => self.phase = None,
        }
    }
}

proptest! {
    #[test]
    fn with_any_sessions_and_any_crashes_it_ends_and_what_is_told_logs_in_all_the_way(
        old in 0_usize..5, twin in 0_usize..5,
        happenings in prop::collection::vec((0_u8..6, 1_i64..400), 0..200),
    ) {
        let mut server = Server::begun(old, twin);
        let mut now = 0;
        let mut cut_over_at = None;
        let mut step = |server: &mut Server, now: Time, behind: bool, crash: bool| {
            let Some(facts) = server.facts(now, behind) else { return };
            let step = next(&facts);
            if step == Step::CutOver && !crash {
                cut_over_at = Some(now);
                assert!(now >= DEADLINE || (now >= OVERLAP && server.old_sessions == 0 && !behind));
            }
            if step == Step::Retire {
                assert_eq!(server.twin_sessions, 0);
            }
            if !crash {
                server.act(step, now);
            }
        };
        for (what, pause) in happenings {
            now += pause * SECOND;
            match what {
                0 => server.old_sessions += usize::from(!server.base_is_new),
                1 => server.old_sessions = server.old_sessions.saturating_sub(1),
                2 => server.twin_sessions += usize::from(server.twin_logs_in),
                3 => server.twin_sessions = server.twin_sessions.saturating_sub(1),
                // A crash ends all sessions and takes back what had not committed.
                4 => {
                    step(&mut server, now, false, true);
                    server.old_sessions = 0;
                    server.twin_sessions = 0;
                }
                _ => {}
            }
            step(&mut server, now, what == 5, false);
            prop_assert!(server.told_password_logs_in(), "{server:?}");
            prop_assert!(now < DEADLINE || server.base_is_new, "{server:?}");
        }
        // Whatever was there, time and the end of the last session bring it to its end.
        now = now.max(DEADLINE);
        step(&mut server, now, true, false);
        now = now.max(server.linger_until.unwrap_or(now));
        server.twin_sessions = 0;
        for _ in 0..3 {
            step(&mut server, now, true, false);
        }
        prop_assert_eq!(server.phase, None);
        prop_assert!(server.base_is_new);
    }
}
