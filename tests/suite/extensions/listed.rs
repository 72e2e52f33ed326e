//! Extensions that are not trusted and that `credential_manager.supported_extensions` names.

use super::{install, reload_list, scene_with, state, whose, CITEXT};
use crate::harness::expect_error;
use crate::scene::{ask, call_lines, outcome, rows, run, Scene};

#[test]
fn what_the_list_names_is_installed_by_a_superusers_right_and_default_gains_the_use_alone() {
    let mut scene =
        scene_with("dblink, file_fdw,postgres_fdw , pageinspect, \"pg_stat_statements\"");
    for extension in [
        "dblink",
        "file_fdw",
        "postgres_fdw",
        "pageinspect",
        "pg_stat_statements",
    ] {
        let own = match extension.starts_with("pg_") {
            true => format!("ext_{extension}"),
            false => extension.to_owned(),
        };
        let row = install(&mut scene, &format!("'{extension}'"));
        let begins = format!("{extension}|{own}|");
        assert!(row.starts_with(&begins), "{row}");
        assert_eq!(whose(&mut scene, extension), "postgres, postgres");
        let right =
            "SELECT privilege_type || ' ' || is_grantable FROM pg_namespace, aclexplode(nspacl)
                      WHERE grantee = 'app_owner'::regrole AND nspname = ";
        let right = rows(&mut scene.su, &format!("{right} '{own}'"));
        assert_eq!(right, ["USAGE true"]);
        let drop = format!("DROP EXTENSION {extension}");
        assert_eq!(outcome(&mut scene.own, &drop), "42501");
    }
    let foreign = "SELECT count(*) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e'
                     JOIN pg_shdepend s ON s.classid = d.classid AND s.objid = d.objid AND s.deptype = 'o'
                      AND s.dbid = (SELECT oid FROM pg_database WHERE datname = 'app')";
    assert_eq!(ask(&mut scene.su, foreign), "0");
    // What an extension keeps to superusers it keeps from default.
    let tries = [
        "SELECT pageinspect.get_raw_page('pg_authid', 0)",
        "SELECT dblink.dblink_connect_u('dbname=app')",
        "CREATE SERVER s FOREIGN DATA WRAPPER file_fdw",
        "SELECT ext_pg_stat_statements.pg_stat_statements_reset()",
    ];
    for statement in tries {
        assert_eq!(outcome(&mut scene.own, statement), "42501", "{statement}");
    }
    // What it lets everybody do default may do now: it is that connection's own password that counts.
    let connect = "SELECT dblink.dblink_connect('dbname=app user=postgres')";
    assert_ne!(outcome(&mut scene.own, connect), "");
    let rights = "SELECT rolsuper::text || rolcreaterole || rolbypassrls FROM pg_roles WHERE rolname = 'app_owner'";
    assert_eq!(ask(&mut scene.su, rights), "falsefalsefalse");
}

#[test]
fn what_the_list_does_not_name_is_refused_to_default_and_to_a_superuser_until_a_reload() {
    let mut scene = Scene::new();
    let call = "SELECT credentials.install_extension('dblink')";
    let before = state(&mut scene);
    for list in ["", "dblink2, DBLINK", "*", "postgres_fdw"] {
        reload_list(&mut scene, list);
        let error = expect_error(&mut scene.own, call, "42501");
        let hint = error.as_db_error().unwrap().hint().unwrap_or_default();
        assert!(hint.contains("credential_manager.supported_extensions"));
        expect_error(&mut scene.su, call, "42501");
    }
    assert_eq!(state(&mut scene), before);
    reload_list(&mut scene, "dblink");
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.install_extension('dblink'); ROLLBACK",
    );
    assert_eq!(whose(&mut scene, "dblink"), "");
    reload_list(&mut scene, "");
    expect_error(&mut scene.own, call, "42501");
    reload_list(&mut scene, "dblink");
    run(&mut scene.own, call);
    assert_eq!(whose(&mut scene, "dblink"), "postgres, postgres");
    // Each call, refused and rolled back ones too, left a line; an event only the one that stayed.
    let lines = call_lines(&scene.cluster);
    let of = |end: &str| {
        lines
            .iter()
            .filter(|l| l.contains("install_extension \"dblink\"") && l.contains(end))
            .count()
    };
    assert_eq!((of("refused (42501)"), of(": done")), (9, 2));
    let events = "SELECT count(*) FROM credentials.event WHERE action = 'install_extension'";
    assert_eq!(ask(&mut scene.su, events), "1");
}

#[test]
fn nobody_but_the_configuration_changes_the_list() {
    let mut scene = Scene::new();
    let name = "credential_manager.supported_extensions";
    for statement in [
        format!("SET {name} = 'dblink'"),
        format!("ALTER DATABASE app SET {name} = 'dblink'"),
        format!("ALTER ROLE app_owner SET {name} = 'dblink'"),
        format!("SELECT set_config('{name}', 'dblink', true)"),
        format!("CREATE FUNCTION f() RETURNS int LANGUAGE sql SET {name} = 'dblink' AS 'SELECT 1'; SELECT f()"),
    ] {
        assert_eq!(outcome(&mut scene.own, &statement), "55P02", "{statement}");
        assert_eq!(outcome(&mut scene.su, &statement), "55P02", "{statement}");
    }
}

#[test]
fn a_superuser_installs_as_default_does_and_a_schema_of_the_superusers_may_hold_several() {
    let mut scene = scene_with("dblink, postgres_fdw");
    for (extension, schema) in [("dblink", "extensions"), ("hstore", "extensions")] {
        let call =
            format!("SELECT * FROM credentials.install_extension('{extension}', '{schema}')");
        rows(&mut scene.su, &call);
        assert_eq!(whose(&mut scene, extension), "postgres, postgres");
    }
    install(&mut scene, "'postgres_fdw', 'extensions'");
    assert_eq!(
        install(&mut scene, "'citext', 'extensions'"),
        format!("citext|extensions|{CITEXT}")
    );
    assert_eq!(whose(&mut scene, "citext"), "postgres, app_owner");
    run(
        &mut scene.own,
        "SELECT 'a=>1'::extensions.hstore, 'A'::extensions.citext",
    );
}

// PostgreSQL 17 has no extension any more that insists.
#[cfg(feature = "pg15")]
#[test]
fn an_extension_that_insists_on_pg_catalog_goes_there_and_nobody_gains_a_right_on_it() {
    let mut scene = scene_with("adminpack");
    let before = ask(
        &mut scene.su,
        "SELECT nspacl FROM pg_namespace WHERE nspname = 'pg_catalog'",
    );
    let row = install(&mut scene, "'adminpack'");
    assert!(row.starts_with("adminpack|pg_catalog|"), "{row}");
    let after = ask(
        &mut scene.su,
        "SELECT nspacl FROM pg_namespace WHERE nspname = 'pg_catalog'",
    );
    assert_eq!(after, before);
    let write = "SELECT pg_catalog.pg_file_write('x', 'y', false)";
    assert_eq!(outcome(&mut scene.own, write), "42501");
}

#[test]
fn a_person_is_told_where_the_objects_are() {
    let scene = scene_with("dblink");
    let said = |call: &str| {
        let output = scene.cluster.psql(&["-c", call], "");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let call = "SELECT * FROM credentials.install_extension('dblink', 'ext')";
    assert!(said(call).contains("NOTICE:  its objects are in schema \"ext\""));
    assert!(!said(call).contains("NOTICE"), "nothing was changed");
}
