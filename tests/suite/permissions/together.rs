//! Two at once: first grants side by side, tables that are made meanwhile, VACUUM, and hostile surroundings.

use std::thread;

use super::{grant, may, SHOP};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, outcome, run, Scene};

/// Waits until somebody waits for a lock.
#[track_caller]
fn until_somebody_waits(scene: &mut Scene) {
    wait_until("somebody waits for a lock", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_locks WHERE NOT granted",
        ) != "0"
    });
}

#[test]
fn two_first_grants_at_once_make_one_group() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    scene.credential("one");
    scene.credential("two");
    let mut other = scene.login("default");
    run(&mut scene.own, "BEGIN");
    grant(&mut scene.own, "one", "read_only", "{shop}");
    let second = thread::spawn(move || {
        outcome(
            &mut other,
            "SELECT credentials.grant('two', 'read_only', '{shop}')",
        )
    });
    until_somebody_waits(&mut scene);
    run(&mut scene.own, "COMMIT");
    assert_eq!(second.join().unwrap(), "");
    let members = "SELECT count(*) FROM pg_auth_members WHERE roleid = 'db_reader_shop'::regrole";
    assert_eq!(ask(&mut scene.su, members), "3");
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.access_group"
        ),
        "1"
    );
}

#[test]
fn a_second_first_grant_goes_on_where_the_one_before_it_is_rolled_back() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    scene.credential("one");
    let mut two = scene.credential("two");
    let mut other = scene.login("default");
    run(&mut scene.own, "BEGIN");
    grant(&mut scene.own, "one", "read_only", "{shop}");
    let second = thread::spawn(move || {
        outcome(
            &mut other,
            "SELECT credentials.grant('two', 'read_only', '{shop}')",
        )
    });
    until_somebody_waits(&mut scene);
    run(&mut scene.own, "ROLLBACK");
    assert_eq!(second.join().unwrap(), "");
    may(&mut two, &["SELECT * FROM shop.orders"]);
}

#[test]
fn a_vacuum_at_the_same_time_loses_nothing_of_what_it_writes() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "CREATE SCHEMA shop; CREATE TABLE shop.t (i int); INSERT INTO shop.t SELECT generate_series(1, 1000)",
    );
    scene.credential("analyst");
    let mut cleaner = scene.cluster.superuser("app");
    run(&mut scene.own, "BEGIN");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    let vacuum = thread::spawn(move || outcome(&mut cleaner, "VACUUM (FREEZE) shop.t"));
    until_somebody_waits(&mut scene);
    run(&mut scene.own, "COMMIT");
    assert_eq!(vacuum.join().unwrap(), "");
    let row = "SELECT concat_ws(' ', reltuples, relpages > 0, relallvisible > 0, age(relfrozenxid) < 100,
                      has_table_privilege('analyst', 'shop.t', 'SELECT')) FROM pg_class WHERE oid = 'shop.t'::regclass";
    assert_eq!(ask(&mut scene.su, row), "1000 t t t t");
}

#[test]
fn an_object_that_another_transaction_has_changed_is_told_and_the_next_call_gives_it() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut analyst = scene.credential("analyst");
    run(
        &mut scene.su,
        "BEGIN; GRANT SELECT ON shop.orders TO pg_monitor",
    );
    let mut other = scene.login("default");
    let call = "SELECT credentials.grant('analyst', 'read_only', '{shop}')";
    let waiting = thread::spawn(move || outcome(&mut other, call));
    let mut watch = scene.cluster.superuser("app");
    wait_until("the grant waits", SOON, || {
        ask(
            &mut watch,
            "SELECT count(*) FROM pg_locks WHERE NOT granted",
        ) != "0"
    });
    run(&mut scene.su, "COMMIT");
    assert_eq!(waiting.join().unwrap(), "55P03");
    assert_eq!(outcome(&mut scene.own, call), "");
    may(&mut analyst, &["SELECT * FROM shop.orders"]);
}

#[test]
fn traps_of_a_hostile_owner_and_event_triggers_see_nothing_of_a_grant() {
    let mut scene = Scene::hostile();
    run(&mut scene.own, SHOP);
    run(
        &mut scene.su,
        "CREATE TABLE public.seen (tag text);
         CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO public.seen VALUES (tg_tag); END $$;
         CREATE EVENT TRIGGER note_start ON ddl_command_start EXECUTE FUNCTION public.note();
         CREATE EVENT TRIGGER note_end ON ddl_command_end EXECUTE FUNCTION public.note()",
    );
    run(
        &mut scene.own,
        "SELECT credentials.create('analyst', 'read_only', '{shop,*}');
         SELECT credentials.grant('analyst', 'owner', '{shop}');
         SELECT credentials.revoke('analyst', schemas => NULL)",
    );
    scene.settle();
    let seen = "SELECT string_agg(tag, ',') FROM public.seen";
    assert_eq!(ask(&mut scene.su, seen), "");
}

#[test]
fn a_table_of_an_open_transaction_is_waited_for_by_the_first_grant_and_given() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut analyst = scene.credential("analyst");
    let mut other = scene.login("default");
    run(&mut scene.own, "BEGIN; CREATE TABLE shop.late (i int)");
    let first = thread::spawn(move || {
        outcome(
            &mut other,
            "SELECT credentials.grant('analyst', 'read_only', '{shop}')",
        )
    });
    until_somebody_waits(&mut scene);
    run(&mut scene.own, "COMMIT");
    assert_eq!(first.join().unwrap(), "");
    may(&mut analyst, &["SELECT * FROM shop.late"]);
}

#[test]
fn a_table_that_is_made_while_the_first_grant_is_open_sees_the_group() {
    let mut scene = Scene::new();
    run(&mut scene.own, SHOP);
    let mut analyst = scene.credential("analyst");
    let mut other = scene.cluster.superuser("app");
    run(&mut scene.own, "BEGIN");
    grant(&mut scene.own, "analyst", "read_only", "{shop}");
    let maker = thread::spawn(move || outcome(&mut other, "CREATE TABLE shop.meanwhile (i int)"));
    until_somebody_waits(&mut scene);
    run(&mut scene.own, "COMMIT");
    assert_eq!(maker.join().unwrap(), "");
    may(&mut analyst, &["SELECT * FROM shop.meanwhile"]);
}
