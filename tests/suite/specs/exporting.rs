//! What is, exported: planned again it is nothing, and elsewhere it becomes the same.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{apply, layout, plan};
use crate::scene::{ask, outcome, run, Scene};

const NAMES: [&str; 5] = ["a", "App-1", "analyst", "b_2", "Z"];
const SCHEMAS: [&str; 5] = ["public", "shop", "\"The Store\"", "stock", "\"a,b\""];

/// One act that a person may do, as SQL; some are refused, which is as good as none.
fn act() -> impl Strategy<Value = (bool, String)> {
    let name = || prop::sample::select(&NAMES[..]);
    let schema = || prop::sample::select(&SCHEMAS[..]);
    let access = || prop::sample::select(&["read_only", "read_write", "owner"][..]);
    let places = || {
        prop_oneof![
            schema().prop_map(|s| format!("ARRAY['{}']", s.trim_matches('"'))),
            Just("'{*}'".to_owned())
        ]
    };
    let value = || {
        prop::sample::select(
            &[
                "'{\"work_mem\": \"8MB\"}'",
                "'{\"search_path\": \"shop,public\"}'",
                "'{\"work_mem\": null}'",
            ][..],
        )
    };
    let rights =
        || prop::sample::select(&["SELECT", "SELECT, UPDATE", "ALL", "TRUNCATE", "UPDATE (i)"][..]);
    let endpoint = || prop::sample::select(&["leader", "pool"][..]);
    let group = || prop::sample::select(&["pg_monitor", "pg_read_all_data", "team"][..]);
    let by_default = prop_oneof![
        4 => (name(), any::<bool>()).prop_map(|(n, login)| format!("SELECT credentials.create('{n}', login => {login})")),
        6 => (name(), access(), places()).prop_map(|(n, a, s)| format!("SELECT credentials.grant('{n}', '{a}', {s})")),
        3 => (name(), places()).prop_map(|(n, s)| format!("SELECT credentials.revoke('{n}', NULL, {s})")),
        2 => (name(), -1..5_i32, value()).prop_map(|(n, l, v)| format!("SELECT credentials.configure('{n}', {l}, {v})")),
        1 => name().prop_map(|n| format!("SELECT credentials.suspend('{n}')")),
        1 => name().prop_map(|n| format!("SELECT credentials.resume('{n}')")),
        1 => name().prop_map(|n| format!("SELECT credentials.rotate('{n}')")),
        1 => name().prop_map(|n| format!("SELECT credentials.destroy('{n}', 'app')")),
        2 => schema().prop_map(|s| format!("CREATE SCHEMA {s}")),
        3 => schema().prop_map(|s| format!("CREATE TABLE {s}.t (i serial)")),
        1 => schema().prop_map(|s| format!("ALTER SCHEMA {s} RENAME TO renamed")),
        4 => (name(), rights(), schema()).prop_map(|(n, r, s)| format!("GRANT {r} ON {s}.t TO \"{n}\"")),
        2 => (name(), schema()).prop_map(|(n, s)| format!("GRANT USAGE ON SCHEMA {s} TO \"{n}\"")),
        3 => (name(), endpoint()).prop_map(|(n, e)| format!("SELECT credentials.attach('{n}', 'shop', endpoint => '{e}')")),
        1 => endpoint().prop_map(|e| format!("SELECT credentials.set_endpoint('{e}', '127.0.0.1')")),
        1 => Just("SELECT credentials.detach('DATABASE', 'shop')".to_owned()),
        1 => Just("SELECT credentials.attach('default', 'owner-app')".to_owned()),
        1 => Just("SELECT credentials.apply(credentials.layout('four_roles', 'stock'))".to_owned()),
    ];
    let by_superuser = prop_oneof![
        2 => (name(), group()).prop_map(|(n, g)| format!("GRANT {g} TO \"{n}\"")),
        1 => (name(), name()).prop_map(|(n, m)| format!("GRANT \"{m}\" TO \"{n}\"")),
        1 => name().prop_map(|n| format!("ALTER ROLE \"{n}\" RENAME TO \"{n}x\"")),
        1 => name().prop_map(|n| format!("SELECT credentials.release('{n}')")),
        1 => schema().prop_map(|s| format!("DROP SCHEMA {s} CASCADE")),
        1 => schema().prop_map(|s| format!("ALTER SCHEMA {s} OWNER TO app_owner")),
        1 => schema().prop_map(|s| format!("GRANT ALL ON SCHEMA {s} TO PUBLIC")),
        1 => Just("SELECT credentials.apply(credentials.layout('four_roles', 'shop'))".to_owned()),
    ];
    prop_oneof![
        5 => by_default.prop_map(|sql| (false, sql)),
        1 => by_superuser.prop_map(|sql| (true, sql)),
    ]
}

#[test]
fn what_is_exported_from_fifty_random_states_plans_to_nothing() {
    let mut scene = Scene::new();
    scene
        .cluster
        .without_invariants("a superuser renames roles of credentials");
    run(&mut scene.su, "CREATE ROLE team");
    let acts = prop::collection::vec(act(), 4..12);
    let mut runner = TestRunner::default();
    let (mut done, mut told) = (Vec::new(), 0);
    for state in 0..50 {
        for (by_superuser, sql) in acts.new_tree(&mut runner).unwrap().current() {
            let client = if by_superuser {
                &mut scene.su
            } else {
                &mut scene.own
            };
            if outcome(client, &sql).is_empty() {
                done.push(sql);
            }
        }
        let exported = ask(&mut scene.own, "SELECT credentials.export()");
        told += exported.len();
        for client in [&mut scene.own, &mut scene.su] {
            let planned = plan(client, &exported);
            assert!(
                planned.is_empty(),
                "state {state}: {planned:?}\n{exported}\n{}",
                done.join(";\n")
            );
        }
    }
    assert!(
        done.len() > 50 && told > 5000,
        "{} acts, {told} bytes",
        done.len()
    );
}

#[test]
fn what_is_exported_becomes_the_same_elsewhere() {
    let mut here = Scene::new();
    run(
        &mut here.own,
        "SELECT credentials.apply(credentials.layout('owner_writer_reader', 'shop', environment => 'prod'));
         SELECT credentials.create('audit', connection_limit => 2); SELECT credentials.create('asleep', login => false);
         CREATE SCHEMA stock; SELECT credentials.grant('audit', 'read_only', '{stock}');
         CREATE SCHEMA plain; CREATE TABLE plain.t (i int); GRANT SELECT, TRIGGER ON plain.t TO audit; GRANT USAGE ON SCHEMA plain TO audit;
         SELECT credentials.set_endpoint('pool', '127.0.0.1'); SELECT credentials.attach('audit', 'shop', endpoint => 'pool');
         SELECT credentials.attach('default', 'shop'); SELECT credentials.attach('app_shop_prod', 'shop', 'MAIN');
         SELECT credentials.grant('asleep', 'read_only', '{*}'); SELECT credentials.create('lease', valid_for => '1 day')",
    );
    let layout = layout(&mut here.su, "'four_roles', 'app'");
    apply(&mut here.su, &layout);
    let exported = ask(&mut here.own, "SELECT credentials.export()");
    assert!(!exported.contains("lease"), "{exported}");
    let mut there = Scene::new();
    run(
        &mut there.own,
        "CREATE SCHEMA plain; CREATE TABLE plain.t (i int); SELECT credentials.set_endpoint('pool', '127.0.0.1')",
    );
    apply(&mut there.su, &exported);
    assert_eq!(ask(&mut there.own, "SELECT credentials.export()"), exported);
    assert_eq!(plan(&mut here.own, &exported), [""; 0]);
}
