//! A hot standby: reading works, changing does not, and jobs go on by themselves after a promotion.

use crate::harness::{expect_error, wait_until, SOON};
use crate::scene::{ask, column, run, wait_for_log, Scene};

/// What a follower says, word for word.
const TEXT: &str = "This operation is not supported for follower databases.";

#[test]
fn a_follower_refuses_each_changing_function_with_the_contracts_text_and_reads() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    let follower = scene.cluster.standby();
    let url = ask(&mut scene.su, "SELECT credentials.url('c1')");
    scene.cluster.wait_replayed(&follower);
    let mut su = follower.superuser("app");
    let events = ask(&mut su, "SELECT count(*) FROM credentials.event");
    for call in [
        "setup()",
        "setup('other')",
        "create('c2')",
        "create('c2', if_not_exists => true)",
        "configure('c1', 5)",
        "suspend('c1')",
        "resume('c1')",
        "adopt('postgres')",
        "release('c1')",
        "claim('app')",
        "destroy('c1', 'app')",
        "rotate('c1', force => true)",
        "rotate('c1')",
        "rotate_all(force => true)",
        "set_password('c1')",
        "extend('c1', '1 hour')",
        "repair_default()",
        "cancel_job(1)",
        "reseal()",
        "create('not; allowed')",
        "rotate(NULL)",
    ] {
        let error = expect_error(
            &mut su,
            &format!("SELECT * FROM credentials.{call}"),
            "25006",
        );
        assert_eq!(
            error.as_db_error().expect("an answer").message(),
            TEXT,
            "{call}"
        );
    }
    assert_eq!(
        column(&mut su, "SELECT name FROM credentials.list()"),
        ["default", "c1"]
    );
    assert_eq!(
        column(&mut su, "SELECT username FROM credentials.usernames()"),
        ["app_owner", "c1"]
    );
    assert_eq!(ask(&mut su, "SELECT count(*) FROM credentials.jobs()"), "0");
    assert_eq!(
        ask(&mut su, "SELECT count(*) FROM credentials.events()"),
        ask(&mut su, "SELECT count(*) FROM credentials.event")
    );
    assert_eq!(
        ask(
            &mut su,
            "SELECT name FROM credentials.connection_info('c1')"
        ),
        "c1"
    );
    run(&mut su, "SELECT credentials.repair_plan(); SELECT credentials.destroy_plan('c1'); SELECT credentials.setup_plan(); SELECT credentials.wait()");
    let there = ask(&mut su, "SELECT credentials.url('c1')");
    assert_eq!(password(&there), password(&url));
    // What is told there leaves its line, and no row.
    wait_for_log(&follower, "url \"c1\": done");
    wait_for_log(&follower, "suspend \"c1\": refused (25006)");
    assert_eq!(
        ask(&mut su, "SELECT count(*) FROM credentials.event"),
        events
    );
    let mut c1 = follower
        .login("c1", password(&url), "app")
        .expect("a login on the follower");
    assert_eq!(ask(&mut c1, "SELECT 1"), "1");
}

#[test]
fn a_read_only_transaction_says_so_in_its_own_words() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(&mut scene.own, "BEGIN READ ONLY");
    let error = expect_error(&mut scene.own, "SELECT credentials.create('c2')", "25006");
    assert_eq!(
        error.as_db_error().expect("an answer").message(),
        "cannot change credentials in a read-only transaction"
    );
    run(&mut scene.own, "ROLLBACK; BEGIN READ ONLY");
    let before = ask(&mut scene.su, "SELECT count(*) FROM credentials.event");
    assert!(ask(&mut scene.own, "SELECT credentials.url('c1')").starts_with("postgres://c1:"));
    run(&mut scene.own, "COMMIT");
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.event"),
        before
    );
}

#[test]
fn a_destroy_that_was_ordered_before_the_promotion_goes_on_after_it_by_itself() {
    let mut scene = Scene::new();
    let c1 = scene.credential("c1");
    let url = scene.cluster.url("c1");
    drop(c1);
    run(
        &mut scene.su,
        "CREATE TABLE public.held (n int); ALTER TABLE public.held OWNER TO c1",
    );
    let follower = scene.cluster.standby();
    // The job stands at the table that this transaction reads.
    let mut reader = scene.cluster.superuser("app");
    run(&mut reader, "BEGIN; SELECT * FROM public.held");
    run(
        &mut scene.own,
        "SELECT credentials.destroy('c1', 'app'); SELECT credentials.create('c2')",
    );
    wait_until("the job moves objects", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.job WHERE stage = 'move'",
        ) == "1"
    });
    scene.cluster.wait_replayed(&follower);
    assert!(
        follower.connect(&url).is_err(),
        "the door is closed there too"
    );
    drop(reader);
    drop((scene.own, scene.su));
    scene.cluster.kill9();
    follower.promote();
    let mut su = follower.superuser("app");
    wait_until("the job has ended by itself", SOON, || {
        ask(
            &mut su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'",
        ) == "0"
    });
    assert_eq!(
        ask(
            &mut su,
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'held'"
        ),
        "app_owner"
    );
    wait_until("the job is over", SOON, || {
        ask(&mut su, "SELECT state FROM credentials.job") == "done"
    });
    run(
        &mut su,
        "SELECT credentials.rotate('c2', force => true); SELECT credentials.create('c3')",
    );
    run(&mut su, "SELECT credentials.wait()");
    follower.check_invariants();
}

/// The password in a URL.
fn password(url: &str) -> &str {
    url.split([':', '@']).nth(2).expect("a password")
}
