//! Settings of the server.

use std::net::UdpSocket;

use super::{about, seen_and_mended};
use crate::harness::Cluster;
use crate::scene::{run, Scene};

/// An address of this machine on its network, where it has one. Nothing is sent.
pub fn network_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("203.0.113.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then(|| address.to_string())
}

#[test]
fn settings_that_should_be_otherwise_are_found_and_set() {
    let cluster = Cluster::builder()
        .setting("password_encryption", "md5")
        .start();
    let mut scene = Scene::on(cluster);
    for (severity, code, object) in [
        ("low", "ddl_not_logged", "setting log_statement"),
        ("medium", "encryption_md5", "setting password_encryption"),
        ("high", "fsync_off", "setting fsync"),
    ] {
        seen_and_mended(&mut scene, severity, code, object);
    }
}

#[test]
fn what_a_role_a_database_or_a_session_sets_is_not_what_the_server_has() {
    let mut scene = Scene::on(Cluster::builder().setting("log_statement", "ddl").start());
    run(
        &mut scene.su,
        "ALTER ROLE app_owner SET log_statement = 'none'; ALTER DATABASE app SET password_encryption = 'md5'",
    );
    let mut own = scene.login("default");
    let mut su = scene.cluster.superuser("app");
    run(
        &mut su,
        "SET log_statement = 'none'; SET password_encryption = 'md5'",
    );
    for client in [&mut own, &mut su] {
        assert_eq!(about(client, "ddl_not_logged", "setting log_statement"), []);
        assert_eq!(
            about(client, "encryption_md5", "setting password_encryption"),
            []
        );
    }
}
