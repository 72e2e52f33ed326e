//! Endpoints: leader by the settings or by a row, pools by name.

use super::{attach, scene, value};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, outcome, rows, run};

#[test]
fn leader_is_what_the_settings_say_until_it_is_set_and_again_after_it_is_dropped() {
    let mut scene = scene();
    let port = scene.cluster.port();
    let own = &mut scene.own;
    let all = "SELECT endpoint, host, port, sslmode FROM credentials.endpoints()";
    let by_settings = rows(own, all);
    assert_eq!(by_settings, [format!("leader|127.0.0.1|{port}|prefer")]);
    run(own, "SELECT credentials.set_endpoint('analytics-pool', 'pool.example.com', 6432, 'verify-full')");
    run(
        own,
        "SELECT credentials.set_endpoint('leader', 'db.example.com')",
    );
    assert_eq!(
        rows(own, all),
        [
            "leader|db.example.com|5432|require",
            "analytics-pool|pool.example.com|6432|verify-full"
        ]
    );
    let info = rows(
        own,
        "SELECT host, port, sslmode FROM credentials.connection_info('one')",
    );
    assert_eq!(info, ["db.example.com|5432|require"]);
    let info = rows(
        own,
        "SELECT host, port, sslmode FROM credentials.connection_info('one', 'analytics-pool')",
    );
    assert_eq!(info, ["pool.example.com|6432|verify-full"]);
    assert_eq!(
        rows(own, "SELECT * FROM credentials.drop_endpoint('leader')"),
        ["leader|db.example.com|5432|require"]
    );
    assert_eq!(rows(own, all)[0], by_settings[0]);
    assert_eq!(
        outcome(own, "SELECT credentials.drop_endpoint('leader')"),
        "42704"
    );
}

#[test]
fn an_endpoint_that_an_attachment_uses_stays_and_a_change_shows_in_its_url() {
    let mut scene = scene();
    run(
        &mut scene.own,
        "SELECT credentials.set_endpoint('pool', 'one.example.com', 6432)",
    );
    attach(&mut scene.own, "'one', 'shop', endpoint => 'pool'");
    assert_eq!(
        outcome(&mut scene.own, "SELECT credentials.drop_endpoint('pool')"),
        "55006"
    );
    let before = value(&mut scene, "shop", "DATABASE_URL");
    assert!(
        before.contains("@one.example.com:6432/app?sslmode=require"),
        "{before}"
    );
    run(
        &mut scene.own,
        "SELECT credentials.set_endpoint('pool', '2001:db8::1', 6433, 'disable')",
    );
    let after = value(&mut scene, "shop", "DATABASE_URL");
    assert!(
        after.contains("@[2001:db8::1]:6433/app?sslmode=disable"),
        "{after}"
    );
    run(
        &mut scene.own,
        "SELECT credentials.detach('DATABASE', 'shop')",
    );
    run(&mut scene.own, "SELECT credentials.drop_endpoint('pool')");
    assert_eq!(
        outcome(&mut scene.own, "SELECT credentials.url('one', 'pool')"),
        "42704"
    );
}

#[test]
fn hosts_ports_modes_and_names_that_are_none_are_refused() {
    let mut scene = scene();
    let own = &mut scene.own;
    for (arguments, state) in [
        ("'Pool', 'h'", "42602"),
        ("'a b', 'h'", "42602"),
        ("'', 'h'", "42602"),
        ("'pool', ''", "22023"),
        ("'pool', 'a,b'", "22023"),
        ("'pool', 'a b'", "22023"),
        ("'pool', E'a\\nb'", "22023"),
        ("'pool', 'ä'", "22023"),
        ("'pool', 'db.example.com:6432'", "22023"),
        ("'pool', '10.0.0.1:6432'", "22023"),
        ("'pool', 'https://db.example.com'", "22023"),
        ("'pool', 'db.example.com/app'", "22023"),
        ("'pool', 'user@db.example.com'", "22023"),
        ("'pool', '[::1]'", "22023"),
        ("'pool', '1:2'", "22023"),
        ("'pool', '::1%'", "22023"),
        ("'pool', '-'", "22023"),
        ("'pool', '.'", "22023"),
        ("'pool', '%41'", "22023"),
        ("'pool', '/'", "22023"),
        ("'pool', repeat('a', 254)", "22023"),
        ("'pool', 'h', 0", "22023"),
        ("'pool', 'h', 65536", "22023"),
        ("'pool', 'h', -1", "22023"),
        ("'pool', 'h', 5432, 'on'", "22023"),
        ("'pool', 'h', 5432, NULL", "22023"),
        ("'pool', NULL", "22023"),
    ] {
        let call = format!("SELECT credentials.set_endpoint({arguments})");
        assert_eq!(outcome(own, &call), state, "{call}");
    }
    assert_eq!(
        rows(own, "SELECT endpoint FROM credentials.endpoints()"),
        ["leader"]
    );
}

#[test]
fn names_addresses_and_directories_are_hosts() {
    let mut scene = scene();
    for (host, told) in [
        ("db", "db"),
        ("DB_1.example.com", "DB_1.example.com"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "[::1]"),
        ("2001:db8::10.0.0.1", "[2001:db8::10.0.0.1]"),
        ("fe80::1%eth0", "[fe80::1%25eth0]"),
        ("/run/postgresql", "%2Frun%2Fpostgresql"),
        ("/run/a:b", "%2Frun%2Fa%3Ab"),
        ("@pg", "%40pg"),
    ] {
        let call = format!("SELECT credentials.set_endpoint('pool', '{host}', 6432)");
        run(&mut scene.own, &call);
        let url = ask(&mut scene.own, "SELECT credentials.url('one', 'pool')");
        let rest = url.split_once('@').map(|(_, rest)| rest.to_owned());
        assert_eq!(
            rest,
            Some(format!("{told}:6432/app?sslmode=require")),
            "{host}"
        );
    }
}

#[test]
fn leader_goes_back_to_the_settings_under_what_is_attached_unless_they_have_no_host() {
    let mut scene = scene();
    attach(&mut scene.own, "'one', 'shop'");
    let before = value(&mut scene, "shop", "DATABASE_URL");
    let sets = "SELECT credentials.set_endpoint('leader', 'db.example.com')";
    let drops = "SELECT credentials.drop_endpoint('leader')";
    run(&mut scene.own, sets);
    assert!(value(&mut scene, "shop", "DATABASE_URL").contains("@db.example.com:5432/"));
    run(&mut scene.own, drops);
    assert_eq!(value(&mut scene, "shop", "DATABASE_URL"), before);
    run(&mut scene.own, sets);
    scene.cluster.append_conf("credential_manager.host = ''");
    run(&mut scene.su, "SELECT pg_reload_conf()");
    let host = "SHOW credential_manager.host";
    wait_until("the host is gone", SOON, || {
        ask(&mut scene.own, host).is_empty()
    });
    assert_eq!(outcome(&mut scene.own, drops), "55006");
}

#[test]
fn an_endpoint_that_is_being_attached_to_is_not_dropped() {
    let mut scene = scene();
    run(
        &mut scene.own,
        "SELECT credentials.set_endpoint('pool', 'pool.example.com')",
    );
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.attach('one', 'shop', endpoint => 'pool')",
    );
    let mut other = scene.cluster.superuser("app");
    let dropping =
        std::thread::spawn(move || outcome(&mut other, "SELECT credentials.drop_endpoint('pool')"));
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'object'";
    wait_until("drop_endpoint() waits", SOON, || {
        ask(&mut scene.su, waiting) == "1"
    });
    run(&mut scene.own, "COMMIT");
    assert_eq!(dropping.join().unwrap(), "55006");
}
