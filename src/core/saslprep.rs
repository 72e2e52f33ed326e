//! SASLprep (RFC 4013) as PostgreSQL does it, step by step: `pg_saslprep` in src/common/saslprep.c.
//!
//! The verifier is computed here, but the password is typed into clients built on libpq. So the
//! measure is not the letter of the RFC but that file, which looks for forbidden characters before
//! it normalizes and not after; the ready-made function of the stringprep crate does it after, and
//! disagrees on U+0340, U+32FF and many others. Its tables are used, its procedure is not.

use stringprep::tables;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// How many times its length in UTF-8 a text may grow under NFKC (UAX 15, "Stability and Growth").
const MOST_GROWTH: usize = 11;

/// The password as it goes into the hash: prepared or, where it cannot be prepared, as it is.
///
/// PostgreSQL's server and libpq both fall back to the raw bytes so (`pg_be_scram_build_secret` in
/// src/backend/libpq/auth-scram.c, `scram_init` in src/interfaces/libpq/fe-auth-scram.c).
pub(crate) fn prepared(password: &str) -> Zeroizing<String> {
    prepare(password).unwrap_or_else(|| Zeroizing::new(password.to_owned()))
}

/// `pg_saslprep`; `None` is its SASLPREP_PROHIBITED.
fn prepare(password: &str) -> Option<Zeroizing<String>> {
    if password.is_ascii() {
        return Some(Zeroizing::new(password.to_owned()));
    }
    // Sized at once: a buffer that grows leaves copies of the password behind.
    let mut mapped = Zeroizing::new(String::with_capacity(password.len()));
    mapped.extend(password.chars().filter_map(map));
    if mapped.is_empty() || mapped.contains(is_prohibited) || breaks_bidi_rule(&mapped) {
        return None;
    }
    let mut normal = Zeroizing::new(String::with_capacity(mapped.len() * MOST_GROWTH));
    normal.extend(mapped.nfkc());
    Some(normal)
}

/// Step 1, map: odd spaces to a space, invisible characters to nothing (`None`).
fn map(c: char) -> Option<char> {
    // U+200B stands in both tables; PostgreSQL asks this one first.
    if tables::non_ascii_space_character(c) {
        return Some(' ');
    }
    (!tables::commonly_mapped_to_nothing(c)).then_some(c)
}

/// Step 3, prohibit: the tables C.1.2 to C.9 of RFC 3454, and what Unicode 3.2 had not assigned.
fn is_prohibited(c: char) -> bool {
    tables::non_ascii_space_character(c)
        || tables::ascii_control_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
        || tables::unassigned_code_point(c)
}

/// Step 4, RFC 3454 section 6: where any character is written from right to left, the first and
/// the last are, and none is written from left to right.
fn breaks_bidi_rule(text: &str) -> bool {
    text.contains(tables::bidi_r_or_al)
        && (text.contains(is_left_to_right)
            || !text.starts_with(tables::bidi_r_or_al)
            || !text.ends_with(tables::bidi_r_or_al))
}

/// Table D.2 of RFC 3454. The crate's own is of today's Unicode; these are what changed since 3.2.
fn is_left_to_right(c: char) -> bool {
    match c {
        '\u{cbf}'
        | '\u{cc6}'
        | '\u{1734}'
        | '\u{2132}'
        | '\u{2800}'..='\u{28ff}'
        | '\u{302e}'..='\u{302f}' => false,
        '\u{17b4}'..='\u{17b5}' | '\u{1885}'..='\u{1886}' => true,
        '\u{1d6c1}' | '\u{1d6db}' | '\u{1d6fb}' | '\u{1d715}' | '\u{1d735}' => true,
        '\u{1d74f}' | '\u{1d76f}' | '\u{1d789}' | '\u{1d7a9}' | '\u{1d7c3}' => true,
        _ => tables::bidi_l(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The digest is of the answers of PostgreSQL 15's own `pg_saslprep`: a C program linked with
    /// libpgcommon.a asked it the same questions in the same order and wrote the same lines.
    #[test]
    fn every_code_point_is_prepared_as_postgresql_prepares_it() {
        let mut digest = Sha256::new();
        for c in (0x80..0x30000)
            .chain(0xe0000..0xe0200)
            .filter_map(char::from_u32)
        {
            for text in [
                format!("a{c}1"),
                format!("\u{5d0}{c}\u{5d0}"),
                format!("{c}1\u{5d0}"),
            ] {
                let answer = prepare(&text).map_or("-".to_owned(), |p| hex(p.as_bytes()));
                digest.update(format!("{:x} {answer}\n", u32::from(c)));
            }
        }
        assert_eq!(
            hex(&digest.finalize()),
            "e8e7f87e032aa1ce7e26f75aa289e27fd830c3c99420ac0bc17d739e6871d245"
        );
    }

    #[test]
    fn ascii_is_left_alone_control_characters_and_all() {
        assert_eq!(prepared("pencil \u{1}").as_str(), "pencil \u{1}");
        assert_eq!(prepared("").as_str(), "");
    }

    #[test]
    fn the_examples_of_rfc_4013_come_out_as_printed() {
        assert_eq!(prepared("I\u{ad}X").as_str(), "IX");
        assert_eq!(prepared("\u{aa}").as_str(), "a");
        assert_eq!(prepared("\u{2168}").as_str(), "IX");
        assert!(prepare("\u{627}1").is_none());
    }

    #[test]
    fn what_cannot_be_prepared_stays_as_it_is() {
        // An RTL rule broken, nothing left, a deprecated mark, a sign younger than Unicode 3.2.
        for raw in ["\u{627}1", "\u{ad}\u{ad}", "a\u{340}", "\u{32ff}"] {
            assert_eq!(prepared(raw).as_str(), raw);
        }
    }

    #[test]
    fn the_text_that_grows_most_fits_the_buffer_it_was_given() {
        let raw = "\u{fdfa}".repeat(64);
        let normal = prepared(&raw);
        assert_eq!(normal.len(), raw.len() * MOST_GROWTH);
        assert_eq!(normal.capacity(), raw.len() * MOST_GROWTH);
    }
}
