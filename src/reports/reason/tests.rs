use super::*;
use crate::pg::acl::rights::{SELECT, UPDATE, USAGE};
use crate::reports::closure::tests::roles;
use crate::reports::expand::{tables, SCHEMAS};

fn right(grantee: u32, grantor: u32, rights: u32) -> Right {
    Right {
        grantee: Oid::from(grantee),
        grantor: Oid::from(grantor),
        rights,
    }
}

/// The ways of role `r<role>` to SELECT on a table of `r9`.
fn ways(roles: &Roles, list: &[Right], role: u32) -> Vec<String> {
    let question = Question {
        roles,
        vocabulary: &tables(150_000),
        bit: SELECT,
        word: "SELECT",
        what: "table s.t",
        owner: Oid::from(9),
        rights: list,
        untouched: false,
        system: false,
    };
    told(&question, role)
}

fn told(question: &Question, role: u32) -> Vec<String> {
    let rank = question.roles.rank(Oid::from(role));
    let steps = rank.map(|rank| question.ways(rank));
    let steps = steps.into_iter().flatten();
    steps.map(|s| format!("{}: {}", s.via, s.detail)).collect()
}

#[test]
fn each_hop_of_a_chain_is_a_step_and_the_grant_is_the_last() {
    let roles = roles(9, &[], &[(1, 2), (2, 3)]);
    let list = [right(9, 9, SELECT), right(3, 9, SELECT | SELECT << 16)];
    assert_eq!(
        ways(&roles, &list, 1),
        [
            "membership: r1 is a member of r2 and inherits what it may",
            "membership: r2 is a member of r3 and inherits what it may",
            "grant: r9 granted SELECT on table s.t to r3 WITH GRANT OPTION",
        ]
    );
    assert_eq!(ways(&roles, &list, 9), ["ownership: r9 owns table s.t"]);
    assert_eq!(ways(&roles, &list, 4), [""; 0]);
}

#[test]
fn every_way_is_told_since_to_take_one_away_is_not_enough() {
    let roles = roles(9, &[], &[(1, 2)]);
    let list = [
        right(0, 9, SELECT),
        right(1, 9, SELECT | UPDATE),
        right(2, 9, SELECT),
        right(2, 1, SELECT),
        right(2, 1, UPDATE),
    ];
    assert_eq!(
        ways(&roles, &list, 1),
        [
            "PUBLIC: r9 granted SELECT on table s.t to PUBLIC",
            "grant: r9 granted SELECT on table s.t to r1",
            "membership: r1 is a member of r2 and inherits what it may",
            "grant: r9 granted SELECT on table s.t to r2",
            "grant: r1 granted SELECT on table s.t to r2",
        ]
    );
}

#[test]
fn who_does_not_inherit_has_no_way() {
    let roles = roles(9, &[1], &[(1, 2)]);
    assert_eq!(ways(&roles, &[right(2, 9, SELECT)], 1), [""; 0]);
}

#[test]
fn an_owner_that_took_his_own_right_away_has_none() {
    let roles = roles(9, &[], &[]);
    assert_eq!(ways(&roles, &[right(9, 9, UPDATE)], 9), [""; 0]);
}

#[test]
fn what_predefined_roles_reach_is_told_by_their_names() {
    let member = |member: u32, group: u32| crate::pg::census::Membership {
        member: Oid::from(member),
        group: Oid::from(group),
        inherits: None,
        reaches: true,
    };
    let mut all = roles(9, &[], &[]).all().to_vec();
    for (oid, name) in [(6181, "pg_read_all_data"), (6171, "pg_database_owner")] {
        let mut role = all[0].clone();
        role.oid = Oid::from(oid);
        role.name = name.as_bytes().to_vec();
        all.push(role);
    }
    let roles = Roles::new(all, &[member(1, 6181), member(2, 6171)]);
    assert_eq!(
        ways(&roles, &[], 1),
        [
            "membership: r1 is a member of pg_read_all_data and inherits what it may",
            "predefined role: pg_read_all_data has SELECT wherever it is, without a grant",
        ]
    );
    let list = [right(6171, 6171, USAGE)];
    let question = Question {
        roles: &roles,
        vocabulary: &SCHEMAS,
        bit: USAGE,
        word: "USAGE",
        what: "schema public",
        owner: Oid::from(6171),
        rights: &list,
        untouched: true,
        system: false,
    };
    assert_eq!(
        told(&question, 2),
        [
            "membership: r2 owns this database, so it is a member of pg_database_owner",
            "ownership: pg_database_owner owns schema public",
        ]
    );
}
