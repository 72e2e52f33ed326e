//! What an access list comes to for each role: the server's `aclmask` (acl.c) and what stands around it in
//! aclchk.c, for all roles at once.

use super::closure::{Rank, Roles};
use crate::pg::acl::{rights, Right, PUBLIC};
use crate::pg::census::predefined::{PG_MAINTAIN, PG_READ_ALL_DATA, PG_WRITE_ALL_DATA};
use crate::pg::Oid;
use std::collections::HashMap;
use std::ops::Range;

/// Privileges on one object, a bit each, in the order of the words of a [`Vocabulary`].
pub type Code = u8;

/// The privileges of a kind of object, and what roles have of them without any grant.
pub struct Vocabulary {
    /// Bits of an access list with their words, in the order of the words: as `array_agg(DISTINCT …)` tells
    /// them. At most eight.
    words: &'static [(u32, &'static str)],
    /// Predefined roles, and what their members may do with every object of the kind.
    predefined: &'static [(u32, u32)],
}

/// Tables, views, materialized views, foreign and partitioned tables; from PostgreSQL 17 on.
const TABLE: Vocabulary = Vocabulary {
    words: &[
        (rights::DELETE, "DELETE"),
        (rights::INSERT, "INSERT"),
        (rights::MAINTAIN, "MAINTAIN"),
        (rights::REFERENCES, "REFERENCES"),
        (rights::SELECT, "SELECT"),
        (rights::TRIGGER, "TRIGGER"),
        (rights::TRUNCATE, "TRUNCATE"),
        (rights::UPDATE, "UPDATE"),
    ],
    predefined: &[
        (PG_READ_ALL_DATA, rights::SELECT),
        (PG_WRITE_ALL_DATA, WRITE_ALL),
        (PG_MAINTAIN, rights::MAINTAIN),
    ],
};

/// The same up to PostgreSQL 16.
const TABLE_UP_TO_16: Vocabulary = Vocabulary {
    words: &[
        (rights::DELETE, "DELETE"),
        (rights::INSERT, "INSERT"),
        (rights::REFERENCES, "REFERENCES"),
        (rights::SELECT, "SELECT"),
        (rights::TRIGGER, "TRIGGER"),
        (rights::TRUNCATE, "TRUNCATE"),
        (rights::UPDATE, "UPDATE"),
    ],
    predefined: &[
        (PG_READ_ALL_DATA, rights::SELECT),
        (PG_WRITE_ALL_DATA, WRITE_ALL),
    ],
};

const WRITE_ALL: u32 = rights::INSERT | rights::UPDATE | rights::DELETE;

/// What nobody but superusers may do with a system catalog, whatever was granted.
pub const NOT_WITH_CATALOGS: u32 = WRITE_ALL | rights::TRUNCATE | rights::USAGE;

/// The privileges on tables of a server of this version.
pub const fn tables(version: u32) -> Vocabulary {
    if version >= 170_000 {
        TABLE
    } else {
        TABLE_UP_TO_16
    }
}

/// Schemas.
pub const SCHEMAS: Vocabulary = Vocabulary {
    words: &[(rights::CREATE, "CREATE"), (rights::USAGE, "USAGE")],
    predefined: &[
        (PG_READ_ALL_DATA, rights::USAGE),
        (PG_WRITE_ALL_DATA, rights::USAGE),
    ],
};

/// Sequences.
pub const SEQUENCES: Vocabulary = Vocabulary {
    words: &[
        (rights::SELECT, "SELECT"),
        (rights::UPDATE, "UPDATE"),
        (rights::USAGE, "USAGE"),
    ],
    predefined: &[
        (PG_READ_ALL_DATA, rights::SELECT),
        (PG_WRITE_ALL_DATA, rights::UPDATE),
    ],
};

/// Functions, procedures and aggregates.
pub const ROUTINES: Vocabulary = Vocabulary {
    words: &[(rights::EXECUTE, "EXECUTE")],
    predefined: &[],
};

/// Databases.
pub const DATABASES: Vocabulary = Vocabulary {
    words: &[
        (rights::CONNECT, "CONNECT"),
        (rights::CREATE, "CREATE"),
        (rights::TEMPORARY, "TEMPORARY"),
    ],
    predefined: &[],
};

impl Vocabulary {
    /// Bits of an access list as a code. Grant options are no privileges.
    pub fn code(&self, rights: u32) -> Code {
        let known = self.words.iter().zip(0..);
        known.fold(0, |code, ((bit, _), place)| {
            code | Code::from(rights & bit != 0) << place
        })
    }

    /// The words of a code, in order.
    pub fn words(&self, code: Code) -> Vec<&'static str> {
        let known = self.words.iter().zip(0..);
        known
            .filter(|(_, place)| code >> place & 1 == 1)
            .map(|((_, word), _)| *word)
            .collect()
    }

    /// Every privilege.
    pub fn all(&self) -> Code {
        self.words.iter().fold(0, |code, _| code << 1 | 1)
    }

    /// The bit of a word in whatever case, and the word as it is told.
    pub fn bit(&self, word: &str) -> Option<(u32, &'static str)> {
        let mut known = self.words.iter();
        known
            .find(|(_, known)| known.eq_ignore_ascii_case(word))
            .copied()
    }

    /// The predefined roles whose members have this privilege on every object of the kind.
    pub fn predefined(&self, bit: u32) -> impl Iterator<Item = Oid> + '_ {
        let all = self.predefined.iter();
        all.filter(move |(_, rights)| rights & bit != 0)
            .map(|(role, _)| Oid::from(*role))
    }
}

/// What one access list grants to whom, and what is kept from all but superusers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    granted: Vec<(Oid, Code)>,
    denied: Code,
}

impl Shape {
    /// What a list grants.
    pub fn of(list: &[Right], vocabulary: &Vocabulary) -> Shape {
        let granted = list.iter().map(|right| {
            let code = vocabulary.code(right.rights);
            (right.grantee, code)
        });
        Shape {
            granted: granted.filter(|(_, code)| *code != 0).collect(),
            denied: 0,
        }
    }

    /// The same of an object that nobody but superusers may do this to.
    pub fn without(mut self, denied: Code) -> Shape {
        self.denied = denied;
        self
    }
}

/// Expands access lists of one kind of object.
pub struct Expander<'r> {
    roles: &'r Roles,
    superusers: Vec<Rank>,
    all: Code,
    everywhere: Vec<(Oid, Code)>,
    /// Who has the rights of whom, as far as it was asked for.
    holders: HashMap<Oid, Vec<Rank>>,
}

impl<'r> Expander<'r> {
    /// For objects with these privileges.
    pub fn new(roles: &'r Roles, vocabulary: &Vocabulary) -> Expander<'r> {
        let everywhere = vocabulary.predefined.iter().map(|(role, rights)| {
            let code = vocabulary.code(*rights);
            (Oid::from(*role), code)
        });
        let superusers = (0..).zip(roles.all()).filter(|(_, role)| role.superuser);
        Expander {
            roles,
            superusers: superusers.map(|(rank, _)| rank).collect(),
            all: vocabulary.all(),
            everywhere: everywhere.collect(),
            holders: HashMap::new(),
        }
    }

    /// Tells, for roles of a block, what each may do: several codes for one role are to be put together.
    pub fn expand(&mut self, shape: &Shape, block: &Range<Rank>, mut tell: impl FnMut(Rank, Code)) {
        let Expander {
            roles,
            everywhere,
            holders,
            ..
        } = self;
        for (grantee, code) in shape.granted.iter().chain(everywhere.iter()) {
            let code = code & !shape.denied;
            if *grantee == PUBLIC {
                block.clone().for_each(|rank| tell(rank, code));
                continue;
            }
            let having = holders
                .entry(*grantee)
                .or_insert_with(|| roles.with_rights_of(*grantee));
            within(having, block).iter().for_each(|r| tell(*r, code));
        }
        let superusers = within(&self.superusers, block);
        superusers.iter().for_each(|r| tell(*r, self.all));
    }
}

/// The part of sorted ranks that is in a block.
fn within<'a>(ranks: &'a [Rank], block: &Range<Rank>) -> &'a [Rank] {
    let start = ranks.partition_point(|rank| *rank < block.start);
    let end = ranks.partition_point(|rank| *rank < block.end);
    &ranks[start..end.max(start)]
}

#[cfg(test)]
mod tests;
