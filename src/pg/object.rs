//! What stands in a schema, read by OID: where it stands, whose it is, what kind of thing.

use super::owner::{self, Class};
use super::Oid;
use pgrx::pg_sys;
use pgrx::pg_sys::SysCacheIdentifier as Cache;

/// `pg_language.lanpltrusted` (pg_language.h, Anum_pg_language_lanpltrusted), which pgrx does not bind.
const LANGUAGE_TRUSTED: i16 = 5;

/// What is known of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The schema that it stands in; a schema stands in itself.
    pub schema: Oid,
    /// Who owns it.
    pub owner: Oid,
    /// What it is.
    pub what: What,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A relation, with its `pg_class.relkind`.
    Relation(char),
    /// A routine.
    Routine {
        /// `pg_proc.prokind`.
        kind: char,
        /// Whether it runs with its owner's rights.
        definer: bool,
        /// Whether its language lets it do no more than its user may.
        trusted: bool,
    },
    /// A schema.
    Schema,
    /// A type that is no table's row type and no array, an operator or its class or family, a collation, a
    /// conversion, statistics, a dictionary or configuration of text search: what carries no preset's rights.
    Other,
}

/// An object as it is for this command; nothing where it is gone, follows another, or stands in no schema.
pub fn look(class: Class, object: Oid) -> Option<Facts> {
    // SAFETY: each row is read as the catalog of its cache has it.
    unsafe {
        match class {
            Class::Relation => cached(Cache::RELOID, object, |row: &pg_sys::FormData_pg_class| {
                Facts {
                    schema: row.relnamespace,
                    owner: row.relowner,
                    what: What::Relation(char::from(row.relkind as u8)),
                }
            }),
            Class::Routine => routine(object),
            Class::Schema => cached(
                Cache::NAMESPACEOID,
                object,
                |row: &pg_sys::FormData_pg_namespace| Facts {
                    schema: object,
                    owner: row.nspowner,
                    what: What::Schema,
                },
            ),
            Class::Type => kind(object),
            Class::Operator
            | Class::OperatorClass
            | Class::OperatorFamily
            | Class::Collation
            | Class::Conversion
            | Class::TextSearchConfig
            | Class::TextSearchDict
            | Class::Statistics => owner::placed(class, object).map(other),
            _ => None,
        }
    }
}

fn other((schema, owner): (Oid, Oid)) -> Facts {
    Facts {
        schema,
        owner,
        what: What::Other,
    }
}

/// A type that belongs to somebody by itself: a table's row type and an array's follow what they are of.
///
/// # Safety
/// None that the caller could break: it takes an OID.
unsafe fn kind(object: Oid) -> Option<Facts> {
    // SAFETY: as in `look`; the others are catalog lookups.
    unsafe {
        let (schema, owner, relation, element) =
            cached(Cache::TYPEOID, object, |row: &pg_sys::FormData_pg_type| {
                (row.typnamespace, row.typowner, row.typrelid, row.typelem)
            })?;
        let is_of_table = relation != Oid::INVALID
            && pg_sys::get_rel_relkind(relation) as u8 != pg_sys::RELKIND_COMPOSITE_TYPE;
        let is_array = element != Oid::INVALID && pg_sys::get_array_type(element) == object;
        (!is_of_table && !is_array).then(|| other((schema, owner)))
    }
}

/// # Safety
/// None that the caller could break: it takes an OID.
unsafe fn routine(object: Oid) -> Option<Facts> {
    // SAFETY: as in `look`.
    unsafe {
        let (schema, owner, kind, definer, language) =
            cached(Cache::PROCOID, object, |row: &pg_sys::FormData_pg_proc| {
                let kind = char::from(row.prokind as u8);
                (
                    row.pronamespace,
                    row.proowner,
                    kind,
                    row.prosecdef,
                    row.prolang,
                )
            })?;
        Some(Facts {
            schema,
            owner,
            what: What::Routine {
                kind,
                definer,
                trusted: is_trusted(language),
            },
        })
    }
}

/// Whether anybody may use a language: it lets nobody do more than its rights say.
fn is_trusted(language: Oid) -> bool {
    // SAFETY: the attribute is a boolean that is never NULL, read before its row is released.
    unsafe {
        let cache = Cache::LANGOID as i32;
        let row = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(language));
        if row.is_null() {
            return false;
        }
        let mut null = true;
        let trusted = pg_sys::SysCacheGetAttr(cache, row, LANGUAGE_TRUSTED, &mut null);
        pg_sys::ReleaseSysCache(row);
        !null && trusted.value() != 0
    }
}

/// Reads a row of a syscache whose key is the OID.
///
/// # Safety
/// `T` must be the fixed part of that catalog's rows.
unsafe fn cached<T, R>(cache: Cache::Type, object: Oid, read: impl FnOnce(&T) -> R) -> Option<R> {
    // SAFETY: a row that is found stays where it is until it is released; what is read of it is copied.
    unsafe {
        let row = pg_sys::SearchSysCache1(cache as i32, pg_sys::Datum::from(object));
        if row.is_null() {
            return None;
        }
        let result = read(&*pg_sys::GETSTRUCT(row).cast::<T>());
        pg_sys::ReleaseSysCache(row);
        Some(result)
    }
}
