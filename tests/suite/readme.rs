//! The README keeps its word: what stands in it was typed and answered so.

use crate::harness::Cluster;

const README: &str = include_str!("../../README.md");
const DEMO: &str = include_str!("../../scripts/demo.sh");
const APPLICATION: &str = include_str!("../../scripts/demo_schema.sql");

/// A block of SQL, and the answer that follows it, where one does.
#[derive(Default)]
struct Block {
    heading: String,
    /// Who types it: the first line, `-- as superuser`.
    who: String,
    statements: Vec<String>,
    answer: Option<String>,
}

/// The README's blocks of SQL in their order.
fn blocks() -> Vec<Block> {
    let (mut blocks, mut heading) = (Vec::<Block>::new(), String::new());
    let mut lines = README.lines().map(str::trim_end);
    // An answer is the next block after its statements, with nothing said in between.
    let mut answers = false;
    while let Some(line) = lines.next() {
        let mut fenced = || {
            let inner: Vec<&str> = lines.by_ref().take_while(|l| l.trim() != "```").collect();
            inner.join("\n")
        };
        match line.trim_start() {
            "```sql" => {
                blocks.push(block(&heading, &fenced()));
                answers = true;
            }
            "```text" => {
                assert!(answers, "{heading}: an answer without statements");
                blocks.last_mut().unwrap().answer = Some(fenced());
                answers = false;
            }
            "" => {}
            other => {
                answers = false;
                if let Some(title) = other.strip_prefix('#') {
                    heading = title.trim_start_matches('#').trim().to_owned();
                } else if other.starts_with("```") {
                    fenced();
                }
            }
        }
    }
    blocks
}

fn block(heading: &str, text: &str) -> Block {
    let (first, rest) = text.split_once('\n').unwrap();
    let who = first.trim().strip_prefix("-- as ");
    let statements = rest.split(";\n").map(|s| words(s.trim_end_matches(';')));
    Block {
        heading: heading.to_owned(),
        who: who
            .unwrap_or_else(|| panic!("{heading}: who types {first}?"))
            .to_owned(),
        statements: statements.collect(),
        answer: None,
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An answer without what differs from run to run: a generated password is P, a number 0, and the width
/// of columns, which follows from them, is gone.
fn shape(answer: &str) -> Vec<String> {
    let shaped = answer.lines().map(|line| {
        let words = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
        squeeze(&words.map(shape_of_word).collect::<String>())
    });
    shaped.filter(|line| !line.is_empty()).collect()
}

/// A word comes with the character behind it.
fn shape_of_word(word: &str) -> String {
    let text = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let mark = &word[text.len()..];
    match text {
        _ if text.len() == 65 => format!("P{mark}"),
        _ if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => format!("0{mark}"),
        _ => word.to_owned(),
    }
}

/// One blank for several, one dash for several.
fn squeeze(line: &str) -> String {
    let mut squeezed = String::new();
    for c in line.chars() {
        if !(matches!(c, ' ' | '-') && squeezed.ends_with(c)) {
            squeezed.push(c);
        }
    }
    squeezed.trim().to_owned()
}

/// What psql says to one statement.
fn ask(cluster: &Cluster, url: Option<&str>, statement: &str) -> String {
    let mut args: Vec<&str> = vec!["-v", "ON_ERROR_STOP=1", "-P", "pager=off", "-c", statement];
    args.extend(url);
    let output = cluster.psql(&args, "");
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "{statement}\n{said}");
    // libpq complains about the harness's way to have no password file.
    let lines = said.lines().filter(|l| !l.contains("password file"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_statement_of_the_readme_runs_in_its_order_and_is_answered_as_it_stands_there() {
    let cluster = Cluster::new();
    let mut wrong = String::new();
    let mut application_is_there = false;
    for block in blocks() {
        let url = match block.who.as_str() {
            "superuser" => None,
            "the default credential" => Some(cluster.url("default")),
            name => Some(cluster.url(name)),
        };
        if let (Some(url), false) = (&url, application_is_there) {
            let output = cluster.psql(&["-q", "-v", "ON_ERROR_STOP=1", url], APPLICATION);
            application_is_there = output.status.success();
            assert!(application_is_there, "scripts/demo_schema.sql");
        }
        let said: String = block
            .statements
            .iter()
            .map(|statement| ask(&cluster, url.as_deref(), statement))
            .collect();
        if block.answer.is_some_and(|a| shape(&a) != shape(&said)) {
            wrong += &format!("\n## {}: the answer is now\n{said}", block.heading);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_the_readme_starts_with_is_what_the_demo_types() {
    let demo = words(DEMO);
    let start: Vec<Block> = blocks()
        .into_iter()
        .filter(|b| b.heading == "Getting started")
        .collect();
    assert!(start.len() > 3);
    for statement in start.iter().flat_map(|block| &block.statements) {
        assert!(demo.contains(statement), "the demo lacks: {statement}");
    }
}
