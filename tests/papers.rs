//! The papers in front of the house agree with the house.

#![allow(
    clippy::expect_used,
    reason = "a test that cannot go on fails, and says why"
)]

use std::fs;
use std::path::Path;

const META: &str = include_str!("../META.json.in");
const CONTROL: &str = include_str!("../credential_manager.control");
const CHANGELOG: &str = include_str!("../CHANGELOG.md");
const ARCHITECTURE: &str = include_str!("../docs/architecture.md");
const STAGES: &str = include_str!("../src/jobs/stage.rs");
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn the_version_stands_in_cargo_toml_alone() {
    for paper in [META, CONTROL] {
        assert!(paper.contains("@CARGO_VERSION@"));
        assert!(!paper.contains(VERSION), "{paper}");
    }
    let newest = CHANGELOG.lines().next().expect("a first line");
    assert!(newest.starts_with(&format!("## {VERSION} (")), "{newest}");
}

#[test]
fn meta_json_is_what_pgxn_asks_for_and_names_files_that_are_there() {
    let made = META.replace("@CARGO_VERSION@", VERSION);
    let meta: serde_json::Value = serde_json::from_str(&made).expect("valid JSON");
    for key in ["name", "version", "abstract", "maintainer", "license"] {
        assert!(meta[key].as_str().is_some_and(|v| !v.is_empty()), "{key}");
    }
    assert_eq!(meta["meta-spec"]["version"], "1.0.0");
    let provided = &meta["provides"]["credential_manager"];
    assert_eq!(provided["version"], VERSION);
    let file = provided["file"].as_str().expect("provides.file");
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists());
}

#[test]
fn every_change_begins_with_what_kind_it_is() {
    let kinds = ["Added", "Changed", "Fixed", "Improved", "Dropped"];
    for line in CHANGELOG.lines().filter(|line| line.starts_with('-')) {
        let kind = line.split(' ').nth(1).expect("a word");
        assert!(kinds.contains(&kind), "{line}");
    }
}

#[test]
fn the_architecture_names_every_room_and_no_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms: Vec<String> = fs::read_dir(source)
        .expect("src")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|room| room != "lib")
        .collect();
    let table = ARCHITECTURE.split("| room |").nth(1).expect("the rooms");
    let table = table.split("\n\n").next().expect("the end of the table");
    let mut named: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    rooms.sort();
    named.sort_unstable();
    assert_eq!(named, rooms);
}

#[test]
fn the_picture_of_the_stages_has_the_stages_of_the_code() {
    let words = STAGES.split("impl Stage").nth(1).expect("the stages");
    let words = words.split("fn parse").next().expect("their words");
    let picture = ARCHITECTURE.split("stateDiagram-v2").nth(1).expect("it");
    let picture = picture.split("```").next().expect("its end");
    let drawn: Vec<&str> = picture
        .lines()
        .filter_map(|line| line.trim().strip_prefix("state \"")?.split(" as ").nth(1))
        .collect();
    let coded: Vec<&str> = words
        .lines()
        .filter_map(|line| line.trim().split("=> \"").nth(1)?.strip_suffix("\","))
        .collect();
    assert!(coded.len() > 4);
    assert_eq!(drawn, coded);
}
