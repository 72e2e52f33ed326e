//! One step of a plan, and the statements that a person would type for it.

use super::present::{Object, Present, Scope};
use super::spec::{table_rights, GroupName, TableName};
use super::statement::{
    administer, columned, configuration, join, leave, line, list, new_group, new_schema, of,
    own_schema, preset,
};
use crate::attachments;
use crate::core::quote::{ident, literal};
use crate::flat;
use crate::permissions::Access;
use crate::pg::Oid;
use crate::tenants;
use std::collections::BTreeMap;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A schema is made.
    NewSchema {
        /// Its name.
        schema: String,
        /// The owner's role: a group that is made with it, or default.
        owner: Owner,
    },
    /// A schema that is there, and what is in it, gets a group as its owner.
    OwnSchema {
        /// The schema.
        schema: String,
        /// The group.
        owner: GroupName,
        /// Whether the group is made for it.
        new_group: bool,
    },
    /// PUBLIC loses what it has on a schema.
    CloseSchema {
        /// The schema.
        schema: String,
        /// Its OID, where it is there already.
        oid: Oid,
    },
    /// A group that reads or writes is made and given its rights.
    NewGroup {
        /// The group.
        group: GroupName,
        /// What its rights are on.
        scope: Scope,
        /// The schemas that these are when it is made, as far as the caller may give rights on them.
        schemas: Vec<String>,
        /// The schema's owner, whose future objects it gets rights on.
        owner: Option<String>,
    },
    /// A credential is made.
    Create {
        /// Its name.
        name: String,
        /// Sessions at most.
        connection_limit: Option<i32>,
        /// Whether it can log in.
        login: bool,
    },
    /// A credential gets another limit or other settings.
    Configure {
        /// Its name.
        name: String,
        /// Sessions at most, where that changes.
        connection_limit: Option<i32>,
        /// Settings that change; nothing resets one.
        settings: BTreeMap<String, Option<String>>,
    },
    /// A credential can no longer log in.
    Suspend {
        /// Its name.
        name: String,
    },
    /// A credential can log in again.
    Resume {
        /// Its name.
        name: String,
    },
    /// A credential gets a preset.
    Grant {
        /// Its name.
        name: String,
        /// The preset.
        access: Access,
        /// Where.
        scope: Scope,
    },
    /// A credential loses the preset that it has.
    Revoke {
        /// Its name.
        name: String,
        /// Where.
        scope: Scope,
    },
    /// A credential's role may use a schema.
    UseSchema {
        /// The credential.
        name: String,
        /// The schema.
        schema: String,
    },
    /// A credential's role gets rights on a table.
    GiveTable {
        /// The credential.
        name: String,
        /// The table.
        table: TableName,
        /// Its OID.
        oid: Oid,
        /// The rights that it lacks.
        rights: u32,
    },
    /// A credential's role loses rights on an object.
    Take {
        /// The credential.
        name: String,
        /// The object.
        object: Object,
        /// The rights that it has and should not have.
        rights: u32,
        /// Whether others may have them from it, who lose them too.
        cascade: bool,
    },
    /// A credential becomes a member of a role.
    Join {
        /// The credential.
        name: String,
        /// The role.
        role: String,
    },
    /// A credential becomes a member of default's role, which gives up its ADMIN OPTION for that.
    Deputise {
        /// The credential.
        name: String,
    },
    /// A credential is no longer a member of a role.
    Leave {
        /// The credential.
        name: String,
        /// The role.
        role: String,
    },
    /// A table gets other tenants.
    Share(tenants::Step),
    /// A config variable of an app is made, or holds another URL then.
    Attach(attachments::plan::Step),
    /// A step on the way from a flat role.
    Flat(flat::Step),
}

/// Who a new schema belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A group that is made with it.
    Group(GroupName),
    /// The default credential's role.
    Default(String),
}

pub use crate::tenants::Line;

impl Step {
    /// The lines that are shown for this step.
    pub fn lines(&self, now: &Present) -> Vec<Line> {
        let role = |name: &str| now.role_of(name);
        match self {
            Step::NewSchema { schema, owner } => new_schema(schema, owner, now),
            Step::OwnSchema {
                schema,
                owner,
                new_group,
            } => own_schema(schema, owner, *new_group, now),
            Step::CloseSchema { schema, .. } => vec![line(
                "revoke",
                of("schema", schema),
                format!("REVOKE ALL ON SCHEMA {} FROM PUBLIC;", ident(schema)),
            )],
            Step::NewGroup {
                group,
                scope,
                schemas,
                owner,
            } => new_group(group, scope, schemas, owner.as_deref(), now),
            Step::UseSchema { name, schema } => vec![line(
                "grant",
                of("schema", schema),
                format!(
                    "GRANT USAGE ON SCHEMA {} TO {};",
                    ident(schema),
                    ident(&role(name))
                ),
            )],
            Step::GiveTable {
                name,
                table,
                rights,
                ..
            } => vec![line(
                "grant",
                format!("table {}", table.quoted()),
                format!(
                    "GRANT {} ON TABLE {} TO {};",
                    table_rights(*rights).join(", "),
                    table.quoted(),
                    ident(&role(name))
                ),
            )],
            Step::Take {
                name,
                object,
                rights,
                cascade,
            } => vec![line(
                "revoke",
                object.named.clone(),
                format!(
                    "REVOKE {} ON {} FROM {}{};",
                    columned(*rights, object.column_name.as_deref()),
                    object.named,
                    ident(&role(name)),
                    if *cascade { " CASCADE" } else { "" }
                ),
            )],
            Step::Join { name, role: group } => vec![join(group, &role(name))],
            Step::Leave { name, role: group } if *group == now.default_role => {
                vec![leave(group, &role(name)), administer(&role(name), group)]
            }
            Step::Leave { name, role: group } => vec![leave(group, &role(name))],
            Step::Deputise { name } => vec![
                leave(&role(name), &now.default_role),
                join(&now.default_role, &role(name)),
            ],
            Step::Share(step) => step.lines(role),
            Step::Flat(step) => step.lines(),
            Step::Attach(step) => {
                let object = || of("app", &step.variable.app);
                let lines = step.statements().into_iter();
                lines
                    .map(|(action, text)| line(action, object(), text))
                    .collect()
            }
            _ => self.call().into_iter().collect(),
        }
    }

    /// The credential that this step is about.
    pub fn credential(&self) -> Option<&str> {
        match self {
            Step::NewSchema { .. }
            | Step::OwnSchema { .. }
            | Step::CloseSchema { .. }
            | Step::NewGroup { .. }
            | Step::Share(_)
            | Step::Flat(_) => None,
            Step::Create { name, .. }
            | Step::Configure { name, .. }
            | Step::Suspend { name }
            | Step::Resume { name }
            | Step::Grant { name, .. }
            | Step::Revoke { name, .. }
            | Step::UseSchema { name, .. }
            | Step::GiveTable { name, .. }
            | Step::Take { name, .. }
            | Step::Join { name, .. }
            | Step::Leave { name, .. }
            | Step::Deputise { name } => Some(name),
            Step::Attach(step) => Some(&step.after.credential),
        }
    }

    /// The app that this step is about.
    pub fn app(&self) -> Option<&str> {
        match self {
            Step::Attach(step) => Some(&step.variable.app),
            _ => None,
        }
    }

    /// The line of a step that a function of ours does.
    fn call(&self) -> Option<Line> {
        let (name, action, arguments) = match self {
            Step::Create {
                name,
                connection_limit,
                login,
            } => {
                let limit = connection_limit.map(|n| format!(", connection_limit => {n}"));
                let login = (!login).then(|| ", login => false".to_owned());
                let more = limit.into_iter().chain(login).collect::<String>();
                (name, "create", more)
            }
            Step::Configure {
                name,
                connection_limit,
                settings,
            } => (
                name,
                "configure",
                configuration(*connection_limit, settings),
            ),
            Step::Suspend { name } => (name, "suspend", String::new()),
            Step::Resume { name } => (name, "resume", String::new()),
            Step::Grant {
                name,
                access,
                scope,
            } => (name, "grant", preset(*access, scope)),
            Step::Revoke { name, scope } => {
                let schemas = literal(&list(scope.key()));
                (name, "revoke", format!(", schemas => {schemas}"))
            }
            _ => return None,
        };
        let statement = format!(
            "SELECT * FROM credentials.{action}({}{arguments});",
            literal(name)
        );
        Some(line(action, of("credential", name), statement))
    }
}
