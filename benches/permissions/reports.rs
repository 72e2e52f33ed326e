//! `table_privileges()` beside the query that it stands for.

use std::fmt::Write;
use std::time::{Duration, Instant};

use postgres::Client;

use super::generated::{self, of_role};
use super::harness::Cluster;
use super::page::{ask, conditions, figures, Section};

/// Roles of an estate that own, are groups or have rights; a few special ones and the server's own come on top.
const ROLES: usize = 120;

/// Relations of an estate, and rounds of the report and of the query there.
const ESTATES: [(usize, usize, usize); 2] = [(10_000, 9, 3), (50_000, 5, 1)];

/// Does nothing but put rows of the same shape into a tuplestore.
const MERELY: &str =
    "CREATE FUNCTION merely(rows int) RETURNS SETOF credentials.table_privilege LANGUAGE plpgsql AS $$
     BEGIN RETURN QUERY SELECT 'cred_012'::text, 's1'::text, 'rel_12345'::text, 'r'::\"char\",
       '{DELETE,INSERT,SELECT,UPDATE}'::text[] FROM generate_series(1, rows); END $$";

/// Something that is measured, and how often.
struct Way {
    name: String,
    statement: String,
    rounds: usize,
    times: Vec<Duration>,
}

/// Measures every estate, each on a server of its own.
pub fn measure() -> Section {
    let mut text = format!(
        "Milliseconds to the answer, in turns; relations of all kinds in ten schemas, {ROLES} roles with rights directly, \
         by groups, by groups of groups and as owners, beside superusers, members of predefined roles and PUBLIC. \
         The goals: a twentieth of the query at most, and at most twice the time of a function that merely puts as \
         many rows of that shape into a tuplestore; for one credential half of the query for its role.\n"
    );
    for estate in ESTATES {
        text.push('\n');
        measure_estate(&mut text, estate);
    }
    Section {
        heading: "Reports of privileges beside the queries that they stand for",
        text,
    }
}

fn measure_estate(text: &mut String, (relations, rounds, of_query): (usize, usize, usize)) {
    let cluster = Cluster::builder()
        .setting("shared_buffers", "256MB")
        .setting("max_locks_per_transaction", "1024")
        .setting("max_wal_size", "4GB")
        .start();
    cluster.allow_superuser("su2");
    cluster.setup();
    let client = &mut cluster.superuser("app");
    generated::roles(client, ROLES);
    ask(client, "ALTER DATABASE app OWNER TO g_owner");
    generated::relations(client, relations, ROLES);
    ask(client, "SELECT credentials.adopt('cred_000', 'one')");
    for number in 1..100 {
        ask(
            client,
            &format!("SELECT credentials.adopt('cred_{number:03}')"),
        );
    }
    ask(client, MERELY);
    let query = generated::tables(client);
    let count = "SELECT count(*) FROM credentials.table_privileges()";
    let rows = ask(client, count);
    let way = |name: &str, statement: String, rounds| Way {
        name: name.to_owned(),
        statement,
        rounds,
        times: Vec::new(),
    };
    let mut ways = [
        way("`table_privileges()`", count.to_owned(), rounds),
        way(
            "as many rows into a tuplestore",
            format!("SELECT count(*) FROM merely({rows})"),
            rounds,
        ),
        way(
            "the query",
            format!("SELECT count(*) FROM ({query}) q"),
            of_query,
        ),
        way(
            "`table_privileges('one')`",
            "SELECT count(*) FROM credentials.table_privileges('one')".to_owned(),
            rounds,
        ),
        way(
            "the query for that role",
            format!("SELECT count(*) FROM ({}) q", of_role(&query, "cred_000")),
            of_query,
        ),
        way(
            "`list()`",
            "SELECT count(*) FROM credentials.list()".to_owned(),
            rounds,
        ),
    ];
    in_turns(client, &mut ways);
    tell(text, &conditions(client), (relations, &rows), &ways);
}

/// Measures in turns, so that all meet the same machine.
fn in_turns(client: &mut Client, ways: &mut [Way]) {
    let most = ways.iter().map(|way| way.rounds).max().unwrap_or(0);
    // A first round fills caches and is not counted; the slowest is spared it.
    for round in 0..=most {
        for way in ways.iter_mut() {
            if round > way.rounds || (round == 0 && way.rounds < most) {
                continue;
            }
            let begun = Instant::now();
            ask(client, &way.statement);
            let taken = begun.elapsed();
            eprintln!("{taken:9.1?}  {}", way.name);
            if round > 0 {
                way.times.push(taken);
            }
        }
    }
}

fn tell(text: &mut String, conditions: &str, (relations, rows): (usize, &str), ways: &[Way]) {
    let _ = writeln!(
        text,
        "{relations} relations, {rows} rows. {conditions}\n\n\
         | what | rounds | median | least | most | to `table_privileges()` |\n|---|---:|---:|---:|---:|---:|"
    );
    let report = figures(&ways[0].times).1;
    for way in ways {
        let (least, median, most) = figures(&way.times);
        let _ = writeln!(
            text,
            "| {} | {} | {median:.1} | {least:.1} | {most:.1} | {:.2} |",
            way.name,
            way.rounds,
            median / report
        );
    }
}
