//! Kinds, states and stages of jobs, and which stage follows which.

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Brings a rotation to its cut-over, or applies a forced one that had to wait, and ends the sessions of
    /// the old password.
    Rotate,
    /// Closes a role that was held, and ends its sessions.
    Suspend,
    /// Closes, empties and drops a role.
    Destroy,
    /// Gives the default credential what it should own and hold.
    Repair,
    /// Destroys a credential whose lease has ended.
    Expire,
    /// Drops the twin of a rotation whose linger is over, or takes what the twin came to own.
    Retire,
    /// Gives what is in a schema to the group that owns the schema, or back to the role that had it.
    Move,
}

/// Where a job stands, in the words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has looked at it yet.
    Queued,
    /// A worker is at it.
    Running,
    /// It waits for a lock, a standby or a session.
    Waiting,
    /// A person is needed; the message says for what.
    Blocked,
    /// It is done.
    Done,
    /// It cannot be done.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// The step that comes next. Each is one or more transactions that can be run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Sessions of the old password finish; then the new one comes into force.
    Drain,
    /// The role gets what was decided: a verifier, or NOLOGIN.
    Apply,
    /// Sessions that the closed door had let in are ended.
    EndSessions,
    /// The rotating twin is closed, and its sessions finish.
    Close,
    /// What the twin owns goes to the role, and a twin that is closed is dropped.
    Retire,
    /// The default credential's own attributes and rights are restored.
    Restore,
    /// Objects change their owner, database by database.
    Move,
    /// What is left of the role is cleared, and it is dropped.
    Drop,
    /// The job is done; until the last login that was on its way at the cut-over must have come, it is
    /// seen to that none of them has changed the password.
    Sweep,
    /// Nothing.
    Finished,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 7] = [
        Kind::Rotate,
        Kind::Suspend,
        Kind::Destroy,
        Kind::Repair,
        Kind::Expire,
        Kind::Retire,
        Kind::Move,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Rotate => "rotate",
            Kind::Suspend => "suspend",
            Kind::Destroy => "destroy",
            Kind::Repair => "repair",
            Kind::Expire => "expire",
            Kind::Retire => "retire",
            Kind::Move => "move",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.as_str() == word)
    }

    /// Whether it ends with the role gone.
    pub fn drops_role(self) -> bool {
        matches!(self, Kind::Destroy | Kind::Expire)
    }
}

impl State {
    /// Every state.
    pub const ALL: [State; 7] = [
        State::Queued,
        State::Running,
        State::Waiting,
        State::Blocked,
        State::Done,
        State::Failed,
        State::Cancelled,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Running => "running",
            State::Waiting => "waiting",
            State::Blocked => "blocked",
            State::Done => "done",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether nothing more will happen.
    pub fn is_over(self) -> bool {
        matches!(self, State::Done | State::Failed | State::Cancelled)
    }
}

impl Stage {
    /// Every stage.
    pub const ALL: [Stage; 10] = [
        Stage::Drain,
        Stage::Apply,
        Stage::EndSessions,
        Stage::Close,
        Stage::Retire,
        Stage::Restore,
        Stage::Move,
        Stage::Drop,
        Stage::Sweep,
        Stage::Finished,
    ];

    /// The word, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Drain => "drain",
            Stage::Apply => "apply",
            Stage::EndSessions => "end_sessions",
            Stage::Close => "close",
            Stage::Retire => "retire",
            Stage::Restore => "restore",
            Stage::Move => "move",
            Stage::Drop => "drop",
            Stage::Sweep => "sweep",
            Stage::Finished => "finished",
        }
    }

    /// The stage of a word.
    pub fn parse(word: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether the twin of a rotation is still to be dropped by a job that stands here.
    pub fn is_before_retirement(self) -> bool {
        matches!(
            self,
            Stage::Drain | Stage::Apply | Stage::EndSessions | Stage::Close | Stage::Retire
        )
    }

    /// The stage that follows when this one is through.
    pub fn next(self, kind: Kind) -> Stage {
        match (kind, self) {
            (_, Stage::Drain | Stage::Apply) => Stage::EndSessions,
            (_, Stage::EndSessions | Stage::Close) => Stage::Retire,
            (Kind::Rotate, Stage::Retire) => Stage::Sweep,
            (Kind::Suspend | Kind::Retire, Stage::Retire) => Stage::Finished,
            (_, Stage::Retire | Stage::Restore) => Stage::Move,
            (Kind::Destroy | Kind::Expire, Stage::Move) => Stage::Drop,
            (_, Stage::Move | Stage::Drop | Stage::Sweep | Stage::Finished) => Stage::Finished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for k in Kind::ALL {
            assert_eq!(Kind::parse(k.as_str()), Some(k));
        }
        for s in State::ALL {
            assert_eq!(State::parse(s.as_str()), Some(s));
        }
        for s in Stage::ALL {
            assert_eq!(Stage::parse(s.as_str()), Some(s));
        }
    }

    #[test]
    fn from_every_stage_every_kind_comes_to_its_end() {
        for kind in Kind::ALL {
            for start in Stage::ALL {
                let mut stage = start;
                for _ in 0..Stage::ALL.len() {
                    stage = stage.next(kind);
                }
                assert_eq!(stage, Stage::Finished, "{kind:?} from {start:?}");
            }
        }
    }

    #[test]
    fn a_role_is_dropped_only_after_its_sessions_ended_and_its_objects_moved() {
        for kind in [Kind::Destroy, Kind::Expire] {
            let mut stage = Stage::Apply;
            let mut seen = vec![stage];
            while stage != Stage::Finished {
                stage = stage.next(kind);
                seen.push(stage);
            }
            let order = [
                Stage::Apply,
                Stage::EndSessions,
                Stage::Retire,
                Stage::Move,
                Stage::Drop,
                Stage::Finished,
            ];
            assert_eq!(seen, order);
        }
    }

    #[test]
    fn the_check_constraints_have_exactly_the_words_of_the_enums() {
        let tables = include_str!("../../sql/20_tables.sql");
        let quoted = |words: Vec<&str>| {
            let words: Vec<String> = words.iter().map(|w| format!("'{w}'")).collect();
            format!("[{}]", words.join(", "))
        };
        assert!(tables.contains(&quoted(State::ALL.iter().map(|s| s.as_str()).collect())));
        assert!(tables.contains(&quoted(Kind::ALL.iter().map(|k| k.as_str()).collect())));
    }
}
