//! Up, up again, up with its history lost, down, and up once more.

use super::{changes, migrate, scene, Tool, Way};
use crate::scene::{ask, outcome, rows, run, Scene};

/// What the app is told.
#[track_caller]
fn variable(s: &mut Scene) -> String {
    ask(
        &mut s.own,
        "SELECT value FROM credentials.config_vars('shop') WHERE config_var = 'DATABASE_URL'",
    )
}

/// The app works with what it is told: it writes, and makes no table.
#[track_caller]
fn the_app_works(s: &mut Scene) {
    let url = variable(s);
    let mut app = s.cluster.connect(&url).expect("a login of the app");
    assert_eq!(ask(&mut app, "SELECT current_user"), "web");
    run(
        &mut app,
        "INSERT INTO public.orders (what) VALUES ('a thing'); SELECT * FROM public.orders",
    );
    assert_eq!(outcome(&mut app, "CREATE TABLE public.own ()"), "42501");
}

#[track_caller]
fn goes_up_and_down(tool: Tool) {
    let mut s = scene();
    migrate(&s, tool, Way::Up);
    the_app_works(&mut s);
    let (told, made) = (variable(&mut s), changes(&mut s));
    migrate(&s, tool, Way::Up);
    tool.forget(&mut s);
    migrate(&s, tool, Way::Up);
    assert_eq!((variable(&mut s), changes(&mut s)), (told.clone(), made));

    migrate(&s, tool, Way::Down);
    s.settle();
    let left =
        "SELECT name FROM credentials.list() UNION ALL SELECT app FROM credentials.attachments()";
    assert_eq!(rows(&mut s.su, left), ["default"]);
    assert!(s.cluster.connect(&told).is_err());
    assert_eq!(ask(&mut s.su, "SELECT to_regclass('public.orders')"), "");

    migrate(&s, tool, Way::Up);
    the_app_works(&mut s);
    assert_ne!(variable(&mut s), told);
}

#[test]
fn alembic_goes_up_twice_without_a_change_and_down_without_a_rest() {
    goes_up_and_down(Tool::Alembic);
}

#[test]
fn sqitch_goes_up_twice_without_a_change_and_down_without_a_rest() {
    goes_up_and_down(Tool::Sqitch);
}

#[test]
fn node_pg_migrate_goes_up_twice_without_a_change_and_down_without_a_rest() {
    goes_up_and_down(Tool::NodePgMigrate);
}

#[test]
fn a_migration_that_fails_leaves_neither_credential_nor_attachment() {
    for tool in [Tool::Alembic, Tool::Sqitch, Tool::NodePgMigrate] {
        let mut s = scene();
        // The table comes first, this last.
        run(
            &mut s.su,
            "REVOKE EXECUTE ON FUNCTION credentials.attach, credentials.apply FROM app_owner",
        );
        let url = s.cluster.url("default");
        let output = crate::harness::programs::run_with(&mut tool.command(Way::Up, &url), "");
        assert!(!output.status.success(), "{tool:?}");
        assert_eq!(
            rows(&mut s.su, "SELECT name FROM credentials.list()"),
            ["default"],
            "{tool:?}"
        );
        assert_eq!(
            ask(&mut s.su, "SELECT to_regclass('public.orders')"),
            "",
            "{tool:?}"
        );
    }
}
