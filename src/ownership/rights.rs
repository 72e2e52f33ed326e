//! Rights that a move would take from somebody, and rights that an owner has lost.

use super::inventory::Entry;
use crate::error::{Kind, Result};
use crate::pg::acl::{self, Right, Target};
use crate::pg::hold::Locks;
use crate::pg::owner::Class;
use crate::pg::{authority, spi, Oid};

/// Gives the former owner of a moved object all rights on it, and on the sequences that followed it.
pub fn keep(entry: &Entry, locks: &Locks) -> Result<()> {
    give_all(entry.facts.class, entry.object, entry.owner)?;
    if entry.facts.class == Class::Relation && entry.facts.relkind != 'S' {
        for sequence in locks.sequences() {
            give_all(Class::Relation, sequence, entry.owner)?;
        }
    }
    Ok(())
}

fn give_all(class: Class, object: Oid, grantee: Oid) -> Result<()> {
    let Some(rights) = acl::all_rights(class, object) else {
        return Ok(());
    };
    let target = Target {
        class: class.oid(),
        object,
        column: 0,
    };
    let right = Right {
        grantee,
        grantor: Oid::INVALID,
        rights,
    };
    acl::give(target, &[right])
}

/// Gives `to` all rights on up to `most` of its own objects in this database whose access list names
/// it no more (its owner revoked them from itself); gives how many. Call until it is 0.
///
/// An owner that has taken single rights from itself, so as not to write by mistake, keeps it so.
pub fn restore_own_rights(to: Oid, most: i32) -> Result<u64> {
    if authority::is_superuser(to) {
        return Err(Kind::Denied.error("the default credential is a superuser"));
    }
    let rows = spi::query(
        "SELECT o.class, o.object FROM (
           SELECT tableoid, oid, relacl, relowner FROM pg_catalog.pg_class
            WHERE relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog.\"char\"[])
           UNION ALL SELECT tableoid, oid, proacl, proowner FROM pg_catalog.pg_proc
           UNION ALL SELECT tableoid, oid, typacl, typowner FROM pg_catalog.pg_type
           UNION ALL SELECT tableoid, oid, nspacl, nspowner FROM pg_catalog.pg_namespace
           UNION ALL SELECT tableoid, oid, srvacl, srvowner FROM pg_catalog.pg_foreign_server
           UNION ALL SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass, oid, lomacl, lomowner
                       FROM pg_catalog.pg_largeobject_metadata
           UNION ALL SELECT tableoid, oid, datacl, datdba FROM pg_catalog.pg_database
                      WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
         ) o (class, object, acl, owner)
          WHERE o.owner OPERATOR(pg_catalog.=) $1 AND o.acl IS NOT NULL
            AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(o.acl) a
                             WHERE a.grantee OPERATOR(pg_catalog.=) o.owner)
          LIMIT $2",
        &[to.into(), most.max(1).into()],
    )?;
    let mut restored = 0;
    for row in rows {
        if let Some(class) = Class::of(row.oid(0)?) {
            give_all(class, row.oid(1)?, to)?;
            restored += 1;
        }
    }
    Ok(restored)
}
