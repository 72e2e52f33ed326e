//! Schemas, groups and credentials: what is made, what is set right, and what is refused.

use super::*;

#[test]
fn a_layout_is_made_from_schema_to_rights_in_one_order() {
    let document = json!({
        "credentials": {"app_shop": {"access": {"shop": "read_write"}, "connection_limit": 50,
                                     "settings": {"statement_timeout": "30s"}},
                        "monitor": {"roles": ["pg_monitor"], "login": false}},
        "groups": ["db_writer_shop", "db_owner_shop"],
        "schemas": {"shop": {"owner": "db_owner_shop"}}
    });
    assert_eq!(
        planned(document, &empty()).unwrap(),
        [
            "CREATE ROLE db_owner_shop NOLOGIN;",
            "GRANT db_owner_shop TO app_owner WITH ADMIN OPTION;",
            "CREATE SCHEMA shop AUTHORIZATION db_owner_shop;",
            "CREATE ROLE db_writer_shop NOLOGIN;",
            "GRANT db_writer_shop TO app_owner WITH ADMIN OPTION;",
            "GRANT USAGE ON SCHEMA shop TO db_writer_shop;",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO db_writer_shop;",
            "GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA shop TO db_writer_shop;",
            "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA shop GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO db_writer_shop;",
            "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA shop GRANT SELECT, USAGE ON SEQUENCES TO db_writer_shop;",
            "ALTER DEFAULT PRIVILEGES FOR ROLE db_owner_shop IN SCHEMA shop GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO db_writer_shop;",
            "ALTER DEFAULT PRIVILEGES FOR ROLE db_owner_shop IN SCHEMA shop GRANT SELECT, USAGE ON SEQUENCES TO db_writer_shop;",
            "SELECT * FROM credentials.create('app_shop', connection_limit => 50);",
            "SELECT * FROM credentials.configure('app_shop', settings => '{\"statement_timeout\":\"30s\"}');",
            "SELECT * FROM credentials.create('monitor', login => false);",
            "SELECT * FROM credentials.grant('app_shop', 'read_write', '{shop}');",
            "GRANT pg_monitor TO monitor;",
        ]
    );
}

#[test]
fn what_is_so_already_plans_to_nothing_and_what_is_not_named_is_left_alone() {
    let mut now = shop();
    let app = now.credentials.get_mut("app").unwrap();
    app.connection_limit = 7;
    app.settings
        .insert("statement_timeout".to_owned(), "30s".to_owned());
    app.open = false;
    let groups = ["db_owner_shop", "db_reader_shop", "db_writer_shop"];
    for document in [
        json!({}),
        json!({"credentials": {"app": {}}}),
        json!({"schemas": {"shop": {"owner": "db_owner_shop"}}, "groups": groups}),
        json!({"credentials": {"app": {"access": {"shop": "read_write"}, "connection_limit": 7, "login": false,
                                       "settings": {"Statement_Timeout": "30s", "lock_timeout": null}}}}),
    ] {
        assert_eq!(
            planned(document.clone(), &now).unwrap(),
            [""; 0],
            "{document}"
        );
    }
    let document = json!({"credentials": {"app": {"access": {"shop": "read_only"}, "connection_limit": 8,
        "login": true, "settings": {"statement_timeout": null, "lock_timeout": "1s"}}}});
    assert_eq!(
        planned(document, &now).unwrap(),
        [
            "SELECT * FROM credentials.configure('app', connection_limit => 8, settings => '{\"lock_timeout\":\"1s\",\"statement_timeout\":null}');",
            "SELECT * FROM credentials.resume('app');",
            "SELECT * FROM credentials.grant('app', 'read_only', '{shop}');",
        ]
    );
}

#[test]
fn a_schema_of_default_goes_to_its_group_and_public_goes_from_it() {
    let mut now = empty();
    now.schemas
        .insert("shop".to_owned(), schema(20_000, "app_owner"));
    now.schemas.get_mut("shop").unwrap().open = true;
    let document = json!({"schemas": {"shop": {"owner": "db_owner_shop"}}});
    assert_eq!(
        planned(document, &now).unwrap(),
        [
            "CREATE ROLE db_owner_shop NOLOGIN;",
            "GRANT db_owner_shop TO app_owner WITH ADMIN OPTION;",
            "ALTER SCHEMA shop OWNER TO db_owner_shop;",
            "REVOKE ALL ON SCHEMA shop FROM PUBLIC;",
        ]
    );
    assert_eq!(
        planned(json!({"schemas": {"shop": {}}}), &now).unwrap(),
        ["REVOKE ALL ON SCHEMA shop FROM PUBLIC;"]
    );
    now.schemas.get_mut("shop").unwrap().may = false;
    assert_eq!(
        refused(json!({"schemas": {"shop": {}}}), &now),
        Kind::Denied
    );
}

#[test]
fn a_group_is_for_the_schema_whose_owner_bears_its_name_else_for_the_one_of_its_name() {
    let mut now = empty();
    let document =
        json!({"schemas": {"store": {"owner": "db_owner_shop"}}, "groups": ["db_reader_shop"]});
    let statements = planned(document.clone(), &now).unwrap();
    assert!(
        statements.contains(&"GRANT USAGE ON SCHEMA store TO db_reader_shop;".to_owned()),
        "{statements:?}"
    );
    // The same where a schema of the group's own name is there too.
    now.schemas
        .insert("shop".to_owned(), schema(20_000, "app_owner"));
    let statements = planned(document, &now).unwrap();
    assert!(
        statements.contains(&"GRANT USAGE ON SCHEMA store TO db_reader_shop;".to_owned()),
        "{statements:?}"
    );
    let statements = planned(json!({"groups": ["db_reader_shop"]}), &now).unwrap();
    assert!(
        statements.contains(&"GRANT USAGE ON SCHEMA shop TO db_reader_shop;".to_owned()),
        "{statements:?}"
    );
    let statements = planned(json!({"groups": ["db_reader_all"]}), &now).unwrap();
    assert_eq!(
        [&statements[0], &statements[2], &statements[5]],
        [
            "CREATE ROLE db_reader_all NOLOGIN;",
            "GRANT USAGE ON SCHEMA public TO db_reader_all;",
            "GRANT USAGE ON SCHEMA shop TO db_reader_all;",
        ]
    );
    assert_eq!(
        refused(json!({"groups": ["db_reader_stock"]}), &now),
        Kind::NoSchema
    );
    assert_eq!(
        refused(json!({"groups": ["db_owner_all"]}), &now),
        Kind::BadArgument
    );
}

#[test]
fn a_name_that_is_something_elses_is_refused() {
    let mut now = shop();
    now.roles
        .insert("db_owner_stock".to_owned(), RoleNow { superuser: false });
    now.roles
        .insert("stranger".to_owned(), RoleNow { superuser: false });
    now.credentials
        .insert("Alias".to_owned(), credential(20_020, "Alias_role"));
    for (document, kind) in [
        (
            json!({"schemas": {"stock": {"owner": "db_owner_stock"}}}),
            Kind::Exists,
        ),
        (
            json!({"schemas": {"stock": {"owner": "db_owner_shop"}}}),
            Kind::Exists,
        ),
        (
            json!({"schemas": {"shop": {"owner": "db_owner_store"}}}),
            Kind::Exists,
        ),
        (json!({"credentials": {"stranger": {}}}), Kind::Exists),
        (json!({"credentials": {"Alias_role": {}}}), Kind::Exists),
        (json!({"credentials": {"alias": {}}}), Kind::BadName),
        (json!({"credentials": {"ALIAS_ROLE": {}}}), Kind::BadName),
        (
            json!({"credentials": {"new": {}, "NEW": {}}}),
            Kind::BadName,
        ),
        (json!({"credentials": {"a b": {}}}), Kind::BadName),
        (
            json!({"credentials": {"postgres_x": {}}}),
            Kind::ReservedName,
        ),
        (
            json!({"credentials": {"app": {"access": {"nowhere": "read_only"}}}}),
            Kind::NoSchema,
        ),
        (
            json!({"credentials": {"app": {"tables": {"shop.gone": ["SELECT"]}}}}),
            Kind::NotFound,
        ),
        (
            json!({"credentials": {"app": {"roles": ["nobody"]}}}),
            Kind::NotFound,
        ),
    ] {
        assert_eq!(refused(document.clone(), &now), kind, "{document}");
    }
}

#[test]
fn the_limit_counts_all_that_a_spec_makes() {
    let mut now = empty();
    now.vacancies = (1, 120);
    assert!(planned(json!({"credentials": {"a": {}}}), &now).is_ok());
    assert_eq!(
        refused(json!({"credentials": {"a": {}, "b": {}}}), &now),
        Kind::LimitReached
    );
}

#[test]
fn a_credential_that_cannot_be_acted_on_is_refused_where_it_is_named() {
    let mut now = shop();
    now.credentials.get_mut("app").unwrap().trouble = Some(Kind::InUse.error("being destroyed"));
    assert_eq!(
        refused(json!({"credentials": {"app": {}}}), &now),
        Kind::InUse
    );
    assert_eq!(
        planned(json!({"credentials": {"analyst": {}}}), &now).unwrap(),
        [""; 0]
    );
}

#[test]
fn who_may_not_make_schemas_or_give_on_every_schema_is_refused() {
    let mut now = shop();
    now.caller.creates_schemas = false;
    now.caller.everywhere = false;
    assert_eq!(refused(json!({"schemas": {"new": {}}}), &now), Kind::Denied);
    assert_eq!(
        refused(json!({"groups": ["db_reader_all"]}), &now),
        Kind::Denied
    );
    let every = json!({"credentials": {"app": {"access": {"*": "read_only"}}}});
    assert_eq!(refused(every, &now), Kind::Denied);
    now.schemas.get_mut("shop").unwrap().may = false;
    let owner = json!({"credentials": {"app": {"access": {"shop": "owner"}}}});
    assert_eq!(refused(owner, &now), Kind::Denied);
}
