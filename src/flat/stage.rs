//! The stages of leaving a flat role, in order, and what is there at each of them. Pure.

/// A stage; each contains those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The roles are there, without login.
    Prepare,
    /// They have their rights.
    Grant,
    /// And those on what is made later.
    DefaultPrivileges,
    /// They can log in.
    Login,
    /// What the old role still does is watched.
    Observe,
    /// The old role has nothing left.
    Retire,
}

/// What a stage brings, and what going back before it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The new credentials have their rights, and the owning groups their schemas.
    Rights,
    /// The flat role's default privileges name the groups.
    Defaults,
    /// The new credentials can log in.
    Logins,
    /// The flat role has nothing left in the schemas, and cannot log in.
    Closed,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 6] = [
        Stage::Prepare,
        Stage::Grant,
        Stage::DefaultPrivileges,
        Stage::Login,
        Stage::Observe,
        Stage::Retire,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Prepare => "prepare",
            Stage::Grant => "grant",
            Stage::DefaultPrivileges => "default_privileges",
            Stage::Login => "login",
            Stage::Observe => "observe",
            Stage::Retire => "retire",
        }
    }

    /// The stage of a word.
    pub fn parse(word: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether a part is there at this stage.
    pub fn has(self, part: Part) -> bool {
        let since = match part {
            Part::Rights => Stage::Grant,
            Part::Defaults => Stage::DefaultPrivileges,
            Part::Logins => Stage::Login,
            Part::Closed => Stage::Retire,
        };
        self >= since
    }

    /// Whether the statements of the flat role are watched: a retired one runs none.
    pub fn watches(self) -> bool {
        self == Stage::Observe
    }

    /// The one after it.
    pub fn next(self) -> Option<Stage> {
        Stage::ALL.into_iter().find(|s| *s > self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test fails by panicking.
    use super::*;

    const PARTS: [Part; 4] = [Part::Rights, Part::Defaults, Part::Logins, Part::Closed];

    #[test]
    fn from_every_stage_to_every_other_parts_are_only_added_on_the_way_and_only_taken_on_the_way_back(
    ) {
        for from in Stage::ALL {
            for to in Stage::ALL {
                let added: Vec<Part> = PARTS
                    .into_iter()
                    .filter(|part| !from.has(*part) && to.has(*part))
                    .collect();
                let taken: Vec<Part> = PARTS
                    .into_iter()
                    .filter(|part| from.has(*part) && !to.has(*part))
                    .collect();
                assert!(added.is_empty() || to > from, "{from:?} {to:?}");
                assert!(taken.is_empty() || to < from, "{from:?} {to:?}");
            }
        }
    }

    #[test]
    fn each_stage_but_observe_brings_one_part_more_and_that_alone_watches() {
        let counts: Vec<usize> = Stage::ALL
            .into_iter()
            .map(|stage| PARTS.into_iter().filter(|part| stage.has(*part)).count())
            .collect();
        assert_eq!(counts, [0, 1, 2, 3, 3, 4]);
        let watching: Vec<Stage> = Stage::ALL.into_iter().filter(|s| s.watches()).collect();
        assert_eq!(watching, [Stage::Observe]);
    }

    #[test]
    fn words_are_read_as_they_are_written_and_no_other() {
        for stage in Stage::ALL {
            assert_eq!(Stage::parse(stage.as_str()), Some(stage));
        }
        assert_eq!(Stage::parse("Login"), None);
        assert_eq!(Stage::parse(""), None);
    }

    #[test]
    fn the_stages_follow_each_other_and_the_last_has_no_next() {
        let next: Vec<Stage> = Stage::ALL.into_iter().filter_map(Stage::next).collect();
        assert_eq!(next, Stage::ALL[1..]);
        assert_eq!(Stage::Retire.next(), None);
    }
}
