//! What a role that is being left was seen to do.

use super::{gone, seen_and_mended, the};
use crate::harness::{wait_until, SOON};
use crate::scene::{run, Scene};

#[test]
fn what_an_old_role_does_that_the_new_ones_could_not_is_found_and_granted() {
    let mut scene = Scene::new();
    let mut old = scene.stranger("old", "");
    run(
        &mut scene.su,
        "CREATE SCHEMA shop AUTHORIZATION old; GRANT TEMPORARY ON DATABASE app TO old",
    );
    run(&mut old, "CREATE TABLE shop.t (i int)");
    run(
        &mut scene.su,
        "CREATE SCHEMA \"B;\"; CREATE TABLE \"B;\".t (i int); GRANT USAGE ON SCHEMA \"B;\" TO old; GRANT SELECT ON \"B;\".t TO old;
         SELECT credentials.apply(credentials.layout('four_roles', 'shop') || '{\"from\": {\"role\": \"old\", \"stage\": \"observe\"}}')",
    );
    scene.settle();
    let code = "flat_role_statement";
    wait_until("it is watched", SOON, || {
        run(&mut old, "SELECT * FROM \"B;\".t; CREATE TEMPORARY TABLE IF NOT EXISTS x (i int); TRUNCATE shop.t");
        super::findings(&mut scene.su)
            .iter()
            .any(|f| f.code == code)
    });
    seen_and_mended(&mut scene, "medium", code, "role old on table \"B;\".t");
    seen_and_mended(
        &mut scene,
        "medium",
        code,
        "role old with CREATE TEMPORARY TABLE",
    );
    // Who is to run it is told; that it is not run any more only a person knows.
    let told = the(&mut scene.su, code, "role old with TRUNCATE TABLE");
    assert!(told.sentence.contains("shop_migrator"), "{told:?}");
    run(
        &mut scene.su,
        "SELECT credentials.apply(credentials.layout('four_roles', 'shop') || '{\"from\": {\"role\": \"old\", \"stage\": \"retire\"}}')",
    );
    gone(&mut scene.su, code, "role old with TRUNCATE TABLE");
}
