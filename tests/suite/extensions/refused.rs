//! Every refusal has its SQLSTATE, and leaves everything as it was.

use std::fs;

use super::{install, offer, scene_with, state, whose};
use crate::harness::{expect_error, Place};
use crate::scene::{outcome, run, Scene};

#[test]
fn each_refusal_has_its_sqlstate_and_changes_nothing() {
    offer(
        "cm_fixed",
        "schema = 'cm_home'",
        "CREATE TABLE fixed_table (n int);",
    );
    offer(
        "cm_taken",
        "schema = 'taken'",
        "CREATE TABLE taken_table (n int);",
    );
    let mut scene = scene_with(
        "earthdistance, dblink, credential_manager, cm_fixed, cm_taken, nowhere, ../dblink",
    );
    run(&mut scene.own, "CREATE SCHEMA taken");
    let before = state(&mut scene);
    let long = format!("'dblink', '{}'", "x".repeat(64));
    for (arguments, refused) in [
        ("NULL", "22023"),
        ("'credential_manager'", "42501"),
        ("'credential_manager', 'credentials', '0.1.0'", "42501"),
        ("'file_fdw'", "42501"),
        // On the list, but the server has no control file of that name.
        ("'nowhere'", "42704"),
        ("'../dblink'", "42704"),
        ("''", "42704"),
        ("'dblink '", "42704"),
        ("E'dblink\\n'", "42704"),
        ("'DBLINK'", "42704"),
        ("'dblink', version => '99'", "22023"),
        ("'dblink', version => ''", "22023"),
        ("'dblink', version => '1.2--../x'", "22023"),
        ("'dblink', ''", "42602"),
        ("'dblink', 'a b'", "42602"),
        ("'dblink', 'a\"b'", "42602"),
        ("'dblink', 'größe'", "42602"),
        ("'dblink', E'a\\nb'", "42602"),
        (long.as_str(), "42602"),
        ("'dblink', 'pg_catalog'", "42939"),
        ("'dblink', 'pg_temp'", "42939"),
        ("'dblink', 'pg_ext'", "42939"),
        ("'dblink', 'credentials'", "42939"),
        ("'dblink', 'information_schema'", "42939"),
        ("'dblink', 'public'", "42710"),
        ("'dblink', 'taken'", "42710"),
        ("'hstore', 'public'", "42710"),
        ("'cm_fixed', 'another'", "22023"),
        ("'cm_taken'", "42710"),
        ("'earthdistance'", "42704"),
    ] {
        let call = format!("SELECT * FROM credentials.install_extension({arguments})");
        expect_error(&mut scene.own, &call, refused);
        expect_error(&mut scene.su, &call, refused);
    }
    assert_eq!(state(&mut scene), before);
    assert_eq!(install(&mut scene, "'cm_fixed'"), "cm_fixed|cm_home|1.0");
}

#[test]
fn nothing_is_installed_along_and_the_missing_one_is_named() {
    let mut scene = scene_with("earthdistance");
    let call = "SELECT * FROM credentials.install_extension('earthdistance')";
    let error = expect_error(&mut scene.own, call, "42704");
    let hint = error.as_db_error().unwrap().hint().unwrap().to_owned();
    assert_eq!(hint, "SELECT * FROM credentials.install_extension('cube');");
    run(&mut scene.own, &hint);
    run(&mut scene.own, call);
    assert_eq!(whose(&mut scene, "earthdistance"), "postgres, postgres");
    let earth = "SELECT earthdistance.earth_distance(earthdistance.ll_to_earth(0, 0), earthdistance.ll_to_earth(0, 1)) > 1000";
    assert_eq!(
        outcome(
            &mut scene.own,
            &format!("SET search_path = cube, earthdistance; {earth}")
        ),
        ""
    );
}

#[test]
fn a_control_file_whose_scripts_are_elsewhere_is_refused() {
    // Outside the server's folder of shared files, and there for as long as the control file is.
    let outside = Place::here().root.join("outside");
    fs::create_dir_all(&outside).unwrap();
    let script = "CREATE TABLE outside_table (n int);";
    fs::write(outside.join("cm_outside--1.0.sql"), script).unwrap();
    let included = outside.join("included.conf");
    fs::write(&included, "comment = 'x'\n").unwrap();
    offer(
        "cm_outside",
        &format!("directory = '{}'", outside.display()),
        script,
    );
    offer(
        "cm_including",
        &format!("include '{}'", included.display()),
        script,
    );
    offer("cm_inside", "directory = 'extension'", script);
    let mut scene = scene_with("cm_outside, cm_including, cm_inside");
    let before = state(&mut scene);
    for name in ["cm_outside", "cm_including"] {
        let call = format!("SELECT * FROM credentials.install_extension('{name}')");
        expect_error(&mut scene.own, &call, "42501");
    }
    assert_eq!(state(&mut scene), before);
    install(&mut scene, "'cm_inside'");
    // The server itself would have taken it.
    run(
        &mut scene.su,
        "CREATE SCHEMA there; CREATE EXTENSION cm_outside SCHEMA there; DROP EXTENSION cm_outside",
    );
}

#[cfg(feature = "pg18")]
#[test]
fn where_the_server_looks_into_other_folders_too_none_is_installed_by_a_superusers_right() {
    offer("cm_elsewhere", "", "CREATE TABLE elsewhere_table (n int);");
    let mut scene = scene_with("cm_elsewhere");
    let call = "SELECT * FROM credentials.install_extension('cm_elsewhere')";
    for path in ["/tmp:$system", "$system:/tmp"] {
        let set = format!("ALTER DATABASE app SET extension_control_path = '{path}'");
        run(&mut scene.su, &set);
        let before = state(&mut scene);
        let mut own = scene
            .cluster
            .connect(&scene.cluster.url("default"))
            .unwrap();
        expect_error(&mut own, call, "42501");
        assert_eq!(state(&mut scene), before);
    }
    run(
        &mut scene.su,
        "ALTER DATABASE app RESET extension_control_path",
    );
    install(&mut scene, "'cm_elsewhere'");
}

#[test]
fn a_call_from_a_script_a_trigger_a_read_only_transaction_or_a_follower_is_refused() {
    offer(
        "cm_caller",
        "superuser = false",
        "SELECT credentials.install_extension('hstore');",
    );
    let mut scene = Scene::new();
    run(&mut scene.own, "CREATE SCHEMA mine");
    let before = state(&mut scene);
    expect_error(
        &mut scene.own,
        "CREATE EXTENSION cm_caller SCHEMA mine",
        "42501",
    );
    expect_error(
        &mut scene.own,
        "SELECT credentials.install_extension('cm_caller')",
        "42501",
    );
    assert_eq!(state(&mut scene), before);
    run(
        &mut scene.own,
        "CREATE TABLE mine.t (n int);
         CREATE FUNCTION mine.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM credentials.install_extension('hstore'); RETURN NEW; END $$;
         CREATE TRIGGER t BEFORE INSERT ON mine.t FOR EACH ROW EXECUTE FUNCTION mine.f()",
    );
    expect_error(&mut scene.own, "INSERT INTO mine.t VALUES (1)", "42501");
    run(&mut scene.own, "BEGIN READ ONLY");
    expect_error(
        &mut scene.own,
        "SELECT credentials.install_extension('hstore')",
        "25006",
    );
    run(&mut scene.own, "ROLLBACK");
    let follower = scene.cluster.standby();
    let mut there = follower.superuser("app");
    expect_error(
        &mut there,
        "SELECT credentials.install_extension('hstore')",
        "25006",
    );
}
