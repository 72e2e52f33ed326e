//! From what should be and what is to the steps in between: pure, in an order that is always the same.
//!
//! Everything that apply() would refuse is refused here, before anything is done: a plan that can be seen
//! can be carried out.

mod circles;
mod from;
mod removal;
mod retire;
mod rights;
mod schemas;

use super::present::{CredentialNow, Present};
use super::spec::{Spec, TableName, Wanted};
use super::step::Step;
use crate::attachments;
use crate::catalog;
use crate::core::name::{self, Name, DEFAULT};
use crate::error::{shown, Error, Kind, Result};
use crate::flat::Part;
use crate::pg::Oid;
use crate::tenants;
use std::collections::BTreeMap;

/// The steps from what is to what should be; none where all of it is so.
pub fn plan(spec: &Spec, now: &Present) -> Result<Vec<Step>> {
    let leaving = from::leaving(spec, now)?;
    let whole = spec;
    let held_back = leaving.map(|(flat, stage)| from::at_stage(spec, now, flat, stage));
    let spec = held_back.as_ref().unwrap_or(spec);
    let takes_over = leaving.is_none_or(|(_, stage)| stage.has(Part::Rights));
    let mut steps = schemas::steps(spec, now, takes_over)?;
    steps.extend(credentials(spec, now)?);
    for (name, wanted) in &spec.credentials {
        steps.extend(rights::steps(spec, now, name, wanted)?);
    }
    steps.extend(removal::steps(spec, now)?);
    let comes = |name: &str| {
        name == DEFAULT || now.credentials.contains_key(name) || spec.credentials.contains_key(name)
    };
    // Last: whether a tenant is kept to its rows depends on what it was given.
    refuse_tenants(spec, now, comes)?;
    let names_all = |table: &TableName| {
        spec.schemas
            .get(&table.schema)
            .is_some_and(|s| s.authoritative)
    };
    let shared = tenants::plan(&spec.tenants, &now.shared, names_all)?;
    steps.extend(shared.into_iter().map(Step::Share));
    let attached = attachments::plan::plan(&spec.attachments, &now.stock, comes)?;
    steps.extend(attached.into_iter().map(Step::Attach));
    let on_top = from::steps(whole, now, &steps)?;
    steps.extend(on_top);
    circles::refuse(&steps, now)?;
    Ok(steps)
}

pub(super) use retire::schemas_of;

/// The roles of existing credentials that steps are about, to be locked before the first one.
pub fn touched(steps: &[Step], now: &Present) -> Vec<Oid> {
    let mut roles: Vec<Oid> = steps
        .iter()
        .filter_map(Step::credential)
        .filter_map(|name| now.credentials.get(name))
        .map(|credential| credential.role)
        .chain(now.flat.iter().map(|flat| flat.role))
        .collect();
    roles.sort_unstable_by_key(|role| role.to_u32());
    roles.dedup();
    roles
}

/// Making credentials, and setting those that are there right.
fn credentials(spec: &Spec, now: &Present) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut new = BTreeMap::new();
    for (name, wanted) in &spec.credentials {
        match now.credentials.get(name) {
            Some(held) => {
                held.trouble
                    .iter()
                    .cloned()
                    .try_for_each(Err::<(), Error>)?;
                steps.extend(changes(name, wanted, held));
            }
            None => {
                refuse_new(name, now)?;
                if let Some(other) = new.insert(name.to_ascii_lowercase(), name) {
                    return Err(only_in_case(name, other));
                }
                steps.push(Step::Create {
                    name: name.clone(),
                    connection_limit: wanted.connection_limit,
                    login: wanted.login.unwrap_or(true),
                });
                let settings = settings_to_change(wanted, &BTreeMap::new());
                steps.extend(configure(name, None, settings));
            }
        }
    }
    refuse_beyond_limit(new.len(), now)?;
    Ok(steps)
}

/// What of a credential that is there is not as the spec says; what the spec does not say stays.
fn changes(name: &str, wanted: &Wanted, held: &CredentialNow) -> Vec<Step> {
    let limit = wanted
        .connection_limit
        .filter(|limit| *limit != held.connection_limit);
    let mut steps = configure(name, limit, settings_to_change(wanted, &held.settings));
    let name = name.to_owned();
    match wanted.login {
        Some(true) if !held.open => steps.push(Step::Resume { name }),
        Some(false) if held.open => steps.push(Step::Suspend { name }),
        _ => {}
    }
    steps
}

fn settings_to_change(
    wanted: &Wanted,
    held: &BTreeMap<String, String>,
) -> BTreeMap<String, Option<String>> {
    let differs =
        |(setting, value): &(&String, &Option<String>)| held.get(*setting) != value.as_ref();
    wanted
        .settings
        .iter()
        .filter(differs)
        .map(|(setting, value)| (setting.clone(), value.clone()))
        .collect()
}

fn configure(
    name: &str,
    connection_limit: Option<i32>,
    settings: BTreeMap<String, Option<String>>,
) -> Vec<Step> {
    if connection_limit.is_none() && settings.is_empty() {
        return Vec::new();
    }
    vec![Step::Configure {
        name: name.to_owned(),
        connection_limit,
        settings,
    }]
}

/// Refuses tenants that are no credentials, and those to which nothing can be done.
fn refuse_tenants(spec: &Spec, now: &Present, comes: impl Fn(&str) -> bool) -> Result<()> {
    for tenant in &spec.tenants {
        let name = &tenant.credential;
        if name::is_default_target(name) {
            return Err(tenants::never_default());
        }
        if !comes(name) {
            return Err(catalog::unknown(name));
        }
        let trouble = now.credentials.get(name).and_then(|c| c.trouble.clone());
        trouble.map_or(Ok(()), Err)?;
    }
    Ok(())
}

/// Refuses a name that cannot become a credential's (42602, 42939, 42710), as create() does.
fn refuse_new(name: &str, now: &Present) -> Result<()> {
    let known = Name::parse(name, now.naming)?;
    for (other, held) in &now.credentials {
        if held.role_name == name {
            return Err(Kind::Exists
                .error(format!("role \"{}\" already exists", shown(name)))
                .detail(format!(
                    "It is the role of credential \"{}\".",
                    shown(other)
                ))
                .hint("Name that credential in the spec."));
        }
        let folded = known.key();
        if folded == other.to_ascii_lowercase() || folded == held.role_name.to_ascii_lowercase() {
            return Err(only_in_case(name, other));
        }
    }
    if now.roles.contains_key(name) {
        return Err(Kind::Exists
            .error(format!(
                "role \"{}\" already exists and is no credential",
                shown(name)
            ))
            .detail("A spec makes and changes what is managed, and nothing else.")
            .hint(format!(
                "As a superuser: SELECT * FROM credentials.adopt('{}');",
                shown(name)
            )));
    }
    Ok(())
}

fn only_in_case(name: &str, other: &str) -> Error {
    Kind::BadName
        .error(format!("name \"{}\" is not allowed", shown(name)))
        .detail(format!(
            "It differs from \"{}\" only in case.",
            shown(other)
        ))
        .hint("Choose another name.")
}

fn refuse_beyond_limit(new: usize, now: &Present) -> Result<()> {
    let (free, most) = now.vacancies;
    if i64::try_from(new).unwrap_or(i64::MAX) <= free.max(0) {
        return Ok(());
    }
    Err(Kind::LimitReached
        .error(format!("the limit of {most} credentials would be passed"))
        .detail(format!("The spec makes {new} credentials, and there is room for {}.", free.max(0)))
        .hint("Destroy some, or raise credential_manager.max_credentials in postgresql.conf and reload."))
}

/// The error for a schema that is neither there nor made by the spec.
fn no_schema(name: &str) -> Error {
    Kind::NoSchema
        .error(format!("schema \"{}\" does not exist", shown(name)))
        .hint("Name it under schemas, and it is made.")
}

/// The error where the caller may not speak for an object's owner.
fn not_yours(what: &str) -> Error {
    Kind::Denied
        .error(format!("must have the rights of the owner of {what}"))
        .detail("Rights on an object are its owner's to give and to take.")
        .hint("Ask a superuser, or apply it as the owner.")
}

#[cfg(test)]
pub(in crate::specs) mod tests;
