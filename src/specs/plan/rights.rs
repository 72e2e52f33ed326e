//! What a credential is given: presets, rights on tables, memberships.

use super::schemas::refuse_place;
use super::{no_schema, not_yours};
use crate::error::{shown, Error, Kind, Result};
use crate::permissions::Access;
use crate::pg::acl::rights::USAGE;
use crate::specs::present::{CredentialNow, Present, Scope};
use crate::specs::spec::{Spec, Wanted, EVERY};
use crate::specs::step::Step;
use std::collections::BTreeSet;

/// Roles that let somebody look after a server without reading its data: default may give them.
pub const MONITORING: [&str; 5] = [
    "pg_monitor",
    "pg_read_all_settings",
    "pg_read_all_stats",
    "pg_stat_scan_tables",
    "pg_signal_backend",
];

/// The predefined role that stands for whoever owns the database.
const DATABASE_OWNER: &str = "pg_database_owner";

/// Steps that give one credential what it lacks.
pub(super) fn steps(spec: &Spec, now: &Present, name: &str, wanted: &Wanted) -> Result<Vec<Step>> {
    let mut steps = presets(spec, now, name, wanted)?;
    steps.extend(tables(spec, now, name, wanted)?);
    steps.extend(roles(now, name, wanted)?);
    Ok(steps)
}

fn presets(spec: &Spec, now: &Present, name: &str, wanted: &Wanted) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (schema, access) in &wanted.access {
        let is_known = schema == EVERY
            || now.schemas.contains_key(schema)
            || spec.schemas.contains_key(schema);
        if !is_known {
            return Err(no_schema(schema));
        }
        let held = now
            .credentials
            .get(name)
            .and_then(|held| held.access_on(schema));
        if held == Some(*access) {
            continue;
        }
        let scope = Scope::of(schema);
        refuse_place(&scope, now)?;
        steps.push(Step::Grant {
            name: name.to_owned(),
            access: *access,
            scope,
        });
    }
    Ok(steps)
}

fn tables(spec: &Spec, now: &Present, name: &str, wanted: &Wanted) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut usable: BTreeSet<&str> = BTreeSet::new();
    for (table, rights) in &wanted.tables {
        let there = now.tables.get(table).ok_or_else(|| {
            Kind::NotFound
                .error(format!(
                    "table \"{}\" does not exist",
                    shown(&table.quoted())
                ))
                .hint("Tables are named with their schema, as in SQL: \"shop.payments\".")
        })?;
        let owns = |held: &CredentialNow| held.role == there.owner;
        if now.credentials.get(name).is_some_and(owns) {
            continue;
        }
        if usable.insert(&table.schema) && !may_use(spec, now, name, wanted, &table.schema) {
            refuse_place(&Scope::of(&table.schema), now)?;
            steps.push(Step::UseSchema {
                name: name.to_owned(),
                schema: table.schema.clone(),
            });
        }
        // What somebody else gave goes with what he himself loses there.
        let strict = is_strict(spec, &table.schema);
        let missing = rights & !now.rights_on(name, table, strict);
        if missing == 0 {
            continue;
        }
        if !there.may {
            return Err(not_yours(&format!("table {}", shown(&table.quoted()))));
        }
        steps.push(Step::GiveTable {
            name: name.to_owned(),
            table: table.clone(),
            oid: there.oid,
            rights: missing,
        });
    }
    Ok(steps)
}

/// Whether a credential can use a schema when the rest is done: by a preset that it gets or keeps, or by
/// a right of its own.
fn may_use(spec: &Spec, now: &Present, name: &str, wanted: &Wanted, schema: &str) -> bool {
    let held = now.credentials.get(name);
    let is_kept = |scope: &str| held.is_some_and(|held| held.access_on(scope).is_some());
    let strict = is_strict(spec, schema);
    wanted.access.contains_key(schema)
        || wanted.access.contains_key(EVERY)
        || is_kept(EVERY)
        || (is_kept(schema) && !strict)
        || now.has_on_schema(name, schema, USAGE, strict)
}

fn is_strict(spec: &Spec, schema: &str) -> bool {
    spec.schemas.get(schema).is_some_and(|s| s.authoritative)
}

fn roles(now: &Present, name: &str, wanted: &Wanted) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for role in &wanted.roles {
        let Some(there) = now.roles.get(role) else {
            return Err(Kind::NotFound
                .error(format!("role \"{}\" does not exist", shown(role)))
                .hint("A spec gives membership in roles that are there."));
        };
        if role == DATABASE_OWNER {
            return Err(Kind::BadArgument
                .error(format!("role \"{role}\" cannot have members"))
                .detail("The server makes the database's owner its member, and nobody else."));
        }
        if there.superuser {
            return Err(denied(role)
                .detail("It is a superuser, or a member of one, and no credential is that."));
        }
        if now
            .credentials
            .get(name)
            .is_some_and(|held| held.roles.contains(role))
        {
            continue;
        }
        if !now.caller.superuser && !MONITORING.contains(&role.as_str()) {
            return Err(denied(role)
                .detail(format!(
                    "Superusers alone give other roles than {}.",
                    MONITORING.join(", ")
                ))
                .hint("Ask a superuser."));
        }
        let (name, role) = (name.to_owned(), role.clone());
        steps.push(match role == now.default_role {
            true => Step::Deputise { name },
            false => Step::Join { name, role },
        });
    }
    Ok(steps)
}

fn denied(role: &str) -> Error {
    Kind::Denied.error(format!(
        "not permitted to give membership in role \"{}\"",
        shown(role)
    ))
}

/// The preset that a spec leaves a credential on a schema, for what is taken from it.
pub(super) fn wanted_on(spec: &Spec, name: &str, schema: &str) -> Option<Access> {
    spec.credentials.get(name)?.access.get(schema).copied()
}
