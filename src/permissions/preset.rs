//! Presets, the groups that hold them, and what a group gets on which kind of object.

use crate::error::{shown, Kind, Result};
use crate::pg::acl::rights;
use crate::pg::object::What;

/// A preset, in the words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// USAGE on the schema, SELECT on what is in it.
    ReadOnly,
    /// And INSERT, UPDATE, DELETE, USAGE of sequences.
    ReadWrite,
    /// And CREATE, and a share in the ownership of what is in it.
    Owner,
}

/// What a group is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// Holds `read_only`.
    Reader,
    /// Holds `read_write`.
    Writer,
    /// Owns the schema and what is in it.
    Owner,
}

/// What rights are given on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// The schema itself.
    Schema,
    /// Tables, partitioned and foreign tables, views.
    Table,
    /// Materialized views, which nobody can write.
    MaterializedView,
    /// Sequences.
    Sequence,
    /// Functions, procedures and aggregates that run with their caller's rights and are written in a
    /// trusted language. Others reach further than whoever calls them, so their owners decide.
    Routine,
}

impl ObjectKind {
    /// The kind of an object by what it is; nothing where groups hold no rights on such. Of an aggregate only
    /// what it calls tells whether they do.
    pub fn of(what: What) -> Option<ObjectKind> {
        match what {
            What::Schema => Some(ObjectKind::Schema),
            What::Relation('r' | 'p' | 'v' | 'f') => Some(ObjectKind::Table),
            What::Relation('m') => Some(ObjectKind::MaterializedView),
            What::Relation('S') => Some(ObjectKind::Sequence),
            What::Routine { definer: true, .. } => None,
            What::Routine { kind, trusted, .. } => {
                (trusted || kind == 'a').then_some(ObjectKind::Routine)
            }
            What::Relation(_) | What::Other => None,
        }
    }
}

impl Access {
    /// Every preset, the least first.
    pub const ALL: [Access; 3] = [Access::ReadOnly, Access::ReadWrite, Access::Owner];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Access::ReadOnly => "read_only",
            Access::ReadWrite => "read_write",
            Access::Owner => "owner",
        }
    }

    /// The preset of a word (22023).
    pub fn parse(word: &str) -> Result<Access> {
        Access::ALL
            .into_iter()
            .find(|access| access.as_str() == word)
            .ok_or_else(|| {
                Kind::BadArgument
                    .error(format!("unknown access \"{}\"", shown(word)))
                    .hint("Use read_only, read_write or owner.")
            })
    }

    /// The kind of group that holds it.
    pub fn group(self) -> GroupKind {
        match self {
            Access::ReadOnly => GroupKind::Reader,
            Access::ReadWrite => GroupKind::Writer,
            Access::Owner => GroupKind::Owner,
        }
    }
}

impl GroupKind {
    /// Every kind, the least first.
    pub const ALL: [GroupKind; 3] = [GroupKind::Reader, GroupKind::Writer, GroupKind::Owner];

    /// The word in `credentials.access_group`.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupKind::Reader => "reader",
            GroupKind::Writer => "writer",
            GroupKind::Owner => "owner",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<GroupKind> {
        GroupKind::ALL.into_iter().find(|k| k.as_str() == word)
    }

    /// The preset that its members have.
    pub fn access(self) -> Access {
        match self {
            GroupKind::Reader => Access::ReadOnly,
            GroupKind::Writer => Access::ReadWrite,
            GroupKind::Owner => Access::Owner,
        }
    }

    /// How its groups' names begin.
    pub fn prefix(self) -> &'static str {
        match self {
            GroupKind::Reader => "db_reader_",
            GroupKind::Writer => "db_writer_",
            GroupKind::Owner => "db_owner_",
        }
    }

    /// What a group of this kind is given on an object, as bits of an access list. The owner's group is
    /// given nothing: it owns.
    pub fn rights_on(self, object: ObjectKind) -> u32 {
        use rights::{DELETE, EXECUTE, INSERT, SELECT, UPDATE, USAGE};
        match (self, object) {
            (GroupKind::Owner, _) => 0,
            (_, ObjectKind::Schema) => USAGE,
            (_, ObjectKind::Routine) => EXECUTE,
            (_, ObjectKind::MaterializedView) | (GroupKind::Reader, _) => SELECT,
            (GroupKind::Writer, ObjectKind::Table) => SELECT | INSERT | UPDATE | DELETE,
            (GroupKind::Writer, ObjectKind::Sequence) => SELECT | USAGE,
        }
    }
}

/// The name that a new group gets: of the schema's name where that makes a plain identifier and the role
/// name is free, else of the schema's OID, which no other schema ever has.
pub fn group_name(
    kind: GroupKind,
    schema: &str,
    schema_oid: u32,
    is_free: impl Fn(&str) -> bool,
) -> String {
    let is_plain = (1..=50).contains(&schema.len())
        && schema
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let readable = format!("{}{schema}", kind.prefix());
    if is_plain && is_free(&readable) {
        readable
    } else {
        format!("{}s{schema_oid}", kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_parses_to_what_it_is_the_word_of() {
        for access in Access::ALL {
            assert_eq!(Access::parse(access.as_str()), Ok(access));
            assert_eq!(access.group().access(), access);
        }
        for kind in GroupKind::ALL {
            assert_eq!(GroupKind::parse(kind.as_str()), Some(kind));
        }
        for word in ["", "READ_ONLY", "read-only", "write", "admin", "read_only "] {
            assert!(Access::parse(word).is_err(), "{word}");
        }
    }

    #[test]
    fn a_reader_writes_nothing_and_a_writer_creates_nothing() {
        use rights::{CREATE, DELETE, INSERT, TRUNCATE, UPDATE};
        let all = [
            ObjectKind::Schema,
            ObjectKind::Table,
            ObjectKind::MaterializedView,
            ObjectKind::Sequence,
            ObjectKind::Routine,
        ];
        for object in all {
            let reader = GroupKind::Reader.rights_on(object);
            let writer = GroupKind::Writer.rights_on(object);
            assert_eq!(reader & (INSERT | UPDATE | DELETE | TRUNCATE | CREATE), 0);
            assert_eq!(writer & (TRUNCATE | CREATE), 0);
            assert_eq!(reader & writer, reader, "a writer reads what a reader does");
            assert_eq!(GroupKind::Owner.rights_on(object), 0);
        }
    }

    #[test]
    fn a_group_is_named_after_its_schema_or_by_number() {
        let free = |_: &str| true;
        let kind = GroupKind::Reader;
        assert_eq!(group_name(kind, "shop", 7, free), "db_reader_shop");
        for odd in ["", "Shop", "my shop", "a\"b", "größe", &"x".repeat(51)] {
            assert_eq!(group_name(kind, odd, 7, free), "db_reader_s7", "{odd}");
        }
        let taken = |name: &str| name != "db_reader_shop";
        assert_eq!(group_name(kind, "shop", 7, taken), "db_reader_s7");
        let longest = "x".repeat(50);
        assert!(group_name(kind, &longest, 7, free).len() <= 63);
    }
}
