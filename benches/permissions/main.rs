//! `make bench`: what the reports of permissions cost beside the queries that they stand for, on the same server and
//! in the same minutes, in turns. Writes its sections of docs/benchmarks.md; each file here is one of them.

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

#[path = "../../tests/seed/generated.rs"]
mod generated;
mod grants;
#[path = "../../tests/harness/mod.rs"]
#[allow(unused_imports, reason = "as above")]
mod harness;
#[path = "../page.rs"]
mod page;
mod reports;

/// What makes a section.
type Measure = fn() -> page::Section;

/// The sections that this program writes, each with a word to run it alone.
const SECTIONS: [(&str, Measure); 2] = [("reports", reports::measure), ("grants", grants::measure)];

fn main() {
    // `cargo bench -- reports` measures the one section; cargo's own flags begin with a dash.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    for (word, measure) in SECTIONS {
        if words.is_empty() || words.iter().any(|asked| asked == word) {
            page::write(&measure());
        }
    }
}
