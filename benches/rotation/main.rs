//! `make bench`: what rotating costs beside plain `ALTER ROLE … PASSWORD`, on the same server and in the same
//! minutes, one after the other in turns. Writes its section of docs/benchmarks.md.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on stops, and says why"
)]
#![allow(
    dead_code,
    reason = "the harness offers more than the bench of the day uses"
)]

#[path = "../../tests/harness/mod.rs"]
#[allow(unused_imports, reason = "as above")]
mod harness;
#[path = "../page.rs"]
mod page;
mod report;

use std::fs;
use std::time::{Duration, Instant};

use harness::{wait_until, Cluster};
use postgres::{Client, SimpleQueryMessage};
use report::{Compared, Cost};

/// Credentials, default among them: the limit that a server has by itself.
const CREDENTIALS: usize = 120;

/// Rounds of all credentials, and of one.
const ROUNDS: (usize, usize) = (9, 21);

/// How long a server may take to come to rest after a round.
const REST: Duration = Duration::from_secs(120);

/// One way to change passwords: its name in the report, and its statement.
struct Way {
    name: &'static str,
    statement: &'static str,
}

const SOFT_ALL: Way = Way {
    name: "`rotate_all()`, with overlap",
    statement: "SELECT * FROM credentials.rotate_all()",
};
const IN_PLACE_ALL: Way = Way {
    name: "`rotate_all(overlap => '0')`, in place",
    statement: "SELECT * FROM credentials.rotate_all(overlap => '0')",
};
const SOFT: Way = Way {
    name: "`rotate('c1')`, with overlap",
    statement: "SELECT * FROM credentials.rotate('c1')",
};
const IN_PLACE: Way = Way {
    name: "`rotate('c1', overlap => '0')`, in place",
    statement: "SELECT * FROM credentials.rotate('c1', overlap => '0')",
};

fn main() {
    // `cargo bench` hands its own flags on; a word narrows nothing here.
    let cluster = Cluster::builder()
        .setting("fsync", "on")
        .setting("authentication_timeout", "1s")
        .setting("credential_manager.rotation_linger", "0")
        .start();
    cluster.setup();
    let mut client = cluster.superuser("app");
    for number in 1..CREDENTIALS {
        run(
            &mut client,
            &format!("SELECT credentials.create('c{number}')"),
        );
    }
    for number in 0..CREDENTIALS {
        run(&mut client, &format!("CREATE ROLE plain_{number} LOGIN"));
    }
    let (all, one) = (CREDENTIALS, 1);
    let compared = [
        compare(&cluster, all, ROUNDS.0, &[SOFT_ALL, IN_PLACE_ALL]),
        compare(&cluster, one, ROUNDS.1, &[SOFT, IN_PLACE]),
    ]
    .concat();
    let section = report::section(&mut client, &compared);
    drop(client);
    page::write(&section);
}

/// Measures ways to change so many passwords beside as many plain ALTER ROLE, in turns.
///
/// Each has a session of its own: one that has had threads is slower from then on, in its locks.
fn compare(cluster: &Cluster, count: usize, rounds: usize, ways: &[Way]) -> Vec<Compared> {
    let (client, script) = (&mut cluster.superuser("app"), &mut cluster.superuser("app"));
    let mut plain = Vec::new();
    let mut taken = vec![Vec::new(); ways.len()];
    clean_up(client);
    // The first round fills caches and is not counted.
    for round in 0..=rounds {
        let note = |costs: &mut Vec<Cost>, cost| {
            if round > 0 {
                costs.push(cost);
            }
        };
        for (way, costs) in ways.iter().zip(&mut taken) {
            come_to_rest(client);
            // Dead rows of many would slow down the next round; those of one are what any server has.
            if count > 1 {
                clean_up(client);
            }
            let cost = measured(client, way.statement);
            assert_eq!(changed(client), count, "{}", way.name);
            note(costs, cost);
        }
        come_to_rest(client);
        if count > 1 {
            clean_up(client);
        }
        let statements = plain_statements(client, count);
        note(&mut plain, measured(script, &statements));
    }
    ways.iter()
        .zip(taken)
        .map(|(way, costs)| Compared {
            name: way.name,
            count,
            costs,
            plain: plain.clone(),
        })
        .collect()
}

/// Runs a statement or several, and takes the time until the answer to their COMMIT is here and the
/// processor time of the session's server process.
fn measured(client: &mut Client, statements: &str) -> Cost {
    let whole = format!("BEGIN; {statements}; COMMIT");
    let process = ask(client, "SELECT pg_backend_pid()");
    let (begun, worked) = (Instant::now(), processor_time(&process));
    run(client, &whole);
    let cost = Cost {
        taken: begun.elapsed(),
        worked: processor_time(&process) - worked,
    };
    let short: String = statements.chars().take(40).collect();
    eprintln!("{:9.1?} {:9.1?}  {short}", cost.taken, cost.worked);
    cost
}

/// The time for which the first thread of a process has had a processor (proc(5), schedstat).
fn processor_time(process: &str) -> Duration {
    let told = fs::read_to_string(format!("/proc/{process}/schedstat")).expect("a server process");
    let first = told.split(' ').next().and_then(|n| n.parse().ok());
    Duration::from_nanos(first.expect("a number of nanoseconds"))
}

/// The rows of the last call: passwords that were changed by it, as its event says.
fn changed(client: &mut Client) -> usize {
    let count = "SELECT count(*) FROM credentials.event e WHERE e.xmin = (SELECT xmin FROM credentials.event ORDER BY id DESC LIMIT 1)";
    ask(client, count).parse().unwrap()
}

/// As many ALTER ROLE, each with a password of 65 characters, as a script sends them: all at once.
fn plain_statements(client: &mut Client, count: usize) -> String {
    let statements = format!(
        "SELECT string_agg(format('ALTER ROLE plain_%s PASSWORD %L', n, left(encode(sha512(random()::text::bytea), 'hex'), 65)), '; ')
           FROM generate_series(0, {count} - 1) n"
    );
    ask(client, &statements)
}

/// Ends every rotation and waits until nothing is left to do, so that all rounds begin alike.
fn come_to_rest(client: &mut Client) {
    for name in column(
        client,
        "SELECT name FROM credentials.credential WHERE state <> 'active'",
    ) {
        run(
            client,
            &format!("SELECT credentials.rotate('{name}', force => true)"),
        );
    }
    wait_until(
        "all credentials are active, and no job is left",
        REST,
        || {
            ask(
            client,
            "SELECT (SELECT count(*) FROM credentials.credential WHERE state <> 'active')
                  + (SELECT count(*) FROM credentials.job WHERE state IN ('queued', 'running', 'waiting', 'blocked'))",
        ) == "0"
        },
    );
}

/// Takes dead rows away, and begins with a fresh checkpoint.
fn clean_up(client: &mut Client) {
    for table in [
        "pg_authid",
        "pg_auth_members",
        "pg_db_role_setting",
        "pg_shdepend",
    ] {
        run(client, &format!("VACUUM {table}"));
    }
    for table in ["credential", "secret", "event", "job", "twin"] {
        run(client, &format!("VACUUM credentials.{table}"));
    }
    run(client, "CHECKPOINT");
}

fn run(client: &mut Client, statements: &str) {
    if let Err(error) = client.batch_execute(statements) {
        let told = error.as_db_error().map_or_else(String::new, |db| {
            format!("{} {:?}", db.message(), db.detail())
        });
        panic!("{error}: {told}");
    }
}

fn column(client: &mut Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).expect("an answer");
    let texts = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    texts.collect()
}

fn ask(client: &mut Client, query: &str) -> String {
    column(client, query).into_iter().next().unwrap_or_default()
}
