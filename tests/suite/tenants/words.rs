//! What a plan says is what runs, and the second time nothing does.

use super::{mark, planned, shop, spec, tenant};
use crate::scene::{ask, column, run, Scene};

const POLICIES: &str = "SELECT string_agg(concat_ws('|', polname, polpermissive, polcmd, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), ' ' ORDER BY polname) FROM pg_policy";

#[test]
fn the_statements_of_a_plan_typed_by_hand_make_the_same_policies() {
    let mut scene = shop(Scene::new(), 2, 1);
    run(
        &mut scene.su,
        "CREATE ROLE \"o\"\"dd's\" LOGIN; SELECT credentials.adopt('o\"dd''s', 'odd')",
    );
    let all = [
        (tenant(0), "shop.orders", mark(0)),
        (tenant(1), "shop.orders", r#"it's "x"\ {,}"#.to_owned()),
        ("odd".to_owned(), "shop.orders", "NULL".to_owned()),
    ];
    let wanted = spec(&all).replace('\'', "''");
    let statements = planned(&mut scene.own, &wanted);
    run(
        &mut scene.own,
        &format!("SELECT * FROM credentials.apply('{wanted}')"),
    );
    let applied = ask(&mut scene.su, POLICIES);
    assert!(applied.contains("dd''s-rotating"), "{applied}");
    run(&mut scene.own, "DROP POLICY tenants_rows ON shop.orders; DROP POLICY tenants_others ON shop.orders; ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY");
    for statement in statements.iter().filter(|s| !s.starts_with("DROP")) {
        run(&mut scene.own, statement);
    }
    assert_eq!(ask(&mut scene.su, POLICIES), applied);
}

#[test]
fn the_second_apply_writes_nothing_and_says_nothing() {
    let mut scene = shop(Scene::new(), 3, 1);
    let all: Vec<_> = (0..3)
        .map(|n| (tenant(n), "shop.orders", mark(n)))
        .collect();
    let wanted = spec(&all);
    let print = "SELECT md5(string_agg(t, '|' ORDER BY t)) FROM (
        SELECT xmin::text || p::text FROM pg_policy p UNION ALL SELECT xmin::text || oid FROM pg_class
        UNION ALL SELECT xmin::text || t::text FROM credentials.tenant t
        UNION ALL SELECT xmin::text || t::text FROM credentials.tenant_table t
        UNION ALL SELECT e::text FROM credentials.event e) x(t)";
    let before = ask(&mut scene.su, print);
    let rows = column(
        &mut scene.own,
        &format!("SELECT statement FROM credentials.apply('{wanted}')"),
    );
    assert_eq!(rows, Vec::<String>::new());
    assert_eq!(ask(&mut scene.su, print), before);
}
