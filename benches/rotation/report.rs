//! The table.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use postgres::Client;

use super::{ask, CREDENTIALS, ROUNDS};

/// What one round costs.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Until the answer to COMMIT is here.
    pub taken: Duration,
    /// Processor time of the session's server process, without the threads that it starts.
    pub worked: Duration,
}

/// Which of the two is looked at.
type Clock = fn(&Cost) -> Duration;

/// What was measured of one way, and of plain statements in between.
#[derive(Clone)]
pub struct Compared {
    /// The way's name.
    pub name: &'static str,
    /// Passwords changed in a round.
    pub count: usize,
    /// One a round.
    pub costs: Vec<Cost>,
    /// The same of plain statements.
    pub plain: Vec<Cost>,
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
         On a machine that does other things too the wall clock tells how busy it was; `processor` is the time for \
         which the session's server process had a processor (without the threads that `rotate_all` hashes in beside \
         it; the load of the machine was {} when this was written).\n\n\
         | what | clock | median | least | most | plain: median | least | most | ratio of medians |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
        ask(client, "SELECT current_date"),
        processor(),
        std::thread::available_parallelism().map_or(1, usize::from),
        ask(client, "SHOW server_version"),
        ROUNDS.0,
        ROUNDS.1,
        fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default(),
    );
    let wall = |cost: &Cost| cost.taken;
    let processor = |cost: &Cost| cost.worked;
    let clocks: [(&str, Clock); 2] = [("wall", wall), ("processor", processor)];
    for (one, (clock, of_cost)) in compared
        .iter()
        .flat_map(|one| clocks.map(|clock| (one, clock)))
    {
        let (own, plain) = (figures(&one.costs, of_cost), figures(&one.plain, of_cost));
        let of = match one.count {
            1 => String::new(),
            count => format!(" of {count}"),
        };
        let _ = writeln!(
            text,
            "| {}{of} | {clock} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} |",
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
fn figures(costs: &[Cost], of_cost: Clock) -> (f64, f64, f64) {
    let mut sorted: Vec<f64> = costs
        .iter()
        .map(|cost| of_cost(cost).as_secs_f64() * 1000.0)
        .collect();
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
