//! Dumps, and copies of the home database: permissions do not come with the first, and come with the second.

use super::{collaborator, listed, remove, rights, role, two_apps};
use crate::harness::Cluster;
use crate::scene::{ask, column, outcome, rows, run, Scene};

/// Restores a dump of a scene's home database into a fresh cluster that has these roles.
fn restored(scene: &Scene, roles: &str) -> Cluster {
    let output = scene.cluster.client_command("pg_dump").output();
    let dump = String::from_utf8(output.expect("pg_dump").stdout).expect("text");
    let cluster = Cluster::new();
    run(&mut cluster.superuser("app"), roles);
    let output = cluster.psql(&["-q", "-v", "ON_ERROR_STOP=1"], &dump);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    cluster
}

#[test]
fn a_restored_dump_brings_grants_without_permissions_and_setup_takes_them() {
    let mut scene = two_apps();
    drop(collaborator(&mut scene, "bob", "deploy,operate,manage"));
    drop(collaborator(&mut scene, "ann", "view"));
    run(
        &mut scene.su,
        "CREATE ROLE exporter; GRANT EXECUTE ON FUNCTION credentials.metrics() TO exporter",
    );
    let roles = "CREATE ROLE app_owner LOGIN; CREATE ROLE ann; CREATE ROLE exporter;
                 CREATE ROLE bob LOGIN PASSWORD 'a-person-called-bob'";
    let cluster = restored(&scene, roles);
    let mut su = cluster.superuser("app");
    let held = "SELECT DISTINCT a.grantee::regrole::text FROM pg_proc p, aclexplode(p.proacl) a
                 WHERE p.pronamespace = 'credentials'::regnamespace AND p.proname <> 'metrics' ORDER BY 1";
    assert_eq!(
        column(&mut su, held),
        ["ann", "app_owner", "bob", "postgres"]
    );
    let planned = rows(
        &mut su,
        "SELECT action, object, note FROM credentials.setup_plan('app_owner') WHERE note ~ 'EXECUTE from'",
    );
    assert_eq!(
        planned,
        ["revoke|functions of schema credentials|EXECUTE from 2 roles"]
    );
    let said = cluster.psql(&["-At"], "SELECT * FROM credentials.setup('app_owner')");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.matches("WARNING:  ").count(), 1, "{said}");
    assert!(said.contains("is taken from 2 roles"), "{said}");
    assert_eq!(column(&mut su, held), ["app_owner", "postgres"]);
    // What is no collaborator's function is nobody's business here.
    assert_eq!(
        ask(
            &mut su,
            "SELECT has_function_privilege('exporter', 'credentials.metrics()', 'EXECUTE')"
        ),
        "t"
    );
    run(&mut su, "GRANT CONNECT ON DATABASE app TO bob");
    let mut bob = cluster
        .login("bob", "a-person-called-bob", "app")
        .expect("a login");
    assert_eq!(
        outcome(&mut bob, "SELECT * FROM credentials.list()"),
        "42501"
    );
}

#[test]
fn a_copy_of_the_home_database_has_its_collaborators_once_it_is_claimed() {
    let mut scene = two_apps();
    drop(collaborator(&mut scene, "bob", "deploy"));
    drop(collaborator(&mut scene, "ann", "view"));
    let Scene { su, own, cluster } = scene;
    drop((su, own));
    run(
        &mut cluster.superuser("postgres"),
        "ALTER DATABASE app RENAME TO former",
    );
    run(
        &mut cluster.superuser("postgres"),
        "CREATE DATABASE app TEMPLATE former",
    );
    run(
        &mut cluster.superuser("postgres"),
        "REVOKE CONNECT ON DATABASE app FROM PUBLIC; ALTER ROLE ann RENAME TO anna; ALTER DATABASE app OWNER TO app_owner",
    );
    let mut su = cluster.superuser("app");
    let foreign = "SELECT * FROM credentials.list()";
    assert_eq!(outcome(&mut su, foreign), "55000");
    run(&mut su, "SELECT credentials.claim('app')");
    let mut bob = cluster
        .login("bob", "a-person-called-bob", "app")
        .expect("a login into the copy");
    run(&mut bob, "SELECT * FROM credentials.config_vars('shop')");
    // Who is no longer who was added has nothing, and its rights are taken.
    let left =
        "SELECT count(*) FROM pg_proc p, aclexplode(p.proacl) a WHERE a.grantee = 'anna'::regrole";
    assert_eq!(ask(&mut su, left), "0");
    let rows = "SELECT DISTINCT role::regrole::text FROM credentials.collaborator
                  UNION SELECT DISTINCT role::regrole::text FROM credentials.collaborator_right";
    assert_eq!(column(&mut su, rows), ["bob"]);
}

#[test]
fn collaborators_are_read_and_limited_on_a_follower_and_changed_on_the_primary_alone() {
    let mut scene = two_apps();
    drop(collaborator(&mut scene, "bob", "deploy,manage"));
    role(&mut scene, "eve");
    let follower = scene.cluster.standby();
    let mut there = follower
        .login("bob", "a-person-called-bob", "app")
        .expect("a login on the follower");
    assert_eq!(
        column(&mut there, "SELECT name FROM credentials.list()"),
        ["web"]
    );
    run(&mut there, "SELECT * FROM credentials.config_vars('shop')");
    assert_eq!(
        outcome(&mut there, "SELECT * FROM credentials.config_vars('stock')"),
        "42501"
    );
    for call in [
        "add_collaborator('eve', 'shop', '{view}')",
        "update_collaborator('bob', 'shop', '{view}')",
        "remove_collaborator('bob', 'shop')",
    ] {
        let sql = format!("SELECT credentials.{call}");
        assert_eq!(outcome(&mut there, &sql), "25006", "{call}");
    }
    assert_eq!(listed(&mut scene), ["shop bob {view,deploy,manage}"]);
    remove(&mut scene, "bob", "shop");
    assert_eq!(rights(&mut scene, "bob"), Vec::<String>::new());
    drop(there);
}
