//! Modules of the server that check passwords.

use super::{one, set_up};
use crate::harness::{expect_error, Cluster};

/// A name that passes as a password, which passwordcheck refuses as the password of a role of that name.
const NAME: &str = "a_name_that_makes_a_password";

#[test]
fn a_module_that_checks_passwords_has_its_say_on_a_new_credential() {
    let (mut su, cluster) = set_up(Cluster::builder().preload_also("passwordcheck").start());
    let call = format!("SELECT * FROM credentials.create('{NAME}', password => '{NAME}')");
    let error = expect_error(&mut su, &call, "22023");
    let detail = error.as_db_error().unwrap().detail().unwrap().to_owned();
    assert!(detail.contains("user name"), "{detail}");
    let made = format!("SELECT 1 FROM pg_roles WHERE rolname = '{NAME}'");
    assert_eq!(one(&mut su, &made), None);
    let other = "another_password_that_is_long_enough";
    cluster.remember_secret(other);
    su.batch_execute(&call.replace(&format!("=> '{NAME}'"), &format!("=> '{other}'")))
        .unwrap();
    cluster.login(NAME, other, "app").unwrap();
}
