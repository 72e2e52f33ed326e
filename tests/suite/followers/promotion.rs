//! A standby that becomes the primary goes on with what the former one had begun.

use super::{login_at, switch_on, user_and_password, Pair, OFF};
use crate::harness::{wait_until, Cluster, SOON};
use crate::held::people::{ends, lives, only_the_managed_password_logs_in, waited, Force};
use crate::scene::{ask, run};

/// Nothing is left to do, or to look after.
#[track_caller]
fn is_settled(cluster: &Cluster) {
    let mut superuser = cluster.superuser("app");
    wait_until("all jobs are over", SOON, || {
        ask(
            &mut superuser,
            "SELECT count(*) FROM credentials.job WHERE stage <> 'finished'",
        ) == "0"
    });
}

#[test]
fn a_forced_rotation_that_lost_its_primary_in_any_stage_ends_on_the_promoted_standby() {
    let long = std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some();
    for stage in ["end_sessions", "sweep"]
        .into_iter()
        .take(if long { 2 } else { 1 })
    {
        let pair = Pair::with(&["c1", "c2"], "synchronous_standby_names = ''");
        let (old_url, other) = (pair.primary.cluster.url("c1"), pair.session("c2"));
        let mut old = pair.session("c1");
        let mut other = other;
        pair.primary.cluster.wait_for_standby();
        pair.primary.cluster.crash_at(stage);
        let (mut own, su) = (pair.primary.own, pair.primary.su);
        // The answer may be lost with the server.
        let _ = own.batch_execute("SELECT credentials.rotate('c1', force => true)");
        drop((own, su));
        pair.primary.cluster.wait_killed();
        pair.standby.promote();
        ends(&mut old, "c1");
        assert_eq!(waited(&pair.standby, "c1"), "active", "{stage}");
        is_settled(&pair.standby);
        let former = user_and_password(&old_url).1;
        only_the_managed_password_logs_in(&pair.standby, "c1", &[&former]);
        assert!(
            lives(&mut other),
            "{stage}: another credential's session ended"
        );
        let mut new = login_at(&pair.standby, &pair.standby.url("c1"));
        run(
            &mut pair.standby.superuser("app"),
            "SELECT credentials.rotate('c2', force => true)",
        );
        ends(&mut other, "c2");
        assert!(
            lives(&mut new),
            "{stage}: a session of the new password ended"
        );
        pair.standby.check_invariants();
    }
}

#[test]
fn what_was_ordered_and_held_on_the_primary_comes_about_on_the_promoted_standby() {
    let names = ["c1", "c2", "c3"];
    let mut pair = Pair::with(&names, "synchronous_standby_names = ''");
    let former = names.map(|name| user_and_password(&pair.primary.cluster.url(name)).1);
    let mut old = names.map(|name| pair.session(name));
    pair.primary.cluster.wait_for_standby();
    // A superuser holds the roles, so the orders wait.
    let mut holder = pair.primary.cluster.superuser("app");
    run(&mut holder, "BEGIN");
    for (name, force) in names.iter().zip(Force::ALL) {
        run(
            &mut holder,
            &format!("ALTER ROLE {name} CONNECTION LIMIT 7"),
        );
        run(&mut pair.primary.own, &force.sql(name));
    }
    drop((pair.primary.own, pair.primary.su, holder));
    pair.primary.cluster.kill9();
    pair.standby.promote();
    for (i, force) in Force::ALL.into_iter().enumerate() {
        ends(&mut old[i], names[i]);
        force.has_come_about(&pair.standby, names[i], &[&former[i]]);
    }
}

#[test]
fn nobody_with_a_retired_password_outlives_the_promotion_of_a_standby_that_never_looked() {
    let mut pair = Pair::with(&["c1", "c2"], OFF);
    let (mut old, mut other) = (pair.session("c1"), pair.session("c2"));
    pair.replayed("SELECT credentials.rotate('c1', force => true)");
    // Nothing is left of the order that could end them.
    is_settled(&pair.primary.cluster);
    pair.primary.cluster.wait_replayed(&pair.standby);
    assert!(lives(&mut old), "something looked, so nothing is shown");
    drop((pair.primary.own, pair.primary.su));
    pair.primary.cluster.kill9();
    pair.standby.promote();
    switch_on(&pair.standby);
    ends(&mut old, "c1");
    assert!(
        lives(&mut other),
        "a session of another credential was ended"
    );
}
