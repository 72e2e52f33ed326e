//! What a flat role has by itself in the spec's schemas, and the statements that take it and give it back. Pure.

use super::step::line;
use super::words::{parts, words};
use crate::core::quote::{ident, literal};
use crate::pg::acl::{Target, Withdrawn};
use crate::pg::Oid;
use crate::tenants::Line;

/// One thing that it has, or had until it was taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Holding {
    /// Rights on an object, or on a column of a table.
    Right(OnObject),
    /// It is a member of a managed group.
    Member(Member),
    /// Default privileges that somebody else gives it.
    Future(Future),
    /// It can log in.
    Login {
        /// The credential that it is, where it is one.
        credential: Option<String>,
    },
}

/// Rights on an object.
#[derive(Clone, Debug, PartialEq)]
pub struct OnObject {
    /// The schema that it is, or is in.
    pub schema: String,
    /// The object.
    pub target: Target,
    /// How a GRANT names it: `TABLE shop.orders`.
    pub named: String,
    /// The column's name.
    pub column: Option<String>,
    /// The rights as bits, the options to grant them in the upper half.
    pub rights: u32,
    /// Whether the caller may speak for the object's owner.
    pub may: bool,
    /// What there is to be given back.
    pub taken: Withdrawn,
}

/// A membership in a managed group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The group.
    pub group: Oid,
    /// Its name.
    pub group_name: String,
    /// The schema that it is for.
    pub schema: String,
    /// Who gave it.
    pub grantor: Oid,
    /// Whether it may be handed on.
    pub admin: bool,
}

/// Default privileges in a schema that name the flat role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Future {
    /// Whose objects they are on.
    pub creator: Oid,
    /// Its name.
    pub creator_name: String,
    /// The schema's name.
    pub schema: String,
    /// What they are on, as `pg_default_acl.defaclobjtype`.
    pub letter: char,
    /// The rights as bits, the options to grant them in the upper half.
    pub rights: u32,
    /// Whether the caller may speak for the creator.
    pub may: bool,
}

impl Holding {
    /// The schema that it is about; the login is about none.
    pub fn schema(&self) -> Option<&str> {
        match self {
            Holding::Right(on) => Some(&on.schema),
            Holding::Member(member) => Some(&member.schema),
            Holding::Future(future) => Some(&future.schema),
            Holding::Login { .. } => None,
        }
    }

    /// Whether it is the caller's to give and to take, as far as owners have a say.
    pub fn is_the_callers(&self) -> bool {
        match self {
            Holding::Right(on) => on.may,
            Holding::Future(future) => future.may,
            Holding::Member(_) | Holding::Login { .. } => true,
        }
    }

    /// The lines that give it to a role, or take it.
    pub fn lines(&self, role: &str, give: bool) -> Vec<Line> {
        match self {
            Holding::Right(on) => on.lines(role, give),
            Holding::Member(member) => vec![member.line(role, give)],
            Holding::Future(future) => future.lines(role, give),
            Holding::Login { credential } => vec![login(role, credential.as_deref(), give)],
        }
    }
}

fn login(role: &str, credential: Option<&str>, give: bool) -> Line {
    let verb = if give { "resume" } else { "suspend" };
    match credential {
        Some(name) => line(
            verb,
            format!("credential {}", ident(name)),
            format!("SELECT * FROM credentials.{verb}({});", literal(name)),
        ),
        None => line(
            verb,
            format!("role {}", ident(role)),
            format!(
                "ALTER ROLE {} {};",
                ident(role),
                if give { "LOGIN" } else { "NOLOGIN" }
            ),
        ),
    }
}

impl Member {
    fn line(&self, role: &str, give: bool) -> Line {
        let (group, role) = (ident(&self.group_name), ident(role));
        let object = format!("role {group}");
        let option = if self.admin { " WITH ADMIN OPTION" } else { "" };
        match give {
            true => line("grant", object, format!("GRANT {group} TO {role}{option};")),
            false => line("revoke", object, format!("REVOKE {group} FROM {role};")),
        }
    }
}

impl OnObject {
    fn lines(&self, role: &str, give: bool) -> Vec<Line> {
        let role = ident(role);
        if !give {
            let words = self.words(self.rights & 0xFFFF | self.rights >> 16);
            let statement = format!("REVOKE {words} ON {} FROM {role};", self.named);
            return vec![line("revoke", self.named.clone(), statement)];
        }
        parts(self.rights)
            .map(|(bits, option)| {
                let words = self.words(bits);
                let statement = format!("GRANT {words} ON {} TO {role}{option};", self.named);
                line("grant", self.named.clone(), statement)
            })
            .collect()
    }

    fn words(&self, bits: u32) -> String {
        let on = self.column.as_ref();
        let on = on.map_or_else(String::new, |column| format!(" ({})", ident(column)));
        let words = words(bits).map(|word| format!("{word}{on}"));
        words.collect::<Vec<String>>().join(", ")
    }
}

impl Future {
    fn lines(&self, role: &str, give: bool) -> Vec<Line> {
        let Some(kind) = kind(self.letter) else {
            return Vec::new();
        };
        let (creator, role) = (ident(&self.creator_name), ident(role));
        let start = format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {creator} IN SCHEMA {}",
            ident(&self.schema)
        );
        let object = format!("schema {}", ident(&self.schema));
        if !give {
            let statement = format!("{start} REVOKE ALL ON {kind} FROM {role};");
            return vec![line("revoke", object, statement)];
        }
        parts(self.rights)
            .map(|(bits, option)| {
                let words = words(bits).collect::<Vec<&str>>().join(", ");
                let statement = format!("{start} GRANT {words} ON {kind} TO {role}{option};");
                line("grant", object.clone(), statement)
            })
            .collect()
    }
}

/// The word of ALTER DEFAULT PRIVILEGES for a kind of object.
fn kind(letter: char) -> Option<&'static str> {
    Some(match letter {
        'r' => "TABLES",
        'S' => "SEQUENCES",
        'f' => "ROUTINES",
        'T' => "TYPES",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::acl::rights::{INSERT, SELECT};

    fn statements(holding: &Holding, give: bool) -> Vec<String> {
        let lines = holding.lines("sh'op", give);
        lines.into_iter().map(|line| line.statement).collect()
    }

    fn on_orders(rights: u32) -> Holding {
        Holding::Right(OnObject {
            schema: "shop".to_owned(),
            target: Target {
                class: Oid::INVALID,
                object: Oid::INVALID,
                column: 1,
            },
            named: "TABLE shop.orders".to_owned(),
            column: Some("Word".to_owned()),
            rights,
            may: true,
            taken: Withdrawn::default(),
        })
    }

    #[test]
    fn rights_are_given_back_with_the_option_to_grant_them_where_there_was_one() {
        let held = on_orders(SELECT | INSERT | SELECT << 16);
        assert_eq!(
            statements(&held, true),
            [
                "GRANT INSERT (\"Word\") ON TABLE shop.orders TO \"sh'op\";",
                "GRANT SELECT (\"Word\") ON TABLE shop.orders TO \"sh'op\" WITH GRANT OPTION;"
            ]
        );
        assert_eq!(
            statements(&held, false),
            ["REVOKE INSERT (\"Word\"), SELECT (\"Word\") ON TABLE shop.orders FROM \"sh'op\";"]
        );
    }

    #[test]
    fn a_credential_is_closed_by_suspend_and_any_other_role_by_nologin() {
        let login = |credential: Option<&str>| Holding::Login {
            credential: credential.map(str::to_owned),
        };
        assert_eq!(
            statements(&login(Some("s")), false),
            ["SELECT * FROM credentials.suspend('s');"]
        );
        assert_eq!(
            statements(&login(Some("s")), true),
            ["SELECT * FROM credentials.resume('s');"]
        );
        assert_eq!(
            statements(&login(None), false),
            ["ALTER ROLE \"sh'op\" NOLOGIN;"]
        );
        assert_eq!(
            statements(&login(None), true),
            ["ALTER ROLE \"sh'op\" LOGIN;"]
        );
    }
}
