//! Who can do nothing with tables but read them.

use super::closure::Roles;
use super::privileges::{is_hidden, TABLES};
use super::roles;
use crate::error::Result;
use crate::pg::acl::{rights, PUBLIC};
use crate::pg::census::{self, predefined};
use crate::pg::Oid;
use std::collections::HashSet;

/// Those of the roles for whom every right on tables is SELECT: their own rights, those of PUBLIC, and those
/// of every role that they are a member of, inherited or to be had by SET ROLE. Who owns a table can give
/// himself any right on it. Temporary tables, which a session makes for itself, do not count.
pub fn read_only(asked: &[Oid]) -> Result<HashSet<Oid>> {
    let writers = writers()?;
    if writers.contains(&PUBLIC) {
        return Ok(HashSet::new());
    }
    let roles = roles()?;
    let reads = |role: &&Oid| only_reads(&roles, **role, &writers);
    Ok(asked.iter().filter(reads).copied().collect())
}

fn only_reads(roles: &Roles, role: Oid, writers: &HashSet<Oid>) -> bool {
    roles.can_become(role).iter().all(|rank| {
        let role = &roles.all()[*rank];
        !role.superuser && !writers.contains(&role.oid)
    })
}

/// Owners of tables, and who was granted more than SELECT on one, or on a column of one.
fn writers() -> Result<HashSet<Oid>> {
    let all_data = [predefined::PG_WRITE_ALL_DATA, predefined::PG_MAINTAIN];
    let mut writers: HashSet<Oid> = all_data.map(Oid::from).into();
    let schemas = census::schemas()?;
    let hidden = schemas.iter().filter(|schema| is_hidden(&schema.name));
    let hidden: HashSet<Oid> = hidden.map(|schema| schema.oid).collect();
    let mut seen = HashSet::new();
    let mut tables = HashSet::new();
    census::relations(&TABLES, |relation| {
        if relation.temporary || hidden.contains(&relation.schema) {
            return;
        }
        tables.insert(relation.oid);
        writers.insert(relation.owner);
        if let (Some(stored), _) = relation.list.key() {
            if !seen.contains(stored) {
                seen.insert(stored.to_vec());
                writers.extend(writing(&relation.list.rights()));
            }
        }
    })?;
    census::columns(|table, list| {
        if tables.contains(&table) {
            writers.extend(writing(&list));
        }
    })?;
    Ok(writers)
}

/// Who is granted more than SELECT.
fn writing(list: &[crate::pg::acl::Right]) -> impl Iterator<Item = Oid> + '_ {
    const PRIVILEGES: u32 = 0xFFFF & !rights::SELECT;
    let more = list.iter().filter(|right| right.rights & PRIVILEGES != 0);
    more.map(|right| right.grantee)
}
