//! Tenants: credentials that see of shared tables the rows that bear their mark, and whatever they try, no other.

mod away;
mod granted;
mod later;
mod queries;
mod refusals;
mod rows;
mod tables;
mod ways;
mod words;

use postgres::{Client, SimpleQueryMessage};

use crate::scene::{run, Scene};

/// A shared table of the default credential, what reads it, and a group that may use all of it.
const SHOP: &str = "
    CREATE SCHEMA shop;
    CREATE TABLE shop.orders (id int PRIMARY KEY, tenant text, x int NOT NULL DEFAULT 0, note text);
    CREATE INDEX ON shop.orders (tenant);
    CREATE VIEW shop.v AS SELECT * FROM shop.orders;
    CREATE VIEW shop.vv AS SELECT tenant, id, x, note FROM shop.v WHERE x >= 0;
    CREATE FUNCTION shop.invoker() RETURNS SETOF shop.orders LANGUAGE plpgsql AS
      $$ BEGIN RETURN QUERY EXECUTE 'SELECT * FROM shop.orders'; END $$;
    CREATE FUNCTION shop.definer() RETURNS SETOF shop.orders LANGUAGE sql SECURITY DEFINER AS
      $$ SELECT * FROM shop.orders $$;
    CREATE FUNCTION shop.leak(tenant text, note text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
      $$ BEGIN RAISE NOTICE 'leaked % %', tenant, note; RETURN true; END $$;
    GRANT USAGE ON SCHEMA shop TO shop_group;
    GRANT SELECT, INSERT, UPDATE, DELETE ON shop.orders, shop.v, shop.vv TO shop_group;";

/// A scene with [`SHOP`] and `count` tenants `t00`, `t01`, … of `shop.orders`, members of the group, each with
/// `rows` rows; and rows of nobody.
#[track_caller]
fn shop(scene: Scene, count: usize, rows: usize) -> Scene {
    let mut scene = scene;
    // Where a hostile owner has it off, the server refuses a tenant every row: here it is to be seen which.
    run(
        &mut scene.su,
        "ALTER DATABASE app RESET row_security; ALTER ROLE app_owner RESET row_security",
    );
    run(
        &mut scene.own,
        "SET row_security = on; SET standard_conforming_strings = on",
    );
    run(&mut scene.su, "CREATE ROLE shop_group");
    run(&mut scene.own, SHOP);
    for number in 0..count {
        run(
            &mut scene.own,
            &format!("SELECT credentials.create('{}')", tenant(number)),
        );
        run(
            &mut scene.su,
            &format!("GRANT shop_group TO {}", tenant(number)),
        );
    }
    run(
        &mut scene.own,
        &format!(
            "INSERT INTO shop.orders (id, tenant, x, note)
             SELECT i, CASE WHEN i % ({count} + 1) < {count} THEN 'm' || i % ({count} + 1) END, i, 'of ' || i
               FROM generate_series(0, {rows} * ({count} + 1) - 1) i"
        ),
    );
    let tenants: Vec<(String, &str, String)> = (0..count)
        .map(|n| (tenant(n), "shop.orders", mark(n)))
        .collect();
    apply(&mut scene.own, &tenants);
    scene
}

/// The name of a tenant.
fn tenant(number: usize) -> String {
    format!("t{number:02}")
}

/// What stands in its rows.
fn mark(number: usize) -> String {
    format!("m{number}")
}

/// A spec of tenants: credential, table, value of the column `tenant`.
fn spec(tenants: &[(String, &str, String)]) -> String {
    let entries: Vec<_> = tenants
        .iter()
        .map(|(credential, table, value)| {
            serde_json::json!({"credential": credential, "tables": [table], "column": "tenant", "value": value})
        })
        .collect();
    serde_json::json!({ "tenants": entries }).to_string()
}

/// Applies a spec of tenants.
#[track_caller]
fn apply(client: &mut Client, tenants: &[(String, &str, String)]) {
    apply_spec(client, &spec(tenants));
}

/// Applies a spec, and finds that it has nothing left to say.
#[track_caller]
fn apply_spec(client: &mut Client, spec: &str) {
    let spec = spec.replace('\'', "''");
    run(
        client,
        &format!("SELECT * FROM credentials.apply('{spec}')"),
    );
    assert_eq!(planned(client, &spec), Vec::<String>::new());
}

/// The statements of a plan.
#[track_caller]
fn planned(client: &mut Client, spec: &str) -> Vec<String> {
    crate::scene::column(
        client,
        &format!("SELECT statement FROM credentials.plan('{spec}')"),
    )
}

/// What a statement gave: the first column of its rows, or an SQLSTATE.
fn told(client: &mut Client, sql: &str) -> Result<Vec<String>, String> {
    match client.simple_query(sql) {
        Ok(messages) => Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("nobody").to_owned()),
                _ => None,
            })
            .collect()),
        Err(error) => Err(crate::harness::sqlstate(&error)),
    }
}

/// How many rows a statement gives, which must all be of `mark`.
#[track_caller]
fn own_rows(client: &mut Client, sql: &str, mark: &str) -> usize {
    let rows = told(client, sql).unwrap_or_else(|state| panic!("{sql}: {state}"));
    assert!(
        rows.iter().all(|row| row == mark),
        "{mark}: {sql}: {rows:?}"
    );
    rows.len()
}
