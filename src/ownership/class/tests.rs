use super::*;

fn facts(class: Class, owner: Owner) -> Facts {
    Facts {
        class,
        relkind: ' ',
        owner,
        house: false,
        definer: false,
        rules: false,
        risky: false,
        special: false,
    }
}

#[test]
fn our_own_parts_never_move() {
    for class in Class::all() {
        for owner in [
            Owner::Superuser,
            Owner::Vanished,
            Owner::Managed,
            Owner::Other,
        ] {
            let ours = Facts {
                house: true,
                ..facts(class, owner)
            };
            assert_eq!(decide(Purpose::Destroy, &ours).action, Action::Block);
            assert_eq!(decide(Purpose::Repair, &ours).action, Action::Skip);
        }
    }
}

#[test]
fn a_superusers_code_never_moves_in_a_repair() {
    use Class::*;
    for class in [
        Routine,
        Operator,
        OperatorClass,
        OperatorFamily,
        Conversion,
        Wrapper,
        EventTrigger,
        Subscription,
        Tablespace,
        Language,
        Extension,
    ] {
        let v = decide(Purpose::Repair, &facts(class, Owner::Superuser));
        assert_eq!(v.action, Action::Skip, "{class:?}");
        assert!(!v.note.is_empty());
    }
}

#[test]
fn what_only_superusers_may_own_blocks_a_destroy() {
    use Class::*;
    let blocks = |class| {
        let risky = Facts {
            risky: true,
            special: true,
            ..facts(class, Owner::Managed)
        };
        decide(Purpose::Destroy, &risky).action == Action::Block
    };
    let blocking: Vec<Class> = Class::all().filter(|c| blocks(*c)).collect();
    assert_eq!(
        blocking,
        [
            Wrapper,
            Language,
            Publication,
            Subscription,
            EventTrigger,
            Extension
        ]
    );
}

#[test]
fn trusted_ones_and_data_move_in_a_destroy() {
    use Class::*;
    for class in Class::all() {
        if matches!(class, Wrapper | Subscription | EventTrigger) {
            continue;
        }
        let v = decide(Purpose::Destroy, &facts(class, Owner::Managed));
        assert_eq!(v.action, Action::Move, "{class:?}");
    }
}

#[test]
fn a_definer_routine_is_never_moved_as_it_is() {
    for purpose in [Purpose::Destroy, Purpose::Repair] {
        for owner in [
            Owner::Superuser,
            Owner::Vanished,
            Owner::Managed,
            Owner::Other,
        ] {
            for risky in [false, true] {
                let f = Facts {
                    definer: true,
                    risky,
                    ..facts(Class::Routine, owner)
                };
                assert_ne!(decide(purpose, &f).action, Action::Move, "{f:?}");
            }
        }
    }
}

#[test]
fn risky_routines_stay_in_a_repair_whoever_owns_them() {
    for owner in [
        Owner::Superuser,
        Owner::Vanished,
        Owner::Managed,
        Owner::Other,
    ] {
        let f = Facts {
            risky: true,
            ..facts(Class::Routine, owner)
        };
        assert_eq!(decide(Purpose::Repair, &f).action, Action::Skip);
    }
}

#[test]
fn views_go_before_tables_and_a_superusers_after() {
    let view = |owner| Facts {
        relkind: 'v',
        rules: true,
        ..facts(Class::Relation, owner)
    };
    let table = Facts {
        relkind: 'r',
        ..facts(Class::Relation, Owner::Managed)
    };
    assert!(turn(&view(Owner::Managed)) < turn(&table));
    assert!(turn(&view(Owner::Vanished)) < turn(&table));
    assert!(turn(&table) < turn(&view(Owner::Superuser)));
}

#[test]
fn every_class_has_its_own_oid_and_comes_back_from_it() {
    for class in Class::all() {
        assert_eq!(Class::of(class.oid()), Some(class));
    }
    assert_eq!(Class::all().count(), 22);
}
