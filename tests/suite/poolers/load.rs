//! Rotations under load through a real PgBouncer in transaction mode: no transaction fails. The clients connect with the
//! variable that a real agent keeps in its file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use postgres::Client;

use super::bouncer::Bouncer;
use super::{scene, timed, value};
use crate::harness::programs::{checkout, python};
use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::{ask, run, told};

/// The agent of examples/agent, which keeps the variables of the app `shop` in a file; it ends with the value.
struct Agent {
    child: Child,
    file: PathBuf,
}

impl Agent {
    #[track_caller]
    fn start(cluster: &Cluster) -> Agent {
        let password = "the-password-of-the-agent";
        run(
            &mut cluster.superuser("app"),
            &format!(
                "CREATE ROLE shop_agent LOGIN PASSWORD '{password}'; GRANT CONNECT ON DATABASE app TO shop_agent;
                 GRANT USAGE ON SCHEMA credentials TO shop_agent;
                 GRANT EXECUTE ON FUNCTION credentials.config_vars, credentials.attachments, credentials.events TO shop_agent"
            ),
        );
        let port = cluster.port();
        let url = format!("postgres://shop_agent:{password}@127.0.0.1:{port}/app");
        let file = cluster.home().join("env");
        let log = File::create(cluster.home().join("agent.log")).expect("the agent's log");
        let child = python("python")
            .arg(checkout("examples/agent/agent.py"))
            .args(["--app", "shop", "--file"])
            .arg(&file)
            .env("CREDENTIALS_URL", url)
            .stderr(log)
            .spawn()
            .expect("the agent");
        wait_until("the agent has written its file", SOON, || file.exists());
        Agent { child, file }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What clients and the test share.
struct Load<'a> {
    /// The agent's file.
    file: &'a Path,
    done: AtomicBool,
    transactions: AtomicU64,
    /// The URL that each client is connected with.
    connected: Vec<Mutex<String>>,
    failed: Mutex<Vec<String>>,
}

impl Load<'_> {
    fn new(clients: usize, file: &Path) -> Load<'_> {
        Load {
            file,
            done: AtomicBool::new(false),
            transactions: AtomicU64::new(0),
            connected: (0..clients).map(|_| Mutex::default()).collect(),
            failed: Mutex::default(),
        }
    }

    /// The config variable as the app finds it.
    fn variable(&self) -> String {
        let file = fs::read_to_string(self.file).expect("the agent's file");
        let line = file.lines().next().expect("a line");
        let value = line.strip_prefix("DATABASE_URL=");
        value.expect("the variable").to_owned()
    }

    /// Whether every client has a connection with the URL that is told now.
    fn all_follow(&self) -> bool {
        let now = self.variable();
        self.connected.iter().all(|url| *url.lock().unwrap() == now)
    }

    /// A client: transactions, one after the other, on a connection that is made anew when the variable changes.
    fn run(&self, number: usize, cluster: &Cluster) {
        let mut connection: Option<(String, Client)> = None;
        while !self.done.load(Ordering::Relaxed) {
            let url = self.variable();
            if connection.as_ref().is_none_or(|(known, _)| *known != url) {
                match cluster.connect(&url) {
                    Ok(client) => connection = Some((url.clone(), client)),
                    Err(error) => self.fail(number, "login", &error),
                }
                *self.connected[number].lock().unwrap() = url;
            }
            let Some((_, client)) = &mut connection else {
                continue;
            };
            match transaction(client, number) {
                Ok(()) => {
                    self.transactions.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    self.fail(number, "transaction", &error);
                    connection = None;
                }
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn fail(&self, number: usize, what: &str, error: &postgres::Error) {
        let said = format!("client {number}, {what}: {}", told(error));
        self.failed.lock().unwrap().push(said);
    }
}

/// Three statements that belong together.
fn transaction(client: &mut Client, number: usize) -> Result<(), postgres::Error> {
    client.batch_execute("BEGIN")?;
    client.batch_execute(&format!("INSERT INTO public.ledger VALUES ({number})"))?;
    client.batch_execute("SELECT pg_sleep(0.001)")?;
    client.batch_execute("COMMIT")
}

/// That many clients through that many rotations.
fn rotations_under_load(clients: usize, rotations: usize) {
    let (mut s, _) = scene(timed(1, 60, 600));
    let settings = [("server_idle_timeout", "1"), ("server_lifetime", "2")];
    let bouncer = Bouncer::start(&s.cluster, &settings);
    run(
        &mut s.own,
        &format!(
            "CREATE TABLE public.ledger (client int);
             SELECT credentials.create('shop', 'read_write');
             SELECT credentials.set_endpoint('pool', '127.0.0.1', {}, 'disable');
             SELECT credentials.attach('shop', 'shop', endpoint => 'pool')",
            bouncer.port()
        ),
    );
    let mut used = vec![value(&mut s, "shop")];
    let agent = Agent::start(&s.cluster);
    let load = Load::new(clients, &agent.file);
    thread::scope(|scope| {
        let (load, cluster) = (&load, &s.cluster);
        for number in 0..clients {
            scope.spawn(move || load.run(number, cluster));
        }
        let mut su = cluster.superuser("app");
        let stop = Stop(&load.done);
        let mut follow = |what: &str, marker: &str| {
            wait_until(what, SOON, || {
                load.variable().contains(marker) && load.all_follow()
            });
            let url = told_now(&mut su);
            assert_eq!(load.variable(), url);
            url
        };
        for _ in 0..rotations {
            run(&mut s.own, "SELECT credentials.rotate('shop')");
            used.push(follow(
                "every client has the twin's URL",
                "//shop-rotating:",
            ));
            used.push(follow(
                "every client has the URL after the cut-over",
                "//shop:",
            ));
        }
        drop(stop);
    });
    let failed = load.failed.lock().unwrap();
    let transactions = load.transactions.load(Ordering::Relaxed);
    eprintln!(
        "{clients} clients, {rotations} rotations: {transactions} transactions, {} failed",
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(
        ask(&mut s.su, "SELECT count(*) FROM public.ledger"),
        transactions.to_string()
    );
    assert_eq!(used.len(), 2 * rotations + 1);
    for old in &used[..used.len() - 2] {
        assert!(
            s.cluster.connect(old).is_err(),
            "a retired password is good still"
        );
    }
    assert!(s.cluster.connect(&used[used.len() - 1]).is_ok());
}

/// Ends the clients, also where the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The app's variable, as a superuser asks for it.
fn told_now(su: &mut Client) -> String {
    ask(su, "SELECT value FROM credentials.config_vars('shop')")
}

#[test]
fn no_transaction_of_clients_that_follow_their_variable_fails_in_any_rotation() {
    if std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some() {
        rotations_under_load(32, 10);
    } else {
        rotations_under_load(8, 3);
    }
}
