//! Every shape of a name: of credentials, of roles that were there before, of the database.

use super::{all_are, every_client, scene, urls};
use crate::harness::Cluster;
use crate::scene::run;

/// Names that `create` takes.
const CREATED: [&str; 8] = [
    "a",
    "0",
    "-",
    "_-_",
    "--help",
    "CamelCase",
    "with-dash_and_underscore",
    "12345678901234567890123456789012345678901234567890",
];

/// Names of roles that `adopt` takes: whatever a URL, a shell or a connection string could stumble on.
const ADOPTED: [&str; 14] = [
    "ad opted=é",
    "user@example.com",
    "100%25",
    "a/b:c?d#e",
    " spaces ",
    "it's",
    "\"quoted\"",
    "back\\slash",
    "[::1]",
    "a+b&c=d;e",
    "\u{1F600}\u{1F680}",
    "Ünïcödé-ж-漢字",
    "$(id)`id`${HOME}",
    r#"o'ne \ "tw0"  @:/?#[]%41&=+;.<>{}|^~`$(x) üж"#,
];

/// asyncpg writes the username into its SCRAM messages as it is, and there a comma ends it (RFC 5802 wants `=2C`).
const COMMA: &str = "last, first";

#[test]
fn every_client_logs_in_under_every_shape_of_a_username() {
    let mut s = scene();
    let mut names = vec!["default"];
    for name in CREATED {
        s.own
            .execute("SELECT credentials.create($1)", &[&name])
            .unwrap();
        names.push(name);
    }
    let adopted: Vec<String> = (0..ADOPTED.len()).map(|n| format!("adopted-{n}")).collect();
    for (role, name) in ADOPTED.iter().zip(&adopted) {
        run(
            &mut s.su,
            &format!("CREATE ROLE \"{}\" LOGIN", role.replace('"', "\"\"")),
        );
        s.su.execute("SELECT credentials.adopt($1, $2)", &[role, name])
            .unwrap();
        s.own
            .execute("SELECT credentials.set_password($1)", &[name])
            .unwrap();
        names.push(name);
    }
    let usernames: Vec<&str> = ["app_owner"]
        .into_iter()
        .chain(CREATED)
        .chain(ADOPTED)
        .collect();
    let urls = urls(&s.cluster, &mut s.own, &names, "plain");
    all_are(&every_client(&s.cluster, &urls), &usernames, "app", 6);
}

#[test]
fn a_username_with_a_comma_is_one_that_every_client_but_asyncpg_can_log_in_with() {
    let mut s = scene();
    run(
        &mut s.su,
        &format!("CREATE ROLE \"{COMMA}\" LOGIN; SELECT credentials.adopt('{COMMA}', 'adopted')"),
    );
    run(&mut s.own, "SELECT credentials.set_password('adopted')");
    let urls = urls(&s.cluster, &mut s.own, &["adopted"], "plain");
    let mut logins = every_client(&s.cluster, &urls);
    logins.retain(|login| login.client != "asyncpg");
    all_are(&logins, &[COMMA], "app", 5);
}

/// A home database of this name, and its credential `shop`: what the clients see that log in there.
#[track_caller]
fn logins_in(database: &str) -> Vec<super::Login> {
    let cluster = Cluster::builder()
        .setting("credential_manager.database", database)
        .setting("credential_manager.sslmode", "disable")
        .start();
    run(
        &mut cluster.superuser("app"),
        &format!("CREATE DATABASE \"{}\"", database.replace('"', "\"\"")),
    );
    let mut su = cluster.superuser(database);
    run(
        &mut su,
        "CREATE EXTENSION credential_manager; SELECT credentials.setup('app_owner');
         SELECT credentials.create('shop')",
    );
    cluster.without_invariants("the harness looks into app, and the home is elsewhere");
    let urls = urls(&cluster, &mut su, &["shop"], "leader");
    every_client(&cluster, &urls)
}

#[test]
fn every_client_finds_a_database_whose_name_needs_encoding() {
    let database = r#"50% "more" <ü>{}|^` 漢字"#;
    all_are(&logins_in(database), &["shop"], database, 6);
}

#[test]
fn a_database_whose_name_has_delimiters_of_urls_is_found_by_all_but_node_postgres() {
    // It decodes the path with decodeURI(), which leaves these as they are.
    let database = "a&b/c?d#e:f@g=h+i";
    let mut logins = logins_in(database);
    logins.retain(|login| login.client != "node-postgres");
    all_are(&logins, &["shop"], database, 5);
}

#[test]
fn in_a_rotation_every_client_logs_in_with_what_it_is_told_then_and_is_the_same_user() {
    let mut s = scene();
    drop(s.credential("shop"));
    run(
        &mut s.own,
        "SELECT credentials.rotate('shop', overlap => '1 hour', grace => '1 hour')",
    );
    let urls = urls(&s.cluster, &mut s.own, &["shop"], "plain");
    assert!(urls[0].contains("//shop-rotating:"), "{}", urls[0]);
    for login in every_client(&s.cluster, &urls) {
        let expected = ["shop", "shop-rotating", "app"].map(str::to_owned).to_vec();
        assert_eq!(login.seen, Ok(expected), "{}", login.client);
    }
}
