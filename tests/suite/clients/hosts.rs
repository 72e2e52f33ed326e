//! Where a URL leads: with TLS, to an IPv6 address, to a socket's directory.

use std::net::TcpListener;
use std::path::PathBuf;

use super::{all_are, crate_postgres, node_postgres, psql, python_clients, script, urls};
use crate::harness::programs::{output_of, program};
use crate::harness::{Cluster, Place};
use crate::scene::{run, Scene};

/// A certificate that is its own authority, for 127.0.0.1 and ::1, and its key, both the server's.
fn certificate(cluster: &Cluster) -> PathBuf {
    let (certificate, key) = (
        cluster.home().join("server.crt"),
        cluster.home().join("server.key"),
    );
    let options = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=localhost \
                   -addext subjectAltName=IP:127.0.0.1,IP:::1";
    output_of(
        program("/usr/bin/openssl")
            .args(options.split_whitespace())
            .arg("-out")
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key),
        "",
    );
    for file in [&certificate, &key] {
        Place::here().give(file);
    }
    let files = format!(
        "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'",
        certificate.display(),
        key.display()
    );
    cluster.append_conf(&files);
    certificate
}

#[test]
fn with_tls_required_clients_log_in_with_the_url_as_it_is() {
    let cluster = Cluster::builder()
        .setting("credential_manager.sslmode", "require")
        .hba("hostnossl all all 127.0.0.1/32 reject")
        .start();
    let certificate = certificate(&cluster);
    cluster.restart();
    let mut su = {
        cluster.setup();
        cluster.superuser("app")
    };
    run(&mut su, "SELECT credentials.create('shop')");
    let urls = urls(&cluster, &mut su, &["shop"], "leader");
    assert!(urls[0].ends_with("?sslmode=require"), "{}", urls[0]);
    let mut logins = python_clients(&urls);
    logins.extend(psql(&cluster, &urls));
    // It verifies the certificate where the others only ask for TLS: it must be told of the authority.
    let mut node = node_postgres();
    node.env("NODE_EXTRA_CA_CERTS", &certificate);
    logins.extend(script(&mut node, &urls));
    all_are(&logins, &["shop"], "app", 5);
    assert!(script(&mut node_postgres(), &urls)[0].seen.is_err());
}

#[test]
fn an_ipv6_address_stands_in_brackets_and_every_client_finds_it() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("this machine has no ::1: nothing to find");
        return;
    }
    let mut s = Scene::on(
        Cluster::builder()
            .setting("listen_addresses", "127.0.0.1,::1")
            .hba("host all all ::1/128 scram-sha-256")
            .start(),
    );
    drop(s.credential("shop"));
    let port = s.cluster.port();
    run(
        &mut s.own,
        &format!("SELECT credentials.set_endpoint('six', '::1', {port}, 'disable')"),
    );
    let urls = urls(&s.cluster, &mut s.own, &["shop"], "six");
    assert!(
        urls[0].contains(&format!("@[::1]:{port}/app")),
        "{}",
        urls[0]
    );
    all_are(&super::every_client(&s.cluster, &urls), &["shop"], "app", 6);
}

#[test]
fn a_sockets_directory_is_found_by_clients_that_know_sockets_in_a_url() {
    let mut s = super::scene();
    drop(s.credential("shop"));
    let (port, home) = (s.cluster.port(), s.cluster.home().display().to_string());
    run(
        &mut s.own,
        &format!("SELECT credentials.set_endpoint('socket', '{home}', {port}, 'disable')"),
    );
    let urls = urls(&s.cluster, &mut s.own, &["shop"], "socket");
    let encoded = home.replace('/', "%2F");
    assert!(
        urls[0].contains(&format!("@{encoded}:{port}/app")),
        "{}",
        urls[0]
    );
    let mut logins = python_clients(&urls);
    logins.extend(psql(&s.cluster, &urls));
    logins.extend(script(&mut node_postgres(), &urls));
    logins.extend(crate_postgres(&s.cluster, &urls));
    // It hands the host on as it stands in the URL.
    logins.retain(|login| login.client != "SQLAlchemy");
    all_are(&logins, &["shop"], "app", 5);
}
