#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use super::*;
use postgres::config::{Host, SslMode};
use postgres::Config;
use proptest::prelude::*;

fn endpoint(host: &str) -> Endpoint {
    Endpoint {
        host: (!host.is_empty()).then(|| host.to_owned()),
        port: 6212,
        sslmode: "require".to_owned(),
    }
}

/// The URL, the connection string and the JDBC URL.
fn told(user: &str, password: Option<&str>, database: &str, host: &str) -> [String; 3] {
    let secret = password.map(|p| Secret::new(p.to_owned()));
    let target = Target {
        username: user,
        password: secret.as_ref(),
        database,
        endpoint: &endpoint(host),
    };
    let room = buffer(&target).capacity();
    [url(&target), conninfo(&target), jdbc_url(&target)].map(|text| {
        assert_eq!(text.capacity(), room, "it outgrew its buffer: {text:?}");
        text.to_string()
    })
}

#[test]
fn the_example_of_the_seed_comes_out_as_printed() {
    let host = "ec2-123-73-145-214.compute-1.amazonaws.com";
    let [url, conninfo, jdbc] = told("analyst", Some("98kd8a9"), "dee932clc3mg8h", host);
    assert_eq!(
        url,
        format!("postgres://analyst:98kd8a9@{host}:6212/dee932clc3mg8h?sslmode=require")
    );
    assert_eq!(
        conninfo,
        format!("dbname=dee932clc3mg8h host={host} port=6212 user=analyst password=98kd8a9 sslmode=require")
    );
    assert_eq!(
        jdbc,
        format!("jdbc:postgresql://{host}:6212/dee932clc3mg8h?user=analyst&password=98kd8a9&sslmode=require")
    );
}

#[test]
fn without_password_or_host_the_rest_is_told() {
    let [url, conninfo, jdbc] = told("a", None, "d", "h");
    assert_eq!(url, "postgres://a@h:6212/d?sslmode=require");
    assert_eq!(conninfo, "dbname=d host=h port=6212 user=a sslmode=require");
    assert_eq!(jdbc, "jdbc:postgresql://h:6212/d?user=a&sslmode=require");
    let [url, conninfo, jdbc] = told("a", Some("p"), "d", "");
    assert_eq!(url, "postgres://a:p@/d?sslmode=require");
    assert_eq!(conninfo, "dbname=d user=a password=p sslmode=require");
    assert_eq!(jdbc, "jdbc:postgresql:d?user=a&password=p&sslmode=require");
    assert_eq!(
        told("a", None, "d", "")[0],
        "postgres://a@/d?sslmode=require"
    );
}

#[test]
fn an_ipv6_address_stands_in_brackets_in_urls_alone() {
    let [url, conninfo, jdbc] = told("a", None, "d", "fe80::1%eth0");
    assert_eq!(url, "postgres://a@[fe80::1%25eth0]:6212/d?sslmode=require");
    assert_eq!(
        conninfo,
        "dbname=d host='fe80::1%eth0' port=6212 user=a sslmode=require"
    );
    assert_eq!(
        jdbc,
        "jdbc:postgresql://[fe80::1%25eth0]:6212/d?user=a&sslmode=require"
    );
}

#[test]
fn a_socket_directory_is_encoded_whole() {
    let [url, conninfo, _] = told("a", None, "d", "/var/run/pg:15");
    assert_eq!(
        url,
        "postgres://a@%2Fvar%2Frun%2Fpg%3A15:6212/d?sslmode=require"
    );
    assert_eq!(
        conninfo,
        "dbname=d host='/var/run/pg:15' port=6212 user=a sslmode=require"
    );
}

#[test]
fn nothing_typed_can_leave_its_place() {
    let [url, conninfo, jdbc] = told("u@x:1/y?z", Some("p' host=evil\\"), "d&ssl=0#", "h");
    assert_eq!(
        url,
        "postgres://u%40x%3A1%2Fy%3Fz:p%27%20host%3Devil%5C@h:6212/d%26ssl%3D0%23?sslmode=require"
    );
    assert_eq!(
        conninfo,
        "dbname='d&ssl=0#' host=h port=6212 user='u@x:1/y?z' password='p\\' host=evil\\\\' sslmode=require"
    );
    assert_eq!(
        jdbc,
        "jdbc:postgresql://h:6212/d%26ssl%3D0%23?user=u%40x%3A1%2Fy%3Fz&password=p%27%20host%3Devil%5C&sslmode=require"
    );
}

#[test]
fn an_empty_value_is_quoted() {
    assert!(told("", Some(""), "d", "h")[1].contains("user='' password='' "));
}

#[test]
fn the_longest_texts_fit_their_buffer() {
    let quotes = "'\\\u{1F600}".repeat(50);
    told(&quotes, Some(&quotes), &quotes, &quotes);
    told("", Some(""), "", ":");
}

#[test]
fn sslmode_is_one_of_six_words() {
    assert!(SSL_MODES.iter().all(|word| check_sslmode(word).is_ok()));
    for bad in [
        "",
        "Require",
        "require ",
        "verify_full",
        "require&host=evil",
    ] {
        assert_eq!(
            check_sslmode(bad).err().map(|e| e.kind()),
            Some(Kind::BadArgument),
            "{bad}"
        );
    }
}

fn check(config: &Config, user: &str, password: Option<&str>, database: &str, host: &Host) {
    assert_eq!(config.get_user(), Some(user));
    assert_eq!(config.get_password(), password.map(str::as_bytes));
    assert_eq!(config.get_dbname(), Some(database));
    assert_eq!(config.get_hosts(), std::slice::from_ref(host));
    assert_eq!(config.get_ports(), [6212]);
    assert_eq!(config.get_ssl_mode(), SslMode::Require);
}

proptest! {
    #[test]
    fn a_client_reads_back_what_was_told(
        user in "[^\\x00]{1,40}",
        password in prop::option::of("[^\\x00]{1,64}"),
        database in "[^\\x00]{1,40}",
        host in prop_oneof!["[a-z0-9.-]{1,30}", "/[a-z/: %@]{1,30}", "[0-9a-f]{0,4}::[0-9a-f]{1,4}(%[a-z0-9]{1,5})?"],
    ) {
        let [url, conninfo, _] = told(&user, password.as_deref(), &database, &host);
        let expected = if host.starts_with('/') { Host::Unix(host.clone().into()) } else { Host::Tcp(host.clone()) };
        check(&url.parse().unwrap(), &user, password.as_deref(), &database, &expected);
        check(&conninfo.parse().unwrap(), &user, password.as_deref(), &database, &expected);
        prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()));
    }
}
