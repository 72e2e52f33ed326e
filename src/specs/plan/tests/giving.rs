//! Rights and memberships: what is given, and what an authoritative schema loses.

use super::*;

fn rights_of(words: &[&str]) -> u32 {
    words.iter().fold(0, |bits, word| {
        bits | match *word {
            "USAGE" => rights::USAGE,
            _ => rights::CREATE,
        }
    })
}

#[test]
fn only_a_superuser_gives_roles_beyond_those_of_monitoring_and_nobody_a_superuser() {
    let mut now = shop();
    for role in crate::specs::plan::rights::MONITORING.iter().chain(&[
        "pg_read_all_data",
        "app_owner",
        "root",
    ]) {
        let superuser = *role == "root";
        now.roles.insert((*role).to_owned(), RoleNow { superuser });
    }
    let asks = |role: &str| json!({"credentials": {"app": {"roles": [role]}}});
    for role in crate::specs::plan::rights::MONITORING {
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
