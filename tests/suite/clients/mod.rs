//! Real clients, each from its own registry, log in with what `url()` and `config_vars()` tell: psql, psycopg, asyncpg,
//! SQLAlchemy, node-postgres and the `postgres` crate (tokio-postgres).

mod hosts;
mod names;
mod passwords;

use std::process::Command;

use postgres::Client;

use crate::harness::programs::{checkout, node, output_of, python};
use crate::harness::Cluster;
use crate::scene::{run, told, Scene};

/// What each client asks, where it is not a script that does.
const WHO: &str = "SELECT current_user || E'\\n' || session_user || E'\\n' || current_database()";

/// A database, and an endpoint that every client reaches without TLS: node-postgres takes `prefer` for `verify-full`.
#[track_caller]
fn scene() -> Scene {
    let mut s = Scene::new();
    let port = s.cluster.port();
    run(
        &mut s.own,
        &format!("SELECT credentials.set_endpoint('plain', '127.0.0.1', {port}, 'disable')"),
    );
    s
}

/// Attaches credentials to an app of their own and gives the values of its config variables, in the same order.
#[track_caller]
fn urls(cluster: &Cluster, client: &mut Client, names: &[&str], endpoint: &str) -> Vec<String> {
    let app = format!("to-{endpoint}");
    for (number, name) in names.iter().enumerate() {
        let variable = format!("N{number:03}");
        client
            .execute(
                "SELECT credentials.attach($1, $2, $3, $4)",
                &[name, &app, &variable, &endpoint],
            )
            .unwrap_or_else(|error| panic!("{name}: {}", told(&error)));
    }
    let told = client.query("SELECT value FROM credentials.config_vars($1)", &[&app]);
    let urls: Vec<String> = told
        .expect("config_vars()")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(urls.len(), names.len());
    for url in &urls {
        let config: postgres::Config = url.parse().expect("a URL");
        let password = config.get_password().expect("a password");
        cluster.remember_secret(&String::from_utf8_lossy(password));
    }
    urls
}

/// A login that was tried.
struct Login {
    client: String,
    url: usize,
    /// current_user, session_user and current_database(), or the error.
    seen: Result<Vec<String>, String>,
}

/// The clients of a script, with each URL.
#[track_caller]
fn script(command: &mut Command, urls: &[String]) -> Vec<Login> {
    let input = serde_json::to_string(urls).unwrap();
    let lines = output_of(command, &input);
    let read = |line: &str| {
        let answer: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let seen = match answer.get("seen").and_then(|seen| seen.as_array()) {
            Some(seen) => {
                assert_eq!(seen[3], 1, "{line}");
                let words = seen[..3].iter().map(|w| w.as_str().unwrap().to_owned());
                Ok(words.collect())
            }
            None => Err(answer["error"].to_string()),
        };
        Login {
            client: answer["client"].as_str().unwrap().to_owned(),
            url: usize::try_from(answer["url"].as_u64().unwrap()).unwrap(),
            seen,
        }
    };
    lines.lines().map(read).collect()
}

/// psycopg, asyncpg and SQLAlchemy with each URL.
#[track_caller]
fn python_clients(urls: &[String]) -> Vec<Login> {
    let login = checkout("tests/clients/login.py");
    script(python("python").arg(login), urls)
}

/// The command that node-postgres logs in with.
fn node_postgres() -> Command {
    let mut command = node();
    command.arg(checkout("tests/clients/login.cjs"));
    command
}

/// psql with each URL.
fn psql(cluster: &Cluster, urls: &[String]) -> Vec<Login> {
    let ask = |(number, url): (usize, &String)| {
        let output = cluster.psql(&["-At", "-d", url, "-c", WHO], "");
        let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned();
        let seen = match output.status.success() {
            true => Ok(text(&output.stdout)
                .split('\n')
                .map(str::to_owned)
                .collect()),
            false => Err(text(&output.stderr)),
        };
        Login {
            client: "psql".to_owned(),
            url: number,
            seen,
        }
    };
    urls.iter().enumerate().map(ask).collect()
}

/// The `postgres` crate with each URL.
fn crate_postgres(cluster: &Cluster, urls: &[String]) -> Vec<Login> {
    let ask = |(number, url): (usize, &String)| Login {
        client: "tokio-postgres".to_owned(),
        url: number,
        seen: cluster
            .connect(url)
            .and_then(|mut client| client.query_one(WHO, &[]))
            .map(|row| {
                row.get::<_, &str>(0)
                    .split('\n')
                    .map(str::to_owned)
                    .collect()
            })
            .map_err(|error| told(&error)),
    };
    urls.iter().enumerate().map(ask).collect()
}

/// Every client with each URL.
#[track_caller]
fn every_client(cluster: &Cluster, urls: &[String]) -> Vec<Login> {
    let mut logins = python_clients(urls);
    logins.extend(script(&mut node_postgres(), urls));
    logins.extend(psql(cluster, urls));
    logins.extend(crate_postgres(cluster, urls));
    logins
}

/// Each login is that of the username, in the database, as often as there are clients.
#[track_caller]
fn all_are(logins: &[Login], usernames: &[&str], database: &str, clients: usize) {
    assert_eq!(logins.len(), usernames.len() * clients);
    let wrong: Vec<String> = logins
        .iter()
        .filter(|login| {
            let username = usernames[login.url].to_owned();
            login.seen != Ok(vec![username.clone(), username, database.to_owned()])
        })
        .map(|login| {
            format!(
                "{} as {:?}: {:?}",
                login.client, usernames[login.url], login.seen
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
