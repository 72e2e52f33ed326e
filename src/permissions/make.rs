//! A group is made when it is first asked for. Its role is new to the cluster: a role that is there already is
//! never taken for one of ours, whatever its name.

use super::group::{self, Group, EVERY_SCHEMA};
use super::preset::{self, GroupKind};
use super::scope::Scope;
use super::{defaults, sweep, takeover};
use crate::access;
use crate::catalog::{self, Credential};
use crate::core::quote;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::authority::Caller;
use crate::pg::grant::{self, Membership};
use crate::pg::role::{self, Options};
use crate::pg::{ident, lock, xact, Oid};

/// A group that is there now.
pub struct Ensured {
    /// The group.
    pub group: Group,
    /// Whether this call made it.
    pub made: bool,
}

/// The group of a kind for a scope; made where there is none, as `name` or as the naming rule has it, with its
/// rights on all that is there. Whoever makes one sees every object: objects that are made meanwhile wait.
pub fn ensure(
    caller: &Caller,
    scope: &Scope,
    kind: GroupKind,
    name: Option<&str>,
) -> Result<Ensured> {
    if let Some(group) = usable(scope.schema, kind)? {
        return Ok(Ensured { group, made: false });
    }
    xact::or_timeout(|| lock::scope_exclusively(scope.schema), || busy(scope))?;
    if let Some(group) = usable(scope.schema, kind)? {
        return Ok(Ensured { group, made: false });
    }
    let group = make(scope, kind, name)?;
    sweep::all(caller, &group)?;
    defaults::of_group(&group)?;
    if kind == GroupKind::Owner {
        takeover::schema(&group)?;
    }
    Ok(Ensured { group, made: true })
}

/// The error where somebody who makes something in the scope, or gives a first right on it, has not ended in time.
fn busy(scope: &Scope) -> Error {
    let place = match scope.is_every() {
        true => "some schema".to_owned(),
        false => format!("schema \"{}\"", shown(&scope.name)),
    };
    Kind::Timeout
        .error(format!("a transaction that makes something in {place} has not ended in time"))
        .detail("The first grant of a preset gives rights on all that is there, and waits for what is on its way. Nothing was changed.")
        .hint("Call again when it has ended: see pg_stat_activity, and pg_prepared_xacts for what was prepared.")
}

/// The group of a kind for a scope, if its role is there. One that was renamed, or made more than a group is, is
/// refused: who becomes its member gets what it has become.
pub fn usable(schema: Oid, kind: GroupKind) -> Result<Option<Group>> {
    let Some(group) = group::find(schema, kind)? else {
        return Ok(None);
    };
    if !group.is_bound() {
        return match ident::role_name(group.role) {
            // Dropped, which takes that it held nothing any more: the next one is made anew.
            None => Ok(None),
            Some(now) => Err(renamed(&group, &now)),
        };
    }
    refuse_elevated(&group)?;
    Ok(Some(group))
}

/// Refuses where a group's role bears another name: nothing is taken by a group that is no longer known as it was,
/// and a call that takes access must not look as if it had.
pub(super) fn refuse_renamed(group: &Group) -> Result<()> {
    match ident::role_name(group.role) {
        Some(now) if now != group.role_name => Err(renamed(group, &now)),
        _ => Ok(()),
    }
}

fn renamed(group: &Group, now: &str) -> Error {
    Kind::NotReady
        .error(format!("group \"{}\" was renamed", shown(&group.role_name)))
        .detail(format!(
            "The role with OID {} is called \"{}\" now.",
            group.role.to_u32(),
            shown(now)
        ))
        .hint(format!(
            "A superuser renames it back: ALTER ROLE {} RENAME TO {};",
            quote::ident(now),
            quote::ident(&group.role_name)
        ))
}

/// Refuses where a group is a member of the credential that is to be its member: the server lets nobody go in circles.
pub(super) fn refuse_circle(group: &Group, credential: &Credential) -> Result<()> {
    if role::is_alone(group.role) || !access::is_member(group.role, credential.role)? {
        return Ok(());
    }
    let (group, role) = (&group.role_name, &credential.role_name);
    Err(Kind::Denied
        .error(format!(
            "group \"{}\" has become more than a group",
            shown(group)
        ))
        .detail(format!(
            "It is a member of \"{}\", which so cannot be a member of it.",
            shown(role)
        ))
        .hint(format!(
            "See \\du for the way; where it is a direct one: REVOKE {} FROM {};",
            quote::ident(role),
            quote::ident(group)
        )))
}

fn refuse_elevated(group: &Group) -> Result<()> {
    let why = match access::elevation(group.role, None)? {
        Some(why) => why,
        None if role::is_alone(group.role) => return Ok(()),
        None if access::is_member(group.role, catalog::default_credential()?.role)? => {
            "is a member of the default credential's role".to_owned()
        }
        None => return Ok(()),
    };
    Err(Kind::Denied
        .error(format!(
            "group \"{}\" has become more than a group",
            shown(&group.role_name)
        ))
        .detail(format!("It {why}, which no credential may."))
        .hint("A superuser takes that away from the group."))
}

fn make(scope: &Scope, kind: GroupKind, wanted: Option<&str>) -> Result<Group> {
    if let Some(gone) = group::find(scope.schema, kind)? {
        group::delete(gone.role)?;
    }
    tidy()?;
    let name = match wanted {
        Some(name) => name.to_owned(),
        None => {
            let word = if scope.is_every() { "all" } else { &scope.name };
            preset::group_name(kind, word, scope.schema.to_u32(), |name| {
                ident::role_oid(name).is_none()
            })
        }
    };
    let options = Options {
        login: Some(false),
        plain: true,
        ..Options::default()
    };
    if ident::role_oid(&name).is_some() {
        return Err(taken(&name));
    }
    let made =
        xact::subtransaction(|| role::create(&name, &options)).map_err(|caught| match caught
            .sqlstate
            .as_str()
        {
            "42710" | "23505" => taken(&name),
            _ => unexpected(&caught),
        })??;
    let default = catalog::default_credential()?;
    grant::set_membership(&name, &default.role_name, Membership::Admin);
    let group = Group {
        role: made,
        role_name: name,
        kind,
        scope: scope.schema,
        scope_name: scope.name.clone(),
    };
    group::insert(&group)?;
    Ok(group)
}

fn taken(name: &str) -> Error {
    Kind::Exists
        .error(format!("role \"{}\" already exists", shown(name)))
        .detail("A group of this name was to be made; a role that is there is never taken for one.")
        .hint("Rename the role, and call again.")
}

/// An error of the server that has no case of its own; its text is escaped, since it may hold names.
pub(super) fn unexpected(caught: &xact::Caught) -> Error {
    Kind::Internal
        .error("the server refused an act on a group")
        .detail(format!(
            "SQLSTATE {}: {}.",
            caught.sqlstate,
            shown(&caught.message)
        ))
}

/// Groups of schemas that are gone go too, where nothing hangs on them: their names are free then for a schema
/// of the same name, which inherits nothing.
fn tidy() -> Result<()> {
    for group in group::left_behind()? {
        debug_assert_ne!(group.scope, EVERY_SCHEMA);
        if ident::role_name(group.role).is_none() {
            group::delete(group.role)?;
        } else if group.is_bound() && group::is_idle(group.role)? {
            let drop = || role::drop(group.role, &group.role_name);
            // Somebody who holds the role keeps it, and its name, for another time.
            if matches!(xact::subtransaction(drop), Ok(Ok(()))) {
                group::delete(group.role)?;
            }
        }
    }
    Ok(())
}
