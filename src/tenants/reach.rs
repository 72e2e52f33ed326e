//! Ways round row security: what must not be within a tenant's reach.
//!
//! Row security filters what a statement reads from a table, and nothing that was read before or is read
//! by somebody whom row security does not hold. So a tenant must not have
//! - a role within SET ROLE that is a superuser, has BYPASSRLS, or is another tenant of the table,
//! - TRUNCATE (it asks no policy), TRIGGER (its function sees others' rows) or REFERENCES (its checks do),
//! - a materialized view over the table, which holds what its owner saw,
//! - a view or rule over the table that runs as a superuser or a role with BYPASSRLS.
//!
//! These are refused, with what to do. A tenant that can act as the table's owner is told of: row security is
//! forced on the owner too, but an owner can switch it off.

use super::store;
use crate::core::quote::{ident, qualified};
use crate::error::{shown, Error, Kind, Result};
use crate::pg::spi::{self, Row};
use crate::pg::value::Value;
use crate::pg::{log, Oid};

/// Refuses where one of the tenants' roles would get round the policies of these tables.
pub(super) fn refuse(tenants: &[Oid], tables: impl Iterator<Item = Oid>) -> Result<()> {
    let roles = store::oids(tenants.iter().copied());
    let tables = store::oids(tables);
    roles_above(&roles)?;
    rights_on(&roles, &tables)?;
    readers(&roles, &tables)?;
    tell_of_owners(&roles, &tables)
}

fn refusal(tenant: &str, what: &str, why: &str, hint: String) -> Error {
    Kind::Denied
        .error(format!(
            "tenant \"{}\" would not be kept to its rows: {what}",
            shown(tenant)
        ))
        .detail(why)
        .hint(hint)
}

/// Superusers, roles with BYPASSRLS, and other tenants that a tenant can become.
fn roles_above(roles: &Value) -> Result<()> {
    let found = spi::row(
        "SELECT t.rolname::pg_catalog.text, g.rolname::pg_catalog.text
           FROM pg_catalog.pg_authid t, pg_catalog.pg_authid g
          WHERE t.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
            AND pg_catalog.pg_has_role(t.oid, g.oid, 'MEMBER')
            AND (g.rolsuper OR g.rolbypassrls
              OR (g.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[]) AND g.oid OPERATOR(pg_catalog.<>) t.oid))
          ORDER BY 1, 2 LIMIT 1",
        std::slice::from_ref(roles),
    )?;
    let Some(row) = found else { return Ok(()) };
    let (tenant, role) = (row.text(0)?, row.text(1)?);
    Err(refusal(
        &tenant,
        &format!("it can SET ROLE \"{}\"", shown(&role)),
        "That role is a superuser, has BYPASSRLS, or is another tenant of the table.",
        format!("REVOKE {} FROM {};", ident(&role), ident(&tenant)),
    ))
}

/// TRUNCATE, TRIGGER and REFERENCES on the tables, of the tenant or a role that it can become; an owner has
/// them as one.
fn rights_on(roles: &Value, tables: &Value) -> Result<()> {
    let found = spi::row(
        "SELECT t.rolname::pg_catalog.text, g.grantee, n.nspname::pg_catalog.text, c.relname::pg_catalog.text,
                g.privilege_type
           FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace,
                pg_catalog.pg_authid t,
                LATERAL (
                  SELECT a.grantee, a.privilege_type FROM pg_catalog.aclexplode(c.relacl) a
                  UNION ALL
                  SELECT a.grantee, a.privilege_type FROM pg_catalog.pg_attribute x,
                         LATERAL pg_catalog.aclexplode(x.attacl) a
                   WHERE x.attrelid OPERATOR(pg_catalog.=) c.oid AND NOT x.attisdropped) g
          WHERE c.oid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.oid[])
            AND t.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
            AND g.privilege_type OPERATOR(pg_catalog.=) ANY ('{TRUNCATE,TRIGGER,REFERENCES}'::pg_catalog.text[])
            AND g.grantee OPERATOR(pg_catalog.<>) c.relowner
            AND (g.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid
              OR pg_catalog.pg_has_role(t.oid, g.grantee, 'MEMBER'))
          ORDER BY 1, 3, 4, 5 LIMIT 1",
        &[roles.clone(), tables.clone()],
    )?;
    let Some(row) = found else { return Ok(()) };
    let (tenant, table, right) = (
        row.text(0)?,
        qualified(&row.text(2)?, &row.text(3)?),
        row.text(4)?,
    );
    let grantee = match crate::pg::ident::role_name(row.oid(1)?) {
        Some(name) => ident(&name),
        None => "PUBLIC".to_owned(),
    };
    Err(refusal(
        &tenant,
        &format!("it has {right} on {}", shown(&table)),
        "Row security does not filter what that right is for.",
        format!("REVOKE {right} ON {table} FROM {grantee};"),
    ))
}

/// Relations that read tables past row security, and that a tenant may use: $1 the tenants' roles, $2 the
/// tables, $3 the relations that are asked about, none: all.
const READERS: &str = "WITH RECURSIVE rule (relation, source, past) AS (
           SELECT w.ev_class, d.refobjid,
                  c.relkind OPERATOR(pg_catalog.=) 'm'
                    OR (o.rolsuper OR o.rolbypassrls) AND NOT EXISTS (
                         SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) p
                          WHERE p.option_name OPERATOR(pg_catalog.=) 'security_invoker'
                            AND p.option_value::pg_catalog.bool)
             FROM pg_catalog.pg_depend d
             JOIN pg_catalog.pg_rewrite w ON w.oid OPERATOR(pg_catalog.=) d.objid
             JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) w.ev_class
             JOIN pg_catalog.pg_authid o ON o.oid OPERATOR(pg_catalog.=) c.relowner
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
              AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
              AND d.refobjid OPERATOR(pg_catalog.<>) w.ev_class
         ), reads (relation, past) AS (
           SELECT r.relation, r.past FROM rule r
            WHERE r.source OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.oid[])
           UNION
           SELECT r.relation, r.past OR b.past FROM reads b
             JOIN rule r ON r.source OPERATOR(pg_catalog.=) b.relation)
         SELECT t.rolname::pg_catalog.text, g.rolname::pg_catalog.text, n.nspname::pg_catalog.text,
                c.relname::pg_catalog.text, c.relkind::pg_catalog.text, c.oid
           FROM (SELECT DISTINCT b.relation FROM reads b WHERE b.past) b
           JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) b.relation
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace,
                pg_catalog.pg_authid t, pg_catalog.pg_authid g
          WHERE t.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
            AND (pg_catalog.cardinality($3) OPERATOR(pg_catalog.=) 0
              OR c.oid OPERATOR(pg_catalog.=) ANY ($3::pg_catalog.oid[]))
            AND pg_catalog.pg_has_role(t.oid, g.oid, 'MEMBER')
            AND (pg_catalog.has_any_column_privilege(g.oid, c.oid, 'SELECT, INSERT, UPDATE')
              OR pg_catalog.has_table_privilege(g.oid, c.oid, 'DELETE'))
          ORDER BY 1, 3, 4, (g.oid OPERATOR(pg_catalog.=) t.oid) USING OPERATOR(pg_catalog.>)";

fn readers(roles: &Value, tables: &Value) -> Result<()> {
    let all = store::oids(std::iter::empty());
    let found = spi::row(READERS, &[roles.clone(), tables.clone(), all])?;
    match found {
        None => Ok(()),
        Some(row) => Err(read_past(&row)?),
    }
}

/// Of these relations, those through which a tenant would read past row security, with the tenant's name.
pub(super) fn past(roles: Value, tables: Value, relations: Value) -> Result<Vec<(Oid, String)>> {
    let rows = spi::query(READERS, &[roles, tables, relations])?;
    let found: Result<Vec<_>> = rows.iter().map(|r| Ok((r.oid(5)?, r.text(0)?))).collect();
    let mut found = found?;
    found.sort_unstable_by_key(|(relation, _)| relation.to_u32());
    found.dedup_by_key(|(relation, _)| *relation);
    Ok(found)
}

fn read_past(row: &Row) -> Result<Error> {
    let (tenant, relation) = (row.text(0)?, qualified(&row.text(2)?, &row.text(3)?));
    let (why, hint) = match row.text(4)?.as_str() {
        "m" => (
            "A materialized view holds the rows that its owner saw.",
            format!(
                "Revoke every right on {relation} from the tenant, its groups and PUBLIC; or put it into a schema that they cannot use."
            ),
        ),
        "v" => (
            "It runs as a superuser or a role with BYPASSRLS, whom row security does not hold.",
            format!("ALTER VIEW {relation} SET (security_invoker = true);"),
        ),
        _ => (
            "A rule on it runs as a superuser or a role with BYPASSRLS, whom row security does not hold.",
            format!("Give {relation} to a plain role, or drop the rule."),
        ),
    };
    let what = format!("it may use {}", shown(&relation));
    Ok(refusal(&tenant, &what, why, hint))
}

/// Says which tenants can act as the owner of a table of theirs, or will, as soon as it goes to the group that owns
/// its schema.
fn tell_of_owners(roles: &Value, tables: &Value) -> Result<()> {
    let rows = spi::query(
        "SELECT t.rolname::pg_catalog.text, n.nspname::pg_catalog.text, c.relname::pg_catalog.text
           FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace,
                pg_catalog.pg_authid t
          WHERE c.oid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.oid[])
            AND t.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])
            AND (pg_catalog.pg_has_role(t.oid, c.relowner, 'MEMBER')
              OR pg_catalog.pg_has_role(t.oid, n.nspowner, 'MEMBER')
             AND EXISTS (SELECT FROM credentials.access_group g
                          WHERE g.role OPERATOR(pg_catalog.=) n.nspowner AND g.scope OPERATOR(pg_catalog.=) n.oid))
          ORDER BY 1, 2, 3 LIMIT 5",
        &[roles.clone(), tables.clone()],
    )?;
    for row in rows {
        log::warning(&format!(
            "tenant \"{}\" can act as the owner of {}: row security is forced on the owner too, but an owner can switch it off",
            shown(&row.text(0)?),
            shown(&qualified(&row.text(1)?, &row.text(2)?)),
        ));
    }
    Ok(())
}
