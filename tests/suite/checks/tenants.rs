//! Tenants who are no longer kept to their rows.

use super::{about, case};
use crate::scene::{ask, run, Scene};

#[test]
fn a_table_whose_tenants_were_let_loose_is_found_and_closed() {
    let mut scene = Scene::new();
    // What is typed here is meant as the standard has it, whatever a hostile owner has set.
    run(
        &mut scene.own,
        "SET standard_conforming_strings = on; SET row_security = on",
    );
    run(
        &mut scene.own,
        r#"CREATE SCHEMA "Sh'op"; CREATE TABLE "Sh'op".t (tenant text) PARTITION BY LIST (tenant);
           CREATE TABLE "Sh'op".p PARTITION OF "Sh'op".t DEFAULT; INSERT INTO "Sh'op".t VALUES ('a\'), ('b');
           SELECT credentials.create('ten', 'read_write', ARRAY['Sh''op']);
           SELECT credentials.apply(jsonb_build_object('tenants', jsonb_build_array(jsonb_build_object(
             'credential', 'ten', 'tables', ARRAY['"Sh''op".t'], 'column', 'tenant', 'value', 'a\'))))"#,
    );
    let object = r#"table "Sh'op".t"#;
    assert_eq!(about(&mut scene.su, "tenants_open", object), []);
    for sql in [
        r#"ALTER TABLE "Sh'op".t DISABLE ROW LEVEL SECURITY"#,
        r#"ALTER TABLE "Sh'op".p NO FORCE ROW LEVEL SECURITY"#,
        r#"ALTER POLICY tenants_rows ON "Sh'op".t USING (true)"#,
        r#"DROP POLICY tenants_rows ON "Sh'op".p"#,
    ] {
        case(&mut scene, sql, "high", "tenants_open", object);
    }
    let mut ten = scene.login("ten");
    run(&mut ten, "SET row_security = on");
    assert_eq!(
        ask(&mut ten, r#"SELECT string_agg(tenant, ',') FROM "Sh'op".t"#),
        "a\\"
    );
}
