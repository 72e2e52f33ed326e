//! Default privileges of default and of the group that owns a schema: what the hook gives to new objects anyway,
//! where `\ddp` and a dump show it. For every creator they would keep roles that are not ours from being dropped.
//!
//! None on routines: they would open those that run with their owner's rights as well.

use super::group::{self, Group, EVERY_SCHEMA};
use super::preset::{GroupKind, ObjectKind};
use crate::catalog;
use crate::error::{Kind, Result};
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

/// ALTER DEFAULT PRIVILEGES FOR ROLE `creator` … TO `group`, for what is not so yet.
fn write(creator: Oid, creator_name: &str, group: &Group) -> Result<()> {
    let schema = match group.scope {
        EVERY_SCHEMA => None,
        _ => Some(schema_name(group.scope)?),
    };
    for (future, letter, kind) in KINDS {
        let wanted = group.kind.rights_on(kind);
        // Default privileges on schemas are for every schema, or none.
        if wanted == 0 || (kind == ObjectKind::Schema && schema.is_some()) {
            continue;
        }
        let words: Vec<&str> = words(wanted).collect();
        if are_there(creator, group, letter, words.len())? {
            continue;
        }
        grant::add_default_privileges(
            creator_name,
            schema.as_deref(),
            future,
            &words,
            &group.role_name,
        );
        if !are_there(creator, group, letter, words.len())? {
            return Err(Kind::InUse
                .error("a role or schema was renamed or replaced meanwhile")
                .detail("Nothing was changed.")
                .hint("Call again."));
        }
    }
    Ok(())
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

/// Whether a creator's default privileges name the group with all that it gets: a group of one kind gets the
/// same everywhere, so their number tells.
fn are_there(creator: Oid, group: &Group, letter: &'static str, count: usize) -> Result<bool> {
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
    Ok(found >= i64::try_from(count).unwrap_or(i64::MAX))
}
