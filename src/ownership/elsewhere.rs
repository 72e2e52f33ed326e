//! What of a role is in other databases, as far as the catalogs that all of them share know.

use super::{Action, Item};
use crate::error::Result;
use crate::pg::owner::Class;
use crate::pg::{database, spi, Oid};

/// Other databases in which something still hangs on a role, with how much: OID, name, count.
pub fn elsewhere(role: Oid) -> Result<Vec<(Oid, String, i64)>> {
    spi::query(
        "SELECT d.oid, d.datname, pg_catalog.count(*) FROM pg_catalog.pg_shdepend s
           JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.dbid
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1
            AND s.dbid OPERATOR(pg_catalog.<>) $2
          GROUP BY 1, 2 ORDER BY 2",
        &[role.into(), database::current().into()],
    )?
    .iter()
    .map(|row| Ok((row.oid(0)?, row.text(1)?, row.int8(2)?)))
    .collect()
}

/// Whether a role owns anything in any database, but default privileges and user mappings.
pub fn owns_anything(role: Oid) -> Result<bool> {
    Ok(spi::row(
        "SELECT 1 FROM pg_catalog.pg_shdepend s
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1 AND s.deptype OPERATOR(pg_catalog.=) 'o'
            AND s.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_default_acl'::pg_catalog.regclass
            AND s.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_user_mapping'::pg_catalog.regclass
          LIMIT 1",
        &[role.into()],
    )?
    .is_some())
}

/// What a role owns in other databases, a class at a time: `pg_shdepend` knows no more from here.
pub(super) fn items(role: Oid) -> Result<Vec<Item>> {
    let rows = spi::query(
        "SELECT d.datname, s.classid, pg_catalog.count(*)
           FROM pg_catalog.pg_shdepend s
           JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.dbid
          WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) $1 AND s.deptype OPERATOR(pg_catalog.=) 'o'
            AND d.datname OPERATOR(pg_catalog.<>) pg_catalog.current_database()
          GROUP BY 1, 2 ORDER BY 1, 2",
        &[role.into()],
    )?;
    let mut items = Vec::new();
    for row in rows {
        // Default privileges and user mappings have owners of their own kind and go with the role.
        let Some(class) = Class::of(row.oid(1)?) else {
            continue;
        };
        let blocked = matches!(class, Class::Wrapper | Class::EventTrigger);
        let unknown = matches!(
            class,
            Class::Publication | Class::Language | Class::Extension
        );
        items.push(Item {
            database: row.text(0)?,
            kind: class.word().to_owned(),
            object: format!("{} objects", row.int8(2)?),
            action: if blocked { Action::Block } else { Action::Move },
            note: if blocked {
                "only a superuser may own it: ALTER ... OWNER TO a superuser there".to_owned()
            } else if unknown {
                "may have to stay; known when the job gets there".to_owned()
            } else {
                String::new()
            },
        });
    }
    Ok(items)
}
