//! What is read of the catalogs to retire a flat role, and to undo that.

use super::holding::{Future, Holding, Member, OnObject};
use super::taken::Taken;
use super::words::bit;
use crate::error::Result;
use crate::permissions::group;
use crate::pg::acl::{Target, Withdrawn};
use crate::pg::authority;
use crate::pg::spi::{self, Row};
use crate::pg::value::Value;
use crate::pg::{ident, Oid};
use std::collections::{BTreeSet, HashMap};

/// Everything of users' that carries rights, what an extension brought left out.
macro_rules! objects {
    () => {
        "(SELECT n.tableoid, n.oid, 0, 'SCHEMA ', n.oid, n.nspowner, n.nspacl, NULL::pg_catalog.text
            FROM pg_catalog.pg_namespace n
          UNION ALL
          SELECT c.tableoid, c.oid, 0, CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END, c.relnamespace,
                 c.relowner, c.relacl, NULL
            FROM pg_catalog.pg_class c WHERE c.relpersistence OPERATOR(pg_catalog.<>) 't'
          UNION ALL
          SELECT c.tableoid, c.oid, a.attnum::pg_catalog.int4, 'TABLE ', c.relnamespace, c.relowner, a.attacl,
                 a.attname::pg_catalog.text
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
           WHERE NOT a.attisdropped AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
          UNION ALL
          SELECT p.tableoid, p.oid, 0, 'ROUTINE ', p.pronamespace, p.proowner, p.proacl, NULL
            FROM pg_catalog.pg_proc p WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
         ) o (class, oid, attribute, word, schema, owner, acl, attname)
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.schema
          AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
          AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,credentials}'::pg_catalog.name[])
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
               WHERE d.classid OPERATOR(pg_catalog.=) o.class AND d.objid OPERATOR(pg_catalog.=) o.oid
                 AND d.deptype OPERATOR(pg_catalog.=) 'e')"
    };
}

/// $1 the flat role, $2 the caller.
const RIGHTS: &str = concat!(
    "SELECT n.nspname::pg_catalog.text, o.class, o.oid, o.attribute,
            o.word OPERATOR(pg_catalog.||) (pg_catalog.pg_identify_object(o.class, o.oid, 0)).identity, o.attname,
            pg_catalog.pg_has_role($2, o.owner, 'USAGE'), pg_catalog.array_agg(DISTINCT a.privilege_type),
            coalesce(pg_catalog.array_agg(DISTINCT a.privilege_type) FILTER (WHERE a.is_grantable), '{}')
       FROM ",
    objects!(),
    " CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
      WHERE o.acl IS NOT NULL AND a.grantee OPERATOR(pg_catalog.=) $1 AND o.owner OPERATOR(pg_catalog.<>) $1
      GROUP BY n.nspname, o.class, o.oid, o.attribute, o.word, o.attname, o.owner
      ORDER BY 1, 5, 4",
);

/// $1 the caller, $2 catalogs, $3 objects, $4 columns.
const NAMES: &str = concat!(
    "SELECT n.nspname::pg_catalog.text, o.class, o.oid, o.attribute,
            o.word OPERATOR(pg_catalog.||) (pg_catalog.pg_identify_object(o.class, o.oid, 0)).identity, o.attname,
            pg_catalog.pg_has_role($1, o.owner, 'USAGE')
       FROM ",
    objects!(),
    " JOIN ROWS FROM (pg_catalog.unnest($2::pg_catalog.oid[]), pg_catalog.unnest($3::pg_catalog.oid[]),
                      pg_catalog.unnest($4::pg_catalog.int4[])) w (class, oid, attribute)
        ON w.class OPERATOR(pg_catalog.=) o.class AND w.oid OPERATOR(pg_catalog.=) o.oid
       AND w.attribute OPERATOR(pg_catalog.=) o.attribute",
);

/// What a role has by itself on users' schemas and in them, its login among it; `login` says whether it has that.
pub(super) fn now(
    role: Oid,
    caller: Oid,
    credential: Option<&str>,
    login: bool,
) -> Result<Vec<Holding>> {
    let mut held = Vec::new();
    for row in spi::query(RIGHTS, &[role.into(), caller.into()])? {
        held.push(Holding::Right(OnObject {
            rights: bits(&row.texts(7)?, &row.texts(8)?),
            ..object(&row)?
        }));
    }
    held.extend(futures(role, caller)?.into_iter().map(Holding::Future));
    held.extend(members(role)?.into_iter().map(Holding::Member));
    let credential = credential.map(str::to_owned);
    held.extend(login.then_some(Holding::Login { credential }));
    Ok(held)
}

/// What was taken, as it can be given back: of what is gone meanwhile nothing.
pub(super) fn lost(
    taken: &Taken,
    caller: Oid,
    credential: Option<&str>,
    login: bool,
) -> Result<Vec<Holding>> {
    let mut lost = Vec::new();
    if taken.login && !login {
        let credential = credential.map(str::to_owned);
        lost.push(Holding::Login { credential });
    }
    for (group, grantor, admin) in &taken.groups {
        let Some(found) = group::by_role(*group)?.filter(group::Group::is_bound) else {
            continue;
        };
        lost.extend(ident::schema_name(found.scope).map(|schema| {
            Holding::Member(Member {
                group: *group,
                group_name: found.role_name,
                schema,
                grantor: *grantor,
                admin: *admin,
            })
        }));
    }
    for (creator, schema, letter, rights) in &taken.futures {
        let names = ident::role_name(*creator).zip(ident::schema_name(*schema));
        lost.extend(names.map(|(creator_name, schema)| {
            Holding::Future(Future {
                creator: *creator,
                creator_name,
                schema,
                letter: *letter,
                rights: *rights,
                may: authority::has_privileges_of(caller, *creator),
            })
        }));
    }
    lost.extend(rights(&taken.rights, caller)?);
    Ok(lost)
}

fn rights(taken: &[(Target, Withdrawn)], caller: Oid) -> Result<Vec<Holding>> {
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let column = |of: fn(&Target) -> String| {
        Value::TextArray(taken.iter().map(|(target, _)| of(target)).collect())
    };
    let params = [
        caller.into(),
        column(|t| t.class.to_u32().to_string()),
        column(|t| t.object.to_u32().to_string()),
        column(|t| t.column.to_string()),
    ];
    let mut found = HashMap::new();
    for row in spi::query(NAMES, &params)? {
        let on = object(&row)?;
        let t = on.target;
        found.insert((t.class.to_u32(), t.object.to_u32(), t.column), on);
    }
    let given = taken.iter().filter_map(|(t, taken)| {
        let on = found.get(&(t.class.to_u32(), t.object.to_u32(), t.column))?;
        Some(Holding::Right(OnObject {
            rights: taken.own.iter().fold(0, |bits, r| bits | r.rights),
            taken: taken.clone(),
            ..on.clone()
        }))
    });
    Ok(given.collect())
}

fn object(row: &Row) -> Result<OnObject> {
    Ok(OnObject {
        schema: row.text(0)?,
        target: Target {
            class: row.oid(1)?,
            object: row.oid(2)?,
            column: row.int4(3)?,
        },
        named: row.text(4)?,
        column: row.maybe_text(5)?,
        may: row.maybe_bool(6)?.unwrap_or(false),
        rights: 0,
        taken: Withdrawn::default(),
    })
}

fn bits(all: &[String], grantable: &[String]) -> u32 {
    let fold = |words: &[String]| words.iter().fold(0, |bits, word| bits | bit(word));
    fold(all) | fold(grantable) << 16
}

fn members(role: Oid) -> Result<Vec<Member>> {
    spi::query(
        "SELECT g.role, g.role_name, n.nspname::pg_catalog.text, m.grantor, m.admin_option
           FROM pg_catalog.pg_auth_members m
           JOIN credentials.access_group g ON g.role OPERATOR(pg_catalog.=) m.roleid
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) g.role
            AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) g.role_name
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) g.scope
          WHERE m.member OPERATOR(pg_catalog.=) $1
          ORDER BY 2",
        &[role.into()],
    )?
    .iter()
    .map(|row| {
        Ok(Member {
            group: row.oid(0)?,
            group_name: row.text(1)?,
            schema: row.text(2)?,
            grantor: row.oid(3)?,
            admin: row.bool(4)?,
        })
    })
    .collect()
}

/// Default privileges of others that name a role, in a schema.
pub(super) fn futures(role: Oid, caller: Oid) -> Result<Vec<Future>> {
    spi::query(
        "SELECT d.defaclrole, r.rolname::pg_catalog.text, n.nspname::pg_catalog.text,
                d.defaclobjtype::pg_catalog.text, pg_catalog.array_agg(DISTINCT a.privilege_type),
                coalesce(pg_catalog.array_agg(DISTINCT a.privilege_type) FILTER (WHERE a.is_grantable), '{}'),
                pg_catalog.pg_has_role($2, d.defaclrole, 'USAGE')
           FROM pg_catalog.pg_default_acl d
           JOIN pg_catalog.pg_authid r ON r.oid OPERATOR(pg_catalog.=) d.defaclrole
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) d.defaclnamespace
          CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
          WHERE a.grantee OPERATOR(pg_catalog.=) $1 AND d.defaclrole OPERATOR(pg_catalog.<>) $1
          GROUP BY 1, 2, 3, 4 ORDER BY 3, 2, 4",
        &[role.into(), caller.into()],
    )?
    .iter()
    .map(|row| {
        Ok(Future {
            creator: row.oid(0)?,
            creator_name: row.text(1)?,
            schema: row.text(2)?,
            letter: row.text(3)?.chars().next().unwrap_or(' '),
            rights: bits(&row.texts(4)?, &row.texts(5)?),
            may: row.maybe_bool(6)?.unwrap_or(false),
        })
    })
    .collect()
}

/// The schemas in which a role owns a table, a routine or a type.
pub(super) fn owns_in(role: Oid) -> Result<BTreeSet<String>> {
    spi::query(
        "SELECT DISTINCT n.nspname::pg_catalog.text
           FROM (SELECT c.relnamespace FROM pg_catalog.pg_class c WHERE c.relowner OPERATOR(pg_catalog.=) $1
                  AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
                 UNION ALL SELECT p.pronamespace FROM pg_catalog.pg_proc p WHERE p.proowner OPERATOR(pg_catalog.=) $1
                 UNION ALL SELECT t.typnamespace FROM pg_catalog.pg_type t WHERE t.typowner OPERATOR(pg_catalog.=) $1
                ) o (schema)
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.schema",
        &[role.into()],
    )?
    .iter()
    .map(|row| row.text(0))
    .collect()
}
