//! Retiring a flat role, and the way back: what it has by itself in the spec's schemas is taken, and it is closed.

use super::not_yours;
use super::schemas::{owners, refuse_place, scope};
use crate::error::{shown, Result};
use crate::flat::{self, Flat, Holding, Part, Stage};
use crate::specs::present::{Present, Scope};
use crate::specs::spec::{GroupName, Spec, EVERY};
use std::collections::BTreeSet;

/// The steps that retire the flat role, or undo that.
pub(super) fn steps(
    spec: &Spec,
    now: &Present,
    flat: &Flat,
    stage: Stage,
) -> Result<Vec<flat::Step>> {
    if !stage.has(Part::Closed) {
        return undone(now, flat);
    }
    let role = &flat.role_name;
    let mut steps = Vec::new();
    for (schema, group) in owners(spec, now)? {
        if flat.owns_in.contains(&schema) && now.groups.contains_key(&group.role()) {
            steps.push(flat::Step::HandOver {
                role: role.clone(),
                schema,
                group: group.role(),
            });
        }
    }
    let schemas = schemas_of(spec, now)?;
    for holding in &flat.held {
        if holding
            .schema()
            .is_some_and(|s| !schemas.iter().any(|own| own == s))
        {
            continue;
        }
        match holding {
            // Of an object whose owner the caller may not speak for it stays; the role cannot log in.
            _ if !holding.is_the_callers() => continue,
            Holding::Member(_) => refuse(holding, now)?,
            Holding::Right(_) | Holding::Future(_) | Holding::Login { .. } => {}
        }
        let (role, holding) = (role.clone(), holding.clone());
        steps.push(flat::Step::Take { role, holding });
    }
    Ok(steps)
}

fn undone(now: &Present, flat: &Flat) -> Result<Vec<flat::Step>> {
    let mut steps = Vec::new();
    for holding in &flat.lost {
        match holding {
            Holding::Right(on) if !on.may => return Err(not_yours(&shown(&on.named))),
            Holding::Future(of) if !of.may => return Err(not_yours(&shown(&of.creator_name))),
            Holding::Member(_) => refuse(holding, now)?,
            Holding::Right(_) | Holding::Future(_) | Holding::Login { .. } => {}
        }
        let (role, holding) = (flat.role_name.clone(), holding.clone());
        steps.push(flat::Step::Give { role, holding });
    }
    Ok(steps)
}

/// Who may not give rights on a schema gives and takes none that come with it.
fn refuse(holding: &Holding, now: &Present) -> Result<()> {
    match holding.schema() {
        Some(schema) => refuse_place(&Scope::of(schema), now),
        None => Ok(()),
    }
}

/// The flat role stays able to do everything in a schema that a group takes over, until it is retired.
pub(super) fn keep(flat: &Flat, group: &GroupName, stage: Stage) -> Option<flat::Step> {
    let comes_back = |holding: &Holding| match holding {
        Holding::Member(member) => member.group_name == group.role(),
        _ => false,
    };
    let is_in = flat.is_default
        || flat.groups.contains(&group.role())
        || stage.has(Part::Closed)
        || flat.lost.iter().any(comes_back);
    (!is_in).then(|| flat::Step::Keep {
        role: flat.role_name.clone(),
        group: group.role(),
    })
}

/// The schemas that a spec is about, by name.
pub fn schemas_of(spec: &Spec, now: &Present) -> Result<Vec<String>> {
    let mut schemas: BTreeSet<String> = spec.schemas.keys().cloned().collect();
    for group in &spec.groups {
        if let Scope::Schema(name) = scope(group, spec, now)? {
            schemas.insert(name);
        }
    }
    for wanted in spec.credentials.values() {
        schemas.extend(wanted.access.keys().filter(|s| *s != EVERY).cloned());
    }
    Ok(schemas.into_iter().collect())
}
