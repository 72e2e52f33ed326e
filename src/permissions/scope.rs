//! What a preset is given on: a schema that a caller named, or every schema.

use super::group::EVERY_SCHEMA;
use crate::catalog;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::authority::{self, Caller};
use crate::pg::owner::{self, Class};
use crate::pg::{ident, Oid};

/// The word for every schema there is and will be.
pub const EVERY: &str = "*";

/// A schema, or every schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The schema, or [`EVERY_SCHEMA`].
    pub schema: Oid,
    /// Its name, or `*`.
    pub name: String,
    /// Who owns it; nobody owns every schema.
    pub owner: Oid,
}

impl Scope {
    /// Every schema there is and will be.
    pub fn every() -> Scope {
        Scope {
            schema: EVERY_SCHEMA,
            name: EVERY.to_owned(),
            owner: Oid::INVALID,
        }
    }

    /// Whether it is every schema.
    pub fn is_every(&self) -> bool {
        self.schema == EVERY_SCHEMA
    }
}

/// The scopes of the words that a caller gave, each once and in their order. An unknown schema is 3F000, one
/// that nobody is given rights on 42501.
pub fn resolve(words: &[String]) -> Result<Vec<Scope>> {
    let mut scopes: Vec<Scope> = Vec::new();
    for name in words {
        let scope = match ident::schema_oid(name) {
            _ if name == EVERY => Scope::every(),
            None => return Err(unknown(name)),
            Some(_) if is_reserved(name) => {
                return Err(reserved(name, "It is the server's, or this extension's."))
            }
            Some(schema) if owner::is_extension_member(Class::Schema, schema) => {
                return Err(reserved(name, "It belongs to an extension."))
            }
            Some(schema) => Scope {
                schema,
                name: name.clone(),
                owner: owner::of(Class::Schema, schema).ok_or_else(|| unknown(name))?,
            },
        };
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// Whether a schema is the server's own, or this extension's.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with("pg_") || name == "information_schema" || name == "credentials"
}

fn unknown(name: &str) -> Error {
    Kind::NoSchema
        .error(format!("schema \"{}\" does not exist", shown(name)))
        .detail("Nothing was changed.")
        .hint("CREATE SCHEMA first, or see \\dn for those that are there.")
}

fn reserved(name: &str, why: &str) -> Error {
    Kind::Denied
        .error(format!("no rights are given on schema \"{}\"", shown(name)))
        .detail(why)
}

/// Refuses a caller who may not give rights on one of the scopes: a superuser may, and whoever has the
/// privileges of the schema's owner; on every schema, of the default credential.
pub fn authorise(caller: &Caller, scopes: &[Scope]) -> Result<()> {
    for scope in scopes {
        let ruler = match scope.is_every() {
            true => catalog::default_credential()?.role,
            false => scope.owner,
        };
        if !authority::has_privileges_of(caller.effective, ruler) {
            let owner = ident::role_name(ruler).unwrap_or_else(|| "nobody".to_owned());
            return Err(Kind::Denied
                .error(format!(
                    "only the owner of schema \"{}\" and superusers may give rights on it",
                    shown(&scope.name)
                ))
                .detail(format!("It belongs to \"{}\".", shown(&owner)))
                .hint("Ask a superuser, or for ALTER SCHEMA ... OWNER TO."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_schemas_and_ours_are_reserved_and_no_other() {
        for name in [
            "pg_catalog",
            "pg_toast",
            "pg_temp_3",
            "information_schema",
            "credentials",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["public", "pgsql", "Credentials", "shop", "", "*"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
