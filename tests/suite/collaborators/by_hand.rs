//! EXECUTE that somebody granted by hand: who has it has no limits until he is a collaborator, and managers do not
//! decide who is one.

use super::{add, collaborator, listed, remove, role, two_apps};
use crate::scene::{ask, outcome, run};

#[test]
fn a_manager_frees_nobody_of_his_limits_by_a_removal_not_himself_either() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "manage");
    let rotates = "SELECT credentials.rotate('depot', force => true)";
    run(
        &mut scene.su,
        "CREATE ROLE team; GRANT team TO bob;
         GRANT EXECUTE ON FUNCTION credentials.rotate(text, boolean, interval, interval) TO team",
    );
    let leaves = "SELECT credentials.remove_collaborator('bob', 'shop')";
    assert_eq!(outcome(&mut bob, rotates), "42501");
    assert_eq!(outcome(&mut bob, leaves), "42501");
    assert_eq!(outcome(&mut bob, rotates), "42501");
    // Nor as a group that he is in, nor where everybody has it.
    run(&mut scene.su, "CREATE ROLE crew; GRANT crew TO bob");
    add(&mut scene, "crew", "shop", "view");
    let leaves_crew = "SELECT credentials.remove_collaborator('crew', 'shop')";
    assert_eq!(outcome(&mut bob, leaves_crew), "42501");
    run(
        &mut scene.su,
        "REVOKE team FROM bob;
         GRANT EXECUTE ON FUNCTION credentials.rotate(text, boolean, interval, interval) TO PUBLIC",
    );
    assert_eq!(outcome(&mut bob, leaves), "42501");
    // Where no hand gave anything he leaves as he likes.
    run(
        &mut scene.su,
        "REVOKE EXECUTE ON FUNCTION credentials.rotate(text, boolean, interval, interval) FROM PUBLIC",
    );
    run(&mut bob, leaves_crew);
    run(&mut bob, leaves);
    assert_eq!(outcome(&mut bob, rotates), "42501");
}

#[test]
fn a_manager_lays_no_limits_on_who_has_execute_by_hand_and_default_does() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate,manage");
    let mut exporter = scene.stranger("exporter", "");
    role(&mut scene, "eve");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO exporter; GRANT EXECUTE ON FUNCTION credentials.list() TO exporter;
         CREATE ROLE crew; GRANT crew TO exporter",
    );
    let count = "SELECT count(*) FROM credentials.list()";
    for name in ["exporter", "crew"] {
        let adds = format!("SELECT credentials.add_collaborator('{name}', 'shop', '{{view}}')");
        assert_eq!(outcome(&mut bob, &adds), "42501", "{name}");
        assert_eq!(ask(&mut exporter, count), "6", "{name}");
    }
    run(
        &mut bob,
        "SELECT credentials.add_collaborator('eve', 'shop', '{view}')",
    );
    add(&mut scene, "exporter", "shop", "view");
    assert_eq!(ask(&mut exporter, count), "1");
    let removes = "SELECT credentials.remove_collaborator('exporter', 'shop')";
    assert_eq!(outcome(&mut bob, removes), "42501");
    // What he may do is a manager's to say all the same.
    run(
        &mut bob,
        "SELECT credentials.update_collaborator('exporter', 'shop', '{deploy}')",
    );
    remove(&mut scene, "exporter", "shop");
    assert_eq!(ask(&mut exporter, count), "6");
    assert_eq!(listed(&mut scene).len(), 2);
}

#[test]
fn execute_by_a_superusers_hand_decides_for_who_is_no_collaborator() {
    let mut scene = two_apps();
    let mut exporter = scene.stranger("exporter", "");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO exporter; GRANT EXECUTE ON FUNCTION credentials.list(), credentials.jobs() TO exporter",
    );
    let count = "SELECT count(*) FROM credentials.list()";
    assert_eq!(ask(&mut exporter, count), "6");
    // As a collaborator he has limits where collaborators have them, and nowhere else.
    add(&mut scene, "exporter", "shop", "view");
    assert_eq!(ask(&mut exporter, count), "1");
    run(&mut exporter, "SELECT * FROM credentials.jobs()");
    remove(&mut scene, "exporter", "shop");
    assert_eq!(ask(&mut exporter, count), "6");
}
