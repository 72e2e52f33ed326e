//! Leases end by themselves.

use crate::harness::{expect_error, wait_until, SOON};
use crate::held::people::{created, ends, logs_in, owner, password, ready, waited};

#[test]
fn a_lease_ends_by_itself_with_sessions_ended_objects_moved_the_role_gone_and_an_event() {
    let cluster = ready();
    let mut owner = owner(&cluster);
    owner
        .batch_execute("SELECT credentials.create('lease', valid_for => '3 s')")
        .unwrap();
    let mut session = cluster
        .login("lease", &password(&cluster, "lease"), "app")
        .unwrap();
    cluster
        .superuser("app")
        .batch_execute("CREATE SCHEMA s AUTHORIZATION lease; CREATE TABLE s.t AS SELECT 7 AS i; ALTER TABLE s.t OWNER TO lease")
        .unwrap();
    ends(&mut session, "a lease");
    let mut superuser = cluster.superuser("app");
    wait_until("the role is gone", SOON, || {
        superuser
            .query("SELECT FROM pg_roles WHERE rolname = 'lease'", &[])
            .unwrap()
            .is_empty()
    });
    assert_eq!(waited(&cluster, "lease"), "destroyed");
    let row = superuser
        .query_one("SELECT pg_get_userbyid(relowner)::text, (SELECT i FROM s.t) FROM pg_class WHERE oid = 's.t'::regclass", &[])
        .unwrap();
    assert_eq!(
        (row.get::<_, String>(0), row.get::<_, i32>(1)),
        ("app_owner".to_owned(), 7)
    );
    let events = superuser.query(
        "SELECT FROM credentials.events('lease') WHERE action = 'expire'",
        &[],
    );
    assert!(!events.unwrap().is_empty(), "no event tells of it");
}

#[test]
fn a_lease_that_is_extended_counts_from_now_and_outlives_its_first_end() {
    let cluster = ready();
    let mut owner = owner(&cluster);
    owner
        .batch_execute("SELECT credentials.create('lease', valid_for => '3 s')")
        .unwrap();
    owner
        .batch_execute("SELECT credentials.extend('lease', '1 hour')")
        .unwrap();
    // Another lease, made later and as long, shows that the first one's end has passed.
    owner
        .batch_execute("SELECT credentials.create('clock', valid_for => '3 s')")
        .unwrap();
    let mut superuser = cluster.superuser("app");
    wait_until("the other lease ends", SOON, || {
        superuser
            .query("SELECT FROM pg_roles WHERE rolname = 'clock'", &[])
            .unwrap()
            .is_empty()
    });
    assert!(logs_in(&cluster, "lease", &password(&cluster, "lease")));
    let row = superuser.query_one(
        "SELECT r.rolvaliduntil = l.valid_until, l.valid_until BETWEEN now() + '59 min' AND now() + '61 min'
           FROM pg_roles r JOIN credentials.list() l ON l.username = r.rolname WHERE l.name = 'lease'",
        &[],
    );
    let row = row.unwrap();
    assert!(row.get::<_, bool>(0) && row.get::<_, bool>(1));
    created(&cluster, "analyst");
    expect_error(
        &mut owner,
        "SELECT credentials.extend('analyst', '1 hour')",
        "22023",
    );
    expect_error(
        &mut owner,
        "SELECT credentials.extend('default', '1 hour')",
        "22023",
    );
}

#[test]
fn a_lease_with_a_blocker_ends_closed_and_blocked_and_goes_when_the_blocker_is_gone() {
    let cluster = ready();
    cluster
        .superuser("app")
        .batch_execute("SELECT credentials.create('lease', valid_for => '3 s')")
        .unwrap();
    let known = password(&cluster, "lease");
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute(
            "CREATE FOREIGN DATA WRAPPER theirs; ALTER ROLE lease SUPERUSER;
             ALTER FOREIGN DATA WRAPPER theirs OWNER TO lease; ALTER ROLE lease NOSUPERUSER",
        )
        .unwrap();
    wait_until("the job is blocked and says why", SOON, || {
        let sql = "SELECT FROM credentials.jobs() WHERE kind = 'expire' AND state = 'blocked' AND message LIKE '%theirs%'";
        !superuser.query(sql, &[]).unwrap().is_empty()
    });
    assert!(
        !logs_in(&cluster, "lease", &known),
        "the role is not closed"
    );
    superuser
        .batch_execute("ALTER FOREIGN DATA WRAPPER theirs OWNER TO postgres")
        .unwrap();
    assert_eq!(waited(&cluster, "lease"), "destroyed");
}
