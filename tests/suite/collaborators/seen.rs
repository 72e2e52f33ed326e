//! What a collaborator sees where no name is given: his apps, and the credentials that they have.

use super::{add, collaborator, role, two_apps};
use crate::scene::{ask, column, outcome, run};

#[test]
fn lists_show_the_own_apps_credentials_and_never_default() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "view");
    run(
        &mut scene.own,
        "SELECT credentials.attach('web', 'stock', 'ALSO'); SELECT credentials.rotate('web')",
    );
    role(&mut scene, "zoe");
    add(&mut scene, "zoe", "stock", "view");
    assert_eq!(
        column(&mut bob, "SELECT name FROM credentials.list()"),
        ["web"]
    );
    // Apps that he does not see are not named to him.
    assert_eq!(
        ask(&mut bob, "SELECT attachments::text FROM credentials.list()"),
        "{shop::DATABASE_URL}"
    );
    assert_eq!(
        column(
            &mut bob,
            "SELECT username FROM credentials.usernames() ORDER BY 1"
        ),
        ["web", "web-rotating"]
    );
    assert_eq!(
        column(&mut bob, "SELECT config_var FROM credentials.attachments()"),
        ["DATABASE_URL", "OWNER_URL"]
    );
    assert_eq!(
        column(
            &mut bob,
            "SELECT collaborator FROM credentials.collaborators()"
        ),
        ["bob"]
    );
    add(&mut scene, "bob", "stock", "deploy");
    assert_eq!(
        column(&mut bob, "SELECT name FROM credentials.list()"),
        ["depot", "web"]
    );
    assert_eq!(
        column(
            &mut bob,
            "SELECT DISTINCT app FROM credentials.attachments() ORDER BY 1"
        ),
        ["shop", "stock"]
    );
}

#[test]
fn events_are_those_of_the_own_apps_and_of_their_credentials() {
    let mut scene = two_apps();
    run(
        &mut scene.own,
        "SELECT credentials.rotate('web', force => true); SELECT credentials.rotate('depot', force => true)",
    );
    let mut bob = collaborator(&mut scene, "bob", "view");
    role(&mut scene, "zoe");
    add(&mut scene, "zoe", "stock", "view");
    let strange = "SELECT count(*) FROM credentials.events()
                    WHERE app IS DISTINCT FROM 'shop' AND name IS DISTINCT FROM 'web'";
    assert_eq!(ask(&mut bob, strange), "0");
    let actions = column(
        &mut bob,
        "SELECT DISTINCT action FROM credentials.events() WHERE action IN ('attach', 'create', 'rotate', 'detach', 'add_collaborator') ORDER BY 1",
    );
    assert_eq!(
        actions,
        ["add_collaborator", "attach", "create", "detach", "rotate"]
    );
    let all = "SELECT count(*) FROM credentials.events('web')";
    assert_eq!(ask(&mut bob, all), ask(&mut scene.own, all));
    // One that is gone: what his app had of it.
    run(&mut scene.own, "SELECT credentials.destroy('left', 'app')");
    scene.settle();
    assert_eq!(
        column(
            &mut bob,
            "SELECT action FROM credentials.events('left') ORDER BY id"
        ),
        ["attach", "detach"]
    );
}

#[test]
fn events_of_a_credential_name_no_other_app_that_has_it() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "view");
    run(
        &mut scene.own,
        "SELECT credentials.attach('web', 'stock', 'ALSO'); SELECT credentials.rotate('web');
         SELECT credentials.detach('ALSO', 'stock')",
    );
    let all = "SELECT id::text, app, action, detail FROM credentials.events() e";
    for of in ["", " WHERE name = 'web'"] {
        let about = format!("SELECT count(*) FROM ({all}{of}) x WHERE x::text LIKE '%stock%'");
        assert_eq!(ask(&mut bob, &about), "0");
        assert_ne!(ask(&mut scene.own, &about), "0");
    }
    let rotated = "SELECT count(*) FROM credentials.events('web') WHERE action = 'rotate'";
    assert_eq!(ask(&mut bob, rotated), "1");
    add(&mut scene, "bob", "stock", "view");
    let count = format!("SELECT count(*) FROM ({all} WHERE name = 'web') x");
    assert_eq!(ask(&mut bob, &count), ask(&mut scene.own, &count));
}

#[test]
fn a_credential_that_is_not_there_is_answered_as_one_that_other_apps_have() {
    let mut scene = two_apps();
    let mut bob = collaborator(&mut scene, "bob", "deploy,operate,manage");
    let answer = |client: &mut postgres::Client, call: &str| {
        let error = client.batch_execute(&format!("SELECT * FROM credentials.{call}"));
        let error = error.expect_err(call);
        let error = error.as_db_error().expect("an error of the server");
        format!(
            "{} {} {:?} {:?}",
            error.code().code(),
            error.message(),
            error.detail(),
            error.hint()
        )
    };
    for call in [
        "usernames('?')",
        "events('?')",
        "connection_info('?')",
        "rotate('?')",
        "rotate('?', force => true)",
        "attach('?', 'shop')",
        "destroy('?')",
        "destroy('?', 'app')",
        "destroy('?', 'app', 'web')",
    ] {
        let there = answer(&mut bob, &call.replace('?', "depot"));
        assert!(there.starts_with("42501"), "{there}");
        // Nobody's, a role that is no credential, none at all, no name that one could bear.
        for other in ["spare", "bob", "nobody-knows", "pg_x", "a b"] {
            assert_eq!(
                answer(&mut bob, &call.replace('?', other)),
                there,
                "{call} {other}"
            );
        }
    }
    // Default is told what is not there.
    assert_eq!(
        outcome(&mut scene.own, "SELECT credentials.rotate('nobody-knows')"),
        "42704"
    );
}
