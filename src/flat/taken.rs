//! What retiring took of a flat role, as its record keeps it: numbers alone, since names change.

use crate::pg::acl::{Passed, Right, Target, Withdrawn};
use crate::pg::Oid;
use serde_json::{json, Value as Json};

/// What was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Whether it could log in.
    pub login: bool,
    /// Rights on objects.
    pub rights: Vec<(Target, Withdrawn)>,
    /// Memberships: the group, who gave it, and whether it could be handed on.
    pub groups: Vec<(Oid, Oid, bool)>,
    /// Default privileges: whose, in which schema, on what (`pg_default_acl.defaclobjtype`), which.
    pub futures: Vec<(Oid, Oid, char, u32)>,
}

impl Taken {
    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        *self == Taken::default()
    }

    /// What was taken now comes on top of what had been.
    pub fn add(&mut self, more: Taken) {
        self.login |= more.login;
        self.rights.extend(more.rights);
        self.groups.extend(more.groups);
        self.futures.extend(more.futures);
    }

    pub(super) fn to_json(&self) -> Json {
        let right = |(target, taken): &(Target, Withdrawn)| {
            let own = taken
                .own
                .iter()
                .map(|r| json!([r.grantor.to_u32(), r.rights]));
            let passed = taken
                .passed
                .iter()
                .map(|p| json!([p.grantee.to_u32(), p.rights, p.replaced]));
            json!({
                "on": [target.class.to_u32(), target.object.to_u32(), target.column],
                "own": own.collect::<Json>(),
                "passed": passed.collect::<Json>(),
            })
        };
        let group = |(group, by, admin): &(Oid, Oid, bool)| {
            json!([group.to_u32(), by.to_u32(), u32::from(*admin)])
        };
        let future = |(creator, schema, letter, rights): &(Oid, Oid, char, u32)| {
            json!([
                creator.to_u32(),
                schema.to_u32(),
                u32::from(*letter),
                rights
            ])
        };
        json!({
            "login": self.login,
            "rights": self.rights.iter().map(right).collect::<Json>(),
            "groups": self.groups.iter().map(group).collect::<Json>(),
            "futures": self.futures.iter().map(future).collect::<Json>(),
        })
    }

    /// What a record holds of the role with this OID; what cannot be read is left out.
    pub(super) fn of(kept: &Json, role: Oid) -> Taken {
        let list = |key: &str| kept.get(key).and_then(Json::as_array).into_iter().flatten();
        Taken {
            login: kept.get("login").and_then(Json::as_bool).unwrap_or(false),
            rights: list("rights").filter_map(|r| right(r, role)).collect(),
            groups: list("groups")
                .filter_map(numbers)
                .map(|[group, by, admin]| (Oid::from(group), Oid::from(by), admin != 0))
                .collect(),
            futures: list("futures")
                .filter_map(numbers)
                .filter_map(|[creator, schema, letter, rights]| {
                    let letter = char::from_u32(letter)?;
                    Some((Oid::from(creator), Oid::from(schema), letter, rights))
                })
                .collect(),
        }
    }
}

fn right(kept: &Json, role: Oid) -> Option<(Target, Withdrawn)> {
    let list = |key: &str| kept.get(key).and_then(Json::as_array).into_iter().flatten();
    let [class, object, column] = numbers(kept.get("on")?)?;
    let target = Target {
        class: Oid::from(class),
        object: Oid::from(object),
        column: i32::try_from(column).ok()?,
    };
    let own = list("own")
        .filter_map(numbers)
        .map(|[grantor, rights]| Right {
            grantee: role,
            grantor: Oid::from(grantor),
            rights,
        });
    let passed = list("passed")
        .filter_map(numbers)
        .map(|[grantee, rights, replaced]| Passed {
            grantee: Oid::from(grantee),
            rights,
            replaced,
        });
    let taken = Withdrawn {
        own: own.collect(),
        passed: passed.collect(),
    };
    Some((target, taken))
}

/// An array of so many numbers.
fn numbers<const N: usize>(value: &Json) -> Option<[u32; N]> {
    let number = |n: &Json| u32::try_from(n.as_u64()?).ok();
    let all: Option<Vec<u32>> = value.as_array()?.iter().map(number).collect();
    all?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_read_back_as_it_was_written() {
        let oid = |n: u32| Oid::from(n);
        let taken = Taken {
            login: true,
            rights: vec![(
                Target {
                    class: oid(1259),
                    object: oid(20_000),
                    column: 2,
                },
                Withdrawn {
                    own: vec![Right {
                        grantee: oid(7),
                        grantor: oid(8),
                        rights: 3 << 16 | 3,
                    }],
                    passed: vec![Passed {
                        grantee: oid(9),
                        rights: 1,
                        replaced: 1,
                    }],
                },
            )],
            groups: vec![(oid(10), oid(11), true), (oid(12), oid(11), false)],
            futures: vec![(oid(13), oid(14), 'r', 2)],
        };
        assert_eq!(Taken::of(&taken.to_json(), oid(7)), taken);
    }

    #[test]
    fn of_a_record_without_it_nothing_was_taken() {
        for kept in [
            json!({}),
            json!(null),
            json!({"rights": [{}], "groups": [[1]]}),
        ] {
            assert!(Taken::of(&kept, Oid::INVALID).is_empty(), "{kept}");
        }
    }
}
