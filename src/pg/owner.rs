//! Owners of objects, read and changed by OID.
//!
//! The functions are those that REASSIGN OWNED calls (pg_shdepend.c, shdepReassignOwned): they take
//! OIDs, so no object can be renamed under us, they fire no event trigger and run no code of a user.

use super::{authority, version, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;

/// What has an owner: every catalog with an owner column (the same 22 in PostgreSQL 15 to 18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words are those of the SQL commands.
pub enum Class {
    Relation,
    Routine,
    Type,
    Operator,
    OperatorClass,
    OperatorFamily,
    Collation,
    Conversion,
    TextSearchConfig,
    TextSearchDict,
    Statistics,
    Schema,
    LargeObject,
    Wrapper,
    Server,
    Language,
    Publication,
    Subscription,
    EventTrigger,
    Extension,
    Database,
    Tablespace,
}

/// The OIDs of the catalogs, fixed by the CATALOG() lines of the server's headers.
const CLASSES: [(Class, u32); 22] = [
    (Class::Relation, 1259),
    (Class::Routine, 1255),
    (Class::Type, 1247),
    (Class::Operator, 2617),
    (Class::OperatorClass, 2616),
    (Class::OperatorFamily, 2753),
    (Class::Collation, 3456),
    (Class::Conversion, 2607),
    (Class::TextSearchConfig, 3602),
    (Class::TextSearchDict, 3600),
    (Class::Statistics, 3381),
    (Class::Schema, 2615),
    // Dependencies name pg_largeobject; the owner stands in pg_largeobject_metadata.
    (Class::LargeObject, 2613),
    (Class::Wrapper, 2328),
    (Class::Server, 1417),
    (Class::Language, 2612),
    (Class::Publication, 6104),
    (Class::Subscription, 6100),
    (Class::EventTrigger, 3466),
    (Class::Extension, 3079),
    (Class::Database, 1262),
    (Class::Tablespace, 1213),
];

const LARGE_OBJECT_METADATA: u32 = 2995;
const POLICIES: u32 = 3256;

impl Class {
    /// Every class.
    pub fn all() -> impl Iterator<Item = Class> {
        CLASSES.into_iter().map(|(class, _)| class)
    }

    /// The class as `pg_depend` and `pg_shdepend` name it.
    pub fn oid(self) -> Oid {
        let number = CLASSES
            .iter()
            .find(|(c, _)| *c == self)
            .map_or(0, |(_, n)| *n);
        Oid::from(number)
    }

    /// The class of an OID, or nothing where that catalog has no owners.
    pub fn of(oid: Oid) -> Option<Class> {
        CLASSES
            .iter()
            .find(|(_, n)| *n == oid.to_u32())
            .map(|(c, _)| *c)
    }

    /// One word for people, where no single object is meant.
    pub fn word(self) -> &'static str {
        use Class::*;
        match self {
            Relation => "relation",
            Routine => "routine",
            Type => "type",
            Operator => "operator",
            OperatorClass => "operator class",
            OperatorFamily => "operator family",
            Collation => "collation",
            Conversion => "conversion",
            TextSearchConfig => "text search configuration",
            TextSearchDict => "text search dictionary",
            Statistics => "statistics object",
            Schema => "schema",
            LargeObject => "large object",
            Wrapper => "foreign-data wrapper",
            Server => "server",
            Language => "language",
            Publication => "publication",
            Subscription => "subscription",
            EventTrigger => "event trigger",
            Extension => "extension",
            Database => "database",
            Tablespace => "tablespace",
        }
    }

    /// The catalog whose rows have the owner column.
    pub(super) fn catalog(self) -> Oid {
        match self {
            Class::LargeObject => Oid::from(LARGE_OBJECT_METADATA),
            other => other.oid(),
        }
    }

    /// Whether objects of the class stand in schemas; and schemas themselves.
    pub(super) fn stands_in_a_schema(self) -> bool {
        use Class::*;
        match self {
            Relation | Routine | Type | Operator | OperatorClass | OperatorFamily | Collation
            | Conversion | TextSearchConfig | TextSearchDict | Statistics | Schema => true,
            LargeObject | Wrapper | Server | Language | Publication | Subscription
            | EventTrigger | Extension | Database | Tablespace => false,
        }
    }

    /// Whether ALTER … OWNER locks such an object by class and OID (alter.c, ExecAlterOwnerStmt);
    /// of the others it only writes the row.
    pub(super) fn is_locked_by_alter(self) -> bool {
        use Class::*;
        matches!(
            self,
            Routine
                | Operator
                | OperatorClass
                | OperatorFamily
                | Collation
                | Conversion
                | TextSearchConfig
                | TextSearchDict
                | Statistics
                | LargeObject
                | Language
        )
    }
}

extern "C-unwind" {
    // commands/typecmds.h, schemacmds.h: exported by the server, not bound by pgrx.
    fn AlterTypeOwner_oid(object: Oid, to: Oid, has_depend_entry: bool);
    fn AlterSchemaOwner_oid(object: Oid, to: Oid);
}

/// Makes `to` the owner of one object, and of what follows it: a table's indexes, TOAST, owned
/// sequences and row type; a type's array type.
///
/// Foreign-data wrappers, event triggers and subscriptions are refused: the server wants superusers
/// as their owners. Errors of the server unwind.
pub fn give(class: Class, object: Oid, to: Oid) -> Result<()> {
    // SAFETY: each function takes OIDs alone and reads its own catalog; those that pgrx does not bind
    // are called inside its boundary, which turns their longjmp into an unwinding.
    unsafe {
        match class {
            Class::Relation => {
                // recursing: indexes and owned sequences may be named directly, as REASSIGN does.
                pg_sys::ATExecChangeOwner(object, to, true, pg_sys::AccessExclusiveLock as i32);
            }
            Class::Type => pg_guard_ffi_boundary(|| AlterTypeOwner_oid(object, to, true)),
            Class::Schema => pg_guard_ffi_boundary(|| AlterSchemaOwner_oid(object, to)),
            Class::Server => pg_sys::AlterForeignServerOwner_oid(object, to),
            Class::Publication => pg_sys::AlterPublicationOwner_oid(object, to),
            Class::Wrapper | Class::EventTrigger | Class::Subscription => {
                return Err(Kind::Internal
                    .error("an object that only a superuser may own was to be given away"));
            }
            _ => version::alter_owner(class, object, to),
        }
    }
    super::xact::next_command();
    Ok(())
}

/// Makes `to` the owner of a schema in a call, where neither the caller nor the present owner need be able to
/// give it away: with a superuser's rights for this one act, which names OIDs alone and runs no code of a user.
pub fn give_schema(schema: Oid, to: Oid) -> Result<()> {
    {
        let _rights = super::authority::as_superuser();
        give(Class::Schema, schema, to)?;
    }
    match of(Class::Schema, schema) {
        Some(owner) if owner == to => Ok(()),
        _ => Err(Kind::Internal.error("a schema did not take its new owner")),
    }
}

/// Makes `to` the owner of one object as `actor` may do it: with the present owner's rights, a member of `to`,
/// which may make such things where this one stands. The server refuses the rest.
pub fn hand_over(class: Class, object: Oid, to: Oid, actor: Oid) -> Result<()> {
    let _rights = authority::as_role(actor);
    give(class, object, to)
}

/// Who owns an object; nothing where it is gone.
pub fn of(class: Class, object: Oid) -> Option<Oid> {
    // SAFETY: asks which column has the owner.
    let column = unsafe { pg_sys::get_object_attnum_owner(class.catalog()) };
    columns(class, object, [column]).map(|[owner]| owner)
}

/// The schema that an object stands in, and who owns it; nothing where it is gone. Of a class whose objects stand in
/// schemas.
pub(super) fn placed(class: Class, object: Oid) -> Option<(Oid, Oid)> {
    // SAFETY: asks which columns have the schema and the owner.
    let wanted = unsafe {
        [
            pg_sys::get_object_attnum_namespace(class.catalog()),
            pg_sys::get_object_attnum_owner(class.catalog()),
        ]
    };
    columns(class, object, wanted).map(|[schema, owner]| (schema, owner))
}

/// Columns of an object's row that hold OIDs; nothing where it is gone.
fn columns<const N: usize>(
    class: Class,
    object: Oid,
    wanted: [pg_sys::AttrNumber; N],
) -> Option<[Oid; N]> {
    // SAFETY: the row is a copy in our memory, read with the descriptor of its own open catalog; the columns are OIDs
    // that are never NULL.
    unsafe {
        let catalog = pg_sys::table_open(class.catalog(), pg_sys::AccessShareLock as i32);
        let key = pg_sys::get_object_attnum_oid(class.catalog());
        let row = pg_sys::get_catalog_object_by_oid(catalog, key, object);
        let found = (!row.is_null()).then(|| {
            wanted.map(|column| {
                let mut null = true;
                let shape = (*catalog).rd_att;
                let value = pg_sys::htup::heap_getattr(row, i32::from(column), shape, &mut null);
                Oid::from(value.value() as u32)
            })
        });
        pg_sys::table_close(catalog, pg_sys::AccessShareLock as i32);
        found
    }
}

/// Whether an object is a member of an extension.
pub fn is_extension_member(class: Class, object: Oid) -> bool {
    // SAFETY: a catalog lookup.
    unsafe { pg_sys::getExtensionOfObject(class.oid(), object) != Oid::INVALID }
}

/// Takes SECURITY DEFINER from a routine, as ALTER ROUTINE … SECURITY INVOKER does, by OID.
pub fn make_invoker(routine: Oid) {
    let nothing = pg_sys::Datum::from(0);
    // SAFETY: the tuple is our copy of a pg_proc row, whose fixed part is FormData_pg_proc, and is
    // written back under the version it was read at (a concurrent change is the server's error).
    unsafe {
        let catalog =
            pg_sys::table_open(pg_sys::ProcedureRelationId, pg_sys::RowExclusiveLock as i32);
        let row = pg_sys::SearchSysCacheCopy(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            pg_sys::Datum::from(routine),
            nothing,
            nothing,
            nothing,
        );
        if !row.is_null() {
            let form = pg_sys::GETSTRUCT(row).cast::<pg_sys::FormData_pg_proc>();
            (*form).prosecdef = false;
            pg_sys::CatalogTupleUpdate(catalog, &mut (*row).t_self, row);
        }
        pg_sys::table_close(catalog, pg_sys::NoLock as i32);
    }
    super::xact::next_command();
}

/// DROP POLICY, by OID. The caller holds its table's lock.
pub fn drop_policy(policy: Oid) {
    let address = pg_sys::ObjectAddress {
        classId: Oid::from(POLICIES),
        objectId: policy,
        objectSubId: 0,
    };
    // SAFETY: a complete address; RESTRICT, and nothing depends on a policy.
    unsafe { pg_sys::performDeletion(&address, pg_sys::DropBehavior::DROP_RESTRICT, 0) };
    super::xact::next_command();
}

/// Clears what is left of a role in this database and in shared catalogs: its rights, its default
/// privileges, its user mappings, its place in policies (pg_shdepend.c, shdepDropOwned).
///
/// It would DROP what the role owns: the caller has made sure, under the role's lock, that this is
/// nothing but default privileges and user mappings.
pub fn drop_rights(role: Oid) {
    // SAFETY: a list of one OID; RESTRICT, so nothing that depends on the removed goes with it.
    unsafe {
        let roles = pg_sys::lappend_oid(std::ptr::null_mut(), role);
        pg_sys::shdepDropOwned(roles, pg_sys::DropBehavior::DROP_RESTRICT);
    }
    super::xact::next_command();
}
