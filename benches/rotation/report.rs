//! The table.

use std::fmt::Write;
use std::time::Duration;

use postgres::Client;

use super::page::{conditions, figures, Section};
use super::{CREDENTIALS, ROUNDS};

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

/// The section of docs/benchmarks.md.
pub fn section(client: &mut Client, compared: &[Compared]) -> Section {
    let mut text = format!(
        "{}\n\n\
         Milliseconds to the answer to COMMIT, of one transaction, without sessions of the credentials. Each is \
         measured in turns with as many `ALTER ROLE … PASSWORD '<65 characters>'` in one transaction, sent at once; \
         {} rounds of all {CREDENTIALS} credentials, {} of one. The goal is at most 1.1 times plain.\n\n\
         On a machine that does other things too the wall clock tells how busy it was; `processor` is the time for \
         which the session's server process had a processor (without the threads that `rotate_all` hashes in beside \
         it).\n\n\
         | what | clock | median | least | most | plain: median | least | most | ratio of medians |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
        conditions(client),
        ROUNDS.0,
        ROUNDS.1,
    );
    let wall = |cost: &Cost| cost.taken;
    let processor = |cost: &Cost| cost.worked;
    let clocks: [(&str, Clock); 2] = [("wall", wall), ("processor", processor)];
    for (one, (clock, of_cost)) in compared
        .iter()
        .flat_map(|one| clocks.map(|clock| (one, clock)))
    {
        let clocked = |costs: &[Cost]| figures(&costs.iter().map(of_cost).collect::<Vec<_>>());
        let (own, plain) = (clocked(&one.costs), clocked(&one.plain));
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
    Section {
        heading: "Rotating beside plain ALTER ROLE",
        text,
    }
}
