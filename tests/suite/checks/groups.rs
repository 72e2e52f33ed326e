//! Managed groups, readers by plain grants, and access lists that grow too long.

use super::{about, case, findings, gone, make, mend, seen_and_mended, the};
use crate::scene::{ask, run, Scene};

/// A schema with a reader's and a writer's group as `grant` leaves them; all that is in it is served.
const GROUPS: &str = "
    CREATE SCHEMA shop;
    CREATE ROLE db_reader_shop; CREATE ROLE db_writer_shop;
    GRANT USAGE ON SCHEMA shop TO db_reader_shop, db_writer_shop;
    INSERT INTO credentials.access_group (role, role_name, kind, scope, scope_name, created_at)
    SELECT r.oid, r.rolname, k.kind, 'shop'::regnamespace, 'shop', now()
      FROM (VALUES ('reader'), ('writer')) k(kind) JOIN pg_roles r ON r.rolname = 'db_' || k.kind || '_shop'";

fn with_groups() -> Scene {
    let mut scene = Scene::new();
    run(&mut scene.su, GROUPS);
    assert!(!findings(&mut scene.su)
        .iter()
        .any(|f| f.code.starts_with("group_")));
    scene
}

#[test]
fn a_group_that_was_renamed_dropped_or_opened_is_found_and_mended() {
    let mut scene = with_groups();
    case(
        &mut scene,
        "ALTER ROLE db_reader_shop RENAME TO \"r\"\"r\"",
        "high",
        "group_renamed",
        "role \"r\"\"r\"",
    );
    for word in ["LOGIN", "CREATEROLE", "BYPASSRLS"] {
        case(
            &mut scene,
            &format!("ALTER ROLE db_reader_shop {word}"),
            "high",
            "group_elevated",
            "role db_reader_shop",
        );
    }
    case(
        &mut scene,
        "DROP OWNED BY db_reader_shop; DROP ROLE db_reader_shop",
        "medium",
        "group_gone",
        "role db_reader_shop",
    );
}

#[test]
fn a_group_whose_schema_is_gone_is_found_and_dropped() {
    let mut scene = with_groups();
    case(
        &mut scene,
        "DROP SCHEMA shop",
        "low",
        "group_stale",
        "role db_reader_shop",
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'db_reader_shop'"
        ),
        "0"
    );
    assert_eq!(
        about(&mut scene.su, "group_gone", "role db_reader_shop"),
        []
    );
}

#[test]
fn groups_of_a_schema_that_a_dump_has_brought_back_go_and_its_data_stays() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; SELECT credentials.create('analyst', 'read_only', '{shop}');
         SELECT credentials.create('deploy', 'owner', '{shop}')",
    );
    scene.settle();
    run(
        &mut scene.su,
        "DROP SCHEMA shop CASCADE;
         CREATE SCHEMA shop AUTHORIZATION db_owner_shop; CREATE TABLE shop.back AS SELECT 1 AS i;
         ALTER TABLE shop.back OWNER TO db_owner_shop; GRANT USAGE ON SCHEMA shop TO db_reader_shop;
         GRANT SELECT ON shop.back TO db_reader_shop;
         ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO db_reader_shop",
    );
    for group in ["db_reader_shop", "db_owner_shop"] {
        let object = format!("role {group}");
        seen_and_mended(&mut scene, "low", "group_stale", &object);
        let left = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{group}'");
        assert_eq!(ask(&mut scene.su, &left), "0");
    }
    let kept = "SELECT concat_ws(' ', i, (SELECT relowner::regrole FROM pg_class WHERE oid = 'shop.back'::regclass)) FROM shop.back";
    assert_eq!(ask(&mut scene.su, kept), "1 app_owner");
}

#[test]
fn what_a_group_lacks_in_its_schema_is_found_and_granted() {
    let mut scene = with_groups();
    run(
        &mut scene.su,
        "CREATE TABLE shop.\"T;\" (i int); CREATE VIEW shop.v AS SELECT 1 AS i; CREATE MATERIALIZED VIEW shop.m AS SELECT 1 AS i;
         CREATE SEQUENCE shop.s; CREATE FUNCTION shop.\"f\"\"\"(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1';
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO db_reader_shop, db_writer_shop;
         GRANT SELECT, USAGE ON SEQUENCE shop.s TO db_reader_shop, db_writer_shop;
         REVOKE EXECUTE ON FUNCTION shop.\"f\"\"\" FROM PUBLIC;
         GRANT EXECUTE ON FUNCTION shop.\"f\"\"\" TO db_reader_shop, db_writer_shop",
    );
    assert!(!findings(&mut scene.su)
        .iter()
        .any(|f| f.code == "group_rights"));
    for (revoke, object) in [
        (
            "SELECT ON shop.\"T;\" FROM db_reader_shop",
            "table shop.\"T;\"",
        ),
        (
            "DELETE ON shop.\"T;\" FROM db_writer_shop",
            "table shop.\"T;\"",
        ),
        ("UPDATE ON shop.v FROM db_writer_shop", "table shop.v"),
        ("SELECT ON shop.m FROM db_writer_shop", "table shop.m"),
        (
            "SELECT ON SEQUENCE shop.s FROM db_reader_shop",
            "sequence shop.s",
        ),
        (
            "USAGE ON SEQUENCE shop.s FROM db_writer_shop",
            "sequence shop.s",
        ),
        (
            "EXECUTE ON FUNCTION shop.\"f\"\"\" FROM db_reader_shop",
            "routine shop.\"f\"\"\"(integer,text)",
        ),
        ("USAGE ON SCHEMA shop FROM db_reader_shop", "schema shop"),
    ] {
        case(
            &mut scene,
            &format!("REVOKE {revoke}"),
            "medium",
            "group_rights",
            object,
        );
    }
    // A reader needs to write nothing, and a definer's function is for its owner to give.
    run(
        &mut scene.su,
        "REVOKE INSERT, UPDATE, DELETE ON shop.\"T;\" FROM db_reader_shop; REVOKE USAGE ON SEQUENCE shop.s FROM db_reader_shop;
         REVOKE INSERT ON shop.m FROM db_writer_shop;
         CREATE FUNCTION shop.g() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION shop.g() FROM PUBLIC",
    );
    assert_eq!(about(&mut scene.su, "group_rights", "routine shop.g()"), []);
    assert!(!findings(&mut scene.su)
        .iter()
        .any(|f| f.code == "group_rights"));
}

#[test]
fn a_schema_that_its_owners_lost_is_found_and_given_back() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(
        &mut scene.own,
        "CREATE SCHEMA \"S;\"; SELECT credentials.grant('c1', 'owner', ARRAY['S;'])",
    );
    scene.settle();
    case(
        &mut scene,
        "ALTER SCHEMA \"S;\" OWNER TO app_owner",
        "medium",
        "group_not_owner",
        "schema \"S;\"",
    );
}

#[test]
fn what_default_could_not_give_a_group_is_found_and_given() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; GRANT CREATE ON SCHEMA shop TO c1",
    );
    run(&mut scene.su, "CREATE TABLE shop.of_su (i int)");
    run(
        &mut scene.own,
        "SELECT credentials.grant('c1', 'read_only', '{shop}')",
    );
    seen_and_mended(&mut scene, "medium", "group_rights", "table shop.of_su");
    // What is made from now on gets its rights whoever makes it.
    run(&mut scene.su, "CREATE TABLE shop.next (i int)");
    assert!(!findings(&mut scene.su)
        .iter()
        .any(|f| f.code == "group_rights"));
}

#[test]
fn a_group_of_every_schema_lacks_what_it_lacks_in_any() {
    let mut scene = Scene::new();
    run(
        &mut scene.su,
        "CREATE ROLE db_reader_all; CREATE SCHEMA \"Any\"; CREATE TABLE \"Any\".t (i int); GRANT USAGE ON SCHEMA public, \"Any\" TO db_reader_all;
         GRANT SELECT ON \"Any\".t TO db_reader_all;
         INSERT INTO credentials.access_group (role, role_name, kind, scope, scope_name, created_at)
         SELECT r.oid, r.rolname, 'reader', 0, '*', now() FROM pg_roles r WHERE r.rolname = 'db_reader_all'",
    );
    assert!(!findings(&mut scene.su)
        .iter()
        .any(|f| f.code.starts_with("group_")));
    case(
        &mut scene,
        "REVOKE SELECT ON \"Any\".t FROM db_reader_all",
        "medium",
        "group_rights",
        "table \"Any\".t",
    );
}

#[test]
fn readers_of_every_table_who_will_not_read_the_next_are_found() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    drop(scene.credential("c2"));
    run(
        &mut scene.own,
        "CREATE SCHEMA \"S;\"; CREATE TABLE \"S;\".t1 (i int); CREATE TABLE \"S;\".t2 (i int)",
    );
    let object = "schema \"S;\"";
    // One of two tables is not all of them.
    run(
        &mut scene.own,
        "GRANT SELECT, INSERT ON \"S;\".t1 TO c1, c2",
    );
    assert_eq!(about(&mut scene.su, "default_privileges", object), []);
    make(
        &mut scene,
        "GRANT SELECT, INSERT ON \"S;\".t2 TO c1, c2",
        "default_privileges",
        object,
    );
    seen_and_mended(&mut scene, "low", "default_privileges", object);
    run(&mut scene.own, "CREATE TABLE \"S;\".t3 (i int)");
    assert_eq!(ask(&mut scene.su, "SELECT has_table_privilege('c1', '\"S;\".t3', 'SELECT') AND has_table_privilege('c2', '\"S;\".t3', 'INSERT')"), "t");
    assert_eq!(about(&mut scene.su, "default_privileges", object), []);
    // Another role makes tables there too, and promises nothing.
    case(
        &mut scene,
        "CREATE TABLE \"S;\".t4 (i int); GRANT SELECT ON \"S;\".t4 TO c1",
        "low",
        "default_privileges",
        object,
    );
}

#[test]
fn a_table_with_a_long_access_list_is_found_and_gets_a_group() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    run(&mut scene.own, "CREATE TABLE public.\"L;\" (i int); CREATE SEQUENCE public.s; GRANT USAGE ON SCHEMA public TO c1; GRANT SELECT, INSERT ON public.\"L;\" TO c1");
    run(
        &mut scene.su,
        "DO $$ BEGIN FOR i IN 1..1400 LOOP EXECUTE format('CREATE ROLE %I', 'r; ' || i); END LOOP;
           EXECUTE (SELECT 'GRANT SELECT ON public.\"L;\" TO ' || string_agg(quote_ident(rolname), ',') FROM pg_roles WHERE rolname LIKE 'r; %');
           EXECUTE (SELECT 'GRANT USAGE ON SEQUENCE public.s TO ' || string_agg(quote_ident(rolname), ',') FROM pg_roles WHERE rolname LIKE 'r; %');
         END $$",
    );
    for object in ["table public.\"L;\"", "sequence public.s"] {
        let found = the(&mut scene.su, "acl_size", object);
        assert_eq!(found.severity, "medium");
        mend(&scene.cluster, &found.remedy);
        gone(&mut scene.su, "acl_size", object);
    }
    // Nobody has lost anything, and who had more has it still.
    let lost = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'r; %'
                 AND NOT (has_table_privilege(oid, 'public.\"L;\"', 'SELECT') AND has_sequence_privilege(oid, 'public.s', 'USAGE'))";
    assert_eq!(ask(&mut scene.su, lost), "0");
    run(&mut c1, "INSERT INTO public.\"L;\" VALUES (1)");
}
