//! Settings of roles (`ALTER ROLE … SET`): setting one, and copying all of a role to its twin.

use super::node::{node, role_spec, utility, utility_without_flag};
use super::role::still_named;
use super::text::{self, palloc};
use super::{log, spi, Oid};
use crate::error::{Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;
use std::ffi::{c_char, c_int, CString};

/// One setting of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The database it holds in; nothing for all of them.
    pub database: Option<String>,
    /// Its name.
    pub name: String,
    /// Its value as the server stores it.
    pub value: String,
}

/// All settings of a role, those for all databases first, in the order in which they are stored.
pub fn of(role: Oid) -> Result<Vec<Setting>> {
    spi::query(
        "SELECT d.datname::pg_catalog.text, u.entry
           FROM pg_catalog.pg_db_role_setting s
           LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.setdatabase,
           LATERAL pg_catalog.unnest(s.setconfig) WITH ORDINALITY u(entry, place)
          WHERE s.setrole OPERATOR(pg_catalog.=) $1
            AND (s.setdatabase OPERATOR(pg_catalog.=) 0::pg_catalog.oid OR d.oid IS NOT NULL)
          ORDER BY s.setdatabase, u.place",
        &[role.into()],
    )?
    .iter()
    .filter_map(|row| {
        let entry = match row.text(1) {
            Ok(entry) => entry,
            Err(error) => return Some(Err(error)),
        };
        let (name, value) = entry.split_once('=')?;
        Some(row.maybe_text(0).map(|database| Setting {
            database,
            name: name.to_owned(),
            value: value.to_owned(),
        }))
    })
    .collect()
}

/// How the words of a list are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// As somebody typed them: unquoted ones are folded to lower case.
    Typed,
    /// As the server has stored them.
    Stored,
}

/// ALTER ROLE … IN DATABASE … SET setting (or RESET, for no value).
pub fn set(
    role: Oid,
    name: &str,
    database: &str,
    setting: &str,
    value: Option<&str>,
) -> Result<()> {
    let what = match value {
        Some(value) => What::Set(setting, value, Words::Typed),
        None => What::Reset(setting),
    };
    alter(role, name, Some(database), what)
}

/// Gives a role a setting that another one has.
pub fn copy(role: Oid, name: &str, setting: &Setting) -> Result<()> {
    let what = What::Set(&setting.name, &setting.value, Words::Stored);
    alter(role, name, setting.database.as_deref(), what)
}

/// Takes all settings of a role away, for all databases or for one.
pub fn reset_all(role: Oid, name: &str, database: Option<&str>) -> Result<()> {
    alter(role, name, database, What::ResetAll)
}

/// Lets a role's sessions start as another role: ALTER ROLE … SET role.
pub fn set_default_role(role: Oid, name: &str, other: &str) -> Result<()> {
    alter(role, name, None, What::Set("role", other, Words::Stored))
}

enum What<'a> {
    Set(&'a str, &'a str, Words),
    Reset(&'a str),
    ResetAll,
}

fn alter(role: Oid, name: &str, database: Option<&str>, what: What) -> Result<()> {
    let is_role = matches!(what, What::Set("role", ..));
    // SAFETY: complete nodes in the current memory context; the argument of a SET is a list of constants
    // (gram.y, var_list).
    unsafe {
        let node = node::<pg_sys::AlterRoleSetStmt>(NodeTag::T_AlterRoleSetStmt);
        let set = self::node::<pg_sys::VariableSetStmt>(NodeTag::T_VariableSetStmt);
        match what {
            What::ResetAll => (*set).kind = pg_sys::VariableSetKind::VAR_RESET_ALL,
            What::Reset(setting) => {
                (*set).kind = pg_sys::VariableSetKind::VAR_RESET;
                (*set).name = palloc(setting);
            }
            What::Set(setting, value, how) => {
                (*set).kind = pg_sys::VariableSetKind::VAR_SET_VALUE;
                (*set).name = palloc(setting);
                for word in words(setting, value, how)? {
                    let constant = self::node::<pg_sys::A_Const>(NodeTag::T_A_Const);
                    (*constant).val.sval.type_ = NodeTag::T_String;
                    (*constant).val.sval.sval = palloc(&word);
                    (*constant).location = -1;
                    (*set).args = pg_sys::lappend((*set).args, constant.cast());
                }
            }
        }
        (*node).role = role_spec(name);
        if let Some(database) = database {
            (*node).database = palloc(database);
        }
        (*node).setstmt = set;
        if is_role {
            // The server remarks that the session that asks could not take that role itself.
            let _quiet = log::without_notices();
            utility_without_flag(node.cast(), "ALTER ROLE SET");
        } else {
            utility(node.cast(), "ALTER ROLE SET");
        }
    }
    super::xact::next_command();
    still_named(role, name)
}

/// A value as the server stores it: a list of names has each in quotes where it needs them (guc.c,
/// flatten_set_variable_args). What is stored reads as itself.
pub fn as_stored(setting: &str, value: &str) -> Result<String> {
    if !is_list_of_names(setting) {
        return Ok(value.to_owned());
    }
    let quoted = |word: &String| {
        // SAFETY: a NUL-terminated copy; the answer is the same text or a new one.
        unsafe { text::copy(pg_sys::quote_identifier(palloc(word))) }.unwrap_or_default()
    };
    let words: Vec<String> = words(setting, value, Words::Typed)?
        .iter()
        .map(quoted)
        .collect();
    Ok(words.join(", "))
}

/// Whether a setting takes a value, as ALTER ROLE asks it (guc.c, validate_option_array_item).
pub fn takes(setting: &str, value: &str) -> bool {
    let _quiet = log::without_notices();
    let (name, value) = (palloc(setting), palloc(value));
    // SAFETY: NUL-terminated copies; nothing is set, and below the level of an error nothing is raised for a
    // value that is not one: the answer is 0.
    let answer = unsafe {
        pg_sys::set_config_option(
            name,
            value,
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_TEST,
            pg_sys::GucAction::GUC_ACTION_SET,
            false,
            pg_sys::DEBUG5 as c_int,
            false,
        )
    };
    answer != 0
}

/// Whether the server quotes each word of a setting's value.
fn is_list_of_names(setting: &str) -> bool {
    let name = CString::new(setting).unwrap_or_default();
    // SAFETY: a NUL-terminated name; an unknown setting has no flags.
    let flags = unsafe { pg_sys::GetConfigOptionFlags(name.as_ptr(), true) };
    flags & pg_sys::GUC_LIST_QUOTE as c_int != 0
}

/// The constants of a SET. A list of identifiers is split as the server splits it, since the server
/// quotes each constant of such a list: one constant `a, b` would be one schema of that name
/// (guc.c, flatten_set_variable_args; THREATS T45). What is stored is split as pg_dump does it, letter by
/// letter (SplitGUCList).
fn words(setting: &str, value: &str, how: Words) -> Result<Vec<String>> {
    let one = vec![value.to_owned()];
    if !is_list_of_names(setting) {
        return Ok(one);
    }
    let mut list: *mut pg_sys::List = std::ptr::null_mut();
    // SAFETY: both functions cut their own copy of the text into NUL-terminated words, which the list
    // points into.
    let words = unsafe {
        let comma = b',' as c_char;
        let split = match how {
            Words::Typed => pg_sys::SplitIdentifierString(palloc(value), comma, &mut list),
            Words::Stored => pg_sys::SplitGUCList(palloc(value), comma, &mut list),
        };
        if !split {
            return Err(Kind::BadArgument.error(format!(
                "the value of \"{}\" is not a list of names",
                crate::error::shown(setting)
            )));
        }
        let length = if list.is_null() { 0 } else { (*list).length };
        (0..length)
            .map(|i| {
                text::copy((*(*list).elements.add(i as usize)).ptr_value.cast()).unwrap_or_default()
            })
            .collect::<Vec<_>>()
    };
    // An empty list is one empty word: no word at all would reset the setting.
    Ok(if words.is_empty() { one } else { words })
}
