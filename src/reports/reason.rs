//! Why a role has a privilege: every way by which it comes to it, in steps. Pure.

use super::closure::{Rank, Roles};
use super::expand::{Vocabulary, NOT_WITH_CATALOGS};
use crate::core::quote::ident;
use crate::pg::acl::{Right, PUBLIC};
use crate::pg::census::predefined::PG_DATABASE_OWNER;
use crate::pg::Oid;
use std::collections::HashSet;

/// What is asked about: one privilege on one object.
pub struct Question<'a> {
    /// The roles of the cluster.
    pub roles: &'a Roles,
    /// The privileges of such objects.
    pub vocabulary: &'a Vocabulary,
    /// The bit of the privilege.
    pub bit: u32,
    /// Its word.
    pub word: &'a str,
    /// The object with its kind, in words.
    pub what: &'a str,
    /// Who owns it.
    pub owner: Oid,
    /// Its access list.
    pub rights: &'a [Right],
    /// Whether that is the one that such an object is made with.
    pub untouched: bool,
    /// Whether it is a system catalog.
    pub system: bool,
}

/// One step: by what, and what that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// One or two words.
    pub via: &'static str,
    /// A sentence.
    pub detail: String,
}

impl Step {
    /// A step.
    pub fn new(via: &'static str, detail: impl Into<String>) -> Step {
        Step {
            via,
            detail: detail.into(),
        }
    }
}

impl Question<'_> {
    /// Every way by which a role comes to the privilege; none where it has not got it.
    pub fn ways(&self, role: Rank) -> Vec<Step> {
        let found = &self.roles.all()[role];
        if found.superuser {
            let name = self.quoted(found.oid);
            return vec![Step::new(
                "superuser",
                format!("{name} is a superuser, who is asked for no privilege"),
            )];
        }
        if self.system && self.bit & NOT_WITH_CATALOGS != 0 {
            return Vec::new();
        }
        let mut steps = Vec::new();
        let mut told = HashSet::new();
        for right in self.rights.iter().filter(|r| r.rights & self.bit != 0) {
            if right.grantee == PUBLIC {
                steps.push(self.public(right));
            } else if let Some(path) = self.roles.path(role, right.grantee) {
                if told.insert(right.grantee) {
                    self.climb(&path, &mut steps);
                }
                steps.push(self.grant(right));
            }
        }
        for group in self.vocabulary.predefined(self.bit) {
            if let Some(path) = self.roles.path(role, group) {
                self.climb(&path, &mut steps);
                let detail = format!(
                    "{} has {} wherever it is, without a grant",
                    self.quoted(group),
                    self.word
                );
                steps.push(Step::new("predefined role", detail));
            }
        }
        steps
    }

    /// The memberships of a path.
    fn climb(&self, path: &[Rank], steps: &mut Vec<Step>) {
        for pair in path.windows(2) {
            let (member, group) = (self.roles.all()[pair[0]].oid, self.roles.all()[pair[1]].oid);
            let (m, g) = (self.quoted(member), self.quoted(group));
            let detail = if group == Oid::from(PG_DATABASE_OWNER) {
                format!("{m} owns this database, so it is a member of {g}")
            } else {
                format!("{m} is a member of {g} and inherits what it may")
            };
            steps.push(Step::new("membership", detail));
        }
    }

    fn public(&self, right: &Right) -> Step {
        let detail = if self.untouched {
            format!(
                "PUBLIC has {} on {} from the start: nobody has revoked it",
                self.word, self.what
            )
        } else {
            format!(
                "{} granted {} on {} to PUBLIC",
                self.quoted(right.grantor),
                self.word,
                self.what
            )
        };
        Step::new("PUBLIC", detail)
    }

    fn grant(&self, right: &Right) -> Step {
        let (grantee, grantor) = (self.quoted(right.grantee), self.quoted(right.grantor));
        if right.grantee == self.owner && right.grantor == self.owner {
            return Step::new("ownership", format!("{grantee} owns {}", self.what));
        }
        let option = match right.rights >> 16 & self.bit {
            0 => "",
            _ => " WITH GRANT OPTION",
        };
        Step::new(
            "grant",
            format!(
                "{grantor} granted {} on {} to {grantee}{option}",
                self.word, self.what
            ),
        )
    }

    fn quoted(&self, role: Oid) -> String {
        ident(&self.roles.name(role))
    }
}

#[cfg(test)]
mod tests;
