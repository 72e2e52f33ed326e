//! What a superuser may do to role or twin in mid-rotation, against a WARNING: what `url()` tells logs in soon again, and
//! the rotation comes to its end.

use super::{becomes, created, rotate, scene, twins_go, works};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, run};

#[test]
fn a_twin_that_a_superuser_renames_or_drops_brings_the_cut_over_forward() {
    for act in [
        "ALTER ROLE \"c1-rotating\" RENAME TO c1_gone",
        "DROP ROLE \"c1-rotating\"",
    ] {
        let mut s = scene(600, 600, 600);
        let old = created(&mut s, "c1");
        rotate(&mut s, "c1");
        let told = s.cluster.url("c1");
        run(&mut s.su, act);
        wait_until("what is told logs in again", SOON, || {
            works(&s.cluster, &s.cluster.url("c1"))
        });
        assert_ne!(s.cluster.url("c1"), told, "{act}");
        assert!(!works(&s.cluster, &old), "{act}: the old password is good");
        becomes(&mut s.su, "c1", "active");
        twins_go(&mut s.su);
        let left = "SELECT count(*) FROM pg_roles WHERE rolname = 'c1_gone'";
        assert_eq!(ask(&mut s.su, left), "0", "{act}");
    }
}

#[test]
fn a_role_that_a_superuser_renames_is_left_alone_until_it_has_its_name_again() {
    let mut s = scene(1, 1, 600);
    let old = created(&mut s, "c1");
    rotate(&mut s, "c1");
    run(&mut s.su, "ALTER ROLE c1 RENAME TO c9");
    let job = "SELECT state || ': ' || message FROM credentials.jobs() WHERE name = 'c1' AND kind = 'rotate'";
    wait_until("the job says what it waits for", SOON, || {
        ask(&mut s.su, job) == "blocked: the role was renamed or replaced: rename it back"
    });
    run(&mut s.su, "ALTER ROLE c9 RENAME TO c1");
    becomes(&mut s.su, "c1", "lingering");
    assert!(works(&s.cluster, &s.cluster.url("c1")));
    assert!(!works(&s.cluster, &old), "the old password is good");
}
