//! T17: one home a cluster. T70, T74: what stands there before, and what a dump brings along.

use crate::harness::{expect_error, Cluster};
use crate::scene::{ask, column, fingerprint, run, Scene};

#[test]
fn t17_a_second_database_can_neither_install_nor_act() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(&mut scene.su, "CREATE ROLE owner2 LOGIN");
    run(&mut scene.su, "CREATE DATABASE db2 OWNER owner2");
    let mut db2 = scene.cluster.superuser("db2");
    expect_error(&mut db2, "CREATE EXTENSION credential_manager", "55000");
    assert_eq!(
        ask(
            &mut db2,
            "SELECT count(*) FROM pg_namespace WHERE nspname = 'credentials'"
        ),
        "0"
    );
    // A superuser has its way: home moves for a moment, and comes back.
    let reload = |database: &str| {
        let mut su = scene.cluster.superuser("postgres");
        scene
            .cluster
            .append_conf(&format!("credential_manager.database = '{database}'"));
        run(&mut su, "SELECT pg_reload_conf()");
        crate::harness::wait_until("the new setting is seen", crate::harness::SOON, || {
            let mut fresh = scene.cluster.superuser("postgres");
            ask(&mut fresh, "SHOW credential_manager.database") == database
        });
    };
    reload("db2");
    run(
        &mut scene.cluster.superuser("db2"),
        "CREATE EXTENSION credential_manager",
    );
    reload("app");
    let mut db2 = scene.cluster.superuser("db2");
    run(
        &mut db2,
        "INSERT INTO credentials.credential (role, name, role_name, state, created_at)
         SELECT oid, CASE rolname WHEN 'app_owner' THEN 'default' ELSE 'c1' END, rolname, 'active', now()
           FROM pg_roles WHERE rolname IN ('app_owner', 'c1');
         GRANT USAGE ON SCHEMA credentials TO owner2; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA credentials TO owner2",
    );
    let before = fingerprint(&mut scene.su);
    for identity in ["postgres", "owner2"] {
        run(&mut db2, &format!("SET ROLE {identity}"));
        for call in super::resolution::ALL_CALLS {
            expect_error(
                &mut db2,
                &format!("SELECT * FROM credentials.{}", call.replace("t1", "c1")),
                "55000",
            );
        }
        for call in [
            "setup('owner2')",
            "setup_plan()",
            "adopt('owner2')",
            "release('c1')",
            "claim('db2')",
            "reseal()",
        ] {
            expect_error(
                &mut db2,
                &format!("SELECT * FROM credentials.{call}"),
                "55000",
            );
        }
    }
    assert_eq!(fingerprint(&mut scene.su), before);
    drop(db2);
    run(
        &mut scene.su,
        "SELECT credentials.rotate('c1', force => true)",
    );
    scene.settle();
}

#[test]
fn t70_objects_that_stand_in_the_way_of_the_install_are_neither_taken_nor_called() {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    run(
        &mut su,
        "CREATE ROLE squatter LOGIN; GRANT CREATE ON DATABASE app TO squatter; GRANT CREATE ON SCHEMA public TO squatter;
         SET ROLE squatter; CREATE SEQUENCE public.calls; GRANT ALL ON SEQUENCE public.calls TO PUBLIC;
         CREATE FUNCTION public.caught(text, text) RETURNS bool LANGUAGE plpgsql AS
           $$ BEGIN PERFORM nextval('public.calls'); RETURN true; END $$;
         CREATE OPERATOR public.= (FUNCTION = public.caught, LEFTARG = text, RIGHTARG = text);
         CREATE FUNCTION public.current_setting(text, boolean) RETURNS text LANGUAGE plpgsql AS
           $$ BEGIN PERFORM nextval('public.calls'); RETURN 'app'; END $$;
         CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS
           $$ BEGIN PERFORM nextval('public.calls'); RETURN 'x'; END $$;
         CREATE TYPE public.made AS (x int); CREATE TABLE public.credential (x int);
         RESET ROLE; SET search_path = public, pg_catalog; SET check_function_bodies = off",
    );
    run(&mut su, "CREATE EXTENSION credential_manager");
    assert_eq!(ask(&mut su, "SELECT is_called FROM public.calls"), "f");
    expect_error(
        &mut su,
        "CREATE EXTENSION credential_manager SCHEMA public",
        "42710",
    );
    run(&mut su, "DROP EXTENSION credential_manager");
    expect_error(
        &mut su,
        "CREATE EXTENSION credential_manager SCHEMA public",
        "0A000",
    );
    run(&mut su, "SET ROLE squatter; CREATE SCHEMA credentials");
    expect_error(
        &mut su,
        "RESET ROLE; CREATE EXTENSION credential_manager",
        "42P06",
    );
}

#[test]
fn t74_a_restored_dump_has_no_credential_and_acts_on_no_role_of_the_same_name() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    let dump = scene.cluster.pg_dumpall();
    assert!(dump.contains("CREATE EXTENSION IF NOT EXISTS credential_manager"));
    assert!(!dump.contains("INSERT INTO credentials.") && !dump.contains("COPY credentials."));
    let other = Cluster::builder().own_initdb().start();
    let mut su = other.superuser("app");
    run(&mut su, "CREATE ROLE c1 LOGIN; CREATE ROLE app_owner LOGIN; ALTER DATABASE app OWNER TO app_owner; CREATE EXTENSION credential_manager");
    for call in [
        "rotate('c1', force => true)",
        "destroy('c1', 'app')",
        "url('c1')",
        "list()",
    ] {
        expect_error(&mut su, &format!("SELECT credentials.{call}"), "55000");
    }
    run(&mut su, "SELECT credentials.setup()");
    assert_eq!(
        column(&mut su, "SELECT name FROM credentials.list()"),
        ["default"]
    );
    expect_error(
        &mut su,
        "SELECT credentials.rotate('c1', force => true)",
        "42704",
    );
    run(&mut su, "SELECT credentials.adopt('c1')");
    assert_eq!(
        column(&mut su, "SELECT name FROM credentials.list()"),
        ["default", "c1"]
    );
}

#[test]
fn t75_a_password_hook_of_another_library_sees_a_verifier_and_lets_it_through() {
    let cluster = Cluster::builder().preload_also("passwordcheck").start();
    let mut scene = Scene::on(cluster);
    drop(scene.credential("c1"));
    run(
        &mut scene.own,
        "SELECT credentials.set_password('c1', 'c1c1c1c1c1c1c1c1c1c1c1c1')",
    );
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', force => true)",
    );
    scene.settle();
    drop(scene.login("c1"));
    // The hook is there: it refuses what it does not like of others.
    expect_error(&mut scene.su, "ALTER ROLE c1 PASSWORD 'c1'", "22023");
}
