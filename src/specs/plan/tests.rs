#![allow(clippy::unwrap_used)] // A test fails by panicking.
use super::*;
use crate::core::name::Naming;
use crate::permissions::{Access, GroupKind};
use crate::pg::acl::rights;
use crate::pg::oid;
use crate::specs::export::export;
use crate::specs::present::*;
use crate::specs::spec::GroupName;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use serde_json::{json, Value as Json};

/// A database that is set up and empty; asked by default.
fn empty() -> Present {
    Present {
        caller: Asker {
            superuser: false,
            creates_schemas: true,
            everywhere: true,
        },
        default_role: "app_owner".to_owned(),
        naming: Naming::Heroku,
        vacancies: (119, 120),
        schemas: BTreeMap::from([("public".to_owned(), schema(2200, "app_owner"))]),
        groups: BTreeMap::new(),
        credentials: BTreeMap::new(),
        roles: BTreeMap::from([("pg_monitor".to_owned(), RoleNow { superuser: false })]),
        tables: BTreeMap::new(),
        direct: Vec::new(),
        shared: BTreeMap::new(),
    }
}

fn schema(number: u32, owner: &str) -> SchemaNow {
    SchemaNow {
        oid: oid(number),
        owner: owner.to_owned(),
        open: false,
        may: true,
    }
}

fn credential(number: u32, name: &str) -> CredentialNow {
    CredentialNow {
        role: oid(number),
        role_name: name.to_owned(),
        trouble: None,
        lease: false,
        open: true,
        connection_limit: -1,
        settings: BTreeMap::new(),
        access: BTreeMap::new(),
        roles: Default::default(),
    }
}

/// The shop as a layout leaves it: its schema, groups, and one credential of each kind.
fn shop() -> Present {
    let mut now = empty();
    now.schemas
        .insert("shop".to_owned(), schema(20_000, "db_owner_shop"));
    for kind in GroupKind::ALL {
        let scope = Scope::Schema("shop".to_owned());
        let name = format!("{}shop", kind.prefix());
        now.roles.insert(name.clone(), RoleNow { superuser: false });
        now.groups.insert(name, GroupNow { kind, scope });
    }
    for (number, name, access) in [
        (20_010, "analyst", Access::ReadOnly),
        (20_011, "app", Access::ReadWrite),
    ] {
        let mut held = credential(number, name);
        held.access.insert(Scope::Schema("shop".to_owned()), access);
        now.roles
            .insert(name.to_owned(), RoleNow { superuser: false });
        now.credentials.insert(name.to_owned(), held);
    }
    now
}

fn table(now: &mut Present, name: &str, may: bool) {
    let (schema, table) = name.split_once('.').unwrap();
    let name = crate::specs::spec::TableName {
        schema: schema.to_owned(),
        table: table.to_owned(),
    };
    let known = TableNow {
        oid: oid(30_000),
        owner: oid(10),
        may,
    };
    now.tables.insert(name, known);
}

fn given(credential: &str, kind: ObjectIs, named: &str, rights: u32) -> Direct {
    Direct {
        credential: credential.to_owned(),
        schema: "shop".to_owned(),
        object: Object {
            kind,
            oid: oid(30_000),
            column: 0,
            column_name: None,
            named: named.to_owned(),
        },
        rights,
        may: true,
    }
}

fn planned(document: Json, now: &Present) -> Result<Vec<String>> {
    let steps = plan(&Spec::parse(&document)?, now)?;
    Ok(steps
        .iter()
        .flat_map(|step| step.lines(now))
        .map(|line| line.statement)
        .collect())
}

fn refused(document: Json, now: &Present) -> Kind {
    planned(document, now).unwrap_err().kind()
}

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
            "CREATE SCHEMA shop AUTHORIZATION db_owner_shop;",
            "CREATE ROLE db_writer_shop NOLOGIN;",
            "GRANT USAGE ON SCHEMA shop TO db_writer_shop;",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO db_writer_shop;",
            "GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA shop TO db_writer_shop;",
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
    assert_eq!(statements, ["CREATE ROLE db_reader_all NOLOGIN;"]);
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
fn only_a_superuser_gives_roles_beyond_those_of_monitoring_and_nobody_a_superuser() {
    let mut now = shop();
    for role in super::rights::MONITORING
        .iter()
        .chain(&["pg_read_all_data", "app_owner", "root"])
    {
        let superuser = *role == "root";
        now.roles.insert((*role).to_owned(), RoleNow { superuser });
    }
    let asks = |role: &str| json!({"credentials": {"app": {"roles": [role]}}});
    for role in super::rights::MONITORING {
        assert_eq!(
            planned(asks(role), &now).unwrap(),
            [format!("GRANT {role} TO app;")]
        );
    }
    for role in ["pg_read_all_data", "app_owner", "root"] {
        assert_eq!(refused(asks(role), &now), Kind::Denied, "{role}");
    }
    // What it is a member of already, it may be.
    now.credentials
        .get_mut("app")
        .unwrap()
        .roles
        .insert("pg_read_all_data".to_owned());
    assert_eq!(planned(asks("pg_read_all_data"), &now).unwrap(), [""; 0]);
    now.caller.superuser = true;
    assert_eq!(refused(asks("root"), &now), Kind::Denied);
    assert_eq!(
        planned(asks("app_owner"), &now).unwrap(),
        ["REVOKE app FROM app_owner;", "GRANT app_owner TO app;"]
    );
}

#[test]
fn rights_on_tables_come_with_the_use_of_the_schema_and_only_where_they_are_missing() {
    let mut now = shop();
    now.credentials
        .insert("audit".to_owned(), credential(20_012, "audit"));
    table(&mut now, "shop.payments", true);
    let document =
        json!({"credentials": {"audit": {"tables": {"shop.payments": ["select", "UPDATE"]}}}});
    assert_eq!(
        planned(document.clone(), &now).unwrap(),
        [
            "GRANT USAGE ON SCHEMA shop TO audit;",
            "GRANT SELECT, UPDATE ON TABLE shop.payments TO audit;"
        ]
    );
    let payments = ObjectIs::Table("payments".to_owned());
    now.direct.push(given(
        "audit",
        ObjectIs::Schema,
        "SCHEMA shop",
        rights_of(&["USAGE"]),
    ));
    now.direct.push(given(
        "audit",
        payments.clone(),
        "TABLE shop.payments",
        rights::SELECT,
    ));
    assert_eq!(
        planned(document.clone(), &now).unwrap(),
        ["GRANT UPDATE ON TABLE shop.payments TO audit;"]
    );
    // A right on a column is none on the table.
    let mut column = given("audit", payments, "TABLE shop.payments", rights::UPDATE);
    column.object.column = 1;
    now.direct.push(column);
    assert_eq!(planned(document.clone(), &now).unwrap().len(), 1);
    table(&mut now, "shop.payments", false);
    assert_eq!(refused(document, &now), Kind::Denied);
    // A preset lets a credential use the schema; an owner needs no right.
    table(&mut now, "shop.payments", true);
    let document = json!({"credentials": {"app": {"tables": {"shop.payments": ["TRUNCATE"]}}}});
    assert_eq!(
        planned(document.clone(), &now).unwrap(),
        ["GRANT TRUNCATE ON TABLE shop.payments TO app;"]
    );
    now.tables.values_mut().next().unwrap().owner = oid(20_011);
    assert_eq!(planned(document, &now).unwrap(), [""; 0]);
}

fn rights_of(words: &[&str]) -> u32 {
    words.iter().fold(0, |bits, word| {
        bits | match *word {
            "USAGE" => rights::USAGE,
            _ => rights::CREATE,
        }
    })
}

#[test]
fn an_authoritative_schema_loses_what_the_spec_does_not_name_and_no_other_does() {
    let mut now = shop();
    table(&mut now, "shop.payments", true);
    let payments = ObjectIs::Table("payments".to_owned());
    for direct in [
        given(
            "app",
            ObjectIs::Schema,
            "SCHEMA shop",
            rights_of(&["USAGE", "CREATE"]),
        ),
        given(
            "app",
            payments,
            "TABLE shop.payments",
            rights::SELECT | rights::TRUNCATE,
        ),
        given(
            "app",
            ObjectIs::Routine,
            "ROUTINE shop.f()",
            rights::EXECUTE,
        ),
    ] {
        now.direct.push(direct);
    }
    let document = |authoritative: bool| {
        json!({"schemas": {"shop": {"authoritative": authoritative}},
               "credentials": {"app": {"access": {"shop": "read_write"}, "tables": {"shop.payments": ["SELECT"]}}}})
    };
    assert_eq!(planned(document(false), &now).unwrap(), [""; 0]);
    assert_eq!(
        planned(document(true), &now).unwrap(),
        [
            "SELECT * FROM credentials.revoke('analyst', schemas => '{shop}');",
            "REVOKE CREATE ON SCHEMA shop FROM app;",
            "REVOKE TRUNCATE ON TABLE shop.payments FROM app;",
            "REVOKE EXECUTE ON ROUTINE shop.f() FROM app;",
        ]
    );
    // What cannot be acted on is left alone, and so is what is given on every schema.
    let analyst = now.credentials.get_mut("analyst").unwrap();
    analyst.trouble = Some(Kind::Denied.error("orphaned"));
    let app = now.credentials.get_mut("app").unwrap();
    app.access.insert(Scope::Every, Access::ReadOnly);
    assert_eq!(planned(document(true), &now).unwrap().len(), 3);
    now.direct[0].may = false;
    assert_eq!(refused(document(true), &now), Kind::Denied);
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

prop_compose! {
    /// Any state that a spec can speak of, whether or not a database can be in it.
    pub(in crate::specs) fn present()(
        names in vec(crate::specs::spec::tests::schema_name(), 1..4),
        owned in vec((any::<bool>(), any::<bool>(), 0..4_u8), 4),
        held in btree_map("[a-z]{3,8}", (any::<bool>(), -1..9_i32, btree_map(0..4_usize, 0..3_usize, 0..3),
            btree_set(0..3_usize, 0..2), btree_map("[a-z]{2,5}", "[a-z]{2,5}", 0..2)), 0..5),
        given in vec((0..5_usize, 0..4_usize, "[a-z]{1,4}", 1..128_u32, 0..2_i32), 0..6),
    ) -> Present {
        let mut now = empty();
        for (i, name) in names.iter().enumerate() {
            let (by_group, open, kinds) = owned[i];
            let number = 20_000 + u32::try_from(i).unwrap();
            let rest = if kinds == 3 { format!("s{number}") } else { name.clone() };
            for kind in GroupKind::ALL.into_iter().take(usize::from(kinds) + usize::from(by_group)) {
                let group = GroupName { kind, rest: rest.clone() };
                now.groups.insert(group.role(), GroupNow { kind, scope: Scope::Schema(name.clone()) });
            }
            let owner = if by_group { format!("db_owner_{rest}") } else { "app_owner".to_owned() };
            now.schemas.insert(name.clone(), SchemaNow { open, ..schema(number, &owner) });
        }
        let roles = ["pg_monitor", "team", "app_owner"];
        for (i, (name, (open, limit, access, member, settings))) in held.into_iter().enumerate() {
            let mut new = credential(21_000 + u32::try_from(i).unwrap(), &name);
            let scope = |i: usize| names.get(i).map_or(Scope::Every, |n| Scope::Schema(n.clone()));
            new.open = open;
            new.connection_limit = limit;
            new.settings = settings;
            new.access = access.into_iter().map(|(i, a)| (scope(i), Access::ALL[a])).collect();
            new.access.retain(|scope, access| *scope != Scope::Every || *access != Access::Owner);
            new.roles = member.into_iter().map(|i| roles[i].to_owned()).collect();
            now.credentials.insert(name, new);
        }
        let credentials: Vec<String> = now.credentials.keys().cloned().collect();
        for (who, place, table, rights, column) in given {
            let (Some(who), Some(place)) = (credentials.get(who), names.get(place)) else { continue };
            let name = crate::specs::spec::TableName { schema: place.clone(), table: table.clone() };
            let mut right = super::tests::given(who, ObjectIs::Table(table), &name.quoted(), rights);
            right.schema = place.clone();
            right.object.column = column;
            now.tables.insert(name, TableNow { oid: oid(30_000), owner: oid(10), may: true });
            let mut usage = super::tests::given(who, ObjectIs::Schema, "SCHEMA x", rights::USAGE);
            usage.schema = place.clone();
            now.direct.push(right);
            now.direct.extend((rights % 2 == 0).then_some(usage));
        }
        for role in roles {
            now.roles.insert(role.to_owned(), RoleNow { superuser: false });
        }
        let names: Vec<String> = now.credentials.keys().chain(now.groups.keys()).cloned().collect();
        now.roles.extend(names.into_iter().map(|name| (name, RoleNow { superuser: false })));
        now
    }
}

proptest! {
    #[test]
    fn what_is_exported_plans_to_nothing(now in present()) {
        let document = export(&now).to_json();
        let spec = Spec::parse(&document).unwrap();
        prop_assert_eq!(plan(&spec, &now).unwrap(), [], "{}", document);
    }

    #[test]
    fn a_plan_is_the_same_each_time(now in present(), then in present()) {
        let spec = export(&then);
        prop_assert_eq!(plan(&spec, &now), plan(&spec, &now));
    }
}
