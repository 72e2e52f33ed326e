//! An authoritative schema loses what credentials have there and the spec does not name.

use super::{apply, plan, writes_nothing};
use crate::harness::expect_error;
use crate::scene::{ask, column, run, Scene};

/// A shop whose credentials have more than they should.
fn scene() -> Scene {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SELECT credentials.create(n) FROM unnest('{app,analyst,extra,everywhere}'::text[]) n;
         CREATE SCHEMA shop; CREATE SCHEMA other; CREATE TABLE shop.t (id serial, secret text); CREATE TABLE other.t (i int);
         INSERT INTO shop.t (secret) VALUES ('x');
         CREATE FUNCTION shop.f(i int) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION shop.f FROM PUBLIC;
         SELECT credentials.grant('app', 'read_write', '{shop,other}'); SELECT credentials.grant('analyst', 'read_only', '{shop,other}');
         SELECT credentials.grant('everywhere', 'read_only', '{*}');
         GRANT USAGE, CREATE ON SCHEMA shop, other TO extra; GRANT SELECT, INSERT, TRUNCATE ON shop.t TO extra WITH GRANT OPTION;
         GRANT UPDATE (secret) ON shop.t TO extra; GRANT USAGE ON SEQUENCE shop.t_id_seq TO extra;
         GRANT EXECUTE ON FUNCTION shop.f TO extra; GRANT ALL ON other.t TO extra",
    );
    run(
        &mut scene.su,
        "CREATE ROLE stranger; GRANT USAGE ON SCHEMA shop TO stranger; GRANT SELECT ON shop.t TO stranger",
    );
    scene
}

const SPEC: &str = r#"{"schemas": {"shop": {"authoritative": true}},
    "credentials": {"app": {"access": {"shop": "read_only"}}, "extra": {"tables": {"shop.t": ["SELECT"]}}}}"#;

const HELD: &str = "SELECT x FROM (
    SELECT r.rolname || ' ' || c.relname || ' ' || string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END, ',' ORDER BY a.privilege_type)
      FROM pg_class c, aclexplode(c.relacl) a, pg_roles r WHERE c.relnamespace = 'shop'::regnamespace AND r.oid = a.grantee
       AND r.rolname IN ('extra', 'app', 'analyst', 'stranger') GROUP BY r.rolname, c.relname
    UNION ALL SELECT r.rolname || ' schema ' || a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a, pg_roles r
     WHERE n.nspname = 'shop' AND r.oid = a.grantee AND r.rolname IN ('extra', 'stranger')
    UNION ALL SELECT m.member::regrole || ' in ' || m.roleid::regrole FROM pg_auth_members m WHERE m.member::regrole::text IN ('app', 'analyst')) t(x) ORDER BY 1";

#[test]
fn what_the_spec_does_not_name_goes_from_that_schema_and_from_no_other() {
    let mut scene = scene();
    let done = apply(&mut scene.own, SPEC);
    assert_eq!(
        done,
        [
            "SELECT * FROM credentials.grant('app', 'read_only', '{shop}');",
            "SELECT * FROM credentials.revoke('analyst', schemas => '{shop}');",
            "REVOKE EXECUTE ON ROUTINE shop.f(i integer) FROM extra;",
            "REVOKE CREATE ON SCHEMA shop FROM extra;",
            "REVOKE USAGE ON SEQUENCE shop.t_id_seq FROM extra;",
            "REVOKE INSERT, TRUNCATE ON TABLE shop.t FROM extra CASCADE;",
            "REVOKE UPDATE (secret) ON TABLE shop.t FROM extra;",
        ]
    );
    assert_eq!(
        column(&mut scene.su, HELD),
        [
            "analyst in db_reader_other",
            "app in db_reader_shop",
            "app in db_writer_other",
            "extra schema USAGE",
            "extra t SELECT*",
            "stranger schema USAGE",
            "stranger t SELECT",
        ]
    );
    writes_nothing(&mut scene.su, &mut scene.own, SPEC);
    // Data is there, and so is what is given on every schema.
    let mut everywhere = scene.login("everywhere");
    assert_eq!(column(&mut everywhere, "SELECT secret FROM shop.t"), ["x"]);
    let mut extra = scene.login("extra");
    run(
        &mut extra,
        "SELECT * FROM shop.t; INSERT INTO other.t VALUES (1)",
    );
    expect_error(&mut extra, "UPDATE shop.t SET secret = 'y'", "42501");
    expect_error(&mut extra, "SELECT shop.f(1)", "42501");
}

#[test]
fn a_column_that_loses_its_last_right_has_no_access_list_as_the_server_keeps_it() {
    let mut scene = scene();
    let lists = "SELECT count(*) FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid = 'shop.t'::regclass";
    assert_eq!(ask(&mut scene.su, lists), "1");
    apply(&mut scene.own, SPEC);
    assert_eq!(ask(&mut scene.su, lists), "0");
}

#[test]
fn additive_is_what_a_spec_is_by_itself() {
    let mut scene = scene();
    let before = column(&mut scene.su, HELD);
    let spec = SPEC
        .replace("true", "false")
        .replace("read_only", "read_write");
    assert_eq!(plan(&mut scene.own, &spec), [""; 0]);
    assert_eq!(apply(&mut scene.own, &spec), [""; 0]);
    assert_eq!(column(&mut scene.su, HELD), before);
}

#[test]
fn what_others_were_given_by_a_credential_goes_with_what_it_had() {
    let mut scene = scene();
    let mut extra = scene.login("extra");
    run(&mut extra, "GRANT INSERT, SELECT ON shop.t TO stranger");
    apply(&mut scene.own, SPEC);
    assert!(column(&mut scene.su, HELD).contains(&"stranger t SELECT,SELECT".to_owned()));
}

#[test]
fn an_authoritative_schema_with_objects_of_others_is_refused_to_who_may_not_speak_for_them() {
    let mut scene = scene();
    run(
        &mut scene.su,
        "CREATE TABLE shop.theirs (i int); GRANT SELECT ON shop.theirs TO extra",
    );
    let call = format!("SELECT * FROM credentials.apply('{SPEC}')");
    let before = column(&mut scene.su, HELD);
    expect_error(&mut scene.own, &call, "42501");
    assert_eq!(column(&mut scene.su, HELD), before);
    let done = apply(&mut scene.su, SPEC);
    assert!(
        done.contains(&"REVOKE SELECT ON TABLE shop.theirs FROM extra;".to_owned()),
        "{done:?}"
    );
}

#[test]
fn what_the_spec_names_stays_though_it_came_from_somebody_who_loses_it() {
    let mut scene = scene();
    let mut extra = scene.login("extra");
    run(
        &mut scene.own,
        "GRANT USAGE ON SCHEMA shop TO extra WITH GRANT OPTION",
    );
    run(
        &mut extra,
        "GRANT SELECT, INSERT ON shop.t TO analyst; GRANT USAGE ON SCHEMA shop TO analyst",
    );
    let spec = r#"{"schemas": {"shop": {"authoritative": true}},
                   "credentials": {"analyst": {"tables": {"shop.t": ["SELECT"]}}}}"#;
    let done = apply(&mut scene.own, spec);
    for statement in [
        "GRANT USAGE ON SCHEMA shop TO analyst;",
        "GRANT SELECT ON TABLE shop.t TO analyst;",
        "REVOKE INSERT ON TABLE shop.t FROM analyst;",
        // Whoever had it from there loses it, and a person's REVOKE must say so.
        "REVOKE INSERT, SELECT, TRUNCATE ON TABLE shop.t FROM extra CASCADE;",
    ] {
        assert!(
            done.contains(&statement.to_owned()),
            "{statement} in {done:?}"
        );
    }
    let mut analyst = scene.login("analyst");
    run(&mut analyst, "SELECT * FROM shop.t");
    expect_error(&mut analyst, "INSERT INTO shop.t VALUES (1)", "42501");
    expect_error(&mut extra, "SELECT * FROM shop.t", "42501");
    writes_nothing(&mut scene.su, &mut scene.own, spec);
}
