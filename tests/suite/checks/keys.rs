//! The key file, and what was sealed with it; on a standby too.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{about, by_hand, case, findings, gone, mend, seen_and_mended, the};
use crate::harness::Cluster;
use crate::scene::{run, Scene};

/// A key, as text, with a line's end.
fn key(digit: char) -> String {
    format!("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde{digit}\n")
}

#[test]
fn a_key_file_that_others_may_read_is_found_and_closed() {
    let mut scene = Scene::new();
    let file = scene.cluster.key_file();
    let object = format!("key file {}", file.display());
    assert_eq!(about(&mut scene.own, "key_file_unusable", &object), []);
    for (mode, owner) in [(0o644, None), (0o600, Some(65_534)), (0o666, Some(65_534))] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("to set the mode");
        if std::os::unix::fs::chown(&file, owner, None).is_err() {
            continue;
        }
        let found = the(&mut scene.own, "key_file_unusable", &object);
        assert_eq!(found.severity, "high");
        mend(&scene.cluster, &found.remedy);
        gone(&mut scene.su, "key_file_unusable", &object);
    }
}

#[test]
fn a_key_file_that_is_missing_or_not_set_is_found() {
    let mut scene = Scene::new();
    let file = scene.cluster.key_file();
    let object = format!("key file {}", file.display());
    let away = file.with_extension("away");
    fs::rename(&file, &away).expect("to move the key file");
    let found = the(&mut scene.own, "key_file_unusable", &object);
    // What has to be put where, and as whom, stands in the remedy; where it comes from nobody here knows.
    assert!(
        found
            .remedy
            .starts_with("-- In a shell on the server, put the file")
            && found.remedy.contains(&file.display().to_string())
    );
    fs::rename(&away, &file).expect("to put it there");
    gone(&mut scene.own, "key_file_unusable", &object);
    run(
        &mut scene.su,
        "ALTER SYSTEM SET credential_manager.key_file = ''",
    );
    run(&mut scene.su, "SELECT pg_reload_conf()");
    let setting = "setting credential_manager.key_file";
    crate::harness::wait_until("the setting is read", crate::harness::SOON, || {
        !about(&mut scene.su, "key_file_unset", setting).is_empty()
    });
    let found = the(&mut scene.own, "key_file_unset", setting);
    assert!(found.remedy.starts_with(
        "-- In postgresql.conf set credential_manager.key_file to the file that sealed them."
    ));
    run(
        &mut scene.su,
        "ALTER SYSTEM RESET credential_manager.key_file",
    );
    run(&mut scene.su, "SELECT pg_catalog.pg_reload_conf()");
    gone(&mut scene.su, "key_file_unset", setting);
}

#[test]
fn without_a_key_file_and_without_stored_passwords_nothing_is_found_of_keys() {
    let cluster = Cluster::builder().key_file(false).start();
    cluster.setup();
    let mut su = cluster.superuser("app");
    assert!(!findings(&mut su)
        .iter()
        .any(|f| f.code.starts_with("key_file")));
}

#[test]
fn passwords_of_an_older_key_are_found_and_sealed_anew() {
    let mut scene = Scene::new();
    let file = scene.cluster.key_file();
    let old = fs::read(&file).expect("the key");
    let old: String = old.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(&file, format!("{}{old}\n", key('f'))).expect("to write the key file");
    seen_and_mended(&mut scene, "low", "password_old_key", "credential default");
}

#[test]
fn another_key_file_than_the_one_in_use_is_found_and_so_is_one_password_that_does_not_open() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    let file = scene.cluster.key_file();
    let object = format!("key file {}", file.display());
    let used = fs::read(&file).expect("the key");
    fs::write(&file, key('e')).expect("to write the key file");
    let found = the(&mut scene.own, "key_file_other", &object);
    assert_eq!(found.severity, "high");
    assert!(found.remedy.contains("in the place of"), "{found:?}");
    fs::write(&file, used).expect("to put the key back");
    gone(&mut scene.own, "key_file_other", &object);
    // Somebody moved one password into another's row.
    case(
        &mut scene,
        "UPDATE credentials.secret s SET sealed = o.sealed FROM credentials.secret o, credentials.credential c
          WHERE c.name = 'c1' AND c.secret = s.id AND o.id <> s.id",
        "high",
        "password_unreadable",
        "credential c1",
    );
}

#[test]
fn a_standby_judges_its_own_files_and_settings() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    let standby = scene.cluster.standby();
    scene.cluster.wait_replayed(&standby);
    let mut su = standby.superuser("app");
    let mut own = {
        let url = scene.cluster.url("default");
        let port = format!(":{}", scene.cluster.port());
        standby
            .connect(&url.replace(&port, &format!(":{}", standby.port())))
            .expect("a login on the standby")
    };
    // What is in the catalogs is the same on both.
    let told = the(&mut scene.su, "credential_unlimited", "credential c1");
    assert_eq!(the(&mut su, "credential_unlimited", "credential c1"), told);
    assert_eq!(the(&mut own, "credential_unlimited", "credential c1"), told);
    let file = standby.key_file();
    let object = format!("key file {}", file.display());
    assert_eq!(about(&mut own, "key_file_unusable", &object), []);
    fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("to set the mode");
    let found = the(&mut own, "key_file_unusable", &object);
    by_hand(&found.remedy);
    gone(&mut own, "key_file_unusable", &object);
    // A setting is mended there as well.
    let found = the(&mut su, "ddl_not_logged", "setting log_statement");
    mend(&standby, &found.remedy);
    gone(&mut su, "ddl_not_logged", "setting log_statement");
    assert_eq!(
        about(&mut scene.su, "ddl_not_logged", "setting log_statement").len(),
        1
    );
}
