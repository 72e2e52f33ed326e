//! The present state as a spec: what plan() finds nothing to do for.

use super::present::{CredentialNow, ObjectIs, Present, Scope};
use super::spec::{
    GroupName, Held, Schema, Spec, TableName, Tenant, Variables, Wanted, TABLE_RIGHTS,
};
use crate::core::name::DEFAULT;
use crate::permissions::GroupKind;
use crate::pg::acl::rights::USAGE;
use crate::tenants::Mark;
use std::collections::{BTreeMap, BTreeSet};

/// What a spec can say of what is. Left out are default, which no spec is about, leases, which end by
/// themselves, and credentials to which nothing can be done.
pub fn export(now: &Present) -> Spec {
    let credentials: BTreeMap<String, Wanted> = now
        .credentials
        .iter()
        .filter(|(_, held)| is_told(held))
        .map(|(name, held)| (name.clone(), wanted(name, held, now)))
        .collect();
    let mut schemas = schemas(now);
    let groups = groups(now, &schemas);
    for (name, schema) in needed(&credentials, now) {
        schemas.entry(name).or_insert(schema);
    }
    Spec {
        groups,
        schemas,
        credentials,
        attachments: attachments(now),
        tenants: tenants(now),
        ..Spec::default()
    }
}

fn is_told(held: &CredentialNow) -> bool {
    held.trouble.is_none() && !held.lease
}

/// The variables that hold URLs of default or of what is exported.
fn attachments(now: &Present) -> Variables {
    let told = |held: &Held| {
        let named = now.credentials.get(&held.credential);
        held.credential == DEFAULT || named.is_some_and(is_told)
    };
    let variables = now.stock.variables.iter().filter(|(_, held)| told(held));
    variables
        .map(|(v, held)| (v.clone(), held.clone()))
        .collect()
}

/// The tenants, those of one credential and mark together.
fn tenants(now: &Present) -> Vec<Tenant> {
    let mut told: BTreeMap<(&String, &Mark), Vec<TableName>> = BTreeMap::new();
    for (table, shared) in &now.shared {
        for (credential, mark) in &shared.marks {
            let tables = told.entry((credential, mark)).or_default();
            tables.push(table.clone());
        }
    }
    let entry = |((credential, mark), tables): ((&String, &Mark), _)| Tenant {
        credential: credential.clone(),
        tables,
        column: mark.column.clone(),
        value: mark.value.clone(),
    };
    told.into_iter().map(entry).collect()
}

/// The schemas that a group owns.
fn schemas(now: &Present) -> BTreeMap<String, Schema> {
    let owned = now.groups.iter().filter_map(|(name, group)| {
        let Scope::Schema(schema) = &group.scope else {
            return None;
        };
        let owner = GroupName::parse(name).filter(|owner| owner.kind == GroupKind::Owner)?;
        let is_owner = now
            .schemas
            .get(schema)
            .is_some_and(|s| s.owner == *name && !s.open);
        let said = Schema {
            owner: Some(owner),
            authoritative: false,
        };
        (group.kind == GroupKind::Owner && is_owner).then(|| (schema.clone(), said))
    });
    owned.collect()
}

/// The schemas that presets are on: where one is not there, it is made. One that PUBLIC has a right on would be
/// closed by being named.
fn needed<'a>(
    credentials: &'a BTreeMap<String, Wanted>,
    now: &'a Present,
) -> impl Iterator<Item = (String, Schema)> + 'a {
    let named = credentials.values().flat_map(|wanted| wanted.access.keys());
    let closed = |name: &&String| now.schemas.get(*name).is_some_and(|s| !s.open);
    named
        .filter(closed)
        .map(|name| (name.clone(), Schema::default()))
}

/// The groups whose names tell what they are for: those that are named by a number are made again under
/// another one wherever they are needed.
fn groups(now: &Present, schemas: &BTreeMap<String, Schema>) -> BTreeSet<GroupName> {
    let told = now.groups.iter().filter_map(|(role, group)| {
        let name = GroupName::parse(role).filter(|name| name.kind == group.kind)?;
        let owner = GroupName {
            kind: GroupKind::Owner,
            rest: name.rest.clone(),
        };
        let owned = schemas
            .iter()
            .find(|(_, s)| s.owner.as_ref() == Some(&owner));
        let found = match (&group.scope, owned) {
            (Scope::Schema(schema), Some((owned, _))) => schema == owned,
            (Scope::Schema(schema), None) => group.kind != GroupKind::Owner && *schema == name.rest,
            (Scope::Every, _) => name.rest == "all" && !now.schemas.contains_key("all"),
        };
        found.then_some(name)
    });
    told.collect()
}

fn wanted(name: &str, held: &CredentialNow, now: &Present) -> Wanted {
    let access = held
        .access
        .iter()
        .map(|(scope, access)| (scope.key().to_owned(), *access));
    let settings = held
        .settings
        .iter()
        .map(|(k, v)| (k.clone(), Some(v.clone())));
    Wanted {
        access: access.collect(),
        connection_limit: (held.connection_limit != -1).then_some(held.connection_limit),
        settings: settings.collect(),
        login: (!held.open).then_some(false),
        tables: tables(name, held, now),
        roles: held.roles.clone(),
    }
}

/// The rights on tables in schemas that the credential may use: a spec that gives rights on a table gives the
/// use of its schema too.
fn tables(credential: &str, held: &CredentialNow, now: &Present) -> BTreeMap<TableName, u32> {
    let known = TABLE_RIGHTS.iter().fold(0, |bits, (_, bit)| bits | bit);
    let uses = |schema: &str| {
        held.access_on(schema).is_some()
            || held.access.contains_key(&Scope::Every)
            || now.has_on_schema(credential, schema, USAGE, false)
    };
    let mut tables = BTreeMap::new();
    for given in now.direct.iter().filter(|d| d.credential == credential) {
        let (ObjectIs::Table(table), 0) = (&given.object.kind, given.object.column) else {
            continue;
        };
        let name = TableName {
            schema: given.schema.clone(),
            table: table.clone(),
        };
        if given.rights & known != 0 && uses(&given.schema) {
            *tables.entry(name).or_default() |= given.rights & known;
        }
    }
    tables
}
