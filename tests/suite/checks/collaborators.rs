//! Collaborators who read their own next password, and those who are no longer who was added.

use super::{about, case, findings, make, seen_and_mended};
use crate::scene::{ask, run, Scene};

#[test]
fn a_collaborator_who_reads_the_password_that_he_logs_in_with_is_found_and_loses_deploy() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(
        &mut scene.su,
        "SELECT credentials.attach('default', 'shop'); SELECT credentials.attach('c1', 'shop');
         CREATE ROLE team; CREATE ROLE \"Its; group\"; CREATE ROLE stranger",
    );
    let permissions = |scene: &mut Scene| {
        ask(
            &mut scene.own,
            "SELECT permissions::text FROM credentials.collaborators()",
        )
    };
    // The credential itself.
    case(
        &mut scene,
        "SELECT credentials.add_collaborator('c1', 'shop', '{deploy,operate}')",
        "medium",
        "collaborator_reads_own_password",
        "collaborator c1 of app shop",
    );
    assert_eq!(permissions(&mut scene), "{view,operate}");
    run(
        &mut scene.own,
        "SELECT credentials.remove_collaborator('c1', 'shop')",
    );
    // A group of it, by way of another; and a role that acts as it.
    case(
        &mut scene,
        "SELECT credentials.add_collaborator('Its; group', 'shop', '{deploy}');
         GRANT \"Its; group\" TO team; GRANT team TO c1",
        "medium",
        "collaborator_reads_own_password",
        "collaborator \"Its; group\" of app shop",
    );
    run(&mut scene.su, "GRANT c1 TO stranger");
    case(
        &mut scene,
        "SELECT credentials.add_collaborator('stranger', 'shop', '{deploy,manage}')",
        "medium",
        "collaborator_reads_own_password",
        "collaborator stranger of app shop",
    );
    // Without deploy, on another app, or as somebody else there is nothing to find.
    run(
        &mut scene.su,
        "REVOKE c1 FROM stranger; REVOKE team FROM c1;
         SELECT credentials.update_collaborator('stranger', 'shop', '{deploy}');
         SELECT credentials.add_collaborator('c1', 'stock', '{deploy}')",
    );
    let codes: Vec<String> = findings(&mut scene.su)
        .into_iter()
        .map(|f| f.code)
        .collect();
    assert!(
        !codes.iter().any(|code| code.starts_with("collaborator")),
        "{codes:?}"
    );
}

#[test]
fn a_collaborator_whose_role_has_another_name_is_found_and_removed() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE ROLE bob; SELECT credentials.add_collaborator('bob', 'shop', '{deploy}')",
    );
    make(
        &mut scene,
        "ALTER ROLE bob RENAME TO \"Bob's \\ own\"",
        "collaborator_renamed",
        "collaborator bob of app shop",
    );
    seen_and_mended(
        &mut scene,
        "low",
        "collaborator_renamed",
        "collaborator bob of app shop",
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.collaborator"
        ),
        "0"
    );
    // Where the role is gone there is nobody to take anything from.
    run(
        &mut scene.su,
        "SELECT credentials.add_collaborator('Bob''s \\ own', 'shop', '{deploy}');
         DROP OWNED BY \"Bob's \\ own\"; DROP ROLE \"Bob's \\ own\"",
    );
    assert_eq!(
        about(
            &mut scene.su,
            "collaborator_renamed",
            "collaborator \"Bob's \\ own\" of app shop"
        ),
        []
    );
}
