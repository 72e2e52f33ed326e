//! Default privileges of default and of the group that owns a schema: what the hook gives to new objects anyway,
//! where `\ddp` and a dump show it. For every creator they would keep roles that are not ours from being dropped.
//!
//! None on routines: they would open those that run with their owner's rights as well.

use super::group::{self, Group, EVERY_SCHEMA};
use super::preset::{GroupKind, ObjectKind};
use crate::catalog;
use crate::error::{Error, Kind, Result};
use crate::pg::acl::rights;
use crate::pg::grant::{self, Future};
use crate::pg::{ident, spi, Oid};

/// What is written for one kind of object.
const KINDS: [(Future, &str, ObjectKind); 3] = [
    (Future::Tables, "r", ObjectKind::Table),
    (Future::Sequences, "S", ObjectKind::Sequence),
    (Future::Schemas, "n", ObjectKind::Schema),
];

/// Writes what a new group needs: for a reader or writer, what default and the schema's owning group make for
/// it; for an owning group, what it makes for the readers and writers that are there.
pub fn of_group(group: &Group) -> Result<()> {
    if group.kind == GroupKind::Owner {
        return group::on_schema(group.scope)?
            .iter()
            .filter(|other| {
                other.scope == group.scope && other.kind != GroupKind::Owner && other.is_bound()
            })
            .try_for_each(|other| write(group.role, &group.role_name, other));
    }
    let default = catalog::default_credential()?;
    write(default.role, &default.role_name, group)?;
    match group::find(group.scope, GroupKind::Owner)?.filter(Group::is_bound) {
        Some(owner) => write(owner.role, &owner.role_name, group),
        None => Ok(()),
    }
}

/// How much of what a group gets a creator's default privileges name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Nothing.
    None,
    /// Some of it.
    Part,
    /// All of it.
    Whole,
}

/// How much of what a group gets the default privileges of a role name.
pub fn extent(creator: Oid, group: &Group) -> Result<Extent> {
    let (mut whole, mut any) = (true, false);
    for (_, letter, words) in wanted(group) {
        let found = count(creator, group, letter)?;
        any |= found > 0;
        whole &= found >= words.len();
    }
    Ok(match (whole, any) {
        (true, true) => Extent::Whole,
        (_, true) => Extent::Part,
        _ => Extent::None,
    })
}

/// ALTER DEFAULT PRIVILEGES FOR ROLE `creator` … TO `group`, for what is not so yet.
pub fn write(creator: Oid, creator_name: &str, group: &Group) -> Result<()> {
    let schema = schema_of(group)?;
    for (future, letter, words) in wanted(group) {
        if count(creator, group, letter)? >= words.len() {
            continue;
        }
        let place = schema.as_deref();
        grant::set_default_privileges(true, creator_name, place, future, &words, &group.role_name);
        if count(creator, group, letter)? < words.len() {
            return Err(replaced());
        }
    }
    Ok(())
}

/// Takes from the default privileges of a role what it makes for a group.
pub fn forget(creator: Oid, creator_name: &str, group: &Group) -> Result<()> {
    let schema = schema_of(group)?;
    for (future, letter, words) in wanted(group) {
        if count(creator, group, letter)? == 0 {
            continue;
        }
        let place = schema.as_deref();
        grant::set_default_privileges(false, creator_name, place, future, &words, &group.role_name);
        if ident::role_name(creator).as_deref() != Some(creator_name) || !group.is_bound() {
            return Err(replaced());
        }
    }
    Ok(())
}

/// What is written for a group: kind of object, its letter in `pg_default_acl`, the words of GRANT.
fn wanted(group: &Group) -> impl Iterator<Item = (Future, &'static str, Vec<&'static str>)> + '_ {
    // Default privileges on schemas are for every schema, or none.
    KINDS
        .into_iter()
        .filter(|(_, _, kind)| *kind != ObjectKind::Schema || group.scope == EVERY_SCHEMA)
        .map(|(future, letter, kind)| (future, letter, words(group.kind.rights_on(kind)).collect()))
        .filter(|(_, _, words): &(_, _, Vec<&str>)| !words.is_empty())
}

fn schema_of(group: &Group) -> Result<Option<String>> {
    match group.scope {
        EVERY_SCHEMA => Ok(None),
        schema => schema_name(schema).map(Some),
    }
}

fn replaced() -> Error {
    Kind::InUse
        .error("a role or schema was renamed or replaced meanwhile")
        .detail("Nothing was changed.")
        .hint("Call again.")
}

fn schema_name(schema: Oid) -> Result<String> {
    ident::schema_name(schema).ok_or_else(|| {
        Kind::NoSchema
            .error("the schema was dropped meanwhile")
            .hint("Call again.")
    })
}

/// The words of GRANT for rights.
fn words(wanted: u32) -> impl Iterator<Item = &'static str> {
    [
        (rights::SELECT, "select"),
        (rights::INSERT, "insert"),
        (rights::UPDATE, "update"),
        (rights::DELETE, "delete"),
        (rights::USAGE, "usage"),
    ]
    .into_iter()
    .filter(move |(bit, _)| wanted & bit != 0)
    .map(|(_, word)| word)
}

/// How many kinds of rights on objects of a kind a creator's default privileges name for a group: a group of one
/// kind gets the same everywhere, so their number tells.
fn count(creator: Oid, group: &Group, letter: &'static str) -> Result<usize> {
    let found = spi::number(
        "SELECT pg_catalog.count(DISTINCT a.privilege_type) FROM pg_catalog.pg_default_acl d,
                pg_catalog.aclexplode(d.defaclacl) a
          WHERE d.defaclrole OPERATOR(pg_catalog.=) $1 AND d.defaclnamespace OPERATOR(pg_catalog.=) $2
            AND d.defaclobjtype::pg_catalog.text OPERATOR(pg_catalog.=) $3
            AND a.grantee OPERATOR(pg_catalog.=) $4",
        &[
            creator.into(),
            group.scope.into(),
            letter.into(),
            group.role.into(),
        ],
    )?;
    Ok(usize::try_from(found).unwrap_or(0))
}
