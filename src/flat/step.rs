//! One step of leaving a flat role, beyond what the spec says by itself, as a person would type it.

use super::holding::Holding;
use super::stage::Stage;
use crate::core::quote::ident;
use crate::permissions::GroupKind;
use crate::tenants::Line;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The role is at another stage.
    Stage {
        /// The role.
        role: String,
        /// The stage.
        stage: Stage,
    },
    /// The flat role becomes a member of the group that takes over what it owned: nothing breaks.
    Keep {
        /// The role.
        role: String,
        /// The group.
        group: String,
    },
    /// The flat role's default privileges in a schema name its groups.
    Defaults {
        /// The role.
        role: String,
        /// The schema.
        schema: String,
        /// The groups, as far as they are known by name.
        groups: Vec<(GroupKind, String)>,
        /// Whether they get them or lose them.
        give: bool,
    },
    /// A schema, and what its group owns, goes back.
    Return {
        /// The flat role, that the objects go to.
        role: String,
        /// The schema.
        schema: String,
        /// Whom the schema itself goes to: the flat role or default.
        owner: String,
        /// The group.
        group: String,
    },
    /// What the flat role still owns in a schema goes to the schema's group.
    HandOver {
        /// The role.
        role: String,
        /// The schema.
        schema: String,
        /// The group.
        group: String,
    },
    /// The flat role loses something that it has by itself.
    Take {
        /// The role.
        role: String,
        /// What.
        holding: Holding,
    },
    /// The flat role gets back what it had.
    Give {
        /// The role.
        role: String,
        /// What.
        holding: Holding,
    },
}

impl Step {
    /// The lines that are shown for this step.
    pub fn lines(&self) -> Vec<Line> {
        match self {
            Step::Stage { role, stage } => vec![line(
                "stage",
                format!("role {}", ident(role)),
                format!("-- stage {} of leaving {}", stage.as_str(), one_line(role)),
            )],
            Step::Keep { role, group } => vec![line(
                "grant",
                format!("role {}", ident(group)),
                format!("GRANT {} TO {};", ident(group), ident(role)),
            )],
            Step::Defaults {
                role,
                schema,
                groups,
                give,
            } => groups
                .iter()
                .flat_map(|(kind, group)| defaults(role, schema, *kind, group, *give))
                .collect(),
            Step::Return {
                role,
                schema,
                owner,
                group,
            } => vec![
                line(
                    "own",
                    format!("schema {}", ident(schema)),
                    format!("ALTER SCHEMA {} OWNER TO {};", ident(schema), ident(owner)),
                ),
                line(
                    "own",
                    format!("role {}", ident(group)),
                    format!("REASSIGN OWNED BY {} TO {};", ident(group), ident(role)),
                ),
                line(
                    "drop",
                    format!("role {}", ident(group)),
                    format!("DROP ROLE {};", ident(group)),
                ),
            ],
            Step::HandOver {
                role,
                schema,
                group,
            } => vec![line(
                "own",
                format!("schema {}", ident(schema)),
                format!(
                    "-- what {} owns in it goes to {}, by a job",
                    one_line(role),
                    one_line(group)
                ),
            )],
            Step::Take { role, holding } => holding.lines(role, false),
            Step::Give { role, holding } => holding.lines(role, true),
        }
    }
}

/// A name in a comment: a line break in it would end the comment.
fn one_line(name: &str) -> String {
    ident(name).replace(['\n', '\r'], " ")
}

fn defaults(role: &str, schema: &str, kind: GroupKind, group: &str, give: bool) -> Vec<Line> {
    let (tables, sequences) = match kind {
        GroupKind::Writer => ("SELECT, INSERT, UPDATE, DELETE", "SELECT, USAGE"),
        _ => ("SELECT", "SELECT"),
    };
    let (action, verb, to) = match give {
        true => ("grant", "GRANT", "TO"),
        false => ("revoke", "REVOKE", "FROM"),
    };
    let future = format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {}",
        ident(role),
        ident(schema)
    );
    [(tables, "TABLES"), (sequences, "SEQUENCES")]
        .into_iter()
        .map(|(rights, what)| {
            line(
                action,
                format!("schema {}", ident(schema)),
                format!("{future} {verb} {rights} ON {what} {to} {};", ident(group)),
            )
        })
        .collect()
}

pub(super) fn line(action: &'static str, object: String, statement: String) -> Line {
    Line {
        action,
        object,
        statement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_with_a_line_break_in_its_name_does_not_end_the_comment() {
        let step = Step::Stage {
            role: "shop\nDROP".to_owned(),
            stage: Stage::Grant,
        };
        let statements: Vec<String> = step.lines().into_iter().map(|l| l.statement).collect();
        assert_eq!(statements, ["-- stage grant of leaving \"shop DROP\""]);
    }

    #[test]
    fn default_privileges_are_taken_with_the_words_that_they_were_given_with() {
        let step = |give| Step::Defaults {
            role: "shop".to_owned(),
            schema: "shop".to_owned(),
            groups: vec![(GroupKind::Writer, "db_writer_shop".to_owned())],
            give,
        };
        let tables = |give| step(give).lines().remove(0).statement;
        assert_eq!(tables(true), "ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA shop GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO db_writer_shop;");
        assert_eq!(tables(false), "ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA shop REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM db_writer_shop;");
    }
}
