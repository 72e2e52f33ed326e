//! Extensions that the default credential may install.
//!
//! The script of an extension that is not trusted runs with a superuser's rights, and its bare names
//! are looked up in `pg_catalog`, in the schema that it goes into, in the schemas of the extensions
//! that it requires, and among the session's temporary tables and types. In none of these places may
//! there be anything of a user, and no event trigger of a user may fire meanwhile.

pub mod api;
mod control;
mod rule;
mod store;

use crate::catalog::Credential;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::acl::{self, rights, Right as Entry, Target};
use crate::pg::authority::{self, Caller};
use crate::pg::extension::{self, Right};
use crate::pg::owner::{self, Class};
use crate::pg::{ident, settings as fence, Oid};
use crate::settings;
use rule::Version;
use std::ffi::CStr;
use store::Installed;

/// This extension, which nothing installs but CREATE EXTENSION of a superuser.
const HOUSE: &str = "credential_manager";

/// What a person asks for.
pub struct Request<'a> {
    /// The extension's name.
    pub extension: &'a str,
    /// The schema that it is to go into.
    pub schema: Option<&'a str>,
    /// The version.
    pub version: Option<&'a str>,
}

/// What came of it.
pub struct Outcome {
    /// The schema.
    pub schema: String,
    /// The version.
    pub version: String,
    /// By whose right it was installed; nothing where it was there already.
    pub installed_by: Option<Right>,
}

/// What else a user may SET that a script could be misled by. `sql/pinned` has the rest, and the server
/// itself sets the search path, the level of messages and check_function_bodies.
const PINNED: [(&CStr, &CStr); 14] = [
    (c"array_nulls", c"on"),
    (c"backslash_quote", c"safe_encoding"),
    (c"default_table_access_method", c"heap"),
    (c"default_tablespace", c""),
    (c"temp_tablespaces", c""),
    (c"default_text_search_config", c"pg_catalog.simple"),
    (c"default_toast_compression", c"pglz"),
    (c"extra_float_digits", c"1"),
    (c"lc_monetary", c"C"),
    (c"lc_numeric", c"C"),
    (c"session_replication_role", c"origin"),
    (c"timezone", c"UTC"),
    (c"xmlbinary", c"base64"),
    (c"xmloption", c"content"),
];

/// Installs an extension that is supported; one that is there as it is asked for stays as it is.
pub fn install(caller: &Caller, default: &Credential, request: &Request) -> Result<Outcome> {
    let name = request.extension;
    if extension::in_script() {
        return Err(Kind::Denied
            .error("install_extension cannot be called from the script of an extension")
            .hint("Call it as a statement of its own."));
    }
    if name == HOUSE {
        return Err(rule::refused(name)
            .detail("It installs others.")
            .hint("A superuser installs it with CREATE EXTENSION."));
    }
    extension::hold_all();
    if let Some(there) = store::installed(name)? {
        return as_asked(there, request);
    }
    let versions = store::versions(name)?;
    let default_version = store::default_version(name)?;
    let version = rule::choose(name, &versions, request.version, default_version.as_deref())?;
    let listed = rule::names(&settings::supported_extensions(), name);
    let right = rule::right(name, &version, listed, store::asker(caller)?)?;
    refuse_missing(name, &version)?;
    if right == Right::Superuser {
        refuse_unsafe(name, &versions)?;
    }
    let schema = rule::schema(name, version.schema.as_deref(), request.schema)?;
    let _pinned = fence::pin(&PINNED);
    let place = prepare(name, &schema, &version, right)?;
    extension::create(name, &schema, &version.version, right);
    let made = store::installed(name)?
        .filter(|made| made.schema_oid == place && made.version == version.version)
        .ok_or_else(|| Kind::Internal.error("an extension is not where it was made"))?;
    give_usage(place, &[default.role, caller.effective])?;
    Ok(Outcome {
        schema: made.schema,
        version: made.version,
        installed_by: Some(right),
    })
}

/// An extension that is there: unchanged where it is as it was asked for, else 42710.
fn as_asked(there: Installed, request: &Request) -> Result<Outcome> {
    let same = request.version.is_none_or(|v| v == there.version)
        && request.schema.is_none_or(|s| s == there.schema);
    if same {
        return Ok(Outcome {
            schema: there.schema,
            version: there.version,
            installed_by: None,
        });
    }
    let name = shown(request.extension);
    Err(Kind::Exists
        .error(format!("extension \"{name}\" is installed already"))
        .detail(format!(
            "It is version \"{}\" in schema \"{}\".",
            shown(&there.version),
            shown(&there.schema)
        ))
        .hint(format!(
            "Its owner: ALTER EXTENSION \"{name}\" UPDATE; or SET SCHEMA."
        )))
}

/// Refuses where an extension that this one requires is not installed: nothing is installed along.
fn refuse_missing(name: &str, version: &Version) -> Result<()> {
    for required in &version.requires {
        if store::installed(required)?.is_none() {
            return Err(Kind::NotFound
                .error(format!(
                    "extension \"{}\" requires extension \"{}\", which is not installed",
                    shown(name),
                    shown(required)
                ))
                .hint(format!(
                    "SELECT * FROM credentials.install_extension('{}');",
                    shown(required)
                )));
        }
    }
    Ok(())
}

/// Refuses where a script would not be the server's own, or would meet what a user made.
fn refuse_unsafe(name: &str, versions: &[Version]) -> Result<()> {
    let unsafe_script = match extension::control_file(name) {
        Some(text) => control::strays(&text),
        None => Some("is not in the server's own folder"),
    };
    if let Some(why) = unsafe_script {
        return Err(rule::refused(name)
            .detail(format!("Its control file {why}."))
            .hint("A superuser who trusts it installs it with CREATE EXTENSION."));
    }
    if let Some(trigger) = store::foreign_event_trigger()? {
        return Err(not_ready(name)
            .detail(format!(
                "The event trigger \"{}\" or its function is not a superuser's, and would run with a superuser's rights.",
                shown(&trigger)
            ))
            .hint(format!("A superuser: ALTER EVENT TRIGGER \"{}\" DISABLE;", shown(&trigger))));
    }
    if store::has_temporary_objects()? {
        return Err(not_ready(name)
            .detail("This session has temporary tables or types, which the script could take for its own.")
            .hint("DISCARD TEMP;"));
    }
    // What any version requires: an older one's script may run on the way to a newer.
    for required in versions.iter().flat_map(|v| &v.requires) {
        let Some(there) = store::installed(required)? else {
            continue;
        };
        if !store::is_superusers_alone(there.schema_oid)? {
            return Err(not_ready(name)
                .detail(format!(
                    "It requires \"{}\", whose schema \"{}\" is not the superusers' alone: the script could call what somebody else made there.",
                    shown(required),
                    shown(&there.schema)
                ))
                .hint(format!(
                    "Install \"{}\" into a schema of its own: ALTER EXTENSION … SET SCHEMA, or DROP EXTENSION and install_extension().",
                    shown(required)
                )));
        }
    }
    Ok(())
}

fn not_ready(name: &str) -> Error {
    Kind::NotReady.error(format!(
        "extension \"{}\" cannot be installed safely now",
        shown(name)
    ))
}

/// The schema, made where it is not there; one that is there must be the superusers' alone.
fn prepare(name: &str, schema: &str, version: &Version, right: Right) -> Result<Oid> {
    let Some(there) = ident::schema_oid(schema) else {
        // The script of an extension that needs no superuser makes its objects as the caller, and so
        // needs the caller's own schema.
        let owner = match version.superuser {
            true => Right::Superuser,
            false => right,
        };
        return extension::create_schema(schema, owner);
    };
    if store::is_superusers_alone(there)? {
        return Ok(there);
    }
    let by_hand = match right {
        Right::Caller => format!(
            "Name another schema, or: CREATE EXTENSION \"{}\" SCHEMA \"{}\";",
            shown(name),
            shown(schema)
        ),
        Right::Superuser => "Name a schema that does not exist yet.".to_owned(),
    };
    Err(Kind::Exists
        .error(format!("schema \"{}\" already exists", shown(schema)))
        .detail("It is not the superusers' alone: what somebody made there could be called by the extension's script.")
        .hint(by_hand))
}

/// Gives roles the use of a schema that is a superuser's, with the right to give it on.
fn give_usage(schema: Oid, roles: &[Oid]) -> Result<()> {
    let owned_by_superuser = owner::of(Class::Schema, schema).is_some_and(authority::is_superuser);
    if !owned_by_superuser || ident::schema_oid("pg_catalog") == Some(schema) {
        return Ok(());
    }
    let target = Target {
        class: Class::Schema.oid(),
        object: schema,
        column: 0,
    };
    let with_grant_option = rights::USAGE | rights::USAGE << 16;
    let mut entries: Vec<Entry> = Vec::new();
    for role in roles {
        let known = entries.iter().any(|entry| entry.grantee == *role);
        if !known && !authority::is_superuser(*role) {
            entries.push(Entry {
                grantee: *role,
                grantor: Oid::INVALID,
                rights: with_grant_option,
            });
        }
    }
    acl::give(target, &entries)
}
