//! Which statements of an old role would fail: what it was seen to do, beyond what the groups of the spec's schemas
//! give the new credentials. What was seen stands in memory ([`watched`]); here is who is watched, and what of it
//! still would fail.

use super::store::{self, Record};
use super::words::words;
use crate::catalog;
use crate::core::quote::ident;
use crate::error::Result;
use crate::permissions::{group, member, Access, GroupKind};
use crate::pg::acl::rights::USAGE;
use crate::pg::value::{Time, Value};
use crate::pg::watched::{self, Deed, Note, Post};
use crate::pg::{database, ident as names, spi, Oid};
use std::collections::{BTreeMap, HashMap};

/// A kind of statement that was seen, and would fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The old role's name.
    pub role: String,
    /// What it takes.
    pub lacks: Lacks,
    /// When it was seen last.
    pub last: Time,
}

/// What the new credentials lack for a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// Rights on a relation, and USAGE on its schema.
    Rights {
        /// How a GRANT names the relation.
        named: String,
        /// The words of the rights; none where USAGE alone is lacking.
        words: Vec<&'static str>,
        /// The relation's schema.
        schema: String,
        /// Whether USAGE on it is lacking.
        usage: bool,
        /// The group that is to have them; nothing where the schema has none.
        group: Option<String>,
    },
    /// The rights of an owner.
    Ownership {
        /// The command's tag.
        command: String,
        /// A schema of the spec.
        schema: String,
        /// A credential that has them.
        migrator: Option<String>,
    },
    /// TEMPORARY on the database.
    Temporary {
        /// The group that is to have it.
        group: String,
    },
    /// More kinds were seen than there is room for.
    Room,
}

/// Who judges in a schema: by the schema, the kind of the group and the group.
type Judges = BTreeMap<u32, (String, Option<group::Group>)>;

/// Watches the roles that are at the stage `observe`, and nobody else.
pub fn watch() -> Result<()> {
    let (mut posts, mut kept) = (Vec::new(), Vec::new());
    for (role, _, record) in store::all()? {
        // What was seen before a role was retired is told again where it comes back to be observed.
        kept.extend(record.since.map(|since| (role.to_u32(), since)));
        if record.stage.watches() {
            posts.extend(
                judges(&record)?
                    .into_iter()
                    .map(|(schema, (_, group))| Post {
                        role: role.to_u32(),
                        schema,
                        group: group.map_or(0, |group| group.role.to_u32()),
                    }),
            );
        }
    }
    watched::replace(&posts, &kept);
    Ok(())
}

/// Who judges in each schema of a spec: the group that writes, or else the one that reads.
fn judges(record: &Record) -> Result<Judges> {
    let mut judges = Judges::new();
    for role in &record.groups {
        let Some(found) = group::by_role(*role)?.filter(group::Group::is_bound) else {
            continue;
        };
        let Some(schema) = names::schema_name(found.scope) else {
            continue;
        };
        let (_, judge) = judges.entry(found.scope.to_u32()).or_insert((schema, None));
        let writes = |g: &group::Group| g.kind == GroupKind::Writer;
        if found.kind != GroupKind::Owner && !judge.as_ref().is_some_and(writes) {
            *judge = Some(found);
        }
    }
    Ok(judges)
}

/// What roles that are observed were seen to do, and would fail now.
pub fn seen() -> Result<Vec<Seen>> {
    let observed = store::all()?;
    let observed = observed
        .iter()
        .filter(|(.., record)| record.stage.watches());
    let mut seen = Vec::new();
    for (role, name, record) in observed {
        seen.extend(of_role(*role, name, record)?);
    }
    Ok(seen)
}

/// The same of one role.
pub(super) fn of_role(role: Oid, name: &str, record: &Record) -> Result<Vec<Seen>> {
    let (mut notes, full) = watched::notes();
    notes.retain(|note| {
        note.role == role.to_u32() && record.since.is_some_and(|since| note.last >= since)
    });
    if notes.is_empty() {
        return Ok(Vec::new());
    }
    let judges = judges(record)?;
    let mut seen = Vec::new();
    for (note, lacks) in lacking(&notes, &judges)?
        .into_iter()
        .chain(others(&notes, &judges, role)?)
    {
        seen.push(Seen {
            role: name.to_owned(),
            lacks,
            last: note.last,
        });
    }
    let last = notes.iter().map(|note| note.last).max();
    seen.extend(last.filter(|_| full).map(|last| Seen {
        role: name.to_owned(),
        lacks: Lacks::Room,
        last,
    }));
    Ok(seen)
}

/// Rights on relations that are lacking still.
fn lacking(notes: &[Note], judges: &Judges) -> Result<Vec<(Note, Lacks)>> {
    let of = |note: &Note| match note.deed {
        Deed::Rights { relation, rights } => Some((relation, (*note, rights))),
        _ => None,
    };
    let noted: HashMap<u32, (Note, u32)> = notes.iter().filter_map(of).collect();
    let relations = noted.keys().map(u32::to_string).collect();
    let mut lacking = Vec::new();
    for row in spi::query(
        "SELECT c.oid, c.relnamespace, n.nspname::pg_catalog.text,
                CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END OPERATOR(pg_catalog.||)
                (pg_catalog.pg_identify_object(c.tableoid, c.oid, 0)).identity
           FROM pg_catalog.pg_class c
           JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE c.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[]) ORDER BY 4",
        &[Value::TextArray(relations)],
    )? {
        let (relation, schema) = (row.oid(0)?, row.oid(1)?);
        let Some((note, rights)) = noted.get(&relation.to_u32()) else {
            continue;
        };
        let (group, missing) = best(judges, relation, schema, *rights);
        if missing != 0 {
            let lacks = Lacks::Rights {
                named: row.text(3)?,
                words: words(missing & !USAGE).collect(),
                schema: row.text(2)?,
                usage: missing & USAGE != 0,
                group,
            };
            lacking.push((*note, lacks));
        }
    }
    Ok(lacking)
}

/// The group that is to have rights on a relation, and what of them it lacks: that of the relation's schema; in
/// another schema, the one that lacks least.
fn best(judges: &Judges, relation: Oid, schema: Oid, rights: u32) -> (Option<String>, u32) {
    let lacks = |group: &group::Group| watched::lacks(relation, schema, rights, group.role);
    match judges.get(&schema.to_u32()) {
        Some((_, Some(group))) => (Some(group.role_name.clone()), lacks(group)),
        Some((_, None)) => (None, rights),
        None => {
            let groups = judges.values().filter_map(|(_, group)| group.as_ref());
            let least = groups.map(|group| (lacks(group), group));
            least
                .min_by_key(|(lacking, _)| *lacking)
                .map_or((None, rights), |(lacking, group)| {
                    (Some(group.role_name.clone()), lacking)
                })
        }
    }
}

/// What is no right on a relation.
fn others(notes: &[Note], judges: &Judges, role: Oid) -> Result<Vec<(Note, Lacks)>> {
    let mut lacking = Vec::new();
    for note in notes {
        match note.deed {
            Deed::Rights { .. } => {}
            Deed::Command(number) => {
                let Some((schema, _)) = judges.values().next() else {
                    continue;
                };
                let lacks = Lacks::Ownership {
                    command: watched::command_name(number),
                    schema: schema.clone(),
                    migrator: migrator(judges, role)?,
                };
                lacking.push((*note, lacks));
            }
            Deed::Temporary => {
                let groups: Vec<&group::Group> =
                    judges.values().filter_map(|(_, g)| g.as_ref()).collect();
                let mut may = false;
                for group in &groups {
                    may |= store::makes_temporary(group.role, database::current())?;
                }
                if let (Some(group), false) = (groups.first(), may) {
                    let group = group.role_name.clone();
                    lacking.push((*note, Lacks::Temporary { group }));
                }
            }
        }
    }
    Ok(lacking)
}

/// A credential other than the old role that has what the owner of a schema has.
fn migrator(judges: &Judges, role: Oid) -> Result<Option<String>> {
    let held = member::held()?;
    let owns = |c: &catalog::Credential| {
        let schemas = held.get(&c.role);
        let owns = |schema: &String| schemas.is_some_and(|h| h.get(schema) == Some(&Access::Owner));
        c.role != role && !c.is_default() && judges.values().any(|(schema, _)| owns(schema))
    };
    let all = catalog::all()?;
    Ok(all.into_iter().find(owns).map(|c| c.name))
}

impl Lacks {
    /// What the finding is about, behind the old role's name.
    pub fn object(&self) -> String {
        match self {
            Lacks::Rights { named, .. } => match named.split_once(' ') {
                Some((kind, name)) => format!("on {} {name}", kind.to_ascii_lowercase()),
                None => named.clone(),
            },
            Lacks::Ownership { command, .. } => format!("with {command}"),
            Lacks::Temporary { .. } => "with CREATE TEMPORARY TABLE".to_owned(),
            Lacks::Room => "and more".to_owned(),
        }
    }

    /// The words of a GRANT on the database's TEMPORARY.
    pub fn database() -> String {
        ident(&names::database_name(database::current()).unwrap_or_default())
    }
}
