//! Each figure against what it is a figure of.

use super::{figure, keys};
use crate::harness::{expect_error, wait_until, Cluster, SOON};
use crate::scene::{ask, call_lines, column, rows, run, Scene};

#[test]
fn credentials_are_counted_by_every_state_there_is() {
    let mut s = Scene::new();
    run(
        &mut s.own,
        "SELECT credentials.create(n) FROM unnest('{a,b,c}'::text[]) n; SELECT credentials.suspend('c')",
    );
    run(&mut s.su, "ALTER ROLE b REPLICATION");
    let told = rows(
        &mut s.su,
        "SELECT labels->>'state', value FROM credentials.metrics() WHERE metric = 'credentials'",
    );
    assert_eq!(
        told,
        [
            "active|2",
            "rotating|0",
            "lingering|0",
            "suspended|1",
            "destroying|0",
            "orphaned|1",
            "foreign|0"
        ]
    );
    run(&mut s.su, "ALTER ROLE b NOREPLICATION");
}

#[test]
fn the_order_is_that_of_the_manual_and_the_same_each_time() {
    let mut s = Scene::new();
    run(
        &mut s.own,
        "SELECT credentials.create(n) FROM unnest('{b,a}'::text[]) n; SELECT credentials.rotate('a', grace => '1 day', overlap => '1 day')",
    );
    wait_until("the rotation waits", SOON, || {
        ask(&mut s.su, "SELECT state FROM credentials.jobs()") == "waiting"
    });
    let told = keys(&mut s.su);
    assert_eq!(told, keys(&mut s.su));
    let mut metrics: Vec<&str> = told
        .iter()
        .map(|key| key.split(' ').next().unwrap())
        .collect();
    metrics.dedup();
    assert_eq!(
        metrics,
        [
            "credentials",
            "credential_age_seconds",
            "credential_connections",
            "jobs",
            "rotation_seconds_left",
            "events_total"
        ]
    );
    let connections: Vec<&String> = told
        .iter()
        .filter(|key| key.starts_with("credential_connections"))
        .collect();
    assert_eq!(
        connections,
        [
            r#"credential_connections {"name": "default", "username": "app_owner"}"#,
            r#"credential_connections {"name": "a", "username": "a"}"#,
            r#"credential_connections {"name": "a", "username": "a-rotating"}"#,
            r#"credential_connections {"name": "b", "username": "b"}"#,
        ]
    );
}

#[test]
fn an_age_counts_from_the_last_new_password_or_else_from_the_beginning() {
    let mut s = Scene::new();
    run(&mut s.own, "SELECT credentials.create('shop')");
    for column in ["created_at", "rotated_at"] {
        run(
            &mut s.su,
            &format!("UPDATE credentials.credential SET {column} = now() - interval '100 days' WHERE name = 'shop'"),
        );
        let age = figure(&mut s.su, "credential_age_seconds", r#"{"name": "shop"}"#);
        let days = age.expect("an age") / 86_400.0;
        let expected = if column == "created_at" { 0.0 } else { 100.0 };
        assert!(
            (expected..expected + 0.1).contains(&days),
            "{column}: {days}"
        );
    }
    run(
        &mut s.su,
        "UPDATE credentials.credential SET rotated_at = NULL, created_at = now() + interval '1 day' WHERE name = 'shop'",
    );
    assert_eq!(
        figure(&mut s.su, "credential_age_seconds", r#"{"name": "shop"}"#),
        Some(0.0)
    );
}

#[test]
fn connections_are_those_of_usernames_and_go_as_they_go() {
    let mut s = Scene::new();
    let open = [s.credential("shop"), s.login("shop"), s.login("shop")];
    let of_shop = r#"{"name": "shop", "username": "shop"}"#;
    assert_eq!(
        figure(&mut s.su, "credential_connections", of_shop),
        Some(3.0)
    );
    assert_eq!(
        rows(&mut s.su, "SELECT labels->>'username', value FROM credentials.metrics() WHERE metric = 'credential_connections'"),
        rows(&mut s.su, "SELECT username, connections FROM credentials.usernames()"),
    );
    drop(open);
    wait_until("the sessions end", SOON, || {
        figure(&mut s.su, "credential_connections", of_shop) == Some(0.0)
    });
}

#[test]
fn a_rotation_tells_how_long_the_old_password_has_until_the_cut_over() {
    let mut s = Scene::on(
        Cluster::builder()
            .setting("credential_manager.rotation_linger", "600")
            .start(),
    );
    let session = s.credential("shop");
    run(
        &mut s.own,
        "SELECT credentials.rotate('shop', grace => '1 hour', overlap => '0')",
    );
    let left = |s: &mut Scene| figure(&mut s.su, "rotation_seconds_left", r#"{"name": "shop"}"#);
    let seconds = left(&mut s).expect("a rotation runs");
    assert!((3500.0..=3600.0).contains(&seconds), "{seconds}");
    let jobs = "SELECT labels->>'kind', labels->>'state', value FROM credentials.metrics() WHERE metric = 'jobs'";
    let reported =
        "SELECT kind, state, count(*) FROM credentials.jobs() GROUP BY 1, 2 ORDER BY 1, 2";
    wait_until("the job's states agree", SOON, || {
        rows(&mut s.su, jobs) == rows(&mut s.su, reported)
    });
    drop(session);
    wait_until("the cut-over", SOON, || left(&mut s).is_none());
    assert_eq!(
        figure(&mut s.su, "credentials", r#"{"state": "lingering"}"#),
        Some(1.0)
    );
}

#[test]
fn a_job_tells_which_part_of_its_objects_it_has_moved() {
    let mut s = Scene::new();
    let mut shop = s.credential("shop");
    run(&mut s.su, "GRANT CREATE ON SCHEMA public TO shop");
    run(
        &mut shop,
        "CREATE TABLE public.a (); CREATE TABLE public.b (); CREATE TABLE public.busy ()",
    );
    // A reader of one table holds the job up when the others are moved.
    let mut reader = s.cluster.superuser("app");
    run(
        &mut reader,
        "BEGIN; LOCK TABLE public.busy IN ACCESS SHARE MODE",
    );
    run(&mut s.own, "SELECT credentials.destroy('shop', 'app')");
    let ratio = "SELECT value FROM credentials.metrics() WHERE metric = 'job_done_ratio'
                   AND labels->>'kind' = 'destroy' AND labels->>'name' = 'shop'";
    wait_until("some are moved", SOON, || {
        ask(&mut s.su, ratio)
            .parse::<f64>()
            .is_ok_and(|v| v > 0.0 && v < 1.0)
    });
    let id = ask(
        &mut s.su,
        "SELECT job FROM credentials.jobs() WHERE kind = 'destroy'",
    );
    assert_eq!(
        column(
            &mut s.su,
            "SELECT labels->>'job' FROM credentials.metrics() WHERE metric = 'job_done_ratio'"
        ),
        [id]
    );
    run(&mut reader, "COMMIT");
    s.settle();
    assert_eq!(ask(&mut s.su, ratio), "");
}

#[test]
fn events_are_counted_by_action_and_reading_the_figures_is_none() {
    let mut s = Scene::new();
    run(
        &mut s.own,
        "SELECT credentials.create(n) FROM unnest('{a,b}'::text[]) n; SELECT credentials.suspend('a')",
    );
    s.settle();
    let told =
        "SELECT labels->>'action', value FROM credentials.metrics() WHERE metric = 'events_total'";
    let recorded =
        "SELECT action, count(*) FROM credentials.events() GROUP BY action ORDER BY action COLLATE \"C\"";
    let lines = call_lines(&s.cluster).len();
    assert_eq!(rows(&mut s.su, told), rows(&mut s.su, recorded));
    assert!(rows(&mut s.su, told).contains(&"create|2".to_owned()));
    assert_eq!(call_lines(&s.cluster).len(), lines);
}

#[test]
fn a_role_with_execute_alone_reads_them_on_a_follower_too_and_no_secret_is_in_them() {
    let mut s = Scene::new();
    let mut shop = s.credential("shop");
    expect_error(&mut shop, "SELECT * FROM credentials.metrics()", "42501");
    let password = "what-the-exporter-logs-in-with";
    run(
        &mut s.su,
        &format!(
            "CREATE ROLE exporter LOGIN PASSWORD '{password}';
             GRANT CONNECT ON DATABASE app TO exporter; GRANT USAGE ON SCHEMA credentials TO exporter;
             GRANT EXECUTE ON FUNCTION credentials.metrics() TO exporter"
        ),
    );
    let standby = s.cluster.standby();
    s.cluster.wait_replayed(&standby);
    let secret = s.cluster.url("shop");
    let secret = secret
        .rsplit_once('@')
        .unwrap()
        .0
        .rsplit_once(':')
        .unwrap()
        .1;
    for cluster in [&s.cluster, &standby] {
        let mut exporter = cluster.login("exporter", password, "app").unwrap();
        assert_eq!(
            figure(&mut exporter, "credentials", r#"{"state": "active"}"#),
            Some(2.0)
        );
        let of_shop = r#"{"name": "shop", "username": "shop"}"#;
        let own = if std::ptr::eq(cluster, &standby) {
            0.0
        } else {
            1.0
        };
        assert_eq!(
            figure(&mut exporter, "credential_connections", of_shop),
            Some(own)
        );
        let all = keys(&mut exporter).join("\n");
        assert!(!all.contains(secret) && !all.contains("SCRAM"), "{all}");
    }
}
