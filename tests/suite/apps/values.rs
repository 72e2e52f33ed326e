//! config_vars(): what it tells logs in, at every moment of a rotation, and to whom it tells nothing.

use super::{attach, scene, value};
use crate::scene::{ask, column, outcome, run};

#[test]
fn a_config_variable_follows_a_rotation_in_its_transaction() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    let first = value(&mut scene, "shop", "DATABASE_URL");
    let mut open = scene.cluster.connect(&first).unwrap();
    let mut watcher = scene
        .cluster
        .connect(&scene.cluster.url("default"))
        .unwrap();
    let seen = |client: &mut _| {
        column(client, "SELECT value FROM credentials.config_vars('shop')").concat()
    };
    run(&mut scene.own, "BEGIN; SELECT credentials.rotate('one')");
    let inside = value(&mut scene, "shop", "DATABASE_URL");
    assert_ne!(inside, first);
    assert_eq!(seen(&mut watcher), first, "not before the commit");
    run(&mut scene.own, "COMMIT");
    assert_eq!(seen(&mut watcher), inside, "with the commit");
    assert!(inside.contains("one-rotating"), "{inside}");
    for url in [&first, &inside] {
        assert_eq!(
            ask(
                &mut scene.cluster.connect(url).unwrap(),
                "SELECT current_user"
            ),
            "one"
        );
    }
    run(
        &mut scene.own,
        "SELECT credentials.rotate('one', force => true)",
    );
    scene.settle();
    let last = value(&mut scene, "shop", "DATABASE_URL");
    scene.cluster.connect(&last).unwrap();
    assert!(scene.cluster.connect(&first).is_err() && scene.cluster.connect(&inside).is_err());
    assert!(
        open.batch_execute("SELECT 1").is_err(),
        "the old session was ended"
    );
}

#[test]
fn it_is_recorded_with_the_app_and_the_variables_and_no_value() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    attach(&mut scene.own, "'two', 'shop', as_name => 'REPORTS'");
    value(&mut scene, "shop", "DATABASE_URL");
    let event = ask(
        &mut scene.own,
        "SELECT app || ' ' || detail::text FROM credentials.events() WHERE action = 'config_vars'",
    );
    assert_eq!(
        event,
        r#"shop {"config_vars": ["DATABASE_URL", "REPORTS_URL"]}"#
    );
}

#[test]
fn roles_without_execute_are_told_nothing() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    let mut one = scene.login("one");
    for call in [
        "config_vars('shop')",
        "attachments()",
        "endpoints()",
        "attach('two', 'shop')",
        "detach('DATABASE', 'shop')",
    ] {
        assert_eq!(
            outcome(&mut one, &format!("SELECT credentials.{call}")),
            "42501",
            "{call}"
        );
    }
}

#[test]
fn on_a_standby_the_variables_are_told_and_nothing_is_attached() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    let told = value(&mut scene, "shop", "DATABASE_URL");
    let standby = scene.cluster.standby();
    scene.cluster.wait_replayed(&standby);
    let mut client = standby.superuser("app");
    let here = ask(
        &mut client,
        "SELECT value FROM credentials.config_vars('shop')",
    );
    let user = |url: &str| url.split('@').next().unwrap().to_owned();
    assert_eq!(user(&here), user(&told));
    for call in [
        "attach('two', 'shop')",
        "detach('DATABASE', 'shop')",
        "set_endpoint('p', 'h')",
        "drop_endpoint('p')",
    ] {
        assert_eq!(
            outcome(&mut client, &format!("SELECT credentials.{call}")),
            "25006",
            "{call}"
        );
    }
}
