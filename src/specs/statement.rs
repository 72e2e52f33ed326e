//! The statements that stand for steps, written as a person would type them.

use super::present::Scope;
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

pub(super) fn create_role(group: &GroupName) -> Line {
    let name = group.role();
    line(
        "create",
        of("role", &name),
        format!("CREATE ROLE {} NOLOGIN;", ident(&name)),
    )
}

pub(super) fn new_schema(schema: &str, owner: &Owner) -> Vec<Line> {
    let (mut lines, role) = match owner {
        Owner::Group(group) => (vec![create_role(group)], group.role()),
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

pub(super) fn own_schema(schema: &str, owner: &GroupName, new_group: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = new_group.then(|| create_role(owner)).into_iter().collect();
    let statement = format!(
        "ALTER SCHEMA {} OWNER TO {};",
        ident(schema),
        ident(&owner.role())
    );
    lines.push(line("own", of("schema", schema), statement));
    lines
}

/// What a DBA would type for a group. Routines are given one by one, those alone that run with the rights
/// of whoever calls them.
pub(super) fn new_group(group: &GroupName, scope: &Scope, owner: Option<&str>) -> Vec<Line> {
    let mut lines = vec![create_role(group)];
    let role = ident(&group.role());
    let Scope::Schema(schema) = scope else {
        return lines;
    };
    let (object, schema) = (of("schema", schema), ident(schema));
    let (tables, sequences) = match group.kind {
        GroupKind::Writer => ("SELECT, INSERT, UPDATE, DELETE", "SELECT, USAGE"),
        _ => ("SELECT", "SELECT"),
    };
    let mut give = |statement: String| lines.push(line("grant", object.clone(), statement));
    give(format!("GRANT USAGE ON SCHEMA {schema} TO {role};"));
    give(format!(
        "GRANT {tables} ON ALL TABLES IN SCHEMA {schema} TO {role};"
    ));
    give(format!(
        "GRANT {sequences} ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"
    ));
    if let Some(owner) = owner {
        let future = format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {schema}",
            ident(owner)
        );
        give(format!("{future} GRANT {tables} ON TABLES TO {role};"));
        give(format!(
            "{future} GRANT {sequences} ON SEQUENCES TO {role};"
        ));
    }
    lines
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
