//! A superuser who holds the role is not ended: the job waits and says for whom.

use super::people::{created, lives, owner, ready, Force};
use crate::harness::{wait_until, Cluster, SOON};

#[track_caller]
fn a_job_says(cluster: &Cluster, text: &str) {
    let mut superuser = cluster.superuser("app");
    wait_until(&format!("a job says {text}"), SOON, || {
        let found = superuser.query(
            "SELECT FROM credentials.jobs() WHERE state = 'waiting' AND position($1 IN message) > 0",
            &[&text],
        );
        !found.unwrap().is_empty()
    });
}

#[test]
fn a_superusers_session_that_holds_the_role_is_named_and_not_ended_and_the_job_goes_on_after_it() {
    let cluster = ready();
    for force in Force::ALL {
        let old = created(&cluster, "analyst");
        let mut holder = cluster.superuser("app");
        holder
            .batch_execute("BEGIN; ALTER ROLE analyst CONNECTION LIMIT 5")
            .unwrap();
        let pid: i32 = holder
            .query_one("SELECT pg_backend_pid()", &[])
            .unwrap()
            .get(0);
        owner(&cluster)
            .batch_execute(&force.sql("analyst"))
            .unwrap();
        a_job_says(&cluster, &format!("process {pid} "));
        assert!(lives(&mut holder), "a superuser's session was ended");
        holder.batch_execute("COMMIT").unwrap();
        force.has_come_about(&cluster, "analyst", &[&old]);
        if force != Force::Destroy {
            owner(&cluster)
                .batch_execute(&Force::Destroy.sql("analyst"))
                .unwrap();
            Force::Destroy.has_come_about(&cluster, "analyst", &[]);
        }
    }
}

#[test]
fn a_superusers_prepared_transaction_that_holds_the_role_is_named_and_not_rolled_back() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut holder = cluster.superuser("app");
    holder
        .batch_execute(
            "BEGIN; ALTER ROLE analyst CONNECTION LIMIT 5; PREPARE TRANSACTION 'of a superuser'",
        )
        .unwrap();
    owner(&cluster)
        .batch_execute(&Force::Rotate.sql("analyst"))
        .unwrap();
    a_job_says(&cluster, "of a superuser");
    holder
        .batch_execute("COMMIT PREPARED 'of a superuser'")
        .unwrap();
    Force::Rotate.has_come_about(&cluster, "analyst", &[&old]);
}
