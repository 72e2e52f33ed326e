//! kill -9 of the whole server at each point of a move: after the restart the job ends by itself, nothing is lost.

use crate::estate;
use crate::harness::Cluster;

/// Crashes a destroy in two databases at a point, so many times, then looks that all is as without the crash.
fn destroy_with_a_crash_at(point: &str, crashes: u32) {
    let cluster = estate::on(Cluster::builder().setting("credential_manager.batch_size", "10"));
    let url = estate::credential(&cluster, "leaver");
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "CREATE ROLE reader");
    estate::run(&mut su, "CREATE DATABASE second");
    estate::run(&mut su, "GRANT CREATE ON DATABASE second TO leaver");
    for database in ["app", "second"] {
        let wrapper = "CREATE FOREIGN DATA WRAPPER wrapper; GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO leaver;
                       CREATE SCHEMA open; GRANT USAGE ON SCHEMA open TO PUBLIC; CREATE TABLE open.theirs (i int);
                       GRANT SELECT ON open.theirs TO leaver WITH GRANT OPTION";
        estate::run(&mut cluster.superuser(database), wrapper);
        let mut leaver = cluster
            .connect(&url.replace("/app?", &format!("/{database}?")))
            .unwrap();
        estate::run(&mut leaver, &estate::everything("s"));
        estate::run(&mut leaver, "GRANT SELECT ON open.theirs TO reader");
    }
    let mut second = cluster.superuser("second");
    let before = [estate::owners(&mut su), estate::owners(&mut second)];
    let contents = [estate::contents(&mut su), estate::contents(&mut second)];

    cluster.crash_at(point);
    estate::order(&mut su, "leaver", "default");
    for crash in 1..=crashes {
        cluster.wait_crashed((crash < crashes).then_some(point));
    }
    let (mut su, mut second) = (cluster.superuser("app"), cluster.superuser("second"));
    let gone = "SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'";
    crate::harness::wait_until("the role is gone", crate::harness::SOON, || {
        estate::number(&mut su, gone) == 0
    });
    let after = [estate::owners(&mut su), estate::owners(&mut second)];
    for (before, after) in before.iter().zip(&after) {
        estate::assert_moved(before, after, "leaver", "app_owner");
    }
    assert_eq!(
        contents,
        [estate::contents(&mut su), estate::contents(&mut second)]
    );
    for client in [&mut su, &mut second] {
        let kept = "SELECT has_table_privilege('reader', 'open.theirs', 'SELECT')::int::bigint";
        assert_eq!(estate::number(client, kept), 1);
    }
    let jobs = "SELECT count(*) FROM credentials.jobs() WHERE kind = 'destroy' AND state = 'done'";
    assert_eq!(estate::number(&mut su, jobs), 1);
}

#[test]
fn a_crash_before_a_batch_loses_nothing() {
    destroy_with_a_crash_at("batch", 3);
}

#[test]
fn a_crash_when_all_is_cleared_and_the_role_is_about_to_be_dropped_loses_nothing() {
    destroy_with_a_crash_at("before_drop", 2);
}

#[test]
fn a_crash_right_after_the_drop_loses_nothing() {
    destroy_with_a_crash_at("after_drop", 1);
}
