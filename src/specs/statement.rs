//! The statements that stand for steps, written as a person would type them.

use super::present::{Present, Scope};
use super::spec::{table_rights, GroupName};
use super::step::{Line, Owner};
use crate::core::quote::{ident, literal};
use crate::permissions::{Access, GroupKind};
use crate::pg::acl::rights;
use serde_json::{json, Map, Value as Json};
use std::collections::BTreeMap;

pub(super) fn line(action: &'static str, object: String, statement: String) -> Line {
    Line {
        action,
        object,
        statement,
    }
}

pub(super) fn of(kind: &str, name: &str) -> String {
    format!("{kind} {}", ident(name))
}

pub(super) fn join(role: &str, member: &str) -> Line {
    let statement = format!("GRANT {} TO {};", ident(role), ident(member));
    line("grant", of("role", role), statement)
}

pub(super) fn administer(role: &str, member: &str) -> Line {
    let (quoted, member) = (ident(role), ident(member));
    let statement = format!("GRANT {quoted} TO {member} WITH ADMIN OPTION;");
    line("grant", of("role", role), statement)
}

pub(super) fn leave(role: &str, member: &str) -> Line {
    let statement = format!("REVOKE {} FROM {};", ident(role), ident(member));
    line("revoke", of("role", role), statement)
}

/// A group is made, and default may give it.
pub(super) fn create_role(group: &GroupName, now: &Present) -> Vec<Line> {
    let name = group.role();
    let statement = format!("CREATE ROLE {} NOLOGIN;", ident(&name));
    vec![
        line("create", of("role", &name), statement),
        administer(&name, &now.default_role),
    ]
}

pub(super) fn new_schema(schema: &str, owner: &Owner, now: &Present) -> Vec<Line> {
    let (mut lines, role) = match owner {
        Owner::Group(group) => (create_role(group, now), group.role()),
        Owner::Default(role) => (Vec::new(), role.clone()),
    };
    let statement = format!(
        "CREATE SCHEMA {} AUTHORIZATION {};",
        ident(schema),
        ident(&role)
    );
    lines.push(line("create", of("schema", schema), statement));
    lines
}

pub(super) fn own_schema(
    schema: &str,
    owner: &GroupName,
    new_group: bool,
    now: &Present,
) -> Vec<Line> {
    let object = || of("schema", schema);
    let mut lines = Vec::new();
    if new_group {
        lines.extend(create_role(owner, now));
        // What its members make is for the readers and writers that are there.
        for kind in [GroupKind::Reader, GroupKind::Writer] {
            if let Some(group) = now.group_of(&Scope::of(schema), kind) {
                let future = future(&owner.role(), Some(schema), kind, group);
                lines.extend(future.into_iter().map(|text| line("grant", object(), text)));
            }
        }
    }
    let statement = format!(
        "ALTER SCHEMA {} OWNER TO {};",
        ident(schema),
        ident(&owner.role())
    );
    lines.push(line("own", object(), statement));
    lines
}

/// What a DBA would type for a group. Routines are given one by one, those alone that run with the rights
/// of whoever calls them.
pub(super) fn new_group(
    group: &GroupName,
    scope: &Scope,
    schemas: &[String],
    owner: Option<&str>,
    now: &Present,
) -> Vec<Line> {
    let mut lines = create_role(group, now);
    let role = group.role();
    let place = match scope {
        Scope::Schema(schema) => Some(schema.as_str()),
        Scope::Every => None,
    };
    for schema in schemas {
        let present = present(schema, group.kind, &role);
        let granted = present.map(|text| line("grant", of("schema", schema), text));
        lines.extend(granted);
    }
    let object = || match place {
        Some(schema) => of("schema", schema),
        None => of("role", &role),
    };
    let creators = [Some(now.default_role.as_str()), owner];
    for creator in creators.into_iter().flatten() {
        let future = future(creator, place, group.kind, &role);
        lines.extend(future.into_iter().map(|text| line("grant", object(), text)));
    }
    lines
}

/// The rights of a group on tables and on sequences, as GRANT has them.
fn words_of(kind: GroupKind) -> (&'static str, &'static str) {
    match kind {
        GroupKind::Writer => ("SELECT, INSERT, UPDATE, DELETE", "SELECT, USAGE"),
        _ => ("SELECT", "SELECT"),
    }
}

/// A group's rights on what is in a schema.
fn present(schema: &str, kind: GroupKind, role: &str) -> [String; 3] {
    let (tables, sequences) = words_of(kind);
    let (schema, role) = (ident(schema), ident(role));
    [
        format!("GRANT USAGE ON SCHEMA {schema} TO {role};"),
        format!("GRANT {tables} ON ALL TABLES IN SCHEMA {schema} TO {role};"),
        format!("GRANT {sequences} ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"),
    ]
}

/// A group's rights on what somebody will make, in a schema or in all.
fn future(creator: &str, schema: Option<&str>, kind: GroupKind, role: &str) -> Vec<String> {
    let (tables, sequences) = words_of(kind);
    let place = schema.map_or_else(String::new, |schema| {
        format!(" IN SCHEMA {}", ident(schema))
    });
    let start = format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {}{place}",
        ident(creator)
    );
    let role = ident(role);
    let mut texts = vec![
        format!("{start} GRANT {tables} ON TABLES TO {role};"),
        format!("{start} GRANT {sequences} ON SEQUENCES TO {role};"),
    ];
    if schema.is_none() {
        texts.push(format!("{start} GRANT USAGE ON SCHEMAS TO {role};"));
    }
    texts
}

pub(super) fn configuration(
    limit: Option<i32>,
    settings: &BTreeMap<String, Option<String>>,
) -> String {
    let mut arguments = limit.map_or_else(String::new, |n| format!(", connection_limit => {n}"));
    if !settings.is_empty() {
        let map: Map<String, Json> = settings
            .iter()
            .map(|(k, v)| (k.clone(), json!(v)))
            .collect();
        let text = Json::Object(map).to_string();
        arguments.push_str(&format!(", settings => {}", literal(&text)));
    }
    arguments
}

pub(super) fn preset(access: Access, scope: &Scope) -> String {
    format!(
        ", {}, {}",
        literal(access.as_str()),
        literal(&list(scope.key()))
    )
}

/// A `text[]` of one element as a person types it.
pub(super) fn list(element: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    // The word NULL would be none.
    if element == "*" || (element.bytes().all(plain) && !element.eq_ignore_ascii_case("null")) {
        return format!("{{{element}}}");
    }
    format!(
        "{{\"{}\"}}",
        element.replace('\\', "\\\\").replace('"', "\\\"")
    )
}

/// Rights as a REVOKE names them, each with its column where it is on one: `SELECT (id), UPDATE (id)`.
pub(super) fn columned(bits: u32, column: Option<&str>) -> String {
    let on = column.map_or_else(String::new, |column| format!(" ({})", ident(column)));
    let named: Vec<String> = words(bits)
        .iter()
        .map(|word| format!("{word}{on}"))
        .collect();
    named.join(", ")
}

/// The words of rights on any object.
pub(super) fn words(bits: u32) -> Vec<&'static str> {
    let others = [
        ("EXECUTE", rights::EXECUTE),
        ("USAGE", rights::USAGE),
        ("CREATE", rights::CREATE),
    ];
    let more = others.iter().filter(|(_, bit)| bits & bit != 0);
    let mut words = table_rights(bits);
    words.extend(more.map(|(word, _)| *word));
    words
}

#[cfg(test)]
mod tests;
