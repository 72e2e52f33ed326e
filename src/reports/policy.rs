//! Row policies: which of them filter what a role sees or writes.

use super::closure::{Rank, Roles};
use super::reason::Step;
use crate::core::quote::ident;
use crate::error::Result;
use crate::pg::acl::{rights, PUBLIC};
use crate::pg::{spi, Oid};

/// One row policy of a table.
pub(super) struct Policy {
    name: String,
    /// `pg_policy.polcmd`: `r`, `a`, `w`, `d`, or `*` for all.
    command: String,
    permissive: bool,
    roles: Vec<Oid>,
}

/// The row security of one table, as far as one privilege is concerned.
pub(super) struct RowSecurity {
    /// Who owns the table.
    pub owner: Oid,
    /// Whether the owner is filtered too.
    pub forced: bool,
    /// Its policies.
    pub policies: Vec<Policy>,
}

/// The policies of a table, by name.
pub(super) fn of(table: Oid) -> Result<Vec<Policy>> {
    let rows = spi::query(
        "SELECT p.polname, p.polcmd::pg_catalog.text, p.polpermissive, r.oid
           FROM pg_catalog.pg_policy p, pg_catalog.unnest(p.polroles) AS r(oid)
          WHERE p.polrelid OPERATOR(pg_catalog.=) $1
          ORDER BY p.polname USING OPERATOR(pg_catalog.<), r.oid USING OPERATOR(pg_catalog.<)",
        &[table.into()],
    )?;
    let mut policies: Vec<Policy> = Vec::new();
    for row in &rows {
        let (name, role) = (row.text(0)?, row.oid(3)?);
        match policies.last_mut().filter(|last| last.name == name) {
            Some(last) => last.roles.push(role),
            None => policies.push(Policy {
                name,
                command: row.text(1)?,
                permissive: row.bool(2)?,
                roles: vec![role],
            }),
        }
    }
    Ok(policies)
}

/// The command of a policy with its word, where a privilege is one that policies filter.
fn command(bit: u32) -> Option<(&'static str, &'static str)> {
    match bit {
        rights::SELECT => Some(("r", "SELECT")),
        rights::INSERT => Some(("a", "INSERT")),
        rights::UPDATE => Some(("w", "UPDATE")),
        rights::DELETE => Some(("d", "DELETE")),
        _ => None,
    }
}

impl RowSecurity {
    /// What filters the rows for a role that has this privilege, or why nothing does (rls.c, check_enable_rls,
    /// and rowsecurity.c, check_role_for_policy).
    pub(super) fn steps(&self, roles: &Roles, role: Rank, bit: u32) -> Vec<Step> {
        let Some((letter, word)) = command(bit) else {
            return Vec::new();
        };
        let found = &roles.all()[role];
        let name = ident(&String::from_utf8_lossy(&found.name));
        let has_rights_of = |other: Oid| found.superuser || roles.path(role, other).is_some();
        let bypass = |why: String| {
            vec![Step::new(
                "row security",
                format!("no row is filtered: {why}"),
            )]
        };
        if found.superuser {
            return bypass(format!("{name} is a superuser"));
        }
        if found.bypassrls {
            return bypass(format!("{name} has BYPASSRLS"));
        }
        if !self.forced && has_rights_of(self.owner) {
            let owner = ident(&roles.name(self.owner));
            return bypass(format!(
                "{name} has the rights of the owner {owner}, and row security is not forced"
            ));
        }
        let for_role = |policy: &&Policy| {
            policy
                .roles
                .iter()
                .any(|r| *r == PUBLIC || has_rights_of(*r))
        };
        let applying: Vec<&Policy> = self.policies.iter().filter(for_role).collect();
        let of_command = |policy: &&&Policy| policy.command == letter || policy.command == "*";
        let mut steps: Vec<Step> = applying
            .iter()
            .filter(of_command)
            .map(|p| p.step(word))
            .collect();
        if !applying.iter().filter(of_command).any(|p| p.permissive) {
            let detail = format!("no policy lets {name} {word} any row, so there is none");
            steps.push(Step::new("row security", detail));
        }
        if letter == "w" || letter == "d" {
            // To find the rows to change they are read: what filters reading filters this too.
            let reading = applying.iter().filter(|p| p.command == "r");
            steps.extend(reading.map(|p| p.step("SELECT")));
        }
        steps
    }
}

impl Policy {
    fn step(&self, word: &str) -> Step {
        let kind = match self.permissive {
            true => "permissive",
            false => "restrictive",
        };
        let name = ident(&self.name);
        Step::new(
            "row policy",
            format!("{kind} policy {name} filters the rows to {word}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::closure::tests::roles;
    use super::*;

    fn policy(name: &str, command: &str, permissive: bool, role: u32) -> Policy {
        Policy {
            name: name.to_owned(),
            command: command.to_owned(),
            permissive,
            roles: vec![Oid::from(role)],
        }
    }

    fn steps(security: &RowSecurity, roles: &Roles, role: u32, bit: u32) -> Vec<String> {
        let rank = roles.rank(Oid::from(role));
        let steps = rank.map(|rank| security.steps(roles, rank, bit));
        let told = steps.into_iter().flatten().map(|s| s.detail);
        told.collect()
    }

    #[test]
    fn the_policies_of_the_command_and_of_the_role_filter_and_no_others() {
        let roles = roles(5, &[], &[(1, 2)]);
        let security = RowSecurity {
            owner: Oid::from(5),
            forced: false,
            policies: vec![
                policy("all", "*", true, 2),
                policy("less", "r", false, 0),
                policy("of_three", "r", true, 3),
                policy("to_write", "w", true, 0),
            ],
        };
        assert_eq!(
            steps(&security, &roles, 1, rights::SELECT),
            [
                "permissive policy \"all\" filters the rows to SELECT",
                "restrictive policy less filters the rows to SELECT",
            ]
        );
        assert_eq!(
            steps(&security, &roles, 4, rights::SELECT),
            [
                "restrictive policy less filters the rows to SELECT",
                "no policy lets r4 SELECT any row, so there is none",
            ]
        );
        assert_eq!(
            steps(&security, &roles, 4, rights::UPDATE),
            [
                "permissive policy to_write filters the rows to UPDATE",
                "restrictive policy less filters the rows to SELECT",
            ]
        );
        assert_eq!(steps(&security, &roles, 1, rights::TRUNCATE), [""; 0]);
    }

    #[test]
    fn the_owner_and_who_has_the_owners_rights_pass_unless_it_is_forced() {
        let roles = roles(3, &[], &[(1, 2)]);
        let mut security = RowSecurity {
            owner: Oid::from(2),
            forced: false,
            policies: Vec::new(),
        };
        for role in [1, 2] {
            let told = steps(&security, &roles, role, rights::DELETE);
            assert!(told[0].starts_with("no row is filtered"), "{told:?}");
        }
        assert!(steps(&security, &roles, 3, rights::DELETE)[0].starts_with("no policy lets"));
        security.forced = true;
        for role in [1, 2, 3] {
            let told = steps(&security, &roles, role, rights::DELETE);
            assert!(told[0].starts_with("no policy lets"), "{told:?}");
        }
    }
}
