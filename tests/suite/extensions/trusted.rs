//! What trusted extensions allow by themselves.

use super::{install, offer, state, whose, CITEXT};
use crate::harness::expect_error;
use crate::scene::{ask, column, outcome, rows, run, Scene};

#[test]
fn default_installs_a_trusted_extension_by_its_own_right_into_a_schema_of_the_superuser() {
    let mut scene = Scene::new();
    assert_eq!(install(&mut scene, "'hstore'"), "hstore|hstore|1.8");
    assert_eq!(whose(&mut scene, "hstore"), "postgres, app_owner");
    assert_eq!(
        install(&mut scene, "'citext', schema => 'text_types'"),
        format!("citext|text_types|{CITEXT}")
    );
    assert_eq!(whose(&mut scene, "citext"), "postgres, app_owner");
    // The server keeps names of schemas that start with pg_ to itself.
    assert_eq!(install(&mut scene, "'pg_trgm'"), "pg_trgm|ext_pg_trgm|1.6");
    let recorded = column(
        &mut scene.su,
        "SELECT effective_role || ' ' || (detail - 'version')::text FROM credentials.event WHERE action = 'install_extension' ORDER BY id",
    );
    assert_eq!(
        recorded,
        [
            r#"app_owner {"schema": "hstore", "extension": "hstore", "by_right_of": "caller"}"#,
            r#"app_owner {"schema": "text_types", "extension": "citext", "by_right_of": "caller"}"#,
            r#"app_owner {"schema": "ext_pg_trgm", "extension": "pg_trgm", "by_right_of": "caller"}"#,
        ]
    );
}

#[test]
fn default_uses_what_it_installed_and_gives_the_use_on_and_puts_nothing_into_the_schema() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    install(&mut scene, "'pg_trgm', 'trgm'");
    let similar = "SELECT trgm.similarity('word', 'word')";
    assert_eq!(ask(&mut scene.own, similar), "1");
    expect_error(&mut c1, similar, "42501");
    run(&mut scene.own, "GRANT USAGE ON SCHEMA trgm TO c1");
    assert_eq!(ask(&mut c1, similar), "1");
    for statement in [
        "CREATE TABLE trgm.t (n int)",
        "CREATE FUNCTION trgm.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
        "DROP SCHEMA trgm CASCADE",
        "ALTER SCHEMA trgm OWNER TO app_owner",
        "GRANT CREATE ON SCHEMA trgm TO app_owner; CREATE TABLE trgm.t (n int)",
    ] {
        assert_eq!(outcome(&mut scene.own, statement), "42501", "{statement}");
    }
    // It is default's extension, so default may drop it, and install it into the same schema again.
    run(&mut scene.own, "DROP EXTENSION pg_trgm");
    assert_eq!(
        install(&mut scene, "'pg_trgm', 'trgm', '1.3'"),
        "pg_trgm|trgm|1.3"
    );
}

#[test]
fn an_extension_that_is_there_as_it_is_asked_for_is_returned_and_nothing_is_written() {
    let mut scene = Scene::new();
    install(&mut scene, "'hstore', version => '1.4'");
    let before = state(&mut scene);
    for arguments in [
        "'hstore'",
        "'hstore', 'hstore'",
        "'hstore', 'hstore', '1.4'",
        "'hstore', version => '1.4'",
    ] {
        assert_eq!(install(&mut scene, arguments), "hstore|hstore|1.4");
        run(
            &mut scene.own,
            &format!("BEGIN; SELECT credentials.install_extension({arguments})"),
        );
        let written = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL";
        assert_eq!(ask(&mut scene.own, written), "f", "{arguments}");
        run(&mut scene.own, "COMMIT");
    }
    for arguments in ["'hstore', 'elsewhere'", "'hstore', version => '1.8'"] {
        let call = format!("SELECT credentials.install_extension({arguments})");
        expect_error(&mut scene.own, &call, "42710");
    }
    assert_eq!(state(&mut scene), before);
}

#[test]
fn a_caller_without_the_right_to_create_in_the_database_installs_nothing() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    let call = "SELECT credentials.install_extension('hstore')";
    expect_error(&mut c1, call, "42501");
    run(
        &mut scene.su,
        "GRANT USAGE ON SCHEMA credentials TO c1;
         GRANT EXECUTE ON FUNCTION credentials.install_extension(text, text, text) TO c1",
    );
    let before = state(&mut scene);
    let error = expect_error(&mut c1, call, "42501");
    let said = error.as_db_error().unwrap().message().to_owned();
    assert!(said.starts_with("extension \"hstore\""), "{said}");
    assert_eq!(state(&mut scene), before);
    run(&mut scene.own, "GRANT CREATE ON DATABASE app TO c1");
    run(&mut c1, call);
    assert_eq!(whose(&mut scene, "hstore"), "postgres, c1");
    run(&mut c1, "SELECT 'a=>1'::hstore.hstore");
}

#[test]
fn an_extension_that_needs_no_superuser_is_made_by_the_caller_in_a_schema_of_its_own() {
    offer(
        "cm_plain",
        "superuser = false",
        "CREATE TABLE plain_table (n int);",
    );
    let mut scene = Scene::new();
    assert_eq!(install(&mut scene, "'cm_plain'"), "cm_plain|cm_plain|1.0");
    assert_eq!(whose(&mut scene, "cm_plain"), "app_owner, app_owner");
    let owner = "SELECT relowner::regrole FROM pg_class WHERE relname = 'plain_table'";
    assert_eq!(ask(&mut scene.su, owner), "app_owner");
    let mut c1 = scene.credential("c1");
    expect_error(&mut c1, "TABLE cm_plain.plain_table", "42501");
}

#[test]
fn a_repair_leaves_the_schema_of_an_extension_with_the_superuser_and_takes_one_that_holds_more() {
    let mut scene = Scene::new();
    install(&mut scene, "'hstore'");
    install(&mut scene, "'citext', 'mixed'");
    install(&mut scene, "'cube', 'emptied'");
    run(&mut scene.su, "CREATE TABLE mixed.more (n int)");
    run(&mut scene.own, "DROP EXTENSION cube");
    run(&mut scene.own, "SELECT credentials.repair_default()");
    scene.settle();
    let owners = "SELECT nspname || ' ' || nspowner::regrole FROM pg_namespace
                   WHERE nspname IN ('hstore', 'mixed', 'emptied') ORDER BY 1";
    assert_eq!(
        rows(&mut scene.su, owners),
        ["emptied app_owner", "hstore postgres", "mixed app_owner"]
    );
}
