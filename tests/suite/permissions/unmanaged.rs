//! What is not ours stays as it is: schemas and objects of superusers and of roles that nobody manages.

use super::{grant, may, may_not, said_to_default, SHOP};
use crate::harness::expect_error;
use crate::scene::{ask, fingerprint, run, Scene};

#[test]
fn default_gives_no_rights_on_a_schema_of_somebody_else() {
    let mut scene = Scene::new();
    let mut stranger = scene.stranger("stranger", "");
    run(
        &mut scene.su,
        "CREATE SCHEMA private AUTHORIZATION stranger; CREATE SCHEMA of_su",
    );
    run(&mut stranger, "CREATE TABLE private.diary (i int)");
    let mut analyst = scene.credential("analyst");
    let before = fingerprint(&mut scene.su);
    for schema in ["private", "of_su"] {
        for access in ["read_only", "read_write", "owner"] {
            let call =
                format!("SELECT credentials.grant('analyst', '{access}', '{{public,{schema}}}')");
            expect_error(&mut scene.own, &call, "42501");
        }
    }
    assert_eq!(fingerprint(&mut scene.su), before);
    grant(&mut scene.own, "analyst", "read_write", "{*}");
    may_not(&mut analyst, &["SELECT * FROM private.diary"]);
    grant(&mut scene.su, "analyst", "read_only", "{private}");
    may(&mut analyst, &["SELECT * FROM private.diary"]);
}

#[test]
fn a_table_of_a_stranger_in_defaults_schema_is_left_out_and_counted() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut stranger = scene.stranger("stranger", "");
    run(
        &mut scene.own,
        "GRANT USAGE, CREATE ON SCHEMA shop TO stranger",
    );
    run(
        &mut stranger,
        "CREATE TABLE shop.theirs (i int); CREATE VIEW shop.their_view AS SELECT 1 AS i",
    );
    let mut analyst = scene.credential("analyst");
    let said = said_to_default(
        &scene,
        "SELECT credentials.grant('analyst', 'read_only', '{shop}')",
    );
    let line = "2 objects in schema \"shop\" belong to superusers or unmanaged roles";
    assert!(
        said.contains(line) && said.contains("GRANT them to db_reader_shop"),
        "{said}"
    );
    may_not(
        &mut analyst,
        &["SELECT * FROM shop.theirs", "SELECT * FROM shop.their_view"],
    );
    run(
        &mut stranger,
        "GRANT SELECT ON shop.theirs TO db_reader_shop",
    );
    may(
        &mut analyst,
        &["SELECT * FROM shop.theirs", "SELECT * FROM shop.orders"],
    );
}

#[test]
fn a_member_of_an_extension_and_its_schema_keep_the_rights_that_they_came_with() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE SCHEMA tools AUTHORIZATION app_owner;
         CREATE EXTENSION pg_stat_statements SCHEMA tools;
         CREATE SCHEMA of_extension AUTHORIZATION app_owner;
         ALTER EXTENSION pg_stat_statements ADD SCHEMA of_extension",
    );
    scene.credential("analyst");
    let rights = "SELECT md5(string_agg(coalesce(relacl::text, '-'), ',' ORDER BY relname)) FROM pg_class WHERE relnamespace = 'tools'::regnamespace";
    let before = ask(&mut scene.su, rights);
    grant(&mut scene.su, "analyst", "read_write", "{tools,*}");
    assert_eq!(ask(&mut scene.su, rights), before);
    let refused = "SELECT credentials.grant('analyst', 'read_only', '{of_extension}')";
    expect_error(&mut scene.su, refused, "42501");
    let held = "SELECT has_schema_privilege('analyst', 'of_extension', 'USAGE')";
    assert_eq!(ask(&mut scene.su, held), "f");
}

#[test]
fn rights_are_given_in_the_owners_name_and_go_when_the_owner_takes_them() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut maker = scene.credential("maker");
    run(
        &mut scene.own,
        "GRANT USAGE, CREATE ON SCHEMA shop TO maker",
    );
    run(&mut maker, "CREATE TABLE shop.made (i int)");
    let mut analyst = scene.credential("analyst");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    let grantor = "SELECT DISTINCT a.grantor::regrole FROM pg_class c, aclexplode(c.relacl) a
                    WHERE c.relname = 'made' AND a.grantee = 'db_reader_shop'::regrole";
    assert_eq!(ask(&mut scene.su, grantor), "maker");
    may(&mut analyst, &["SELECT * FROM shop.made"]);
    run(&mut maker, "REVOKE ALL ON shop.made FROM db_reader_shop");
    may_not(&mut analyst, &["SELECT * FROM shop.made"]);
}
