//! `check()`: each finding is made, seen, and gone when its remedy was run as it is printed.

mod bounds;
mod clean;
mod collaborators;
mod credentials;
mod flat;
mod groups;
mod hba;
mod keys;
mod members;
mod public;
mod roles;
mod server;
mod tenants;

use std::fs;
use std::process::Command;

use postgres::Client;

use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::{run, Scene};

/// One row of check().
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    severity: String,
    code: String,
    object: String,
    sentence: String,
    remedy: String,
}

/// All that is found.
#[track_caller]
fn findings(client: &mut Client) -> Vec<Finding> {
    let rows = client.query(
        "SELECT severity, code, object, finding, remedy FROM credentials.check()",
        &[],
    );
    let rows = rows.unwrap_or_else(|error| panic!("check(): {}", crate::scene::told(&error)));
    rows.iter()
        .map(|row| Finding {
            severity: row.get(0),
            code: row.get(1),
            object: row.get(2),
            sentence: row.get(3),
            remedy: row.get(4),
        })
        .collect()
}

/// Those of one code about one object.
#[track_caller]
fn about(client: &mut Client, code: &str, object: &str) -> Vec<Finding> {
    let mut found = findings(client);
    found.retain(|f| f.code == code && f.object == object);
    found
}

/// The one finding of a code about an object.
#[track_caller]
fn the(client: &mut Client, code: &str, object: &str) -> Finding {
    let mut all = findings(client);
    let told = format!("{all:#?}");
    all.retain(|f| f.code == code && f.object == object);
    assert_eq!(all.len(), 1, "{code} {object} among {told}");
    all.remove(0)
}

/// Runs a remedy as a person would: what is to be done by hand first, and the whole text in psql.
#[track_caller]
fn mend(cluster: &Cluster, remedy: &str) {
    by_hand(remedy);
    // A person's session has the server's own settings, or a hostile owner's: the remedy must stand both.
    let output = cluster.psql(&["-v", "ON_ERROR_STOP=1"], remedy);
    assert!(
        output.status.success(),
        "{remedy}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Does what the comments of a remedy say.
#[track_caller]
fn by_hand(remedy: &str) {
    let comments: Vec<&str> = remedy
        .lines()
        .filter_map(|line| line.strip_prefix("-- "))
        .collect();
    let Some(first) = comments.first() else {
        return;
    };
    if let Some(command) = first.strip_prefix("In a shell on the server: ") {
        let status = Command::new("sh").args(["-c", command]).status();
        assert!(status.is_ok_and(|s| s.success()), "{command}");
    } else if let Some(place) = first.strip_prefix("Line ") {
        let (line, place) = place.split_once(" of ").expect("a file");
        let (file, whole) = match place.strip_suffix(" becomes:") {
            Some(file) => (file, comments[1]),
            None => (
                place
                    .strip_suffix(" goes, or is put right.")
                    .expect("a file"),
                "",
            ),
        };
        rewrite(file, line.parse().expect("a number"), |_| whole.to_owned());
    } else if let Some(rest) = first.strip_prefix("In line ") {
        let (line, rest) = rest.split_once(" of ").expect("a file");
        let (file, changes) = rest.split_once(" write ").expect("changes");
        let changes = changes.strip_suffix('.').expect("a full stop");
        rewrite(file, line.parse().expect("a number"), |old| {
            let mut words: Vec<String> = old.split_whitespace().map(str::to_owned).collect();
            for change in changes.split(", ") {
                let (new, what) = change.split_once(" for ").expect("a change");
                let at = match what {
                    "the address" => 3,
                    word => words.iter().position(|w| w == word).expect("the word"),
                };
                words[at] = new.to_owned();
            }
            words.join(" ")
        });
    } else {
        panic!("nobody knows how to do by hand: {first}");
    }
}

/// Replaces one line of a file.
#[track_caller]
fn rewrite(file: &str, number: usize, change: impl Fn(&str) -> String) {
    let text = fs::read_to_string(file).expect("the file that the remedy names");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[number - 1] = change(&lines[number - 1]);
    fs::write(file, lines.join("\n") + "\n").expect("to write the file");
}

/// A finding that was made is seen as it should be, and is gone when its remedy was run.
#[track_caller]
fn seen_and_mended(scene: &mut Scene, severity: &str, code: &str, object: &str) {
    let found = the(&mut scene.su, code, object);
    assert_eq!(found.severity, severity, "{code}");
    assert!(
        found.sentence.ends_with('.') && found.sentence.len() < 600,
        "{found:?}"
    );
    mend(&scene.cluster, &found.remedy);
    gone(&mut scene.su, code, object);
}

/// A finding goes: at once, or when the server has read its files or the worker has done its work.
#[track_caller]
fn gone(client: &mut Client, code: &str, object: &str) {
    wait_until(&format!("{code} {object} is gone"), SOON, || {
        about(client, code, object).is_empty()
    });
}

/// Makes a finding with a statement; it was not there before.
#[track_caller]
fn make(scene: &mut Scene, sql: &str, code: &str, object: &str) {
    assert_eq!(about(&mut scene.su, code, object), [], "before {sql}");
    run(&mut scene.su, sql);
}

/// Made by a statement of a superuser, seen, mended.
#[track_caller]
fn case(scene: &mut Scene, sql: &str, severity: &str, code: &str, object: &str) {
    make(scene, sql, code, object);
    seen_and_mended(scene, severity, code, object);
}
