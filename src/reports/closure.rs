//! Who has whose rights: roles and their memberships as a graph.

use crate::pg::census::{Membership, Role};
use crate::pg::Oid;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

/// A role's place in the order of names.
pub type Rank = usize;

/// Every role, and who is a member of what.
pub struct Roles {
    all: Vec<Role>,
    ranks: HashMap<Oid, Rank>,
    /// Of each role, what it is a member of.
    above: Vec<Vec<Edge>>,
    /// Of each role, its members.
    below: Vec<Vec<Edge>>,
}

#[derive(Clone, Copy)]
struct Edge {
    to: Rank,
    inherits: bool,
    reaches: bool,
}

impl Roles {
    /// The graph of these roles. Memberships of roles that are not among them are left out.
    pub fn new(mut all: Vec<Role>, memberships: &[Membership]) -> Roles {
        // The server sorts names by their bytes.
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let ranks: HashMap<Oid, Rank> = all.iter().map(|r| r.oid).zip(0..).collect();
        let mut above = vec![Vec::new(); all.len()];
        let mut below = vec![Vec::new(); all.len()];
        for membership in memberships {
            let ends = (ranks.get(&membership.member), ranks.get(&membership.group));
            if let (Some(&member), Some(&group)) = ends {
                let inherits = membership.inherits.unwrap_or(all[member].inherits);
                let reaches = membership.reaches;
                let edge = |to| Edge {
                    to,
                    inherits,
                    reaches,
                };
                above[member].push(edge(group));
                below[group].push(edge(member));
            }
        }
        Roles {
            all,
            ranks,
            above,
            below,
        }
    }

    /// The roles by name.
    pub fn all(&self) -> &[Role] {
        &self.all
    }

    /// The place of a role; nothing where it is gone.
    pub fn rank(&self, role: Oid) -> Option<Rank> {
        self.ranks.get(&role).copied()
    }

    /// A role's name, or its number where it is gone.
    pub fn name(&self, role: Oid) -> String {
        match self.rank(role) {
            Some(rank) => String::from_utf8_lossy(&self.all[rank].name).into_owned(),
            None => format!("#{}", role.to_u32()),
        }
    }

    /// Who has the rights of a role without doing anything for it: itself, and those who inherit from it.
    /// Superusers, who have everybody's, are not named for it.
    pub fn with_rights_of(&self, group: Oid) -> Vec<Rank> {
        let mut found = match self.rank(group) {
            Some(rank) => reach(&self.below, rank, |edge| edge.inherits),
            None => Vec::new(),
        };
        found.sort_unstable();
        found
    }

    /// What a role is, and whose rights it can come by: itself and all it is a member of. Memberships
    /// that allow nothing, as there are from PostgreSQL 16 on, do not count.
    pub fn can_become(&self, role: Oid) -> Vec<Rank> {
        self.rank(role).map_or_else(Vec::new, |rank| {
            reach(&self.above, rank, |edge| edge.reaches)
        })
    }

    /// The shortest way by which a role inherits from another: both ends, and what is in between.
    pub fn path(&self, role: Rank, group: Oid) -> Option<Vec<Rank>> {
        let goal = self.rank(group)?;
        let mut from: HashMap<Rank, Rank> = HashMap::from([(role, role)]);
        let mut next = VecDeque::from([role]);
        while let Some(here) = next.pop_front() {
            if here == goal {
                let mut path = vec![here];
                while let Some(before) = path.last().map(|last| from[last]) {
                    if path.last() == Some(&before) {
                        break;
                    }
                    path.push(before);
                }
                path.reverse();
                return Some(path);
            }
            for edge in self.above[here].iter().filter(|edge| edge.inherits) {
                if let Entry::Vacant(unseen) = from.entry(edge.to) {
                    unseen.insert(here);
                    next.push_back(edge.to);
                }
            }
        }
        None
    }
}

/// Everything that can be reached over edges that count, the start included.
fn reach(edges: &[Vec<Edge>], start: Rank, counts: impl Fn(&Edge) -> bool) -> Vec<Rank> {
    let mut seen = vec![false; edges.len()];
    let mut found = vec![start];
    seen[start] = true;
    let mut at = 0;
    while let Some(&here) = found.get(at) {
        at += 1;
        for edge in edges[here].iter().filter(|edge| counts(edge)) {
            if !std::mem::replace(&mut seen[edge.to], true) {
                found.push(edge.to);
            }
        }
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Roles numbered from 1, named `r1`, `r2`, …; those of `reserved` do not inherit.
    pub fn roles(count: u32, reserved: &[u32], memberships: &[(u32, u32)]) -> Roles {
        let all = (1..=count).map(|n| Role {
            oid: Oid::from(n),
            name: format!("r{n}").into_bytes(),
            superuser: false,
            inherits: !reserved.contains(&n),
            bypassrls: false,
        });
        let memberships: Vec<Membership> = memberships
            .iter()
            .map(|(member, group)| Membership {
                member: Oid::from(*member),
                group: Oid::from(*group),
                inherits: None,
                reaches: true,
            })
            .collect();
        Roles::new(all.collect(), &memberships)
    }

    fn names(roles: &Roles, ranks: &[Rank]) -> String {
        let names = ranks.iter().map(|r| roles.name(roles.all()[*r].oid));
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rights_come_down_a_chain_of_memberships_to_those_who_inherit() {
        // r1 in r2 in r3; r4, which does not inherit, in r3; r5 in r4.
        let roles = roles(5, &[4], &[(1, 2), (2, 3), (4, 3), (5, 4)]);
        assert_eq!(
            names(&roles, &roles.with_rights_of(Oid::from(3))),
            "r1 r2 r3"
        );
        assert_eq!(names(&roles, &roles.with_rights_of(Oid::from(4))), "r4 r5");
        assert_eq!(roles.with_rights_of(Oid::from(99)), Vec::<Rank>::new());
        let mut reached = roles.can_become(Oid::from(5));
        reached.sort_unstable();
        assert_eq!(names(&roles, &reached), "r3 r4 r5");
    }

    #[test]
    fn from_sixteen_on_each_membership_says_whether_it_inherits() {
        let member = |member, inherits| Membership {
            member: Oid::from(member),
            group: Oid::from(3_u32),
            inherits: Some(inherits),
            reaches: inherits,
        };
        let two = roles(3, &[1], &[]);
        let roles = Roles::new(two.all().to_vec(), &[member(1_u32, true), member(2, false)]);
        assert_eq!(names(&roles, &roles.with_rights_of(Oid::from(3))), "r1 r3");
        let mut reached = roles.can_become(Oid::from(1));
        reached.sort_unstable();
        assert_eq!(names(&roles, &reached), "r1 r3");
        assert_eq!(names(&roles, &roles.can_become(Oid::from(2))), "r2");
    }

    #[test]
    fn a_path_is_the_shortest_and_goes_over_those_who_inherit_alone() {
        let roles = roles(5, &[4], &[(1, 2), (2, 3), (3, 5), (1, 3), (1, 4), (4, 5)]);
        let path = |role: u32, group: u32| {
            let rank = roles.rank(Oid::from(role))?;
            Some(names(&roles, &roles.path(rank, Oid::from(group))?))
        };
        assert_eq!(path(1, 5).as_deref(), Some("r1 r3 r5"));
        assert_eq!(path(4, 5), None);
        assert_eq!(path(2, 2).as_deref(), Some("r2"));
        assert_eq!(path(5, 1), None);
    }

    #[test]
    fn a_ring_of_memberships_which_no_server_lets_in_ends_all_the_same() {
        let roles = roles(3, &[], &[(1, 2), (2, 3), (3, 1)]);
        assert_eq!(
            names(&roles, &roles.with_rights_of(Oid::from(1))),
            "r1 r2 r3"
        );
        assert_eq!(roles.can_become(Oid::from(1)).len(), 3);
    }
}
