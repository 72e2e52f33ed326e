//! `table_privileges()` beside the query that it stands for.

use std::fmt::Write;
use std::time::{Duration, Instant};

use postgres::Client;

use super::generated::{self, TABLES};
use super::harness::Cluster;
use super::page::{self, ask, figures, Section};

/// Roles of an estate, five of them an owner and groups; a few special ones come on top.
const ROLES: usize = 120;

/// Relations of an estate, and rounds of the report and of the query there.
const ESTATES: [(usize, usize, usize); 1] = [(10_000, 9, 1)];

/// One thing that is measured: its name, its statement, and its times.
struct Way {
    name: &'static str,
    statement: String,
    times: Vec<Duration>,
}

/// A function that does nothing but put rows of the same shape, as many, into a tuplestore.
const MERELY: &str = "CREATE FUNCTION merely(rows int) RETURNS SETOF credentials.table_privilege LANGUAGE plpgsql AS $$
  BEGIN RETURN QUERY SELECT 'cred_012'::text, 's1'::text, 'rel_12345'::text, 'r'::\"char\",
    '{DELETE,INSERT,SELECT,UPDATE}'::text[] FROM generate_series(1, rows); END $$";

/// Measures every estate, each on a server of its own.
pub fn measure() -> Section {
    let mut text = String::new();
    for estate in ESTATES {
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
    ask(client, "SELECT * FROM credentials.adopt('cred_000', 'one')");
    ask(client, MERELY);
    let rows = ask(
        client,
        "SELECT count(*) FROM credentials.table_privileges()",
    );
    let [report, merely, query] = compare(
        client,
        (rounds, of_query),
        [
            (
                "table_privileges()",
                "SELECT count(*) FROM credentials.table_privileges()".to_owned(),
            ),
            (
                "as many rows into a tuplestore",
                format!("SELECT count(*) FROM merely({rows})"),
            ),
            ("the query", format!("SELECT count(*) FROM ({TABLES}) q")),
        ],
    );
    let of_one = TABLES.replace("GROUP BY", "AND r.rolname = 'cred_000'\nGROUP BY");
    let [one, query_of_one] = compare(
        client,
        (rounds, of_query),
        [
            (
                "table_privileges('one')",
                "SELECT count(*) FROM credentials.table_privileges('one')".to_owned(),
            ),
            (
                "the query for that role",
                format!("SELECT count(*) FROM ({of_one}) q"),
            ),
        ],
    );
    let [list] = compare(
        client,
        (rounds, rounds),
        [(
            "list()",
            "SELECT count(*) FROM credentials.list()".to_owned(),
        )],
    );
    let _ = writeln!(text, "{}", page::conditions(client));
    for way in [&report, &merely, &query, &one, &query_of_one, &list] {
        let (least, median, most) = figures(&way.times);
        let _ = writeln!(
            text,
            "| {} | {median:.1} | {least:.1} | {most:.1} |",
            way.name
        );
    }
}

/// Measures statements in turns; the last of several, the query, takes less rounds than the others.
fn compare<const N: usize>(
    client: &mut Client,
    (rounds, of_last): (usize, usize),
    ways: [(&'static str, String); N],
) -> [Way; N] {
    let mut ways = ways.map(|(name, statement)| Way {
        name,
        statement,
        times: Vec::new(),
    });
    // The first round fills caches and is not counted.
    for round in 0..=rounds {
        for (place, way) in ways.iter_mut().enumerate() {
            if N > 1 && place + 1 == N && (round == 0 || round > of_last) {
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
    ways
}
