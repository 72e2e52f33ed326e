#![allow(clippy::unwrap_used)] // A test fails by panicking.
use super::*;
use crate::specs::plan::tests::present;
use proptest::prelude::*;

/// The text of a label, read as Mermaid's grammar has a string: up to the next quote, `#number;` a character.
fn read_label(text: &str) -> Option<(String, &str)> {
    let (label, rest) = text.strip_prefix('"')?.split_once('"')?;
    let mut out = String::new();
    let mut left = label;
    while let Some(c) = left.chars().next() {
        left = &left[c.len_utf8()..];
        if c == '#' {
            let (number, after) = left.split_once(';')?;
            out.push(char::from_u32(number.parse().ok()?)?);
            left = after;
        } else if c.is_ascii_alphanumeric() || "_- .,".contains(c) {
            out.push(c);
        } else {
            return None;
        }
    }
    Some((out, rest))
}

fn read_node(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("  n")?;
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = line.split_at(digits);
    for (open, close) in [("([", "])"), ("{{", "}}"), ("[(", ")]"), ("[", "]")] {
        if let Some(rest) = rest.strip_prefix(open) {
            let (label, end) = read_label(rest)?;
            return (end == close).then(|| (format!("n{number}"), label));
        }
    }
    None
}

fn read_edge(line: &str) -> Option<(String, String, String)> {
    let (from, rest) = line.strip_prefix("  ")?.split_once(" -->|")?;
    let (label, rest) = read_label(rest)?;
    let to = rest.strip_prefix("| ")?;
    Some((from.to_owned(), label, to.to_owned()))
}

proptest! {
    #[test]
    fn whatever_the_names_are_the_graph_has_nodes_and_edges_and_nothing_else(now in present()) {
        let text = diagram(&now);
        prop_assert_eq!(&text, &diagram(&now));
        let mut lines = text.lines();
        prop_assert_eq!(lines.next(), Some("flowchart LR"));
        let (mut ids, mut labels) = (Vec::new(), Vec::new());
        for line in lines {
            if let Some((from, _, to)) = read_edge(line) {
                prop_assert!(ids.contains(&from) && ids.contains(&to), "{}", line);
            } else {
                let (id, label) = read_node(line).unwrap();
                prop_assert!(!ids.contains(&id));
                ids.push(id);
                labels.push(label);
            }
        }
        let names = now.credentials.keys().chain(now.groups.keys()).chain(now.schemas.keys());
        for name in names {
            prop_assert!(labels.contains(name), "{:?} {:?}", name, labels);
        }
    }
}

#[test]
fn no_name_ends_its_label() {
    assert_eq!(label("a\"]; click n1 x"), "a#34;#93;#59; click n1 x");
    assert_eq!(label("a\nb%%#"), "a#10;b#37;#37;#35;");
    assert_eq!(label("größe"), "gr#246;#223;e");
}
