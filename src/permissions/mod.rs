//! Presets of rights on schemas. A managed group holds the rights of one preset on one schema; a
//! credential gets the preset by becoming the group's member, so the second one costs a membership.
//!
//! 1. [`scope`]: what a preset is given on, and who may give it.
//! 2. [`make`]: the group, made when it is first asked for; [`sweep`] gives it its rights on what is there
//!    ([`objects`] says on what), [`defaults`] and [`future`] on what will be.
//! 3. [`member`]: who is in which group. The server's own memberships are the truth.
//! 4. [`takeover`]: a group that owns its schema.

pub mod api;
pub mod defaults;
pub mod future;
pub mod give;
pub mod group;
mod made;
pub mod make;
pub mod member;
pub mod objects;
pub mod preset;
pub mod scope;
mod sweep;
pub mod takeover;

pub use group::Group;
pub use preset::{Access, GroupKind, ObjectKind};
pub use scope::Scope;

use crate::catalog::Credential;
use crate::error::{shown, Kind, Result};
use crate::pg::authority::Caller;

/// What became of one scope.
#[derive(Clone, Debug)]
pub struct Given {
    /// The scope's name.
    pub schema: String,
    /// What the credential had there.
    pub was: Option<Access>,
    /// Whether anything was changed.
    pub changed: bool,
    /// The job that moves what is in the schema.
    pub job: Option<i64>,
}

/// Refuses what cannot be given: rights on schemas of others, ownership of every schema.
pub fn check(caller: &Caller, access: Access, scopes: &[Scope]) -> Result<()> {
    scope::authorise(caller, scopes)?;
    if access != Access::Owner || !scopes.iter().any(Scope::is_every) {
        return Ok(());
    }
    Err(Kind::NotBuilt
        .error("owner is given schema by schema")
        .detail("A schema has one owner; who owns every schema is what the default credential is.")
        .hint("Name the schemas: schemas => '{shop,stock}'."))
}

/// Refuses the default credential as who is given a preset, or loses one (42501).
pub fn refuse_default(credential: &Credential) -> Result<()> {
    if !credential.is_default() {
        return Ok(());
    }
    Err(Kind::Denied
        .error("the default credential has no preset")
        .detail("It owns the database, and is a member of every group of a schema already."))
}

/// Gives a credential a preset on each of the scopes, in the place of another that it has there. The caller has
/// passed [`check`] and holds the credential's lock.
pub fn grant(
    caller: &Caller,
    credential: &Credential,
    access: Access,
    scopes: &[Scope],
) -> Result<Vec<Given>> {
    // Groups in the order of their schemas' OIDs, so that two calls never wait for each other.
    let mut in_order: Vec<&Scope> = scopes.iter().collect();
    in_order.sort_by_key(|scope| scope.schema.to_u32());
    let mut groups = Vec::new();
    for scope in in_order {
        groups.push(make::ensure(caller, scope, access.group(), None)?);
    }
    let held = member::all_groups_of(credential.role)?;
    scopes
        .iter()
        .map(|scope| {
            let ensured = groups
                .iter()
                .find(|e| e.group.scope == scope.schema)
                .ok_or_else(|| Kind::Internal.error("a group that was made is not there"))?;
            let had: Vec<&Group> = held.iter().filter(|g| g.scope == scope.schema).collect();
            put_in(caller, credential, scope, ensured, &had)
        })
        .collect()
}

/// Makes a credential a member of one group, and of none of the others that it has on the same scope.
fn put_in(
    caller: &Caller,
    credential: &Credential,
    scope: &Scope,
    ensured: &make::Ensured,
    had: &[&Group],
) -> Result<Given> {
    let group = &ensured.group;
    let (role, name) = (credential.role, credential.role_name.as_str());
    had.iter()
        .try_for_each(|other| make::refuse_renamed(other))?;
    let is_in = had.iter().any(|g| g.role == group.role);
    if !is_in {
        make::refuse_circle(group, credential)?;
        member::join(group, role, name)?;
    }
    let others = had.iter().filter(|g| g.role != group.role);
    for other in others.clone() {
        member::leave(other, role, name)?;
    }
    let mut changed = ensured.made || !is_in || others.count() > 0;
    let mut job = None;
    if group.kind == GroupKind::Owner {
        changed |= takeover::schema(group)?;
        if changed {
            job = takeover::order(caller, credential, group)?;
        }
    }
    Ok(Given {
        schema: scope.name.clone(),
        was: highest(had),
        changed,
        job,
    })
}

/// Takes from a credential what it has on the scopes, or on all; with `access` only where it is that.
/// The caller holds the credential's lock.
pub fn revoke(
    credential: &Credential,
    access: Option<Access>,
    scopes: Option<&[Scope]>,
) -> Result<Vec<Given>> {
    let held: Vec<Group> = member::all_groups_of(credential.role)?
        .into_iter()
        .filter(|g| access.is_none_or(|a| a.group() == g.kind))
        .collect();
    let wanted = match scopes {
        Some(scopes) => scopes.iter().map(|s| (s.schema, s.name.clone())).collect(),
        None => distinct(&held),
    };
    let mut taken = Vec::new();
    for (schema, name) in wanted {
        let had: Vec<&Group> = held.iter().filter(|g| g.scope == schema).collect();
        for group in &had {
            make::refuse_renamed(group)?;
            member::leave(group, credential.role, &credential.role_name)?;
        }
        if !had.is_empty() {
            taken.push(Given {
                schema: name,
                was: highest(&had),
                changed: true,
                job: None,
            });
        }
    }
    Ok(taken)
}

/// The scopes of groups, each once, as they are called now.
fn distinct(groups: &[Group]) -> Vec<(crate::pg::Oid, String)> {
    let mut scopes: Vec<(crate::pg::Oid, String)> = Vec::new();
    for group in groups {
        if !scopes.iter().any(|(schema, _)| *schema == group.scope) {
            scopes.push((group.scope, group.scope_now()));
        }
    }
    scopes
}

fn highest(groups: &[&Group]) -> Option<Access> {
    groups.iter().map(|g| g.kind.access()).max()
}

/// What a person reads of schemas that were given or taken.
pub fn listed(given: &[Given]) -> Vec<String> {
    given.iter().map(|g| shown(&g.schema)).collect()
}
