//! NULL is refused where it means nothing, and never answered with NULL.

use super::{Argument, Caller, Scene, CALLERS};

#[test]
fn null_is_refused_for_every_argument_whose_default_is_not_null() {
    let mut scene = Scene::new();
    let arguments = Argument::all(&mut scene.watcher);
    let mut tried = 0;
    for argument in &arguments {
        let null_is_default = argument
            .default
            .as_deref()
            .is_some_and(|default| default.starts_with("NULL"));
        // Of revoke, SPEC 3: NULL is every schema.
        let means_all =
            (argument.function.as_str(), argument.name.as_str()) == ("revoke", "schemas");
        if !null_is_default && !means_all {
            scene.refused(&argument.call("NULL"), "22023");
            tried += 1;
        }
    }
    assert!(tried >= 29, "{tried} of {}", arguments.len());
}

#[test]
fn a_missing_confirmation_is_refused_like_a_wrong_one() {
    let mut scene = Scene::new();
    for confirm in [
        "NULL",
        "''",
        "'APP'",
        "'app '",
        "'postgres'",
        "'yes'",
        "repeat('a', 20000000)",
        "E'app\\n'",
    ] {
        scene.refused(&format!("destroy('analyst', {confirm})"), "22023");
        scene.refused(&format!("claim({confirm})"), "22023");
    }
}

#[test]
fn a_null_within_a_list_is_refused() {
    let mut scene = Scene::new();
    scene.refused(
        "create('newcomer', schemas => ARRAY[NULL]::text[])",
        "22023",
    );
    scene.refused(
        "create('newcomer', schemas => ARRAY['public', NULL])",
        "22023",
    );
}

#[test]
fn a_call_with_all_that_may_be_null_null_is_a_call_without_it() {
    let mut scene = Scene::new();
    for caller in CALLERS {
        scene.accepted(caller, "configure('analyst', NULL, NULL)");
        scene.accepted(caller, "usernames(NULL)");
        scene.accepted(caller, "events(NULL, NULL, NULL)");
        scene.accepted(caller, "wait(NULL)");
    }
    scene.accepted(Caller::Superuser, "setup(NULL)");
    scene.accepted(Caller::Superuser, "setup_plan(NULL)");
    scene.accepted(Caller::Superuser, "adopt('stranger', NULL)");
    scene.accepted(
        Caller::Default,
        "create('newcomer', NULL, '{public}', NULL, NULL, true, false, NULL)",
    );
    scene.accepted(Caller::Default, "rotate('newcomer', true, NULL, NULL)");
    scene.accepted(Caller::Default, "rotate_all(true, NULL, NULL, '1 year')");
    scene.accepted(Caller::Default, "set_password('newcomer', NULL)");
}

#[test]
fn no_function_answers_with_a_null_where_null_was_not_asked_for() {
    let mut scene = Scene::new();
    for call in [
        "url(NULL)",
        "url('analyst', NULL)",
        "suspend(NULL)",
        "create(NULL)",
    ] {
        for caller in CALLERS {
            // Called in the target list, where a STRICT function would answer NULL without being called.
            let sql = format!("SELECT credentials.{call} IS NULL");
            let error = crate::harness::expect_error(scene.client(caller), &sql, "22023");
            let message = error.as_db_error().unwrap().message().to_owned();
            assert!(message.contains("must not be null"), "{call}: {message}");
        }
    }
}
