//! The table.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use postgres::Client;

use super::{ask, CREDENTIALS, ROUNDS};

/// What was measured of one way, and of plain statements in between.
#[derive(Clone)]
pub struct Compared {
    /// The way's name.
    pub name: &'static str,
    /// Passwords changed in a round.
    pub count: usize,
    /// A time a round.
    pub times: Vec<Duration>,
    /// The same of plain statements.
    pub plain: Vec<Duration>,
}

/// docs/benchmarks.md.
pub fn text(client: &mut Client, compared: &[Compared]) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         `make bench` measures this and writes this page: {} on {}, {} processors, PostgreSQL {}, `fsync` on.\n\n\
         ## Rotating beside plain ALTER ROLE\n\n\
         Milliseconds to the answer to COMMIT, of one transaction, without sessions of the credentials. Each is \
         measured in turns with as many `ALTER ROLE … PASSWORD '<65 characters>'` in one transaction, sent at once; \
         {} rounds of all {CREDENTIALS} credentials, {} of one. The goal is at most 1.1 times plain.\n\n\
         | what | median | least | most | plain: median | least | most | ratio of medians |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
        ask(client, "SELECT current_date"),
        processor(),
        std::thread::available_parallelism().map_or(1, usize::from),
        ask(client, "SHOW server_version"),
        ROUNDS.0,
        ROUNDS.1,
    );
    for one in compared {
        let (own, plain) = (figures(&one.times), figures(&one.plain));
        let of = match one.count {
            1 => String::new(),
            count => format!(" of {count}"),
        };
        let _ = writeln!(
            text,
            "| {}{of} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} |",
            one.name,
            own.1,
            own.0,
            own.2,
            plain.1,
            plain.0,
            plain.2,
            own.1 / plain.1
        );
    }
    text
}

/// Least, median and most, in milliseconds.
fn figures(times: &[Duration]) -> (f64, f64, f64) {
    let mut sorted: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1000.0).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = match sorted.len() % 2 {
        0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    };
    (sorted[0], median, sorted[sorted.len() - 1])
}

/// What the kernel calls the processor.
fn processor() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    told.lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(
            || "an unknown processor".to_owned(),
            |(_, name)| name.trim().to_owned(),
        )
}
