//! attach() and detach(): which variable, what is refused, what is left.

use super::{attach, attached, scene};
use crate::harness::{expect_error, Cluster};
use crate::scene::{ask, column, outcome, rows, run, Scene};

#[test]
fn the_first_goes_under_database_url_the_next_under_a_color_and_a_named_one_under_its_name() {
    let mut scene = scene();
    let own = &mut scene.own;
    assert_eq!(attach(own, "'one', 'shop'"), "DATABASE_URL");
    let second = attach(own, "'two', 'shop'");
    assert!(
        second.starts_with("POSTGRESQL_") && second.ends_with("_URL"),
        "{second}"
    );
    assert_ne!(
        attach(own, "'two', 'shop'"),
        second,
        "the same credential twice"
    );
    assert_eq!(
        attach(own, "'two', 'shop', as_name => 'REPORTS'"),
        "REPORTS_URL"
    );
    assert_eq!(
        attach(own, "'two', 'billing'"),
        "DATABASE_URL",
        "another app"
    );
    let listed = ask(
        own,
        "SELECT attachments::text FROM credentials.list() WHERE name = 'one'",
    );
    assert_eq!(listed, "{shop::DATABASE_URL}");
    assert_eq!(attached(own, "shop").len(), 4);
    assert_eq!(
        column(own, "SELECT app FROM credentials.attachments()").len(),
        5
    );
    run(own, "SELECT credentials.detach('DATABASE', 'shop')");
    assert_eq!(
        attach(own, "'two', 'shop'"),
        "DATABASE_URL",
        "it is free again"
    );
}

#[test]
fn detach_takes_the_variable_with_or_without_its_ending_and_the_exact_one_first() {
    let mut scene = scene();
    let own = &mut scene.own;
    for name in ["A", "A_URL", "B"] {
        attach(own, &format!("'one', 'shop', as_name => '{name}'"));
    }
    let gone = |client: &mut _, written: &str| {
        rows(
            client,
            &format!("SELECT * FROM credentials.detach('{written}', 'shop')"),
        )
        .concat()
    };
    assert_eq!(gone(own, "A_URL"), "shop|A_URL|one");
    assert_eq!(gone(own, "A_URL"), "shop|A_URL_URL|one");
    assert_eq!(gone(own, "B"), "shop|B_URL|one");
    for (written, app) in [
        ("B", "shop"),
        ("B_URL", "shop"),
        ("DATABASE", "nowhere"),
        ("", "shop"),
        ("b", "shop"),
    ] {
        let error = expect_error(
            own,
            &format!("SELECT credentials.detach('{written}', '{app}')"),
            "42704",
        );
        assert!(error
            .as_db_error()
            .unwrap()
            .hint()
            .unwrap()
            .contains("credentials.attachments("));
    }
    assert_eq!(attached(own, "shop"), Vec::<String>::new());
}

#[test]
fn what_cannot_be_attached_is_refused_and_nothing_changes() {
    let mut scene = scene();
    let own = &mut scene.own;
    attach(own, "'one', 'shop'");
    let before = rows(own, "SELECT * FROM credentials.attachments()");
    for (arguments, state) in [
        ("'nobody', 'shop'", "42704"),
        ("'one', 'Shop'", "42602"),
        ("'one', ''", "42602"),
        ("'one', '-shop'", "42602"),
        ("'one', 'sho''p'", "42602"),
        ("'one', 'shop', as_name => 'DATABASE'", "42710"),
        ("'one', 'shop', as_name => 'database'", "42602"),
        ("'one', 'shop', as_name => '1A'", "42602"),
        ("'one', 'shop', as_name => ''", "42602"),
        ("'one', 'shop', as_name => repeat('A', 60)", "42602"),
        ("'one', 'shop', endpoint => 'follower'", "42704"),
        ("'one', 'shop', endpoint => NULL", "22023"),
        ("'one', NULL", "22023"),
        ("NULL, 'shop'", "22023"),
    ] {
        let call = format!("SELECT credentials.attach({arguments})");
        assert_eq!(outcome(own, &call), state, "{call}");
    }
    assert_eq!(rows(own, "SELECT * FROM credentials.attachments()"), before);
}

#[test]
fn without_a_key_file_or_without_a_stored_password_nothing_is_attached() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE ROLE taken LOGIN; SELECT credentials.adopt('taken')",
    );
    let error = expect_error(
        &mut scene.own,
        "SELECT credentials.attach('taken', 'shop')",
        "55000",
    );
    assert!(error
        .as_db_error()
        .unwrap()
        .hint()
        .unwrap()
        .contains("credentials.rotate('taken'"));
    run(
        &mut scene.own,
        "SELECT credentials.rotate('taken', force => true)",
    );
    scene.settle();
    assert_eq!(attach(&mut scene.own, "'taken', 'shop'"), "DATABASE_URL");

    let cluster = Cluster::builder().key_file(false).start();
    cluster.setup();
    let mut su = cluster.superuser("app");
    run(&mut su, "SELECT credentials.create('one')");
    let error = expect_error(&mut su, "SELECT credentials.attach('one', 'shop')", "55000");
    assert!(error
        .as_db_error()
        .unwrap()
        .hint()
        .unwrap()
        .contains("credential_manager.key_file"));
}

#[test]
fn a_role_that_reads_all_data_is_attached_by_superusers_alone() {
    let mut scene = scene();
    run(&mut scene.su, "GRANT pg_read_all_data TO one");
    assert_eq!(
        outcome(&mut scene.own, "SELECT credentials.attach('one', 'shop')"),
        "42501"
    );
    run(&mut scene.su, "SELECT credentials.attach('one', 'shop')");
    assert_eq!(
        outcome(
            &mut scene.own,
            "SELECT * FROM credentials.config_vars('shop')"
        ),
        "42501"
    );
    run(
        &mut scene.su,
        "SELECT * FROM credentials.config_vars('shop')",
    );
}

#[test]
fn a_rollback_leaves_nothing_and_two_sessions_never_get_one_variable() {
    let mut scene = scene();
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.attach('one', 'shop'); ROLLBACK",
    );
    assert_eq!(attached(&mut scene.own, "shop"), Vec::<String>::new());
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.attach('one', 'shop')",
    );
    let mut other = scene
        .cluster
        .connect(&scene.cluster.url("default"))
        .unwrap();
    let waiting = std::thread::spawn(move || attach(&mut other, "'two', 'shop'"));
    let blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'object'";
    crate::harness::wait_until("the second waits", crate::harness::SOON, || {
        ask(&mut scene.su, blocked) == "1"
    });
    run(&mut scene.own, "COMMIT");
    let second = waiting.join().unwrap();
    assert!(second.starts_with("POSTGRESQL_"), "{second}");
    assert_eq!(attached(&mut scene.own, "shop").len(), 2);
}

#[test]
fn each_leaves_one_event_with_the_app_and_what_is_read_leaves_none() {
    let mut scene = scene();
    let own = &mut scene.own;
    attach(own, "'one', 'shop'");
    run(
        own,
        "SELECT * FROM credentials.attachments(); SELECT * FROM credentials.endpoints()",
    );
    run(
        own,
        "SELECT * FROM credentials.config_vars('nothing-there')",
    );
    run(
        own,
        "SELECT credentials.set_endpoint('pool', 'p.example.com')",
    );
    run(
        own,
        "SELECT credentials.set_endpoint('pool', 'p.example.com')",
    );
    run(own, "SELECT credentials.drop_endpoint('pool')");
    run(own, "SELECT credentials.detach('DATABASE', 'shop')");
    let events = rows(own, "SELECT action, coalesce(name, '-'), coalesce(app, '-') FROM credentials.events() WHERE action ~ 'tach|endpoint|config'");
    assert_eq!(
        events,
        [
            "attach|one|shop",
            "set_endpoint|-|-",
            "drop_endpoint|-|-",
            "detach|one|shop"
        ]
    );
}

#[test]
fn who_waits_in_vain_for_an_open_transaction_is_told_so() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.detach('DATABASE', 'shop')",
    );
    let error = expect_error(
        &mut scene.su,
        "SELECT credentials.attach('two', 'shop')",
        "55P03",
    );
    let error = error.as_db_error().expect("an error of the server");
    assert_eq!(error.message(), "somebody else holds what attach needs");
    assert!(error.detail().is_some());
    let hint = error.hint().unwrap_or_default();
    let statement = hint.split("; ").nth(1).expect("a statement");
    assert!(!ask(&mut scene.su, statement).is_empty(), "{statement}");
    let lines = scene.cluster.log();
    assert!(lines.contains("credential_manager: attach \"two\": refused (55P03)"));
    // The session goes on, with no more rights than it had.
    run(&mut scene.own, "ROLLBACK");
    attach(&mut scene.su, "'two', 'shop'");
}
