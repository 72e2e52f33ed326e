//! Memberships that would go in a circle, which the server refuses: found before the first of them is made.

use crate::error::{shown, Error, Kind, Result};
use crate::specs::present::Present;
use crate::specs::step::Step;
use std::collections::BTreeSet;

/// Who is a member of what, by name.
type Edges = BTreeSet<(String, String)>;

/// Refuses steps of which one would make a role its own member, by others or at once (22023).
pub(super) fn refuse(steps: &[Step], now: &Present) -> Result<()> {
    let mut edges = now.memberships.clone();
    for step in steps {
        match step {
            Step::Create { name, .. } => {
                edges.insert((now.default_role.clone(), name.clone()));
            }
            Step::Join { name, role } => join(&mut edges, now.role_of(name), role)?,
            Step::Deputise { name } => {
                let member = now.role_of(name);
                edges.remove(&(now.default_role.clone(), member.clone()));
                join(&mut edges, member, &now.default_role)?;
            }
            Step::Leave { name, role } => {
                edges.remove(&(now.role_of(name), role.clone()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn join(edges: &mut Edges, member: String, role: &str) -> Result<()> {
    if reaches(edges, role, &member) {
        return Err(circle(&member, role));
    }
    edges.insert((member, role.to_owned()));
    Ok(())
}

/// Whether one role is another, or its member by any way.
fn reaches(edges: &Edges, from: &str, to: &str) -> bool {
    let (mut seen, mut todo) = (BTreeSet::from([from]), vec![from]);
    while let Some(at) = todo.pop() {
        if at == to {
            return true;
        }
        let above = edges.iter().filter(|(member, _)| member == at);
        todo.extend(
            above
                .map(|(_, role)| role.as_str())
                .filter(|role| seen.insert(role)),
        );
    }
    false
}

fn circle(member: &str, role: &str) -> Error {
    Kind::BadArgument
        .error(format!(
            "role \"{}\" cannot become a member of role \"{}\"",
            shown(member),
            shown(role)
        ))
        .detail(
            "That is the role itself, or a member of it, and memberships cannot go in a circle.",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(&str, &str)]) -> Edges {
        let edge = |(member, role): &(&str, &str)| ((*member).to_owned(), (*role).to_owned());
        pairs.iter().map(edge).collect()
    }

    #[test]
    fn a_role_reaches_itself_and_all_that_is_above_it_and_nothing_below() {
        let there = edges(&[("a", "b"), ("b", "c"), ("x", "c")]);
        for (from, to, does) in [
            ("a", "a", true),
            ("a", "c", true),
            ("c", "a", false),
            ("x", "b", false),
            ("none", "a", false),
        ] {
            assert_eq!(reaches(&there, from, to), does, "{from} {to}");
        }
    }

    #[test]
    fn a_membership_that_closes_a_circle_is_refused_and_any_other_is_not() {
        let mut there = edges(&[("a", "b"), ("b", "c")]);
        for (member, role) in [("a", "a"), ("c", "a"), ("b", "a")] {
            assert!(
                join(&mut there, member.to_owned(), role).is_err(),
                "{member} {role}"
            );
        }
        for (member, role) in [("a", "c"), ("d", "a"), ("a", "b")] {
            assert!(
                join(&mut there, member.to_owned(), role).is_ok(),
                "{member} {role}"
            );
        }
        assert!(
            join(&mut there, "c".to_owned(), "d").is_err(),
            "by d, a and b"
        );
    }
}
