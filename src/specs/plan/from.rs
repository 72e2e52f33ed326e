//! From a flat role to the spec's credentials: what of the spec is there at a stage, and what comes on top.
//!
//! Forward, a stage is the spec without what later stages bring. Back, credentials that were made on the way lose
//! what the spec gives them, and schemas go back to who had them.

use super::not_yours;
use super::retire;
use super::schemas::{owners, refuse_place};
use crate::core::quote::ident;
use crate::error::{shown, Error, Kind, Result};
use crate::flat::{self, Flat, Part, Stage};
use crate::permissions::GroupKind;
use crate::pg::acl::rights::USAGE;
use crate::specs::present::{CredentialNow, Direct, ObjectIs, Present, Scope};
use crate::specs::spec::{From, GroupName, Spec, Wanted, EVERY};
use crate::specs::step::Step;

/// The flat role that a spec leaves, and the stage.
pub(super) fn leaving<'a>(spec: &'a Spec, now: &'a Present) -> Result<Option<(&'a Flat, Stage)>> {
    let Some(From { role, stage }) = &spec.from else {
        return Ok(None);
    };
    let flat = now
        .flat
        .as_ref()
        .ok_or_else(|| Kind::NotFound.error(format!("role \"{}\" does not exist", shown(role))))?;
    refuse(spec, now, flat, *stage)?;
    Ok(Some((flat, *stage)))
}

fn refuse(spec: &Spec, now: &Present, flat: &Flat, stage: Stage) -> Result<()> {
    let bad = |path: &str, why: &str| {
        Kind::BadArgument
            .error(format!("\"{}\" does not go with \"from\"", shown(path)))
            .detail(why.to_owned())
    };
    let own = |name: &String| flat.credential.as_ref() == Some(name) || flat.role_name == *name;
    if let Some(name) = spec.credentials.keys().find(|name| own(name)) {
        return Err(bad(
            &format!("credentials.{name}"),
            "It is the flat role itself, which is to be left.",
        )
        .hint("Give the app another credential."));
    }
    if let Some((name, _)) = spec.schemas.iter().find(|(_, s)| s.authoritative) {
        return Err(bad(
            &format!("schemas.{name}.authoritative"),
            "What an authoritative schema loses could not be given back.",
        )
        .hint("Apply that when the flat role has been left."));
    }
    if !spec.tenants.is_empty() {
        return Err(bad(
            "tenants",
            "Row security would change what the flat role sees.",
        )
        .hint("Apply them in a spec of their own."));
    }
    if !spec.attachments.is_empty() {
        return Err(bad(
            "attachments",
            "The app would get a URL that logs in at some stages only.",
        )
        .hint("Apply them in a spec of their own when the credentials can log in."));
    }
    named_groups(spec, now)?;
    if stage.has(Part::Rights) && !flat.inherits && !flat.is_default {
        return Err(Kind::NotReady
            .error(format!(
                "role \"{}\" does not inherit",
                shown(&flat.role_name)
            ))
            .detail("It keeps its rights as a member of the group that takes over what it owns.")
            .hint(format!(
                "ALTER ROLE {} INHERIT;",
                shown(&ident(&flat.role_name))
            )));
    }
    Ok(())
}

/// Refuses a preset whose group is not known by name: it would be made late, and without the flat role.
fn named_groups(spec: &Spec, now: &Present) -> Result<()> {
    let owners = owners(spec, now)?;
    for wanted in spec.credentials.values() {
        for (schema, access) in wanted.access.iter().filter(|(schema, _)| *schema != EVERY) {
            let kind = access.group();
            let is_named = match kind {
                GroupKind::Owner => owners.contains_key(schema),
                _ => {
                    now.group_of(&Scope::of(schema), kind).is_some()
                        || will_be(spec, now, kind, schema)?
                }
            };
            if !is_named {
                return Err(missing_group(kind, schema));
            }
        }
    }
    Ok(())
}

fn will_be(spec: &Spec, now: &Present, kind: GroupKind, schema: &str) -> Result<bool> {
    for group in spec.groups.iter().filter(|g| g.kind == kind) {
        if super::schemas::scope(group, spec, now)? == Scope::of(schema) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn missing_group(kind: GroupKind, schema: &str) -> Error {
    Kind::BadArgument
        .error(format!(
            "\"groups\" names no {} group of schema \"{}\"",
            kind.as_str(),
            shown(schema)
        ))
        .detail("With \"from\" each group that a preset needs is named, so that it is there from the first stage.")
        .hint("See SELECT credentials.layout('owner_writer_reader', 'shop');")
}

/// The spec as far as a stage brings it about.
pub(super) fn at_stage(spec: &Spec, now: &Present, flat: &Flat, stage: Stage) -> Spec {
    let mut spec = spec.clone();
    for (name, wanted) in &mut spec.credentials {
        let held = now.credentials.get(name);
        let made = held.is_none_or(|held| flat.made(held.role));
        if made {
            let open = wanted.login.unwrap_or(true) && stage.has(Part::Logins);
            wanted.login = Some(open);
        }
        if !stage.has(Part::Rights) {
            wanted.access.clear();
            wanted.tables.clear();
            wanted.roles.clear();
        }
    }
    spec
}

/// The steps that come on top of what the spec says at this stage; `others` are those.
pub(super) fn steps(spec: &Spec, now: &Present, others: &[Step]) -> Result<Vec<Step>> {
    let Some((flat, stage)) = leaving(spec, now)? else {
        return Ok(Vec::new());
    };
    let mut steps = Vec::new();
    if !stage.has(Part::Rights) {
        for (name, wanted) in &spec.credentials {
            let made = |held: &&CredentialNow| flat.made(held.role) && held.trouble.is_none();
            if let Some(held) = now.credentials.get(name).filter(made) {
                steps.extend(emptied(now, name, wanted, held)?);
            }
        }
    }
    let mut more = retire::steps(spec, now, flat, stage)?;
    for (schema, group) in owners(spec, now)? {
        let before = more.len();
        match stage.has(Part::Rights) {
            true => more.extend(retire::keep(flat, group, stage)),
            false => {
                let back = given_back(now, flat, &schema, group);
                // Who was retired at once never became a member, and is to work while things move.
                more.extend(back.as_ref().and_then(|_| retire::keep(flat, group, stage)));
                more.extend(back);
            }
        }
        more.extend(defaults(now, flat, &schema, stage, others));
        if more.len() > before {
            // Who may not give rights on a schema makes nobody a member of its groups.
            refuse_place(&Scope::of(&schema), now)?;
        }
    }
    let noted = flat.record.as_ref().map(|record| record.stage);
    let makes = others.iter().any(|s| matches!(s, Step::Create { .. }));
    if noted != Some(stage) || makes || !steps.is_empty() || !more.is_empty() {
        more.push(flat::Step::Stage {
            role: flat.role_name.clone(),
            stage,
        });
    }
    steps.extend(more.into_iter().map(Step::Flat));
    Ok(steps)
}

/// What a credential that was made on the way has by the spec, taken from it.
fn emptied(now: &Present, name: &str, wanted: &Wanted, held: &CredentialNow) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for scope in wanted.access.keys().map(|schema| Scope::of(schema)) {
        if held.access.contains_key(&scope) {
            refuse_place(&scope, now)?;
            let name = name.to_owned();
            steps.push(Step::Revoke { name, scope });
        }
    }
    for given in now.direct.iter().filter(|d| d.credential == name) {
        let excess = given.rights & by_tables(wanted, given);
        if excess != 0 {
            if !given.may {
                return Err(not_yours(&shown(&given.object.named)));
            }
            steps.push(Step::Take {
                name: name.to_owned(),
                object: given.object.clone(),
                rights: excess,
                cascade: given.options,
            });
        }
    }
    for role in wanted.roles.intersection(&held.roles) {
        let (name, role) = (name.to_owned(), role.clone());
        steps.push(Step::Leave { name, role });
    }
    Ok(steps)
}

/// The rights that a spec gives a credential on an object by naming tables.
fn by_tables(wanted: &Wanted, given: &Direct) -> u32 {
    let mut tables = wanted.tables.iter();
    match &given.object.kind {
        ObjectIs::Schema if tables.any(|(table, _)| table.schema == given.schema) => USAGE,
        ObjectIs::Table(_) => tables
            .find(|(table, _)| given.is_table(table))
            .map_or(0, |(_, rights)| *rights),
        _ => 0,
    }
}

/// A schema that a group took over on the way goes back.
fn given_back(now: &Present, flat: &Flat, schema: &str, group: &GroupName) -> Option<flat::Step> {
    let there = now.schemas.get(schema)?;
    let former = now.former_owners.get(&group.role())?;
    (there.owner == group.role()).then(|| flat::Step::Return {
        role: flat.role_name.clone(),
        schema: schema.to_owned(),
        // A schema that was default's goes to default, any other to the flat role.
        owner: match *former == now.default_role {
            true => former.clone(),
            false => flat.role_name.clone(),
        },
        group: group.role(),
    })
}

/// The flat role's default privileges in a schema name its groups, or do so no more. Default's do it by
/// themselves.
fn defaults(
    now: &Present,
    flat: &Flat,
    schema: &str,
    stage: Stage,
    others: &[Step],
) -> Option<flat::Step> {
    if flat.is_default {
        return None;
    }
    let give = stage.has(Part::Defaults);
    let mut groups = Vec::new();
    for kind in [GroupKind::Reader, GroupKind::Writer] {
        let there = now.group_of(&Scope::of(schema), kind).map(str::to_owned);
        let name = there.or_else(|| made_now(others, schema, kind));
        groups.extend(name.map(|name| (kind, name)));
    }
    let (whole, part) = (&flat.defaults, &flat.partly);
    groups.retain(|(_, group)| match give {
        true => !whole.contains(group),
        false => whole.contains(group) || part.contains(group),
    });
    (!groups.is_empty()).then(|| flat::Step::Defaults {
        role: flat.role_name.clone(),
        schema: schema.to_owned(),
        groups,
        give,
    })
}

/// The group of a kind that another step makes for a schema.
fn made_now(others: &[Step], schema: &str, kind: GroupKind) -> Option<String> {
    others.iter().find_map(|step| match step {
        Step::NewGroup { group, scope, .. }
            if group.kind == kind && *scope == Scope::of(schema) =>
        {
            Some(group.role())
        }
        _ => None,
    })
}
