//! What a line of pg_hba.conf matches (hba.c: check_db, check_role), and whether it matches two names alike.

use crate::error::Result;

/// One line of pg_hba.conf, as `pg_hba_file_rules` shows it.
///
/// The view does not tell a word from a quoted name that is spelt like it.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Its number in the file.
    pub(super) line: i32,
    /// `local`, `host`, `hostssl` and the like.
    pub(super) kind: String,
    /// Names of databases, and words for some.
    pub(super) databases: Vec<String>,
    /// Names of roles, `all`, `+group`, and from version 16 on `/pattern`.
    pub(super) users: Vec<String>,
    /// Where the client may be; nothing for `local`.
    pub(super) address: Option<String>,
    /// The rest of the address.
    pub(super) netmask: Option<String>,
}

/// The two names that are to be treated alike, and what has to be asked of the server about them.
pub(super) struct Names<'a> {
    /// The role's.
    pub(super) base: &'a str,
    /// Its twin's.
    pub(super) twin: &'a str,
    /// Those of the two that are names of databases as well.
    pub(super) databases: Vec<&'a str>,
    /// Whether a `+group` or a `/pattern` stands for a name.
    pub(super) stands_for: &'a dyn Fn(&str, &str) -> Result<bool>,
}

/// A rule that treats the two names otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its number in the file.
    pub(super) line: i32,
    /// Whether it is the role that the rule matches, and not the twin.
    pub(super) meets_base: bool,
    /// The database, where it is not the user column that tells them apart.
    pub(super) by_database: Option<String>,
}

/// A database that no rule names.
const ANY_OTHER: &str = "";

/// The rules that match one of the two names and not the other, unless a rule before them has decided for
/// both.
pub(super) fn otherwise(rules: &[Rule], names: &Names) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        for database in concerned(rule, names) {
            let base = matches(rule, names.base, database, names.stands_for)?;
            let twin = matches(rule, names.twin, database, names.stands_for)?;
            let quoted = base && twin && is_ambiguous(rule, names);
            if (base != twin || quoted) && !is_decided(&rules[..at], rule, database, names)? {
                let users = users_match(rule, names.base, names.stands_for)?
                    != users_match(rule, names.twin, names.stands_for)?;
                found.push(Found {
                    line: rule.line,
                    meets_base: base,
                    by_database: (!users && !quoted).then(|| database.to_owned()),
                });
                break;
            }
        }
    }
    Ok(found)
}

/// Whether a rule matches a login with this name to this database. Rules for replication do not: no
/// credential may replicate.
pub(super) fn matches(
    rule: &Rule,
    name: &str,
    database: &str,
    stands_for: &dyn Fn(&str, &str) -> Result<bool>,
) -> Result<bool> {
    let mut meets_database = false;
    for word in &rule.databases {
        meets_database |= match word.as_str() {
            "all" => true,
            "replication" => false,
            "sameuser" => database == name,
            // Some group has a database of its name.
            "samerole" | "samegroup" if database == ANY_OTHER => true,
            "samerole" | "samegroup" => {
                database == name || stands_for(&format!("+{database}"), name)?
            }
            pattern if pattern.starts_with('/') => true,
            named => named == database,
        };
    }
    Ok(meets_database && users_match(rule, name, stands_for)?)
}

fn users_match(
    rule: &Rule,
    name: &str,
    stands_for: &dyn Fn(&str, &str) -> Result<bool>,
) -> Result<bool> {
    if rule.users.iter().any(|user| user == "all" || user == name) {
        return Ok(true);
    }
    for user in rule
        .users
        .iter()
        .filter(|user| user.starts_with(['+', '/']))
    {
        if stands_for(user, name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a word of the file may be no word but the role's name in quotes, and the twin has no such line.
fn is_ambiguous(rule: &Rule, names: &Names) -> bool {
    let named = |name| rule.users.iter().any(|user| user == name);
    is_word(names.base) && named(names.base) && !named(names.twin)
}

/// Whether a name would be read as something else if it stood without quotes.
pub(super) fn is_word(name: &str) -> bool {
    name == "all" || name.starts_with(['+', '/', '@'])
}

/// The databases for which a rule has to be looked at: those it names, those that bear a name of the
/// pair, and one that stands for all others.
fn concerned<'a>(rule: &'a Rule, names: &'a Names) -> impl Iterator<Item = &'a str> {
    let words = ["all", "replication", "sameuser", "samerole", "samegroup"];
    let named = rule.databases.iter().map(String::as_str);
    named
        .filter(move |word| !words.contains(word) && !word.starts_with('/'))
        .chain(names.databases.iter().copied())
        .chain([ANY_OTHER])
}

/// Whether rules before this one match both names wherever it matches one: the first that matches counts.
fn is_decided(before: &[Rule], rule: &Rule, database: &str, names: &Names) -> Result<bool> {
    for earlier in before {
        let from_there =
            earlier.kind == rule.kind || (earlier.kind == "host" && rule.kind.starts_with("host"));
        let from_here = earlier.address.as_deref() == Some("all")
            || (&earlier.address, &earlier.netmask) == (&rule.address, &rule.netmask);
        let to_there = |word: &String| word == "all" || (word == database && database != ANY_OTHER);
        if from_there
            && from_here
            && earlier.databases.iter().any(to_there)
            && !is_ambiguous(earlier, names)
            && users_match(earlier, names.base, names.stands_for)?
            && users_match(earlier, names.twin, names.stands_for)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
