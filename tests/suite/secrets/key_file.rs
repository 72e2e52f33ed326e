//! A key file that is not as it must be is a refusal: clear, at once, with nothing changed and nothing stored in clear.

use std::fs::{self, File};
use std::os::unix::fs::{chown, symlink, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;

use super::{fingerprint, one, ready, steps, text};
use crate::harness::{expect_error, wait_until, Cluster, SOON};

/// What seals or opens a password. Without the key file none of it may do anything.
const USES: [&str; 8] = [
    "SELECT credentials.create('new')",
    "SELECT credentials.create('new', password => 'a password that somebody chose')",
    "SELECT credentials.rotate('alice', force => true)",
    "SELECT credentials.rotate('alice', overlap => '0')",
    "SELECT credentials.rotate_all(force => true)",
    "SELECT credentials.set_password('alice')",
    "SELECT credentials.url('alice')",
    "SELECT credentials.connection_info('alice')",
];

/// Puts something else in the key file's place, has every use refused with `why`, and puts the keys back.
#[track_caller]
fn refused_with(cluster: &Cluster, why: &str, spoil: impl FnOnce(&Path)) {
    let path = cluster.key_file();
    let kept = path.with_extension("kept");
    fs::rename(&path, &kept).unwrap();
    spoil(&path);
    all_refused(cluster, why);
    if path.is_dir() {
        fs::remove_dir(&path).unwrap();
    } else {
        let _ = fs::remove_file(&path);
    }
    fs::rename(&kept, &path).unwrap();
    cluster
        .connect(&cluster.url("alice"))
        .expect("the old password, with the old keys back");
}

#[track_caller]
fn all_refused(cluster: &Cluster, why: &str) {
    let mut su = cluster.superuser("app");
    let before = fingerprint(&mut su);
    for sql in USES {
        let error = expect_error(&mut su, sql, "55000");
        let said = error.as_db_error().unwrap();
        let detail = said.detail().unwrap_or_default();
        assert!(said.message().contains("key file"), "{}", said.message());
        assert!(detail.contains(why), "{sql}: {detail:?}, not {why:?}");
        assert!(said.hint().is_some(), "no hint: {}", said.message());
    }
    assert_eq!(fingerprint(&mut su), before, "{why}: something was changed");
    assert_eq!(
        one(&mut su, "SELECT oid FROM pg_roles WHERE rolname = 'new'"),
        None
    );
}

/// A file of the server's user, as a key file has to be but for what a test does to it.
fn put(cluster: &Cluster, path: &Path, content: &[u8], mode: u32) {
    fs::write(path, content).unwrap();
    let like = fs::metadata(cluster.data_dir()).unwrap();
    chown(path, Some(like.uid()), Some(like.gid())).unwrap();
    // Last: a change of owner takes set-user-id away.
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_file_that_is_absent_or_holds_no_key_is_refused() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    refused_with(&cluster, "not found", |_| ());
    refused_with(&cluster, "no key", |path| put(&cluster, path, b"", 0o600));
    refused_with(&cluster, "32 bytes", |path| {
        put(&cluster, path, &[0xfe; 31], 0o600)
    });
    refused_with(&cluster, "32 bytes", |path| {
        put(&cluster, path, &[0xfe; 33], 0o600)
    });
    refused_with(&cluster, "repeated", |path| {
        put(&cluster, path, &[0; 32], 0o600)
    });
    refused_with(&cluster, "Line 1", |path| {
        put(&cluster, path, b"correct horse battery staple 123", 0o600)
    });
    refused_with(&cluster, "too large", |path| {
        put(&cluster, path, b"", 0o600);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(1 << 30)
            .unwrap();
    });
}

#[test]
fn a_key_file_that_others_can_read_or_write_is_refused() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let key = fs::read(cluster.key_file()).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o700, 0o4600] {
        refused_with(&cluster, "mode", |path| put(&cluster, path, &key, mode));
    }
    refused_with(&cluster, "permission denied", |path| {
        put(&cluster, path, &key, 0o000)
    });
    refused_with(&cluster, "does not belong", |path| {
        symlink("/etc/passwd", path).unwrap()
    });
    put(&cluster, &cluster.key_file(), &key, 0o400);
    cluster
        .connect(&cluster.url("alice"))
        .expect("0400 is a mode for keys too");
}

#[test]
fn a_key_file_inside_the_data_directory_is_refused_by_whatever_path() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let key = fs::read(cluster.key_file()).unwrap();
    let inside = cluster.data_dir().join("credential_manager.key");
    put(&cluster, &inside, &key, 0o600);
    refused_with(&cluster, "inside the data directory", |path| {
        symlink(&inside, path).unwrap()
    });
    refused_with(&cluster, "hard link", |path| {
        fs::hard_link(&inside, path).unwrap()
    });
    let way_in = cluster.home().join("way");
    symlink(cluster.data_dir(), &way_in).unwrap();
    for path in [
        inside.clone(),
        way_in.join("credential_manager.key"),
        cluster.data_dir().join("base/../credential_manager.key"),
    ] {
        point_to(&cluster, path.to_str().unwrap());
        all_refused(&cluster, "inside the data directory");
    }
    point_to(&cluster, "credential_manager.key");
    all_refused(&cluster, "not absolute");
    fs::remove_file(&inside).unwrap();
    point_to(&cluster, cluster.key_file().to_str().unwrap());
    cluster.connect(&cluster.url("alice")).unwrap();
}

/// Sets `credential_manager.key_file` and waits until new sessions see it.
#[track_caller]
pub fn point_to(cluster: &Cluster, path: &str) {
    cluster.append_conf(&format!("credential_manager.key_file = '{path}'"));
    cluster
        .superuser("app")
        .batch_execute("SELECT pg_reload_conf()")
        .unwrap();
    wait_until("the key file's path is known", SOON, || {
        text(
            &mut cluster.superuser("app"),
            "SHOW credential_manager.key_file",
        ) == path
    });
}

#[test]
fn what_is_no_file_at_all_is_refused_and_nobody_waits_for_it() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    refused_with(&cluster, "not a regular file", |path| {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        let like = fs::metadata(cluster.data_dir()).unwrap();
        chown(path, Some(like.uid()), Some(like.gid())).unwrap();
    });
    refused_with(&cluster, "not a regular file", |path| {
        symlink("/dev/zero", path).unwrap()
    });
    // A backend that waits for the other end of a FIFO cannot even be cancelled: found by a clock, not by hanging.
    let (done, ended) = mpsc::channel();
    let mut other_end = None;
    std::thread::scope(|scope| {
        let cluster = &cluster;
        scope.spawn(move || {
            refused_with(cluster, "not a regular file", |path| {
                let made = Command::new("mkfifo")
                    .args(["-m", "600"])
                    .arg(path)
                    .status();
                assert!(made.unwrap().success());
                let like = fs::metadata(cluster.data_dir()).unwrap();
                chown(path, Some(like.uid()), Some(like.gid())).unwrap();
            });
            done.send(()).unwrap();
        });
        if ended.recv_timeout(SOON).is_err() {
            // Whoever waits gets the other end, so that this test can end, and fail.
            let fifo = File::options()
                .read(true)
                .write(true)
                .open(cluster.key_file());
            other_end = fifo.ok();
        }
    });
    assert!(
        other_end.is_none(),
        "a session waited for the other end of a FIFO"
    );
}

#[test]
fn a_key_file_taken_away_after_use_is_missed_at_the_next_use() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice'); SELECT credentials.url('alice')")
        .unwrap();
    let kept = cluster.key_file().with_extension("kept");
    fs::rename(cluster.key_file(), &kept).unwrap();
    // The same session that has just used the keys.
    let before = fingerprint(&mut su);
    for sql in USES {
        expect_error(&mut su, sql, "55000");
    }
    assert_eq!(fingerprint(&mut su), before);
    // What closes needs no key.
    su.batch_execute("SELECT credentials.suspend('alice'); SELECT credentials.resume('alice')")
        .unwrap();
    steps(
        &mut su,
        &[
            "SELECT credentials.destroy('alice', confirm => 'app')",
            "SELECT credentials.wait('alice')",
        ],
    );
    fs::rename(&kept, cluster.key_file()).unwrap();
}

#[test]
fn another_key_opens_nothing_and_what_it_seals_is_its_own() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let key = fs::read(cluster.key_file()).unwrap();
    let mut other = key.clone();
    other[31] ^= 1;
    put(&cluster, &cluster.key_file(), &other, 0o600);
    for sql in [
        "SELECT credentials.url('alice')",
        "SELECT credentials.connection_info('alice')",
        "SELECT credentials.reseal()",
    ] {
        let error = expect_error(&mut su, sql, "55000");
        assert!(
            error
                .as_db_error()
                .unwrap()
                .detail()
                .unwrap()
                .contains("not in the file"),
            "{error:?}"
        );
    }
    su.batch_execute("SELECT credentials.create('bob')")
        .unwrap();
    cluster.connect(&cluster.url("bob")).unwrap();
    put(&cluster, &cluster.key_file(), &key, 0o600);
    cluster.connect(&cluster.url("alice")).unwrap();
    expect_error(&mut su, "SELECT credentials.url('bob')", "55000");
}
