//! The order itself: who may give it, what it must say, in which states it is taken, what it leaves behind.

use crate::estate;
use crate::harness::{expect_error, Cluster};

fn state(cluster: &Cluster, name: &str) -> String {
    let sql = format!("SELECT state FROM credentials.list() WHERE name = '{name}'");
    estate::texts(&mut cluster.superuser("app"), &sql).concat()
}

#[test]
fn without_the_right_confirmation_it_is_refused_with_what_is_at_stake_and_nothing_happens() {
    let cluster = estate::new();
    estate::credential(&cluster, "leaver");
    let mut session = estate::login(&cluster, "leaver");
    estate::run(
        &mut session,
        "CREATE SCHEMA s; CREATE TABLE s.t (i int); CREATE TABLE s.u (i int)",
    );
    let mut own = estate::login(&cluster, "default");
    for call in [
        "SELECT * FROM credentials.destroy('leaver')",
        "SELECT * FROM credentials.destroy('leaver', confirm => NULL)",
        "SELECT * FROM credentials.destroy('leaver', confirm => '')",
        "SELECT * FROM credentials.destroy('leaver', confirm => 'APP')",
        "SELECT * FROM credentials.destroy('leaver', confirm => 'leaver')",
    ] {
        let error = expect_error(&mut own, call, "22023");
        let error = error.as_db_error().unwrap();
        let detail = error.detail().unwrap();
        assert!(
            detail.contains("owns 3 objects") && detail.contains("1 session"),
            "{detail}"
        );
        assert_eq!(
            error.hint(),
            Some("SELECT * FROM credentials.destroy('leaver', confirm => 'app');")
        );
    }
    for (call, sqlstate) in [
        ("SELECT * FROM credentials.destroy(NULL, confirm => 'app')", "22023"),
        ("SELECT * FROM credentials.destroy('leaver', confirm => 'app', reassign_to => NULL)", "22023"),
        ("SELECT * FROM credentials.destroy('default', confirm => 'app')", "42501"),
        ("SELECT * FROM credentials.destroy('owner', confirm => 'app')", "42501"),
        ("SELECT * FROM credentials.destroy('app_owner', confirm => 'app')", "42704"),
        ("SELECT * FROM credentials.destroy('postgres', confirm => 'app')", "42704"),
        ("SELECT * FROM credentials.destroy('leaver', confirm => 'app', reassign_to => 'postgres')", "42704"),
        ("SELECT * FROM credentials.destroy('leaver', confirm => 'app', reassign_to => 'nobody')", "42704"),
        ("SELECT * FROM credentials.destroy('leaver', confirm => 'app', reassign_to => 'leaver')", "22023"),
        ("SELECT * FROM credentials.destroy_plan('leaver', reassign_to => 'leaver')", "22023"),
        ("SELECT * FROM credentials.destroy_plan('nobody')", "42704"),
    ] {
        expect_error(&mut own, call, sqlstate);
    }
    estate::run(&mut session, "SELECT * FROM s.t");
    assert_eq!(state(&cluster, "leaver"), "active");
    assert_eq!(
        estate::number(&mut own, "SELECT count(*) FROM credentials.jobs()"),
        0
    );
    // Another credential may not, and neither may the one who goes.
    expect_error(
        &mut session,
        "SELECT * FROM credentials.destroy('leaver', confirm => 'app')",
        "42501",
    );
}

#[test]
fn an_heir_that_goes_itself_is_refused_and_one_that_goes_later_hands_on_to_default() {
    let cluster = estate::new();
    for name in ["leaver", "heir", "sleeper"] {
        estate::credential(&cluster, name);
    }
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(
        &mut leaver,
        "CREATE SCHEMA s; CREATE TABLE s.t (i int); CREATE TABLE s.u (i int)",
    );
    let mut su = cluster.superuser("app");
    let mut reader = cluster.superuser("app");
    estate::run(&mut reader, "BEGIN; SELECT * FROM s.t");
    let job = estate::order(&mut su, "leaver", "heir");
    estate::wait_job(&mut su, job, "waiting", "s.t");
    estate::order(&mut su, "heir", "default");
    expect_error(
        &mut su,
        "SELECT * FROM credentials.destroy('sleeper', confirm => 'app', reassign_to => 'leaver')",
        "55006",
    );
    estate::wait(&cluster, "heir");
    estate::run(&mut reader, "COMMIT");
    estate::wait(&cluster, "leaver");
    let owners = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 's'::regnamespace";
    assert_eq!(estate::texts(&mut su, owners), ["app_owner"]);

    // A suspended one can inherit: it owns, though nobody logs in as it.
    estate::run(&mut su, "SELECT credentials.suspend('sleeper')");
    estate::credential(&cluster, "leaver");
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(&mut leaver, "CREATE SCHEMA again");
    estate::destroy(&cluster, "leaver", "sleeper");
    assert_eq!(
        estate::texts(
            &mut su,
            "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'again'"
        ),
        ["sleeper"]
    );
}

#[test]
fn it_is_taken_while_suspended_and_while_a_forced_rotation_waits_but_not_twice() {
    let cluster = estate::new();
    for name in ["suspended", "rotating", "held"] {
        estate::credential(&cluster, name);
    }
    let mut su = cluster.superuser("app");
    estate::run(&mut su, "SELECT credentials.suspend('suspended')");
    estate::destroy(&cluster, "suspended", "default");

    let mut holder = estate::login(&cluster, "rotating");
    estate::run(
        &mut holder,
        "BEGIN; ALTER ROLE rotating PASSWORD 'something-of-its-own-choice'",
    );
    estate::run(
        &mut su,
        "SELECT credentials.rotate('rotating', force => true)",
    );
    estate::destroy(&cluster, "rotating", "default");
    assert!(holder.batch_execute("COMMIT").is_err());

    let mut holder = estate::login(&cluster, "held");
    estate::run(
        &mut holder,
        "CREATE SCHEMA held_schema; CREATE TABLE held_schema.t (i int)",
    );
    let mut reader = cluster.superuser("app");
    estate::run(&mut reader, "BEGIN; SELECT * FROM held_schema.t");
    let job = estate::order(&mut su, "held", "default");
    assert_eq!(state(&cluster, "held"), "destroying");
    for call in [
        "SELECT * FROM credentials.destroy('held', confirm => 'app')",
        "SELECT * FROM credentials.rotate('held', force => true)",
        "SELECT * FROM credentials.suspend('held')",
        "SELECT * FROM credentials.resume('held')",
        "SELECT * FROM credentials.configure('held', connection_limit => 3)",
        "SELECT * FROM credentials.set_password('held')",
        "SELECT * FROM credentials.release('held')",
    ] {
        expect_error(&mut su, call, "55006");
    }
    expect_error(&mut su, "SELECT credentials.create('held')", "42710");
    estate::wait_job(&mut su, job, "waiting", "held_schema.t");
    estate::run(&mut reader, "COMMIT");
    estate::wait(&cluster, "held");
}

#[test]
fn a_role_that_holds_its_own_row_open_is_destroyed_all_the_same() {
    let cluster = estate::new();
    let url = estate::credential(&cluster, "leaver");
    let mut holder = estate::login(&cluster, "leaver");
    estate::run(
        &mut holder,
        "BEGIN; ALTER ROLE leaver PASSWORD 'something-of-its-own-choice'",
    );
    estate::destroy(&cluster, "leaver", "default");
    assert!(cluster.connect(&url).is_err());
}

#[test]
fn the_name_can_be_made_anew_with_nothing_of_the_old_one_and_the_events_tell_the_whole_story() {
    let cluster = estate::new();
    let old = estate::credential(&cluster, "leaver");
    let mut leaver = estate::login(&cluster, "leaver");
    estate::run(
        &mut leaver,
        "CREATE SCHEMA s; CREATE TABLE s.t (i int); CREATE FUNCTION s.f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
    );
    let mut own = estate::login(&cluster, "default");
    estate::order(&mut own, "leaver", "default");
    estate::wait(&cluster, "leaver");
    let new = estate::credential(&cluster, "leaver");
    assert_ne!(old, new);
    assert!(cluster.connect(&old).is_err());
    let mut again = estate::login(&cluster, "leaver");
    expect_error(&mut again, "SELECT * FROM s.t", "42501");
    let rights = "SELECT count(*) FROM pg_shdepend WHERE refobjid = 'leaver'::regrole";
    assert_eq!(
        estate::number(&mut own, rights),
        1,
        "what it has on database app, and nothing else"
    );

    let story = "SELECT action || coalesce(' by ' || effective_role, '') FROM credentials.events('leaver') ORDER BY id";
    let mut su = cluster.superuser("app");
    let story = estate::texts(&mut su, story);
    let at = |what: &str| {
        story
            .iter()
            .position(|line| line.starts_with(what))
            .unwrap_or_else(|| panic!("{what}: {story:?}"))
    };
    assert!(
        at("create by postgres") < at("destroy by app_owner"),
        "{story:?}"
    );
    assert!(
        at("destroy by app_owner") < at("end_session by postgres"),
        "{story:?}"
    );
    assert!(
        at("end_session by postgres") < at("destroy by postgres"),
        "{story:?}"
    );
    let told = estate::events(&mut su, "leaver");
    for words in [
        "\"reassign_to\": \"default\"",
        "\"sessions\": 1",
        "s.f()",
        "\"role_dropped\": true",
    ] {
        assert!(told.contains(words), "{words} is not in {told}");
    }
}
