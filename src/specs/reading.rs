//! A document becomes a [`Spec`]. Unknown keys and wrong types are refused with their path, since a misspelt
//! key that is passed over gives nobody what it says.

use super::path::At;
use super::spec::{
    From, GroupName, Held, Schema, Spec, Stage, TableName, Tenant, Variable, Variables, Wanted,
    EVERY, LONGEST, TABLE_RIGHTS,
};
use crate::attachments::endpoint;
use crate::core::{app, name};
use crate::error::{shown, Error, Kind, Result};
use crate::lifecycle::settings_json;
use crate::permissions::{Access, GroupKind};
use serde_json::Value as Json;
use std::collections::BTreeMap;

impl Spec {
    /// Reads a document (22023 with the path of what is wrong).
    pub fn parse(document: &Json) -> Result<Spec> {
        let top = At::top(document);
        let [schemas, groups, credentials, attachments, tenants, from] = top.fields([
            "schemas",
            "groups",
            "credentials",
            "attachments",
            "tenants",
            "from",
        ])?;
        let spec = Spec {
            schemas: named(schemas, schema)?,
            groups: listed(groups, group_name)?.into_iter().collect(),
            credentials: named(credentials, wanted)?,
            attachments: attachments.map_or_else(|| Ok(Variables::new()), |at| variables(&at))?,
            tenants: listed(tenants, tenant)?,
            from: from.as_ref().map(from_role).transpose()?,
        };
        spec.refuse_shared_owners()?;
        Ok(spec)
    }

    /// A group owns one schema: rights that it has are rights on that.
    fn refuse_shared_owners(&self) -> Result<()> {
        let mut owners = BTreeMap::new();
        for (name, schema) in &self.schemas {
            let Some(owner) = &schema.owner else { continue };
            if let Some(other) = owners.insert(owner, name) {
                let (a, b) = (shown(other), shown(name));
                return Err(Kind::BadArgument
                    .error(format!("schemas \"{a}\" and \"{b}\" have the same owner"))
                    .detail("A group db_owner_* owns one schema and what is in it.")
                    .hint("Give each schema an owner group of its own."));
            }
        }
        Ok(())
    }
}

/// An object of names.
fn named<T>(at: Option<At>, read: fn(&str, &At) -> Result<T>) -> Result<BTreeMap<String, T>> {
    let Some(at) = at else {
        return Ok(BTreeMap::new());
    };
    let entry = |(name, at): (&str, At)| Ok((name.to_owned(), read(name, &at)?));
    at.entries()?.into_iter().map(entry).collect()
}

/// A list.
fn listed<T>(at: Option<At>, read: fn(&At) -> Result<T>) -> Result<Vec<T>> {
    match at {
        Some(at) => at.list()?.iter().map(read).collect(),
        None => Ok(Vec::new()),
    }
}

fn schema(name: &str, at: &At) -> Result<Schema> {
    check_schema_name(name)?;
    let [owner, authoritative] = at.fields(["owner", "authoritative"])?;
    Ok(Schema {
        owner: owner.as_ref().map(owner_name).transpose()?,
        authoritative: authoritative.map_or(Ok(false), |at| at.boolean())?,
    })
}

/// Refuses a schema that is not a user's, and a name that none can have.
pub fn check_schema_name(name: &str) -> Result<()> {
    let plain = (1..=LONGEST).contains(&name.len()) && name != EVERY;
    if !plain {
        return Err(Kind::BadName
            .error(format!("schema name \"{}\" is not allowed", shown(name)))
            .detail("A schema's name has 1 to 63 bytes, and * means every schema.")
            .hint("Choose another name."));
    }
    if name.starts_with("pg_") || matches!(name, "information_schema" | "credentials") {
        return Err(Kind::ReservedName
            .error(format!("schema name \"{}\" is reserved", shown(name)))
            .detail(
                "pg_*, information_schema and credentials belong to the server and the extension.",
            )
            .hint("Choose another name."));
    }
    Ok(())
}

fn group_name(at: &At) -> Result<GroupName> {
    GroupName::parse(at.text()?).ok_or_else(|| {
        at.wrong("a name of at most 63 bytes that starts with db_reader_, db_writer_ or db_owner_")
    })
}

fn owner_name(at: &At) -> Result<GroupName> {
    GroupName::parse(at.text()?)
        .filter(|group| group.kind == GroupKind::Owner)
        .ok_or_else(|| at.wrong("a name of at most 63 bytes that starts with db_owner_"))
}

fn wanted(name: &str, at: &At) -> Result<Wanted> {
    if name::is_default_target(name) {
        return Err(Kind::Denied
            .error("the default credential is not a matter of a spec")
            .detail("It owns the database; what it must be and hold is known.")
            .hint("SELECT * FROM credentials.repair_default();"));
    }
    let [access, limit, settings, login, tables, roles] = at.fields([
        "access",
        "connection_limit",
        "settings",
        "login",
        "tables",
        "roles",
    ])?;
    Ok(Wanted {
        access: named(access, access_on)?,
        connection_limit: limit.map(|at| at.limit()).transpose()?,
        settings: settings.map_or_else(|| Ok(BTreeMap::new()), |at| settings_of(&at))?,
        login: login.map(|at| at.boolean()).transpose()?,
        tables: tables.map_or_else(|| Ok(BTreeMap::new()), |at| tables_of(&at))?,
        roles: listed(roles, role_name)?.into_iter().collect(),
    })
}

fn access_on(schema: &str, at: &At) -> Result<Access> {
    let access = Access::parse(at.text()?).map_err(|error| at.blame(&error))?;
    if schema != EVERY {
        check_schema_name(schema)?;
    } else if access == Access::Owner {
        return Err(at.wrong("read_only or read_write, since a schema has one owner"));
    }
    Ok(access)
}

fn settings_of(at: &At) -> Result<BTreeMap<String, Option<String>>> {
    let changes = settings_json::parse(at.value()).map_err(|error| at.blame(&error))?;
    let mut settings = BTreeMap::new();
    for change in changes {
        // Settings are known without regard to case, so the same one could stand here twice.
        if settings
            .insert(change.name.to_ascii_lowercase(), change.value)
            .is_some()
        {
            return Err(at.wrong("settings of different names"));
        }
    }
    Ok(settings)
}

fn tables_of(at: &At) -> Result<BTreeMap<TableName, u32>> {
    let mut tables = BTreeMap::new();
    for (name, at) in at.entries()? {
        let table = table_name(name, &at)?;
        let mut bits = 0;
        for at in at.list()? {
            let word = at.text()?;
            bits |= TABLE_RIGHTS
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(word))
                .map(|(_, bit)| *bit)
                .ok_or_else(|| {
                    at.wrong("SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES or TRIGGER")
                })?;
        }
        *tables.entry(table).or_default() |= bits;
    }
    Ok(tables)
}

fn table_name(raw: &str, at: &At) -> Result<TableName> {
    let table = TableName::parse(raw).ok_or_else(|| {
        at.wrong("under the name of a table with its schema, such as shop.payments")
    })?;
    check_schema_name(&table.schema)?;
    Ok(table)
}

fn role_name(at: &At) -> Result<String> {
    let name = at.text()?;
    if name.is_empty() || name.len() > LONGEST {
        return Err(at.wrong("a role's name"));
    }
    if GroupName::parse(name).is_some() {
        return Err(at
            .wrong("a role that is no managed group")
            .hint("Name the preset in access."));
    }
    Ok(name.to_owned())
}

/// Variables by app: each names a credential, or an object of a credential and the endpoint that it leads to.
fn variables(at: &At) -> Result<Variables> {
    let mut variables = Variables::new();
    for (app, at) in at.entries()? {
        app::check_app(app).map_err(|error| at.blame(&error))?;
        for (config_var, at) in at.entries()? {
            let named = app::as_name(config_var)
                .ok_or_else(|| at.wrong("under a config variable that ends with _URL"))?;
            app::named_variable(named).map_err(|error| at.blame(&error))?;
            let variable = Variable {
                app: app.to_owned(),
                config_var: config_var.to_owned(),
            };
            variables.insert(variable, held(&at)?);
        }
    }
    Ok(variables)
}

fn held(at: &At) -> Result<Held> {
    let (credential, endpoint) = match at.value() {
        Json::Object(_) => {
            let [credential, endpoint] = at.fields(["credential", "endpoint"])?;
            let credential = credential.ok_or_else(|| missing(at, "credential"))?;
            let endpoint = endpoint.map(|at| at.text()).transpose()?;
            (credential.text()?, endpoint.unwrap_or(endpoint::LEADER))
        }
        _ => (at.text()?, endpoint::LEADER),
    };
    // Both words mean the default credential; what is is told by its name.
    let credential = match name::is_default_target(credential) {
        true => name::DEFAULT,
        false => credential,
    };
    Ok(Held {
        credential: credential.to_owned(),
        endpoint: endpoint.to_owned(),
    })
}

fn tenant(at: &At) -> Result<Tenant> {
    let [credential, tables, column, value] =
        at.fields(["credential", "tables", "column", "value"])?;
    let need = |field: Option<At>, key: &str| match field {
        Some(at) => Ok(at.text()?.to_owned()),
        None => Err(missing(at, key)),
    };
    let tables = tables.ok_or_else(|| missing(at, "tables"))?.list()?;
    let read = |at: &At| table_name(at.text()?, at);
    Ok(Tenant {
        credential: need(credential, "credential")?,
        tables: tables.iter().map(read).collect::<Result<_>>()?,
        column: need(column, "column")?,
        value: need(value, "value")?,
    })
}

fn from_role(at: &At) -> Result<From> {
    let [role, stage] = at.fields(["role", "stage"])?;
    let role = role.ok_or_else(|| missing(at, "role"))?;
    let stage = stage.ok_or_else(|| missing(at, "stage"))?;
    let word = stage.text()?;
    Ok(From {
        role: role.text()?.to_owned(),
        stage: Stage::parse(word).ok_or_else(|| {
            stage.wrong("prepare, grant, default_privileges, login, observe or retire")
        })?,
    })
}

fn missing(at: &At, key: &str) -> Error {
    at.wrong(&format!("an object with the key {key}"))
}
