//! Retiring a flat role: what it has by itself is taken and written down, and it is closed; and the way back.

use super::holding::{Future, Holding, Member, OnObject};
use super::taken::Taken;
use super::words::{parts, words};
use super::{called, held, Flat};
use crate::catalog;
use crate::error::{shown, Error, Kind, Result};
use crate::lifecycle::standing;
use crate::permissions::{group, member, takeover};
use crate::pg::authority::Caller;
use crate::pg::role::{self, Options};
use crate::pg::{acl, grant, ident, log, session};

/// Takes one thing, and writes down what it takes to give it back.
pub(super) fn take(
    caller: &Caller,
    flat: &Flat,
    holding: &Holding,
    taken: &mut Taken,
) -> Result<()> {
    match holding {
        Holding::Right(on) => {
            let withdrawn = acl::withdraw(on.target, flat.role)?;
            taken.rights.extend(withdrawn.map(|what| (on.target, what)));
        }
        Holding::Member(m) => {
            member::leave(&called(&m.group_name)?, flat.role, &flat.role_name)?;
            taken.groups.push((m.group, m.grantor, m.admin));
        }
        Holding::Future(future) => {
            let Some(schema) = crate::pg::schema::oid(&future.schema) else {
                return Ok(());
            };
            promise(flat, future, false)?;
            let what = (future.creator, schema, future.letter, future.rights);
            taken.futures.push(what);
        }
        Holding::Login { credential } => {
            match credential {
                Some(_) => suspend(caller, flat)?,
                None => close(flat)?,
            }
            taken.login = true;
        }
    }
    Ok(())
}

/// Gives one thing back.
pub(super) fn give(flat: &Flat, holding: &Holding) -> Result<()> {
    match holding {
        Holding::Right(OnObject { target, taken, .. }) => acl::give_back(*target, flat.role, taken),
        Holding::Member(member) => rejoin(flat, member),
        Holding::Future(future) => promise(flat, future, true),
        Holding::Login { credential } => match credential {
            Some(_) => resume(flat),
            None => set_login(flat, true),
        },
    }
}

/// What the flat role still owns in a schema goes to the schema's group, by a job.
pub(super) fn hand_over(caller: &Caller, group: &str) -> Result<()> {
    let default = catalog::default_credential()?;
    if takeover::order(caller, &default, &called(group)?)?.is_some() {
        log::notice("what it still owns goes to the group by a job: follow it with SELECT * FROM credentials.wait()");
    }
    Ok(())
}

fn rejoin(flat: &Flat, member: &Member) -> Result<()> {
    let group = called(&member.group_name)?;
    match ident::role_name(member.grantor) {
        Some(grantor) => {
            grant::restore_membership(&group.role_name, &flat.role_name, &grantor, member.admin);
        }
        None => return member::join(&group, flat.role, &flat.role_name),
    }
    match role::is_direct_member(flat.role, group.role) && group::by_role(group.role)?.is_some() {
        true => Ok(()),
        false => Err(moved()),
    }
}

/// Default privileges that name the flat role come or go. They go by names: what was hit is compared by OID.
fn promise(flat: &Flat, future: &Future, give: bool) -> Result<()> {
    let kind = match future.letter {
        'r' => grant::Future::Tables,
        'S' => grant::Future::Sequences,
        'f' => grant::Future::Routines,
        'T' => grant::Future::Types,
        _ => return Ok(()),
    };
    let change = |words: &[&str], option: bool| {
        let (creator, schema) = (&future.creator_name, Some(future.schema.as_str()));
        grant::change_default_privileges(
            give,
            creator,
            schema,
            kind,
            words,
            &flat.role_name,
            option,
        );
    };
    match give {
        true => parts(future.rights).for_each(|(bits, option)| {
            let words: Vec<String> = words(bits).map(str::to_ascii_lowercase).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            change(&words, !option.is_empty());
        }),
        false => change(&[], false),
    }
    let same = |f: &Future| {
        f.creator == future.creator && f.schema == future.schema && f.letter == future.letter
    };
    match held::futures(flat.role, flat.role)?.iter().any(same) == give {
        true => Ok(()),
        false => Err(moved()),
    }
}

fn suspend(caller: &Caller, flat: &Flat) -> Result<()> {
    if let Some(credential) = catalog::by_role(flat.role)? {
        standing::suspend(&credential, caller.effective)?;
    }
    Ok(())
}

fn resume(flat: &Flat) -> Result<()> {
    match catalog::by_role(flat.role)? {
        Some(credential) => standing::resume(&credential),
        None => Ok(()),
    }
}

/// Closes a role that is not managed. Its sessions are a person's to end: the worker ends those of credentials.
fn close(flat: &Flat) -> Result<()> {
    set_login(flat, false)?;
    let open = session::of_role(flat.role).len();
    if open > 0 {
        log::notice(&format!(
            "sessions of role \"{}\" that are still open: {open}. They can do nothing in the schemas any more; \
             end them with SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = {}",
            shown(&flat.role_name),
            flat.role.to_u32()
        ));
    }
    Ok(())
}

fn set_login(flat: &Flat, login: bool) -> Result<()> {
    let options = Options {
        login: Some(login),
        ..Options::default()
    };
    role::alter(flat.role, &flat.role_name, &options)
}

fn moved() -> Error {
    Kind::InUse
        .error("a role or schema was renamed or replaced meanwhile")
        .detail("Nothing was changed.")
        .hint("Call again.")
}
