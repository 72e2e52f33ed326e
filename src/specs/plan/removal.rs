//! What an authoritative schema loses: what credentials have there and the spec does not name. Never data,
//! never what is the default credential's or a superuser's, never what roles have that are not managed.

use super::not_yours;
use super::rights::wanted_on;
use super::schemas::refuse_place;
use crate::error::{shown, Result};
use crate::pg::acl::rights::USAGE;
use crate::specs::present::{CredentialNow, Direct, ObjectIs, Present, Scope};
use crate::specs::spec::Spec;
use crate::specs::step::Step;

/// Steps that take away what the spec does not name.
pub(super) fn steps(spec: &Spec, now: &Present) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (schema, _) in spec.schemas.iter().filter(|(_, s)| s.authoritative) {
        for (name, held) in now
            .credentials
            .iter()
            .filter(|(_, held)| held.trouble.is_none())
        {
            steps.extend(preset(spec, now, schema, name, held)?);
            let given = now.direct.iter();
            for given in given.filter(|d| d.credential == *name && d.schema == *schema) {
                steps.extend(right(spec, given)?);
            }
        }
    }
    Ok(steps)
}

fn preset(
    spec: &Spec,
    now: &Present,
    schema: &str,
    name: &str,
    held: &CredentialNow,
) -> Result<Option<Step>> {
    // Another preset replaces this one by being granted.
    if held.access_on(schema).is_none() || wanted_on(spec, name, schema).is_some() {
        return Ok(None);
    }
    let scope = Scope::of(schema);
    refuse_place(&scope, now)?;
    Ok(Some(Step::Revoke {
        name: name.to_owned(),
        scope,
    }))
}

fn right(spec: &Spec, given: &Direct) -> Result<Option<Step>> {
    let excess = given.rights & !named(spec, given);
    if excess == 0 {
        return Ok(None);
    }
    if !given.may {
        return Err(not_yours(&shown(&given.object.named)));
    }
    Ok(Some(Step::Take {
        name: given.credential.clone(),
        object: given.object.clone(),
        rights: excess,
        cascade: given.options,
    }))
}

/// The rights on an object that the spec gives a credential by naming tables.
fn named(spec: &Spec, given: &Direct) -> u32 {
    let Some(wanted) = spec.credentials.get(&given.credential) else {
        return 0;
    };
    let mut tables = wanted.tables.iter();
    match &given.object.kind {
        ObjectIs::Schema if tables.any(|(table, _)| table.schema == given.schema) => USAGE,
        ObjectIs::Table(_) => tables
            .find(|(table, _)| given.is_table(table))
            .map_or(0, |(_, rights)| *rights),
        _ => 0,
    }
}
