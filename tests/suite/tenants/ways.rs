//! Ways round row security that a tenant, or a careless owner, could think of.

use super::{apply, own_rows, shop, told};
use crate::scene::{ask, outcome, run, Scene};

#[test]
fn what_one_session_prepares_is_filtered_anew_for_each_role_that_runs_it() {
    let mut scene = shop(Scene::new(), 2, 5);
    run(
        &mut scene.own,
        "PREPARE q AS SELECT tenant FROM shop.orders; SET plan_cache_mode = force_generic_plan",
    );
    for _ in 0..3 {
        run(&mut scene.own, "SET ROLE t00");
        assert_eq!(own_rows(&mut scene.own, "EXECUTE q", "m0"), 5);
        run(&mut scene.own, "SET ROLE t01");
        assert_eq!(own_rows(&mut scene.own, "EXECUTE q", "m1"), 5);
        run(&mut scene.own, "RESET ROLE");
        assert_eq!(told(&mut scene.own, "EXECUTE q").unwrap().len(), 15);
    }
}

#[test]
fn a_cursor_and_a_temporary_function_show_no_more_than_a_plain_query() {
    let mut scene = shop(Scene::new(), 2, 5);
    run(&mut scene.own, "GRANT TEMPORARY ON DATABASE app TO t00");
    let mut tenant = scene.login("t00");
    run(
        &mut tenant,
        "CREATE FUNCTION pg_temp.spy(text) RETURNS boolean LANGUAGE plpgsql COST 0.00001 AS
           $$ BEGIN IF $1 IS DISTINCT FROM 'm0' THEN RAISE EXCEPTION 'seen: %', $1; END IF; RETURN true; END $$;
         CREATE OPERATOR pg_temp.~~~ (FUNCTION = pg_temp.spy, RIGHTARG = text);
         CREATE TEMP VIEW mine AS SELECT * FROM shop.orders;
         BEGIN; DECLARE c CURSOR FOR SELECT tenant FROM shop.orders",
    );
    assert_eq!(own_rows(&mut tenant, "FETCH ALL FROM c", "m0"), 5);
    run(&mut tenant, "COMMIT");
    for sql in [
        "SELECT tenant FROM shop.orders WHERE pg_temp.spy(tenant)",
        "SELECT tenant FROM shop.v WHERE OPERATOR(pg_temp.~~~) tenant",
        "SELECT tenant FROM mine WHERE pg_temp.spy(tenant)",
        "DELETE FROM shop.orders WHERE pg_temp.spy(tenant) AND id < 0 RETURNING tenant",
        "SELECT tenant FROM shop.orders WHERE CASE WHEN tenant <> 'm0' THEN 1 / (x - x) > 0 ELSE true END",
    ] {
        assert!(own_rows(&mut tenant, sql, "m0").is_multiple_of(5), "{sql}");
    }
}

#[test]
fn what_the_owner_makes_later_shows_a_tenant_its_own_rows() {
    let mut scene = shop(Scene::new(), 2, 5);
    run(
        &mut scene.own,
        "CREATE VIEW shop.later AS SELECT tenant, x FROM shop.orders;
         CREATE VIEW shop.barrier WITH (security_barrier) AS SELECT tenant FROM shop.later;
         CREATE VIEW shop.invoked WITH (security_invoker) AS SELECT tenant FROM shop.orders;
         CREATE FUNCTION shop.later_definer() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS
           $$ BEGIN RETURN QUERY SELECT tenant FROM shop.orders; END $$;
         CREATE TABLE shop.bell (i int);
         CREATE RULE ring AS ON INSERT TO shop.bell DO ALSO UPDATE shop.orders SET note = 'rung';
         GRANT SELECT ON shop.later, shop.barrier, shop.invoked TO shop_group;
         GRANT INSERT ON shop.bell TO shop_group",
    );
    let mut tenant = scene.login("t01");
    for role in ["t01", "shop_group"] {
        run(&mut tenant, &format!("SET ROLE {role}"));
        for source in [
            "shop.later",
            "shop.barrier",
            "shop.invoked",
            "shop.later_definer() AS f(tenant)",
        ] {
            let sql = format!("SELECT tenant FROM {source}");
            assert_eq!(own_rows(&mut tenant, &sql, "m1"), 5, "{role}: {source}");
        }
    }
    run(&mut tenant, "INSERT INTO shop.bell VALUES (1)");
    let rung =
        "SELECT string_agg(DISTINCT tenant, ',') || count(*) FROM shop.orders WHERE note = 'rung'";
    assert_eq!(ask(&mut scene.su, rung), "m15");
}

#[test]
fn a_policy_that_is_added_later_widens_no_tenant() {
    let mut scene = shop(Scene::new(), 2, 5);
    let mut other = scene.stranger("other", "");
    run(
        &mut scene.own,
        "CREATE POLICY open ON shop.orders USING (true) WITH CHECK (true);
         CREATE POLICY open_to_tenant ON shop.orders TO t00 USING (true);
         GRANT USAGE, CREATE ON SCHEMA shop TO other; GRANT SELECT ON shop.orders TO other",
    );
    run(&mut other, "CREATE VIEW shop.others_view AS SELECT tenant FROM shop.orders; GRANT SELECT ON shop.others_view TO PUBLIC");
    run(
        &mut scene.own,
        "CREATE POLICY open_to_other ON shop.orders TO other USING (true)",
    );
    let mut tenant = scene.login("t00");
    assert_eq!(
        own_rows(&mut tenant, "SELECT tenant FROM shop.orders", "m0"),
        5
    );
    assert_eq!(
        own_rows(&mut tenant, "SELECT tenant FROM shop.others_view", "m0"),
        5
    );
    assert_eq!(
        told(&mut other, "SELECT tenant FROM shop.orders")
            .unwrap()
            .len(),
        15
    );
    assert_eq!(
        outcome(
            &mut tenant,
            "INSERT INTO shop.orders (id, tenant) VALUES (-1, 'm1')"
        ),
        "42501"
    );
}

#[test]
fn row_security_cannot_be_switched_off_and_statistics_tell_nothing() {
    let mut scene = shop(Scene::new(), 2, 50);
    run(&mut scene.su, "ANALYZE shop.orders");
    let mut tenant = scene.login("t00");
    run(&mut tenant, "SET row_security = off");
    assert_eq!(
        outcome(&mut tenant, "SELECT tenant FROM shop.orders"),
        "42501"
    );
    run(&mut tenant, "RESET row_security");
    for act in [
        "ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE shop.orders NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenants_rows ON shop.orders",
        "ALTER POLICY tenants_rows ON shop.orders USING (true)",
        "TRUNCATE shop.orders",
        "SET SESSION AUTHORIZATION t01",
        "SET ROLE t01",
        "COPY shop.orders FROM STDIN",
    ] {
        let state = outcome(&mut tenant, act);
        assert!(
            ["42501", "0A000"].contains(&state.as_str()),
            "{act}: {state:?}"
        );
    }
    assert_eq!(
        ask(
            &mut tenant,
            "SELECT count(*) FROM pg_stats WHERE tablename = 'orders'"
        ),
        "0"
    );
    assert_eq!(
        ask(&mut scene.own, "SELECT count(*) FROM shop.orders"),
        "150"
    );
}

#[test]
fn default_its_pools_and_the_other_roles_of_the_application_see_all_rows() {
    let mut scene = shop(Scene::new(), 2, 5);
    let mut app = scene.credential("app");
    run(&mut scene.su, "GRANT shop_group TO app");
    for client in [&mut app, &mut scene.own] {
        for source in ["shop.orders", "shop.v", "shop.definer()"] {
            let rows = told(client, &format!("SELECT tenant FROM {source}")).unwrap();
            assert_eq!(rows.len(), 15, "{source}");
        }
        run(client, "INSERT INTO shop.orders (id, tenant) VALUES (-7, 'm1'); UPDATE shop.orders SET tenant = 'm0' WHERE id = -7; DELETE FROM shop.orders WHERE id = -7");
    }
    // A pool that logs in as itself and takes the tenant's role for each request.
    let mut pool = scene.stranger("pool", "NOINHERIT");
    run(&mut scene.su, "GRANT t00, t01 TO pool");
    for (role, mark) in [("t00", "m0"), ("t01", "m1")] {
        run(&mut pool, &format!("SET ROLE {role}"));
        for source in ["shop.orders", "shop.v", "shop.invoker()"] {
            let sql = format!("SELECT tenant FROM {source}");
            assert_eq!(own_rows(&mut pool, &sql, mark), 5, "{source}");
        }
        run(&mut pool, "RESET ROLE");
    }
}

#[test]
fn foreign_keys_of_shared_tables_hold_although_the_owner_is_filtered() {
    let mut scene = shop(Scene::new(), 2, 5);
    run(
        &mut scene.own,
        "CREATE TABLE shop.items (id int PRIMARY KEY, tenant text, o int REFERENCES shop.orders ON DELETE CASCADE);
         GRANT SELECT, INSERT ON shop.items TO shop_group",
    );
    apply(
        &mut scene.own,
        &[
            ("t00".to_owned(), "shop.items", "m0".to_owned()),
            ("t01".to_owned(), "shop.items", "m1".to_owned()),
        ],
    );
    let mut tenant = scene.login("t00");
    run(&mut tenant, "INSERT INTO shop.items VALUES (1, 'm0', 0)");
    assert_eq!(
        outcome(&mut tenant, "INSERT INTO shop.items VALUES (2, 'm0', 777)"),
        "23503"
    );
    assert_eq!(
        outcome(&mut tenant, "INSERT INTO shop.items VALUES (3, 'm1', 0)"),
        "42501"
    );
    run(&mut tenant, "DELETE FROM shop.orders WHERE id = 0");
    assert_eq!(ask(&mut scene.su, "SELECT count(*) FROM shop.items"), "0");
}

#[test]
fn a_dump_of_default_asks_for_row_security_and_is_then_whole() {
    let scene = shop(Scene::new(), 2, 5);
    let dump = |more: &[&str]| {
        let mut command = scene.cluster.client_command("pg_dump");
        command
            .arg("--data-only")
            .arg("--table=shop.orders")
            .args(more);
        command.arg(scene.cluster.url("default"));
        command.output().unwrap()
    };
    assert!(!dump(&[]).status.success());
    let whole = dump(&["--enable-row-security"]);
    let text = String::from_utf8_lossy(&whole.stdout);
    assert_eq!(
        text.lines()
            .filter(|line| line.contains("\tof ") || line.contains("of "))
            .filter(|l| l.contains('\t'))
            .count(),
        15,
        "{text}"
    );
}
