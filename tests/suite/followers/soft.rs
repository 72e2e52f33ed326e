//! Soft rotations as a standby sees them: whose sessions end there, at which step.

use super::{ends_as_promised, login_at, user_and_password, Pair};
use crate::harness::{wait_until, SOON};
use crate::held::people::{lives, logs_in};
use crate::held::slow_login::Slow;
use crate::scene::{ask, run};

impl Pair {
    /// Begins a soft rotation that has a second of overlap, and gives the URL that tells the twin.
    #[track_caller]
    pub fn begin(&mut self, name: &str) -> String {
        self.replayed(&format!(
            "SELECT credentials.rotate('{name}', overlap => '1 s', grace => '20 s')"
        ));
        self.primary.cluster.url(name)
    }

    /// Waits for the cut-over, and until the standby has replayed it.
    #[track_caller]
    pub fn cut_over(&mut self, name: &str) {
        let state = format!("SELECT state FROM credentials.list() WHERE name = '{name}'");
        wait_until("the cut-over", SOON, || {
            ask(&mut self.primary.su, &state) == "lingering"
        });
        self.primary.cluster.wait_replayed(&self.standby);
    }
}

#[test]
fn a_cut_over_ends_the_old_sessions_on_a_standby_and_leaves_those_of_the_twin_alone() {
    let mut pair = Pair::new(&["c1", "c2"]);
    let (mut old, mut other) = (pair.session("c1"), pair.session("c2"));
    let former = user_and_password(&pair.primary.cluster.url("c1")).1;
    let mut slow = Slow::begin(&pair.standby, "c1");
    let twin = pair.begin("c1");
    let mut new = login_at(&pair.standby, &twin);
    assert!(lives(&mut old), "the old password goes at the cut-over");
    pair.cut_over("c1");
    ends_as_promised(&mut old, "c1");
    slow.finish(&former, "SELECT 1");
    let took = slow.ends_after();
    assert!(took < super::PROMISED, "a slow login lived for {took:?}");
    assert!(!logs_in(&pair.standby, "c1", &former));
    let mut base = pair.session("c1");
    pair.looked();
    for (session, whose) in [
        (&mut new, "the twin"),
        (&mut base, "the role with the new password"),
        (&mut other, "another credential"),
    ] {
        assert!(lives(session), "a session of {whose} was ended");
    }

    // The next rotation uses the same twin: its sessions of before are of an older password then.
    let url = pair.begin("c1");
    assert_eq!(user_and_password(&url).0, user_and_password(&twin).0);
    // Seen by the standby: who logs in from here on is told apart from who did before.
    pair.looked();
    let mut newest = login_at(&pair.standby, &url);
    assert!(lives(&mut new) && lives(&mut base));
    pair.cut_over("c1");
    ends_as_promised(&mut new, "the twin with the older password");
    ends_as_promised(&mut base, "the role with the older password");
    pair.looked();
    assert!(
        lives(&mut newest),
        "a session of the newest password was ended"
    );
}

#[test]
fn what_ends_a_rotation_ends_the_sessions_of_its_twin_on_a_standby() {
    let mut pair = Pair::new(&["c1", "c2", "c3", "c4"]);
    let orders = [
        ("c1", "SELECT credentials.rotate('c1', force => true)"),
        ("c2", "SELECT credentials.suspend('c2')"),
        ("c3", "SELECT credentials.destroy('c3', confirm => 'app')"),
    ];
    let mut sessions = Vec::new();
    for (name, _) in orders {
        let old = pair.session(name);
        let url = pair.begin(name);
        sessions.push((old, login_at(&pair.standby, &url)));
    }
    for (_, order) in orders {
        run(&mut pair.primary.own, order);
    }
    pair.primary.cluster.wait_replayed(&pair.standby);
    for ((name, _), (old, twin)) in orders.iter().zip(&mut sessions) {
        ends_as_promised(old, name);
        ends_as_promised(twin, &format!("the twin of {name}"));
    }
    pair.primary.settle();
}

#[test]
fn a_twin_that_retires_keeps_its_sessions_on_a_standby_until_it_is_dropped() {
    let mut pair = Pair::new(&["c1"]);
    pair.primary
        .cluster
        .append_conf("credential_manager.rotation_linger = '1s'");
    run(&mut pair.primary.su, "SELECT pg_reload_conf()");
    let url = pair.begin("c1");
    let mut on_standby = login_at(&pair.standby, &url);
    let mut on_primary = login_at(&pair.primary.cluster, &url);
    let phase = "SELECT phase FROM credentials.twin";
    wait_until("the twin retires", SOON, || {
        ask(&mut pair.primary.su, phase) == "retiring"
    });
    pair.looked();
    assert!(
        lives(&mut on_standby),
        "a session of the new password was ended"
    );
    assert!(lives(&mut on_primary));
    drop(on_primary);
    wait_until("the twin is dropped", SOON, || {
        ask(&mut pair.primary.su, phase).is_empty()
    });
    pair.primary.cluster.wait_replayed(&pair.standby);
    ends_as_promised(&mut on_standby, "a twin that is gone");
}
