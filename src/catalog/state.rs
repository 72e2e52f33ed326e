//! The states of a credential and of a username, and what may be asked for in each.

/// State of a credential; the words stand in the CHECK constraint of `credentials.credential` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In use.
    Active,
    /// A rotation runs, up to the cut-over.
    Rotating,
    /// The cut-over is done; the twin's name stays good for a while.
    Lingering,
    /// NOLOGIN until `resume`.
    Suspended,
    /// On its way out.
    Destroying,
    /// Role OID and name no longer agree, or the role holds what no credential may.
    Orphaned,
    /// The cluster is not the one that the rows are bound to.
    Foreign,
}

impl State {
    /// Every state.
    pub const ALL: [State; 7] = [
        State::Active,
        State::Rotating,
        State::Lingering,
        State::Suspended,
        State::Destroying,
        State::Orphaned,
        State::Foreign,
    ];

    /// The word of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Rotating => "rotating",
            State::Lingering => "lingering",
            State::Suspended => "suspended",
            State::Destroying => "destroying",
            State::Orphaned => "orphaned",
            State::Foreign => "foreign",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// State of a role name to log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameState {
    /// Logs in.
    Active,
    /// Not yet everywhere.
    Enabling,
    /// Its password, or the name itself, is going.
    Revoking,
    /// Good for a while after the cut-over.
    Retiring,
}

impl UsernameState {
    /// The word of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            UsernameState::Active => "active",
            UsernameState::Enabling => "enabling",
            UsernameState::Revoking => "revoking",
            UsernameState::Retiring => "retiring",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn every_word_reads_back_as_its_state() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("gone"), None);
    }

    #[test]
    fn the_check_constraint_has_exactly_the_words_of_the_enum() {
        let tables = include_str!("../../sql/20_tables.sql");
        let words: Vec<String> = State::ALL
            .iter()
            .map(|s| format!("'{}'", s.as_str()))
            .collect();
        assert!(
            tables.contains(&format!("[{}]", words.join(", "))),
            "{words:?}"
        );
    }
}
