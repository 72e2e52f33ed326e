//! Credentials that are old, unused, forgotten or without a limit, and passwords that are not what they should be.

use super::{about, case, gone, make, mend, seen_and_mended, the};
use crate::harness::Cluster;
use crate::scene::{ask, run, Scene};

#[test]
fn an_old_password_is_found_and_rotated_without_downtime() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    case(
        &mut scene,
        "UPDATE credentials.credential SET rotated_at = now() - interval '91 days' WHERE name = 'c1'",
        "medium",
        "password_old",
        "credential c1",
    );
    run(&mut c1, "SELECT 1");
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT state FROM credentials.list() WHERE name = 'c1'"
        ),
        "rotating"
    );
    // Default is as old as any; one that was adopted is as old as that.
    case(
        &mut scene,
        "UPDATE credentials.credential SET rotated_at = NULL, created_at = now() - interval '91 days' WHERE name = 'default'",
        "medium",
        "password_old",
        "credential default",
    );
}

#[test]
fn the_age_that_is_found_is_the_setting_and_nothing_is_old_where_it_is_off() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(&mut scene.su, "UPDATE credentials.credential SET rotated_at = now() - interval '80 days', created_at = now() - interval '80 days', last_login_at = NULL");
    assert_eq!(about(&mut scene.su, "password_old", "credential c1"), []);
    run(
        &mut scene.su,
        "ALTER SYSTEM SET credential_manager.rotation_age = '79d'",
    );
    run(&mut scene.su, "SELECT pg_reload_conf()");
    crate::harness::wait_until("the setting is read", crate::harness::SOON, || {
        about(&mut scene.su, "password_old", "credential c1").len() == 1
    });
    run(
        &mut scene.su,
        "ALTER SYSTEM SET credential_manager.rotation_age = 0",
    );
    run(&mut scene.su, "SELECT pg_reload_conf()");
    gone(&mut scene.su, "password_old", "credential c1");
}

#[test]
fn an_unused_credential_is_found_and_suspended() {
    let mut scene = Scene::new();
    let c1 = scene.credential("c1");
    let long_ago = "UPDATE credentials.credential SET created_at = now() - interval '92 days', last_login_at = now() - interval '91 days'";
    run(&mut scene.su, long_ago);
    // It is being used, as is default.
    assert_eq!(
        about(&mut scene.su, "credential_unused", "credential c1"),
        []
    );
    drop(c1);
    // It has been used a moment ago, as memory knows, or the row where the worker wrote it.
    assert_eq!(
        about(&mut scene.su, "credential_unused", "credential c1"),
        []
    );
    run(&mut scene.own, "SELECT credentials.create('c2')");
    case(
        &mut scene,
        long_ago,
        "low",
        "credential_unused",
        "credential c2",
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT state FROM credentials.list() WHERE name = 'c2'"
        ),
        "suspended"
    );
    assert_eq!(
        about(&mut scene.su, "credential_unused", "credential default"),
        []
    );
}

#[test]
fn a_credential_that_was_suspended_long_ago_is_found_and_destroyed() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(&mut scene.own, "SELECT credentials.suspend('c1')");
    scene.settle();
    run(&mut scene.su, "UPDATE credentials.credential SET created_at = now() - interval '200 days' WHERE name = 'c1'");
    case(
        &mut scene,
        "UPDATE credentials.event SET at = now() - interval '91 days' WHERE name = 'c1'",
        "low",
        "credential_suspended",
        "credential c1",
    );
    scene.settle();
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
}

#[test]
fn a_suspension_whose_event_is_no_longer_kept_is_not_called_older_than_is_known() {
    let mut scene = Scene::on(
        Cluster::builder()
            .setting("credential_manager.event_retention", "30d")
            .start(),
    );
    drop(scene.credential("c1"));
    run(&mut scene.own, "SELECT credentials.suspend('c1')");
    scene.settle();
    run(
        &mut scene.su,
        "UPDATE credentials.credential SET created_at = now() - interval '200 days' WHERE name = 'c1';
         DELETE FROM credentials.event WHERE name = 'c1'",
    );
    assert_eq!(
        about(&mut scene.su, "credential_suspended", "credential c1"),
        []
    );
}

#[test]
fn a_credential_without_connection_limit_is_found_and_gets_one() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    seen_and_mended(&mut scene, "low", "credential_unlimited", "credential c1");
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'c1'"
        ),
        "25"
    );
    assert_eq!(
        about(&mut scene.su, "credential_unlimited", "credential default"),
        []
    );
}

#[test]
fn md5_digests_are_found_whoever_has_them_and_mended() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    let _s = scene.stranger("s1", "");
    let md5 = |role: &str| {
        format!("SET password_encryption = 'md5'; ALTER ROLE \"{role}\" PASSWORD 'an-old-kind-of-password'; RESET password_encryption")
    };
    case(&mut scene, &md5("s1"), "high", "password_md5", "role s1");
    case(&mut scene, &md5("c1"), "high", "password_md5", "role c1");
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', force => true)",
    );
    run(&mut scene.su, "SELECT credentials.wait('c1')");
    case(
        &mut scene,
        &md5("app_owner"),
        "high",
        "password_md5",
        "role app_owner",
    );
    // What is suspended cannot rotate, and is mended all the same.
    run(&mut scene.own, "SELECT credentials.suspend('c1')");
    run(&mut scene.su, "SELECT credentials.wait('c1')");
    case(&mut scene, &md5("c1"), "high", "password_md5", "role c1");
}

#[test]
fn a_twin_with_an_md5_digest_is_found_and_ended() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    // While it drains the worker sees to it; afterwards its name is good for a day.
    let c1 = scene.login("c1");
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', overlap => '0', grace => '0')",
    );
    scene.settle();
    drop(c1);
    make(
        &mut scene,
        "SET password_encryption = 'md5'; ALTER ROLE \"c1-rotating\" PASSWORD 'an-old-kind-of-password'; RESET password_encryption",
        "password_md5",
        "role \"c1-rotating\"",
    );
    seen_and_mended(&mut scene, "high", "password_md5", "role \"c1-rotating\"");
}

#[test]
fn a_password_that_was_changed_by_other_means_is_found_and_replaced() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    assert_eq!(about(&mut scene.su, "password_drift", "credential c1"), []);
    // It may do so itself.
    run(
        &mut c1,
        "ALTER ROLE c1 PASSWORD 'a-password-of-my-own-choice'",
    );
    seen_and_mended(&mut scene, "high", "password_drift", "credential c1");
    scene.settle();
    assert!(scene
        .cluster
        .login("c1", "a-password-of-my-own-choice", "app")
        .is_err());
    drop(scene.login("c1"));
    case(
        &mut scene,
        "ALTER ROLE c1 PASSWORD NULL",
        "high",
        "password_drift",
        "credential c1",
    );
    scene.settle();
    // A verifier that takes the server seconds to try is not tried.
    let slow = "SCRAM-SHA-256$2000000000:c2FsdHNhbHRzYWx0c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    run(&mut scene.su, &format!("SET allow_system_table_mods = on; UPDATE pg_authid SET rolpassword = '{slow}' WHERE rolname = 'c1'; RESET allow_system_table_mods"));
    let began = std::time::Instant::now();
    the(&mut scene.own, "password_drift", "credential c1");
    assert!(began.elapsed().as_secs() < 60, "it ran the rounds");
    // Through a rotation and after it all is as it should be.
    let found = the(&mut scene.su, "password_drift", "credential c1");
    mend(&scene.cluster, &found.remedy);
    scene.settle();
    run(&mut scene.own, "SELECT credentials.rotate('c1')");
    assert_eq!(about(&mut scene.su, "password_drift", "credential c1"), []);
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', force => true)",
    );
    scene.settle();
    gone(&mut scene.su, "password_drift", "credential c1");
}

#[test]
fn a_job_that_waits_for_a_person_is_found_and_cancelled() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(
        &mut scene.su,
        "INSERT INTO credentials.job (kind, role, name, state, stage, requested_by, created_at, updated_at, due_at, message)
         SELECT 'repair', c.role, c.name, 'blocked', 'restore', 'x', now(), now(), 'infinity', 'It waits.'
           FROM credentials.credential c WHERE name = 'default'",
    );
    let job = ask(&mut scene.su, "SELECT max(id) FROM credentials.job");
    seen_and_mended(&mut scene, "medium", "job_blocked", &format!("job {job}"));
}
