//! A credential that changes its own password in between does not keep it.

use super::{becomes, created, rotate, scene, twins_go, works};
use crate::held::people::{logs_in, MINE};
use crate::scene::{ask, outcome, run};

/// Events of this kind that a credential has.
const DRIFTS: &str = "SELECT count(*) FROM credentials.events('c1') WHERE action = 'drift'";

#[test]
fn a_password_changed_in_a_transaction_begun_before_the_rotation_and_committed_in_it_does_not_last()
{
    let mut s = scene(2, 4, 1);
    let old = created(&mut s, "c1");
    let mut own = s.cluster.connect(&old).unwrap();
    run(&mut own, &format!("BEGIN; ALTER ROLE c1 PASSWORD '{MINE}'"));
    // It waits for nobody: the role's row is held all the while.
    rotate(&mut s, "c1");
    assert!(works(&s.cluster, &s.cluster.url("c1")));
    run(&mut own, "COMMIT");
    assert!(logs_in(&s.cluster, "c1", MINE), "so nothing is shown");
    drop(own);
    becomes(&mut s.su, "c1", "lingering");
    assert!(!logs_in(&s.cluster, "c1", MINE), "it kept its own password");
    assert!(!works(&s.cluster, &old));
    assert!(works(&s.cluster, &s.cluster.url("c1")));
    assert_eq!(ask(&mut s.su, DRIFTS), "1");
    twins_go(&mut s.su);
    assert!(works(&s.cluster, &s.cluster.url("c1")));
    assert_eq!(ask(&mut s.su, DRIFTS), "1");
}

#[test]
fn what_a_session_of_the_twin_does_to_either_password_does_not_shut_out_the_url() {
    let mut s = scene(1, 600, 600);
    created(&mut s, "c1");
    let held = s.login("c1");
    rotate(&mut s, "c1");
    let url = s.cluster.url("c1");
    let mut twin = s.cluster.connect(&url).unwrap();
    for statement in [
        format!("ALTER ROLE c1 PASSWORD '{MINE}'"),
        format!("SET ROLE NONE; ALTER ROLE \"c1-rotating\" PASSWORD '{MINE}'"),
        "ALTER ROLE \"c1-rotating\" PASSWORD NULL".to_owned(),
    ] {
        let refused = outcome(&mut twin, &statement);
        assert_ne!(refused, "", "{statement} was taken");
        assert!(works(&s.cluster, &url), "{statement} shuts the URL out");
    }
    drop(held);
    becomes(&mut s.su, "c1", "lingering");
    assert!(works(&s.cluster, &s.cluster.url("c1")) && works(&s.cluster, &url));
    assert_eq!(ask(&mut s.su, DRIFTS), "0");
}
