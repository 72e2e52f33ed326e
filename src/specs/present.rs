//! What is: as much of the present state as a spec can speak of.

use super::spec::{GroupName, TableName};
use crate::attachments::plan::Stock;
use crate::core::name::Naming;
use crate::error::Error;
use crate::flat::Flat;
use crate::permissions::{Access, GroupKind};
use crate::pg::Oid;
use crate::tenants::Shared;
use std::collections::{BTreeMap, BTreeSet};

/// The present state.
#[derive(Clone, Debug, PartialEq)]
pub struct Present {
    /// Who asks.
    pub caller: Asker,
    /// The default credential's role.
    pub default_role: String,
    /// The naming rules in force.
    pub naming: Naming,
    /// How many more credentials there may be, of how many.
    pub vacancies: (i64, i64),
    /// Users' schemas by name.
    pub schemas: BTreeMap<String, SchemaNow>,
    /// Managed groups by the names of their roles.
    pub groups: BTreeMap<String, GroupNow>,
    /// Every credential but default, by name.
    pub credentials: BTreeMap<String, CredentialNow>,
    /// Roles of the names that the spec has.
    pub roles: BTreeMap<String, RoleNow>,
    /// Who is a member of which role, each by name, where the spec makes members.
    pub memberships: BTreeSet<(String, String)>,
    /// Tables of the names that the spec has.
    pub tables: BTreeMap<TableName, TableNow>,
    /// What credentials were given on schemas and on what is in them, other than through groups.
    pub direct: Vec<Direct>,
    /// What apps have, and what could be attached.
    pub stock: Stock,
    /// Tables that have tenants, and those that the spec names tenants of.
    pub shared: BTreeMap<TableName, Shared>,
    /// The role that the spec leaves.
    pub flat: Option<Flat>,
    /// Who owned the schemas of owning groups before these took them over on the way from that role.
    pub former_owners: BTreeMap<String, String>,
}

/// What the caller may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Whether it may create schemas here.
    pub creates_schemas: bool,
    /// Whether it may give presets on every schema there is and will be.
    pub everywhere: bool,
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaNow {
    /// Its OID.
    pub oid: Oid,
    /// Its owner's name.
    pub owner: String,
    /// Whether PUBLIC has a right on it.
    pub open: bool,
    /// Whether the caller may speak for its owner.
    pub may: bool,
}

/// What a group's rights are on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One schema, by name.
    Schema(String),
    /// Every schema there is and will be.
    Every,
}

/// A managed group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupNow {
    /// What it is for.
    pub kind: GroupKind,
    /// What its rights are on.
    pub scope: Scope,
}

/// A credential.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialNow {
    /// The OID of its role.
    pub role: Oid,
    /// The name of its role.
    pub role_name: String,
    /// Why nothing can be done to it, where that is so.
    pub trouble: Option<Error>,
    /// Whether it ends by itself.
    pub lease: bool,
    /// Whether it can log in, and will go on to.
    pub open: bool,
    /// Sessions at most; -1 for no limit.
    pub connection_limit: i32,
    /// Settings in the home database, by their names in lower case, as the server stores them.
    pub settings: BTreeMap<String, String>,
    /// The preset it has on each scope.
    pub access: BTreeMap<Scope, Access>,
    /// The roles it is a member of, managed groups left out.
    pub roles: BTreeSet<String>,
}

/// A role that the spec names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleNow {
    /// Whether it is a superuser, or a member of one.
    pub superuser: bool,
}

/// A table that the spec names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNow {
    /// Its OID.
    pub oid: Oid,
    /// Its owner, who needs no right.
    pub owner: Oid,
    /// Whether the caller may speak for its owner.
    pub may: bool,
}

/// What one credential was given on one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    /// The credential.
    pub credential: String,
    /// The schema, or the one that the object is in.
    pub schema: String,
    /// The object.
    pub object: Object,
    /// The rights, as bits of an access list.
    pub rights: u32,
    /// Those of them that the object's owner gave, which nobody else's loss takes away.
    pub by_owner: u32,
    /// Whether it may hand one of them on.
    pub options: bool,
    /// Whether the caller may speak for the object's owner.
    pub may: bool,
}

/// An object that carries rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: ObjectIs,
    /// Its OID.
    pub oid: Oid,
    /// The number of the column, 0 for the whole.
    pub column: i32,
    /// The column's name.
    pub column_name: Option<String>,
    /// How a GRANT names it: `TABLE shop.orders`.
    pub named: String,
}

/// What carries rights, as far as specs tell it apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectIs {
    /// The schema itself.
    Schema,
    /// A table or view of this name, or a column of it.
    Table(String),
    /// A sequence.
    Sequence,
    /// A function, procedure or aggregate.
    Routine,
}

impl Present {
    /// The group of a scope and kind, by name.
    pub fn group_of(&self, scope: &Scope, kind: GroupKind) -> Option<&str> {
        self.groups
            .iter()
            .find(|(_, group)| group.kind == kind && group.scope == *scope)
            .map(|(name, _)| name.as_str())
    }

    /// The role of a credential: one that is to be made will bear the credential's name.
    pub fn role_of(&self, credential: &str) -> String {
        let held = self.credentials.get(credential);
        held.map_or_else(|| credential.to_owned(), |held| held.role_name.clone())
    }

    /// What a credential was given on a table as a whole; with `firmly` by the table's owner.
    pub fn rights_on(&self, credential: &str, table: &TableName, firmly: bool) -> u32 {
        self.direct
            .iter()
            .filter(|d| d.credential == credential && d.is_table(table))
            .fold(0, |bits, d| bits | d.held(firmly))
    }

    /// Whether a credential was given this right on a schema itself; with `firmly` by the schema's owner.
    pub fn has_on_schema(&self, credential: &str, schema: &str, right: u32, firmly: bool) -> bool {
        self.direct.iter().any(|d| {
            d.credential == credential
                && d.schema == schema
                && d.object.kind == ObjectIs::Schema
                && d.held(firmly) & right != 0
        })
    }
}

impl Direct {
    fn held(&self, firmly: bool) -> u32 {
        match firmly {
            true => self.by_owner,
            false => self.rights,
        }
    }

    /// Whether this is about the table as a whole.
    pub fn is_table(&self, table: &TableName) -> bool {
        self.schema == table.schema
            && self.object.column == 0
            && matches!(&self.object.kind, ObjectIs::Table(name) if *name == table.table)
    }
}

impl CredentialNow {
    /// The preset on a schema of this name.
    pub fn access_on(&self, schema: &str) -> Option<Access> {
        self.access.get(&Scope::of(schema)).copied()
    }
}

impl Scope {
    /// The scope that a key of `access` means.
    pub fn of(key: &str) -> Scope {
        match key {
            super::spec::EVERY => Scope::Every,
            schema => Scope::Schema(schema.to_owned()),
        }
    }

    /// The key of `access`.
    pub fn key(&self) -> &str {
        match self {
            Scope::Every => super::spec::EVERY,
            Scope::Schema(schema) => schema,
        }
    }
}

impl GroupNow {
    /// Whether a group of this name and place would be found again by the rule of names.
    pub fn is(&self, name: &GroupName, scope: &Scope) -> bool {
        self.kind == name.kind && self.scope == *scope
    }
}
