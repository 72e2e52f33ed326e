//! docs/permissions.md: every spec in it is applied as it stands.

use super::{apply, writes_nothing};
use crate::harness::expect_error;
use crate::scene::{ask, column, run, Scene};

const PAGE: &str = include_str!("../../../docs/permissions.md");

/// The blocks of a language, each with the heading that it stands under.
fn blocks(language: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let (mut heading, mut block): (&str, Option<String>) = ("", None);
    for line in PAGE.lines() {
        match &mut block {
            Some(text) if line.starts_with("```") => {
                found.push((heading, std::mem::take(text)));
                block = None;
            }
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
            None if line == format!("```{language}") => block = Some(String::new()),
            // Blocks of other languages are passed over.
            None if line.starts_with("```") && line.len() > 3 => block = None,
            None => {
                heading = line
                    .strip_prefix("## ")
                    .or(line.strip_prefix("### "))
                    .unwrap_or(heading)
            }
        }
    }
    found
}

/// What the specs of the page speak of and do not make.
const APPLICATION: &str = "CREATE SCHEMA shop; CREATE TABLE shop.orders (id serial, tenant text); CREATE TABLE shop.payments (id serial);
    CREATE TABLE shop.audit_log (id serial); INSERT INTO shop.orders (tenant) VALUES ('a'), ('b')";

#[test]
fn each_spec_of_the_page_is_applied_and_a_second_time_writes_nothing() {
    let specs = blocks("json");
    assert!(specs.len() >= 5, "{specs:?}");
    let mut scene = Scene::new();
    run(&mut scene.own, APPLICATION);
    for (heading, spec) in &specs {
        assert!(!apply(&mut scene.su, spec).is_empty(), "{heading}: {spec}");
        scene.settle();
        writes_nothing(&mut scene.su, &mut scene.own, spec);
    }
}

/// The spec under a heading.
fn under(heading: &str) -> String {
    let found = blocks("json").into_iter().find(|(h, _)| *h == heading);
    found.unwrap_or_else(|| panic!("no spec under {heading}")).1
}

#[test]
fn the_background_job_and_the_audit_of_the_page_do_what_it_says_of_them() {
    let mut scene = Scene::new();
    run(&mut scene.own, APPLICATION);
    for heading in ["Background job", "Audit"] {
        apply(&mut scene.own, &under(heading));
    }
    let mut worker = scene.login("shop_worker");
    run(&mut worker, "SELECT * FROM shop.orders; UPDATE shop.orders SET tenant = tenant; INSERT INTO shop.audit_log VALUES (1)");
    expect_error(&mut worker, "DELETE FROM shop.orders", "42501");
    expect_error(&mut worker, "SELECT * FROM shop.payments", "42501");
    assert_eq!(ask(&mut worker, "SHOW statement_timeout"), "1h");
    let mut audit = scene.login("audit");
    run(
        &mut audit,
        "SELECT * FROM shop.payments; SELECT * FROM shop.audit_log",
    );
    // Read-only by its settings, which anybody may change, and by its rights.
    assert_eq!(ask(&mut audit, "SHOW default_transaction_read_only"), "on");
    run(&mut audit, "SET default_transaction_read_only = off");
    for statement in [
        "SELECT * FROM shop.orders",
        "INSERT INTO shop.payments DEFAULT VALUES",
        "DELETE FROM shop.audit_log",
        "CREATE TABLE shop.x (i int)",
    ] {
        expect_error(&mut audit, statement, "42501");
    }
}

#[test]
fn the_tenant_of_the_page_sees_its_own_rows_and_writes_no_others() {
    let mut scene = Scene::new();
    run(&mut scene.own, APPLICATION);
    apply(&mut scene.own, &under("Tenant"));
    let mut tenant = scene.login("tenant_a");
    // Where a hostile owner has it off, the server refuses a tenant every row: here it is to be seen which.
    run(&mut tenant, "SET row_security = on");
    assert_eq!(column(&mut tenant, "SELECT tenant FROM shop.orders"), ["a"]);
    run(
        &mut tenant,
        "INSERT INTO shop.orders (tenant) VALUES ('a'); UPDATE shop.orders SET id = id",
    );
    expect_error(
        &mut tenant,
        "INSERT INTO shop.orders (tenant) VALUES ('b')",
        "42501",
    );
    assert_eq!(
        column(&mut tenant, "SELECT tenant FROM shop.orders"),
        ["a", "a"]
    );
}

#[test]
fn the_statements_of_the_page_run() {
    let mut scene = Scene::new();
    let all = blocks("sql");
    assert!(all.len() >= 4);
    for (heading, sql) in all {
        let client = if heading == "Four roles" {
            &mut scene.su
        } else {
            &mut scene.own
        };
        if let Err(error) = client.batch_execute(&sql) {
            panic!("{heading}: {sql}: {}", crate::scene::told(&error));
        }
    }
}
