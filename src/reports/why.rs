//! The rows of `why()`.

use super::closure::{Rank, Roles};
use super::expand::{Expander, Shape, SCHEMAS};
use super::object::{self, Object};
use super::policy::{self, RowSecurity};
use super::reason::{Question, Step};
use super::{roles, wording};
use crate::catalog::Credential;
use crate::core::quote::ident;
use crate::error::{shown, Kind, Result};
use crate::pg::acl::{rights, Right};
use crate::pg::census::Space;
use crate::pg::{log, xact, Oid};
use std::collections::HashMap;

/// What one role is told: its name, and its steps in order.
pub(super) struct Chain {
    /// The credential's name, or the role's where it is none.
    pub name: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// Why one credential, or each role that can, has a privilege on an object.
pub(super) fn why(
    object: &str,
    privilege: &str,
    only: Option<&Credential>,
    credentials: &[Credential],
) -> Result<Vec<Chain>> {
    let found = find(object)?;
    let (bit, word) = privilege_of(&found, privilege)?;
    let roles = roles()?;
    let question = Question {
        roles: &roles,
        vocabulary: &found.vocabulary,
        bit,
        word,
        what: &found.what,
        owner: found.owner,
        rights: &found.rights,
        untouched: found.untouched,
        system: found.system,
    };
    let around = Around::of(&found, &roles)?;
    let names: HashMap<Oid, &str> = credentials
        .iter()
        .map(|c| (c.role, c.name.as_str()))
        .collect();
    let asked = match only {
        Some(credential) => roles
            .rank(credential.role)
            .map_or(0..0, |rank| rank..rank + 1),
        None => 0..roles.all().len(),
    };
    let mut chains = Vec::new();
    for role in asked {
        xact::check_for_interrupts();
        let mut steps = question.ways(role);
        if !steps.is_empty() {
            steps.extend(around.steps(&roles, role, bit));
            let oid = roles.all()[role].oid;
            let name = names
                .get(&oid)
                .map_or_else(|| roles.name(oid), |n| (*n).to_owned());
            chains.push(Chain { name, steps });
        }
    }
    if let (Some(credential), true) = (only, chains.is_empty()) {
        log::notice(&format!(
            "{} has no {word} on {}",
            shown(&credential.name),
            shown(&found.what)
        ));
    }
    Ok(chains)
}

fn find(object: &str) -> Result<Object> {
    let found = match wording::parse(object) {
        Some(wording) => object::find(&wording)?,
        None => None,
    };
    found.ok_or_else(|| {
        Kind::NotFound
            .error(format!("object \"{}\" does not exist", shown(object)))
            .detail("A table, view, sequence, function, schema or this database was looked for; a name without a schema in schema public alone.")
            .hint("Write it as in SQL: shop.orders, shop.total(integer), schema shop, database app.")
    })
}

/// The bit of a privilege and its word (22023).
fn privilege_of(object: &Object, privilege: &str) -> Result<(u32, &'static str)> {
    let vocabulary = &object.vocabulary;
    // The server knows this one by two words.
    let asked = match privilege.trim() {
        short if short.eq_ignore_ascii_case("TEMP") => "TEMPORARY",
        word => word,
    };
    vocabulary.bit(asked).ok_or_else(|| {
        let words = vocabulary.words(vocabulary.all()).join(", ");
        Kind::BadArgument
            .error(format!("unknown privilege \"{}\"", shown(privilege)))
            .detail(format!("It is asked of {}.", shown(&object.what)))
            .hint(format!("Use {words}."))
    })
}

/// What stands around an object: the schema that must be used to name it, and the policies that filter it.
struct Around {
    /// The schema's name, and who may use it.
    schema: Option<(String, Vec<bool>)>,
    security: Option<RowSecurity>,
}

impl Around {
    fn of(object: &Object, roles: &Roles) -> Result<Around> {
        let schema = object.schema.as_ref().map(|schema| users(schema, roles));
        let (secured, forced) = object.row_security;
        let security = match secured {
            true => Some(RowSecurity {
                owner: object.owner,
                forced,
                policies: policy::of(object.oid)?,
            }),
            false => None,
        };
        Ok(Around {
            schema: schema.transpose()?,
            security,
        })
    }

    fn steps(&self, roles: &Roles, role: Rank, bit: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some((schema, users)) = &self.schema {
            if !users[role] {
                let name = ident(&roles.name(roles.all()[role].oid));
                steps.push(Step::new(
                    "missing",
                    format!("{name} has no USAGE on schema {schema}, without which it cannot name what is in it"),
                ));
            }
        }
        if let Some(security) = &self.security {
            steps.extend(security.steps(roles, role, bit));
        }
        steps
    }
}

/// A schema's name, and of each role whether it may use the schema.
fn users(schema: &Space, roles: &Roles) -> Result<(String, Vec<bool>)> {
    let list: Vec<Right> = object::use_rights(schema)?;
    let usage = SCHEMAS.code(rights::USAGE);
    let shape = Shape::of(&list, &SCHEMAS);
    let mut users = vec![false; roles.all().len()];
    let everybody = 0..users.len();
    Expander::new(roles, &SCHEMAS).expand(&shape, &everybody, |role, code| {
        users[role] |= code & usage != 0;
    });
    Ok((ident(&String::from_utf8_lossy(&schema.name)), users))
}
