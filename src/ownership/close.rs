//! The last transaction of a role in a database: what it gave to others stays with them, what it had
//! goes, and nothing that it owns can be there.

use super::{Action, Item, Pass, Scope};
use crate::error::{Kind, Result};
use crate::pg::acl::{self, Right, Target};
use crate::pg::grant::{self, Options};
use crate::pg::hold::{self, Held};
use crate::pg::owner::{self, Class};
use crate::pg::spi::Row;
use crate::pg::{authority, database, ident, lock, spi, xact, Oid, BOOTSTRAP_SUPERUSER};

/// Tables that one transaction locks to drop policies from them.
const MOST_TABLES: usize = 20;

/// What closing a database came to.
#[derive(Debug)]
pub enum Closed {
    /// The role has nothing left here or in shared catalogs.
    Done {
        /// What went with it: policies, user mappings, default privileges.
        notes: Vec<Item>,
    },
    /// Policies of the role alone are left on so many tables that are in use: commit, and call again
    /// after a pause.
    Busy {
        /// What went with the role up to now.
        notes: Vec<Item>,
        /// How many policies are left.
        left: u64,
    },
    /// So many objects are the role's (again): commit, and run a new pass. Where that one finds nothing to
    /// move, a person is needed: see [`super::blockers`].
    ObjectsLeft {
        /// What was moved with a loss just now.
        notes: Vec<Item>,
        /// How many objects are left.
        left: i64,
    },
}

/// Clears what a role that goes has left in this database and in shared catalogs. The role is locked
/// against new objects until the transaction ends, so this and, in the last database, DROP ROLE belong
/// into one.
///
/// What was made since the last pass goes to its heir while the role is locked, `batch_size` objects at most:
/// whoever makes tables as the role again and again could else keep it for ever.
///
/// What the role granted on others' objects is granted by their owners; memberships it granted, by the
/// bootstrap superuser. Policies for it alone go: they let nobody else see a row, and the table's row
/// security stays as it is.
///
/// Waits up to `lock_timeout` for the role, which a prepared transaction can hold, and for one table.
/// 55P03, 40P01 and XX000 `tuple concurrently updated` unwind: roll back, and call again.
pub fn close_database(scope: &Scope, batch_size: i32) -> Result<Closed> {
    let Scope::Role { from: role, .. } = *scope else {
        return Err(Kind::Internal.error("only a role's database is closed"));
    };
    if authority::is_superuser(role) || role.to_u32() < 16384 {
        return Err(Kind::Denied.error("a superuser's rights are not cleared"));
    }
    lock::role_exclusively(role);
    let mut notes = move_the_last(scope, role, batch_size)?;
    let left = owned(role)?;
    if left > 0 {
        return Ok(Closed::ObjectsLeft { notes, left });
    }
    let (policies, left) = drop_policies(role)?;
    notes.extend(policies);
    if left > 0 {
        return Ok(Closed::Busy { notes, left });
    }
    notes.extend(what_goes(role)?);
    put_back_grants(role)?;
    put_back_memberships(role)?;
    // Asked again right before the one act that could drop: nothing above makes objects.
    if owned(role)? > 0 {
        return Err(Kind::Internal.error("a role came to own objects while it was locked"));
    }
    owner::drop_rights(role);
    match leftovers(role)? {
        0 => Ok(Closed::Done { notes }),
        n => Err(Kind::Internal.error(format!("{n} dependencies of a role could not be cleared"))),
    }
}

/// Moves what the role came to own since it was thought to own nothing: one batch, and only what is free.
fn move_the_last(scope: &Scope, role: Oid, batch_size: i32) -> Result<Vec<Item>> {
    if owned(role)? == 0 {
        return Ok(Vec::new());
    }
    let mut pass = Pass::begin(scope.clone())?;
    if pass.total() == 0 {
        return Ok(Vec::new());
    }
    // Nothing was tried yet, so nothing is waited for, and the timeout for that is not used.
    Ok(pass.batch(batch_size, 1)?.notes)
}

/// Drops the policies that are for the role alone, from tables that are free; waits for the first of
/// them only, so that no table is held while another is waited for. Gives what went, and how many are
/// left.
fn drop_policies(role: Oid) -> Result<(Vec<Item>, u64)> {
    let rows = policies(role)?;
    let mut gone = Vec::new();
    let mut left = rows.len().saturating_sub(MOST_TABLES) as u64;
    let mut first = true;
    for row in rows.iter().take(MOST_TABLES) {
        match hold::lock(Class::Relation, row.oid(1)?, first) {
            Held::Yes(_) => {
                owner::drop_policy(row.oid(0)?);
                gone.push(goes(
                    "policy".to_owned(),
                    row.maybe_text(2)?.unwrap_or_default(),
                ));
            }
            Held::Busy => left += 1,
            Held::Gone => {}
        }
        first = false;
    }
    Ok((gone, left))
}

/// Policies that are for the role alone: OID, table, name.
fn policies(role: Oid) -> Result<Vec<Row>> {
    spi::query(
        "SELECT p.oid, p.polrelid, i.identity FROM pg_catalog.pg_shdepend s
           JOIN pg_catalog.pg_policy p ON p.oid OPERATOR(pg_catalog.=) s.objid
            AND p.tableoid OPERATOR(pg_catalog.=) s.classid
            AND p.polroles OPERATOR(pg_catalog.=) ARRAY[s.refobjid],
           LATERAL pg_catalog.pg_identify_object(s.classid, s.objid, 0) i
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1 AND s.dbid OPERATOR(pg_catalog.=) $2
          ORDER BY p.polrelid, p.oid",
        &[role.into(), database::current().into()],
    )
}

fn goes(kind: String, object: String) -> Item {
    Item {
        database: ident::database_name(database::current()).unwrap_or_default(),
        kind,
        object,
        action: Action::Drop,
        note: "was the role's alone".to_owned(),
    }
}

/// Objects that a role owns here or in shared catalogs: all that DROP OWNED would drop, but default
/// privileges and user mappings, which are the role's own and go with it.
fn owned(role: Oid) -> Result<i64> {
    spi::number(
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_shdepend s
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1
            AND s.dbid OPERATOR(pg_catalog.=) ANY (ARRAY[$2, 0::pg_catalog.oid])
            AND s.deptype OPERATOR(pg_catalog.=) 'o'
            AND s.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_default_acl'::pg_catalog.regclass
            AND s.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_user_mapping'::pg_catalog.regclass",
        &[role.into(), database::current().into()],
    )
}

/// Everything that still hangs on a role here or in shared catalogs.
fn leftovers(role: Oid) -> Result<i64> {
    spi::number(
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_shdepend s
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1
            AND s.dbid OPERATOR(pg_catalog.=) ANY (ARRAY[$2, 0::pg_catalog.oid])",
        &[role.into(), database::current().into()],
    )
}

/// What is a role's alone in this database, and goes with it.
pub fn goes_with(role: Oid) -> Result<Vec<Item>> {
    let mut items: Vec<Item> = policies(role)?
        .iter()
        .map(|row| {
            Ok(goes(
                "policy".to_owned(),
                row.maybe_text(2)?.unwrap_or_default(),
            ))
        })
        .collect::<Result<_>>()?;
    items.extend(what_goes(role)?);
    Ok(items)
}

/// Default privileges and user mappings, which go with the role: to be reported.
fn what_goes(role: Oid) -> Result<Vec<Item>> {
    spi::query(
        "SELECT i.type, i.identity FROM pg_catalog.pg_shdepend s,
           LATERAL pg_catalog.pg_identify_object(s.classid, s.objid, 0) i
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1 AND s.dbid OPERATOR(pg_catalog.=) $2
            AND s.deptype OPERATOR(pg_catalog.=) 'o'
            AND s.classid OPERATOR(pg_catalog.=) ANY
                (ARRAY['pg_catalog.pg_default_acl'::pg_catalog.regclass,
                       'pg_catalog.pg_user_mapping'::pg_catalog.regclass]::pg_catalog.oid[])
          ORDER BY 1, 2",
        &[role.into(), database::current().into()],
    )?
    .iter()
    .map(|row| {
        Ok(goes(
            row.maybe_text(0)?.unwrap_or_default(),
            row.maybe_text(1)?.unwrap_or_default(),
        ))
    })
    .collect()
}

/// What the role granted on objects of others, granted in their owners' names: the same rights to the
/// same roles, so that nobody loses any when the role's own are taken.
fn put_back_grants(role: Oid) -> Result<()> {
    let rows = spi::query(
        "SELECT s.classid, s.objid, s.objsubid FROM pg_catalog.pg_shdepend s
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1
            AND s.dbid OPERATOR(pg_catalog.=) ANY (ARRAY[$2, 0::pg_catalog.oid])
            AND s.deptype OPERATOR(pg_catalog.=) 'a'
            AND s.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_default_acl'::pg_catalog.regclass",
        &[role.into(), database::current().into()],
    )?;
    for row in rows {
        let target = Target {
            class: row.oid(0)?,
            object: row.oid(1)?,
            column: row.int4(2)?,
        };
        let given: Vec<Right> = acl::list(target)
            .into_iter()
            .filter(|r| r.grantor == role && r.grantee != role)
            .collect();
        if !given.is_empty() {
            acl::give(target, &given)?;
        }
        xact::check_for_interrupts();
    }
    Ok(())
}

/// Memberships that the role granted, between others: PostgreSQL 15 keeps them, with a grantor that
/// is not there any more, which a dump cannot write down; from 16 on they would go with the role.
fn put_back_memberships(role: Oid) -> Result<()> {
    let rows = spi::query(
        // What a membership allows stands in its row from 16 on; of several rows the most counts.
        "SELECT m.roleid, m.member, pg_catalog.bool_or(m.admin_option),
                COALESCE(pg_catalog.bool_or((j.row OPERATOR(pg_catalog.->>) 'inherit_option')::pg_catalog.bool), true),
                COALESCE(pg_catalog.bool_or((j.row OPERATOR(pg_catalog.->>) 'set_option')::pg_catalog.bool), true)
           FROM pg_catalog.pg_auth_members m, LATERAL (SELECT pg_catalog.to_jsonb(m)) j(row)
          WHERE m.grantor OPERATOR(pg_catalog.=) ANY (ARRAY[$1, $2])
            AND m.roleid OPERATOR(pg_catalog.<>) $1 AND m.member OPERATOR(pg_catalog.<>) $1
          GROUP BY 1, 2 HAVING pg_catalog.bool_or(m.grantor OPERATOR(pg_catalog.=) $1)",
        &[role.into(), BOOTSTRAP_SUPERUSER.into()],
    )?;
    let former = ident::role_name(role).unwrap_or_default();
    for row in rows {
        let (group, member) = (row.oid(0)?, row.oid(1)?);
        let options = Options {
            admin: row.bool(2)?,
            inherit: row.bool(3)?,
            set: row.bool(4)?,
        };
        let names = ident::role_name(group).zip(ident::role_name(member));
        let Some((group_name, member_name)) = names else {
            continue;
        };
        grant::renew_membership(&group_name, &member_name, &former, options);
        if !is_granted(group, member, options.admin)? {
            return Err(Kind::InUse.error("a role was renamed while its membership was renewed"));
        }
    }
    Ok(())
}

fn is_granted(group: Oid, member: Oid, admin: bool) -> Result<bool> {
    let found = spi::number(
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_auth_members m
          WHERE m.roleid OPERATOR(pg_catalog.=) $1 AND m.member OPERATOR(pg_catalog.=) $2
            AND m.admin_option OPERATOR(pg_catalog.=) $3 AND m.grantor OPERATOR(pg_catalog.=) $4",
        &[
            group.into(),
            member.into(),
            admin.into(),
            BOOTSTRAP_SUPERUSER.into(),
        ],
    )?;
    Ok(found == 1)
}
