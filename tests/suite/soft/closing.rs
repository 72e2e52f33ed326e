//! What holds a closed twin up, and what it owns then; configure() and extend() on a credential that rotates.

use super::any_state::{led, slow_scene, Step};
use super::{becomes, created, password_of, rotate, scene, state, twins, twins_go, works};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, column, run};

#[test]
fn what_a_twins_session_has_prepared_is_not_lost_and_holds_up_nothing_but_the_twins_end() {
    let mut s = scene(0, 1, 1);
    created(&mut s, "c1");
    run(&mut s.su, "GRANT USAGE, CREATE ON SCHEMA public TO c1");
    let held = s.login("c1");
    rotate(&mut s, "c1");
    let mut twin = s.login("c1");
    run(
        &mut twin,
        "SET ROLE NONE; BEGIN; CREATE TABLE public.prepared (n int); PREPARE TRANSACTION 'of the twin'",
    );
    drop((held, twin));
    becomes(&mut s.su, "c1", "lingering");
    let waits = "SELECT count(*) FROM credentials.jobs() WHERE kind = 'retire' AND message LIKE '%prepared%'";
    wait_until("the job says what it waits for", SOON, || {
        ask(&mut s.su, waits) == "1"
    });
    assert_eq!(twins(&mut s.su), ["c1-rotating"]);
    assert!(works(&s.cluster, &s.cluster.url("c1")));
    run(&mut s.su, "COMMIT PREPARED 'of the twin'");
    twins_go(&mut s.su);
    becomes(&mut s.su, "c1", "active");
    let owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'prepared'";
    assert_eq!(ask(&mut s.su, owner), "c1");
}

#[test]
fn a_table_in_use_does_not_stop_the_twin_from_going_for_good() {
    let mut s = scene(0, 1, 1);
    created(&mut s, "c1");
    run(&mut s.su, "GRANT USAGE, CREATE ON SCHEMA public TO c1");
    let held = s.login("c1");
    rotate(&mut s, "c1");
    let mut twin = s.login("c1");
    run(&mut twin, "SET ROLE NONE; CREATE TABLE public.used (n int)");
    drop((held, twin));
    run(&mut s.su, "BEGIN; SELECT * FROM public.used");
    let mut other = s.cluster.superuser("app");
    wait_until("the twin is closed", SOON, || {
        ask(
            &mut other,
            "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'c1-rotating'",
        ) == "f"
    });
    assert!(works(&s.cluster, &s.cluster.url("c1")));
    run(&mut s.su, "COMMIT");
    twins_go(&mut s.su);
    becomes(&mut s.su, "c1", "active");
    let owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'used'";
    assert_eq!(ask(&mut s.su, owner), "c1");
}

#[test]
fn configure_and_extend_reach_the_twin_too() {
    let mut s = slow_scene();
    for step in [Step::Rotating, Step::Lingering] {
        let name = format!("c-at-{step:?}-step");
        let t = led(&mut s, &name, ", valid_for => '1 hour'", step);
        run(
            &mut s.own,
            &format!(
                r#"SELECT credentials.configure('{name}', connection_limit => 9, settings => $j${{"statement_timeout": "31s", "search_path": "\"$user\", \"we,ird\""}}$j$);
                   SELECT credentials.extend('{name}', '2 hours')"#
            ),
        );
        let both = format!(
            "SELECT DISTINCT rolconnlimit || ' ' || (rolvaliduntil > now() + interval '119 min') FROM pg_roles WHERE rolname ~ '^{name}'"
        );
        assert_eq!(column(&mut s.su, &both), ["9 true"], "{step:?}");
        for user in [name.clone(), format!("{name}-rotating")] {
            let password = match (step, user == name) {
                (Step::Rotating, true) => password_of(&t.old),
                _ => password_of(&t.twin),
            };
            let mut session = s.cluster.login(&user, &password, "app").unwrap();
            assert_eq!(ask(&mut session, "SHOW statement_timeout"), "31s", "{user}");
            assert_eq!(
                ask(&mut session, "SHOW search_path"),
                r#""$user", "we,ird""#,
                "{user}"
            );
            assert_eq!(ask(&mut session, "SELECT current_user"), name);
        }
        run(
            &mut s.own,
            &format!(
                r#"SELECT credentials.configure('{name}', settings => '{{"statement_timeout": null}}')"#
            ),
        );
        let mut session = s.cluster.connect(&t.twin).unwrap();
        assert_ne!(ask(&mut session, "SHOW statement_timeout"), "31s");
        assert_eq!(ask(&mut session, "SELECT current_user"), name);
    }
}

#[test]
fn after_a_restart_in_any_state_the_url_logs_in_and_the_rotation_goes_on() {
    let mut s = scene(2, 4, 2);
    for name in ["early", "late"] {
        created(&mut s, name);
    }
    let old = s.cluster.url("early");
    rotate(&mut s, "late");
    becomes(&mut s.su, "late", "lingering");
    rotate(&mut s, "early");
    let cluster = s.cluster;
    drop((s.su, s.own));
    cluster.restart();
    let mut su = cluster.superuser("app");
    assert!(works(&cluster, &cluster.url("early")) && works(&cluster, &cluster.url("late")));
    for name in ["early", "late"] {
        becomes(&mut su, name, "active");
        assert!(works(&cluster, &cluster.url(name)));
    }
    assert!(!works(&cluster, &old));
    twins_go(&mut su);
    assert_eq!(state(&mut su, "early"), "active");
}
