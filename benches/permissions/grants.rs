//! Presets beside the GRANT statements that they stand for.

use std::fmt::Write;
use std::time::{Duration, Instant};

use postgres::Client;

use super::harness::Cluster;
use super::page::{self, ask, figures, Section};

/// Tables of the schema that one credential after the other gets to read.
const MANY: usize = 10_000;
/// Tables of the schema that a hundred credentials get to read.
const SOME: usize = 1_000;
/// Credentials that are made at once.
const CREDENTIALS: usize = 100;
/// Rounds, in turns.
const ROUNDS: usize = 5;

/// Measures both on one server.
pub fn measure() -> Section {
    let cluster = Cluster::builder()
        .setting("shared_buffers", "256MB")
        .setting("max_locks_per_transaction", "1024")
        .setting("max_wal_size", "4GB")
        .start();
    cluster.setup();
    let su = &mut cluster.superuser("app");
    ask(su, "SELECT credentials.set_password('default')");
    let own = &mut cluster
        .connect(&cluster.url("default"))
        .expect("a login as default");
    tables(own, "big", MANY);
    tables(own, "shop", SOME);
    let mut text = String::new();
    one_after_the_other(&mut text, su, own);
    a_hundred_at_once(&mut text, su, own);
    let _ = writeln!(text, "\n{}", page::conditions(su));
    Section {
        heading: "Presets beside the GRANT statements that they stand for",
        text,
    }
}

fn tables(own: &mut Client, schema: &str, count: usize) {
    run(own, &format!("CREATE SCHEMA {schema}"));
    let make = format!(
        "DO $$ BEGIN FOR i IN 1..{count} LOOP EXECUTE format('CREATE TABLE {schema}.t%s (id int)', i); END LOOP; END $$"
    );
    // In pieces, for the lock table.
    run(own, &make);
}

fn run(client: &mut Client, sql: &str) {
    client
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql:.200}: {error:?}"));
}

fn timed(client: &mut Client, sql: &str) -> Duration {
    let start = Instant::now();
    run(client, sql);
    start.elapsed()
}

/// The first and the second credential's read_only, and GRANT to a role.
fn one_after_the_other(text: &mut String, su: &mut Client, own: &mut Client) {
    let (mut plain, mut first, mut second) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..=2 * ROUNDS {
        run(su, &format!("CREATE ROLE plain_{i}"));
        run(own, &format!("SELECT credentials.create('c{i}')"));
    }
    let grant = |i: usize| format!("SELECT credentials.grant('c{i}', 'read_only', '{{big}}')");
    for i in 0..ROUNDS {
        let sql = format!("GRANT SELECT ON ALL TABLES IN SCHEMA big TO plain_{i}");
        plain.push(timed(own, &sql));
        run(
            own,
            &sql.replace("GRANT SELECT", "REVOKE SELECT")
                .replace(" TO ", " FROM "),
        );
        run(own, "BEGIN");
        first.push(timed(own, &grant(0)));
        run(own, "ROLLBACK");
        run(su, "VACUUM pg_class, pg_shdepend");
    }
    run(own, &grant(0));
    for i in 1..=2 * ROUNDS {
        second.push(timed(own, &grant(i)));
    }
    let _ = writeln!(
        text,
        "{MANY} tables in a schema:\n\n| | least | median | most, ms |\n|---|--:|--:|--:|"
    );
    let mut medians = Vec::new();
    for (name, times) in [
        ("`GRANT SELECT ON ALL TABLES`, committed", &plain),
        ("the first credential's `grant(…, 'read_only')`", &first),
        ("the second credential's, committed", &second),
    ] {
        let (least, median, most) = figures(times);
        medians.push(median);
        let _ = writeln!(text, "| {name} | {least:.1} | {median:.1} | {most:.1} |");
    }
    let _ = writeln!(
        text,
        "\nThe second costs 1/{:.0} of GRANT, the first {:.2} of it.\n",
        medians[0] / medians[2],
        medians[1] / medians[0]
    );
}

/// A hundred credentials with read_only, and the best script for psql.
fn a_hundred_at_once(text: &mut String, su: &mut Client, own: &mut Client) {
    let names: Vec<String> = (0..CREDENTIALS).map(|i| format!("reader_{i}")).collect();
    let all = names.join(", ");
    let mut script = String::new();
    for (i, name) in names.iter().enumerate() {
        let password = format!("{i:065}");
        let _ = write!(script, "CREATE ROLE {name} LOGIN PASSWORD '{password}';");
    }
    let _ = write!(
        script,
        "GRANT USAGE ON SCHEMA shop TO {all}; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {all};
         ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA shop GRANT SELECT ON TABLES TO {all};"
    );
    let call = format!(
        "SELECT credentials.create('reader_' || i, 'read_only', '{{shop}}') FROM generate_series(1, {CREDENTIALS}) i"
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        run(own, "BEGIN");
        ours.push(timed(own, &call));
        run(own, "ROLLBACK");
        run(su, "BEGIN");
        theirs.push(timed(su, &script));
        run(su, "ROLLBACK");
        run(su, "VACUUM pg_class, pg_shdepend, pg_authid");
    }
    let ((a0, a, a1), (b0, b, b1)) = (figures(&ours), figures(&theirs));
    let _ = writeln!(
        text,
        "{CREDENTIALS} credentials with read_only on {SOME} tables, in one transaction:\n\n\
         | | least | median | most, ms |\n|---|--:|--:|--:|\n\
         | `SELECT credentials.create(…, 'read_only', …)` | {a0:.0} | {a:.0} | {a1:.0} |\n\
         | CREATE ROLE each, one GRANT to all | {b0:.0} | {b:.0} | {b1:.0} |\n\n\
         Ours takes {:.2} of the script's time.",
        a / b
    );
}
