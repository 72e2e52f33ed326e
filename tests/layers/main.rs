//! The floors of the house: a module uses what lies to its left in [`FLOORS`] or below, never what lies above; what is
//! `unsafe` stays behind the fence; nothing outside tests ends a backend by `unwrap`, `expect` or `panic!`.
//!
//! The source is read as text, with comments, literals and `#[cfg(test)]` items blanked out.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, and says why"
)]

mod source;

use source::{uses, without_literals, without_tests, words};
use std::fs;
use std::path::{Path, PathBuf};

/// Bottom floor first. Within a floor a module may use those to its left.
const FLOORS: [&[&str]; 4] = [
    &["error", "pg", "settings"],
    &["core"],
    &["events", "catalog", "access", "vault"],
    &[
        "ownership",
        "reports",
        "jobs",
        "permissions",
        "attachments",
        "collaborators",
        "repair",
        "rotation",
        "lifecycle",
        "adoption",
        "setup",
        "extensions",
        "tenants",
        "flat",
        "specs",
    ],
];

/// Above all floors, called by nobody but the front; and so is every room's `api`.
const EDGES: [&str; 6] = ["checks", "doors", "hooks", "metrics", "poolers", "worker"];

/// What may call an edge.
const FRONT: [&str; 2] = ["lib.rs", "doors.rs"];

/// Where `unsafe` may stand.
const FENCE: [&str; 1] = ["pg/"];

/// What ends a backend without an SQLSTATE.
const ABRUPT: [&str; 5] = [
    ".unwrap()",
    ".expect(",
    "panic!(",
    "todo!(",
    "unimplemented!(",
];

/// The rank of an edge and of lib.rs.
const TOP: usize = 1000;

#[test]
fn no_arrow_points_up_and_what_is_dangerous_stays_where_it_belongs() {
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|(path, text)| complaints(path, text))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_checker_sees_what_it_is_there_for() {
    let complains = |path: &str, text: &str, about: &str| {
        let found = complaints(path, text);
        assert!(
            found.iter().any(|line| line.contains(about)),
            "{path}: {text}: {found:?}"
        );
    };
    complains(
        "core/name.rs",
        "use crate::rotation::stage::Stage;",
        "uses rotation",
    );
    complains("core/name.rs", "use crate::pg::role;", "core is pure");
    complains("core/name.rs", "use pgrx::prelude::*;", "core is pure");
    complains(
        "access/mod.rs",
        "use crate::{error::Error, vault, events};",
        "uses vault",
    );
    complains(
        "jobs/store.rs",
        "fn f() { crate::lifecycle::end(); }",
        "uses lifecycle",
    );
    complains(
        "worker.rs",
        "use crate::rotation::api::rotate;",
        "uses rotation::api",
    );
    complains("rotation/api.rs", "use crate::worker;", "uses worker");
    complains(
        "jobs/mod.rs",
        "fn f() { rotation::api::rotate() }",
        "reaches into",
    );
    complains(
        "core/mod.rs",
        "#[cfg(test)]\nmod tests;\nfn f() { x.unwrap() }",
        ".unwrap()",
    );
    complains(
        "vault/mod.rs",
        "use super::super::rotation;",
        "super::super",
    );
    complains("kitchen.rs", "", "no floor");
    complains("jobs/mod.rs", "fn f() { unsafe { g() } }", "unsafe");
    complains("jobs/mod.rs", "fn f() { x.unwrap(); }", ".unwrap()");
    complains(
        "jobs/mod.rs",
        "#[cfg(test)] mod tests { fn t() {} } fn f() { panic!(\"no\"); }",
        "panic!(",
    );
}

#[test]
fn the_checker_lets_pass_what_is_allowed() {
    let passes = |path: &str, text: &str| {
        assert_eq!(
            complaints(path, text),
            Vec::<String>::new(),
            "{path}: {text}"
        )
    };
    passes(
        "access/mod.rs",
        "use crate::{catalog, error::{Error, Result}};\nuse crate::events;",
    );
    passes("rotation/mod.rs", "use crate::rotation::stage;");
    passes(
        "doors.rs",
        "use crate::rotation; fn f() { rotation::api::rotate() }",
    );
    passes("core/name/tests.rs", "fn t() { x.unwrap(); }");
    passes("core/name/tests/odd.rs", "fn t() { x.unwrap(); }");
    passes("core/mod.rs", "#[cfg(test)]\nmod tests;\nfn f() {}");
    passes("rotation/api.rs", "use crate::{lifecycle, rotation};");
    passes("lib.rs", "mod hooks; fn f() { crate::hooks::install(); }");
    passes("pg/lock.rs", "fn f() { unsafe { g() } }");
    passes("jobs/mod.rs", "// use crate::worker; unsafe\nconst A: &str = \"x.unwrap() \\\" unsafe\"; const B: char = '\"';");
    passes(
        "jobs/mod.rs",
        "const A: &str = r#\"panic!(\" unsafe\"#; fn f<'a>(x: &'a str) {}",
    );
    passes("jobs/mod.rs", "#[cfg(test)]\nmod tests { use crate::worker; fn t() { x.unwrap(); if y { panic!(\"\") } } }");
}

/// All files of src/ with their paths below it.
fn sources() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![top.clone()], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of src").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = |path: &PathBuf| {
        let below = path
            .strip_prefix(&top)
            .expect("a path below src")
            .display()
            .to_string();
        (below, fs::read_to_string(path).expect("a source file"))
    };
    files.iter().map(read).collect()
}

/// All that is wrong with one file.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let code = without_tests(&without_literals(text));
    let mut found = Vec::new();
    let (room, edge) = room_of(path);
    match rank(&room) {
        Some(own) => {
            let own = if edge { TOP } else { own };
            for used in uses(&code) {
                if !FRONT.contains(&path)
                    && used.split("::").next() != Some(room.as_str())
                    && !may_use(own, &used)
                {
                    found.push(format!("src/{path} uses {used}, which is not below it"));
                }
            }
        }
        None => found.push(format!(
            "src/{path}: {room} stands on no floor: give it one in tests/layers"
        )),
    }
    if room == "core"
        && (code.contains("pgrx::")
            || uses(&code)
                .iter()
                .any(|used| used != "error" && !used.starts_with("core")))
    {
        found.push(format!("src/{path}: core is pure, it knows no server"));
    }
    if code.contains("::api::") && !FRONT.contains(&path) {
        found.push(format!("src/{path} reaches into a room's api"));
    }
    if code.contains("super::super") {
        found.push(format!("src/{path}: say crate:: instead of super::super"));
    }
    if !FENCE.iter().any(|inside| path.starts_with(inside))
        && words(&code).any(|word| word == "unsafe")
    {
        found.push(format!(
            "src/{path}: unsafe outside {}",
            FENCE.join(" and ")
        ));
    }
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    for call in ABRUPT
        .iter()
        .filter(|call| !is_test && code.contains(**call))
    {
        found.push(format!("src/{path}: {call} outside tests: return an Error"));
    }
    found
}

/// The module that a file belongs to, and whether it is an edge.
fn room_of(path: &str) -> (String, bool) {
    let room = path
        .split('/')
        .next()
        .unwrap_or(path)
        .trim_end_matches(".rs")
        .to_owned();
    let edge = path == "lib.rs"
        || path.ends_with("/api.rs")
        || path.contains("/api/")
        || EDGES.contains(&room.as_str());
    (room, edge)
}

/// How high a module stands.
fn rank(room: &str) -> Option<usize> {
    if room == "lib" || EDGES.contains(&room) {
        return Some(TOP);
    }
    FLOORS.iter().enumerate().find_map(|(floor, rooms)| {
        let place = rooms.iter().position(|candidate| *candidate == room)?;
        Some(floor * 100 + place)
    })
}

/// Whether a module of rank `own` may use `used` (`room`, or `room::api`).
fn may_use(own: usize, used: &str) -> bool {
    let room = used.split("::").next().unwrap_or(used);
    // What is no module is an item of lib.rs, such as a macro.
    !used.ends_with("::api") && rank(room).is_none_or(|other| other < own)
}
