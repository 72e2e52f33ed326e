//! Rules of pg_hba.conf that would treat the twin otherwise than its role are found before a rotation
//! begins, not by the clients that it would lock out, or let in.

mod rule;

use crate::access;
use crate::catalog::Credential;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::{database, ident, spi};
use rule::{Found, Names, Rule};

/// How many lines an error names.
const MOST_LINES: usize = 5;

/// The first version whose pg_hba.conf knows regular expressions.
const KNOWS_PATTERNS: u32 = 160_000;

/// The rules that pg_hba.conf holds now. Whoever rotates many credentials reads them once.
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Reads the file as the server would on its next reload; lines with an error are none.
    pub fn read() -> Result<Rules> {
        let rows = spi::query(
            "SELECT r.line_number, r.type, r.database, r.user_name, r.address, r.netmask
               FROM pg_catalog.pg_hba_file_rules r
              WHERE r.error IS NULL AND r.database IS NOT NULL AND r.user_name IS NOT NULL",
            &[],
        )?;
        let read = |row: &spi::Row| {
            Ok(Rule {
                line: row.int4(0)?,
                kind: row.text(1)?,
                databases: row.texts(2)?,
                users: row.texts(3)?,
                address: row.maybe_text(4)?,
                netmask: row.maybe_text(5)?,
            })
        };
        Ok(Rules(rows.iter().map(read).collect::<Result<_>>()?))
    }

    /// Refuses a credential whose role and twin one of these rules would not treat alike (55000), with what to
    /// write instead. To be asked before a twin is made.
    pub fn refuse_exact(&self, credential: &Credential) -> Result<()> {
        let base = credential.role_name.as_str();
        let twin = credential.twin_name();
        let stands_for = |word: &str, name: &str| match word.strip_prefix('/') {
            Some(pattern) => is_like(name, pattern),
            None => belongs(credential, name, word.trim_start_matches('+')),
        };
        let names = Names {
            base,
            twin: &twin,
            databases: [base, &twin]
                .into_iter()
                .filter(|name| ident::database_oid(name).is_some())
                .collect(),
            stands_for: &stands_for,
        };
        let found = rule::otherwise(&self.0, &names)?;
        match found.first() {
            Some(first) => Err(refused(credential, &twin, first, &found)),
            None => Ok(()),
        }
    }
}

/// Whether a role or its twin is a member of a group, as pg_hba.conf means it: of itself too, and by ADMIN
/// OPTION as well. The twin need not be there yet: it will be a member of its role and of nothing else.
fn belongs(credential: &Credential, name: &str, group: &str) -> Result<bool> {
    if group == name || group == credential.role_name {
        return Ok(true);
    }
    match ident::role_oid(group) {
        Some(group) => access::is_member(credential.role, group),
        None => Ok(false),
    }
}

/// Whether a name matches a regular expression of pg_hba.conf, which is one from version 16 on.
fn is_like(name: &str, pattern: &str) -> Result<bool> {
    if database::version() < KNOWS_PATTERNS {
        return Ok(false);
    }
    let row = spi::row(
        "SELECT $1 OPERATOR(pg_catalog.~) ($2 COLLATE pg_catalog.\"C\")",
        &[name.into(), pattern.into()],
    )?;
    row.map_or(Ok(false), |row| row.bool(0))
}

fn refused(credential: &Credential, twin: &str, first: &Found, all: &[Found]) -> Error {
    let base = credential.role_name.as_str();
    let (meets, misses) = match first.meets_base {
        true => (base, twin),
        false => (twin, base),
    };
    let others: Vec<String> = all
        .iter()
        .skip(1)
        .take(MOST_LINES)
        .map(|found| found.line.to_string())
        .collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!(" So it is with line {}.", others.join(", ")),
    };
    let both = format!("{},{}", as_written(base), as_written(twin));
    let write = match first.by_database {
        None => format!("Write {both} there as the user"),
        Some(ref own) => format!(
            "Write a line like it before it, with {} as the database and {both} as the user",
            as_written(own)
        ),
    };
    Kind::NotReady
        .error(format!(
            "a rule in pg_hba.conf would treat the twin of credential \"{}\" otherwise than its role",
            shown(&credential.name)
        ))
        .detail(format!(
            "Line {} of pg_hba.conf holds for \"{}\" and not for \"{}\".{others}",
            first.line,
            shown(meets),
            shown(misses)
        ))
        .hint(format!("{write}, and reload: SELECT pg_reload_conf();"))
}

/// A name as pg_hba.conf is to have it: in quotes, unless it is one plain word.
fn as_written(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    match name.bytes().all(plain) && !rule::is_word(name) {
        true => name.to_owned(),
        // Inside quotes the file has a quote twice where a message has a backslash.
        false => format!("\"{}\"", shown(name).replace("\\\"", "\"\"")),
    }
}
