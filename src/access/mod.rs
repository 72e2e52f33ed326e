//! Who may: the checks that every act on a credential passes first.
//!
//! EXECUTE on the function is checked by the server; here stands what EXECUTE does not say.

mod store;

pub use store::is_member;

use crate::catalog::{twin, Credential, State};
use crate::error::{shown, Error, Kind, Result};
use crate::pg::authority::Caller;
use crate::pg::{role, Oid};

/// Functions that superusers alone may call: checked at the door, and granted to nobody.
pub const SUPERUSER_ONLY: [&str; 6] =
    ["setup", "setup_plan", "adopt", "release", "claim", "reseal"];

/// What is asked of a credential; each asks for its own degree of trust in the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Closing it or changing its password by force: allowed to a superuser on any role, so that
    /// what has leaked can always be retired.
    Retire,
    /// Any other change.
    Change,
    /// Telling its password.
    Tell,
}

/// What a role has become that decides whether it may still be acted on (THREATS T11).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Why it is no longer a credential at all: attributes, or membership in a superuser.
    pub elevated: Option<String>,
    /// The predefined role through which it reads or writes files, programs or all data.
    pub reaches: Option<String>,
}

/// Decides on one act, given what was found of the role.
fn judge(act: Act, findings: &Findings, caller_is_superuser: bool, name: &str) -> Result<()> {
    if let Some(why) = &findings.elevated {
        if !(act == Act::Retire && caller_is_superuser) {
            return Err(Kind::Denied
                .error(format!("credential \"{}\" is orphaned", shown(name)))
                .detail(format!("Its role {why}, which no credential may."))
                .hint("A superuser takes that away from the role, or rotates it with force, suspends or destroys it."));
        }
    }
    if let (Act::Tell, Some(group), false) = (act, &findings.reaches, caller_is_superuser) {
        return Err(Kind::Denied
            .error(format!("the password of credential \"{}\" is told to superusers only", shown(name)))
            .detail(format!("Its role is a member of {group}, so its password opens files, programs or all data."))
            .hint(format!("A superuser may REVOKE {group} FROM the role.")));
    }
    Ok(())
}

/// Checks that a role may be acted on: OID and name agree, and it holds nothing that no credential may.
pub fn check(caller: &Caller, credential: &Credential, act: Act) -> Result<()> {
    if !credential.is_bound() {
        return Err(unbound(credential));
    }
    let findings = Findings {
        elevated: elevated(credential)?,
        reaches: store::reach_above(credential.role)?,
    };
    judge(act, &findings, caller.is_superuser(), &credential.name)
}

/// The error where a role's OID and name no longer agree.
pub fn unbound(credential: &Credential) -> Error {
    Kind::NotReady
        .error(format!(
            "credential \"{}\" is orphaned",
            shown(&credential.name)
        ))
        .detail(format!(
            "The role with OID {} is no longer named \"{}\".",
            credential.role.to_u32(),
            shown(&credential.role_name)
        ))
        .hint(format!(
            "A superuser renames the role back, or: SELECT * FROM credentials.release('{}');",
            shown(&credential.name)
        ))
}

/// Why a credential is none any more, by what its role or its twin has become.
pub fn elevated(credential: &Credential) -> Result<Option<String>> {
    let own = elevation(credential.role, None)?;
    match (own, twin::of(credential.role)?) {
        (None, Some(twin)) => {
            let what = elevation(twin.role, Some(credential.role))?;
            Ok(what.map(|what| format!("has a twin that {what}")))
        }
        (own, _) => Ok(own),
    }
}

/// What the role with this OID has become.
pub fn findings(role: Oid) -> Result<Findings> {
    Ok(Findings {
        elevated: elevation(role, None)?,
        reaches: store::reach_above(role)?,
    })
}

/// Why a role is no longer a credential at all, where it is not. A membership that it has through
/// `but_through` does not count.
pub fn elevation(role: Oid, but_through: Option<Oid>) -> Result<Option<String>> {
    let Some(found) = role::by_oid(role)? else {
        return Ok(None);
    };
    Ok(if found.superuser {
        Some("is SUPERUSER".to_owned())
    } else if found.replication {
        Some("has REPLICATION".to_owned())
    } else if found.bypassrls {
        Some("has BYPASSRLS".to_owned())
    } else if found.createrole {
        Some("has CREATEROLE".to_owned())
    } else {
        in_superuser(role, but_through)?
    })
}

/// Which superuser a role is a member of, in words; a membership through `but_through` does not count.
pub fn in_superuser(role: Oid, but_through: Option<Oid>) -> Result<Option<String>> {
    let superuser = store::superuser_above(role, but_through)?;
    Ok(superuser.map(|s| format!("is a member of the superuser \"{}\"", shown(&s))))
}

/// The state that a person sees: what is stored, or `orphaned` where the role says so.
pub fn seen_state(credential: &Credential) -> Result<State> {
    if !credential.is_bound() || findings(credential.role)?.elevated.is_some() {
        return Ok(State::Orphaned);
    }
    Ok(credential.state)
}

/// Refuses a credential that is on its way out (55006).
pub fn refuse_destroying(credential: &Credential) -> Result<()> {
    if credential.state != State::Destroying {
        return Ok(());
    }
    Err(Kind::InUse
        .error(format!(
            "credential \"{}\" is being destroyed",
            shown(&credential.name)
        ))
        .hint("SELECT * FROM credentials.jobs();"))
}

/// Refuses callers who are not superusers (42501).
pub fn require_superuser(caller: &Caller, what: &str) -> Result<()> {
    if caller.is_superuser() {
        return Ok(());
    }
    Err(Kind::Denied
        .error(format!("{what} is for superusers only"))
        .hint("Ask a superuser."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(elevated: bool, reaches: bool) -> Findings {
        Findings {
            elevated: elevated.then(|| "is SUPERUSER".to_owned()),
            reaches: reaches.then(|| "pg_read_all_data".to_owned()),
        }
    }

    #[test]
    fn an_elevated_role_is_only_ever_retired_and_only_by_a_superuser() {
        for act in [Act::Retire, Act::Change, Act::Tell] {
            for superuser in [false, true] {
                let allowed = judge(act, &found(true, false), superuser, "x").is_ok();
                assert_eq!(
                    allowed,
                    act == Act::Retire && superuser,
                    "{act:?} {superuser}"
                );
            }
        }
    }

    #[test]
    fn a_role_that_reaches_everything_tells_its_password_to_superusers_only() {
        assert!(judge(Act::Tell, &found(false, true), false, "x").is_err());
        assert!(judge(Act::Tell, &found(false, true), true, "x").is_ok());
        assert!(judge(Act::Change, &found(false, true), false, "x").is_ok());
    }
}
