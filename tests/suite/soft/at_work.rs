//! Clients at work all the while: no transaction is lost, and nobody who reads the URL again is refused.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;
use std::thread;

use postgres::Client;

use super::{becomes, created, scene};
use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::{ask, run, told as say, Scene};

/// What all clients share with the one who rotates.
struct Shop<'a> {
    cluster: &'a Cluster,
    name: &'a str,
    /// How many rotations have been ordered: what a NOTIFY would tell.
    told: AtomicU64,
    over: AtomicBool,
    committed: AtomicU64,
    across: AtomicU64,
    refused: AtomicU64,
    /// How many rounds each client has begun.
    rounds: [AtomicU64; 16],
    failures: Mutex<Vec<String>>,
}

/// How a client learns that the URL is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Learns {
    /// From a login that fails, and not before.
    ByFailing,
    /// From being told, as a NOTIFY does it.
    ByBeingTold,
    /// It reads the URL each time.
    Always,
}

/// The clients that hold one transaction from each rotation to the next.
const HOLDERS: [usize; 3] = [3, 4, 15];

impl Shop<'_> {
    fn rounds(&self) -> Vec<u64> {
        self.rounds
            .iter()
            .map(|n| n.load(Ordering::SeqCst))
            .collect()
    }

    fn fails(&self, what: String) {
        self.failures.lock().unwrap().push(what);
    }

    /// The URL that is told now.
    fn url(&self, reader: &mut Client) -> String {
        let row = reader.query_one("SELECT credentials.url($1)", &[&self.name]);
        row.unwrap().get(0)
    }

    /// One client: log in, do a few transactions, leave, and again.
    fn work(&self, number: usize, learns: Learns, holds: bool) {
        let mut reader = self.cluster.superuser("app");
        let mut url = self.url(&mut reader);
        let mut seen = self.told.load(Ordering::SeqCst);
        while !self.over.load(Ordering::SeqCst) {
            self.rounds[number].fetch_add(1, Ordering::SeqCst);
            let told = self.told.load(Ordering::SeqCst);
            if learns == Learns::Always || (learns == Learns::ByBeingTold && told != seen) {
                seen = told;
                url = self.url(&mut reader);
            }
            let mut session = match self.cluster.connect(&url) {
                Ok(session) => session,
                Err(first) => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                    url = self.url(&mut reader);
                    match self.cluster.connect(&url) {
                        Ok(session) => session,
                        Err(error) => {
                            self.fails(format!(
                                "client {number}: refused with the URL just read: {}; before that {}",
                                say(&error), say(&first)
                            ));
                            continue;
                        }
                    }
                }
            };
            let done = if holds {
                self.hold(&mut session, number, told)
            } else {
                self.buy(&mut session, number)
            };
            if let Err(error) = done {
                self.fails(format!(
                    "client {number} ({learns:?}) lost a transaction: {}",
                    say(&error)
                ));
            }
            drop(session);
            if learns == Learns::ByFailing {
                // It is away most of the time: else the old password is in use without a break, to the deadline.
                let _ = reader.batch_execute("SELECT pg_sleep(0.15)");
            }
        }
    }

    /// A few short transactions.
    fn buy(&self, session: &mut Client, number: usize) -> Result<(), postgres::Error> {
        for _ in 0..2 {
            session.batch_execute(&format!(
                "BEGIN; INSERT INTO shop.sold VALUES ({number}); SELECT pg_sleep(0.005)"
            ))?;
            session.batch_execute("COMMIT")?;
            self.committed.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    /// One transaction that is open while the next rotation is ordered, and goes on for a moment after it.
    /// `before` is what was told when the URL was read.
    fn hold(
        &self,
        session: &mut Client,
        number: usize,
        before: u64,
    ) -> Result<(), postgres::Error> {
        session.batch_execute(&format!("BEGIN; INSERT INTO shop.sold VALUES ({number})"))?;
        while self.told.load(Ordering::SeqCst) == before && !self.over.load(Ordering::SeqCst) {
            session.batch_execute("SELECT pg_sleep(0.01)")?;
        }
        session.batch_execute("SELECT pg_sleep(0.3); COMMIT")?;
        self.committed.fetch_add(1, Ordering::SeqCst);
        self.across.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Rotates `name` so often under sixteen clients, and asserts that nothing was lost.
fn rotated_at_work(mut s: Scene, name: &str, rotations: u64) {
    run(
        &mut s.su,
        &format!(
            "CREATE SCHEMA shop; CREATE TABLE shop.sold (client int);
             GRANT USAGE ON SCHEMA shop TO PUBLIC; GRANT INSERT ON shop.sold TO PUBLIC;
             CREATE ROLE orders; GRANT orders TO {}",
            if name == "default" { "app_owner" } else { name }
        ),
    );
    let shop = Shop {
        cluster: &s.cluster,
        name,
        told: AtomicU64::new(0),
        over: AtomicBool::new(false),
        committed: AtomicU64::new(0),
        across: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        rounds: Default::default(),
        failures: Mutex::new(Vec::new()),
    };
    // Default's own session would hold up the drain to the deadline.
    drop(s.own);
    thread::scope(|scope| {
        for number in 0..16 {
            let learns = match number {
                0..3 => Learns::ByFailing,
                3..10 => Learns::ByBeingTold,
                _ => Learns::Always,
            };
            let (shop, holds) = (&shop, HOLDERS.contains(&number));
            scope.spawn(move || shop.work(number, learns, holds));
        }
        let end = thread::Builder::new().spawn_scoped(scope, || {
            let mut su = s.cluster.superuser("app");
            for _ in 0..rotations {
                run(&mut su, &format!("SELECT credentials.rotate('{name}')"));
                shop.told.fetch_add(1, Ordering::SeqCst);
                becomes(&mut su, name, "lingering");
                run(&mut su, &format!("SELECT credentials.wait('{name}')"));
                // Whoever is at a login with the name of the twin gets through before its password is renewed.
                let before = shop.rounds();
                wait_until("each client begins anew", SOON, || {
                    let all = before.iter().zip(shop.rounds());
                    let mut working = all.zip(0..).filter(|(_, number)| !HOLDERS.contains(number));
                    working.all(|((before, now), _)| now > *before)
                });
            }
        });
        let end = end.unwrap().join();
        shop.over.store(true, Ordering::SeqCst);
        if let Err(panic) = end {
            std::panic::resume_unwind(panic);
        }
    });
    let failures = shop.failures.lock().unwrap();
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(
        shop.refused.load(Ordering::SeqCst) > 0,
        "nobody failed first"
    );
    assert!(
        shop.across.load(Ordering::SeqCst) >= rotations,
        "nobody held on"
    );
    let sold = ask(&mut s.su, "SELECT count(*) FROM shop.sold");
    assert_eq!(sold, shop.committed.load(Ordering::SeqCst).to_string());
    let late = "SELECT count(*) FROM credentials.event WHERE action = 'end_session'";
    assert_eq!(ask(&mut s.su, late), "0", "a session was ended");
}

#[test]
fn twenty_rotations_under_sixteen_clients_lose_no_transaction_and_lock_nobody_out() {
    let mut s = scene(1, 60, 600);
    created(&mut s, "c1");
    rotated_at_work(s, "c1", 20);
}

#[test]
fn default_is_rotated_under_its_clients_as_any_other_is() {
    let s = scene(1, 60, 600);
    rotated_at_work(s, "default", if super::long() { 20 } else { 5 });
}
