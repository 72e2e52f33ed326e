//! Presets: a credential is useful in one call, for all that is in a schema and all that will be; nobody gets more
//! than that, and what is not ours stays as it is.

mod astray;
mod groups;
mod owner;
mod presets;
mod refusals;
mod standing;
mod together;
mod unmanaged;

use postgres::Client;

use crate::scene::{ask, outcome, rows, run};

/// A schema with one object of each kind that carries rights, owned by whoever runs it. `double_it` runs with its
/// caller's rights, `definer_secret` with its owner's.
const SHOP: &str = "
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int PRIMARY KEY, note text);
INSERT INTO shop.orders VALUES (1, 'one'), (2, 'two');
CREATE TABLE shop.parts (id int) PARTITION BY RANGE (id);
CREATE TABLE shop.parts_low PARTITION OF shop.parts FOR VALUES FROM (0) TO (10);
CREATE VIEW shop.seen AS SELECT id FROM shop.orders;
CREATE MATERIALIZED VIEW shop.kept AS SELECT id FROM shop.orders;
CREATE SEQUENCE shop.numbers;
CREATE FUNCTION shop.double_it(i int) RETURNS int LANGUAGE sql AS 'SELECT i * 2';
CREATE FUNCTION shop.definer_secret() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 42';
CREATE PROCEDURE shop.do_nothing() LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA shop FROM PUBLIC;
";

/// `grant` by whoever's session it is; the rows `name|schema|access|was`.
#[track_caller]
fn grant(client: &mut Client, name: &str, access: &str, schemas: &str) -> Vec<String> {
    rows(
        client,
        &format!("SELECT * FROM credentials.grant('{name}', '{access}', '{schemas}')"),
    )
}

/// What `list()` says of a credential's access.
#[track_caller]
fn access(client: &mut Client, name: &str) -> String {
    ask(
        client,
        &format!("SELECT access FROM credentials.list() WHERE name = '{name}'"),
    )
}

/// The groups that a role is a member of, by name.
#[track_caller]
fn groups(client: &mut Client, role: &str) -> Vec<String> {
    crate::scene::column(
        client,
        &format!(
            "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
             JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = '{role}' ORDER BY 1"
        ),
    )
}

/// Asserts that each statement succeeds, as a real login.
#[track_caller]
fn may(client: &mut Client, statements: &[&str]) {
    for sql in statements {
        run(client, sql);
    }
}

/// Asserts that each statement is refused for want of a right.
#[track_caller]
fn may_not(client: &mut Client, statements: &[&str]) {
    for sql in statements {
        assert_eq!(outcome(client, sql), "42501", "{sql}");
    }
}

/// What psql says to a statement of default's, notices included.
#[track_caller]
fn said_to_default(scene: &crate::scene::Scene, sql: &str) -> String {
    let url = scene.cluster.url("default");
    let output = scene.cluster.psql(&[&url, "-c", sql], "");
    String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned()
}
