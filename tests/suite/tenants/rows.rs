//! Random statements as each of twenty tenants: no row of another's is seen, changed or made, during a rotation as well.

use std::io::Read;
use std::sync::{Arc, Mutex};

use postgres::Client;

use super::queries::{self, Draw};
use super::{mark, own_rows, shop, tenant, told};
use crate::harness::Cluster;
use crate::scene::{ask, run, Scene};

/// How many tenants the contract speaks of.
const TENANTS: usize = 20;
/// How many rows each has.
const ROWS: usize = 30;

/// The SQLSTATEs that a tenant may meet: the rule, a division by zero that a row of its own makes, a key that is
/// taken, FOR UPDATE of what a function gives, and a row that one statement would change twice.
const ALLOWED: [&str; 5] = ["42501", "22012", "23505", "0A000", "21000"];

/// A session that keeps the notices that it gets.
fn listening(url: &str) -> (Client, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let mut config: postgres::Config = url.parse().unwrap();
    config.notice_callback(move |notice| ear.lock().unwrap().push(notice.message().to_owned()));
    (config.connect(postgres::NoTls).unwrap(), heard)
}

/// Runs `count` random statements as tenant `number` and finds nothing of another's in what they give and say.
#[track_caller]
fn tries(client: &mut Client, heard: &Mutex<Vec<String>>, number: usize, seed: u64, count: usize) {
    let mut draw = Draw::new(seed);
    let ids = ROWS * (TENANTS + 1);
    for _ in 0..count {
        let sql = if draw.below(3) == 0 {
            queries::write(&mut draw, ids)
        } else {
            queries::read(&mut draw, ids)
        };
        match told(client, &sql) {
            Ok(rows) => assert!(
                rows.iter().all(|row| *row == mark(number)),
                "seed {seed}: {} runs {sql}: {rows:?}",
                tenant(number)
            ),
            Err(state) => assert!(
                ALLOWED.contains(&state.as_str()),
                "seed {seed}: {} runs {sql}: {state}",
                tenant(number)
            ),
        }
    }
    let own = format!("leaked {} ", mark(number));
    for line in heard.lock().unwrap().drain(..) {
        assert!(
            !line.starts_with("leaked ") || line.starts_with(&own),
            "seed {seed}: {}: {line}",
            tenant(number)
        );
    }
}

/// A fingerprint of every row that is not of tenant `number`.
fn others(su: &mut Client, number: usize) -> String {
    ask(
        su,
        &format!("SELECT md5(string_agg(o::text, '|' ORDER BY o.id)) FROM shop.orders o WHERE tenant IS DISTINCT FROM '{}'", mark(number)),
    )
}

/// What COPY gives, by lines.
fn copied(client: &mut Client, sql: &str) -> Vec<String> {
    let mut text = String::new();
    client
        .copy_out(sql)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What tenant `number` has left is what it sees, by each way of looking.
#[track_caller]
fn sees_all_of_its_own(su: &mut Client, client: &mut Client, number: usize) {
    let own = mark(number);
    let sql = format!("SELECT count(*) FROM shop.orders WHERE tenant = '{own}'");
    let left: usize = ask(su, &sql).parse().unwrap();
    for source in [
        "shop.orders",
        "shop.v",
        "shop.vv",
        "shop.invoker()",
        "shop.definer()",
    ] {
        let sql = format!("SELECT tenant FROM {source}");
        assert_eq!(own_rows(client, &sql, &own), left, "{source}");
    }
    for sql in [
        "COPY shop.orders (tenant) TO STDOUT",
        "COPY (SELECT tenant FROM shop.vv) TO STDOUT",
    ] {
        let lines = copied(client, sql);
        assert_eq!(lines.len(), left, "{sql}");
        assert!(lines.iter().all(|line| *line == own), "{sql}: {lines:?}");
    }
}

#[test]
fn twenty_tenants_run_random_statements_and_meet_no_foreign_row() {
    let mut scene = shop(Scene::new(), TENANTS, ROWS);
    let rounds = if std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some() {
        400
    } else {
        25
    };
    for number in 0..TENANTS {
        let url = scene.cluster.url(&tenant(number));
        let (mut client, heard) = listening(&url);
        let before = others(&mut scene.su, number);
        sees_all_of_its_own(&mut scene.su, &mut client, number);
        tries(&mut client, &heard, number, number as u64, rounds);
        run(&mut client, "SET ROLE shop_group");
        tries(&mut client, &heard, number, 100 + number as u64, rounds);
        run(&mut client, "RESET ROLE");
        sees_all_of_its_own(&mut scene.su, &mut client, number);
        assert_eq!(others(&mut scene.su, number), before, "{}", tenant(number));
    }
    let all = "SELECT count(*) FROM shop.orders";
    assert_eq!(
        ask(&mut scene.own, all),
        ask(&mut scene.su, all),
        "default sees all rows"
    );
}

#[test]
fn while_its_password_rotates_a_tenant_meets_no_foreign_row_as_its_twin_either() {
    let cluster = Cluster::builder()
        .setting("credential_manager.rotation_overlap", "1s")
        .setting("credential_manager.rotation_grace", "60s");
    let mut scene = shop(Scene::on(cluster.start()), TENANTS, ROWS);
    for number in [0, 7, 19] {
        let name = tenant(number);
        let mut old = scene.login(&name);
        run(
            &mut scene.own,
            &format!("SELECT credentials.rotate('{name}')"),
        );
        let url = scene.cluster.url(&name);
        assert!(url.contains("-rotating"), "{url}");
        let (mut twin, heard) = listening(&url);
        let before = others(&mut scene.su, number);
        for role in [name.as_str(), "NONE", "shop_group"] {
            run(&mut twin, &format!("SET ROLE {role}"));
            sees_all_of_its_own(&mut scene.su, &mut twin, number);
            tries(&mut twin, &heard, number, 200 + number as u64, 25);
        }
        sees_all_of_its_own(&mut scene.su, &mut old, number);
        drop(old);
        scene.settle();
        for role in [name.as_str(), "NONE"] {
            run(&mut twin, &format!("SET ROLE {role}"));
            sees_all_of_its_own(&mut scene.su, &mut twin, number);
        }
        let mut again = scene.login(&name);
        sees_all_of_its_own(&mut scene.su, &mut again, number);
        assert_eq!(others(&mut scene.su, number), before, "{name}");
    }
}
