//! What a spec says. Every key is optional, and what is absent is left as it is.

use crate::permissions::{Access, GroupKind};
use crate::pg::acl::rights;
use std::collections::{BTreeMap, BTreeSet};

pub use crate::attachments::plan::{Held, Variable, Variables};
pub use crate::flat::Stage;
pub use crate::tenants::{TableName, Tenant};

/// How a spec says "every schema there is and will be".
pub const EVERY: &str = "*";

/// The longest name of a role or schema that the server keeps whole.
pub(super) const LONGEST: usize = 63;

/// What should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// Schemas by name.
    pub schemas: BTreeMap<String, Schema>,
    /// Groups that should be there.
    pub groups: BTreeSet<GroupName>,
    /// Credentials by name.
    pub credentials: BTreeMap<String, Wanted>,
    /// Config variables of apps.
    pub attachments: Variables,
    /// Credentials that see their own rows of shared tables.
    pub tenants: Vec<Tenant>,
    /// A role that did everything, and how far it is on its way out.
    pub from: Option<From>,
}

/// A schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The group that should own it.
    pub owner: Option<GroupName>,
    /// Whether what the spec does not name is taken away.
    pub authoritative: bool,
}

/// The name of a managed group, which says its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupName {
    /// What it is for.
    pub kind: GroupKind,
    /// What follows `db_reader_`, `db_writer_` or `db_owner_`.
    pub rest: String,
}

/// A credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Presets by schema; [`EVERY`] for every schema.
    pub access: BTreeMap<String, Access>,
    /// Sessions at most; -1 for no limit.
    pub connection_limit: Option<i32>,
    /// Settings in the home database; nothing resets one.
    pub settings: BTreeMap<String, Option<String>>,
    /// Whether it can log in.
    pub login: Option<bool>,
    /// Rights on single tables, as bits of an access list.
    pub tables: BTreeMap<TableName, u32>,
    /// Roles that it is a member of.
    pub roles: BTreeSet<String>,
}

/// A role that owned and did everything, to be replaced by the spec's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// The role.
    pub role: String,
    /// How far it is to go; each stage contains those before.
    pub stage: Stage,
}

/// The rights that a spec can give on a table, in the order in which the server prints them.
pub const TABLE_RIGHTS: [(&str, u32); 7] = [
    ("INSERT", rights::INSERT),
    ("SELECT", rights::SELECT),
    ("UPDATE", rights::UPDATE),
    ("DELETE", rights::DELETE),
    ("TRUNCATE", rights::TRUNCATE),
    ("REFERENCES", rights::REFERENCES),
    ("TRIGGER", rights::TRIGGER),
];

/// The words of rights on a table.
pub fn table_rights(bits: u32) -> Vec<&'static str> {
    let has = |(_, bit): &&(&str, u32)| bits & bit != 0;
    TABLE_RIGHTS
        .iter()
        .filter(has)
        .map(|(word, _)| *word)
        .collect()
}

impl GroupName {
    /// Reads a name that begins as those of groups do.
    pub fn parse(raw: &str) -> Option<GroupName> {
        let kind = GroupKind::ALL
            .into_iter()
            .find(|kind| raw.starts_with(kind.prefix()))?;
        let rest = raw.strip_prefix(kind.prefix())?.to_owned();
        let whole = !rest.is_empty() && raw.len() <= LONGEST && !rest.chars().any(char::is_control);
        whole.then_some(GroupName { kind, rest })
    }

    /// The role's name.
    pub fn role(&self) -> String {
        format!("{}{}", self.kind.prefix(), self.rest)
    }
}

impl TableName {
    /// Reads a name as SQL has it, with its schema: what is not in double quotes is folded to lower case.
    pub fn parse(raw: &str) -> Option<TableName> {
        let (schema, rest) = identifier(raw)?;
        let (table, rest) = identifier(rest.strip_prefix('.')?)?;
        rest.is_empty().then_some(TableName { schema, table })
    }
}

/// The first identifier of a text, and what follows it.
fn identifier(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['.', '"']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let odd = |c: char| c.is_whitespace() || c.is_control();
        let is_word = !word.is_empty() && !word.contains(odd) && word.len() <= LONGEST;
        return is_word.then(|| (word.to_ascii_lowercase(), rest));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        rest = after;
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => break,
        }
    }
    (!name.is_empty() && name.len() <= LONGEST).then_some((name, rest))
}

#[cfg(test)]
pub(in crate::specs) mod tests;
