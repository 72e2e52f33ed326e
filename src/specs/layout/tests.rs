#![allow(clippy::unwrap_used)] // A test fails by panicking.
use super::*;
use serde_json::json;

fn ask(app: &str) -> Ask<'_> {
    Ask {
        app,
        schema: None,
        environment: None,
        deputy_of: None,
        naming: Naming::Heroku,
    }
}

#[test]
fn owner_writer_reader_is_what_the_guide_says() {
    let spec = Layout::OwnerWriterReader.spec(&ask("shop")).unwrap();
    assert_eq!(
        spec.to_json(),
        json!({
            "schemas": {"shop": {"owner": "db_owner_shop"}},
            "groups": ["db_reader_shop", "db_writer_shop", "db_owner_shop"],
            "credentials": {
                "deploy_shop": {"access": {"shop": "owner"}, "connection_limit": 5, "settings": {"lock_timeout": "5s"}},
                "app_shop": {"access": {"shop": "read_write"}, "connection_limit": 50, "settings": {"statement_timeout": "30s"}},
                "analyst_shop": {"access": {"shop": "read_only"}, "connection_limit": 10, "settings": {"statement_timeout": "5min"}},
                "monitor": {"roles": ["pg_monitor"], "connection_limit": 5}
            }
        })
    );
}

#[test]
fn an_environment_ends_every_name_and_a_schema_that_is_given_stays_as_it_is() {
    let asked = Ask {
        environment: Some("prod"),
        ..ask("shop")
    };
    let spec = Layout::OwnerWriterReader.spec(&asked).unwrap();
    assert!(spec.schemas.contains_key("shop_prod"));
    let groups: Vec<String> = spec.groups.iter().map(GroupName::role).collect();
    assert_eq!(
        groups,
        [
            "db_reader_shop_prod",
            "db_writer_shop_prod",
            "db_owner_shop_prod"
        ]
    );
    assert!(spec.credentials.keys().all(|name| name.ends_with("_prod")));
    let asked = Ask {
        schema: Some("The Store"),
        ..asked
    };
    let spec = Layout::OwnerWriterReader.spec(&asked).unwrap();
    let owner = spec.schemas["The Store"].owner.as_ref().unwrap();
    assert_eq!(owner.role(), "db_owner_shop_prod");
    assert_eq!(
        spec.credentials["app_shop_prod"]
            .access
            .keys()
            .collect::<Vec<_>>(),
        ["The Store"]
    );
}

#[test]
fn four_roles_has_a_dba_for_a_superuser_alone_who_is_a_member_of_default() {
    let names = |spec: &Spec| spec.credentials.keys().cloned().collect::<Vec<_>>();
    let spec = Layout::FourRoles.spec(&ask("app")).unwrap();
    assert_eq!(names(&spec), ["app_migrator", "app_readonly", "app_user"]);
    let asked = Ask {
        deputy_of: Some("app_owner"),
        ..ask("app")
    };
    let spec = Layout::FourRoles.spec(&asked).unwrap();
    assert_eq!(
        names(&spec),
        ["app_migrator", "app_readonly", "app_user", "dba"]
    );
    assert_eq!(
        spec.credentials["dba"].roles,
        ["app_owner".to_owned()].into()
    );
}

#[test]
fn a_hyphen_becomes_an_underscore_and_no_name_needs_quotes() {
    let spec = Layout::FourRoles.spec(&ask("my-shop")).unwrap();
    let names = spec.credentials.keys().chain(spec.schemas.keys());
    for name in names
        .cloned()
        .chain(spec.groups.iter().map(GroupName::role))
    {
        assert_eq!(crate::core::quote::ident(&name), name);
        assert!(name.contains("my_shop"), "{name}");
    }
}

#[test]
fn bad_apps_environments_and_kinds_are_refused() {
    let kind = |asked: &Ask| Layout::FourRoles.spec(asked).unwrap_err().kind();
    let long = "x".repeat(64);
    for bad in ["", "-a", "A", "a_b", "a b", "größe", "a\n", &long] {
        assert_eq!(kind(&ask(bad)), Kind::BadName, "{bad}");
        let environment = Some(bad);
        assert_eq!(
            kind(&Ask {
                environment,
                ..ask("app")
            }),
            Kind::BadName,
            "{bad}"
        );
    }
    // Names that no credential, group or schema can have.
    assert_eq!(kind(&ask(&"x".repeat(46))), Kind::BadName);
    assert_eq!(kind(&ask("rds")), Kind::ReservedName);
    assert_eq!(kind(&ask("my-postgres")), Kind::ReservedName);
    let schema = Some("pg_shop");
    assert_eq!(
        kind(&Ask {
            schema,
            ..ask("shop")
        }),
        Kind::ReservedName
    );
    for word in ["", "two_roles", "FOUR_ROLES"] {
        assert_eq!(Layout::parse(word).unwrap_err().kind(), Kind::BadArgument);
    }
}

#[test]
fn under_other_naming_rules_the_dba_has_a_name_that_they_allow() {
    let spec = Layout::FourRoles.spec(&Ask {
        naming: Naming::Scalingo,
        deputy_of: Some("app_owner"),
        ..ask("app")
    });
    assert!(spec.unwrap().credentials.contains_key("app_dba"));
}
