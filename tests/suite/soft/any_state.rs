//! What is asked of a credential while it rotates, lingers, or its twin is closed: it ends as it ends without a
//! rotation, and no twin is left over.

use postgres::Client;

use super::{becomes, created, password_of, scene, sessions, state, twins_go, works};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, run, Scene};

/// How far a rotation is when something else is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Rotating,
    Lingering,
    /// The twin is closed, and one session of it is left.
    Closing,
}

impl Step {
    pub const ALL: [Step; 3] = [Step::Rotating, Step::Lingering, Step::Closing];
}

/// A credential that is so far.
pub struct Turning {
    pub name: String,
    /// The URL before, and the one that was told in the rotation.
    pub old: String,
    pub twin: String,
    /// Sessions: of the old password where it still is good, and of the twin.
    pub held: Vec<Client>,
}

/// A scene in which a rotation goes on only as far as it is led.
#[track_caller]
pub fn slow_scene() -> Scene {
    scene(600, 600, 600)
}

/// Leads the rotation of a new credential as far as `step`; `arguments` are more of those of create().
#[track_caller]
pub fn led(s: &mut Scene, name: &str, arguments: &str, step: Step) -> Turning {
    run(
        &mut s.su,
        &format!(
            "SELECT credentials.create('{name}'{arguments}); GRANT USAGE, CREATE ON SCHEMA public TO \"{name}\""
        ),
    );
    let old = s.cluster.url(name);
    let mut held = vec![s.cluster.connect(&old).unwrap()];
    if step == Step::Closing {
        linger(s, 0);
    }
    let times = match step {
        Step::Rotating => "",
        _ => ", overlap => '0', grace => '1 s'",
    };
    run(
        &mut s.own,
        &format!("SELECT credentials.rotate('{name}'{times})"),
    );
    let twin = s.cluster.url(name);
    let mut session = s.cluster.connect(&twin).unwrap();
    // Something that is the twin's own until it is taken from it.
    run(
        &mut session,
        &format!("SET ROLE NONE; CREATE TABLE public.\"of {name}\" (n int); RESET ROLE"),
    );
    held.push(session);
    match step {
        Step::Rotating => assert_eq!(state(&mut s.su, name), "rotating"),
        Step::Lingering => becomes(&mut s.su, name, "lingering"),
        Step::Closing => {
            wait_until("the twin is closed", SOON, || !works(&s.cluster, &twin));
            linger(s, 600);
        }
    }
    Turning {
        name: name.to_owned(),
        old,
        twin,
        held,
    }
}

/// Sets `rotation_linger` for the rotations to come.
#[track_caller]
fn linger(s: &mut Scene, seconds: u32) {
    s.cluster
        .append_conf(&format!("credential_manager.rotation_linger = {seconds}"));
    run(&mut s.su, "SELECT pg_reload_conf()");
    for session in ["own", "su"] {
        let client = if session == "own" {
            &mut s.own
        } else {
            &mut s.su
        };
        wait_until("the setting is read", SOON, || {
            ask(client, "SELECT extract(epoch FROM current_setting('credential_manager.rotation_linger')::interval)::int") == seconds.to_string()
        });
    }
}

/// Every session that was there is ended.
#[track_caller]
pub fn all_end(t: &mut Turning) {
    for session in &mut t.held {
        wait_until("a session ends", SOON, || {
            session.simple_query("SELECT 1").is_err()
        });
    }
}

/// Who owns the table that the twin made.
#[track_caller]
pub fn owner(s: &mut Scene, t: &Turning) -> String {
    ask(
        &mut s.su,
        &format!(
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'of {}'",
            t.name
        ),
    )
}

/// Each step with a name for its credential.
fn numbered() -> impl Iterator<Item = (Step, String)> {
    let name = |step| format!("c-at-{step:?}-step");
    Step::ALL.into_iter().map(move |step| (step, name(step)))
}

#[test]
fn force_in_any_state_leaves_one_new_password_and_no_twin() {
    let mut s = slow_scene();
    for (step, name) in numbered() {
        let mut t = led(&mut s, &name, "", step);
        run(
            &mut s.own,
            &format!("SELECT credentials.rotate('{name}', force => true)"),
        );
        let new = s.cluster.url(&name);
        assert!(works(&s.cluster, &new), "{step:?}");
        assert!(!works(&s.cluster, &t.old), "{step:?}: the old one logs in");
        assert!(!works(&s.cluster, &t.twin), "{step:?}: the twin logs in");
        assert!(
            s.cluster
                .login(&name, &password_of(&t.twin), "app")
                .is_err(),
            "{step:?}: the rotation's password is still good"
        );
        all_end(&mut t);
        becomes(&mut s.su, &name, "active");
        twins_go(&mut s.su);
        assert_eq!(owner(&mut s, &t), name, "{step:?}");
        assert_eq!(s.cluster.url(&name), new, "{step:?}");
        assert!(works(&s.cluster, &new), "{step:?}");
    }
}

#[test]
fn suspend_in_any_state_ends_the_rotation_in_favour_of_the_new_password() {
    let mut s = slow_scene();
    for (step, name) in numbered() {
        let mut t = led(&mut s, &name, "", step);
        run(&mut s.own, &format!("SELECT credentials.suspend('{name}')"));
        assert!(!works(&s.cluster, &t.old) && !works(&s.cluster, &t.twin));
        assert_eq!(state(&mut s.su, &name), "suspended");
        all_end(&mut t);
        twins_go(&mut s.su);
        assert_eq!(state(&mut s.su, &name), "suspended");
        assert_eq!(owner(&mut s, &t), name, "{step:?}");
        run(&mut s.own, &format!("SELECT credentials.resume('{name}')"));
        let url = s.cluster.url(&name);
        assert_eq!(password_of(&url), password_of(&t.twin), "{step:?}");
        assert!(works(&s.cluster, &url), "{step:?}");
        assert!(!works(&s.cluster, &t.old), "{step:?}");
        assert_eq!(state(&mut s.su, &name), "active");
    }
}

#[test]
fn destroy_in_any_state_takes_role_and_twin_and_keeps_what_either_made() {
    let mut s = slow_scene();
    for (step, name) in numbered() {
        let mut t = led(&mut s, &name, "", step);
        run(
            &mut s.own,
            &format!("SELECT credentials.destroy('{name}', confirm => 'app')"),
        );
        assert!(!works(&s.cluster, &t.old) && !works(&s.cluster, &t.twin));
        all_end(&mut t);
        assert_eq!(
            ask(
                &mut s.su,
                &format!("SELECT state FROM credentials.wait('{name}')")
            ),
            "destroyed",
            "{step:?}"
        );
        twins_go(&mut s.su);
        let left = format!("SELECT count(*) FROM pg_roles WHERE rolname ~ '{name}'");
        assert_eq!(ask(&mut s.su, &left), "0", "{step:?}");
        assert_eq!(owner(&mut s, &t), "app_owner", "{step:?}");
    }
}

#[test]
fn a_lease_that_ends_in_any_state_takes_role_and_twin() {
    let mut s = slow_scene();
    for (step, name) in numbered() {
        let mut t = led(&mut s, &name, ", valid_for => '1 hour'", step);
        run(
            &mut s.own,
            &format!("SELECT credentials.extend('{name}', '2 s')"),
        );
        if step != Step::Closing {
            let both = format!(
                "SELECT count(DISTINCT rolvaliduntil) || ' of ' || count(*) FROM pg_roles WHERE rolname ~ '{name}' AND rolvaliduntil < now() + interval '3 s'"
            );
            assert_eq!(ask(&mut s.su, &both), "1 of 2", "{step:?}");
        }
        all_end(&mut t);
        let left = format!("SELECT count(*) FROM pg_roles WHERE rolname ~ '{name}'");
        wait_until("role and twin are gone", SOON, || {
            ask(&mut s.su, &left) == "0"
        });
        twins_go(&mut s.su);
        assert_eq!(owner(&mut s, &t), "app_owner", "{step:?}");
        assert_eq!(sessions(&mut s.su, &name), "0");
    }
}

#[test]
fn a_call_of_another_kind_does_not_disturb_the_rotation() {
    let mut s = slow_scene();
    for (step, name) in numbered() {
        let t = led(&mut s, &name, "", step);
        let (before, url) = (state(&mut s.su, &name), s.cluster.url(&name));
        run(&mut s.own, "SELECT credentials.repair_default()");
        run(&mut s.own, "SELECT credentials.wait('default')");
        assert_eq!(state(&mut s.su, &name), before, "{step:?}");
        assert_eq!(s.cluster.url(&name), url, "{step:?}");
        assert!(works(&s.cluster, &url), "{step:?}");
        // repair_default() takes what the credential owns, and what its twin does.
        assert_eq!(owner(&mut s, &t), "app_owner", "{step:?}");
        drop(t);
        run(
            &mut s.own,
            &format!("SELECT credentials.rotate('{name}', force => true)"),
        );
        twins_go(&mut s.su);
        becomes(&mut s.su, &name, "active");
    }
}

#[test]
fn created_is_refused_for_what_is_a_twin() {
    let mut s = slow_scene();
    created(&mut s, "c1");
    run(&mut s.own, "SELECT credentials.rotate('c1')");
    for call in [
        "SELECT credentials.rotate('c1-rotating')",
        "SELECT credentials.suspend('c1-rotating')",
        "SELECT credentials.destroy('c1-rotating', 'app')",
        "SELECT credentials.url('c1-rotating')",
    ] {
        crate::harness::expect_error(&mut s.own, call, "42704");
    }
    for call in [
        "SELECT credentials.create('c1-rotating')",
        "SELECT credentials.adopt('c1-rotating')",
        "SELECT credentials.adopt('c1-rotating', 'other')",
    ] {
        let refused = crate::scene::outcome(&mut s.su, call);
        assert!(
            ["42602", "42939"].contains(&refused.as_str()),
            "{call}: {refused}"
        );
    }
}
