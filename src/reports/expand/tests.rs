use super::*;
use crate::pg::census::Role;
use crate::reports::closure::tests::roles;

fn right(grantee: u32, rights: u32) -> Right {
    Right {
        grantee: Oid::from(grantee),
        grantor: Oid::from(1),
        rights,
    }
}

/// Of each role in the order of names, its privileges.
fn expanded(roles: &Roles, list: &[Right], vocabulary: &Vocabulary, denied: u32) -> Vec<String> {
    let shape = Shape::of(list, vocabulary).without(vocabulary.code(denied));
    let mut codes = vec![0; roles.all().len()];
    let mut expander = Expander::new(roles, vocabulary);
    expander.expand(&shape, &(0..codes.len()), |rank, code| codes[rank] |= code);
    codes
        .iter()
        .map(|code| vocabulary.words(*code).join(","))
        .collect()
}

#[test]
fn a_grant_reaches_the_grantee_and_who_inherits_from_it_and_public_reaches_all() {
    let roles = roles(4, &[3], &[(1, 2), (3, 2)]);
    let list = [right(2, rights::SELECT), right(0, rights::TRIGGER)];
    assert_eq!(
        expanded(&roles, &list, &tables(150_000), 0),
        ["SELECT,TRIGGER", "SELECT,TRIGGER", "TRIGGER", "TRIGGER"]
    );
}

#[test]
fn a_grant_option_alone_is_no_privilege() {
    let roles = roles(1, &[], &[]);
    let list = [right(1, rights::SELECT << 16)];
    assert_eq!(expanded(&roles, &list, &tables(150_000), 0), [""]);
    let both = [right(1, rights::SELECT << 16 | rights::SELECT)];
    assert_eq!(expanded(&roles, &both, &tables(150_000), 0), ["SELECT"]);
}

#[test]
fn a_superuser_has_every_privilege_that_the_server_knows() {
    let mut all = roles(2, &[], &[]).all().to_vec();
    all[1].superuser = true;
    let roles = Roles::new(all, &[]);
    let every = "DELETE,INSERT,REFERENCES,SELECT,TRIGGER,TRUNCATE,UPDATE";
    assert_eq!(expanded(&roles, &[], &tables(150_000), 0), ["", every]);
    let with_maintain = "DELETE,INSERT,MAINTAIN,REFERENCES,SELECT,TRIGGER,TRUNCATE,UPDATE";
    assert_eq!(
        expanded(&roles, &[], &tables(170_000), 0),
        ["", with_maintain]
    );
    assert_eq!(expanded(&roles, &[], &SCHEMAS, 0), ["", "CREATE,USAGE"]);
}

#[test]
fn members_of_predefined_roles_reach_what_nobody_granted_them() {
    let role = |oid: u32| Role {
        oid: Oid::from(oid),
        name: format!("r{oid:05}").into_bytes(),
        superuser: false,
        inherits: true,
        bypassrls: false,
    };
    let all = [1, 2, 3, PG_READ_ALL_DATA, PG_WRITE_ALL_DATA, PG_MAINTAIN].map(role);
    let member = |member: u32, group: u32| crate::pg::census::Membership {
        member: Oid::from(member),
        group: Oid::from(group),
        inherits: None,
        reaches: true,
    };
    let memberships = [
        member(1, PG_READ_ALL_DATA),
        member(2, PG_WRITE_ALL_DATA),
        member(3, PG_MAINTAIN),
    ];
    let roles = Roles::new(all.to_vec(), &memberships);
    let three = |vocabulary: &Vocabulary| expanded(&roles, &[], vocabulary, 0)[..3].to_vec();
    assert_eq!(
        three(&tables(150_000)),
        ["SELECT", "DELETE,INSERT,UPDATE", ""]
    );
    assert_eq!(
        three(&tables(170_000)),
        ["SELECT", "DELETE,INSERT,UPDATE", "MAINTAIN"]
    );
    assert_eq!(three(&SCHEMAS), ["USAGE", "USAGE", ""]);
    assert_eq!(three(&SEQUENCES), ["SELECT", "UPDATE", ""]);
}

#[test]
fn what_is_kept_from_all_but_superusers_is_kept_from_those_it_was_granted_to() {
    let mut all = roles(2, &[], &[]).all().to_vec();
    all[1].superuser = true;
    let roles = Roles::new(all, &[]);
    let list = [right(1, rights::SELECT | rights::INSERT | rights::TRIGGER)];
    let expanded = expanded(&roles, &list, &tables(150_000), NOT_WITH_CATALOGS);
    assert_eq!(expanded[0], "SELECT,TRIGGER");
    assert!(expanded[1].contains("INSERT"));
}

#[test]
fn the_blocks_of_the_roles_together_say_what_all_say_at_once() {
    let roles = roles(7, &[], &[(1, 3), (2, 3), (6, 3)]);
    let list = [
        right(3, rights::SELECT),
        right(0, rights::INSERT),
        right(5, rights::UPDATE),
    ];
    let table = tables(150_000);
    let shape = Shape::of(&list, &table);
    let mut expander = Expander::new(&roles, &table);
    let mut whole = [0; 7];
    expander.expand(&shape, &(0..7), |rank, code| whole[rank] |= code);
    let mut pieces = [0; 7];
    for start in [0, 2, 4, 6] {
        let block = start..(start + 2).min(7);
        expander.expand(&shape, &block, |rank, code| {
            assert!(block.contains(&rank), "{rank} is not of {block:?}");
            pieces[rank] |= code;
        });
    }
    assert_eq!(whole, pieces);
}

#[test]
fn words_come_in_the_order_of_the_alphabet() {
    for vocabulary in [
        tables(150_000),
        tables(180_000),
        SCHEMAS,
        SEQUENCES,
        ROUTINES,
        DATABASES,
    ] {
        let words = vocabulary.words(vocabulary.all());
        assert!(words.is_sorted(), "{words:?}");
        for word in words {
            let bit = vocabulary.bit(&word.to_lowercase());
            assert_eq!(
                bit.map(|(bit, _)| vocabulary.words(vocabulary.code(bit))),
                Some(vec![word])
            );
        }
    }
}
