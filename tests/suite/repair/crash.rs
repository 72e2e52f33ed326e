//! kill -9 of the whole server in the middle of a repair.

use crate::estate;
use crate::harness::{wait_until, Cluster, SOON};

#[test]
fn a_repair_goes_on_by_itself_after_crashes_and_loses_nothing() {
    let cluster = estate::on(Cluster::builder().setting("credential_manager.batch_size", "10"));
    let mut su = cluster.superuser("app");
    estate::credential(&cluster, "one");
    estate::run(
        &mut su,
        "CREATE FOREIGN DATA WRAPPER wrapper; GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO one",
    );
    let mut one = estate::login(&cluster, "one");
    estate::run(&mut one, &estate::everything("s"));
    estate::run(
        &mut su,
        "ALTER DATABASE app OWNER TO postgres; REVOKE pg_monitor FROM app_owner",
    );
    let (before, contents) = (estate::owners(&mut su), estate::contents(&mut su));
    cluster.crash_at("restore");
    // The worker comes after the commit, and may bring the server down before the answer has arrived.
    let answer = su.batch_execute("SELECT credentials.repair_default()");
    assert!(answer.is_ok() || su.is_closed(), "{answer:?}");
    cluster.wait_crashed(Some("batch"));
    cluster.wait_crashed(Some("batch"));
    cluster.wait_crashed(None);
    let mut su = cluster.superuser("app");
    let done = "SELECT count(*) FROM credentials.jobs() WHERE kind = 'repair' AND state = 'done'";
    wait_until("the repair is done", SOON, || {
        estate::number(&mut su, done) == 1
    });
    let after = estate::owners(&mut su);
    let expected = before
        .iter()
        .map(|(object, owner)| {
            let of_app = object.0 == "pg_database" && after[object] == "app_owner";
            (
                object.clone(),
                if owner == "one" || of_app {
                    "app_owner".to_owned()
                } else {
                    owner.clone()
                },
            )
        })
        .collect::<estate::Owners>();
    assert_eq!(expected, after);
    assert_eq!(contents, estate::contents(&mut su));
    assert!(estate::of(&after, "one").is_empty());
    assert_eq!(
        estate::texts(
            &mut su,
            "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'app'"
        ),
        ["app_owner"]
    );
}
