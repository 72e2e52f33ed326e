#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use super::*;
use proptest::prelude::*;

crate::core::assert_not_impl!(Chosen: std::fmt::Debug, Clone, PartialEq);

/// Of "pencil", RFC 7677.
const VERIFIER: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

/// Of the empty password, with the same salt.
const OF_NOTHING: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$AJ6h8dbzJdqPups1RHMsUwUwWmoe55vzkmldCT32rlY=:PaPyzvmMvez2KHVzr2IQl1SyC/VgZCEXKozJyWErWOE=";

const MD5: &str = "md5d41d8cd98f00b204e9800998ecf8427e";

fn is_plain(text: &str) -> bool {
    matches!(Chosen::parse(text.to_owned()), Ok(Chosen::Plain(_)))
}

fn refusal(text: &str) -> Option<Error> {
    Chosen::parse(text.to_owned()).err()
}

#[test]
fn twenty_four_to_sixty_four_characters_are_taken_as_they_are() {
    for good in [
        &"x".repeat(24),
        &"x".repeat(64),
        &"é".repeat(64),
        &"\u{1F600}".repeat(64),
        "a b c d e f g h i j k l \\",
    ] {
        assert!(is_plain(good), "{good}");
    }
    for bad in [
        "",
        &"x".repeat(23),
        &"x".repeat(65),
        &"é".repeat(23),
        &"\u{1F600}".repeat(65),
    ] {
        assert_eq!(refusal(bad).unwrap().kind(), Kind::BadArgument, "{bad}");
    }
}

#[test]
fn quotes_and_control_characters_are_refused_in_any_place() {
    for bad in ['"', '\'', '\0', '\n', '\t', '\u{7f}', '\u{85}'] {
        for at in [0, 12, 24] {
            let mut text = "x".repeat(24);
            text.insert(at, bad);
            assert!(refusal(&text).is_some(), "{bad:?} at {at}");
        }
    }
}

#[test]
fn a_verifier_is_taken_as_a_verifier() {
    match Chosen::parse(VERIFIER.to_owned()) {
        Ok(Chosen::Verifier(v)) => assert_eq!(v.expose(), VERIFIER),
        _ => unreachable!("a good verifier was refused or taken for a password"),
    }
}

#[test]
fn a_verifier_of_the_empty_password_is_refused() {
    assert!(Verifier::parse(OF_NOTHING).unwrap().matches(""));
    assert_eq!(refusal(OF_NOTHING).unwrap().kind(), Kind::BadArgument);
}

/// What cannot be seen: a letter of base64 that became another, and a digit of the iterations.
fn is_unseen_damage(at: usize, new: u8) -> bool {
    let digit_within_range =
        at == 14 && (b'5'..=b'9').contains(&new) || (15..18).contains(&at) && new.is_ascii_digit();
    let letter = new.is_ascii_alphanumeric() || new == b'+' || new == b'/';
    digit_within_range || (19..VERIFIER.len()).contains(&at) && letter
}

#[test]
fn no_byte_of_a_verifier_damaged_in_any_way_makes_it_a_password() {
    let mut unseen = 0;
    for at in 0..VERIFIER.len() {
        for new in (0u8..128).filter(|new| *new != VERIFIER.as_bytes()[at]) {
            let mut bytes = VERIFIER.as_bytes().to_vec();
            bytes[at] = new;
            let text = String::from_utf8(bytes).unwrap();
            if Verifier::parse(&text).is_ok() {
                // Asked here and not of Chosen::parse, which tries the empty password on each.
                assert!(
                    is_unseen_damage(at, new) && names_scram(&text),
                    "byte {at} as {new}"
                );
                unseen += 1;
            } else {
                assert_eq!(
                    refusal(&text).unwrap().kind(),
                    Kind::BadArgument,
                    "byte {at} as {new}"
                );
            }
        }
    }
    assert!(
        unseen > 0,
        "the limit that the documentation names is gone: rewrite it"
    );
}

#[test]
fn unseen_damage_leaves_a_verifier_that_neither_the_password_nor_its_own_text_fits() {
    let damaged = VERIFIER.replacen(
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY",
        "XG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY",
        1,
    );
    assert_ne!(damaged, VERIFIER);
    let verifier = Verifier::parse(&damaged).unwrap();
    assert!(!verifier.matches("pencil") && !verifier.matches(&damaged));
}

#[test]
fn a_verifier_with_a_byte_lost_doubled_or_a_case_changed_is_refused() {
    for at in 0..VERIFIER.len() {
        let mut lost = VERIFIER.to_owned();
        let byte = lost.remove(at);
        assert!(refusal(&lost).is_some(), "lost {at}");
        let mut doubled = VERIFIER.to_owned();
        doubled.insert(at, byte);
        // A digit of the iterations that is doubled gives another number within the range.
        assert!(
            (14..18).contains(&at) || refusal(&doubled).is_some(),
            "doubled {at}"
        );
    }
    assert!(refusal(&VERIFIER.to_lowercase()).is_some());
}

#[test]
fn a_verifier_cut_at_the_end_is_refused_at_every_length() {
    for length in 0..VERIFIER.len() {
        assert!(refusal(&VERIFIER[..length]).is_some(), "{length}");
        assert!(
            refusal(&format!(" {}", &VERIFIER[..length].to_lowercase())).is_some(),
            "{length}"
        );
    }
}

#[test]
fn an_md5_verifier_is_refused_whole_cut_followed_and_with_any_one_character_damaged() {
    let all = [
        MD5.to_owned(),
        MD5.to_uppercase(),
        MD5[..24].to_owned(),
        format!("{MD5}x"),
    ];
    assert!(all.iter().all(|text| refusal(text).is_some()));
    for at in 0..MD5.len() {
        for new in ["x", "0", "é", "$", "M"] {
            let mut damaged = MD5.to_owned();
            damaged.replace_range(at..=at, new);
            assert!(refusal(&damaged).is_some(), "{damaged}");
        }
    }
}

#[test]
fn a_password_of_hexadecimal_digits_is_no_md5_verifier() {
    assert!(
        is_plain(&MD5[3..]) && is_plain(&"0d5".repeat(10)) && is_plain("md5 is a hash, not a lock")
    );
}

#[test]
fn a_refusal_has_nothing_of_the_text() {
    for text in [
        "hunter2hunter2hunter2\"hunter2",
        "hunter2",
        "SCRAM-SHA-256$hunter2hunter2hunter2",
        &"hunter2".repeat(1_000_000),
    ] {
        let e = refusal(text).unwrap();
        let said = format!("{e:?}");
        assert!(!said.contains("hunter"), "{said}");
    }
}

proptest! {
    #[test]
    fn whatever_is_taken_as_a_password_keeps_the_rules(raw in "(\\PC|[a-fM5 '\"\\x00-\\x1f]){0,70}") {
        if let Ok(Chosen::Plain(secret)) = Chosen::parse(raw.clone()) {
            prop_assert_eq!(secret.expose(), &raw);
            prop_assert!((24..=64).contains(&raw.chars().count()));
            prop_assert!(!raw.contains(is_forbidden));
        }
    }

    #[test]
    fn nothing_that_names_the_scheme_is_a_password(before in "[ -~]{0,20}", after in "[A-Za-z0-9$:+/=]{0,40}") {
        let text = format!("{}sCrAm-ShA-256{}", before, after);
        prop_assert!(refusal(&text).is_some());
    }
}
