#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use super::*;
use proptest::prelude::*;

fn refusal(raw: &str, naming: Naming) -> Option<Kind> {
    Name::parse(raw, naming).err().map(|e| e.kind())
}

#[test]
fn ordinary_names_pass_and_keep_their_case() {
    for good in [
        "a",
        "analyst",
        "My-App_2",
        "-",
        "9",
        "rotating",
        "a-rotating-b",
        "dbreader",
        "r",
        "pg",
    ] {
        assert_eq!(Name::parse(good, Naming::Heroku).unwrap().as_str(), good);
    }
    assert_eq!(
        Name::parse("AnaLyst", Naming::Heroku).unwrap().key(),
        "analyst"
    );
}

#[test]
fn a_heroku_name_has_one_to_fifty_bytes() {
    assert_eq!(refusal("", Naming::Heroku), Some(Kind::BadName));
    assert_eq!(refusal(&"a".repeat(50), Naming::Heroku), None);
    assert_eq!(
        refusal(&"a".repeat(51), Naming::Heroku),
        Some(Kind::BadName)
    );
}

#[test]
fn a_scalingo_name_has_six_to_thirty_two_bytes_and_starts_with_a_letter() {
    for good in ["abcdef", "a_2345", &"a".repeat(32)] {
        assert_eq!(refusal(good, Naming::Scalingo), None, "{good}");
    }
    for bad in ["abcde", &"a".repeat(33), "2abcde", "_abcde", "abc-def"] {
        assert_eq!(refusal(bad, Naming::Scalingo), Some(Kind::BadName), "{bad}");
    }
}

#[test]
fn the_names_that_broke_the_mock_are_refused() {
    let bad = [
        "a\"b",
        "a'b",
        "a\nb",
        "a\0b",
        "\u{430}nalyst",
        " ",
        "a ",
        "+grp",
        "@file",
        "../../x",
        "%s%n",
        "a;b",
        "a$b",
        "\u{ff41}",
        "a\u{7f}",
    ];
    for name in bad {
        assert_eq!(
            refusal(name, Naming::Heroku),
            Some(Kind::BadName),
            "{name:?}"
        );
    }
}

#[test]
fn names_kept_for_something_else_are_reserved_in_any_case_under_both_rules() {
    let kept = [
        "public",
        "CURRENT_USER",
        "current_role",
        "Session_User",
        "replication",
        "samerole",
        "sameuser",
        "heroku",
        "collectd",
        "rdsadmin",
        "RDS_superuser",
        "pg_monitor",
        "PG_monitor",
        "postgres",
        "myPostgresApp",
        "db_reader_shop",
        "DB_Writer_x",
        "db_owner_shop",
        "default",
    ];
    for name in kept {
        assert_eq!(
            refusal(name, Naming::Heroku),
            Some(Kind::ReservedName),
            "{name}"
        );
        if name.len() >= 6 {
            assert_eq!(
                refusal(name, Naming::Scalingo),
                Some(Kind::ReservedName),
                "{name}"
            );
        }
    }
    for short in [
        "none",
        "user",
        "all",
        "owner",
        "Admin",
        "rds",
        "x-rotating",
        "-ROTATING",
    ] {
        assert_eq!(
            refusal(short, Naming::Heroku),
            Some(Kind::ReservedName),
            "{short}"
        );
    }
}

#[test]
fn a_refusal_of_twenty_megabytes_is_short_and_printable() {
    let e = Name::parse(&"\n\u{1F600}".repeat(4_000_000), Naming::Heroku)
        .err()
        .unwrap();
    assert_eq!(e.kind(), Kind::BadName);
    assert!(e.message().len() < 120, "{}", e.message());
    assert!(e.message().bytes().all(|b| (32..127).contains(&b)));
}

#[test]
fn a_taken_role_leaves_room_for_its_twin() {
    assert!(check_taken_role(&"x".repeat(54)).is_ok());
    assert_eq!(twin_of(&"x".repeat(54)).len(), 63);
    assert!(check_taken_role("Größe \"app\"").is_ok());
    for bad in [
        "",
        &"x".repeat(55),
        &"é".repeat(28),
        "app-rotating",
        "app-Rotating",
        "a\nb",
        "a\0",
        "\u{85}",
    ] {
        assert_eq!(
            check_taken_role(bad).err().map(|e| e.kind()),
            Some(Kind::BadName),
            "{bad:?}"
        );
    }
}

#[test]
fn owner_and_default_mean_the_default_credential_in_any_case() {
    assert!(is_default_target("owner") && is_default_target("DEFAULT"));
    assert!(
        !is_default_target("owners") && !is_default_target("") && !is_default_target(" default")
    );
}

#[test]
fn the_setting_reads_back_what_it_writes() {
    for naming in [Naming::Heroku, Naming::Scalingo] {
        assert_eq!(Naming::parse(naming.as_str()), Some(naming));
    }
    assert_eq!(Naming::parse("Heroku"), None);
}

proptest! {
    #[test]
    fn whatever_passes_is_plain_ascii_and_has_room_for_its_twin(raw in "(\\PC|[a-z_-]){0,70}") {
        for naming in [Naming::Heroku, Naming::Scalingo] {
            if let Ok(name) = Name::parse(&raw, naming) {
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
                prop_assert!(twin_of(name.as_str()).len() <= 63);
                prop_assert!(check_taken_role(name.as_str()).is_ok());
                prop_assert!(!is_default_target(name.as_str()));
                prop_assert_eq!(name.as_str(), &raw);
            }
        }
    }

    #[test]
    fn every_well_formed_name_is_taken_or_reserved_and_never_malformed(raw in "[A-Za-z0-9_-]{1,50}") {
        prop_assert_ne!(refusal(&raw, Naming::Heroku), Some(Kind::BadName));
    }
}
