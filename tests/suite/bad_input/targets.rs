//! Names of what is there, or is not.

use super::names::{means_default, NAMES};
use super::{long, seen_by, Argument, Caller, Scene, CALLERS};

/// Functions with an argument that names a credential that is there, each as a call with `{}` for the name.
fn targets(scene: &mut Scene) -> Vec<String> {
    let mut calls: Vec<String> = Argument::all(&mut scene.watcher)
        .iter()
        .filter(|argument| matches!(argument.name.as_str(), "name" | "reassign_to"))
        .filter(|argument| !matches!(argument.function.as_str(), "create" | "adopt" | "events"))
        .map(|argument| argument.call("{}"))
        .collect();
    assert!(calls.len() >= 15, "{calls:?}");
    calls.extend(
        [
            "destroy({}, 'app')",
            "destroy('analyst', 'app', {})",
            "destroy({}, 'app', {})",
            "rotate({}, force => true)",
            "rotate({}, overlap => '0')",
            "set_password({}, 'a-password-of-24-letters')",
            "configure({}, 5, '{\"statement_timeout\": \"30s\"}')",
            "wait({}, '0')",
        ]
        .map(str::to_owned),
    );
    calls
}

/// Names of what is there and is no credential, or is one under another name.
const UNMANAGED: [&str; 6] = [
    "'nobody_knows'",
    "'stranger'",
    "'postgres'",
    "'pg_read_all_data'",
    "'app_owner'",
    "'-1'",
];

#[test]
fn a_target_that_no_credential_bears_does_not_exist_however_it_is_spelled() {
    let mut scene = Scene::new();
    let names: Vec<&str> = NAMES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !means_default(name))
        .chain(UNMANAGED)
        .collect();
    for (turn, call) in targets(&mut scene).iter().enumerate() {
        for (place, name) in names.iter().enumerate() {
            let call = call.replace("{}", name);
            if long() {
                scene.refused(&call, "42704");
            } else {
                // The callers take turns, so that each meets every function and every name.
                let caller = CALLERS[(turn + place) % 2];
                scene.refused_to(caller, &call, seen_by(caller, &call, "42704"));
            }
        }
    }
}

#[test]
fn default_as_target_of_destroy_suspend_and_release_is_not_permitted() {
    let mut scene = Scene::new();
    for name in ["'default'", "'owner'", "'DEFAULT'", "'Owner'"] {
        for call in [
            "destroy({})",
            "destroy({}, 'app')",
            "destroy({}, 'app', 'analyst')",
            "suspend({})",
            "release({})",
        ] {
            scene.refused(&call.replace("{}", name), "42501");
        }
        scene.refused_to(Caller::Default, &format!("set_password({name})"), "42501");
        scene.refused_to(Caller::Default, &format!("configure({name}, 5)"), "42501");
        scene.refused(&format!("extend({name}, '1 hour')"), "22023");
        scene.refused(&format!("destroy_plan({name})"), "22023");
    }
}

#[test]
fn owner_and_default_name_the_default_credential_wherever_a_credential_is_named() {
    let mut scene = Scene::new();
    for caller in CALLERS {
        for (call, answer) in [
            ("url({})", "url({})::text"),
            ("usernames({})", "(SELECT username FROM credentials.usernames({}))"),
            ("connection_info({})", "(SELECT username FROM credentials.connection_info({}))"),
            ("events({})", "(SELECT count(*) FROM credentials.events({}, after => 0) WHERE action = 'setup')::text"),
            ("resume({})", "(SELECT state FROM credentials.resume({}))"),
            ("wait({})", "(SELECT state FROM credentials.wait({}))"),
        ] {
            let answer = answer.replace("url(", "credentials.url(");
            let mut asked = |name: &str| -> String {
                let sql = format!("SELECT {}", answer.replace("{}", name));
                let row = scene.client(caller).query_one(&sql, &[]);
                row.unwrap_or_else(|error| panic!("{call} {name}: {error:?}")).get(0)
            };
            let default = asked("'default'");
            assert!(!default.is_empty() && default != "0", "{call}: {default}");
            for name in ["'owner'", "'OWNER'", "'Default'"] {
                assert_eq!(asked(name), default, "{call} {name}");
            }
        }
    }
    // As the heir of a destroyed credential, too.
    scene.accepted(Caller::Default, "destroy_plan('analyst', 'owner')");
    scene.accepted(Caller::Default, "destroy('analyst', 'app', 'OWNER')");
    scene.accepted(Caller::Superuser, "wait('analyst')");
}

#[test]
fn events_of_a_name_that_nobody_bore_are_no_rows_and_no_error() {
    let mut scene = Scene::new();
    let names = NAMES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !means_default(name));
    for name in names.chain(["'nobody_knows'", "'stranger'", "'postgres'"]) {
        for caller in CALLERS {
            let sql = format!("SELECT count(*) FROM credentials.events({name})");
            let count: i64 = scene.client(caller).query_one(&sql, &[]).unwrap().get(0);
            assert_eq!(count, 0, "{name}");
        }
    }
}
