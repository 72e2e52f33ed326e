//! How a plaintext password is held, and how one is made.

use zeroize::Zeroizing;

use super::random;
use crate::error::{Kind, Result};

/// How many characters a generated password has: 65 of 62 letters and digits, 387 bits.
pub const GENERATED_LENGTH: usize = 65;

/// The letters and digits of a generated password: none of them needs escaping in a URL, a
/// connection string, a shell or an SQL literal.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// How many random bytes are drawn at a time.
const BATCH: usize = 128;

/// How many batches a password may take. One is enough: half of it would have to be thrown away
/// where one byte in 32 is expected. A generator that needs more than this is broken, and a
/// backend must not spin on it for ever.
const MOST_BATCHES: usize = 8;

/// A plaintext password. Its memory is wiped when it is let go.
///
/// It has no `Debug`, `Display`, `Clone` or `PartialEq`, on purpose: whoever wants the text writes
/// [`expose`](Secret::expose), and a reviewer finds every such place by that word.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes charge of a text. Copies made before, by a growing `String` for one, are beyond reach.
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The text. Never for a message, a log line or an event.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A new password: 65 characters of `[A-Za-z0-9]`, each equally likely, from the operating
/// system's generator.
///
/// # Errors
/// `Kind::Internal` where that generator fails.
pub fn generate() -> Result<Secret> {
    draw(random::fill)
}

/// Draws a password from a source of random bytes.
///
/// Six bits of each byte pick a letter; the two values in 64 that have none are thrown away.
/// Folding them back onto the alphabet would make some letters likelier than others.
fn draw(mut fill: impl FnMut(&mut [u8]) -> Result<()>) -> Result<Secret> {
    let mut text = Zeroizing::new(String::with_capacity(GENERATED_LENGTH));
    let mut bytes = Zeroizing::new([0u8; BATCH]);
    for _ in 0..MOST_BATCHES {
        fill(bytes.as_mut_slice())?;
        let missing = GENERATED_LENGTH - text.len();
        text.extend(bytes.iter().filter_map(|b| letter(*b)).take(missing));
        if text.len() == GENERATED_LENGTH {
            return Ok(Secret(text));
        }
    }
    Err(Kind::Internal
        .error("the operating system's random bytes are not random")
        .detail("Too many of them had to be thrown away while a password was drawn."))
}

/// The letter that a random byte picks, if any: 62 of each 64 values have one.
fn letter(byte: u8) -> Option<char> {
    ALPHABET
        .get(usize::from(byte & 0b11_1111))
        .map(|b| char::from(*b))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
    use super::*;
    use std::collections::{HashMap, HashSet};

    crate::core::assert_not_impl!(
        Secret: std::fmt::Debug, std::fmt::Display, Clone, PartialEq, AsRef<str>, std::ops::Deref
    );

    /// Chi-square of the letters against equal shares; 61 degrees of freedom.
    fn chi_square(text: &str) -> f64 {
        let mut counts: HashMap<char, f64> =
            ALPHABET.iter().map(|b| (char::from(*b), 0.0)).collect();
        text.chars()
            .for_each(|c| *counts.get_mut(&c).unwrap() += 1.0);
        let share = text.len() as f64 / 62.0;
        counts.values().map(|n| (n - share).powi(2) / share).sum()
    }

    #[test]
    fn a_generated_password_has_65_letters_and_digits() {
        let password = generate().unwrap();
        assert_eq!(password.expose().len(), 65);
        assert!(password.expose().bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_million_characters_are_uniform_and_no_password_comes_twice() {
        let passwords: Vec<_> = (0..15_385).map(|_| generate().unwrap()).collect();
        let distinct: HashSet<&str> = passwords.iter().map(Secret::expose).collect();
        assert_eq!(distinct.len(), passwords.len());
        let all: String = passwords.iter().map(Secret::expose).collect();
        // A fair draw exceeds 140 less than once in ten million runs.
        assert!(chi_square(&all) < 140.0, "{}", chi_square(&all));
        let firsts: String = passwords.iter().map(|p| &p.expose()[..1]).collect();
        assert!(chi_square(&firsts) < 140.0, "{}", chi_square(&firsts));
    }

    #[test]
    fn the_chi_square_would_catch_a_remainder_instead_of_a_rejection() {
        let biased: String = (0..1_000_000usize)
            .map(|i| char::from(ALPHABET[(i % 256) % 62]))
            .collect();
        assert!(chi_square(&biased) > 5_000.0);
    }

    #[test]
    fn every_letter_is_picked_by_exactly_four_bytes_and_eight_bytes_pick_none() {
        let mut counts: HashMap<Option<char>, u32> = HashMap::new();
        (0..=255).for_each(|byte| *counts.entry(letter(byte)).or_default() += 1);
        assert_eq!(counts.remove(&None), Some(8));
        assert_eq!(counts.len(), 62);
        assert!(counts.values().all(|n| *n == 4));
    }

    #[test]
    fn rejected_bytes_leave_no_gap_and_the_next_batch_goes_on() {
        let mut batches = 0u8;
        let password = draw(|buffer| {
            batches += 1;
            buffer.fill(0xff);
            buffer[..33].fill(batches - 1);
            Ok(())
        });
        assert_eq!(password.unwrap().expose(), "A".repeat(33) + &"B".repeat(32));
        assert_eq!(batches, 2);
    }

    #[test]
    fn a_generator_that_fails_or_gives_nothing_usable_is_an_error() {
        let failing = draw(|_| Err(Kind::Internal.error("no")));
        assert_eq!(failing.err().unwrap().kind(), Kind::Internal);
        let stuck = draw(|buffer| {
            buffer.fill(0xff);
            Ok(())
        });
        assert_eq!(stuck.err().unwrap().kind(), Kind::Internal);
    }
}
