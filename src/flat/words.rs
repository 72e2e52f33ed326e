//! Rights as bits and as the words of GRANT. Pure.

use crate::pg::acl::rights::{
    CREATE, DELETE, EXECUTE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE, USAGE,
};

const WORDS: [(&str, u32); 10] = [
    ("INSERT", INSERT),
    ("SELECT", SELECT),
    ("UPDATE", UPDATE),
    ("DELETE", DELETE),
    ("TRUNCATE", TRUNCATE),
    ("REFERENCES", REFERENCES),
    ("TRIGGER", TRIGGER),
    ("EXECUTE", EXECUTE),
    ("USAGE", USAGE),
    ("CREATE", CREATE),
];

/// The words of GRANT for rights.
pub(super) fn words(bits: u32) -> impl Iterator<Item = &'static str> {
    let has = move |(_, bit): &(&str, u32)| bits & bit != 0;
    WORDS.into_iter().filter(has).map(|(word, _)| word)
}

/// The bit of a right; 0 for those that a later server knows.
pub(super) fn bit(word: &str) -> u32 {
    let known = WORDS.iter().find(|(known, _)| *known == word);
    known.map_or(0, |(_, bit)| *bit)
}

/// Rights without the option to grant them, and those with it: where there are any.
pub(super) fn parts(rights: u32) -> impl Iterator<Item = (u32, &'static str)> {
    let (all, grantable) = (rights & 0xFFFF, rights >> 16);
    [(all & !grantable, ""), (grantable, " WITH GRANT OPTION")]
        .into_iter()
        .filter(|(bits, _)| *bits != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_rights_are_read_as_they_are_written() {
        for (word, known) in WORDS {
            assert_eq!(bit(word), known);
            assert_eq!(words(known).collect::<Vec<_>>(), [word]);
        }
        assert_eq!(bit("MAINTAIN"), 0);
    }
}
