//! What is to be done about an object that was made or changed.

use super::preset::ObjectKind;
use crate::pg::object::{Facts, What};
use crate::pg::Oid;

/// What is to be done about one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is new: it gets what its schema's groups are to have.
    Give,
    /// It has come from another schema: the rights of that one's groups go.
    Move {
        /// The schema that it stood in.
        from: Oid,
    },
    /// A routine that groups might call now reaches further than its caller.
    Close,
    /// A schema may have another name.
    Rename,
}

/// Relations that have an owner of their own; indexes and TOAST follow their tables, composite types are types.
const OWNED_RELATIONS: [char; 6] = ['r', 'p', 'v', 'm', 'f', 'S'];

/// What is to be done about what was so, if it was, and now is so.
pub(super) fn judge(former: Option<Facts>, now: Facts) -> Option<Step> {
    if matches!(now.what, What::Relation(kind) if !OWNED_RELATIONS.contains(&kind)) {
        return None;
    }
    let Some(former) = former else {
        return Some(Step::Give);
    };
    if now.what == What::Schema {
        return Some(Step::Rename);
    }
    if former.schema != now.schema {
        return Some(Step::Move {
            from: former.schema,
        });
    }
    // What its owner once took from the groups it does not get back by being replaced.
    let was_open = ObjectKind::of(former.what).is_some();
    let may_reach_further = ObjectKind::of(now.what).is_none() || is_aggregate(now.what);
    (was_open && may_reach_further).then_some(Step::Close)
}

/// An aggregate reaches as far as what it calls, which only [`super::objects`] tells.
pub(super) fn is_aggregate(what: What) -> bool {
    matches!(what, What::Routine { kind: 'a', .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::oid;

    const HERE: u32 = 7;
    const THERE: u32 = 8;

    fn facts(schema: u32, what: What) -> Facts {
        Facts {
            schema: oid(schema),
            owner: oid(10),
            what,
        }
    }

    fn routine(definer: bool, trusted: bool) -> What {
        What::Routine {
            kind: 'f',
            definer,
            trusted,
        }
    }

    const TABLE: What = What::Relation('r');
    const AGGREGATE: What = What::Routine {
        kind: 'a',
        definer: false,
        trusted: false,
    };

    #[test]
    fn an_aggregate_that_is_replaced_is_looked_at_again() {
        let aggregate = facts(HERE, AGGREGATE);
        assert_eq!(judge(Some(aggregate), aggregate), Some(Step::Close));
    }

    #[test]
    fn what_follows_a_table_is_no_object_of_its_own() {
        for kind in ['i', 'I', 't', 'c'] {
            let (here, there) = (
                facts(HERE, What::Relation(kind)),
                facts(THERE, What::Relation(kind)),
            );
            assert_eq!(judge(None, here), None, "{kind}");
            assert_eq!(judge(Some(here), there), None, "{kind}");
        }
    }

    #[test]
    fn what_is_new_is_given_its_rights() {
        for what in [
            TABLE,
            What::Schema,
            routine(false, true),
            routine(true, true),
        ] {
            assert_eq!(judge(None, facts(HERE, what)), Some(Step::Give));
        }
    }

    #[test]
    fn what_stays_in_its_schema_keeps_what_it_has() {
        for what in [
            TABLE,
            What::Relation('S'),
            routine(false, true),
            routine(true, false),
            What::Other,
        ] {
            assert_eq!(judge(Some(facts(HERE, what)), facts(HERE, what)), None);
        }
    }

    #[test]
    fn what_goes_to_another_schema_leaves_the_rights_of_the_first() {
        for what in [TABLE, routine(false, true), What::Other] {
            let step = judge(Some(facts(HERE, what)), facts(THERE, what));
            assert_eq!(step, Some(Step::Move { from: oid(HERE) }));
        }
    }

    #[test]
    fn a_routine_is_closed_once_when_it_comes_to_reach_further() {
        let open = Some(facts(HERE, routine(false, true)));
        for reaching in [routine(true, true), routine(false, false)] {
            assert_eq!(judge(open, facts(HERE, reaching)), Some(Step::Close));
            // What its owner gave after that is the owner's to give.
            let closed = Some(facts(HERE, reaching));
            assert_eq!(judge(closed, facts(HERE, reaching)), None);
            // And what was closed is not opened behind its owner's back.
            assert_eq!(judge(closed, facts(HERE, routine(false, true))), None);
        }
    }
}
