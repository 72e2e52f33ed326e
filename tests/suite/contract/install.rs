//! Where and how CREATE EXTENSION works, and where it refuses.

use super::{column, created, rows, set_up};
use crate::harness::{expect_error, Cluster};

#[test]
fn the_extension_is_for_superusers_untrusted_and_not_relocatable() {
    let (_cluster, mut client) = created();
    let facts = rows(
        &mut client,
        "SELECT v.superuser, v.trusted, v.relocatable, coalesce(v.requires, '{}')::text, e.extrelocatable
           FROM pg_available_extension_versions v JOIN pg_extension e ON e.extname = v.name AND e.extversion = v.version
          WHERE v.name = 'credential_manager'",
    );
    assert_eq!(facts.len(), 1);
    assert!(facts[0].get::<_, bool>(0), "superuser");
    assert!(!facts[0].get::<_, bool>(1), "trusted");
    assert!(!facts[0].get::<_, bool>(2), "relocatable");
    assert_eq!(facts[0].get::<_, String>(3), "{}");
    assert!(!facts[0].get::<_, bool>(4), "relocatable as installed");
    expect_error(
        &mut client,
        "ALTER EXTENSION credential_manager SET SCHEMA public",
        "0A000",
    );
}

#[test]
fn the_owner_of_the_home_database_cannot_create_the_extension() {
    let cluster = Cluster::new();
    let mut client = cluster.superuser("app");
    client
        .batch_execute(
            "CREATE ROLE owner_of_app LOGIN PASSWORD 'a password of the owner' CREATEROLE CREATEDB;
             ALTER DATABASE app OWNER TO owner_of_app",
        )
        .unwrap();
    let mut owner = cluster
        .login("owner_of_app", "a password of the owner", "app")
        .unwrap();
    expect_error(&mut owner, "CREATE EXTENSION credential_manager", "42501");
}

#[test]
fn a_schema_of_our_name_that_is_there_already_is_never_taken_over() {
    let cluster = Cluster::new();
    let mut client = cluster.superuser("app");
    client.batch_execute("CREATE SCHEMA credentials").unwrap();
    for sql in [
        "CREATE EXTENSION credential_manager",
        "CREATE EXTENSION IF NOT EXISTS credential_manager",
        "CREATE EXTENSION credential_manager CASCADE",
    ] {
        expect_error(&mut client, sql, "42P06");
    }
    assert_eq!(
        column(
            &mut client,
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'credentials'::regnamespace"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn another_database_is_refused_with_the_two_settings_to_write() {
    let (cluster, _client) = created();
    let mut elsewhere = cluster.superuser("postgres");
    let error = expect_error(
        &mut elsewhere,
        "CREATE EXTENSION credential_manager",
        "55000",
    );
    let error = error.as_db_error().unwrap();
    let hint = error.hint().unwrap();
    assert!(
        hint.contains("shared_preload_libraries = 'credential_manager'"),
        "{hint}"
    );
    assert!(
        hint.contains("credential_manager.database = 'postgres'"),
        "{hint}"
    );
    assert!(
        error.detail().unwrap().contains("app"),
        "{:?}",
        error.detail()
    );
}

#[test]
fn without_preload_it_is_refused_with_the_two_settings_to_write() {
    let cluster = Cluster::builder().preload(false).start();
    let mut client = cluster.superuser("app");
    let error = expect_error(&mut client, "CREATE EXTENSION credential_manager", "55000");
    let hint = error.as_db_error().unwrap().hint().unwrap();
    assert!(
        hint.contains("shared_preload_libraries = 'credential_manager'"),
        "{hint}"
    );
    assert!(
        hint.contains("credential_manager.database = 'app'"),
        "{hint}"
    );
}

#[test]
fn every_function_refuses_in_a_server_that_no_longer_preloads_the_library() {
    let (cluster, client) = set_up();
    drop(client);
    cluster.append_conf("shared_preload_libraries = ''");
    cluster.restart();
    let mut client = cluster.superuser("app");
    for promise in &super::surface::PROMISES {
        let arguments = match promise.name {
            "create" | "configure" | "suspend" | "resume" | "adopt" | "release" | "claim"
            | "destroy" | "destroy_plan" | "set_password" | "revoke" | "install_extension" => {
                "'analyst'"
            }
            "extend" => "'analyst', '1 hour'",
            "grant" => "'analyst', 'read_only'",
            "why" => "'public.t'",
            "layout" => "'four_roles', 'app'",
            "plan" | "apply" => "'{}'",
            "cancel_job" => "1",
            "attach" | "detach" | "remove_collaborator" => "'analyst', 'shop'",
            "add_collaborator" | "update_collaborator" => "'analyst', 'shop', '{view}'",
            "config_vars" | "drop_endpoint" | "pgbouncer_auth" => "'shop'",
            "set_endpoint" => "'pool', 'localhost'",
            _ => "",
        };
        let call = format!("SELECT * FROM credentials.{}({arguments})", promise.name);
        let error = expect_error(&mut client, &call, "55000");
        let hint = error.as_db_error().unwrap().hint().unwrap().to_owned();
        assert!(hint.contains("shared_preload_libraries"), "{call}: {hint}");
    }
}

#[test]
fn no_setting_of_ours_can_be_set_by_a_session_a_role_or_a_database() {
    let (_cluster, mut client) = created();
    let names = column(
        &mut client,
        "SELECT name FROM pg_settings WHERE name LIKE 'credential_manager.%'",
    );
    assert!(names.len() >= 11, "{names:?}");
    for name in names {
        expect_error(&mut client, &format!("SET {name} = DEFAULT"), "55P02");
        expect_error(
            &mut client,
            &format!("ALTER ROLE postgres SET {name} = '1'"),
            "55P02",
        );
        expect_error(
            &mut client,
            &format!("ALTER DATABASE app SET {name} = '1'"),
            "55P02",
        );
    }
    expect_error(
        &mut client,
        "SET credential_manager.unheard_of = 1",
        "42602",
    );
}

/// The settings of SPEC section 2 that are built, with their defaults in the unit of each, by hand.
const SETTINGS: [(&str, &str); 15] = [
    ("credential_manager.batch_size", "100"),
    ("credential_manager.database", "postgres"),
    ("credential_manager.event_retention", "0s"),
    ("credential_manager.host", ""),
    ("credential_manager.key_file", ""),
    ("credential_manager.lock_timeout", "200ms"),
    ("credential_manager.max_credentials", "120"),
    ("credential_manager.naming", "heroku"),
    ("credential_manager.port", ""),
    ("credential_manager.rotation_age", "7776000s"),
    ("credential_manager.rotation_grace", "1800s"),
    ("credential_manager.rotation_linger", "86400s"),
    ("credential_manager.rotation_overlap", "60s"),
    ("credential_manager.sslmode", "require"),
    ("credential_manager.supported_extensions", ""),
];

#[test]
fn settings_have_the_names_and_defaults_of_the_contract_and_need_a_reload_alone() {
    let (cluster, mut client) = created();
    let found = rows(
        &mut client,
        "SELECT name, concat(boot_val, unit), context FROM pg_settings
          WHERE name LIKE 'credential_manager.%' ORDER BY name COLLATE \"C\"",
    );
    let found: Vec<(String, String, String)> = found
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    let promised: Vec<(String, String, String)> = SETTINGS
        .iter()
        .map(|(name, default)| {
            let default = match *name {
                "credential_manager.port" => cluster.port().to_string(),
                _ => (*default).to_owned(),
            };
            ((*name).to_owned(), default, "sighup".to_owned())
        })
        .collect();
    assert_eq!(found, promised);
}
