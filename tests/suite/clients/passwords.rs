//! Every shape of a password: generated, and chosen by a person.

use super::{all_are, every_client, scene, urls};
use crate::scene::Scene;

/// Passwords that a person may choose; all characters of ASCII that are allowed are in the first two.
const CHOSEN: [&str; 15] = [
    " !#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRST",
    "UVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~ to the end",
    "two  spaces   three    four     ",
    " a space at both its ends ",
    "%41%42%43%20%2F%25%%%%%%",
    "postgres://a:b@c:1/d?e=f#g",
    "back\\slash\\\\and\\nmore\\x00\\",
    "+plus+is+no+space+here+at+all",
    "&sslmode=disable&host=evil.example",
    "key=value user=postgres dbname=x",
    "[::1]:5432/postgres?user=postgres",
    "Straße, Übergröße, naïveté, ж, 漢字",
    "\u{1F600}\u{1F511}\u{1F680}\u{1F431} smileys have four bytes",
    "01234567890123456789012345678901234567890123456789012345678901+/",
    // SASLprep writes these otherwise: a ligature, a full-width letter, a space that does not break, a soft hyphen.
    "of\u{FB01}ce, \u{FF21}lpha, no\u{A0}break, so\u{AD}ft",
];

/// One credential a password.
#[track_caller]
fn with(s: &mut Scene, passwords: &[&str]) -> Vec<String> {
    let names: Vec<String> = (0..passwords.len())
        .map(|n| format!("chosen-{n}"))
        .collect();
    for (name, password) in names.iter().zip(passwords) {
        s.own
            .execute("SELECT credentials.create($1)", &[name])
            .unwrap();
        s.own
            .execute("SELECT credentials.set_password($1, $2)", &[name, password])
            .unwrap_or_else(|error| panic!("{password:?}: {error:?}"));
    }
    names
}

#[test]
fn every_client_logs_in_with_every_shape_of_a_password_that_a_person_may_choose() {
    let mut s = scene();
    let names = with(&mut s, &CHOSEN);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let urls = urls(&s.cluster, &mut s.own, &names, "plain");
    all_are(&every_client(&s.cluster, &urls), &names, "app", 6);
}

#[test]
fn every_client_logs_in_with_generated_passwords() {
    let mut s = scene();
    let names: Vec<String> = (0..8).map(|n| format!("made-{n}")).collect();
    for name in &names {
        s.own
            .execute("SELECT credentials.create($1)", &[name])
            .unwrap();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let urls = urls(&s.cluster, &mut s.own, &names, "plain");
    all_are(&every_client(&s.cluster, &urls), &names, "app", 6);
}
