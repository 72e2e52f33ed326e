//! What `why` is asked about: names, and what is told to nobody.

use super::why::{scene, TABLES};
use crate::harness::expect_error;
use crate::scene::{ask, column, run, Scene};

#[test]
fn a_name_is_looked_up_where_the_manual_says_and_nowhere_else() {
    let mut scene = scene();
    // The path of the session, temporary tables and traps in it are not asked.
    run(
        &mut scene.own,
        "CREATE TEMPORARY TABLE plain (n int); SET search_path = shop, pg_temp; CREATE SCHEMA plain; CREATE TABLE public.shop (n int)",

    );
    let what = |scene: &mut Scene, object: &str, privilege: &str| {
        let call = format!("SELECT string_agg(detail, ',') FROM credentials.why('{object}', '{privilege}') WHERE via = 'ownership'");
        ask(&mut scene.own, &call)
    };
    assert!(what(&mut scene, "plain", "SELECT").ends_with("owns table public.plain"));
    assert!(what(&mut scene, "shop", "SELECT").ends_with("owns table public.shop"));
    assert!(what(&mut scene, "schema shop", "USAGE").ends_with("owns schema shop"));
    for unknown in [
        "orders",
        "shop.nothing",
        "nothing.orders",
        "app.shop.orders",
        "shop.total(int)",
        "shop.total(no_type, text)",
        "shop.total(",
        "schema nothing",
        "database postgres",
        "table shop.numbers",
        "sequence shop.orders",
        "function shop.orders",
        "",
        "shop.",
        "shop.orders; DROP TABLE x",
        "shop.total(int, text) --",
        "shop.total(int; text)",
        "shop.orders.n",
        "\"shop.orders\"",
        "shop.orders\u{1}",
    ] {
        let error = expect_error(
            &mut scene.own,
            &format!("SELECT * FROM credentials.why('{unknown}', 'SELECT')"),
            "42704",
        );
        let told = error.as_db_error().unwrap().message().to_owned();
        assert!(told.starts_with("object \""), "{told}");
        assert!(told.bytes().all(|b| (32..127).contains(&b)), "{told}");
    }
    expect_error(
        &mut scene.own,
        "SELECT * FROM credentials.why(repeat('x', 20000000))",
        "42704",
    );
    let several = expect_error(
        &mut scene.own,
        "SELECT * FROM credentials.why('shop.total', 'EXECUTE')",
        "22023",
    );
    assert!(several
        .as_db_error()
        .unwrap()
        .hint()
        .unwrap()
        .contains("function shop.total(integer, text)"));
    for (object, privilege, known) in [
        ("shop.orders", "READ", TABLES.join(", ").as_str()),
        ("shop.numbers", "INSERT", "SELECT, UPDATE, USAGE"),
        ("shop.closed", "SELECT", "EXECUTE"),
        ("schema shop", "SELECT", "CREATE, USAGE"),
        (
            "app",
            "SELECT WITH GRANT OPTION",
            "CONNECT, CREATE, TEMPORARY",
        ),
        ("shop.orders", "", "SELECT"),
        ("shop.orders", "USAGE", "SELECT"),
    ] {
        let call = format!("SELECT * FROM credentials.why('{object}', '{privilege}')");
        let error = expect_error(&mut scene.own, &call, "22023");
        assert!(
            error.as_db_error().unwrap().hint().unwrap().contains(known),
            "{call}"
        );
    }
    expect_error(
        &mut scene.own,
        "SELECT * FROM credentials.why('shop.orders', 'SELECT', 'low')",
        "42704",
    );
    expect_error(
        &mut scene.own,
        "SELECT * FROM credentials.why(NULL)",
        "22023",
    );
    expect_error(
        &mut scene.own,
        "SELECT * FROM credentials.why('shop.orders', NULL)",
        "22023",
    );
}

#[test]
fn nobody_is_told_of_a_secret_and_no_event_is_written() {
    let mut scene = scene();
    let before = ask(&mut scene.su, "SELECT count(*) FROM credentials.event");
    run(
        &mut scene.own,
        "SELECT * FROM credentials.why('credentials.secret'); SELECT * FROM credentials.table_privileges(); SELECT * FROM credentials.schema_privileges()",
    );
    let told = column(
        &mut scene.own,
        "SELECT detail FROM credentials.why('credentials.secret', 'SELECT')",
    );
    assert!(
        told.iter()
            .any(|line| line.contains("no policy lets reads SELECT any row")),
        "{told:#?}"
    );
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.event"),
        before
    );
}
