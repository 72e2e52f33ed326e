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
