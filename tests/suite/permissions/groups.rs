//! Groups: how they are called, whose they are, and that no schema and no role takes over another's.

use super::{access, grant, groups, may, may_not, SHOP};
use crate::harness::expect_error;
use crate::scene::{ask, column, outcome, rows, run, Scene};

#[test]
fn a_group_is_plain_and_default_is_its_administrator() {
    let mut scene = Scene::new();
    scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{public}");
    let attributes = "SELECT concat_ws(' ', rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication,
        rolbypassrls, rolinherit, rolpassword IS NULL) FROM pg_authid WHERE rolname = 'db_reader_public'";
    assert_eq!(ask(&mut scene.su, attributes), "f f f f f f t t");
    let admin = "SELECT member::regrole || ' ' || admin_option FROM pg_auth_members WHERE roleid = 'db_reader_public'::regrole ORDER BY 1";
    assert_eq!(
        column(&mut scene.su, admin),
        ["analyst false", "app_owner true"]
    );
    let row = "SELECT role_name, kind, scope = 'public'::regnamespace, scope_name FROM credentials.access_group";
    assert_eq!(
        rows(&mut scene.su, row),
        ["db_reader_public|reader|true|public"]
    );
    let listed = "SELECT count(*) FROM credentials.list()";
    assert_eq!(ask(&mut scene.own, listed), "2", "a group is no credential");
}

#[test]
fn a_new_schema_of_an_old_name_inherits_no_group() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut analyst = scene.credential("analyst");
    let mut second = scene.credential("second");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    let old = ask(&mut scene.su, "SELECT 'db_reader_shop'::regrole::oid");
    run(&mut scene.own, "DROP SCHEMA shop CASCADE");
    run(&mut scene.own, SHOP);
    may_not(&mut analyst, &["SELECT * FROM shop.orders"]);
    assert_eq!(access(&mut scene.own, "analyst"), "{}");
    grant(&mut scene.own, "second", "read_only", "{shop}");
    may(&mut second, &["SELECT * FROM shop.orders"]);
    may_not(&mut analyst, &["SELECT * FROM shop.orders"]);
    assert_eq!(groups(&mut scene.su, "second"), ["db_reader_shop"]);
    assert_ne!(
        ask(&mut scene.su, "SELECT 'db_reader_shop'::regrole::oid"),
        old
    );
}

#[test]
fn a_group_left_behind_that_somebody_has_given_other_rights_stays_and_keeps_its_name() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(&mut scene.own, "CREATE TABLE public.other (i int)");
    let mut analyst = scene.credential("analyst");
    scene.credential("second");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    run(
        &mut scene.own,
        "GRANT USAGE ON SCHEMA public TO db_reader_shop; GRANT SELECT ON public.other TO db_reader_shop;
         DROP SCHEMA shop CASCADE",
    );
    run(&mut scene.own, SHOP);
    grant(&mut scene.own, "second", "read_only", "{shop}");
    let number = ask(&mut scene.su, "SELECT 'shop'::regnamespace::oid");
    assert_eq!(
        groups(&mut scene.su, "second"),
        [format!("db_reader_s{number}")]
    );
    may(&mut analyst, &["SELECT * FROM public.other"]);
    may_not(&mut analyst, &["SELECT * FROM shop.orders"]);
}

#[test]
fn a_role_of_the_groups_name_is_never_taken_for_the_group() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    run(
        &mut scene.su,
        "CREATE ROLE db_reader_shop LOGIN SUPERUSER; CREATE ROLE db_writer_shop; CREATE ROLE mallory;
         GRANT db_writer_shop TO mallory",
    );
    scene.cluster.allow_superuser("db_reader_shop");
    scene.credential("analyst");
    let number = ask(&mut scene.su, "SELECT 'shop'::regnamespace::oid");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    assert_eq!(
        groups(&mut scene.su, "analyst"),
        [format!("db_reader_s{number}")]
    );
    run(&mut scene.su, &format!("CREATE ROLE db_writer_s{number}"));
    let call = "SELECT credentials.grant('analyst', 'read_write', '{shop}')";
    expect_error(&mut scene.own, call, "42710");
    let held = "SELECT has_table_privilege('mallory', 'shop.orders', 'SELECT')";
    assert_eq!(ask(&mut scene.su, held), "f");
    assert_eq!(
        access(&mut scene.own, "analyst"),
        r#"{"shop": "read_only"}"#
    );
}

#[test]
fn schemas_of_any_name_get_groups_with_names_that_can_be_typed() {
    let mut scene = Scene::new();
    let long = "x".repeat(63);
    let fits = "y".repeat(50);
    let odd = [
        "Shop",
        "my shop",
        "a\"b",
        "a'b",
        "two\nlines",
        "größe",
        "a,b",
        "{}",
        "NULL",
        "\\",
        &long,
    ];
    scene.credential("analyst");
    let list = odd
        .iter()
        .map(|name| format!("$n${name}$n$"))
        .collect::<Vec<_>>()
        .join(", ");
    for name in odd.iter().chain([&fits.as_str()]) {
        run(
            &mut scene.own,
            &format!("CREATE SCHEMA \"{}\"", name.replace('"', "\"\"")),
        );
    }
    let call = format!(
        "SELECT count(*) FROM credentials.grant('analyst', 'read_write', ARRAY[{list}, '{fits}'])"
    );
    assert_eq!(ask(&mut scene.own, &call), (odd.len() + 1).to_string());
    let named = groups(&mut scene.su, "analyst");
    assert!(named.contains(&format!("db_writer_{fits}")), "{named:?}");
    let by_number = named.iter().filter(|g| {
        g.strip_prefix("db_writer_s")
            .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
    });
    assert_eq!(by_number.count(), odd.len(), "{named:?}");
    let told = format!(
        "SELECT count(*) FROM credentials.list() l, jsonb_each_text(l.access) a
          WHERE l.name = 'analyst' AND a.key = ANY (ARRAY[{list}]) AND a.value = 'read_write'"
    );
    assert_eq!(ask(&mut scene.own, &told), odd.len().to_string());
    let usable = format!("SELECT bool_and(has_schema_privilege('analyst', quote_ident(s)::regnamespace, 'USAGE')) FROM unnest(ARRAY[{list}]) s");
    assert_eq!(ask(&mut scene.su, &usable), "t");
}

#[test]
fn a_plain_grant_of_a_group_counts_and_can_be_taken_back() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut analyst = scene.credential("analyst");
    scene.credential("first");
    grant(&mut scene.own, "first", "read_write", "{shop}");
    run(&mut scene.own, "GRANT db_writer_shop TO analyst");
    assert_eq!(
        access(&mut scene.own, "analyst"),
        r#"{"shop": "read_write"}"#
    );
    assert_eq!(
        grant(&mut scene.own, "analyst", "read_only", "{shop}"),
        ["analyst|shop|read_only|read_write"]
    );
    may_not(&mut analyst, &["INSERT INTO shop.orders VALUES (9)"]);
}

#[test]
fn a_group_cannot_be_adopted_as_a_credential() {
    let mut scene = Scene::new();
    scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{public}");
    let call = "SELECT credentials.adopt('db_reader_public', 'reader')";
    expect_error(&mut scene.su, call, "42501");
    assert_ne!(
        outcome(
            &mut scene.su,
            "SELECT credentials.adopt('db_reader_public')"
        ),
        ""
    );
}

#[test]
fn list_tells_the_presets_of_credentials_though_their_schemas_are_empty_and_none_of_default() {
    let mut scene = Scene::new();
    run(&mut scene.own, "CREATE SCHEMA shop");
    scene.credential("analyst");
    scene.credential("app");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    grant(&mut scene.own, "app", "read_write", "{shop}");
    assert_eq!(
        rows(
            &mut scene.own,
            "SELECT name, access, read_only FROM credentials.list() WHERE name IN ('default', 'analyst', 'app') ORDER BY name"
        ),
        [
            r#"analyst|{"shop": "read_only"}|true"#,
            r#"app|{"shop": "read_write"}|false"#,
            "default|{}|false"
        ]
    );
}
