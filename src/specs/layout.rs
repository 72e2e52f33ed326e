//! Complete set-ups for an app, as specs to read and change.

use super::reading::check_schema_name;
use super::spec::{GroupName, Schema, Spec, Wanted, LONGEST};
use crate::core::name::{Name, Naming};
use crate::error::{shown, Error, Kind, Result};
use crate::permissions::{Access, GroupKind};
use std::collections::BTreeMap;

/// The set-ups there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Groups that own, write and read; logins that deploy, run the app, analyse and monitor.
    OwnerWriterReader,
    /// The app's user, its migrator, a reader, and a person one step below superuser.
    FourRoles,
}

/// What a layout is asked for.
pub struct Ask<'a> {
    /// The app.
    pub app: &'a str,
    /// Where its tables are; by the app's name without it.
    pub schema: Option<&'a str>,
    /// What every name ends with.
    pub environment: Option<&'a str>,
    /// The default credential's role where the caller may make somebody its member: a superuser.
    pub deputy_of: Option<&'a str>,
    /// The naming rules that logins must keep.
    pub naming: Naming,
}

impl Layout {
    /// The layout of a word (22023).
    pub fn parse(word: &str) -> Result<Layout> {
        match word {
            "owner_writer_reader" => Ok(Layout::OwnerWriterReader),
            "four_roles" => Ok(Layout::FourRoles),
            _ => Err(Kind::BadArgument
                .error(format!("unknown layout \"{}\"", shown(word)))
                .hint("Use owner_writer_reader or four_roles.")),
        }
    }

    /// The spec of this layout.
    pub fn spec(self, ask: &Ask) -> Result<Spec> {
        let app = plain("app", ask.app)?;
        let suffix = match ask.environment {
            Some(word) => format!("_{}", plain("environment", word)?),
            None => String::new(),
        };
        let schema = match ask.schema {
            Some(schema) => schema.to_owned(),
            None => format!("{app}{suffix}"),
        };
        check_schema_name(&schema)?;
        let logins = match self {
            Layout::OwnerWriterReader => owner_writer_reader(&app, &schema),
            Layout::FourRoles => four_roles(&app, &schema, ask),
        };
        let mut credentials = BTreeMap::new();
        for (name, wanted) in logins {
            let name = Name::parse(&format!("{name}{suffix}"), ask.naming)?;
            credentials.insert(name.as_str().to_owned(), wanted);
        }
        let rest = format!("{app}{suffix}");
        let group = |kind| GroupName {
            kind,
            rest: rest.clone(),
        };
        if let Some(long) = GroupKind::ALL
            .map(group)
            .iter()
            .find(|g| g.role().len() > LONGEST)
        {
            return Err(too_long(&long.role()));
        }
        let owned = Schema {
            owner: Some(group(GroupKind::Owner)),
            authoritative: false,
        };
        Ok(Spec {
            schemas: BTreeMap::from([(schema, owned)]),
            groups: GroupKind::ALL.map(group).into(),
            credentials,
            ..Spec::default()
        })
    }
}

/// An app's name, or an environment's, as it stands in the names of roles: `-` becomes `_`, so that no
/// name needs quotes. Neither can hold a `_`, so no two apps become one.
fn plain(argument: &str, raw: &str) -> Result<String> {
    let starts_well = raw.bytes().next().is_some_and(|b| b != b'-');
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !starts_well || raw.len() > LONGEST || !raw.bytes().all(known) {
        return Err(Kind::BadName
            .error(format!("{argument} \"{}\" is not allowed", shown(raw)))
            .detail("It has 1 to 63 characters, each a letter a-z, a digit or -, the first no -.")
            .hint("Choose another name, such as 'shop'."));
    }
    Ok(raw.replace('-', "_"))
}

fn too_long(name: &str) -> Error {
    Kind::BadName
        .error(format!("name \"{}\" is not allowed", shown(name)))
        .detail("The name of a role has at most 63 bytes.")
        .hint("Choose a shorter name for the app or the environment.")
}

type Logins = Vec<(String, Wanted)>;

fn owner_writer_reader(app: &str, schema: &str) -> Logins {
    vec![
        (format!("deploy_{app}"), migrator(schema)),
        (format!("app_{app}"), application(schema)),
        (format!("analyst_{app}"), analyst(schema)),
        ("monitor".to_owned(), member_of("pg_monitor")),
    ]
}

fn four_roles(app: &str, schema: &str, ask: &Ask) -> Logins {
    let mut logins = vec![
        (format!("{app}_user"), application(schema)),
        (format!("{app}_migrator"), migrator(schema)),
        (format!("{app}_readonly"), analyst(schema)),
    ];
    // Scalingo's rules ask for six characters.
    let dba = match ask.naming {
        Naming::Heroku => "dba".to_owned(),
        Naming::Scalingo => format!("{app}_dba"),
    };
    logins.extend(ask.deputy_of.map(|role| (dba, member_of(role))));
    logins
}

/// Runs the app: many short statements.
fn application(schema: &str) -> Wanted {
    login(schema, Access::ReadWrite, 50, "statement_timeout", "30s")
}

/// Changes the schema: it must not stand in the queue for a lock while everybody stands behind it.
fn migrator(schema: &str) -> Wanted {
    login(schema, Access::Owner, 5, "lock_timeout", "5s")
}

/// Reads, now and then for long.
fn analyst(schema: &str) -> Wanted {
    login(schema, Access::ReadOnly, 10, "statement_timeout", "5min")
}

fn login(schema: &str, access: Access, limit: i32, setting: &str, value: &str) -> Wanted {
    Wanted {
        access: BTreeMap::from([(schema.to_owned(), access)]),
        connection_limit: Some(limit),
        settings: BTreeMap::from([(setting.to_owned(), Some(value.to_owned()))]),
        ..Wanted::default()
    }
}

/// A person or a program that looks after the server and needs no table of the app's.
fn member_of(role: &str) -> Wanted {
    Wanted {
        connection_limit: Some(5),
        roles: [role.to_owned()].into(),
        ..Wanted::default()
    }
}

#[cfg(test)]
mod tests;
