//! CREATE EXTENSION and the schema that goes before it, as parse nodes through ProcessUtility.

use super::node::{node, utility, utility_as, utility_of_caller, Context};
use super::text::{self, palloc};
use super::{version, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;
use std::path::{Path, PathBuf};

/// The longest path that the server knows (pg_config_manual.h, MAXPGPATH).
const LONGEST_PATH: usize = 1024;

/// By whose right a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// The caller's own and no more.
    Caller,
    /// The bootstrap superuser's, for this one statement.
    Superuser,
}

/// Whether the call comes from the script of an extension that is being made or updated.
pub fn in_script() -> bool {
    // SAFETY: a plain global.
    unsafe { pg_sys::creating_extension }
}

/// Keeps every other session from making, moving, updating or dropping an extension until the end of
/// the transaction: what was found of extensions stays so. `lock_timeout` holds (55P03).
pub fn hold_all() {
    let mode = pg_sys::ShareRowExclusiveLock as pg_sys::LOCKMODE;
    // SAFETY: locks a catalog as a statement on it would; errors unwind.
    unsafe { pg_sys::LockRelationOid(pg_sys::ExtensionRelationId, mode) }
}

/// The control file of an extension in the server's own folder, where there is one. The name is one
/// that the server has found there, so it has no separator in it. Nothing too where the server looks into
/// other folders as well: which one an extension comes from is not for certain then.
pub fn control_file(name: &str) -> Option<Vec<u8>> {
    if name.contains(['/', '\\', '\0']) || !version::extensions_are_the_servers() {
        return None;
    }
    let file = share_folder()?
        .join("extension")
        .join(format!("{name}.control"));
    std::fs::read(file).ok()
}

/// The server's own folder of shared files, found next to its executable as the server finds it.
fn share_folder() -> Option<PathBuf> {
    let mut found = [0; LONGEST_PATH];
    // SAFETY: the executable's path is NUL-terminated, and the answer fits into MAXPGPATH bytes.
    let folder = unsafe {
        let executable = (&raw const pg_sys::my_exec_path).cast();
        pg_sys::get_share_path(executable, found.as_mut_ptr());
        text::copy(found.as_ptr())
    };
    folder.map(|folder| Path::new(&folder).to_owned())
}

/// CREATE SCHEMA; it belongs to whoever's right makes it. Gives its OID.
pub fn create_schema(name: &str, right: Right) -> Result<Oid> {
    // SAFETY: a complete node in the current memory context, of the kind its tag says.
    unsafe {
        let node = node::<pg_sys::CreateSchemaStmt>(NodeTag::T_CreateSchemaStmt);
        (*node).schemaname = palloc(name);
        match right {
            Right::Caller => utility_of_caller(node.cast(), "CREATE SCHEMA"),
            // As a part of a command: event triggers are not to run their functions with these rights.
            Right::Superuser => utility_as(
                Context::PROCESS_UTILITY_SUBCOMMAND,
                node.cast(),
                "CREATE SCHEMA",
            ),
        }
    }
    super::xact::next_command();
    super::ident::schema_oid(name)
        .ok_or_else(|| Kind::Internal.error("a schema that was made is not there"))
}

/// CREATE EXTENSION … SCHEMA … VERSION …, never CASCADE. Event triggers see it as they see any other.
pub fn create(name: &str, schema: &str, version: &str, right: Right) {
    // SAFETY: as in `create_schema`; the options are those that gram.y makes.
    unsafe {
        let node = node::<pg_sys::CreateExtensionStmt>(NodeTag::T_CreateExtensionStmt);
        (*node).extname = palloc(name);
        for (option, value) in [("schema", schema), ("new_version", version)] {
            let value = pg_sys::makeString(palloc(value)).cast();
            let element = pg_sys::makeDefElem(palloc(option), value, -1);
            (*node).options = pg_sys::lappend((*node).options, element.cast());
        }
        match right {
            Right::Caller => utility_of_caller(node.cast(), "CREATE EXTENSION"),
            Right::Superuser => utility(node.cast(), "CREATE EXTENSION"),
        }
    }
    super::xact::next_command();
}
