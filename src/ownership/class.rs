//! What becomes of an object when its owner goes, or when default takes over: pure decisions
//! (FACTS 3 and 5.3; THREATS T32, T33, T35, T38).

use crate::pg::owner::Class;

/// What is done with one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It gets the new owner.
    Move,
    /// It gets the new owner, and nobody else keeps a right on it.
    Neutralise,
    /// It stays as it is, and is reported.
    Skip,
    /// It stays, and keeps its owner from being dropped.
    Block,
    /// It goes with the role, whose alone it was: a user mapping, default privileges, a policy.
    Drop,
}

impl Action {
    /// The word in a plan's `action` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Move => "move",
            Action::Neutralise => "neutralise",
            Action::Skip => "skip",
            Action::Block => "block",
            Action::Drop => "drop",
        }
    }
}

/// Who owns an object now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A superuser, managed or not.
    Superuser,
    /// A role that is not there any more.
    Vanished,
    /// A credential or its twin.
    Managed,
    /// A credential that has the privileges of the new owner, a group: the group can do nothing that it could
    /// not, so nothing reaches further by the move.
    Within,
    /// Any other role.
    Other,
}

impl Owner {
    /// Whether it can do all that the new owner can, and maybe more.
    pub fn is_above(self) -> bool {
        matches!(self, Owner::Superuser | Owner::Within)
    }
}

/// Why objects move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Their owner goes.
    Destroy,
    /// Default takes over.
    Repair,
}

/// What is known of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub class: Class,
    /// `pg_class.relkind`; a space for what is no relation.
    pub relkind: char,
    /// Whose it is.
    pub owner: Owner,
    /// Part of credential_manager itself.
    pub house: bool,
    /// A SECURITY DEFINER routine.
    pub definer: bool,
    /// A relation with rules (a view has one), which run with its owner's rights.
    pub rules: bool,
    /// C, internal, or written in an untrusted language; of an extension or a language: untrusted.
    pub risky: bool,
    /// A publication that only a superuser may own; a server with user mappings.
    pub special: bool,
}

/// What to do, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// Why, where it is not a plain move.
    pub note: &'static str,
}

fn verdict(action: Action, note: &'static str) -> Verdict {
    Verdict { action, note }
}

const DEFINER: &str =
    "SECURITY DEFINER: nobody but the new owner keeps EXECUTE; read it, then grant again";
const UNSAFE_CODE: &str = "C, internal or untrusted language";

/// Decides by what the object is; what a view reads is looked at in [`super::neutral`].
pub fn decide(purpose: Purpose, facts: &Facts) -> Verdict {
    match purpose {
        Purpose::Destroy => destroy(facts),
        Purpose::Repair => repair(facts),
    }
}

fn destroy(facts: &Facts) -> Verdict {
    use Action::*;
    if facts.house {
        return verdict(
            Block,
            "part of credential_manager: a superuser must give it back",
        );
    }
    match facts.class {
        Class::Wrapper | Class::EventTrigger | Class::Subscription => {
            verdict(Block, "only a superuser may own it")
        }
        Class::Publication if facts.special => verdict(
            Block,
            "publishes all tables or whole schemas: only a superuser may own it",
        ),
        Class::Language if facts.risky => {
            verdict(Block, "untrusted language: only a superuser may own it")
        }
        Class::Extension if facts.risky => verdict(
            Block,
            "untrusted extension: ALTER EXTENSION knows no OWNER; a superuser must drop it",
        ),
        Class::Routine if facts.definer => verdict(Neutralise, DEFINER),
        Class::Routine if facts.risky => verdict(Move, UNSAFE_CODE),
        _ => verdict(Move, ""),
    }
}

fn repair(facts: &Facts) -> Verdict {
    use Action::*;
    let superuser = facts.owner == Owner::Superuser;
    if facts.house {
        return verdict(Skip, "part of credential_manager");
    }
    match facts.class {
        Class::Wrapper | Class::EventTrigger | Class::Subscription | Class::Tablespace => {
            verdict(Skip, "belongs to superusers")
        }
        Class::Language | Class::Extension => verdict(Skip, "stays with who installed it"),
        Class::Publication if facts.special => {
            verdict(Skip, "publishes all tables or whole schemas")
        }
        Class::Server if superuser && facts.special => verdict(
            Skip,
            "a superuser's server with user mappings: its owner may read their passwords",
        ),
        Class::Routine if superuser => verdict(Skip, "a superuser's executable code"),
        Class::Routine if facts.risky => verdict(Skip, UNSAFE_CODE),
        Class::Routine if facts.definer && facts.owner != Owner::Within => {
            verdict(Neutralise, DEFINER)
        }
        Class::Operator | Class::OperatorClass | Class::OperatorFamily | Class::Conversion
            if superuser =>
        {
            verdict(Skip, "a superuser's executable code")
        }
        Class::Relation if superuser && facts.relkind == 'f' => verdict(
            Skip,
            "a superuser's foreign table reads what its server lets superusers read",
        ),
        _ => verdict(Move, ""),
    }
}

/// Where an object stands in the order of a pass; the lower the earlier.
///
/// Code and relations with rules go first, while the tables they read still belong to their old
/// owner: what they may read is compared by owner. Views of who may read more than the new owner go last, when
/// that one owns what they read and may so read it.
pub fn turn(facts: &Facts) -> u8 {
    let reads = facts.rules || facts.relkind == 'm';
    match (reads || facts.class == Class::Routine, facts.owner) {
        (true, owner) if owner.is_above() => 2,
        (true, _) => 0,
        (false, _) => 1,
    }
}

#[cfg(test)]
mod tests;
