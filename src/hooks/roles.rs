//! Role DDL that goes round our functions, in every database of the cluster: while a credential is not
//! active, its role and its twin keep their names, passwords and memberships.

use crate::catalog::{self, Credential, State};
use crate::core::name::{twin_of, TWIN_SUFFIX};
use crate::error::{shown, Error, Kind, Result};
use crate::events::{self, Actor, Line, Outcome};
use crate::pg::authority::{self, record_name, Caller};
use crate::pg::pairs::{self, Pair};
use crate::pg::utility::{self, Change, What};
use crate::pg::{database, ident, log, oid, Oid};
use crate::settings;
use serde_json::json;

/// Watches from here on; only while libraries are preloaded.
pub(super) fn install() {
    utility::watch(watch);
}

/// What a statement changes of roles that rotate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Touch {
    pair: Pair,
    change: Change,
}

/// What is done about a statement.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It touches nothing that rotates.
    Pass,
    /// A superuser is warned and recorded: once a pair and kind of change.
    Warn(Vec<Touch>),
    /// Anybody else is refused, with the first that is touched.
    Refuse(Touch),
}

/// What is to be done about a statement with these changes.
fn judge(
    changes: &[Change],
    superuser: bool,
    mut pair_of: impl FnMut(Oid) -> Result<Option<Pair>>,
) -> Result<Verdict> {
    let mut touched: Vec<Touch> = Vec::new();
    for change in changes {
        let Some(pair) = pair_of(change.role)? else {
            continue;
        };
        let touch = Touch {
            pair,
            change: *change,
        };
        if !superuser {
            return Ok(Verdict::Refuse(touch));
        }
        let same = |t: &Touch| t.pair == pair && t.change.what == change.what;
        if !touched.iter().any(same) {
            touched.push(touch);
        }
    }
    Ok(match touched.is_empty() {
        true => Verdict::Pass,
        false => Verdict::Warn(touched),
    })
}

/// A statement is about to change these roles.
fn watch(changes: &[Change]) -> Result<()> {
    let Some(home) = settings::database() else {
        return Ok(());
    };
    // Where nothing can be written the server refuses it itself.
    if !database::in_service() || database::in_recovery() || database::transaction_is_read_only() {
        return Ok(());
    }
    let place = Place::here(&home);
    let caller = Caller::current();
    let verdict = judge(changes, caller.is_superuser(), |role| {
        pair_of(role, &home, &place)
    })?;
    match verdict {
        Verdict::Pass => Ok(()),
        Verdict::Warn(touched) => touched
            .iter()
            .try_for_each(|touch| tell(touch, &caller, &place)),
        Verdict::Refuse(touch) => Err(refusal(&touch, &caller, &place)?),
    }
}

/// Where the statement runs.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In the home database, which knows the credentials.
    Home,
    /// In the home database, which has none.
    Empty,
    /// In another one.
    Elsewhere { home: String },
}

impl Place {
    fn here(home: &str) -> Place {
        let here = ident::database_name(database::current());
        if here.as_deref() != Some(home) {
            Place::Elsewhere {
                home: home.to_owned(),
            }
        } else if ident::own_relation("twin").is_some() {
            Place::Home
        } else {
            Place::Empty
        }
    }
}

/// The pair that a role is part of. Until the worker has read the table after a start, roles that are
/// named and bound as a pair are taken for one.
fn pair_of(role: Oid, home: &str, place: &Place) -> Result<Option<Pair>> {
    let found = match pairs::of(role) {
        Some(pair) => Some(pair),
        None if pairs::known() || ident::database_oid(home).is_none() => None,
        None => by_name(role),
    };
    match (place, found) {
        // The memory may be of an installation that is gone.
        (Place::Empty, _) => Ok(None),
        (Place::Home, Some(pair)) if credential(&pair)?.is_none() => Ok(None),
        _ => Ok(found),
    }
}

/// The pair that a role would be part of by its name.
fn by_name(role: Oid) -> Option<Pair> {
    let own = ident::role_name(role)?;
    let (base, twin) = match own.strip_suffix(TWIN_SUFFIX) {
        Some(base) => (ident::role_oid(base)?, role),
        None => (role, ident::role_oid(&twin_of(&own))?),
    };
    authority::is_member(twin, base).then(|| Pair {
        role: base.to_u32(),
        twin: twin.to_u32(),
    })
}

fn credential(pair: &Pair) -> Result<Option<Credential>> {
    catalog::by_role(oid(pair.role))
}

/// Warns a superuser, and records what is done: in the audit trail where it is, and in the server log.
fn tell(touch: &Touch, caller: &Caller, place: &Place) -> Result<()> {
    let changed = touch.change.role;
    let role = record_name(changed);
    log::warning(&format!(
        "role \"{}\" is being rotated, and {} outside credential_manager",
        shown(&role),
        touch.change.what.of_it()
    ));
    if *place == Place::Home {
        if let Some(credential) = credential(&touch.pair)? {
            let detail = json!({"change": touch.change.what.word(), "role": role});
            let (name, pinned) = (Some(credential.name.as_str()), Some(credential.role));
            events::record(Actor::Caller(caller), "guard", name, pinned, detail)?;
        }
    }
    line(touch, caller).write(Outcome::LetThrough);
    Ok(())
}

/// The error for anybody else.
fn refusal(touch: &Touch, caller: &Caller, place: &Place) -> Result<Error> {
    let role = shown(&record_name(touch.change.role));
    let twin = shown(&record_name(oid(touch.pair.twin)));
    let base = shown(&record_name(oid(touch.pair.role)));
    let credential = match place {
        Place::Home => credential(&touch.pair)?,
        _ => None,
    };
    let error = Kind::InUse
        .error(format!("role \"{role}\" is being rotated"))
        .detail(format!(
            "Until the rotation has ended, \"{base}\" and \"{twin}\" keep their names, passwords and memberships."
        ))
        .hint(match (credential, place) {
            (Some(credential), _) => way_out(touch.change.what, &credential),
            (None, Place::Elsewhere { home }) => format!(
                "In database \"{}\": SELECT * FROM credentials.list();",
                shown(home)
            ),
            (None, _) => "SELECT * FROM credentials.list();".to_owned(),
        });
    line(touch, caller).write(Outcome::Refused(error.kind().sqlstate()));
    Ok(error)
}

/// The statement that does what was meant.
fn way_out(what: What, credential: &Credential) -> String {
    let name = shown(&credential.name);
    match (what, credential.is_default()) {
        (What::Password, false) if credential.state == State::Rotating => format!(
            "SELECT * FROM credentials.wait('{name}'); and then SELECT * FROM credentials.set_password('{name}');"
        ),
        (What::Password, false) => format!("SELECT * FROM credentials.set_password('{name}');"),
        (What::Existence, false) => format!("SELECT * FROM credentials.destroy('{name}');"),
        _ => format!(
            "SELECT * FROM credentials.rotate('{name}', force => true); ends the rotation, and every session of it, at once."
        ),
    }
}

/// The line of the server log.
fn line(touch: &Touch, caller: &Caller) -> Line {
    let what = format!("guard, {} of", touch.change.what.word());
    Line::of(caller, &what, Some(&record_name(touch.change.role)))
}

impl What {
    /// The word for a record.
    fn word(self) -> &'static str {
        match self {
            What::Password => "password",
            What::Name => "name",
            What::Existence => "existence",
            What::Membership => "membership",
        }
    }

    /// As a part of a sentence about a role.
    fn of_it(self) -> &'static str {
        match self {
            What::Password => "its password is changed",
            What::Name => "it is renamed",
            What::Existence => "it is dropped",
            What::Membership => "its memberships are changed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Pair = Pair { role: 10, twin: 11 };
    const OTHER: Pair = Pair { role: 20, twin: 21 };

    fn pair_of(role: Oid) -> Result<Option<Pair>> {
        let held = |p: &Pair| [p.role, p.twin].contains(&role.to_u32());
        Ok([PAIR, OTHER].into_iter().find(held))
    }

    fn change(what: What, role: u32) -> Change {
        Change {
            what,
            role: oid(role),
        }
    }

    fn verdict(changes: &[Change], superuser: bool) -> Result<Verdict> {
        judge(changes, superuser, pair_of)
    }

    const KINDS: [What; 4] = [
        What::Password,
        What::Name,
        What::Existence,
        What::Membership,
    ];

    #[test]
    fn every_change_of_either_half_of_a_pair_is_refused_or_warned_of() {
        for what in KINDS {
            for role in [10, 11] {
                let touch = Touch {
                    pair: PAIR,
                    change: change(what, role),
                };
                assert_eq!(verdict(&[touch.change], false), Ok(Verdict::Refuse(touch)));
                assert_eq!(
                    verdict(&[touch.change], true),
                    Ok(Verdict::Warn(vec![touch]))
                );
            }
        }
    }

    #[test]
    fn what_touches_no_pair_passes() {
        for superuser in [false, true] {
            assert_eq!(verdict(&[], superuser), Ok(Verdict::Pass));
            for what in KINDS {
                assert_eq!(verdict(&[change(what, 9)], superuser), Ok(Verdict::Pass));
            }
        }
    }

    #[test]
    fn one_role_of_a_pair_among_others_is_enough() {
        let changes = [change(What::Existence, 9), change(What::Existence, 21)];
        let touch = Touch {
            pair: OTHER,
            change: changes[1],
        };
        assert_eq!(verdict(&changes, false), Ok(Verdict::Refuse(touch)));
        assert_eq!(verdict(&changes, true), Ok(Verdict::Warn(vec![touch])));
    }

    #[test]
    fn a_superuser_is_warned_once_a_pair_and_kind_of_change() {
        let changes = [
            change(What::Existence, 10),
            change(What::Existence, 11),
            change(What::Membership, 11),
            change(What::Existence, 20),
        ];
        let touch = |pair, at: usize| Touch {
            pair,
            change: changes[at],
        };
        assert_eq!(
            verdict(&changes, true),
            Ok(Verdict::Warn(vec![
                touch(PAIR, 0),
                touch(PAIR, 2),
                touch(OTHER, 3)
            ]))
        );
    }

    #[test]
    fn trouble_in_the_look_up_refuses_the_statement() {
        let trouble = |_| Err(Kind::Internal.error("broken"));
        assert!(judge(&[change(What::Name, 1)], true, trouble).is_err());
    }
}
