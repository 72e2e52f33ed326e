//! The matrix, written a second time: who has one permission on app `own`, and calls for each of several things.
#![allow(clippy::expect_used)] // A test fails by panicking.

use super::*;

/// Who has exactly this permission on `own`.
fn rights(permission: Permission) -> Rights {
    let mut rights = Rights::default();
    rights.add("own", Permissions::of(&[permission]));
    rights
}

fn attached(apps: &[&str]) -> Target {
    Target {
        apps: apps.iter().map(|app| (*app).to_owned()).collect(),
        ..Target::default()
    }
}

fn asked(app: Option<&str>, credential: Option<Target>) -> Asked {
    Asked {
        app: app.map(str::to_owned),
        credential,
        ..Asked::default()
    }
}

/// The permissions that open a function for what is asked.
fn open_to(function: &str, asked: &Asked) -> Vec<&'static str> {
    let gate = of(function).expect("a gate");
    Permission::ALL
        .into_iter()
        .filter(|p| gate.lets(&rights(*p), asked))
        .map(Permission::as_str)
        .collect()
}

const EVERYBODY: [&str; 4] = ["view", "deploy", "operate", "manage"];

#[test]
fn each_permission_opens_its_row_of_the_matrix_on_its_own_app() {
    let on_app = asked(Some("own"), None);
    let on_credential = asked(None, Some(attached(&["own"])));
    for function in ["attachments", "collaborators"] {
        assert_eq!(open_to(function, &on_app), EVERYBODY, "{function}");
    }
    for function in ["usernames", "events", "connection_info"] {
        assert_eq!(open_to(function, &on_credential), EVERYBODY, "{function}");
    }
    assert_eq!(open_to("config_vars", &on_app), ["deploy"]);
    assert_eq!(open_to("rotate", &on_credential), ["operate"]);
    let both = asked(Some("own"), Some(attached(&["own"])));
    assert_eq!(open_to("attach", &both), ["operate"]);
    assert_eq!(open_to("detach", &both), ["operate"]);
    assert_eq!(open_to("detach", &on_app), ["operate"]);
    assert_eq!(open_to("create", &Asked::default()), ["manage"]);
    assert_eq!(open_to("destroy", &on_credential), ["manage"]);
    for function in ["add", "update", "remove"] {
        let function = format!("{function}_collaborator");
        assert_eq!(open_to(&function, &on_app), ["manage"]);
    }
}

#[test]
fn nothing_opens_on_another_app_nor_for_default() {
    let other = asked(Some("other"), Some(attached(&["other"])));
    let default = Target {
        is_default: true,
        ..attached(&["own"])
    };
    let default = asked(Some("own"), Some(default));
    for gate in GATES {
        if !matches!(gate.function, "list" | "create") {
            assert!(
                open_to(gate.function, &other).is_empty(),
                "{}",
                gate.function
            );
        }
        let by_credential = ["usernames", "events", "connection_info", "rotate"];
        let by_both = ["attach", "detach", "destroy"];
        if by_credential.contains(&gate.function) || by_both.contains(&gate.function) {
            assert!(
                open_to(gate.function, &default).is_empty(),
                "{}",
                gate.function
            );
        }
    }
}

#[test]
fn who_has_no_permission_at_all_is_let_in_nowhere() {
    for gate in GATES {
        for asked in [
            Asked::default(),
            asked(Some("own"), Some(attached(&["own"]))),
            asked(None, Some(attached(&["own"]))),
        ] {
            assert!(!gate.lets(&Rights::default(), &asked), "{}", gate.function);
        }
    }
}

#[test]
fn without_a_name_whoever_sees_anything_is_let_in_to_what_is_filtered() {
    for function in [
        "attachments",
        "collaborators",
        "list",
        "usernames",
        "events",
    ] {
        assert_eq!(
            open_to(function, &Asked::default()),
            EVERYBODY,
            "{function}"
        );
    }
    for function in [
        "connection_info",
        "config_vars",
        "rotate",
        "attach",
        "destroy",
    ] {
        assert!(
            open_to(function, &Asked::default()).is_empty(),
            "{function}"
        );
    }
}

#[test]
fn a_new_credential_is_attached_by_who_made_it_while_no_app_has_had_it() {
    let own = Target {
        is_own: true,
        ..Target::default()
    };
    let here = |credential: &Target| asked(Some("own"), Some(credential.clone()));
    assert_eq!(open_to("attach", &here(&own)), ["manage"]);
    assert!(open_to("attach", &here(&Target::default())).is_empty());
    assert!(open_to("attach", &asked(Some("other"), Some(own.clone()))).is_empty());
    let had = Target {
        former: vec!["own".to_owned()],
        ..own.clone()
    };
    assert!(open_to("attach", &here(&had)).is_empty());
    let has = Target {
        is_own: true,
        ..attached(&["other"])
    };
    assert!(open_to("attach", &here(&has)).is_empty());
}

#[test]
fn who_reads_here_attaches_only_what_he_can_read_already() {
    let mut rights = Rights::default();
    rights.add("own", Permissions::of(&[Operate, Deploy]));
    rights.add("other", Permissions::of(&[Operate]));
    let attach = of("attach").expect("a gate");
    let there = asked(Some("own"), Some(attached(&["other"])));
    assert!(!attach.lets(&rights, &there));
    rights.add("other", Permissions::of(&[Deploy]));
    assert!(attach.lets(&rights, &there));
}

#[test]
fn only_who_manages_every_app_that_has_or_had_a_credential_destroys_it() {
    let target = |apps: &[&str], former: &[&str], is_own| Target {
        is_own,
        former: former.iter().map(|app| (*app).to_owned()).collect(),
        ..attached(apps)
    };
    for (credential, opens) in [
        (target(&[], &[], true), true),
        (target(&[], &[], false), false),
        (target(&[], &["own"], false), true),
        (target(&["own"], &[], false), true),
        (target(&["own", "other"], &[], true), false),
        (target(&["own"], &["other"], true), false),
        (target(&[], &["own", "other"], true), false),
    ] {
        let ask = asked(None, Some(credential.clone()));
        assert_eq!(
            open_to("destroy", &ask) == ["manage"],
            opens,
            "{credential:?}"
        );
        let away = Asked {
            other_heir: true,
            ..ask
        };
        assert!(open_to("destroy", &away).is_empty(), "{credential:?}");
    }
}

#[test]
fn a_credential_with_access_or_with_a_known_password_is_made_by_nobody() {
    let beyond = Asked {
        beyond: true,
        ..Asked::default()
    };
    assert!(open_to("create", &beyond).is_empty());
}

#[test]
fn execute_goes_with_the_permissions_that_open_a_function_somewhere() {
    let calls = |permission: Permission| -> Vec<&str> {
        let permissions = Permissions::of(&[permission]);
        let open = GATES.iter().filter(|gate| gate.is_open_to(permissions));
        open.map(|gate| gate.function).skip(6).collect()
    };
    assert!(calls(View).is_empty());
    assert_eq!(calls(Deploy), ["config_vars"]);
    assert_eq!(calls(Operate), ["rotate", "attach", "detach"]);
    assert_eq!(
        calls(Manage),
        [
            "attach",
            "create",
            "destroy",
            "add_collaborator",
            "update_collaborator",
            "remove_collaborator"
        ]
    );
    assert!(GATES
        .iter()
        .all(|gate| !gate.is_open_to(Permissions::default())));
}
