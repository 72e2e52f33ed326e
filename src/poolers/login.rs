//! Whether a username is good to log in.

use crate::catalog::{Phase, State};
use crate::pg::value::Time;

/// What decides it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Role OIDs and names do not agree, or a role holds what no credential may.
    pub orphaned: bool,
    /// The credential's state.
    pub state: State,
    /// The rotation's phase, where the username is the twin's.
    pub twin: Option<Phase>,
    /// LOGIN.
    pub login: bool,
    /// VALID UNTIL.
    pub valid_until: Option<Time>,
    /// Whether the stored password is a SCRAM verifier.
    pub scram: bool,
}

impl Facts {
    /// Whether the server would let it in with its password. A pooler asks before it knows whether the
    /// password is right, so whatever closes a username must be told here.
    pub(super) fn is_good(&self, now: Time) -> bool {
        let open = matches!(
            self.state,
            State::Active | State::Rotating | State::Lingering
        );
        !self.orphaned
            && open
            && self.twin.is_none_or(Phase::is_open)
            && self.login
            && self.valid_until.is_none_or(|until| until >= now)
            && self.scram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = 1_000;

    fn good() -> Facts {
        Facts {
            orphaned: false,
            state: State::Active,
            twin: None,
            login: true,
            valid_until: None,
            scram: true,
        }
    }

    #[test]
    fn a_credential_in_use_is_good_and_each_thing_that_closes_it_is_enough() {
        assert!(good().is_good(NOW));
        let closed = [
            Facts {
                orphaned: true,
                ..good()
            },
            Facts {
                login: false,
                ..good()
            },
            Facts {
                scram: false,
                ..good()
            },
            Facts {
                valid_until: Some(NOW - 1),
                ..good()
            },
            Facts {
                valid_until: Some(Time::MIN),
                ..good()
            },
        ];
        for facts in closed {
            assert!(!facts.is_good(NOW), "{facts:?}");
        }
    }

    #[test]
    fn a_lease_is_good_up_to_its_end_as_the_server_has_it() {
        for (until, expected) in [(NOW - 1, false), (NOW, true), (NOW + 1, true)] {
            let facts = Facts {
                valid_until: Some(until),
                ..good()
            };
            assert_eq!(facts.is_good(NOW), expected, "{until}");
        }
    }

    #[test]
    fn the_states_up_to_the_end_of_a_rotation_are_good_and_no_other() {
        let open = [State::Active, State::Rotating, State::Lingering];
        for state in State::ALL {
            let facts = Facts { state, ..good() };
            assert_eq!(facts.is_good(NOW), open.contains(&state), "{state:?}");
        }
    }

    #[test]
    fn a_twin_is_good_while_its_name_logs_in() {
        for phase in Phase::ALL {
            let facts = Facts {
                twin: Some(phase),
                state: State::Lingering,
                ..good()
            };
            assert_eq!(facts.is_good(NOW), phase.is_open(), "{phase:?}");
        }
    }
}
