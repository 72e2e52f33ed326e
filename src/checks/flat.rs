//! What a role that did everything and is being left was seen to do, and the new credentials could not.

use super::finding::{Code, Finding};
use crate::core::quote::{ident, literal};
use crate::error::shown;
use crate::flat::{Lacks, Seen};
use crate::pg::time;

/// A finding for each kind of statement.
pub fn statements(seen: Vec<Seen>) -> Vec<Finding> {
    seen.iter().map(statement).collect()
}

fn statement(seen: &Seen) -> Finding {
    let (what, remedy) = told(&seen.lacks);
    Finding::new(
        Code::FlatRoleStatement,
        format!("role {} {}", ident(&seen.role), seen.lacks.object()),
        format!("{what} (last seen {}).", time::shown(seen.last)),
        remedy,
    )
}

fn told(lacks: &Lacks) -> (String, String) {
    match lacks {
        Lacks::Rights {
            named,
            words,
            schema,
            usage,
            group: Some(group),
        } => {
            let mut remedy = Vec::new();
            if *usage {
                remedy.push(format!(
                    "GRANT USAGE ON SCHEMA {} TO {};",
                    ident(schema),
                    ident(group)
                ));
            }
            if !words.is_empty() {
                remedy.push(format!(
                    "GRANT {} ON {named} TO {};",
                    words.join(", "),
                    ident(group)
                ));
            }
            let all: Vec<&str> = words
                .iter()
                .copied()
                .chain(usage.then_some("USAGE on its schema"))
                .collect();
            let what = format!(
                "It runs statements that take {}, which \"{}\" has not",
                all.join(", "),
                shown(group)
            );
            (what, remedy.join("\n"))
        }
        Lacks::Rights { schema, .. } => (
            "It uses this relation, and its schema has no group that reads or writes".to_owned(),
            format!(
                "SELECT * FROM credentials.create('app', access => 'read_write', schemas => {});",
                list(schema)
            ),
        ),
        Lacks::Ownership {
            migrator: Some(name),
            ..
        } => (
            format!(
                "It runs statements of an owner: have credential \"{}\" run them",
                shown(name)
            ),
            format!("SELECT credentials.url({});", literal(name)),
        ),
        Lacks::Ownership { schema, .. } => (
            "It runs statements of an owner, and no other credential has the access for it"
                .to_owned(),
            format!(
                "SELECT * FROM credentials.create('migrator', access => 'owner', schemas => {});",
                list(schema)
            ),
        ),
        Lacks::Temporary { group } => (
            format!(
                "It makes temporary tables, which \"{}\" may not",
                shown(group)
            ),
            format!(
                "GRANT TEMPORARY ON DATABASE {} TO {};",
                Lacks::database(),
                ident(group)
            ),
        ),
        Lacks::Room => (
            "It runs more kinds of statements that would fail than there is room for".to_owned(),
            "SELECT * FROM credentials.check();".to_owned(),
        ),
    }
}

/// A schema as a text array.
fn list(schema: &str) -> String {
    format!("ARRAY[{}]", literal(schema))
}
