//! The cipher is tested when the server starts, and not used where it fails.

use super::key_file::point_to;
use super::{one, set_up, text};
use crate::harness::{expect_error, sqlstate, Cluster};

#[test]
fn a_cipher_that_fails_its_test_is_never_used() {
    let cluster = Cluster::builder()
        .env("CREDENTIAL_MANAGER_BROKEN", "cipher")
        .start();
    assert!(cluster
        .log()
        .contains("the cipher does not give the result it is known for"));
    let mut su = cluster.superuser("app");
    su.batch_execute("CREATE EXTENSION credential_manager")
        .unwrap();
    expect_error(&mut su, "SELECT credentials.setup('app_owner')", "XX000");
    assert_eq!(
        one(
            &mut su,
            "SELECT oid FROM pg_roles WHERE rolname = 'app_owner'"
        ),
        None
    );
    // Without a key file there is nothing to seal.
    point_to(&cluster, "");
    let mut su = cluster.superuser("app");
    let password = text(
        &mut su,
        "SELECT password FROM credentials.setup('app_owner')",
    );
    cluster.remember_secret(&password);
    cluster.login("app_owner", &password, "app").unwrap();
    let sealed = text(&mut su, "SELECT count(*) FROM credentials.secret");
    assert_eq!(sealed, "0");
}

#[test]
fn a_sound_cipher_is_said_nothing_of() {
    let (_, cluster) = set_up(Cluster::new());
    assert!(!cluster.log().contains("the cipher"));
    let refused = cluster.login("app_owner", "not its password at all", "app");
    assert_eq!(sqlstate(&refused.err().unwrap()), "28P01");
}
