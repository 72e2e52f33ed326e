//! A server that is kept well has no findings; and the quoting of names is the server's.

use std::fs;
use std::process::Command;

use super::{findings, Finding};
use crate::harness::Cluster;
use crate::scene::{ask, run, Scene};

#[path = "../../../src/core/quote.rs"]
mod quote;

/// A cluster as a careful person keeps it: superusers come in over the socket, as the operating system knows them.
pub(super) fn well_kept() -> Scene {
    let cluster = Cluster::builder()
        .setting("fsync", "on")
        .setting("log_statement", "ddl")
        .start();
    let whoami = Command::new("id").arg("-un").output().expect("id");
    let me = String::from_utf8_lossy(&whoami.stdout).trim().to_owned();
    let data = cluster.data_dir();
    fs::write(
        data.join("pg_ident.conf"),
        format!("people {me} postgres\npeople postgres postgres\n"),
    )
    .expect("pg_ident.conf");
    let rules = "local all postgres peer map=people\nlocal all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n";
    fs::write(data.join("pg_hba.conf"), rules).expect("pg_hba.conf");
    cluster.restart();
    Scene::on(cluster)
}

#[test]
fn a_well_kept_server_has_no_findings_when_it_is_set_up_and_none_at_work() {
    let mut scene = well_kept();
    let none: [Finding; 0] = [];
    assert_eq!(findings(&mut scene.su), none);
    assert_eq!(findings(&mut scene.own), none);
    for name in ["c1", "c2", "c3"] {
        run(
            &mut scene.own,
            &format!("SELECT credentials.create('{name}', connection_limit => 20)"),
        );
    }
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; CREATE TABLE shop.t (i int); GRANT USAGE ON SCHEMA shop TO c1; GRANT SELECT ON shop.t TO c1",
    );
    assert_eq!(findings(&mut scene.own), none);
    // A rotation at any stage is nothing to look at; nor is a credential that was closed just now.
    run(&mut scene.own, "SELECT credentials.rotate('c1')");
    assert_eq!(findings(&mut scene.own), none);
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', force => true)",
    );
    run(&mut scene.own, "SELECT credentials.suspend('c2')");
    assert_eq!(findings(&mut scene.own), none);
    scene.settle();
    assert_eq!(findings(&mut scene.own), none);
    run(
        &mut scene.own,
        "SELECT credentials.destroy('c3', confirm => 'app')",
    );
    assert_eq!(findings(&mut scene.own), none);
    scene.settle();
    assert_eq!(findings(&mut scene.own), none);
}

#[test]
fn presets_on_objects_of_every_kind_are_no_findings() {
    let mut scene = well_kept();
    for name in ["c1", "c2", "c3", "c4"] {
        run(
            &mut scene.own,
            &format!("SELECT credentials.create('{name}', connection_limit => 20)"),
        );
    }
    let objects = |schema: &str| {
        format!(
            "CREATE SCHEMA {schema}; CREATE TABLE {schema}.t (i int PRIMARY KEY, s serial); CREATE TABLE {schema}.p (i int) PARTITION BY LIST (i);
             CREATE VIEW {schema}.v AS SELECT 1 AS i; CREATE MATERIALIZED VIEW {schema}.m AS SELECT 1 AS i; CREATE SEQUENCE {schema}.q;
             CREATE FUNCTION {schema}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION {schema}.f FROM PUBLIC;
             CREATE FUNCTION {schema}.d() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION {schema}.d FROM PUBLIC;
             CREATE AGGREGATE {schema}.a (int) (sfunc = int4pl, stype = int); REVOKE EXECUTE ON FUNCTION {schema}.a FROM PUBLIC;
             CREATE TYPE {schema}.y AS (i int);"
        )
    };
    run(&mut scene.own, &objects("\"One;\""));
    run(&mut scene.own, "SELECT credentials.grant('c1', 'read_only', ARRAY['One;']); SELECT credentials.grant('c2', 'read_write', ARRAY['One;'])");
    run(&mut scene.own, "SELECT credentials.grant('c3', 'owner', ARRAY['One;']); SELECT credentials.grant('c4', 'read_only', ARRAY['*'])");
    scene.settle();
    run(&mut scene.own, &objects("two"));
    run(&mut scene.own, "CREATE TEMPORARY TABLE gone (i int)");
    assert_eq!(findings(&mut scene.own), []);
    run(&mut scene.own, "SELECT credentials.revoke('c3', schemas => NULL); SELECT credentials.destroy('c1', confirm => 'app')");
    scene.settle();
    assert_eq!(findings(&mut scene.own), []);
}

#[test]
fn the_layouts_are_no_findings_but_for_limits_that_they_leave_open() {
    let mut scene = well_kept();
    for layout in ["'owner_writer_reader', 'shop'", "'four_roles', 'app'"] {
        run(
            &mut scene.su,
            &format!("SELECT credentials.apply(credentials.layout({layout}))"),
        );
    }
    scene.settle();
    for client in [&mut scene.own, &mut scene.su] {
        let mut found = findings(client);
        found.retain(|f| f.code != "credential_unlimited");
        assert_eq!(found, []);
    }
}

#[test]
fn extensions_with_tables_of_their_own_are_no_findings() {
    let mut scene = well_kept();
    run(
        &mut scene.su,
        "CREATE EXTENSION file_fdw; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION dblink",
    );
    assert_eq!(findings(&mut scene.su), []);
}

#[test]
fn names_and_texts_are_quoted_as_the_server_does_it() {
    let cluster = Cluster::builder().preload(false).start();
    let mut su = cluster.superuser("app");
    let words = "SELECT string_agg(word, ' ' ORDER BY word) FROM pg_get_keywords()";
    let mut names: Vec<String> = ask(&mut su, words).split(' ').map(str::to_owned).collect();
    names.extend(
        [
            "",
            "a",
            "A",
            "a b",
            "a\"b",
            "a'b",
            "a\\b",
            "é",
            "1a",
            "a1",
            "_",
            "a$",
            "a\nb",
            "\u{1F600}",
        ]
        .map(str::to_owned),
    );
    for name in &names {
        let row = su
            .query_one("SELECT quote_ident($1), quote_literal($1)", &[name])
            .expect("quoting");
        assert_eq!(quote::ident(name), row.get::<_, String>(0));
        assert_eq!(quote::literal(name), row.get::<_, String>(1));
        let both = format!("{}.{}", quote::ident("x"), quote::ident(name));
        assert_eq!(quote::qualified("x", name), both);
    }
}
