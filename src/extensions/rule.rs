//! What may be installed, by whose right, and where: decisions alone.

use crate::error::{shown, Error, Kind, Result};
use crate::pg::extension::Right;

/// The longest name of a schema (pg_config_manual.h, NAMEDATALEN).
const LONGEST_NAME: usize = 63;

/// What the control files say of one version of an extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// The version.
    pub version: String,
    /// Its script needs a superuser.
    pub superuser: bool,
    /// Whoever may create in the database may install it all the same.
    pub trusted: bool,
    /// The schema that it insists on.
    pub schema: Option<String>,
    /// Extensions that it needs.
    pub requires: Vec<String>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// A superuser.
    pub superuser: bool,
    /// Has CREATE on the database.
    pub may_create: bool,
}

/// Whether a list, as it is written in the configuration, names an extension: byte for byte, no patterns.
pub fn names(list: &str, extension: &str) -> bool {
    list.split(',')
        .map(|name| name.trim_matches(|c: char| c.is_ascii_whitespace() || c == '"'))
        .any(|name| !name.is_empty() && name == extension)
}

/// By whose right a version is installed. What the caller could do alone is done by the caller's own
/// right; a superuser's right is taken for what the list names, and for what a superuser asks for, so
/// that no superuser's call is less careful than another's.
pub fn right(extension: &str, version: &Version, listed: bool, asker: Asker) -> Result<Right> {
    let needs_nobody = version.trusted || !version.superuser;
    match (needs_nobody, asker) {
        (true, Asker { superuser: true, .. }) => Ok(Right::Superuser),
        (true, Asker { may_create: true, .. }) => Ok(Right::Caller),
        (true, _) => Err(refused(extension)
            .detail("It is a trusted extension, which takes the right to CREATE in the database.")
            .hint("Let the default credential install it.")),
        (false, _) if listed => Ok(Right::Superuser),
        (false, _) => Err(refused(extension)
            .detail("It is not trusted, and credential_manager.supported_extensions does not name it.")
            .hint("A superuser adds it to credential_manager.supported_extensions in postgresql.conf and reloads, or installs it with CREATE EXTENSION.")),
    }
}

/// The error for an extension that this caller may not install.
pub fn refused(extension: &str) -> Error {
    Kind::Denied.error(format!(
        "extension \"{}\" is not to be installed by this function",
        shown(extension)
    ))
}

/// The version that is meant among those that can be installed.
pub fn choose(
    extension: &str,
    all: &[Version],
    asked: Option<&str>,
    default: Option<&str>,
) -> Result<Version> {
    if all.is_empty() {
        return Err(Kind::NotFound
            .error(format!(
                "extension \"{}\" is not available",
                shown(extension)
            ))
            .detail("There is no control file of that name, with an install script, in the server's own folder.")
            .hint("SELECT name FROM pg_available_extensions;"));
    }
    let Some(wanted) = asked.or(default) else {
        return Err(Kind::BadArgument
            .error(format!(
                "extension \"{}\" has no default version",
                shown(extension)
            ))
            .hint(versions_hint(extension)));
    };
    let found = all.iter().find(|v| v.version == wanted);
    found.cloned().ok_or_else(|| {
        Kind::BadArgument
            .error(format!(
                "extension \"{}\" has no version \"{}\"",
                shown(extension),
                shown(wanted)
            ))
            .hint(versions_hint(extension))
    })
}

fn versions_hint(extension: &str) -> String {
    format!(
        "SELECT version FROM pg_available_extension_versions WHERE name = '{}';",
        shown(extension)
    )
}

/// The schema that is meant: the one that the extension insists on, the one that was asked for, or one
/// of its own name.
pub fn schema(extension: &str, fixed: Option<&str>, asked: Option<&str>) -> Result<String> {
    match (fixed, asked) {
        (Some(fixed), Some(asked)) if fixed != asked => Err(Kind::BadArgument
            .error(format!(
                "extension \"{}\" goes into schema \"{}\" and no other",
                shown(extension),
                shown(fixed)
            ))
            .hint("Leave out schema.")),
        (Some(fixed), _) => Ok(fixed.to_owned()),
        (None, Some(asked)) => check_name(asked).map(|()| asked.to_owned()),
        (None, None) => {
            let own = match extension.starts_with("pg_") {
                // The server keeps such names of schemas to itself.
                true => format!("ext_{extension}"),
                false => extension.to_owned(),
            };
            check_name(&own).map(|()| own)
        }
    }
}

/// A name that means the same wherever a script splices it in.
fn check_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !(1..=LONGEST_NAME).contains(&name.len()) || !name.chars().all(is_plain) {
        return Err(Kind::BadName
            .error(format!("schema name \"{}\" is not allowed", shown(name)))
            .detail("For an extension it is 1 to 63 letters, digits, _ and -.")
            .hint("Name another: schema => 'extensions'"));
    }
    let folded = name.to_ascii_lowercase();
    let kept = ["credentials", "information_schema"];
    if folded.starts_with("pg_") || kept.contains(&folded.as_str()) {
        return Err(Kind::ReservedName
            .error(format!("schema name \"{}\" is reserved", shown(name)))
            .hint("Name another: schema => 'extensions'"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(superuser: bool, trusted: bool) -> Version {
        Version {
            version: "1.0".to_owned(),
            superuser,
            trusted,
            ..Version::default()
        }
    }

    #[test]
    fn a_superusers_right_is_lent_for_what_the_list_names_and_for_nothing_else() {
        for (superuser, trusted, listed, may_create) in
            (0..16).map(|n| (n & 1 > 0, n & 2 > 0, n & 4 > 0, n & 8 > 0))
        {
            let asker = Asker {
                superuser: false,
                may_create,
            };
            let found = right("x", &version(superuser, trusted), listed, asker).ok();
            let wanted = match (superuser && !trusted, listed, may_create) {
                (true, true, _) => Some(Right::Superuser),
                (false, _, true) => Some(Right::Caller),
                _ => None,
            };
            assert_eq!(found, wanted, "{superuser} {trusted} {listed} {may_create}");
        }
    }

    #[test]
    fn a_superuser_is_bound_by_the_list_and_installs_as_carefully() {
        let asker = Asker {
            superuser: true,
            may_create: true,
        };
        assert_eq!(
            right("x", &version(true, true), false, asker),
            Ok(Right::Superuser)
        );
        assert_eq!(
            right("x", &version(false, false), false, asker),
            Ok(Right::Superuser)
        );
        assert!(right("x", &version(true, false), false, asker).is_err());
    }

    #[test]
    fn the_list_is_names_with_commas_and_no_patterns() {
        let list = " dblink,file_fdw ,\"uuid-ossp\",, *\n";
        for name in ["dblink", "file_fdw", "uuid-ossp"] {
            assert!(names(list, name), "{name}");
        }
        for name in ["", "DBLINK", "dblink,file_fdw", "file", "pg_cron", " "] {
            assert!(!names(list, name), "{name}");
        }
        assert!(!names("", ""));
    }

    #[test]
    fn the_version_is_the_one_asked_for_or_the_default_and_there() {
        let all = [version(true, false)];
        let of = |asked, default| choose("x", &all, asked, default).map(|v| v.version);
        assert_eq!(of(None, Some("1.0")), Ok("1.0".to_owned()));
        assert_eq!(of(Some("1.0"), Some("9")), Ok("1.0".to_owned()));
        let kind = |r: Result<String>| r.map_err(|e| e.kind());
        assert_eq!(kind(of(Some("2"), Some("1.0"))), Err(Kind::BadArgument));
        assert_eq!(kind(of(None, None)), Err(Kind::BadArgument));
        assert_eq!(
            choose("x", &[], None, None).map_err(|e| e.kind()),
            Err(Kind::NotFound)
        );
    }

    #[test]
    fn the_schema_is_the_fixed_one_the_asked_one_or_one_of_the_extensions_name() {
        let of = |e, fixed, asked| schema(e, fixed, asked).map_err(|e| e.kind());
        assert_eq!(of("hstore", None, None), Ok("hstore".to_owned()));
        assert_eq!(of("pg_trgm", None, None), Ok("ext_pg_trgm".to_owned()));
        assert_eq!(of("hstore", None, Some("ext")), Ok("ext".to_owned()));
        assert_eq!(
            of("plperl", Some("pg_catalog"), None),
            Ok("pg_catalog".to_owned())
        );
        assert_eq!(of("x", Some("a"), Some("a")), Ok("a".to_owned()));
        assert_eq!(of("x", Some("a"), Some("b")), Err(Kind::BadArgument));
        let long = "x".repeat(64);
        for bad in [
            "", "a b", "a\"b", "a'b", "a$b", "a\nb", "größe", "a.b", &long,
        ] {
            assert_eq!(of("x", None, Some(bad)), Err(Kind::BadName), "{bad}");
        }
        for kept in ["pg_catalog", "PG_x", "credentials", "Information_Schema"] {
            assert_eq!(of("x", None, Some(kept)), Err(Kind::ReservedName), "{kept}");
        }
    }
}
