//! What a key file says: one key of 32 bytes or several, the newest first.
//!
//! Either text, one key a line, in 64 hexadecimal digits or 44 characters of base64, blank lines
//! allowed; or the bytes of the keys, one after the other. A file that is text but not of this form
//! is refused: taken for raw bytes, a key with one wrong digit would be two keys that are easy to
//! guess. A raw key of 32 random bytes looks like text once in 10^13 times.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use zeroize::Zeroizing;

use super::cipher::{Key, KEY_LENGTH};
use crate::error::{Error, Kind, Result};

/// How many keys a file may hold: one a year for a lifetime, and never a file that is no key file.
const MOST_KEYS: usize = 64;

/// The digits of a key as text, and the characters of one as base64.
const HEX_LENGTH: usize = 2 * KEY_LENGTH;
const BASE64_LENGTH: usize = 44;

/// What base64's decoder wants to have at hand for 44 characters: a whole group more than a key.
const BASE64_ROOM: usize = BASE64_LENGTH / 4 * 3;

/// The keys of a file, at least one, each once, none of a single byte repeated.
///
/// # Errors
/// `Kind::NotReady`; the error has nothing of the contents.
pub(super) fn read(contents: &[u8]) -> Result<Vec<Key>> {
    let keys = if is_text(contents) {
        read_text(contents)?
    } else {
        read_raw(contents)?
    };
    check(&keys)?;
    Ok(keys)
}

fn is_text(contents: &[u8]) -> bool {
    contents
        .iter()
        .all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}

fn read_text(contents: &[u8]) -> Result<Vec<Key>> {
    let lines = contents.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let mut keys = Vec::new();
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        let key = read_line(line).ok_or_else(|| bad_line(number + 1))?;
        keys.push(key);
        check_count(keys.len())?;
    }
    Ok(keys)
}

fn read_line(line: &[u8]) -> Option<Key> {
    let mut bytes = Zeroizing::new([0; BASE64_ROOM]);
    match line.len() {
        HEX_LENGTH => read_hex(line, bytes.as_mut_slice())?,
        BASE64_LENGTH => read_base64(line, bytes.as_mut_slice())?,
        _ => return None,
    }
    Key::new(&bytes[..KEY_LENGTH])
}

fn read_hex(line: &[u8], bytes: &mut [u8]) -> Option<()> {
    for (byte, pair) in bytes.iter_mut().zip(line.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(())
}

fn hex_digit(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

fn read_base64(line: &[u8], bytes: &mut [u8]) -> Option<()> {
    let length = STANDARD.decode_slice(line, bytes).ok()?;
    (length == KEY_LENGTH).then_some(())
}

fn read_raw(contents: &[u8]) -> Result<Vec<Key>> {
    if !contents.len().is_multiple_of(KEY_LENGTH) {
        return Err(unusable(
            "It is not text, and its length is not a multiple of 32 bytes.",
        ));
    }
    check_count(contents.len() / KEY_LENGTH)?;
    Ok(contents
        .chunks_exact(KEY_LENGTH)
        .filter_map(Key::new)
        .collect())
}

fn check_count(keys: usize) -> Result<()> {
    if keys > MOST_KEYS {
        return Err(unusable("It holds more than 64 keys."));
    }
    Ok(())
}

fn check(keys: &[Key]) -> Result<()> {
    if keys.is_empty() {
        return Err(unusable("It holds no key."));
    }
    for (i, key) in keys.iter().enumerate() {
        if key.is_one_byte_repeated() {
            return Err(unusable(&format!(
                "Key {} is one byte repeated 32 times.",
                i + 1
            )));
        }
        if let Some(twin) = keys[..i].iter().position(|k| k.id() == key.id()) {
            return Err(unusable(&format!(
                "Keys {} and {} are the same.",
                twin + 1,
                i + 1
            )));
        }
    }
    Ok(())
}

fn bad_line(number: usize) -> Error {
    unusable(&format!(
        "Line {number} is neither 64 hexadecimal digits nor 44 characters of base64 for 32 bytes."
    ))
}

fn unusable(why: &str) -> Error {
    Kind::NotReady
        .error("the key file is not usable")
        .detail(why)
        .hint(
            "Make a new key with: openssl rand -hex 32. Write it as the first line of the file, \
             above the keys that are still needed.",
        )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";

    /// The ids of the keys, in order.
    fn ids(contents: &[u8]) -> Vec<[u8; 8]> {
        read(contents)
            .map_err(|e| e.to_string())
            .unwrap()
            .iter()
            .map(Key::id)
            .collect()
    }

    fn refusal(contents: &[u8]) -> String {
        let e = read(contents).err().unwrap();
        assert_eq!(e.kind(), Kind::NotReady);
        format!(
            "{} {} {}",
            e.message(),
            e.detail_text().unwrap(),
            e.hint_text().unwrap()
        )
    }

    #[test]
    fn hexadecimal_base64_and_raw_bytes_give_the_same_keys() {
        let up: Vec<u8> = (0..32).collect();
        let down: Vec<u8> = (1..=32).rev().collect();
        let raw = ids(&[up.clone(), down.clone()].concat());
        assert_eq!(raw, [ids(&up), ids(&down)].concat());
        assert_ne!(raw[0], raw[1]);
        assert_eq!(raw, ids(format!("{HEX}\n{BASE64}\n").as_bytes()));
        assert_eq!(
            raw,
            ids(format!("\r\n\n  {}\r\n\n{BASE64}", HEX.to_uppercase()).as_bytes())
        );
        let pair = [[8; 31].as_slice(), &[9]].concat();
        assert_eq!(ids(&[up, pair.clone()].concat()), [raw[0], ids(&pair)[0]]);
    }

    #[test]
    fn a_damaged_text_is_refused_and_never_taken_for_raw_bytes() {
        let wrong_digit = HEX.replacen('0', "g", 1);
        assert_eq!(wrong_digit.len() % KEY_LENGTH, 0);
        assert!(refusal(wrong_digit.as_bytes()).contains("Line 1"));
        assert!(refusal(format!("{HEX}\n\n{}", &HEX[1..]).as_bytes()).contains("Line 3"));
        assert!(refusal(b"a passphrase of thirty-two bytes").contains("Line 1"));
        assert!(refusal(format!("# key\n{HEX}").as_bytes()).contains("Line 1"));
        // Stray bits in the last letter, 33 bytes, the alphabet for URLs.
        for bad in [
            BASE64.replace("E=", "F="),
            BASE64.replace("E=", "EB"),
            BASE64.replace('x', "_"),
        ] {
            assert!(refusal(bad.as_bytes()).contains("Line 1"), "{bad}");
        }
    }

    #[test]
    fn empty_short_repeated_doubled_and_endless_files_are_refused() {
        assert!(refusal(b"").contains("no key"));
        assert!(refusal(b"\n \n").contains("no key"));
        for length in [1, 31, 33, 63] {
            assert!(refusal(&vec![0xfe; length]).contains("32 bytes"));
        }
        assert!(refusal(&[0; 32]).contains("repeated"));
        assert!(refusal("ff".repeat(32).as_bytes()).contains("repeated"));
        assert!(refusal(format!("{HEX}\n{BASE64}\n{HEX}").as_bytes()).contains("Keys 1 and 3"));
        let many: Vec<u8> = (0..65u8)
            .flat_map(|n| [[n; 31].as_slice(), &[0xff]].concat())
            .collect();
        assert_eq!(ids(&many[..64 * 32]).len(), 64);
        assert!(refusal(&many).contains("more than 64"));
        assert!(refusal(format!("{HEX}\n").repeat(1_000).as_bytes()).contains("more than 64"));
    }

    #[test]
    fn a_refusal_has_nothing_of_the_file() {
        for text in [
            format!("{HEX}0"),
            format!("{HEX}\n{HEX}"),
            format!("{HEX}\n!"),
        ] {
            let said = refusal(text.as_bytes());
            assert!(
                !HEX.as_bytes()
                    .windows(6)
                    .any(|w| said.as_bytes().windows(6).any(|s| s == w)),
                "{said}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_what_is_read_is_never_empty(
            contents in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Ok(keys) = read(&contents) {
                prop_assert_eq!(keys.len() * KEY_LENGTH, contents.len());
                prop_assert!(!keys.is_empty());
            }
        }
    }
}
