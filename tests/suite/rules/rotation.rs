//! Rules 9 to 12: what rotating and destroying leave as it was, and in which order they act.

use crate::harness::{expect_error, wait_until, SOON};
use crate::scene::{ask, column, fingerprint, outcome, run, Scene};

/// All that hangs on a role but its password.
const ROLE: &str = "SELECT md5(string_agg(t, ',' ORDER BY t)) FROM (
    SELECT (to_jsonb(a) - 'rolpassword')::text FROM pg_authid a WHERE rolname = 'c1'
    UNION ALL SELECT m::text FROM pg_auth_members m
    UNION ALL SELECT s::text FROM pg_db_role_setting s
    UNION ALL SELECT d::text FROM pg_shdepend d WHERE refobjid = 'c1'::regrole
    UNION ALL SELECT relacl::text FROM pg_class WHERE relname = 'papers'
    UNION ALL SELECT p::text FROM pg_policy p UNION ALL SELECT d::text FROM pg_default_acl d
    UNION ALL SELECT d::text FROM pg_shdescription d UNION ALL SELECT u::text FROM pg_user_mapping u) x(t)";

#[test]
fn rule_09_a_rotation_changes_the_password_and_nothing_else_of_the_role() {
    let mut scene = Scene::new();
    let c1 = scene.credential("c1");
    run(
        &mut scene.su,
        "CREATE ROLE friends; CREATE ROLE fans; GRANT friends TO c1 WITH ADMIN OPTION; GRANT c1 TO fans;
         CREATE TABLE public.papers (n int); GRANT SELECT (n), UPDATE ON public.papers TO c1;
         CREATE POLICY p ON public.papers TO c1 USING (true);
         ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO c1;
         ALTER ROLE c1 SET search_path = '$user', public, \"Odd one\"; ALTER ROLE c1 IN DATABASE app SET work_mem = '5MB';
         ALTER ROLE c1 CONNECTION LIMIT 7 VALID UNTIL '2099-01-01'; COMMENT ON ROLE c1 IS 'kept'",
    );
    let before = ask(&mut scene.su, ROLE);
    let first = ask(
        &mut scene.su,
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'c1'",
    );
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', force => true)",
    );
    scene.settle();
    drop(c1);
    wait_until("the old session has ended", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'c1'",
        ) == "0"
    });
    run(
        &mut scene.own,
        "SELECT credentials.rotate('c1', overlap => '0')",
    );
    run(&mut scene.own, "SELECT credentials.set_password('c1')");
    assert_eq!(ask(&mut scene.su, ROLE), before);
    assert_ne!(
        ask(
            &mut scene.su,
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'c1'"
        ),
        first
    );
    assert_eq!(
        column(
            &mut scene.su,
            "SELECT rolname FROM pg_roles WHERE rolname ~ 'rotating'"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn rule_10_nothing_is_done_before_the_commit_and_nothing_after_a_rollback() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    let before = fingerprint(&mut scene.su);
    let events = ask(&mut scene.su, "SELECT count(*) FROM credentials.event");
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.create('c2'); SELECT credentials.rotate('c1', force => true);
         SAVEPOINT s; SELECT credentials.destroy('c1', 'app'); ROLLBACK TO s; SELECT credentials.suspend('c1');
         SELECT credentials.repair_default(); ROLLBACK",
    );
    assert_eq!(fingerprint(&mut scene.su), before);
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.event"),
        events
    );
    assert_eq!(ask(&mut c1, "SELECT 1"), "1", "the session goes on");
    for call in [
        "create('c2')",
        "rotate('c1', force => true)",
        "destroy('c1', 'app')",
        "suspend('c1')",
        "repair_default()",
    ] {
        run(&mut scene.own, &format!("BEGIN; SELECT credentials.{call}"));
        expect_error(&mut scene.own, "PREPARE TRANSACTION 'kept'", "0A000");
        run(&mut scene.own, "ROLLBACK");
    }
    assert_eq!(fingerprint(&mut scene.su), before);
    assert_eq!(ask(&mut c1, "SELECT 1"), "1", "the session goes on");
}

#[test]
fn rule_11_the_door_is_closed_first_and_what_a_last_session_made_is_not_lost() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    let url = scene.cluster.url("c1");
    run(&mut scene.su, "GRANT CREATE ON SCHEMA public TO c1");
    run(&mut c1, "BEGIN; CREATE TABLE public.in_flight (n int)");
    run(&mut scene.own, "SELECT credentials.destroy('c1', 'app')");
    // From the commit on nobody gets in, while the old session may still stand.
    let late = scene
        .cluster
        .connect(&url)
        .err()
        .expect("the door is closed");
    assert!(
        ["28000", "28P01"].contains(&crate::harness::sqlstate(&late).as_str()),
        "{late}"
    );
    let kept = outcome(&mut c1, "COMMIT").is_empty();
    scene.settle();
    let owner = "SELECT coalesce(max(pg_get_userbyid(relowner)), 'none') FROM pg_class WHERE relname = 'in_flight'";
    // Who is ended between the commit and its answer hears of neither.
    let owner = ask(&mut scene.su, owner);
    assert!(
        owner == "app_owner" || owner == "none" && !kept,
        "{owner}, kept: {kept}"
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'c1'"
        ),
        "0"
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
}

#[test]
fn rule_12_no_superuser_becomes_an_owner_and_definer_code_is_closed() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    let _c2 = scene.credential("c2");
    run(
        &mut scene.su,
        "GRANT CREATE ON SCHEMA public TO c1; GRANT USAGE ON SCHEMA public TO PUBLIC",
    );
    run(
        &mut c1,
        "CREATE TABLE public.t (n int);
         CREATE FUNCTION public.pw(q text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE q; END $$",
    );
    run(&mut scene.su, "CREATE ROLE su2 SUPERUSER; GRANT su2 TO c2");
    scene.cluster.allow_superuser("su2");
    // Neither a superuser nor who is a member of one inherits anything.
    expect_error(
        &mut scene.own,
        "SELECT credentials.destroy('c1', 'app', reassign_to => 'su2')",
        "42704",
    );
    expect_error(
        &mut scene.own,
        "SELECT credentials.destroy('c1', 'app', reassign_to => 'c2')",
        "42501",
    );
    expect_error(
        &mut scene.su,
        "SELECT credentials.destroy('c1', 'app', reassign_to => 'c2')",
        "42501",
    );
    run(&mut scene.su, "REVOKE su2 FROM c2");
    run(&mut scene.own, "SELECT credentials.destroy('c1', 'app')");
    scene.settle();
    let owners = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 't'
                  UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'pw'";
    assert_eq!(column(&mut scene.su, owners), ["app_owner"]);
    let mut c2 = scene.login("c2");
    expect_error(&mut c2, "SELECT public.pw('DROP TABLE public.t')", "42501");
    let reported = "SELECT count(*) FROM credentials.event WHERE detail::text LIKE '%pw(%'";
    assert_eq!(ask(&mut scene.su, reported), "1");
}
