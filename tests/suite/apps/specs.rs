//! The key `attachments` of a spec, and apps in the diagram.

use super::{attach, attached, scene};
use crate::scene::{ask, column, outcome, rows, run};

fn statements(client: &mut postgres::Client, function: &str, spec: &str) -> Vec<String> {
    column(
        client,
        &format!("SELECT statement FROM credentials.{function}($spec${spec}$spec$)"),
    )
}

#[test]
fn a_spec_attaches_what_it_names_with_the_credentials_it_makes_and_writes_nothing_the_second_time()
{
    let mut scene = scene();
    run(
        &mut scene.own,
        "SELECT credentials.set_endpoint('pool', 'pool.example.com')",
    );
    attach(&mut scene.own, "'one', 'shop'");
    let spec = r#"{"credentials": {"app_shop": {}},
      "attachments": {"shop": {"DATABASE_URL": "app_shop", "REPORTS_URL": {"credential": "two", "endpoint": "pool"}},
                      "billing": {"OWNER_URL": "owner"}}}"#;
    let planned = statements(&mut scene.own, "plan", spec);
    assert_eq!(
        planned[1..],
        [
            "SELECT * FROM credentials.attach('default', 'billing', as_name => 'OWNER');",
            "SELECT * FROM credentials.detach('DATABASE_URL', 'shop');",
            "SELECT * FROM credentials.attach('app_shop', 'shop', as_name => 'DATABASE');",
            "SELECT * FROM credentials.attach('two', 'shop', as_name => 'REPORTS', endpoint => 'pool');",
        ]
    );
    assert_eq!(statements(&mut scene.own, "apply", spec), planned);
    assert_eq!(
        attached(&mut scene.own, "shop"),
        ["DATABASE_URL|app_shop|leader", "REPORTS_URL|two|pool"]
    );
    assert_eq!(
        attached(&mut scene.own, "billing"),
        ["OWNER_URL|default|leader"]
    );
    let events = "SELECT count(*) FROM credentials.events()";
    let before = ask(&mut scene.own, events);
    assert_eq!(statements(&mut scene.own, "apply", spec), [""; 0]);
    assert_eq!(ask(&mut scene.own, events), before);
    let told = rows(
        &mut scene.own,
        "SELECT name, app FROM credentials.events() WHERE action = 'apply' AND app IS NOT NULL",
    );
    assert_eq!(told, ["app_shop|shop", "default|billing", "two|shop"]);
    let exported = ask(
        &mut scene.own,
        "SELECT credentials.export() -> 'attachments'",
    );
    assert_eq!(
        exported,
        r#"{"shop": {"REPORTS_URL": {"endpoint": "pool", "credential": "two"}, "DATABASE_URL": "app_shop"}, "billing": {"OWNER_URL": "default"}}"#
    );
}

#[test]
fn the_statements_of_a_plan_do_what_it_says() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    let spec = r#"{"attachments": {"shop": {"DATABASE_URL": "two", "A_URL_URL": "one"}}}"#;
    for statement in statements(&mut scene.own, "plan", spec) {
        run(&mut scene.own, &statement);
    }
    assert_eq!(statements(&mut scene.own, "plan", spec), [""; 0]);
}

#[test]
fn what_attach_would_refuse_is_refused_before_anything_is_done() {
    let mut scene = scene();
    run(
        &mut scene.su,
        "CREATE ROLE taken LOGIN; SELECT credentials.adopt('taken')",
    );
    for (spec, state) in [
        (
            r#"{"credentials": {"n": {}}, "attachments": {"shop": {"DATABASE_URL": "nobody"}}}"#,
            "42704",
        ),
        (
            r#"{"credentials": {"n": {}}, "attachments": {"shop": {"DATABASE_URL": {"credential": "one", "endpoint": "moon"}}}}"#,
            "42704",
        ),
        (
            r#"{"credentials": {"n": {}}, "attachments": {"shop": {"DATABASE_URL": "taken"}}}"#,
            "55000",
        ),
        (
            r#"{"credentials": {"n": {}}, "attachments": {"Shop": {"DATABASE_URL": "one"}}}"#,
            "42602",
        ),
        (
            r#"{"attachments": {"shop": {"database_URL": "one"}}}"#,
            "42602",
        ),
        (r#"{"attachments": {"shop": {"DATABASE": "one"}}}"#, "22023"),
        (
            r#"{"attachments": {"shop": {"DATABASE_URL": {"credential": "one", "pool": "x"}}}}"#,
            "22023",
        ),
        (
            r#"{"attachments": {"shop": {"DATABASE_URL": "one"}}, "from": {"role": "default", "stage": "prepare"}}"#,
            "22023",
        ),
    ] {
        for function in ["plan", "apply"] {
            let call = format!("SELECT credentials.{function}($spec${spec}$spec$)");
            assert_eq!(outcome(&mut scene.own, &call), state, "{call}");
        }
    }
    assert_eq!(
        ask(
            &mut scene.own,
            "SELECT count(*) FROM credentials.list() WHERE name = 'n'"
        ),
        "0"
    );
}

#[test]
fn the_diagram_shows_apps_with_their_variables_and_no_secret() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    attach(&mut scene.own, "'default', 'shop', 'OWNER'");
    let drawn = ask(&mut scene.own, "SELECT credentials.diagram()");
    let app = drawn
        .lines()
        .find_map(|line| line.strip_suffix(r#">"shop"]"#))
        .expect("the app")
        .trim()
        .to_owned();
    for (variable, name) in [("DATABASE_URL", "one"), ("OWNER_URL", "default")] {
        let credential = drawn
            .lines()
            .find_map(|line| line.strip_suffix(&format!(r#"(["{name}"])"#)))
            .expect(name)
            .trim();
        let edge = format!(r#"  {app} -->|"{variable}"| {credential}"#);
        assert!(drawn.lines().any(|line| line == edge), "{edge}\n{drawn}");
    }
    assert!(!drawn.contains("postgres://"), "{drawn}");
}
