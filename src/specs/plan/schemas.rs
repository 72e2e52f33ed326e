//! Schemas and the groups that hold rights on them.

use super::{no_schema, not_yours};
use crate::error::{shown, Error, Kind, Result};
use crate::permissions::GroupKind;
use crate::specs::present::{Present, SchemaNow, Scope};
use crate::specs::spec::{GroupName, Schema, Spec};
use crate::specs::step::{Owner, Step};
use std::collections::{BTreeMap, BTreeSet};

/// Steps that make schemas and groups, and that set the owners of schemas right; with `takes_over` false a schema
/// that is there keeps its owner.
pub(super) fn steps(spec: &Spec, now: &Present, takes_over: bool) -> Result<Vec<Step>> {
    let owners = owners(spec, now)?;
    let mut steps = Vec::new();
    let listed = owners
        .keys()
        .filter(|name| !spec.schemas.contains_key(*name));
    let plain = Schema::default();
    let all = spec.schemas.iter().chain(listed.map(|name| (name, &plain)));
    let mut all: Vec<(&String, &Schema)> = all.collect();
    all.sort_unstable_by_key(|(name, _)| *name);
    for (name, _) in all {
        let owner = owners.get(name).copied();
        let named = spec.schemas.contains_key(name);
        match now.schemas.get(name) {
            Some(there) => {
                let owner = owner.filter(|_| takes_over);
                steps.extend(existing(name, there, owner, named, now)?);
            }
            None => steps.push(made(name, owner, now)?),
        }
    }
    let owners = match takes_over {
        true => owners,
        false => BTreeMap::new(),
    };
    steps.extend(groups(spec, now, &owners)?);
    Ok(steps)
}

/// The owner group of each schema: what the schema says, and the groups that the list names.
pub(super) fn owners<'a>(spec: &'a Spec, now: &Present) -> Result<BTreeMap<String, &'a GroupName>> {
    let mut owners = BTreeMap::new();
    for (name, schema) in &spec.schemas {
        owners.extend(schema.owner.as_ref().map(|owner| (name.clone(), owner)));
    }
    for group in spec.groups.iter().filter(|g| g.kind == GroupKind::Owner) {
        if owners.values().any(|owner| *owner == group) {
            continue;
        }
        let Scope::Schema(schema) = scope(group, spec, now)? else {
            continue;
        };
        if let Some(other) = owners.insert(schema.clone(), group) {
            return Err(two_groups(group, &other.role(), &Scope::Schema(schema)));
        }
    }
    Ok(owners)
}

/// What a group's rights are on: what they are on already; else the schema whose owner bears the same
/// name behind its prefix; else the schema of that name; `all` means every schema where none is named so.
pub(super) fn scope(group: &GroupName, spec: &Spec, now: &Present) -> Result<Scope> {
    let owner = GroupName {
        kind: GroupKind::Owner,
        rest: group.rest.clone(),
    };
    let owned = |(_, schema): &(&String, &Schema)| schema.owner.as_ref() == Some(&owner);
    if let Some((name, _)) = spec.schemas.iter().find(owned) {
        return Ok(Scope::Schema(name.clone()));
    }
    if let Some(known) = now.groups.get(&group.role()) {
        return Ok(known.scope.clone());
    }
    if let Some(known) = now.groups.get(&owner.role()) {
        return Ok(known.scope.clone());
    }
    if spec.schemas.contains_key(&group.rest) || now.schemas.contains_key(&group.rest) {
        return Ok(Scope::Schema(group.rest.clone()));
    }
    if group.rest == "all" {
        return Ok(Scope::Every);
    }
    Err(no_schema(&group.rest).detail(format!(
        "Group \"{}\" is for no schema that is there.",
        shown(&group.role())
    )))
}

/// A schema that is there: its owner, and that PUBLIC has no right on it.
fn existing(
    name: &str,
    there: &SchemaNow,
    owner: Option<&GroupName>,
    named: bool,
    now: &Present,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let wrong = owner.filter(|owner| owner.role() != there.owner || !is_group(owner, name, now));
    if let Some(owner) = wrong {
        let new_group = refuse_other(owner, &Scope::Schema(name.to_owned()), now)?;
        steps.push(Step::OwnSchema {
            schema: name.to_owned(),
            owner: owner.clone(),
            new_group,
        });
    }
    if named && there.open {
        steps.push(Step::CloseSchema {
            schema: name.to_owned(),
            oid: there.oid,
        });
    }
    if steps.is_empty() || there.may {
        return Ok(steps);
    }
    Err(not_yours(&format!("schema \"{}\"", shown(name))))
}

fn is_group(name: &GroupName, schema: &str, now: &Present) -> bool {
    let scope = Scope::Schema(schema.to_owned());
    now.group_of(&scope, name.kind) == Some(name.role().as_str())
}

/// A schema that is not there.
fn made(name: &str, owner: Option<&GroupName>, now: &Present) -> Result<Step> {
    if !now.caller.creates_schemas {
        return Err(Kind::Denied
            .error(format!(
                "not permitted to create schema \"{}\"",
                shown(name)
            ))
            .detail("That takes CREATE on the database.")
            .hint("Ask a superuser, or apply it as the default credential."));
    }
    let owner = match owner {
        Some(group) => {
            refuse_other(group, &Scope::Schema(name.to_owned()), now)?;
            Owner::Group(group.clone())
        }
        None => Owner::Default(now.default_role.clone()),
    };
    Ok(Step::NewSchema {
        schema: name.to_owned(),
        owner,
    })
}

/// Groups that read and write.
fn groups(spec: &Spec, now: &Present, owners: &BTreeMap<String, &GroupName>) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut places = BTreeMap::new();
    for group in &spec.groups {
        let scope = scope(group, spec, now)?;
        if group.kind == GroupKind::Owner {
            if scope == Scope::Every {
                return Err(Kind::BadArgument
                    .error(format!(
                        "group \"{}\" would own every schema",
                        shown(&group.role())
                    ))
                    .hint("Give each schema an owner group of its own."));
            }
            continue;
        }
        if let Some(other) = places.insert((scope.clone(), group.kind), group) {
            return Err(two_groups(group, &other.role(), &scope));
        }
        if refuse_other(group, &scope, now)? {
            refuse_place(&scope, now)?;
            steps.push(Step::NewGroup {
                group: group.clone(),
                owner: owner_role(&scope, owners, now),
                schemas: within(&scope, spec, owners, now),
                scope,
            });
        }
    }
    Ok(steps)
}

/// The schemas of a scope when the plan's own are made, as far as the caller may give rights on them.
fn within(
    scope: &Scope,
    spec: &Spec,
    owners: &BTreeMap<String, &GroupName>,
    now: &Present,
) -> Vec<String> {
    let Scope::Every = scope else {
        return vec![scope.key().to_owned()];
    };
    let named = spec.schemas.keys().chain(owners.keys());
    let made = named.filter(|name| !now.schemas.contains_key(*name));
    let ours = now.schemas.iter().filter(|(_, schema)| schema.may);
    let all: BTreeSet<&String> = ours.map(|(name, _)| name).chain(made).collect();
    all.into_iter().cloned().collect()
}

/// The role that will own the schema of a group.
fn owner_role(
    scope: &Scope,
    owners: &BTreeMap<String, &GroupName>,
    now: &Present,
) -> Option<String> {
    let Scope::Schema(schema) = scope else {
        return None;
    };
    let group = owners.get(schema).map(|group| group.role());
    let there = || now.group_of(scope, GroupKind::Owner).map(str::to_owned);
    group.or_else(there)
}

/// Refuses where the caller may not give rights on a scope.
pub(super) fn refuse_place(scope: &Scope, now: &Present) -> Result<()> {
    let allowed = match scope {
        Scope::Every => now.caller.everywhere,
        Scope::Schema(name) => now
            .schemas
            .get(name)
            .map_or(now.caller.creates_schemas, |s| s.may),
    };
    if allowed {
        return Ok(());
    }
    Err(match scope {
        Scope::Every => not_yours("every schema"),
        Scope::Schema(name) => not_yours(&format!("schema \"{}\"", shown(name))),
    })
}

/// Whether a group is to be made; refuses a name that is something else's, and a second group of the
/// same kind (42710).
fn refuse_other(group: &GroupName, scope: &Scope, now: &Present) -> Result<bool> {
    let name = group.role();
    if let Some(known) = now.groups.get(&name) {
        if known.is(group, scope) {
            return Ok(false);
        }
        return Err(Kind::Exists
            .error(format!("group \"{}\" is for another schema", shown(&name)))
            .detail("A group's rights are on one schema, for good.")
            .hint("Choose another name for it."));
    }
    if let Some(other) = now.group_of(scope, group.kind) {
        return Err(two_groups(group, other, scope));
    }
    if now.roles.contains_key(&name) {
        return Err(Kind::Exists
            .error(format!(
                "role \"{}\" already exists and is no group",
                shown(&name)
            ))
            .detail("A spec makes and changes what is managed, and nothing else.")
            .hint("Choose another name for the group, or rename the role."));
    }
    Ok(true)
}

fn two_groups(group: &GroupName, other: &str, scope: &Scope) -> Error {
    Kind::Exists
        .error(format!(
            "schema \"{}\" has a group \"{}\" already",
            shown(scope.key()),
            shown(other)
        ))
        .detail(format!(
            "It would be the same as \"{}\".",
            shown(&group.role())
        ))
        .hint("Name that group in the spec.")
}
