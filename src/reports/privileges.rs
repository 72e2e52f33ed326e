//! The rows of `table_privileges()` and `schema_privileges()`.
//!
//! Relations whose access lists are equal have one [`Shape`], so it is expanded once for all of them, and
//! every name and every list of words goes into the server's form once.

use super::closure::{Rank, Roles};
use super::expand::{self, Code, Expander, Shape, Vocabulary, NOT_WITH_CATALOGS, SCHEMAS};
use super::roles;
use crate::error::{Kind, Result};
use crate::pg::acl::{rights, Right, PUBLIC};
use crate::pg::census::{self, AccessList, Space};
use crate::pg::sink::{Interned, Sink};
use crate::pg::value::Value;
use crate::pg::{database, xact, Oid};
use std::collections::HashMap;
use std::ops::Range;

/// Tables, views, materialized views, foreign and partitioned tables.
pub(super) const TABLES: [u8; 5] = *b"rvmfp";

/// Roles that are looked at together: what they may do with how many shapes there are is in memory.
const BLOCK: usize = 256;

/// Whether the reports leave a schema out, as the queries that they stand for do.
pub(super) fn is_hidden(schema: &[u8]) -> bool {
    schema == b"pg_catalog" || schema == b"information_schema"
}

/// The schemas that the reports tell of, by name.
fn in_order() -> Result<Vec<Space>> {
    let mut schemas = census::schemas()?;
    schemas.retain(|schema| !is_hidden(&schema.name));
    schemas.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(schemas)
}

/// The rows of `table_privileges()`: of one role, or of all.
pub(super) fn of_tables(sink: &mut Sink, only: Option<Oid>) -> Result<()> {
    let roles = roles()?;
    let vocabulary = expand::tables(database::version());
    let schemas: HashMap<Oid, (usize, Interned)> = in_order()?
        .iter()
        .zip(0..)
        .map(|(schema, place)| (schema.oid, (place, sink.name(&schema.name))))
        .collect();
    let mut shapes = Shapes::default();
    let mut found = Vec::new();
    census::relations(&TABLES, |relation| {
        if let Some((place, schema)) = schemas.get(&relation.schema) {
            let shape = shapes.number(&relation.list, relation.system, &vocabulary);
            let columns = [
                *schema,
                sink.name(relation.name),
                sink.letter(relation.kind),
            ];
            found.push(((*place, relation.name.to_vec()), (columns, shape)));
        }
    })?;
    // The catalog has them in the order of its pages, which is another one after each VACUUM.
    found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let objects: Vec<_> = found.into_iter().map(|(_, object)| object).collect();
    Report {
        roles: &roles,
        vocabulary: &vocabulary,
        shapes: &shapes.all,
        objects: &objects,
    }
    .write(sink, only)
}

/// The rows of `schema_privileges()`: of one role, or of all.
pub(super) fn of_schemas(sink: &mut Sink, only: Option<Oid>) -> Result<()> {
    let roles = roles()?;
    let database = census::database()?;
    let mut shapes = Vec::new();
    let mut objects = Vec::new();
    for schema in in_order()? {
        objects.push(([sink.name(&schema.name)], shapes.len()));
        shapes.push(if census::is_own_temporary(schema.oid) {
            Shape::of(&temporary(&database.rights), &SCHEMAS)
        } else {
            Shape::of(&schema.rights, &SCHEMAS)
        });
    }
    Report {
        roles: &roles,
        vocabulary: &SCHEMAS,
        shapes: &shapes,
        objects: &objects,
    }
    .write(sink, only)
}

/// What the server makes of the schema of this session's temporary objects: everybody may use it, and who
/// may make temporary objects in the database may make them there.
pub(super) fn temporary(database: &[Right]) -> Vec<Right> {
    let everybody = Right {
        grantee: PUBLIC,
        grantor: PUBLIC,
        rights: rights::USAGE,
    };
    let makers = database
        .iter()
        .filter(|r| r.rights & rights::TEMPORARY != 0);
    let makers = makers.map(|right| Right {
        rights: rights::CREATE | rights::USAGE,
        ..*right
    });
    makers.chain([everybody]).collect()
}

/// Distinct access lists of relations.
#[derive(Default)]
struct Shapes {
    all: Vec<Shape>,
    stored: HashMap<Vec<u8>, usize>,
    /// Those of relations without a list of their own, by owner.
    default: HashMap<Oid, usize>,
}

impl Shapes {
    /// The number of the shape of a list.
    fn number(&mut self, list: &AccessList, system: bool, vocabulary: &Vocabulary) -> usize {
        let (stored, owner) = list.key();
        let known = match stored {
            Some(bytes) => self.stored.get(bytes),
            None => self.default.get(&owner),
        };
        if let (Some(number), false) = (known, system) {
            return *number;
        }
        let number = self.all.len();
        let shape = Shape::of(&list.rights(), vocabulary);
        if system {
            // So few are that they are not worth being found again.
            self.all
                .push(shape.without(vocabulary.code(NOT_WITH_CATALOGS)));
            return number;
        }
        self.all.push(shape);
        match stored {
            Some(bytes) => self.stored.insert(bytes.to_vec(), number),
            None => self.default.insert(owner, number),
        };
        number
    }
}

/// A report: a row for each role and object, where the role has a privilege on it. `N` columns name the
/// object.
struct Report<'a, 'call, const N: usize> {
    roles: &'a Roles,
    vocabulary: &'a Vocabulary,
    shapes: &'a [Shape],
    /// The objects, each with the number of its shape.
    objects: &'a [([Interned<'call>; N], usize)],
}

impl<'call, const N: usize> Report<'_, 'call, N> {
    /// Writes the rows: role by role, in the order of names.
    fn write(&self, sink: &mut Sink<'call>, only: Option<Oid>) -> Result<()> {
        let count = self.roles.all().len();
        let wanted = match only {
            Some(role) => self.roles.rank(role).map_or(0..0, |rank| rank..rank + 1),
            None => 0..count,
        };
        let mut expander = Expander::new(self.roles, self.vocabulary);
        let mut lists = Lists::new(self.vocabulary);
        for start in wanted.clone().step_by(BLOCK) {
            xact::check_for_interrupts();
            let block = start..wanted.end.min(start + BLOCK);
            let codes = self.codes(&mut expander, &block);
            for rank in block.clone() {
                let own = &codes[(rank - start) * self.shapes.len()..][..self.shapes.len()];
                self.role(sink, &mut lists, rank, own)?;
            }
        }
        Ok(())
    }

    /// Of each role of a block, one after the other, what it may do with objects of each shape.
    fn codes(&self, expander: &mut Expander, block: &Range<Rank>) -> Vec<Code> {
        let width = self.shapes.len();
        let mut codes = vec![0; block.len() * width];
        for (shape, number) in self.shapes.iter().zip(0..) {
            expander.expand(shape, block, |rank, code| {
                codes[(rank - block.start) * width + number] |= code;
            });
        }
        codes
    }

    /// Writes the rows of one role, whose codes these are.
    fn role(
        &self,
        sink: &mut Sink<'call>,
        lists: &mut Lists<'call>,
        rank: Rank,
        codes: &[Code],
    ) -> Result<()> {
        let user = sink.name(&self.roles.all()[rank].name);
        let mut row = Vec::with_capacity(N + 2);
        for (columns, shape) in self.objects {
            let code = codes[*shape];
            if code != 0 {
                row.clear();
                row.push(user);
                row.extend_from_slice(columns);
                row.push(lists.of(sink, code)?);
                sink.put(&row)?;
            }
        }
        Ok(())
    }
}

/// Lists of privileges in words, each made once.
struct Lists<'call> {
    made: [Option<Interned<'call>>; 256],
    words: Vec<Vec<&'static str>>,
}

impl<'call> Lists<'call> {
    fn new(vocabulary: &Vocabulary) -> Lists<'call> {
        Lists {
            made: [None; 256],
            words: (0..=vocabulary.all())
                .map(|c| vocabulary.words(c))
                .collect(),
        }
    }

    fn of(&mut self, sink: &Sink<'call>, code: Code) -> Result<Interned<'call>> {
        if let Some(made) = self.made[usize::from(code)] {
            return Ok(made);
        }
        let words = self.words.get(usize::from(code));
        let words = words.ok_or_else(|| Kind::Internal.error("a privilege without a word"))?;
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let made = sink.value(Value::TextArray(words))?;
        self.made[usize::from(code)] = Some(made);
        Ok(made)
    }
}
