//! What a scope holds in the current database, read from the catalogs by owner column: `pg_shdepend`
//! has no rows of the bootstrap superuser (FACTS 5.1).

use super::class::{self, Facts, Owner, Purpose, Verdict};
use super::Scope;
use crate::error::{Kind, Result};
use crate::pg::owner::Class;
use crate::pg::spi::{self, Row};
use crate::pg::value::Value;
use crate::pg::{xact, Oid};

/// One object of a scope.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its OID; with the class it names the object whatever its name becomes.
    pub object: Oid,
    /// Who owned it when it was listed.
    pub owner: Oid,
    /// Who gets it.
    pub to: Oid,
    /// What it is.
    pub facts: Facts,
    /// Whether it is a range's multirange type, which has no rights of its own.
    pub bare_type: bool,
    /// An index or statistics of it calls a function of a user.
    pub expressions: bool,
}

impl Entry {
    /// What is to be done with it, as far as it alone tells.
    pub fn verdict(&self, purpose: Purpose) -> Verdict {
        class::decide(purpose, &self.facts)
    }
}

/// `chosen`: the objects of a scope. $1 the role that goes (0: a repair, or a schema), $2 the new owner, $3 the
/// managed roles, $4 whether unmanaged roles' objects are taken as well; $5 schemas that belong to groups and $6
/// these groups, side by side; $7 the schema that alone is meant (0: none).
///
/// Not listed is what follows its table: indexes, TOAST, owned sequences, row types, array types; and
/// the constructors of ranges, which the server makes for itself.
/// A multirange type does not follow its range up to PostgreSQL 16, so it is listed; and so it is where it
/// belongs to somebody else than its range.
const CHOSEN: &str = "
WITH raw (class, object, owner, schema, relkind, definer, rules, risky, special, bare, expressions) AS (
  SELECT c.tableoid, c.oid, c.relowner, c.relnamespace, c.relkind::pg_catalog.text, false,
         c.relhasrules AND c.relkind OPERATOR(pg_catalog.<>) 'm', false, false, false,
         c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m}'::pg_catalog.\"char\"[]) AND EXISTS (
           SELECT FROM pg_catalog.pg_index i
             JOIN pg_catalog.pg_depend d ON d.objid OPERATOR(pg_catalog.=) i.indexrelid
              AND d.classid OPERATOR(pg_catalog.=) c.tableoid
              AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
            WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid)
    FROM pg_catalog.pg_class c
   WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog.\"char\"[])
     AND NOT (c.relkind OPERATOR(pg_catalog.=) 'S' AND EXISTS (
           SELECT FROM pg_catalog.pg_depend d
             JOIN pg_catalog.pg_class t ON t.oid OPERATOR(pg_catalog.=) d.refobjid
              AND t.relowner OPERATOR(pg_catalog.=) c.relowner
            WHERE d.classid OPERATOR(pg_catalog.=) c.tableoid AND d.objid OPERATOR(pg_catalog.=) c.oid
              AND d.refclassid OPERATOR(pg_catalog.=) c.tableoid AND d.refobjsubid OPERATOR(pg_catalog.>) 0
              AND d.deptype OPERATOR(pg_catalog.=) ANY ('{a,i}'::pg_catalog.\"char\"[])))
  UNION ALL
  SELECT p.tableoid, p.oid, p.proowner, p.pronamespace, ' ', p.prosecdef, false,
         NOT l.lanpltrusted AND p.prokind OPERATOR(pg_catalog.<>) 'a', false, false, false
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
   WHERE NOT (p.proowner OPERATOR(pg_catalog.=) 10::pg_catalog.oid AND EXISTS (
           SELECT FROM pg_catalog.pg_depend d WHERE d.classid OPERATOR(pg_catalog.=) p.tableoid
              AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'i'))
  UNION ALL
  SELECT t.tableoid, t.oid, t.typowner, t.typnamespace, ' ', false, false, false, false,
         t.typtype OPERATOR(pg_catalog.=) 'm', false
    FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.typrelid
   WHERE (c.relkind IS NULL OR c.relkind OPERATOR(pg_catalog.=) 'c')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid OPERATOR(pg_catalog.=) t.typelem
                        AND e.typarray OPERATOR(pg_catalog.=) t.oid)
     AND NOT (t.typtype OPERATOR(pg_catalog.=) 'm'
          AND pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 170000
          AND EXISTS (SELECT FROM pg_catalog.pg_range g
                        JOIN pg_catalog.pg_type r ON r.oid OPERATOR(pg_catalog.=) g.rngtypid
                         AND r.typowner OPERATOR(pg_catalog.=) t.typowner
                       WHERE g.rngmultitypid OPERATOR(pg_catalog.=) t.oid))
  UNION ALL
  SELECT tableoid, oid, oprowner, oprnamespace, ' ', false, false, false, false, false, false FROM pg_catalog.pg_operator
  UNION ALL
  SELECT tableoid, oid, opcowner, opcnamespace, ' ', false, false, false, false, false, false FROM pg_catalog.pg_opclass
  UNION ALL
  SELECT tableoid, oid, opfowner, opfnamespace, ' ', false, false, false, false, false, false FROM pg_catalog.pg_opfamily
  UNION ALL
  SELECT tableoid, oid, collowner, collnamespace, ' ', false, false, false, false, false, false FROM pg_catalog.pg_collation
  UNION ALL
  SELECT tableoid, oid, conowner, connamespace, ' ', false, false, false, false, false, false FROM pg_catalog.pg_conversion
  UNION ALL
  SELECT tableoid, oid, cfgowner, cfgnamespace, ' ', false, false, false, false, false, false FROM pg_catalog.pg_ts_config
  UNION ALL
  SELECT tableoid, oid, dictowner, dictnamespace, ' ', false, false, false, false, false, false FROM pg_catalog.pg_ts_dict
  UNION ALL
  SELECT tableoid, oid, stxowner, stxnamespace, ' ', false, false, false, false, false, false FROM pg_catalog.pg_statistic_ext
  UNION ALL
  SELECT tableoid, oid, nspowner, oid, ' ', false, false, false, false, false, false FROM pg_catalog.pg_namespace
  UNION ALL
  SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass, oid, lomowner, 0, ' ', false, false, false, false, false, false
    FROM pg_catalog.pg_largeobject_metadata
  UNION ALL
  SELECT tableoid, oid, fdwowner, 0, ' ', false, false, false, false, false, false FROM pg_catalog.pg_foreign_data_wrapper
  UNION ALL
  SELECT s.tableoid, s.oid, s.srvowner, 0, ' ', false, false, false,
         EXISTS (SELECT FROM pg_catalog.pg_user_mapping u WHERE u.umserver OPERATOR(pg_catalog.=) s.oid), false, false
    FROM pg_catalog.pg_foreign_server s
  UNION ALL
  SELECT tableoid, oid, lanowner, 0, ' ', false, false, NOT lanpltrusted, false, false, false FROM pg_catalog.pg_language
  UNION ALL
  SELECT p.tableoid, p.oid, p.pubowner, 0, ' ', false, false, false, p.puballtables OR EXISTS (
           SELECT FROM pg_catalog.pg_publication_namespace n WHERE n.pnpubid OPERATOR(pg_catalog.=) p.oid), false, false
    FROM pg_catalog.pg_publication p
  UNION ALL
  SELECT tableoid, oid, subowner, 0, ' ', false, false, false, false, false, false FROM pg_catalog.pg_subscription
   WHERE $1 OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
      OR subdbid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_database
          WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
  UNION ALL
  SELECT tableoid, oid, evtowner, 0, ' ', false, false, false, false, false, false FROM pg_catalog.pg_event_trigger
  UNION ALL
  SELECT tableoid, oid, extowner, 0, ' ', false, false, true, false, false, false FROM pg_catalog.pg_extension
  UNION ALL
  SELECT tableoid, oid, datdba, 0, ' ', false, false, false, false, false, false FROM pg_catalog.pg_database
   WHERE $1 OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
      OR datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
  UNION ALL
  SELECT tableoid, oid, spcowner, 0, ' ', false, false, false, false, false, false FROM pg_catalog.pg_tablespace
), owned AS (
  SELECT r.*, CASE WHEN a.oid IS NULL THEN 'v' WHEN a.rolsuper THEN 's'
                   WHEN r.owner OPERATOR(pg_catalog.=) ANY ($3::pg_catalog.oid[]) THEN 'm' ELSE 'o' END AS whose
    FROM raw r LEFT JOIN pg_catalog.pg_authid a ON a.oid OPERATOR(pg_catalog.=) r.owner
), placed AS (
  SELECT o.*, n.nspname,
         EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid OPERATOR(pg_catalog.=) o.class AND d.objid OPERATOR(pg_catalog.=) o.object
                    AND d.deptype OPERATOR(pg_catalog.=) 'e') AS member,
         EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x
                     ON x.oid OPERATOR(pg_catalog.=) d.refobjid
                    AND x.tableoid OPERATOR(pg_catalog.=) d.refclassid
                    AND x.extname OPERATOR(pg_catalog.=) 'credential_manager'
                  WHERE d.deptype OPERATOR(pg_catalog.=) 'e'
                    AND (d.classid OPERATOR(pg_catalog.=) o.class AND d.objid OPERATOR(pg_catalog.=) o.object
                      OR d.classid OPERATOR(pg_catalog.=) n.tableoid AND d.objid OPERATOR(pg_catalog.=) n.oid))
           OR EXISTS (SELECT FROM pg_catalog.pg_extension x
                       WHERE x.tableoid OPERATOR(pg_catalog.=) o.class AND x.oid OPERATOR(pg_catalog.=) o.object
                         AND x.extname OPERATOR(pg_catalog.=) 'credential_manager') AS house
    FROM (SELECT w.*, COALESCE(g.role, $2) AS target FROM owned w
            LEFT JOIN (SELECT ($5::pg_catalog.oid[])[i] AS schema, ($6::pg_catalog.oid[])[i] AS role
                         FROM pg_catalog.generate_subscripts($5::pg_catalog.oid[], 1) i) g
              ON g.schema OPERATOR(pg_catalog.=) w.schema) o
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.schema
   WHERE CASE WHEN $1 OPERATOR(pg_catalog.<>) 0::pg_catalog.oid THEN o.owner OPERATOR(pg_catalog.=) $1
              ELSE o.owner OPERATOR(pg_catalog.<>) o.target
               AND CASE WHEN $7 OPERATOR(pg_catalog.=) 0::pg_catalog.oid
                        THEN o.owner OPERATOR(pg_catalog.<>) ALL ($6::pg_catalog.oid[])
                         AND (o.whose OPERATOR(pg_catalog.<>) 'o' OR $4)
                        ELSE o.schema OPERATOR(pg_catalog.=) $7
                         AND (o.whose OPERATOR(pg_catalog.=) ANY ('{m,v}'::pg_catalog.text[]) OR $4) END
               AND (o.object OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
                 OR o.class OPERATOR(pg_catalog.=) ANY (ARRAY[
                      'pg_catalog.pg_database'::pg_catalog.regclass,
                      'pg_catalog.pg_largeobject'::pg_catalog.regclass]::pg_catalog.oid[])
                 OR n.nspname OPERATOR(pg_catalog.=) 'public')
               AND NOT COALESCE(pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
                 OR n.nspname OPERATOR(pg_catalog.=) ANY ('{information_schema,credentials}'::pg_catalog.name[]),
                            false)
               -- A schema that holds extensions of a superuser's and nothing else: whoever could create in
               -- it could have the next extension's script call what it made there.
               AND NOT (o.class OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
                 AND o.whose OPERATOR(pg_catalog.=) 's' AND n.nspname OPERATOR(pg_catalog.<>) 'public'
                 AND EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.extnamespace OPERATOR(pg_catalog.=) o.object)
                 AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_depend d
                    WHERE d.refclassid OPERATOR(pg_catalog.=) o.class AND d.refobjid OPERATOR(pg_catalog.=) o.object
                      AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass
                      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                            WHERE e.classid OPERATOR(pg_catalog.=) d.classid AND e.objid OPERATOR(pg_catalog.=) d.objid
                              AND e.deptype OPERATOR(pg_catalog.=) 'e'))) END
), chosen AS (
  SELECT * FROM placed
   WHERE $1 OPERATOR(pg_catalog.<>) 0::pg_catalog.oid OR NOT (member OR house)
)
SELECT class::pg_catalog.oid, object, owner, relkind, definer, rules, risky, special, bare, expressions,
       CASE WHEN whose OPERATOR(pg_catalog.=) 'm' AND target OPERATOR(pg_catalog.=) ANY ($6::pg_catalog.oid[])
             AND pg_catalog.pg_has_role(owner, target, 'USAGE') THEN 'w' ELSE whose END,
       house, target
  FROM chosen";

fn parameters(scope: &Scope) -> [Value; 7] {
    let none = Oid::INVALID;
    match scope {
        Scope::Role { from, to, .. } => numbered(*from, *to, &[], true, &[], none),
        Scope::Repair {
            to,
            groups,
            managed,
            include_unmanaged,
            ..
        } => numbered(none, *to, managed, *include_unmanaged, groups, none),
        Scope::Schema {
            schema,
            to,
            managed,
            include_unmanaged,
        } => {
            let group = [(*schema, *to)];
            numbered(none, *to, managed, *include_unmanaged, &group, *schema)
        }
    }
}

/// The parameters of [`CHOSEN`] in their order.
fn numbered(
    from: Oid,
    to: Oid,
    managed: &[Oid],
    all: bool,
    groups: &[(Oid, Oid)],
    only: Oid,
) -> [Value; 7] {
    let (schemas, roles): (Vec<Oid>, Vec<Oid>) = groups.iter().copied().unzip();
    [
        from.into(),
        to.into(),
        super::oid_list(managed),
        all.into(),
        super::oid_list(&schemas),
        super::oid_list(&roles),
        only.into(),
    ]
}

/// Every object of the scope in this database, in the order in which they are to be moved.
pub fn list(scope: &Scope) -> Result<Vec<Entry>> {
    let mut entries = spi::query(CHOSEN, &parameters(scope))?
        .iter()
        .map(entry)
        .collect::<Result<Vec<Entry>>>()?;
    for entry in entries
        .iter_mut()
        .filter(|e| e.facts.class == Class::Extension)
    {
        entry.facts.risky = !is_trusted(entry.object);
    }
    // Younger views first: a view that reads another is usually the younger. A superuser's views the
    // other way round, so that what they read has moved before.
    entries.sort_by_key(|e| {
        let turn = class::turn(&e.facts);
        let age = e.object.to_u32();
        (turn, if turn == 0 { u32::MAX - age } else { age })
    });
    Ok(entries)
}

fn entry(row: &Row) -> Result<Entry> {
    let class =
        Class::of(row.oid(0)?).ok_or_else(|| Kind::Internal.error("a catalog without an owner"))?;
    let owner = match row.text(10)?.as_str() {
        "s" => Owner::Superuser,
        "v" => Owner::Vanished,
        "m" => Owner::Managed,
        "w" => Owner::Within,
        _ => Owner::Other,
    };
    Ok(Entry {
        object: row.oid(1)?,
        owner: row.oid(2)?,
        to: row.oid(12)?,
        bare_type: row.bool(8)?,
        expressions: row.bool(9)?,
        facts: Facts {
            class,
            relkind: row.text(3)?.chars().next().unwrap_or(' '),
            owner,
            house: row.bool(11)?,
            definer: row.bool(4)?,
            rules: row.bool(5)?,
            risky: row.bool(6)?,
            special: row.bool(7)?,
        },
    })
}

/// Whether an extension is trusted by its control file; a file that is missing or broken is not.
fn is_trusted(extension: Oid) -> bool {
    let asked = xact::subtransaction(|| {
        spi::row(
            "SELECT v.trusted FROM pg_catalog.pg_extension e
               JOIN pg_catalog.pg_available_extension_versions() v
                 ON v.name OPERATOR(pg_catalog.=) e.extname AND v.version OPERATOR(pg_catalog.=) e.extversion
              WHERE e.oid OPERATOR(pg_catalog.=) $1",
            &[extension.into()],
        )
    });
    matches!(asked, Ok(Ok(Some(row))) if row.bool(0).unwrap_or(false))
}

/// An object's kind and name as the server writes them, quoted where they need it; nothing where it
/// is gone.
pub fn identify(class: Class, object: Oid) -> Result<Option<(String, String)>> {
    let found = spi::row(
        "SELECT i.type, i.identity FROM pg_catalog.pg_identify_object($1, $2, 0) i",
        &[class.oid().into(), object.into()],
    )?;
    let Some(row) = found else { return Ok(None) };
    Ok(row.maybe_text(0)?.zip(row.maybe_text(1)?))
}
