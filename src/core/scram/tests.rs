#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use super::*;
use proptest::prelude::*;

crate::core::assert_not_impl!(
    Verifier: std::fmt::Debug, std::fmt::Display, Clone, PartialEq, AsRef<str>, std::ops::Deref
);

fn rfc_verifier() -> Verifier {
    let salt: Zeroizing<[u8; 16]> = decoded("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    Verifier::compute_with("pencil", *salt, 4096)
}

/// The conversation of RFC 7677 section 3, as the two sides sign it.
const AUTH_MESSAGE: &str = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
    r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
    c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

#[test]
fn the_client_proof_of_rfc_7677_proves_the_password_to_our_verifier() {
    let verifier = rfc_verifier();
    let proof: Zeroizing<[u8; 32]> =
        decoded("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
    let signature = hmac(&verifier.parts.stored_key, AUTH_MESSAGE.as_bytes());
    let client_key: Vec<u8> = proof
        .iter()
        .zip(signature.iter())
        .map(|(p, s)| p ^ s)
        .collect();
    assert_eq!(
        Sha256::digest(client_key).as_slice(),
        verifier.parts.stored_key.as_slice()
    );
}

#[test]
fn our_verifier_gives_the_server_signature_of_rfc_7677() {
    let signature = hmac(&rfc_verifier().parts.server_key, AUTH_MESSAGE.as_bytes());
    assert_eq!(
        STANDARD.encode(signature.as_slice()),
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    );
}

/// Computed with Python's hashlib.pbkdf2_hmac and hmac.
#[test]
fn the_text_is_the_one_that_python_computes() {
    let text = rfc_verifier();
    assert_eq!(text.expose(), "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

#[test]
fn a_fresh_verifier_reads_back_fits_its_password_alone_and_has_a_salt_of_its_own() {
    let password = Secret::new("correct horse battery staple".to_owned());
    let (a, b) = (
        Verifier::compute(&password).unwrap(),
        Verifier::compute(&password).unwrap(),
    );
    assert!(!a.same(b.expose()) && a.same(a.expose()) && !a.same(""));
    let again = Verifier::parse(a.expose()).unwrap();
    assert!(again.same(a.expose()));
    assert!(again.matches(password.expose()) && b.matches(password.expose()));
    assert!(!again.matches("correct horse battery stapl") && !again.matches(""));
    assert!(a.expose().starts_with("SCRAM-SHA-256$4096:"));
}

#[test]
fn a_password_is_prepared_once_before_it_is_hashed() {
    let verifier = Verifier::compute_with("I\u{ad}X", [7; 16], 4096);
    assert!(verifier.matches("IX") && verifier.matches("\u{2168}") && !verifier.matches("ix"));
}

#[test]
fn each_key_is_compared() {
    let good = rfc_verifier();
    let (head, keys) = good.expose().rsplit_once('$').unwrap();
    let (stored, server) = keys.split_once(':').unwrap();
    let zero = STANDARD.encode([0; 32]);
    for text in [
        format!("{head}${stored}:{zero}"),
        format!("{head}${zero}:{server}"),
    ] {
        assert!(!Verifier::parse(&text).unwrap().matches("pencil"));
    }
}

#[test]
fn what_postgresql_would_not_write_is_refused() {
    let good = rfc_verifier();
    let good = good.expose();
    let bad = [
        good.to_lowercase(),
        good.replace("SCRAM", "scram"),
        good.replace("4096", "+4096"),
        good.replace("4096", "04096"),
        good.replace("4096", "4095"),
        good.replace("4096", "1000001"),
        good.replace("4096", "99999999999999999999"),
        good.replace("gQ==", "gQ="),
        good.replace("gQ==", "gR=="), // The same bytes with stray bits.
        good.replace("gQ==", "gQ==gQ=="),
        good.replace("W22ZaJ0SNY7soEsUEjb6gQ==", "W22ZaJ0SNY7soEsU"),
        good.replace("W22ZaJ0SNY7soEsUEjb6gQ==", ""),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}:"),
        format!("{good}${good}"),
        good.replacen(':', "$", 1),
        "SCRAM-SHA-256$".to_owned(),
        String::new(),
        "x".repeat(20_000_000),
    ];
    for text in bad {
        assert_eq!(
            Verifier::parse(&text).err().map(|e| e.kind()),
            Some(Kind::BadArgument),
            "{text:.200}"
        );
    }
}

#[test]
fn cut_anywhere_at_either_end_it_is_refused() {
    let good = rfc_verifier();
    for at in 1..good.expose().len() {
        assert!(Verifier::parse(&good.expose()[..at]).is_err());
        assert!(Verifier::parse(&good.expose()[at..]).is_err());
    }
}

#[test]
fn a_refusal_tells_nothing_of_the_text() {
    let e = malformed();
    let all = [Some(e.message()), e.detail_text(), e.hint_text()]
        .map(Option::unwrap)
        .concat();
    let text = rfc_verifier();
    let pieces = text.expose().as_bytes().windows(6).skip(SCHEME.len());
    let told = pieces.filter(|piece| all.as_bytes().windows(6).any(|w| w == *piece));
    assert_eq!(told.count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_is_taken_is_kept_to_the_byte(raw in "SCRAM-SHA-256\\$[0-9+]{1,8}:[A-Za-z0-9+/]{22}==\\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=") {
        if let Ok(verifier) = Verifier::parse(&raw) {
            prop_assert_eq!(verifier.expose(), raw);
        }
    }
}
