//! docs/benchmarks.md: a section each program, which leaves those of the others as they are.

use std::fs;
use std::time::Duration;

use postgres::{Client, SimpleQueryMessage};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks.md");

/// What the page begins with.
const TITLE: &str = "# Benchmarks\n\n`make bench` measures this and writes this page.\n";

/// One section of the page.
pub struct Section {
    /// Its heading, by which it is found again.
    pub heading: &'static str,
    /// All below the heading.
    pub text: String,
}

/// Puts a section in the place of the one with its heading, or at the end.
pub fn write(section: &Section) {
    print!("{}", section.text);
    let page = fs::read_to_string(FILE).unwrap_or_default();
    let mut others: Vec<&str> = page.split("\n## ").skip(1).collect();
    let heading = format!("{}\n", section.heading);
    let whole = format!("{heading}\n{}", section.text.trim());
    match others
        .iter_mut()
        .find(|other| other.starts_with(heading.as_str()))
    {
        Some(own) => *own = &whole,
        None => others.push(&whole),
    }
    let mut page = TITLE.to_owned();
    for other in others {
        page.push_str("\n## ");
        page.push_str(other.trim_end());
        page.push('\n');
    }
    fs::write(FILE, page).expect("to write docs/benchmarks.md");
}

/// When, and on what, this is measured.
pub fn conditions(client: &mut Client) -> String {
    format!(
        "{} on {}, {} processors, PostgreSQL {}, `fsync` {}; the load of the machine was {} when this was written.",
        ask(client, "SELECT current_date"),
        processor(),
        std::thread::available_parallelism().map_or(1, usize::from),
        ask(client, "SHOW server_version"),
        ask(client, "SHOW fsync"),
        fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default(),
    )
}

/// Least, median and most, in milliseconds.
pub fn figures(times: &[Duration]) -> (f64, f64, f64) {
    let mut sorted: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1000.0).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = match sorted.len() % 2 {
        0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    };
    (sorted[0], median, sorted[sorted.len() - 1])
}

/// The first column of the first row.
pub fn ask(client: &mut Client, query: &str) -> String {
    let messages = client.simple_query(query).expect("an answer");
    let first = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    first.unwrap_or_default()
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
