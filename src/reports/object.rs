//! The object that a caller means: looked up in what the catalogs hold, which anybody may read.
//!
//! A name without a schema is one of schema `public`, whatever the session's search path says, or a schema's,
//! or the database's.

use super::expand::{self, Vocabulary, DATABASES, ROUTINES, SCHEMAS, SEQUENCES};
use super::privileges::{temporary, TABLES};
use super::wording::{Word, Wording};
use crate::core::quote::{ident, qualified};
use crate::error::{Kind, Result};
use crate::pg::acl::Right;
use crate::pg::census::{self, Relation, Routine, Space};
use crate::pg::{database, types, Oid};

/// An object and who may do what with it.
pub(super) struct Object {
    /// OID.
    pub oid: Oid,
    /// Its kind and its name as SQL writes it.
    pub what: String,
    /// What can be granted on it.
    pub vocabulary: Vocabulary,
    /// Its owner.
    pub owner: Oid,
    /// Its access list.
    pub rights: Vec<Right>,
    /// Whether that is the one that such an object is made with.
    pub untouched: bool,
    /// Whether it is a system catalog.
    pub system: bool,
    /// Its schema, where it is in one.
    pub schema: Option<Space>,
    /// Whether row policies hold, and whether they hold for the owner too.
    pub row_security: (bool, bool),
}

/// The schema of names without one.
const PUBLIC: &str = "public";

/// The object that a wording names; nothing where there is none.
pub(super) fn find(wording: &Wording) -> Result<Option<Object>> {
    let (schema, name) = match wording.name.as_slice() {
        [name] => (None, name),
        [schema, name] => (Some(schema.as_str()), name),
        _ => return Ok(None),
    };
    match wording.word {
        Some(Word::Schema) if schema.is_none() => return find_schema(name),
        Some(Word::Database) if schema.is_none() => return find_database(name),
        Some(Word::Schema | Word::Database) => return Ok(None),
        _ => {}
    }
    if let Some(space) = space(schema.unwrap_or(PUBLIC))? {
        let relation = match (wording.word, &wording.arguments) {
            (Some(Word::Routine), _) | (_, Some(_)) => None,
            (word, None) => find_relation(&space, name, word)?,
        };
        if relation.is_some() {
            return Ok(relation);
        }
        if matches!(wording.word, None | Some(Word::Routine)) {
            let routine = find_routine(&space, name, wording.arguments.as_deref())?;
            if routine.is_some() {
                return Ok(routine);
            }
        }
    }
    if wording.word.is_none() && schema.is_none() && wording.arguments.is_none() {
        return Ok(find_schema(name)?.or(find_database(name)?));
    }
    Ok(None)
}

fn space(name: &str) -> Result<Option<Space>> {
    let mut all = census::schemas()?.into_iter();
    Ok(all.find(|schema| schema.name == name.as_bytes()))
}

fn find_schema(name: &str) -> Result<Option<Object>> {
    let Some(space) = space(name)? else {
        return Ok(None);
    };
    let rights = use_rights(&space)?;
    let mut object = of_space(space, "schema", SCHEMAS);
    object.rights = rights;
    Ok(Some(object))
}

/// Who may use a schema and create in it. That of this session's temporary objects asks the database.
pub(super) fn use_rights(space: &Space) -> Result<Vec<Right>> {
    Ok(match census::is_own_temporary(space.oid) {
        true => temporary(&census::database()?.rights),
        false => space.rights.clone(),
    })
}

fn find_database(name: &str) -> Result<Option<Object>> {
    let space = census::database()?;
    let named = space.name == name.as_bytes();
    Ok(named.then(|| of_space(space, "database", DATABASES)))
}

fn of_space(space: Space, kind: &str, vocabulary: Vocabulary) -> Object {
    Object {
        oid: space.oid,
        what: format!("{kind} {}", ident(&String::from_utf8_lossy(&space.name))),
        vocabulary,
        owner: space.owner,
        rights: space.rights,
        untouched: space.untouched,
        system: false,
        schema: None,
        row_security: (false, false),
    }
}

fn find_relation(space: &Space, name: &str, word: Option<Word>) -> Result<Option<Object>> {
    let kinds: &[u8] = match word {
        Some(Word::Table) => &TABLES,
        Some(Word::Sequence) => b"S",
        _ => b"rvmfpS",
    };
    let mut found = None;
    census::relations(kinds, |relation| {
        if relation.schema == space.oid && relation.name == name.as_bytes() {
            found = Some(of_relation(relation, space));
        }
    })?;
    Ok(found)
}

fn of_relation(relation: &Relation, space: &Space) -> Object {
    let (kind, vocabulary) = match relation.kind {
        b'S' => ("sequence", SEQUENCES),
        b'v' => ("view", expand::tables(database::version())),
        b'm' => ("materialized view", expand::tables(database::version())),
        b'f' => ("foreign table", expand::tables(database::version())),
        _ => ("table", expand::tables(database::version())),
    };
    let name = qualified(
        &String::from_utf8_lossy(&space.name),
        &String::from_utf8_lossy(relation.name),
    );
    Object {
        oid: relation.oid,
        what: format!("{kind} {name}"),
        vocabulary,
        owner: relation.owner,
        rights: relation.list.rights(),
        untouched: relation.list.is_default(),
        system: relation.system,
        schema: Some(space.clone()),
        row_security: relation.row_security,
    }
}

/// The routine of a name and of these types of arguments; without types the only one of the name.
fn find_routine(space: &Space, name: &str, arguments: Option<&[String]>) -> Result<Option<Object>> {
    let wanted: Option<Vec<Oid>> = match arguments {
        None => None,
        Some(types) => match types.iter().map(|t| types::parse(t)).collect() {
            Some(types) => Some(types),
            None => return Ok(None),
        },
    };
    let mut found = Vec::new();
    census::routines(|routine| {
        let named = routine.schema == space.oid && routine.name == name.as_bytes();
        if named && wanted.as_ref().is_none_or(|w| *w == routine.arguments) {
            found.push((of_routine(routine, space), routine.arguments.clone()));
        }
    })?;
    // Written out here and not in the scan, since types are looked up in other catalogs.
    for (object, arguments) in &mut found {
        let types: Vec<String> = arguments.iter().map(|t| types::name(*t)).collect();
        let schema = String::from_utf8_lossy(&space.name);
        object.what = format!(
            "function {}({})",
            qualified(&schema, name),
            types.join(", ")
        );
    }
    if found.len() > 1 {
        let all: Vec<&str> = found.iter().take(5).map(|(f, _)| f.what.as_str()).collect();
        return Err(Kind::BadArgument
            .error("there are several functions of this name")
            .hint(format!("Say which: {}.", all.join(", or "))));
    }
    Ok(found.pop().map(|(object, _)| object))
}

fn of_routine(routine: &Routine, space: &Space) -> Object {
    Object {
        oid: routine.oid,
        what: String::new(),
        vocabulary: ROUTINES,
        owner: routine.owner,
        rights: routine.list.rights(),
        untouched: routine.list.is_default(),
        system: false,
        schema: Some(space.clone()),
        row_security: (false, false),
    }
}
