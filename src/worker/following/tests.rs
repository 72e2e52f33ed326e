use super::*;
use crate::catalog::FollowedTwin;

const BASE: u32 = 100;
const TWIN: u32 = 200;
const NOW: Time = 5_000;

fn seen(cuts: i64, state: State, twin: Option<FollowedTwin>) -> Followed {
    Followed {
        role: Oid::from(BASE),
        cuts,
        state,
        xmin: 1_000,
        twin,
    }
}

fn twin(phase: Phase, renewed: bool, begun_at: Time) -> FollowedTwin {
    FollowedTwin {
        role: Oid::from(TWIN),
        phase,
        renewed,
        begun_at,
        xmin: 1_000,
    }
}

fn known(cuts: i64) -> Known {
    Known {
        role: BASE,
        cuts,
        cut_seen: 70,
        ..Known::default()
    }
}

fn with_twin(cuts: i64, begun_at: Time, begun_seen: Time) -> Known {
    Known {
        twin: TWIN,
        begun_at,
        begun_seen,
        ..known(cuts)
    }
}

/// Looks once more at one credential, both roles of which are there.
fn after(was: Known, is: Followed) -> (Known, Vec<(u32, Time)>) {
    let (known, ends) = decide(&[was], &[is], None, NOW);
    (known[0], pairs(&ends))
}

fn pairs(ends: &[End]) -> Vec<(u32, Time)> {
    ends.iter().map(|e| (e.role, e.before)).collect()
}

#[test]
fn where_nothing_was_cut_nobody_ends() {
    let (is, ends) = after(known(3), seen(3, State::Active, None));
    assert_eq!((is, ends), (known(3), vec![]));
}

#[test]
fn where_a_cut_was_made_the_roles_sessions_up_to_now_end_once() {
    let (is, ends) = after(known(3), seen(4, State::Active, None));
    assert_eq!(ends, [(BASE, NOW)]);
    assert_eq!((is.cuts, is.cut_seen), (4, NOW));
    assert_eq!(after(is, seen(4, State::Active, None)).1, []);
}

#[test]
fn a_cut_over_leaves_the_sessions_of_a_new_twin_alone() {
    let draining = seen(3, State::Rotating, Some(twin(Phase::Draining, false, 9)));
    let (is, ends) = after(known(3), draining);
    assert_eq!(ends, []);
    let lingering = seen(4, State::Lingering, Some(twin(Phase::Lingering, false, 9)));
    assert_eq!(after(is, lingering).1, [(BASE, NOW)]);
}

#[test]
fn a_cut_over_ends_the_sessions_of_a_renewed_twin_from_before_its_rotation_was_seen() {
    let was = with_twin(4, 9, 30);
    let draining = seen(4, State::Rotating, Some(twin(Phase::Draining, true, 10)));
    let (is, ends) = after(was, draining);
    assert_eq!((is.begun_seen, ends), (NOW, vec![]));
    let lingering = seen(5, State::Lingering, Some(twin(Phase::Lingering, true, 10)));
    let (known, ends) = decide(&[is], &[lingering], None, NOW + 60);
    assert_eq!(pairs(&ends), [(BASE, NOW + 60), (TWIN, NOW)]);
    assert_eq!(known[0].begun_seen, NOW);
}

#[test]
fn a_rotation_of_a_renewed_twin_that_passed_between_two_looks_ends_all_of_them() {
    let lingering = seen(5, State::Lingering, Some(twin(Phase::Lingering, true, 10)));
    assert_eq!(
        after(with_twin(4, 9, 30), lingering).1,
        [(BASE, NOW), (TWIN, NOW)]
    );
}

#[test]
fn a_twin_that_retires_keeps_its_sessions_and_one_that_ended_loses_them_once() {
    let retiring = seen(4, State::Lingering, Some(twin(Phase::Retiring, false, 9)));
    assert_eq!(after(with_twin(4, 9, 30), retiring).1, []);
    let ended = seen(4, State::Active, Some(twin(Phase::Ended, false, 9)));
    let (is, ends) = after(with_twin(4, 9, 30), ended.clone());
    assert_eq!(ends, [(TWIN, NOW)]);
    assert_eq!(after(is, ended).1, []);
}

#[test]
fn whoever_is_suspended_or_destroyed_loses_the_sessions_of_both_names() {
    for state in [State::Suspended, State::Destroying] {
        let closed = seen(5, state, Some(twin(Phase::Draining, false, 9)));
        let (_, ends) = after(with_twin(4, 9, 30), closed);
        assert_eq!(ends, [(BASE, NOW), (TWIN, NOW)], "{state:?}");
    }
}

#[test]
fn a_credential_that_was_made_and_cut_between_two_looks_loses_its_sessions() {
    let new = |cuts| decide(&[], &[seen(cuts, State::Active, None)], None, NOW).1;
    assert_eq!(pairs(&new(1)), [(BASE, NOW)]);
    assert_eq!(new(0), []);
}

#[test]
fn the_first_look_of_a_servers_life_ends_who_may_have_proved_what_was_replayed_away() {
    let look = |xmin, cuts| {
        let of = Followed {
            xmin,
            ..seen(cuts, State::Active, None)
        };
        let start = Start::new(60, 500);
        let (known, ends) = decide(&[], &[of], Some(start), NOW);
        (known[0].cut_seen, pairs(&ends))
    };
    assert_eq!(look(400, 2), (60, vec![(BASE, 60)]), "not written since");
    assert_eq!(look(600, 2), (NOW, vec![(BASE, NOW)]), "written since");
    assert_eq!(look(600, 0), (0, vec![]), "never cut");
}
