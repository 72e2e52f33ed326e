//! What `url()` and `connection_info()` tell is what libpq, psql and a driver understand, on a standby too.

use super::{one, psql, ready, row, set_up, text};
use crate::harness::{expect_error, Cluster};

/// Every shape of a name that is allowed.
const NAMES: [&str; 9] = [
    "a",
    "0",
    "-",
    "_-_",
    "-rotating-not",
    "CamelCase",
    "with-dash_and_underscore",
    "12345678901234567890123456789012345678901234567890",
    "--help",
];

/// A role name of 54 bytes that has all a URL, a shell and a connection string could stumble on.
const ODD: &str = r#"o'ne \ "tw0"  @:/?#[]%41&=+;,<>{}|^~`$(x) üж"#;

/// Logs in with the URL and with the connection string, as psql and as a driver do, and asks who it is.
#[track_caller]
fn understood(cluster: &Cluster, username: &str, url: &str, conninfo: &str) {
    let asked = "SELECT current_user, current_database(), inet_server_port()";
    for target in [url, conninfo] {
        let (answer, _) = psql(cluster, target, asked);
        let mut parts = answer.rsplitn(3, '|');
        assert_eq!(
            parts.next(),
            Some(cluster.port().to_string().as_str()),
            "{target}"
        );
        assert!(parts.next().is_some());
        assert_eq!(parts.next(), Some(username), "{target}");
        let mut session = cluster
            .connect(target)
            .unwrap_or_else(|e| panic!("{target}: {e}"));
        assert_eq!(text(&mut session, "SELECT current_user"), username);
    }
}

#[test]
fn the_url_of_every_allowed_name_logs_in_with_psql_and_with_a_driver() {
    let (mut su, cluster) = ready();
    for name in NAMES {
        su.execute("SELECT credentials.create($1)", &[&name])
            .unwrap();
        let told = row(
            &mut su,
            &format!("SELECT * FROM credentials.connection_info('{name}')"),
        );
        let told: Vec<String> = told
            .into_iter()
            .map(|part| part.expect("no part is NULL"))
            .collect();
        let port = cluster.port().to_string();
        assert_eq!(told[..6], [name, name, "127.0.0.1", &port, "app", "prefer"]);
        assert_eq!(told[7], cluster.url(name));
        understood(&cluster, name, &told[7], &told[6]);
        let password = told[7]
            .rsplit_once('@')
            .unwrap()
            .0
            .rsplit_once(':')
            .unwrap()
            .1
            .to_owned();
        assert_eq!(
            told[7],
            format!("postgres://{name}:{password}@127.0.0.1:{port}/app?sslmode=prefer")
        );
        assert_eq!(told[6], format!("dbname=app host=127.0.0.1 port={port} user={name} password={password} sslmode=prefer"));
        assert_eq!(told[8], format!("jdbc:postgresql://127.0.0.1:{port}/app?user={name}&password={password}&sslmode=prefer"));
    }
}

#[test]
fn odd_names_of_roles_and_of_the_database_are_encoded_so_that_clients_read_them_back() {
    let database = r#"50% & "more"/?#ü'"#;
    let cluster = Cluster::builder()
        .setting("credential_manager.database", database)
        .start();
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    cluster
        .superuser("app")
        .batch_execute(&format!("CREATE DATABASE {}", quoted(database)))
        .unwrap();
    let mut su = cluster.superuser(database);
    assert!(ODD.len() <= 54, "{}", ODD.len());
    su.batch_execute("CREATE EXTENSION credential_manager")
        .unwrap();
    su.execute("SELECT credentials.setup($1)", &[&ODD]).unwrap();
    su.batch_execute(&format!(
        "CREATE ROLE {} LOGIN; SELECT credentials.rotate('default', force => true)",
        quoted("ad opted=é")
    ))
    .unwrap();
    su.batch_execute("SELECT credentials.adopt('ad opted=é', 'adopted'); SELECT credentials.set_password('adopted', 'with = & % ü ä and @ / in it')").unwrap();
    for (name, username) in [("default", ODD), ("adopted", "ad opted=é")] {
        let told = su
            .query_one(
                "SELECT url, conninfo, jdbc_url, username FROM credentials.connection_info($1)",
                &[&name],
            )
            .unwrap();
        let (url, conninfo, jdbc): (String, String, String) =
            (told.get(0), told.get(1), told.get(2));
        understood(&cluster, username, &url, &conninfo);
        assert!(url.is_ascii() && jdbc.is_ascii(), "{url} {jdbc}");
        assert_eq!(
            url.matches('@').count() + url.matches('?').count(),
            2,
            "{url}"
        );
        assert_eq!(told.get::<_, String>(3), username);
    }
    cluster.without_invariants("the harness looks into app, and the home is elsewhere");
}

#[test]
fn without_a_host_the_url_has_none_and_a_notice_says_so() {
    let (mut su, cluster) = set_up(
        Cluster::builder()
            .setting("credential_manager.host", "")
            .start(),
    );
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let (url, said) = psql(&cluster, "app", "SELECT credentials.url('alice')");
    assert!(
        url.starts_with("postgres://alice:") && url.ends_with("@/app?sslmode=prefer"),
        "{url}"
    );
    assert!(
        said.contains("NOTICE:  credential_manager.host is empty"),
        "{said}"
    );
    // libpq fills in the socket from PGHOST.
    assert_eq!(psql(&cluster, &url, "SELECT current_user").0, "alice");
    let told = row(
        &mut su,
        "SELECT host, port, conninfo, jdbc_url FROM credentials.connection_info('alice')",
    );
    assert_eq!(
        (told[0].clone(), told[1].clone()),
        (None, Some(cluster.port().to_string()))
    );
    let conninfo = told[2].clone().unwrap();
    assert!(
        !conninfo.contains("host=") && !conninfo.contains("port="),
        "{conninfo}"
    );
    assert_eq!(psql(&cluster, &conninfo, "SELECT current_user").0, "alice");
    assert!(told[3]
        .as_deref()
        .unwrap()
        .starts_with("jdbc:postgresql:app?user=alice&password="));
}

#[test]
fn host_port_and_sslmode_are_those_of_the_settings_and_ipv6_gets_brackets() {
    let builder = Cluster::builder()
        .setting("credential_manager.port", "6543")
        .setting("credential_manager.sslmode", "verify-full");
    let (mut su, cluster) = set_up(
        builder
            .setting("credential_manager.host", "2001:db8::1")
            .start(),
    );
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let url = cluster.url("alice");
    assert!(
        url.ends_with("@[2001:db8::1]:6543/app?sslmode=verify-full"),
        "{url}"
    );
    let told = row(
        &mut su,
        "SELECT host, port, sslmode FROM credentials.connection_info('alice')",
    );
    assert_eq!(
        told,
        ["2001:db8::1", "6543", "verify-full"].map(|part| Some(part.to_owned()))
    );
}

#[test]
fn what_is_not_there_is_said_to_be_so() {
    let (mut su, _cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice'); CREATE ROLE unmanaged LOGIN")
        .unwrap();
    for function in ["url", "connection_info"] {
        for (arguments, state) in [
            ("'alice', 'follower'", "42704"),
            ("'alice', ''", "42704"),
            ("'alice', 'LEADER'", "42704"),
            ("'alice', NULL", "22023"),
            ("NULL", "22023"),
            ("'nobody'", "42704"),
            ("'unmanaged'", "42704"),
            ("'postgres'", "42704"),
            ("''", "42704"),
            ("repeat('x', 20000000)", "42704"),
            ("'alice', repeat('x', 20000000)", "42704"),
        ] {
            expect_error(
                &mut su,
                &format!("SELECT credentials.{function}({arguments})"),
                state,
            );
        }
        for default in ["", "'default'", "'owner'"] {
            let sql = format!(
                "SELECT ({0})::text FROM credentials.{function}({default}) AS {0}",
                "told"
            );
            assert!(one(&mut su, &sql).unwrap().contains("app_owner"), "{sql}");
        }
    }
}
