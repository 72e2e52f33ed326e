//! Who is ended on a standby, and who is not.

use super::{ends_as_promised, login_at, switch_on, user_and_password, Pair, OFF};
use crate::held::people::{ends, lives, logs_in};
use crate::held::slow_login::Slow;
use crate::scene::{ask, run};

#[test]
fn old_sessions_on_a_standby_end_after_a_forced_rotation_a_suspension_and_a_destruction() {
    let names = ["c1", "c2", "c3", "c4", "c5"];
    let mut pair = Pair::new(&names);
    let mut old = names.map(|name| pair.session(name));
    let mut busy = pair.session("c1");
    run(&mut busy, "BEGIN; SELECT count(*) FROM pg_class");
    let former = user_and_password(&pair.primary.cluster.url("c1")).1;
    pair.replayed(
        "SELECT credentials.rotate('c1', force => true);
         SELECT credentials.suspend('c2');
         SELECT credentials.destroy('c3', confirm => 'app');
         SELECT credentials.set_password('c4')",
    );
    for i in [0, 1, 2] {
        ends_as_promised(&mut old[i], names[i]);
    }
    ends_as_promised(&mut busy, "c1, in a transaction");
    assert!(!logs_in(&pair.standby, "c1", &former));
    let mut new = pair.session("c1");
    pair.looked();
    assert!(lives(&mut new), "a session of the new password was ended");
    assert!(
        lives(&mut old[3]),
        "set_password ended a session on the standby"
    );
    assert!(
        lives(&mut old[4]),
        "a session of another credential was ended"
    );
}

#[test]
fn a_role_that_was_dropped_before_the_standby_looked_loses_its_sessions_there() {
    let mut pair = Pair::with(&["c1"], OFF);
    let mut old = pair.session("c1");
    pair.replayed("SELECT credentials.destroy('c1', confirm => 'app')");
    pair.replayed("SELECT credentials.wait('c1')");
    assert_eq!(
        ask(
            &mut pair.standby.superuser("app"),
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
    assert!(lives(&mut old), "something looked, so nothing is shown");
    switch_on(&pair.standby);
    ends(&mut old, "a role that is gone");
}

#[test]
fn a_login_on_a_standby_that_was_begun_before_a_cut_over_and_finished_after_it_comes_to_nothing() {
    let mut pair = Pair::new(&["c1"]);
    let url = pair.primary.cluster.url("c1");
    let mut old = pair.session("c1");
    let mut slow = Slow::begin(&pair.standby, "c1");
    let mut other = Slow::begin(&pair.standby, "fence");
    pair.replayed("SELECT credentials.rotate('c1', force => true)");
    ends_as_promised(&mut old, "c1");
    slow.finish(&user_and_password(&url).1, "SELECT 1");
    let took = slow.ends_after();
    assert!(took < super::PROMISED, "it lived for {took:?}");
    assert!(
        pair.standby
            .log()
            .contains("was replaced while this login was on its way"),
        "the login failed for another reason, so nothing was shown"
    );
    other.finish(
        &user_and_password(&pair.primary.cluster.url("fence")).1,
        "SELECT 1",
    );
    assert!(
        other.is_let_in(),
        "a slow login of another role was refused"
    );
}

#[test]
fn the_first_look_ends_who_may_have_proved_a_password_that_was_replaced_since_the_start() {
    let mut pair = Pair::with(&["c1", "c2"], OFF);
    pair.replayed("SELECT credentials.rotate('c2', force => true)");
    pair.replayed("SELECT credentials.wait('c2')");
    // From here on c2 is a credential that was cut once, and not since the start.
    pair.standby.restart();
    let mut old = pair.session("c1");
    let mut other = pair.session("c2");
    pair.replayed("SELECT credentials.rotate('c1', force => true)");
    let mut new = login_at(&pair.standby, &pair.primary.cluster.url("c1"));
    assert!(lives(&mut old), "something looked, so nothing is shown");
    switch_on(&pair.standby);
    ends(&mut old, "c1");
    // Nothing tells it apart, so it ends too.
    ends(&mut new, "c1 with the new password");
    pair.looked();
    assert!(
        lives(&mut other),
        "a session of another credential was ended"
    );
}

#[test]
fn a_standby_that_starts_again_leaves_sessions_of_the_password_in_force_alone() {
    let mut pair = Pair::new(&["c1"]);
    pair.replayed("SELECT credentials.rotate('c1', force => true)");
    pair.looked();
    pair.standby.restart();
    super::is_followed(&pair.standby);
    let mut new = pair.session("c1");
    pair.looked();
    assert!(
        lives(&mut new),
        "a session of the password in force was ended"
    );
}
